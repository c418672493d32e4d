"""What every server and every phone computes alike, told a second time: small, with fake crypto, from the text alone.

An executable reading of openapi/protocol/log.md and membership.md. Nothing of `sync` is imported, so that it can be
held against it (tests/model). A card is a name, a key is a token whose hash is its epoch id, and an item is a tuple
that carries its own hash. One rule can be taken out by name, to show that random worlds notice.
"""

import hashlib
from typing import NamedTuple

VIEWER, EDITOR, OWNER = 0, 1, 2
DEVICE, RECOVERY = 0, 1
EPOCH_STEP_MAX, SUITES = 1_000, (1,)
CARDS_MAX, CARDS_A_PERSON_MAX, CARDS_EVER_A_PERSON_MAX, CARDS_EVER_MAX = 32, 8, 64, 1_024


class Rules:
    """The rules of a world; `without` names the one that is taken out, or is None."""

    def __init__(self, without=None):
        self.without = without

    def hold(self, name):
        """False if the rule of this name has been taken out."""
        return name != self.without


ALL_RULES = Rules()


def digest(*parts):
    """A short hash of anything whose repr is its value."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=9).hexdigest()


def epoch_id_of(key):
    """Nothing else says which key belongs to an epoch."""
    return digest("epoch id", key)


class Epoch(NamedTuple):
    number: int
    suite: int
    id: str


class Entry(NamedTuple):
    """`edits`: ("add", card, kind, person, role, until), ("drop", card), ("role", person, role), ("subject", person),
    ("purge", seq), ("version", v)."""

    version: int
    prev: str
    seen: tuple
    author: str
    edits: tuple
    epoch: Epoch | None
    hash: str


class Frame(NamedTuple):
    """`changes` stands for the ciphertext: only who holds the epoch's key looks inside."""

    version: int
    author: str
    fseq: int
    prev: str
    epoch: str
    seen: tuple
    changes: tuple
    hash: str


class Change(NamedTuple):
    """`dot` is (card, n); the change sets one register of one record and names the dots that it has seen there.

    `via`: what it was carried from, ("dot", card, n) or ("frame", hash).
    """

    dot: tuple
    record: str
    key: str
    value: object
    preds: tuple
    via: tuple | None = None


def entry(*values):
    """An entry with its hash."""
    return Entry(*values, digest("entry", *values))


def frame(*values):
    """A frame with its hash."""
    return Frame(*values, digest("frame", *values))


class Table:
    """Who is in the vault. Role and end date belong to the person; a card belongs to one person for ever."""

    def __init__(self):
        self.cards = {}  # live: card -> (person, kind)
        self.people = {}  # ever: person -> (role, until)
        self.ever = {}  # ever: card -> person
        self.subject, self.version, self.purged = None, 1, 0

    def copy(self):
        new = Table()
        new.cards, new.people, new.ever = dict(self.cards), dict(self.people), dict(self.ever)
        new.subject, new.version, new.purged = self.subject, self.version, self.purged
        return new

    def role(self, card):
        """The role of a live card, None for any other."""
        return self.people[self.cards[card][0]][0] if card in self.cards else None

    def may_write(self, card):
        """A live card of an editor or owner that is no recovery card."""
        return (self.role(card) or 0) >= EDITOR and self.cards[card][1] == DEVICE

    def cards_of(self, person):
        return [card for card, (whose, _) in self.cards.items() if whose == person]

    def owner_phones(self):
        return [c for c, (person, kind) in self.cards.items() if kind == DEVICE and self.people[person][0] == OWNER]

    def is_crowded(self):
        ever = list(self.ever.values())
        return (
            len(self.cards) > CARDS_MAX
            or len(self.ever) > CARDS_EVER_MAX
            or any(len(self.cards_of(p)) > CARDS_A_PERSON_MAX for p in self.people)
            or any(ever.count(p) > CARDS_EVER_A_PERSON_MAX for p in self.people)
        )


def edit_table(table, me, is_owner, seq, edit, rules=ALL_RULES):
    """Changes `table` by one edit of `me`; False if she may not."""
    what, *rest = edit
    if what == "add":
        card, kind, person, role, until = rest
        if card in table.ever:
            return False
        if person in table.people:
            hers = person == me or (is_owner and not rules.hold("a person gets cards only from her own"))
            if not hers or table.people[person] != (role, until):
                return False
        elif not is_owner or (role == OWNER and until is not None):
            return False
        table.cards[card], table.ever[card], table.people[person] = (person, kind), person, (role, until)
        return True
    if what == "drop":
        (card,) = rest
        if card not in table.cards:
            return False
        person = table.cards[card][0]
        safe = person == table.subject and rules.hold("the subject is safe")
        if person != me and (not is_owner or safe):
            return False
        del table.cards[card]
        return True
    if not is_owner:
        return False
    if what == "role":
        person, role = rest
        if not table.cards_of(person) or (person == table.subject and person != me and role != OWNER):
            return False
        table.people[person] = (role, None if role == OWNER else table.people[person][1])
    elif what == "subject":
        (person,) = rest
        if table.cards_of(table.subject) or not table.cards_of(person):
            return False
        table.subject, table.people[person] = person, (OWNER, None)
    elif what == "purge":
        (upto,) = rest
        if table.subject not in (None, me) or not table.purged < upto < seq:
            return False
        table.purged = upto
    else:
        (version,) = rest
        if version <= table.version:
            return False
        table.version = version
    return True


def judge_entry(fold, item, rules=ALL_RULES):
    """The reason why an entry that follows the last one is void (None: good), and the table after it."""
    after = fold.table.copy()
    is_first = not fold.table.ever
    if is_first:
        # Which edits found a vault is genesis' business: the model takes the founder's word for it.
        me, is_owner = item.edits[0][3], True
    else:
        if item.author not in after.cards:
            return "rights", None
        me, kind = after.cards[item.author]
        is_owner = after.role(item.author) == OWNER
        if kind == RECOVERY and rules.hold("a recovery card signs one entry"):
            hers = [e[3] if e[0] == "add" else after.ever.get(e[1]) if e[0] == "drop" else None for e in item.edits]
            if ("drop", item.author) not in item.edits or any(whose != me for whose in hers):
                return "rights", None
    for edit in item.edits:
        if not edit_table(after, me, is_owner, len(fold.items) + 1, edit, rules):
            return "rights", None
    if item.epoch:
        step = item.epoch.number - fold.epoch.number
        good = 0 < step <= (1 if is_first else EPOCH_STEP_MAX) and item.epoch.id not in fold.epochs
        good = good and item.epoch.suite in SUITES and item.epoch.suite >= fold.epoch.suite
        if not good or not (is_owner or not rules.hold("only owners start epochs")):
            return "epoch", None
    elif is_first or (is_owner and any(edit[0] == "drop" for edit in item.edits)):
        return "epoch", None
    if after.is_crowded():
        return "limits", None
    return (None, after) if after.owner_phones() else ("owner", None)


class Fold:
    """A log as it is read: items with verdicts, L, the table, the chains, and what the next verdict needs."""

    def __init__(self):
        self.items, self.verdicts, self.L = [], [], ["L0"]
        self.table, self.entry_head = Table(), "vault"
        self.epoch, self.epochs = Epoch(0, 0, ""), {}
        self.chain, self.vector, self.lost_rights = {}, {}, {}
        self.rotation_due = False

    def copy(self):
        new = Fold()
        new.items, new.verdicts, new.L = list(self.items), list(self.verdicts), list(self.L)
        new.table, new.entry_head = self.table, self.entry_head  # a table is replaced, never changed
        new.epoch, new.epochs = self.epoch, dict(self.epochs)
        new.chain, new.vector, new.lost_rights = dict(self.chain), dict(self.vector), dict(self.lost_rights)
        new.rotation_due = self.rotation_due
        return new

    def judge(self, item, rules=ALL_RULES):
        """Why an item that would stand next is void, None if it is good; what is inside a frame is not looked at."""
        if item.version != self.table.version:
            return "version"
        if isinstance(item, Entry):
            return "cas" if item.prev != self.entry_head else judge_entry(self, item, rules)[0]
        if (item.fseq - 1, item.prev) != self.chain.get(item.author, (0, "")):
            return "chain"
        if not self.table.may_write(item.author):
            return "rights"
        return None if item.epoch == self.epoch.id else "epoch"

    def judge_content(self, item):
        """Why a frame is void by what is inside, None if it is good."""
        last = self.vector.get(item.author, 0)
        for change in item.changes:
            if change.dot[1] <= last:
                return "dots"
            last = change.dot[1]
            for card, n in change.preds:
                if not (n < last if card == item.author else n <= self.vector.get(card, 0)):
                    return "preds"
        return None

    def append(self, item, verdict, rules=ALL_RULES):
        """Takes an item and its verdict in. A void item counts in L, and in its device's chain if it extends it."""
        seq = len(self.items) + 1
        if isinstance(item, Frame):
            if verdict != "version" and (item.fseq - 1, item.prev) == self.chain.get(item.author, (0, "")):
                self.chain[item.author] = (item.fseq, item.hash)
            if verdict is None and item.changes:
                self.vector[item.author] = item.changes[-1].dot[1]
        elif verdict is None:
            before, (_, self.table) = self.table, judge_entry(self, item, rules)
            self.entry_head = item.hash
            if item.epoch:
                self.epoch, self.epochs[item.epoch.id] = item.epoch, seq
                leaves = before.cards.get(item.author, ("", None))[1] == DEVICE and item.author not in self.table.cards
                self.rotation_due = leaves and rules.hold("who starts an epoch on leaving knows its key")
            elif any(edit[0] == "drop" for edit in item.edits):
                self.rotation_due = True
            for card in before.cards:
                if before.may_write(card) and not self.table.may_write(card):
                    self.lost_rights[card] = seq
        self.items.append(item)
        self.verdicts.append(verdict)
        self.L.append(digest(self.L[-1], seq, item.hash))


def apply_change(records, change, rules=ALL_RULES):
    """Drops what its author had seen on the register, and the author's own earlier words; adds the new one.

    A carried change has an older view than its carrier: it drops nothing but what it names.
    """
    if change.value is None:
        return
    register = records.setdefault((change.record, change.key), {})
    author = None if change.via and rules.hold("a carried change drops only what it names") else change.dot[0]
    for dot in [d for d in register if d in change.preds or d[0] == author]:
        del register[dot]
    register[change.dot] = change.value


def state_root(records):
    """The same for the same siblings on the same registers."""
    return digest(sorted((register, sorted(siblings.items())) for register, siblings in records.items() if siblings))
