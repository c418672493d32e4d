"""The phone of the model: one card, and what it holds. Seal late, never reuse a dot, entries and epochs only grow.

One `sync` is one round trip, so that everything can come between two of them. Crypto is faked (model_rules.py); a store
that survives a kill is not modelled: shipped_worlds.py kills the shipped phone. Bad days are model_bad_days.py's.
"""

import copy
from typing import NamedTuple

from tests.simulation.model_bad_days import BadDays
from tests.simulation.model_keys import Keys
from tests.simulation.model_rules import (
    EDITOR,
    OWNER,
    VIEWER,
    Change,
    Entry,
    Epoch,
    Fold,
    Frame,
    apply_change,
    entry,
    epoch_id_of,
    frame,
    judge_entry,
    state_root,
)
from tests.simulation.model_server import Ask
from tests.simulation.ports import Look


class Void(NamedTuple):
    """A frame that the log holds as void, and why."""

    hash: str
    item: Frame
    why: str


class ModelPhone(Keys, BadDays):
    """`chunk`: frames a request carries; `per_frame`: changes a frame carries. `rng` draws keys."""

    def __init__(self, card, person, server, rng, rules, chunk=99, per_frame=3):
        self.card, self.person, self.server, self.rng, self.rules = card, person, server, rng, rules
        self.chunk, self.per_frame = chunk, per_frame
        self.fold, self.records, self.have, self.void = Fold(), {}, {}, []
        self.keys = {}  # epoch id -> key: authenticated by its own hash
        self.outbox, self.fly, self.acked, self.aside, self.n = [], [], set(), [], 0
        self.at_head = self.removed = self.key_missing = False
        self.refusal = self.halted = None
        self.intents, self.wanted, self.findings = [], (), []
        self.reading, self.next_card, self.old_cards, self.recovery = False, None, [], None
        self.left, self.strange, self.put_away, self._by_owner, self.before = {}, {}, set(), {}, set()
        self.dropped_ever, self.lost, self.known_lost, self.owners_before, self.epoch_top = set(), {}, set(), None, 0
        self.today, self.lowered = 0, {}  # person -> (role by an entry that got lost, how much the logs had in common)

    def clone(self):
        """The same store once more."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list | set):
                setattr(twin, name, copy.copy(value))
        twin.fold, twin.records = self.fold.copy(), {key: dict(held) for key, held in self.records.items()}
        return twin

    # What its person does.

    async def edit(self, record, key, value):
        register = dict(self.records.get((record, key), {}))
        view = {(record, key): register}
        for change in self.outbox:
            if (change.record, change.key) == (record, key):
                apply_change(view, change, self.rules)
        register = view[record, key]
        if not self.rules.hold("a dot is never reused"):
            self.n = max([self.fold.vector.get(self.card, 0), *(change.dot[1] for change in self.outbox)])
        self.n += 1
        self.outbox.append(Change((self.card, self.n), record, key, value, tuple(sorted(register))))
        return frozenset(register.values())

    async def rotate(self):
        self.intents.append(("rotate", self.fold.epoch.number))

    async def let_in(self, phone, person, role, until=None):
        self.intents.append(("add", phone.card, person, role, until))

    async def drop(self, card):
        self.intents.append(("drop", card))

    async def set_role(self, person, role):
        self.intents.append(("role", person, role))

    async def drop_person(self, person):
        self.intents.append(("drop person", person))

    async def adopt(self, decline=False):
        return self.adopt_one(decline)

    async def accept(self):
        self.accept_log()

    # One round trip.

    async def sync(self, lost_answer=False):
        if self.halted:
            return
        ask = self._prepare()
        answer = self.server.answer(ask)
        if not lost_answer:
            self._hear(ask, answer)

    def _prepare(self):
        """Builds an entry at the head, to go alone, or seals what waits; else resends what is in flight."""
        if not self.rules.hold("sealed bytes are sent again, not sealed again"):
            self.fly = [f for f in self.fly if f.hash in self.acked]
        built = None if self.fly or self.reading else self._entry_of_intent()
        if built:
            epoch_id = built.epoch.id if built.epoch else self.fold.epoch.id
            cards = judge_entry(self.fold, built, self.rules)[1].cards
            return self._ask((built,), self.wraps_for(epoch_id, cards), self.box(epoch_id) if built.epoch else None)
        self._seal()
        sent = tuple(f for f in self.fly if f.hash not in self.acked)[: self.chunk]
        wraps = self._granted()
        return self._ask(sent, wraps, self._full_box() if wraps else None)

    def _ask(self, items=(), wraps=(), box=None, replay=False):
        held = max([e.number for e in self._epochs() if e.id in self.keys], default=0)
        cursor, lost = len(self.fold.items), tuple(self.lost.values())
        return Ask(self.card, cursor, self.fold.L[-1], items, wraps, box, held, self.key_missing, replay, lost)

    def _epochs(self):
        return [self.fold.items[seq - 1].epoch for seq in self.fold.epochs.values()]

    def _seal(self):
        """Late: only at the head, with the head's key, and while no older frame is unread."""
        role, fold = self.fold.table.role(self.card), self.fold
        ready = self.at_head and not self.removed and role is not None and role >= EDITOR and fold.epoch.id in self.keys
        if self.fly or not ready or self.next_card or self.held_back():
            return
        self._drop_brought()
        fseq, prev = fold.chain.get(self.card, (0, ""))
        for start in range(0, len(self.outbox), self.per_frame):
            fseq += 1
            changes = tuple(self.outbox[start : start + self.per_frame])
            seen = (len(fold.items), fold.L[-1])
            sealed = frame(fold.table.version, self.card, fseq, prev, fold.epoch.id, seen, changes)
            self.fly.append(sealed)
            prev = sealed.hash

    def _hear(self, ask, answer):
        if answer.code == "behind":
            self._replay(answer)
            return
        if answer.code == "diverged":
            self._rebase()
            return
        if answer.code == "device_forked" and self._proves_fork(answer.proof):
            self._rebase(forked=True)
            return
        was_at_head, self.at_head = self.at_head, False
        self.removed = answer.code == "removed"
        self.acked.update(answer.acks)
        if ask.items and isinstance(ask.items[0], Entry):
            self._hear_of_entry(answer)
        elif answer.code and not self.removed and answer.code != "until":
            self._refused(answer.code, was_at_head and not answer.items)
        if not self.rules.hold("kept until read in the log"):
            done = {change for f in self.fly if f.hash in self.acked for change in f.changes}
            self.fly = [f for f in self.fly if f.hash not in self.acked]
            self.outbox = [change for change in self.outbox if change not in done]
        if answer.key:
            self._learn(answer.key)
        if self.removed:
            if not self.rules.hold("removed erases nothing"):
                self.outbox, self.fly, self.records, self.have = [], [], {}, {}
            if self._recovering():
                self.old_cards, self.card, self.next_card = [self.card], self.next_card, None
                self.intents = []
            elif not self.reading:
                self._come_back()
            return
        self.wanted = answer.wanted
        for item, good in answer.items:
            if not self._take(item, good, ask.items):
                if self.halted == "cloned":
                    self.halted = None
                    self._rebase(forked=True)
                    return
                break
        else:
            self.at_head = not answer.more
        if self.at_head and not answer.code and all(f.hash in self.acked for f in self.fly):
            self.refusal = None if not self.fly else self.refusal
            if self.rules.hold("an acknowledgement only pauses the resending"):
                self.acked = set()  # acknowledged and yet not in the log: a restored server lost them
        self.key_missing = any(epoch not in self.keys for epoch in self.fold.epochs)
        self.today = self.server.today
        self._hear_of_lost(answer.lost)
        self._end_halt()
        self._new_card_listed()
        self._set_a_viewers_aside()

    def _set_a_viewers_aside(self):
        """What was written before its author read that she may only read."""
        if self.at_head and not self.fly and self.fold.table.role(self.card) == VIEWER and self.outbox:
            self.aside += [(change, "rights") for change in self.outbox if change.value is not None]
            self.outbox = []

    def _hear_of_entry(self, answer):
        """A wish is kept until the log holds it: an acknowledged entry may be gone with a restore."""
        if answer.code == "cas" and not self.rules.hold("on cas the wish is kept"):
            self.intents = self.intents[1:]
        elif answer.code not in ("cas", "removed", "until", None):
            self.findings.append(f"entry refused: {answer.code}")
            self.intents = self.intents[1:]

    def _refused(self, code, sealed_at_head):
        """Drops exactly the unacknowledged tail; the same refusal under the same entry head sets its first aside."""
        careful = self.rules.hold("set aside only under the same entry head")
        again = (code, self.fold.entry_head) if careful else code
        tail = [f for f in self.fly if f.hash not in self.acked]
        if tail and self.refusal == again and (sealed_at_head or not careful):
            self._set_aside(tail[0], code)
        self.refusal = again
        exactly = self.rules.hold("exactly the unacknowledged tail is dropped")
        self.fly = [f for f in self.fly if f.hash in self.acked] if exactly else []

    def _set_aside(self, sealed, why):
        self.aside += [(change, why) for change in sealed.changes if change in self.outbox]
        self.outbox = [change for change in self.outbox if change not in sealed.changes]

    def _take(self, item, good, sent):
        """Judges and applies one item of the log; False if nothing from it on can be taken now."""
        verdict = None
        if not good:
            self.findings.append("signature")
            if self.rules.hold("a bad signature is no part of a log"):
                return False
            verdict = "signature"
        verdict = verdict or self.fold.judge(item, self.rules)
        if isinstance(item, Entry):
            self.fold.append(item, verdict, self.rules)
            if verdict is None:
                self.dropped_ever |= {edit[1] for edit in item.edits if edit[0] == "drop"}
                self.epoch_top = max(self.epoch_top, self.fold.epoch.number)
            return True
        unknown = item.author == self.card and item not in self.fly and item not in sent and not self._left_behind(item)
        if unknown and not self.reading and self.rules.hold("a card that is used twice is found out"):
            self.halted = "cloned"
            return False
        if verdict is None and item.epoch not in self.keys:
            self.key_missing = True
            if self.rules.hold("a frame whose key is missing is waited for"):
                return False
            verdict = "open"
        if item.seen[0] < len(self.fold.L) and self.fold.L[item.seen[0]] != item.seen[1]:
            self.findings.append("seen")
        verdict = verdict or self.fold.judge_content(item)
        self.fold.append(item, verdict, self.rules)
        self.fly = [f for f in self.fly if f.hash != item.hash]
        self.acked.discard(item.hash)
        if verdict is not None:
            self.void.append(Void(item.hash, item, verdict))
            self._set_aside(item, verdict)
            return True
        for change in item.changes:
            apply_change(self.records, change, self.rules)
            self.have[change.dot] = change
            self._by_owner[change.dot] = self.fold.table.role(item.author) == OWNER
        self.outbox = [change for change in self.outbox if change not in item.changes]
        return True

    # Entries: built online only, from a wish, at the head.

    def _entry_of_intent(self):
        """The entry that the oldest wish means on the table as it stands; wishes that hold or may not be are
        dropped."""
        fold, me = self.fold, self.fold.table.role(self.card)
        if not self.at_head or self.removed or fold.epoch.id not in self.keys:
            return None
        if self.held_back():
            return self._repeated()
        if (
            self.next_card
            and ("add", self.next_card, self.person, me, None) not in self.intents
            and not self._recovering()
        ):
            self.intents.insert(0, ("add", self.next_card, self.person, me, None))
        self._see_to_end_dates(me)
        due = fold.rotation_due and me == OWNER and self.rules.hold("an owner completes a drop")
        if due and not self.intents:
            self.intents.append(("rotate", fold.epoch.number))
        while self.intents:
            edits = self._edits(self.intents[0])
            if edits is not None:
                is_drop = any(edit[0] == "drop" for edit in edits)
                built = self.build(edits, (is_drop or not edits) and me == OWNER)
                if judge_entry(fold, built, self.rules)[0] is None:
                    return built
            self.intents = self.intents[1:]
        return None

    def _see_to_end_dates(self, me):
        """An owner's phone drops whose end date has passed, by its own clock."""
        table = self.fold.table
        for person, (_, until) in table.people.items() if me == OWNER else ():
            if until is not None and self.today > until and table.cards_of(person):
                wish = ("drop person", person)
                self.intents += (
                    [wish] if wish not in self.intents and self.rules.hold("an end date is acted on") else []
                )

    def _edits(self, intent):
        """What a wish means on this table, () for a bare new epoch, None if it holds already."""
        what, *rest = intent
        table = self.fold.table
        if what == "rotate":
            return () if self.fold.epoch.number <= rest[0] and table.role(self.card) == OWNER else None
        if what == "add":
            card, person, role, until = rest
            if self.rules.hold("a wish means what the table says now"):
                role, until = table.people.get(person, (role, until))
            return None if card in table.ever else (("add", card, 0, person, role, until),)
        if what == "drop":
            return (("drop", rest[0]),) if rest[0] in table.cards else None
        if what == "drop person":
            return tuple(("drop", card) for card in table.cards_of(rest[0])) or None
        if what == "recover":
            return self._says(self.card, table) if self.card in table.cards else None
        person, role = rest
        if person not in table.people or not table.cards_of(person):
            return None
        return None if table.people[person][0] == role else (("role", person, role),)

    def build(self, edits, starts_epoch):
        """An entry on top of this log; the key of the epoch that it starts is kept before it is sent."""
        fold, epoch = self.fold, None
        if starts_epoch:
            key = f"key {self.rng.getrandbits(64)}"
            above = self.epoch_top if self.rules.hold("epochs only grow") else 0
            epoch = Epoch(max(fold.epoch.number, above) + 1, max(1, fold.epoch.suite), epoch_id_of(key))
            self.keys[epoch.id] = key
        seen = (len(fold.items), fold.L[-1])
        return entry(fold.table.version, fold.entry_head, seen, self.card, tuple(edits), epoch)

    # A server that was restored from a backup.

    def _replay(self, answer):
        """Pushes what the server lost, everyone's, verbatim and in order; the connection may break on the way."""
        if self.fold.L[answer.seq] != answer.L:
            self._rebase()
        else:
            self._hand_in(answer.seq, self.card)

    def _hand_in(self, seq, card):
        fold, head = self.fold, self.fold.epoch.id
        for start in range(seq, len(fold.items), self.chunk):
            items = tuple(fold.items[start : start + self.chunk])
            wraps = self.wraps_for(head, fold.table.cards) if head in self.keys else ()
            box = self._full_box() if wraps else None
            ask = Ask(card, start, fold.L[start], items, wraps, box, replay=True)
            result = self.server.answer(ask)
            if result.code not in (None, "removed") or self.rng.random() < 0.1:
                return

    # What can be seen.

    async def look(self):
        waits = ["intent"] * bool(self.intents) + ["key"] * self.key_missing
        waits += ["rotation"] * (self.fold.rotation_due and self.fold.table.role(self.card) == OWNER)
        waits += ["new card"] * bool(self.next_card) + ["rollback"] * self.held_back()
        known = [*self.have.values(), *self.outbox, *(change for change, _ in self.aside)]
        shown = [c for void in self.void if void.item.epoch in self.keys for c in void.item.changes]
        return Look(
            self.card,
            self.person,
            None if self._recovering() else self.fold.table.role(self.card),
            self.removed,
            len(self.fold.items),
            state_root(self.records),
            tuple(self.fold.verdicts),
            frozenset(change.value for change in self.have.values()) - {None},
            frozenset(value for register in self.records.values() for value in register.values()),
            frozenset(change.value for change in self.outbox) - {None},
            frozenset((change.value, why) for change, why in self.aside),
            frozenset(change.value for change in shown) - {None},
            tuple((change.dot, change.value) for change in [*known, *shown]),
            self.halted,
            tuple(waits),
            tuple(self.findings),
            frozenset(c.value for _, _, changes in self.offers() for c in changes),
            frozenset(self.fold.table.cards),
            frozenset(
                card
                for card, person in self.fold.table.ever.items()
                if card not in self.fold.table.cards and person != self.fold.table.subject
            ),
        )
