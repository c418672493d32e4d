"""The model's actors behind the driver's ports, with the adversaries of each kind of world.

A world's adversaries: a viewer who lays noise or starts epochs, a co-owner who wants to be the subject or be rid of
her, a thief of the recovery sheet, a server that spoils signatures or asks for keys too early.
"""

from tests.simulation.model_phone import ModelPhone
from tests.simulation.model_rules import (
    ALL_RULES,
    DEVICE,
    EDITOR,
    OWNER,
    RECOVERY,
    VIEWER,
    Entry,
    Epoch,
    Fold,
    Frame,
    entry,
    epoch_id_of,
)
from tests.simulation.model_server import Ask, ModelServer


class ModelServerPort:
    """The model's server as its operator sees it."""

    def __init__(self, family):
        self._family, self._server = family, family.model

    async def length(self):
        return len(self._server.fold.items)

    async def backup(self):
        return self._server.backup()

    async def restore(self, backup):
        self._family.restored = True
        self._server.restore(backup)


class NoisyViewer(ModelPhone):
    """A member whose wraps and keyboxes are noise: she hopes that no good one finds a place."""

    def wraps_for(self, epoch_id, cards):
        return tuple((epoch_id, card, f"noise {self.rng.random()}") for card in cards)

    def box(self, epoch_id):
        return epoch_id, (f"noise {self.rng.random()}",)

    def _entry_of_intent(self):
        return None  # an owner who starts epochs of noise locks everybody out: no rule mends that


class Keyless(ModelPhone):
    """An owner's phone that lacks the first key: the keybox of every epoch that it starts is without it."""

    def box(self, epoch_id):
        first = min(self._epochs(), key=lambda epoch: epoch.number).id
        _, older = super().box(epoch_id)
        return epoch_id, tuple(key for key in older if key != self.keys.get(first))

    def _full_box(self):
        return None


class ModelFamily:
    """`hostile`: which adversaries there are (members, noise, liar). `small`: short pages, few frames a request."""

    def __init__(self, rng, hostile, small, rules=ALL_RULES):
        self.rng, self.hostile, self.rules = rng, hostile, rules
        self.model = ModelServer(2 if small else 7, rules)
        self.server, self.restored = ModelServerPort(self), False
        self.sizes = (2, 2) if small else (99, 3)
        self.names = 0
        self.code = {}  # person -> the recovery card that stands in the vault, as its sheet of paper says
        self.viewer = None  # of the mixes "members" and "noise"; no phone of the driver's

    def _phone(self, person, kind=ModelPhone):
        self.names += 1
        return kind(f"{person}.{self.names}", person, self.model, self.rng, self.rules, *self.sizes)

    async def found(self, person):
        phone = self._phone(person)
        edits = [("add", phone.card, DEVICE, person, OWNER, None), ("add", "sheet", RECOVERY, person, OWNER, None)]
        await self._push_first(phone, edits)
        self.code[person] = "sheet"
        if "members" in self.hostile or "noise" in self.hostile:
            role = self.rng.choice([VIEWER, EDITOR, OWNER]) if self.hostile == ("noise",) else VIEWER
            self.viewer = self._phone("aunt", NoisyViewer)
            await phone.let_in(self.viewer, "aunt", role)
            for _ in range(3):
                await phone.sync()
            await self._pull(self.viewer)
        return phone

    async def _push_first(self, phone, edits):
        first = phone.build([*edits, ("subject", phone.person)], True)
        epoch_id = first.epoch.id
        wraps = phone.wraps_for(epoch_id, [edit[1] for edit in edits])
        self.model.answer(Ask(phone.card, 0, "L0", (first,), wraps, (epoch_id, ()), replay=True))
        await phone.sync()

    async def new_phone(self, person):
        keyless = "keyless owner" in self.hostile and person == "dad"
        return self._phone(person, Keyless if keyless else ModelPhone)

    async def clone(self, phone):
        return phone.clone()

    async def has_code(self, person):
        return self.code.get(person) in self.model.fold.table.cards

    async def recover(self, person, lost):
        new, code = self._name(person), self._name(f"{person}'s code")
        phone = self._phone(person)
        phone.card, phone.next_card, self.code[person] = self.code[person], new, code
        phone.recovery, phone.intents = (new, code, lost), [("recover",)]
        return phone

    async def date(self, days):
        return self.model.today + days

    async def later(self):
        self.model.today += 1

    async def _pull(self, phone):
        for _ in range(len(self.model.fold.items) + 2):
            await phone.sync()

    # Adversaries.

    async def trouble(self, phones):
        if "noise" in self.hostile:
            await self._lay_noise()
        if "members" in self.hostile:
            self.rng.choice([self._viewer_starts_epoch, self._co_owner, self._thief, self._forger])(phones)
        if "liar" in self.hostile:
            self.model.lies.add("early wishes")
            phone = self.rng.choice([*phones.values()])
            self.model.spoiled.add((phone.card, len(phone.fold.items) + 1))

    async def honest_again(self):
        self.model.spoiled.clear()

    async def _lay_noise(self):
        viewer, model = self.viewer, self.model
        await viewer.sync()
        for _ in range(4):
            head = model.fold.epoch.id
            place = len(model.fold.items) if len(viewer.fold.items) >= len(model.fold.items) else len(viewer.fold.items)
            wraps = viewer.wraps_for(head, model.fold.table.cards)
            model.answer(Ask(viewer.card, place, model.fold.L[place], (), wraps, viewer.box(head)))

    def _force(self, author, edits, epoch=None):
        """Hands in an entry signed by `author`, whatever an honest phone would do, with wraps of noise."""
        fold = self.model.fold
        item = entry(fold.table.version, fold.entry_head, (0, "L0"), author, tuple(edits), epoch)
        cards = {*fold.table.cards, *(edit[1] for edit in edits if edit[0] == "add")}
        epoch_id = (epoch or fold.epoch).id
        wraps = tuple((epoch_id, card, "noise") for card in cards)
        self.model.answer(Ask(author, 0, "L0", (item,), wraps, (epoch_id, ())))

    def _name(self, what):
        self.names += 1
        return f"{what}.{self.names}"

    def _noise_epoch(self):
        return Epoch(self.model.fold.epoch.number + 1, 1, self._name("noise epoch"))

    def _viewer_starts_epoch(self, phones):
        self._force(self.viewer.card, [], self._noise_epoch())

    def _co_owner(self, phones):
        """An owner who is not the subject adds his card as hers, lowers her, drops her."""
        table = self.model.fold.table
        owners = [c for c in table.owner_phones() if table.cards[c][0] != table.subject]
        if not owners:
            return
        hers = self.rng.choice(table.cards_of(table.subject))
        edits = self.rng.choice(
            [
                ("add", self._name("ghost"), DEVICE, table.subject, OWNER, None),
                ("subject", table.cards[owners[0]][0]),
                ("role", table.subject, VIEWER),
                ("drop", hers),
            ]
        )
        self._force(self.rng.choice(owners), [edits], self._noise_epoch() if edits[0] == "drop" else None)

    def _thief(self, phones):
        """Who photographed the sheet lets his own phone in and leaves the sheet as it was."""
        subject = self.model.fold.table.subject
        self._force("sheet", [("add", self._name("thief"), DEVICE, subject, OWNER, None)])

    def _forger(self, phones):
        """An editor signs a wish and says that a restore lost it."""
        fold = self.model.fold
        editors = [card for card in fold.table.cards if fold.table.role(card) == EDITOR]
        if editors:
            author, edit = self.rng.choice(editors), ("add", self._name("forged"), DEVICE, "forger", OWNER, None)
            forged = entry(fold.table.version, fold.entry_head, (0, "L0"), author, (edit,), None)
            self.model.answer(Ask(author, 0, "L0", lost=(forged,)))

    # What only the model can check: it sees through its own crypto.

    async def audit(self, phones):
        wrong, log, fold = [], self.model.fold, Fold()
        drops = {}  # card -> seq
        for seq, (item, verdict) in enumerate(zip(log.items, log.verdicts, strict=True), 1):
            if isinstance(item, Entry) and verdict is None and fold.items:
                wrong += _misdeeds(fold.table, item)
                drops |= {edit[1]: seq for edit in item.edits if edit[0] == "drop"}
            if isinstance(item, Frame) and verdict is None and item.epoch != fold.epoch.id:
                wrong.append("a good frame under an old epoch")
            until = fold.table.people[fold.table.ever[item.author]][1] if fold.items else None
            if verdict is None and until is not None and self.model.days.get(item.hash, 0) > until:
                wrong.append("taken after its author's end date")
            fold.append(item, verdict, self.rules)
        if not fold.table.owner_phones():
            wrong.append("no owner's phone is left")
        if "noise" in self.hostile and not self.restored:
            for card in fold.table.cards:
                wraps = self.model.wraps.get((fold.epoch.id, card), {}).values()
                if fold.epoch.id not in map(epoch_id_of, wraps):
                    wrong.append(f"no good wrap is left for {card}")
        for card, seq in drops.items():
            # Who drops her own card as an owner has drawn the key of the epoch that this entry starts: another is due.
            started = [(e, start) for e, start in log.epochs.items() if log.items[start - 1].author != card]
            later = {epoch for epoch, start in started if start >= seq} | {log.epoch.id}
            wrong += [
                f"{card} holds a key of after its removal"
                for phone in phones.values()
                if {phone.card, *phone.old_cards} == {card} and later & phone.keys.keys()
            ]
        wrong += ["a forged wish has been followed"] * ("forger" in log.table.people)
        wrong += _sent_again(log)
        wrong += [f"{p.card} is left out" for p in phones.values() if _is_left_out(p, log.table)]
        wrong += _raised_by_a_restore(log, [p for p in phones.values() if not p.removed])
        wrong += [f"{p.card} lacks a key" for p in phones.values() if p.key_missing and not p.removed]
        return wrong


def _sent_again(log):
    """Who carried over what the log that she had read held as carried over already."""
    there = {}  # what was carried -> seq
    for seq, (item, verdict) in enumerate(zip(log.items, log.verdicts, strict=True), 1):
        for change in item.changes if isinstance(item, Frame) and verdict is None else ():
            if change.via and change.via[0] == "dot":
                if log.table.ever[change.via[1]] != log.table.ever[item.author]:
                    yield f"{item.author} sent for her own what {change.via[1]} wrote"
                carried = (change.via, change.value)
                if there.get(carried, seq) <= item.seen[0]:
                    yield f"{item.author} sent again what its log held: {carried}"
                there.setdefault(carried, seq)


def _is_left_out(phone, table):
    """True of a phone whose card is unknown to the log, though one that it keeps is live there."""
    lost = phone.removed and phone.card not in table.ever and phone.card not in phone.dropped_ever
    return lost and any(card in table.cards for card in phone.old_cards)


def _raised_by_a_restore(log, phones):
    """A role that an entry lowered, which a restore lost, is back, and nobody has given it since."""
    given = {}  # person -> (role, seq)
    for seq, (item, verdict) in enumerate(zip(log.items, log.verdicts, strict=True), 1):
        for edit in item.edits if isinstance(item, Entry) and verdict is None else ():
            given |= {edit[1]: (edit[2], seq)} if edit[0] == "role" else {}
            given |= {edit[3]: (edit[4], seq)} if edit[0] == "add" and edit[3] not in given else {}
    for phone in phones:
        for person, (role, common) in phone.lowered.items():
            now, since = given.get(person, (VIEWER, 0))
            if since <= common and now > role and person != log.table.subject and log.table.cards_of(person):
                yield f"{phone.card} read that {person} had another role"


def _misdeeds(table, item):
    """What an entry in the log does that nobody may: looked at with none of the judge's code."""
    person, kind = table.cards[item.author]
    is_owner = table.people[person][0] == OWNER
    if kind == RECOVERY and ("drop", item.author) not in item.edits:
        yield "a recovery card was used in silence"
    for edit in item.edits:
        whose = edit[3] if edit[0] == "add" else table.cards[edit[1]][0] if edit[0] == "drop" else None
        if whose == table.subject and person != table.subject:
            yield "the subject was attacked"
        if edit[0] == "add" and whose in table.people and whose != person:
            yield "a person got a card from somebody else"
        if edit[0] == "drop" and whose != person and not is_owner:
            yield "a card was dropped by who may not"
    if item.epoch and not is_owner:
        yield "an epoch was started by who may not"
