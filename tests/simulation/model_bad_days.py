"""What the model's phone does when the log it reads is not the one it knows, told a second time from the text alone.

A mixin of ModelPhone: rebase, a card that is used twice, no rollback of membership, adoption, coming back by an old
card. Reading a log anew is one step here, that may fail as a whole. Spec: openapi/protocol/bad-days.md; recovery.md.
"""

from tests.simulation.model_rules import (
    DEVICE,
    OWNER,
    RECOVERY,
    Change,
    Entry,
    Epoch,
    Fold,
    Frame,
    entry,
    epoch_id_of,
    judge_entry,
)

VAULT = "@vault"  # the record of names; a change of it that sets nothing declines what its `via` names


class BadDays:
    """The part of a phone that bad days call for; its fields are ModelPhone's."""

    # Carried changes.

    def _carry(self, changes, via, here):
        """New changes of this card for old ones, oldest first: above every number it ever gave, preds by content."""
        renamed = {}
        for change in changes:
            preds = [renamed.get(pred, pred) for pred in change.preds if pred in renamed or here(pred)]
            self.n += 1
            dot = renamed[change.dot] = (self.card, self.n)
            self.outbox.append(Change(dot, change.record, change.key, change.value, tuple(sorted(preds)), via(change)))

    def offers(self):
        """What may be taken over here: (frame hash, author, changes), without what the log has meanwhile."""
        role = self.fold.table.role(self.card)
        if role is None or self.removed:
            return []
        named = {c.via for c in self.have.values() if c.via and self._by_owner.get(c.dot)}
        values = {c.value for c in self.have.values()}
        waiting = {c.via for c in self.outbox}
        found = []
        for frame in self.void:
            closed = ("frame", frame.hash) in (
                named if self.rules.hold("what an owner's word names is offered no more") else ()
            )
            if role == OWNER and frame.why == "rights" and frame.item.author in self.fold.lost_rights and not closed:
                found.append((frame.hash, frame.item.author, frame.item.changes))
        if role > 0:
            for hash_, (author, changes) in self.strange.items():
                left = tuple(c for c in changes if c.value not in values)
                found += [(hash_, author, left)] if left and hash_ not in self.put_away else []
        return [one for one in found if ("frame", one[0]) not in waiting and one[0] not in self.put_away]

    def adopt_one(self, decline):
        """Takes the first offer over or declines it; gives its values, none if there is no offer."""
        if self.halted or self.next_card or not self.offers():
            return ()
        hash_, _, changes = self.offers()[0]
        if decline:
            self.put_away.add(hash_)
            self.n += 1
            self.outbox.append(Change((self.card, self.n), VAULT, "", None, (), ("frame", hash_)))
        else:
            self._carry(changes, lambda _: ("frame", hash_), self.have.__contains__)
        return tuple(c.value for c in changes)

    # Rebase.

    def _rebase(self, forked=False):
        """Reads the server's log from the start beside one's own, and puts it in that one's place; or all stays."""
        new = type(self)(self.card, self.person, self.server, self.rng, self.rules, self.chunk, self.per_frame)
        new.keys, new.reading = self.keys, True
        for _ in range(len(self.server.fold.items) + 3):
            ask = new._ask()
            new._hear(ask, self.server.answer(ask))
            if new.at_head or new.removed:
                break
        if new.removed or not new.at_head or new.key_missing or self.rng.random() < 0.1:
            self.removed = new.removed
            return
        self.findings.append("cloned" if forked else "diverged")
        old, old_void, self.left = self.fold, self.void, {**self.left, **self.have}
        self.before |= {i.hash for i in old.items if isinstance(i, Frame)} | {f.hash for f in self.fly}
        gone = {i.hash for i in new.fold.items}
        for item, verdict in zip(old.items, old.verdicts, strict=True):
            mine = isinstance(item, Frame) and item.author == self.card
            if isinstance(item, Frame) and verdict is None and not mine and item.hash not in gone:
                self.strange[item.hash] = (item.author, item.changes)
        common = sum(a == b for a, b in zip(old.L, new.fold.L, strict=False)) - 1
        self.lowered = {person: (role, min(place, common)) for person, (role, place) in self.lowered.items()}
        for item, verdict in zip(old.items[common:], old.verdicts[common:], strict=True):
            for edit in item.edits if isinstance(item, Entry) and verdict is None else ():
                self.lowered |= {edit[1]: (edit[2], common)} if edit[0] == "role" else {}
        for name in ("fold", "records", "have", "at_head", "key_missing", "wanted", "_by_owner"):
            setattr(self, name, getattr(new, name))
        self.void = [*new.void, *(v for v in old_void if v.hash not in {n.hash for n in new.void})]
        self.fly, self.acked, self.refusal = [], set(), None
        self.dropped_ever |= new.dropped_ever
        self._lose(i for i, v in zip(old.items, old.verdicts, strict=True) if isinstance(i, Entry) and v is None)
        if self.lost and self.owners_before is None:
            self.owners_before = _owners(old.table)
        if forked and not self.next_card:
            self.next_card = f"{self.card.split('~')[0]}~{self.rng.getrandbits(30)}"
        if not self.next_card:
            self._take_along(self.card)

    def _take_along(self, writer):
        """What one wrote and the log lacks, by dot and content, goes out under the card that writes from now on."""
        mine, self.card = self.card, writer
        left, self.left = self.left, {}
        waiting, self.outbox = self.outbox, []
        elsewhere = {**left, **{change.dot: change for change in waiting}}
        by_content = self.rules.hold("a rebase compares what a dot says")

        def here(dot):
            same = not self.rules.hold("preds are compared by content") or elsewhere.get(dot) in (
                None,
                self.have.get(dot),
            )
            return dot in self.have and same

        own = [c for c in elsewhere.values() if c.dot[0] == mine]
        lacking = [c for c in own if (self.have.get(c.dot) != c if by_content else c.dot not in self.have)]
        if not self.rules.hold("a rebase repeats one's own alone"):
            lacking = [c for c in elsewhere.values() if self.have.get(c.dot) != c]
        if not self.rules.hold("a rebase takes what waits along"):
            lacking = [c for c in lacking if c not in waiting]
        if not self.rules.hold("a rebase takes along what a log had"):
            lacking = [c for c in lacking if c in waiting]
        brought = self._brought()
        lacking = [c for c in lacking if (_as_brought(c), c.record, c.key, c.value) not in brought]
        if self.rules.hold("a dot is never reused"):
            self.n = max([self.n, *(dot[1] for dot in [*elsewhere, *self.have] if dot[0] == writer)])
        else:
            self.n = self.fold.vector.get(writer, 0)
        self._carry(lacking, _as_brought, here)

    def _brought(self):
        """What the log holds as carried over already."""
        if not self.rules.hold("what the log holds under a via is not sent again"):
            return set()
        return {(c.via, c.record, c.key, c.value) for c in self.have.values() if c.via}

    def _drop_brought(self):
        """Of what waits unsealed, what the log has got under the same `via` meanwhile."""
        flying, brought = {c for f in self.fly for c in f.changes}, self._brought()
        self.outbox = [
            c
            for c in self.outbox
            if c in flying or not c.via or c.via[0] != "dot" or (c.via, c.record, c.key, c.value) not in brought
            if c in flying or not c.via or not self._is_back(c)
        ]

    def _is_back(self, change):
        """True of a change whose old self the log holds after all."""
        old = self.have.get(change.via[1:])
        return old is not None and (old.record, old.key, old.value) == (change.record, change.key, change.value)

    # A card that is used twice, and coming back by an old card.

    def _proves_fork(self, proof):
        """True of a frame of this card that this phone has not made, beyond what it has read of its own."""
        known = proof.hash in {f.hash for f in self.fly} or self._left_behind(proof)
        return proof.author == self.card and proof.fseq > self.fold.chain.get(self.card, (0, ""))[0] and not known

    def _left_behind(self, item):
        """True of a frame of a log that this phone left: who never left it may bring that back in parts."""
        return item.hash in self.before and self.rules.hold("a frame of a log that was left is no clone's")

    def _recovering(self):
        """True until the entry of the recovery card is in."""
        return self.recovery is not None and self.next_card == self.recovery[0]

    def _new_card_listed(self):
        """This phone is its new card once the log lists it."""
        if self.next_card and self.next_card in self.fold.table.cards and self.at_head:
            new, self.next_card = self.next_card, None
            self.old_cards.insert(0, self.card)
            self.intents = [i for i in self.intents if i[0] != "recover"]
            self._take_along(new)
            self.at_head = False

    def _come_back(self):
        """Where the server's log never named this card, the one it had before signs the entry that adds it again."""
        for old in self.old_cards if self.rules.hold("an old card brings the new one back") else ():
            if self.card in self.dropped_ever:
                return
            log = type(self)(old, self.person, self.server, self.rng, self.rules, self.chunk, self.per_frame)
            log.keys, log.reading = self.keys, True
            for _ in range(len(self.server.fold.items) + 3):
                ask = log._ask()
                log._hear(ask, self.server.answer(ask))
                if log.at_head or log.removed:
                    break
            if log.removed or not log.at_head or self.card in log.fold.table.ever or log.fold.epoch.id not in self.keys:
                continue
            seq = len(log.fold.items)
            if seq < len(self.fold.items) and self.fold.L[seq] == log.fold.L[-1]:
                self._hand_in(seq, old)
                return
            edits = self._says(old, log.fold.table)
            built = log.build(edits, log.fold.table.role(old) == OWNER and any(e[0] == "drop" for e in edits))
            reason, table = judge_entry(log.fold, built, self.rules)
            if reason is None:
                epoch_id = (built.epoch or log.fold.epoch).id
                box = log.box(epoch_id) if built.epoch else None
                self.server.answer(log._ask((built,), log.wraps_for(epoch_id, table.cards), box))
            return

    def _says(self, old, table):
        """What the old card signs: it adds the new one; a recovery card goes, and leaves another behind."""
        person, kind = table.cards[old]
        role, until = table.people[person]
        if kind == DEVICE:
            return (("add", self.card, DEVICE, person, role, until),)
        new, code, lost = self.recovery
        return (
            ("add", new, DEVICE, person, role, until),
            ("add", code, RECOVERY, person, role, until),
            ("drop", old),
            *(("drop", card) for card in lost if card in table.cards_of(person)),
        )

    # No rollback of membership.

    def _lose(self, entries):
        """Good entries of another log that this one lacks: they are handed in, and their removals hold here."""
        here = {item.hash for item in self.fold.items}
        for item in entries:
            if item.hash not in here and item.hash not in self.known_lost:
                self.lost[item.hash] = item
                self.dropped_ever |= {edit[1] for edit in item.edits if edit[0] == "drop"}
        self.lost = {hash_: item for hash_, item in self.lost.items() if hash_ not in here}

    def _hear_of_lost(self, entries):
        """An owner's phone judges each lost entry where it stood; a signed wish is no order."""
        new = {e.hash: e for e in entries if e.hash not in self.known_lost and e.hash not in self.lost}
        for item in self.fold.items:
            new.pop(item.hash, None)
        if not new or self.reading or self.card not in self.fold.table.owner_phones():
            return
        if not self.rules.hold("lost entries are judged where they stood"):
            self._lose(new.values())
            return
        fold, branches = Fold(), {}
        for item, verdict in zip(self.fold.items, self.fold.verdicts, strict=True):
            fold.append(item, verdict, self.rules)
            if fold.entry_head not in branches and fold.entry_head in {e.prev for e in new.values()}:
                branches[fold.entry_head] = fold.copy()
        while ready := [e for e in new.values() if e.prev in branches]:
            for item in ready:
                del new[item.hash]
                branch = branches[item.prev].copy()
                if branch.judge(item, self.rules) is None:
                    branch.append(item, None, self.rules)
                    branches[item.hash] = branch
                    self._lose([item])

    def owners_in_both(self):
        now = _owners(self.fold.table)
        return now if self.owners_before is None else now & self.owners_before

    def spoken(self):
        """True if an owner of both logs has appended an entry after the last one common to both."""
        places = {"vault": 0, **{item.hash: seq for seq, item in enumerate(self.fold.items, 1)}}
        common = min((places[e.prev] for e in self.lost.values() if e.prev in places), default=0)
        owners = self.owners_in_both()
        after = zip(self.fold.items[common:], self.fold.verdicts[common:], strict=True)
        return any(isinstance(i, Entry) and v is None and i.author in owners for i, v in after)

    def undone(self):
        """Removals seen and lowered roles that do not hold in this log, where somebody may repeat them."""
        table = self.fold.table
        back = (
            [c for c in table.cards if c in self.dropped_ever]
            if self.rules.hold("removed cards are dropped again")
            else []
        )
        hers = any(table.cards[c][0] == table.subject for c in self.owners_in_both() if c not in back)
        edits = [("drop", card) for card in back if hers or table.cards[card][0] != table.subject]
        if self.rules.hold("lowered roles are lowered again"):
            for edit in [e for item in self.lost.values() for e in item.edits if e[0] == "role"]:
                lowered = table.cards_of(edit[1]) and table.people[edit[1]][0] > edit[2]
                edits += [edit] if lowered and edit[1] != table.subject and edit not in edits else []
        return edits

    def held_back(self):
        """True while this phone writes nothing."""
        if not (self.lost or self.dropped_ever) or not self.rules.hold("no rollback of membership"):
            return False
        return bool(self.undone()) or bool(self.lost and not self.spoken())

    def _repeated(self):
        """The one entry that ends the halt, of an owner's phone; None: nothing to say, or not hers."""
        if self.card not in self.owners_in_both() or self.card not in self.fold.table.owner_phones():
            return None
        due, silent = self.undone(), bool(self.lost and not self.spoken())
        rest = [e for item in self.lost.values() for e in item.edits if e[0] not in ("drop", "role")] if silent else []
        said = []
        for edit in [*due, *rest]:
            if judge_entry(self.fold, self._entry((*said, edit), "asked"), self.rules)[0] is None:
                said.append(edit)
        needed = silent or any(edit in due for edit in said)
        return self.build(tuple(said), True) if needed else None

    def _entry(self, edits, key):
        top = max(self.epoch_top, self.fold.epoch.number)
        epoch = Epoch(top + 1, max(1, self.fold.epoch.suite), epoch_id_of(key))
        return entry(self.fold.table.version, self.fold.entry_head, (0, "L0"), self.card, tuple(edits), epoch)

    def _end_halt(self):
        """Once an owner has spoken and nothing is undone; own cards that were lost are wished in again."""
        if not self.lost or not self.spoken() or self.undone():
            return
        adds = [e for item in self.lost.values() for e in item.edits if e[0] == "add" and e[3] == self.person]
        wished = {intent[1] for intent in self.intents if intent[0] == "add"}
        if self.rules.hold("one's own lost cards are wished again"):
            self.intents += [
                ("add", e[1], e[3], e[4], e[5])
                for e in adds
                if e[1] not in self.fold.table.ever and e[1] not in wished and e[2] == DEVICE
            ]
        self.known_lost |= set(self.lost)
        self.lost, self.owners_before = {}, None

    def accept_log(self):
        """Its own person takes the log as it is, where no owner of both logs is left to speak."""
        if self.held_back() and not self.owners_in_both():
            self.dropped_ever -= set(self.fold.table.cards)
            self.known_lost |= set(self.lost)
            self.lost, self.owners_before, self.lowered = {}, None, {}


def _owners(table):
    return {card for card in table.cards if table.role(card) == OWNER}


def _as_brought(change):
    """What a carried change says it was: the `via` it has already, or its old dot."""
    return change.via or ("dot", *change.dot)
