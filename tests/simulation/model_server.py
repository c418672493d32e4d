"""The blind server of the model: it orders items, keeps what it cannot read, and refuses instead of storing.

Spec: openapi/protocol/log.md and the chapter on sync. Left out: bytes, quotas, accounts. `lies` makes it an
adversary; `today` is its clock, in days.
"""

from typing import NamedTuple

from tests.simulation.model_rules import ALL_RULES, Entry, Fold, Frame, judge_entry

GRACE_FRAMES_MAX = 64
PLACES_MAX = 4  # of wraps beside each other; more than the members of a small world


class Ask(NamedTuple):
    """One vault of a request. `wraps`: (epoch id, card, what is inside); `box`: (epoch id, older keys) or None."""

    card: str
    cursor: int
    L: str
    items: tuple = ()
    wraps: tuple = ()
    box: tuple | None = None
    epoch_held: int = 0
    key_missing: bool = False
    replay: bool = False
    lost: tuple = ()


class Answer(NamedTuple):
    """One vault of an answer. `items`: (item, its signature is good); `key`: (number, epoch id, wraps, boxes)."""

    code: str | None
    acks: tuple = ()
    items: tuple = ()
    more: bool = False
    seq: int = 0
    L: str = ""
    proof: Frame | None = None
    key: tuple | None = None
    wanted: tuple = ()
    lost: tuple = ()


class ModelServer:
    """`page`: how many items an answer carries."""

    def __init__(self, page=7, rules=ALL_RULES):
        self.page, self.rules = page, rules
        self.fold, self.stored = Fold(), {}  # item hash -> seq
        self.wraps, self.boxes = {}, {}  # (epoch id, card) / epoch id -> {place: wrap or box}
        self.wishes, self.grace_used, self.lost, self.today = (), {}, {}, 0
        self.days = {}  # item hash -> the day on which it was handed in, if not as a replay
        self.lies = set()
        self.spoiled = set()  # (card, seq): that card gets this item once with a spoiled signature

    # What a test does to a server.

    def backup(self):
        """All that is stored, as it stands."""
        places = {k: dict(v) for k, v in self.wraps.items()}, {k: dict(v) for k, v in self.boxes.items()}
        return self.fold.copy(), dict(self.stored), places, self.wishes, dict(self.grace_used), dict(self.lost)

    def restore(self, backup):
        """Back to what was stored then."""
        fold, stored, (wraps, boxes), self.wishes, grace, lost = backup
        self.fold, self.stored, self.grace_used, self.lost = fold.copy(), dict(stored), dict(grace), dict(lost)
        self.wraps, self.boxes = ({k: dict(v) for k, v in d.items()} for d in (wraps, boxes))

    # What a phone asks.

    def answer(self, ask):
        """One request about the one vault, answered after everything is stored."""
        fold = self.fold
        if ask.cursor > len(fold.items):
            return Answer("behind", seq=len(fold.items), L=fold.L[-1])
        if fold.L[ask.cursor] != ask.L:
            return Answer("diverged" if ask.card in fold.table.cards else "removed")
        was_live = ask.card in fold.table.cards
        acks, code, proof = [], None, None
        for item in ask.items:
            if item.hash not in self.stored:
                code, proof = self._refusal(ask, item)
                if code:
                    break
                self._store(item)
                self.days |= {} if ask.replay else {item.hash: self.today}
            acks.append(item.hash)
        brought_entry = any(isinstance(item, Entry) for item in ask.items) and not code
        if was_live or ask.card in fold.table.cards or (ask.replay and acks):
            self._lay_beside(ask, brought_entry)
        if ask.card not in fold.table.cards:
            return Answer("removed", tuple(acks), key=self._key(ask) if "early wishes" in self.lies else None)
        self.lost |= {e.hash: e for e in ask.lost if e.author in fold.table.ever}
        self.lost = {hash_: e for hash_, e in self.lost.items() if hash_ not in self.stored}
        without = tuple(card for card in self.wishes if card != ask.card and card in fold.table.cards)
        self.wishes = (*without, ask.card) if ask.key_missing else without
        page = fold.items[ask.cursor : ask.cursor + self.page]
        end = ask.cursor + len(page)
        signed = tuple((item, (ask.card, ask.cursor + i) not in self.spoiled) for i, item in enumerate(page, 1))
        self.spoiled -= {(ask.card, seq) for seq in range(ask.cursor + 1, end + 1)}
        missing = ask.key_missing and self.rules.hold("the key also when one is missing")
        needs_key = ask.epoch_held < fold.epoch.number or missing
        wanted = tuple(fold.table.ever) if "early wishes" in self.lies else self.wishes
        return Answer(
            code,
            tuple(acks),
            signed,
            end < len(fold.items),
            end,
            fold.L[end],
            proof,
            self._key(ask) if needs_key else None,
            tuple(card for card in wanted if card != ask.card),
            tuple(self.lost.values()) if ask.card in fold.table.owner_phones() else (),
        )

    def _refusal(self, ask, item):
        """Why an item is not stored, and the proof of it."""
        fold = self.fold
        if isinstance(item, Frame) and item.fseq <= fold.chain.get(item.author, (0, ""))[0]:
            stored = [i for i in fold.items if isinstance(i, Frame) and (i.author, i.fseq) == (item.author, item.fseq)]
            return "device_forked", stored[0]
        seen_seq, seen_L = item.seen
        if seen_seq >= len(fold.L) or fold.L[seen_seq] != seen_L:
            return "seen", None
        reason, whose = fold.judge(item, self.rules), fold.table.ever.get(item.author)
        until = fold.table.people[whose][1] if whose else None
        others = fold.table.cards.get(ask.card, (whose,))[0] != whose
        late = until is not None and self.today > until and not (ask.replay and others)
        if late and not reason and self.rules.hold("an end date is refused by"):
            return "until", None
        if reason == "rights" and isinstance(item, Frame) and seen_seq < fold.lost_rights.get(item.author, 0):
            self.grace_used[item.author] = self.grace_used.get(item.author, 0) + 1
            over = self.grace_used[item.author] > GRACE_FRAMES_MAX and not ask.replay
            return ("grace_over" if over else None), None
        if reason:
            return ("epoch_stale" if reason == "epoch" and isinstance(item, Frame) else reason), None
        if isinstance(item, Entry) and not ask.replay:
            table = judge_entry(fold, item, self.rules)[1]
            epoch = item.epoch.id if item.epoch else fold.epoch.id
            added = {edit[1] for edit in item.edits if edit[0] == "add"}
            needed = set(table.cards) if item.epoch else added & set(table.cards)
            if not needed <= {card for epoch_id, card, _ in ask.wraps if epoch_id == epoch}:
                return "wraps", None
        return None, None

    def _store(self, item):
        self.fold.append(item, self.fold.judge(item, self.rules), self.rules)
        self.stored[item.hash] = len(self.fold.items)

    def _lay_beside(self, ask, with_entry):
        """What came with the entry stays; everyone else has one place of her own, replaced only by herself."""
        cards, head = self.fold.table.cards, self.fold.epoch.id
        giver = cards[ask.card][0] if ask.card in cards else ask.card
        lies = "early wishes" in self.lies
        fits = [wrap for wrap in ask.wraps if lies or (wrap[0] == head and wrap[1] in cards)]
        laid = [(self.wraps, (epoch, card), key) for epoch, card, key in fits]
        laid += [(self.boxes, ask.box[0], ask.box)] if ask.box and ask.box[0] == head else []
        for store, name, value in laid:
            places = store.setdefault(name, {})
            if not self.rules.hold("what came with the entry stays"):
                places.clear()
            place = "with the entry" if with_entry and not places else giver
            if not self.rules.hold("one place a person"):
                place = len(places)
            if place in places or len(places) < PLACES_MAX:
                places[place] = value

    def _key(self, ask):
        """The head's key as it lies for this card, whatever the page."""
        fold, epoch = self.fold, self.fold.epoch
        if not self.rules.hold("the head's key, whatever the page"):
            upto = min(ask.cursor + self.page, len(fold.items))
            started = [
                i.epoch for i, v in zip(fold.items[:upto], fold.verdicts, strict=False) if v is None and _is_start(i)
            ]
            epoch = started[-1] if started else epoch
        wraps, boxes = self.wraps.get((epoch.id, ask.card), {}), self.boxes.get(epoch.id, {})
        return epoch.number, epoch.id, tuple(wraps.values()), tuple(boxes.values())


def _is_start(item):
    return isinstance(item, Entry) and item.epoch is not None
