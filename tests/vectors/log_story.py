"""A log told in words (who writes what) and made into items: what the vectors of chapters log and membership share.

A story is a list of steps, each `{"entry": …}` or `{"frame": …}`. What a step does not say is as an honest phone at the
head of that log would have it. Keys come from seeds, so that any language can make the same bytes.
"""

import hashlib
from functools import cache

from crypto.public.errors import CryptoError
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.log.reading import read_item, verify_item
from sync.log.state import NO_CHAIN, LogState, NeedsNewerApp
from sync.wire.card import CARD_LABEL, Card, SignedCard, device_id
from sync.wire.codec import Malformed, encode
from sync.wire.item import (
    ENTRY,
    ENTRY_LABEL,
    FRAME,
    FRAME_LABEL,
    Add,
    Drop,
    Entry,
    Epoch,
    Frame,
    FrameHeader,
    Genesis,
    Item,
    Purge,
    SetRole,
    SetSubject,
    SetVersion,
    vault_id,
)

ROLES = {"viewer": 0, "editor": 1, "owner": 2}


def seeded(name, length=32):
    """Bytes that look random and are the same everywhere."""
    return hashlib.shake_256(b"carnet vectors log " + name.encode()).digest(length)


class Keys:
    """A card with its secret keys, from its name: "mum 1" is a phone of mum's, "mum code" her recovery card."""

    def __init__(self, name):
        self.kind = 1 if name.endswith("code") else 0
        self.key_type = 2 if name.endswith("es256") else 1
        self.signing_seed, self.kem_seed = seeded(f"{name} signing"), seeded(f"{name} kem")
        self.make()

    def make(self):
        """The keys and the card from the seeds."""
        self.signing = SigningKey.from_seed(self.key_type, Secret(self.signing_seed))
        self.kem = KemKey.from_seed(Secret(self.kem_seed))
        self.card = encode(Card(self.kind, self.key_type, self.signing.public_key, self.kem.public_key))
        self.signed = SignedCard(self.card, self.signing.sign(CARD_LABEL, self.card))
        self.id = device_id(self.card)

    def told(self):
        """What another language needs to make the same card, and its id to know that it did."""
        return {
            "kind": self.kind,
            "key_type": self.key_type,
            "signing_seed": self.signing_seed.hex(),
            "kem_seed": self.kem_seed.hex(),
            "id": self.id.hex(),
        }


keys_of = cache(Keys)


@cache
def person(name):
    """A person's id."""
    return seeded(f"person {name}", 16)


@cache
def epoch(name):
    """An epoch's id; no key is needed where nothing is opened."""
    return seeded(f"epoch {name}")


class Story:
    """Plays steps into a log; gives items, verdicts and what the log stands at."""

    def __init__(self):
        self.state = None
        self.items, self.verdicts, self.hashes = [], [], []

    def play(self, steps):
        """Makes each step's item and takes it; gives what came out of each."""
        return [self.take(self.make(step)) for step in steps]

    def make(self, step):
        """The signed item of a step on top of this log."""
        return self._entry(step["entry"]) if "entry" in step else self._frame(step["frame"])

    def take(self, item):
        """Reads, verifies, judges, appends an item; gives what came of it: ok, why it is void, or why it is no item."""
        try:
            read = read_item(item)
        except Malformed:
            return "malformed"
        if self.state is None:
            self.state = LogState.empty(read.vault)
        try:
            verify_item(self.state.table, read)
        except (CryptoError, Malformed):
            return "unverified"
        try:
            return self._append(item, read)
        except NeedsNewerApp:
            return "needs_newer"

    def _append(self, item, read):
        ruling = self.state.judge(read)
        self.state.append(read, ruling)
        self.items.append(item)
        self.hashes.append(read.hash)
        self.verdicts.append(ruling.reason or "ok")
        return self.verdicts[-1]

    def _entry(self, told):
        author = keys_of(told["author"])
        genesis = None
        if "genesis" in told:
            say = told["genesis"]
            creator = keys_of(say.get("creator", told["author"]))
            genesis = Genesis(creator.id, person(say["person"]), say["subject"], seeded("nonce", 16))
        if self.state is None:
            self.state = LogState.empty(vault_id(genesis))
        state = self.state
        starts = told.get("epoch")
        entry = Entry(
            told.get("v", 1),
            bytes.fromhex(told["vault"]) if "vault" in told else state.vault,
            bytes.fromhex(told["prev"]) if "prev" in told else state.entry_head,
            state.seq,
            state.log_hash,
            author.id,
            tuple(self._edit(edit) for edit in told["edits"]),
            Epoch(starts[0], starts[1], epoch(starts[2])) if starts else None,
            genesis,
        )
        signed = encode(entry)
        return Item(ENTRY, signed, author.signing.sign(ENTRY_LABEL, signed))

    @staticmethod
    def _edit(told):
        what, *rest = told
        if what == "add":
            card, whose, role, until = rest
            return Add(keys_of(card).signed, person(whose), ROLES[role], until)
        if what == "add unproved":
            card, signer, whose, role, until = rest
            signature = keys_of(signer).signing.sign(CARD_LABEL, keys_of(card).card)
            return Add(SignedCard(keys_of(card).card, signature), person(whose), ROLES[role], until)
        if what == "drop":
            return Drop(keys_of(rest[0]).id)
        if what == "role":
            return SetRole(person(rest[0]), ROLES[rest[1]])
        if what == "subject":
            return SetSubject(person(rest[0]))
        if what == "purge":
            return Purge(rest[0], seeded("claim"))
        return SetVersion(rest[0])

    def _frame(self, told):
        author, state = keys_of(told["author"]), self.state
        chain = state.chain.get(author.id, NO_CHAIN)
        header = FrameHeader(
            told.get("v", 1),
            state.vault,
            author.id,
            told.get("fseq", chain.fseq + 1),
            bytes.fromhex(told["prev"]) if "prev" in told else chain.head,
            epoch(told["epoch"]) if "epoch" in told else state.epoch.id,
            state.seq,
            state.log_hash,
        )
        signed = encode(Frame(header, bytes(32), bytes(272)))
        return Item(FRAME, signed, author.signing.sign(FRAME_LABEL, signed))

    def told(self):
        """Where the log stands, for a vector's output: names stand for ids."""
        state, table = self.state, self.state.table
        live = {device.hex(): row for device, row in table.live().items()}
        return {
            "verdicts": self.verdicts,
            "hashes": [hash_.hex() for hash_ in self.hashes],
            "log_hash": state.log_hash.hex(),
            "entry_head": state.entry_head.hex(),
            "live": {
                device: [row.person.hex(), table.people[row.person].role, table.people[row.person].until]
                for device, row in live.items()
            },
            "subject": table.subject.hex() if table.subject else None,
            "version": table.version,
            "purged": table.purged,
            "epoch": [state.epoch.number, state.epoch.suite, state.epoch.id.hex()],
            "rotation_due": state.rotation_due,
            "lost_rights": {device.hex(): seq for device, seq in state.lost_rights.items()},
        }


def names_in(steps):
    """The cards, people and epochs that steps name."""
    cards, people, epochs = set(), set(), set()
    for step in steps:
        told = step.get("entry") or step["frame"]
        cards.add(told["author"])
        if "frame" in step:
            epochs |= {told["epoch"]} if "epoch" in told else set()
            continue
        epochs |= {told["epoch"][2]} if told.get("epoch") else set()
        if "genesis" in told:
            people.add(told["genesis"]["person"])
            cards |= {told["genesis"]["creator"]} if "creator" in told["genesis"] else set()
        for what, *rest in told["edits"]:
            if what == "add":
                cards.add(rest[0])
                people.add(rest[1])
            elif what == "add unproved":
                cards |= {*rest[:2]}
                people.add(rest[2])
            elif what == "drop":
                cards.add(rest[0])
            elif what in ("role", "subject"):
                people.add(rest[0])
    return cards, people, epochs


def cast(stories):
    """What stands beside the cases of a file: seeds of every card, ids of people and epochs that the stories name."""
    cards, people, epochs = set(), set(), set()
    for steps in stories:
        more = names_in(steps)
        cards, people, epochs = cards | more[0], people | more[1], epochs | more[2]
    return {
        "cards": {name: keys_of(name).told() for name in sorted(cards)},
        "people": {name: person(name).hex() for name in sorted(people)},
        "epochs": {name: epoch(name).hex() for name in sorted(epochs)},
        "nonce": seeded("nonce", 16).hex(),
        "claim": seeded("claim").hex(),
    }
