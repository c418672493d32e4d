"""The shipped phones and server behind the driver's ports: they take the model's place and must pass the same worlds.

Left to the model: adversaries among the members (a shipped phone does not lay noise), adoption, recovery codes;
copied stores are in shipped_bad_days.py.
`python -m tests.simulation.shipped_family SECONDS [FIRST_SEED]`
"""

import sys
import time
from contextlib import ExitStack
from unittest.mock import patch

import msgspec

from sync.device.outbox import DAY_MS
from sync.device.reading import read_vault, root_of
from sync.device.refused import Refused
from sync.log.state import LogState
from sync.merge.change import PERSON, VAULT_RECORD, number_of, ordinal_of
from sync.vault.content import resolve
from sync.vault.intents import AddCard, ChangeRole, DropCards
from sync.vault.keyring import Keyring
from sync.vault.replay import names_needed, open_items
from sync.vault.state import VaultState
from sync.wire.exchange import AnswerReader, Items, encode_message
from sync.wire.item import Item
from tests.simulation.ports import Look
from tests.simulation.shipped import VAULT, ShippedPhone, ShippedServer, record_id, value_of
from tests.simulation.worlds import FAILURES_MAX, attempt

MIXES = (
    "alone",
    "family",
    "alone, restores",
    "family, restores",
    "roles",
    "alone, lying server",
    "alone, long",
    "alone, races",
    "family, races",
)
CHEAP = {
    "sync.device.store.lock.MEMORY_KIB": 64,
    "sync.device.store.lock.ITERATIONS": 1,
    "sync.device.store.lock.LANES": 1,
}
SMALL = {
    "sync.device.outbox.SEND_ITEMS_MAX": 2,
    "sync.vault.outgoing.INSIDE_BYTES_AIM": 200,
    "sync.wire.limits.PAGE_BYTES_MAX": 1_500,
}
ASIDE = 0  # seq of what is one's own and set aside


class Phone(ShippedPhone):
    """A shipped phone with the words of the driver."""

    def __init__(self, family, person, name):
        super().__init__(family, family.shipped, name)
        self.family, self.person = family, person

    async def edit(self, record, key, value):
        shown = await super().edit(record_id(record), key, value_of(value))
        return frozenset(msgspec.json.decode(v) for k, v in shown if v is not None and k == key)

    async def sync(self, lost_answer=False):
        self.family.now += 600_000
        self.fates = ["lost"] if lost_answer else []
        try:
            await super().sync()
        except Refused as refused:
            assert refused.code == "unreachable", refused.code

    async def let_in(self, phone, person, role, until=None):
        async with self.phone.store.transaction() as rows:
            state = await rows.get_vault(VAULT)
            theirs = self.family.people.setdefault(person, self.family.rng.randbytes(16))
            state.intents = [*state.intents, AddCard(phone.card, theirs, role, until)]
            await rows.put_vault(VAULT, state)
            vault = state.vault
        async with phone.phone.store.transaction() as rows:
            await rows.put_vault(VAULT, VaultState(LogState.empty(vault), theirs, Keyring()))

    async def _wish(self, intent):
        async with self.phone.store.transaction() as rows:
            state = await rows.get_vault(VAULT)
            state.intents = [*state.intents, intent]
            await rows.put_vault(VAULT, state)

    async def drop(self, card):
        await self._wish(DropCards((bytes.fromhex(card),)))

    async def set_role(self, person, role):
        await self._wish(ChangeRole(self.family.people[person], role))

    async def look(self):
        async with self.phone.store.transaction() as rows:
            if not await rows.vaults():
                return self._nobody()
            vault = await read_vault(rows, VAULT)
            pending = await rows.get_pending(VAULT)
            flying = await rows.get_flying(VAULT)
            kept = [row for _, row in await rows.get_quarantined(VAULT)]
            findings = tuple(f.kind for _, _, f in await rows.get_findings(VAULT))
            good, void, verdicts = await self._log(rows, vault.state)
        state = vault.state
        own = [(c, row.why) for row in kept if row.seq == ASIDE for c in row.changes]
        devices = [device.hex() for device in state.devices]
        dots = [(devices[ordinal_of(c.dot)], number_of(c.dot), c) for c in [*good, *pending]]
        return Look(
            card=self.device.hex(),
            person=self.person,
            role=state.log.table.role(self.device),
            removed=state.removed,
            log_length=state.log.seq,
            state_root=root_of(vault) or "",
            verdicts=tuple(verdicts),
            values=_values(good),
            standing=frozenset(
                msgspec.json.decode(s.value)
                for record in vault.settled.values()
                if record.id != VAULT_RECORD
                for key in record.keys()
                for s in record.siblings(key, PERSON)
                if s.value is not None
            ),
            waiting=_values(pending),
            aside=frozenset((v, why) for c, why in own for v in _values([c])),
            shown=_values([*void, *(c for row in kept for c in row.carried)]),
            dots=tuple(((device, n), (c.record, c.sets)) for device, n, c in dots),
            halted=state.halted,
            open=tuple(
                word
                for word, is_so in (
                    ("a wish waits", state.intents),
                    ("a key is missing", state.key_missing),
                    ("frames are unread", flying),
                    ("a rotation is due", state.log.rotation_due),
                )
                if is_so
            ),
            findings=findings,
        )

    def _nobody(self):
        none = frozenset()
        return Look(
            self.device.hex(), self.person, None, False, 0, "", (), none, none, none, none, none, (), None, (), ()
        )

    async def _log(self, rows, state):
        """Changes of good frames, of void ones that could be opened, and every verdict."""
        items = await rows.get_items(VAULT, 0)
        opened = open_items([item for _, item, _ in items], state)
        _, dots = names_needed(opened, state)
        births = (await rows.get_births(VAULT, dots))[0]
        good, void = [], []
        for frame, (_, _, verdict) in zip(opened, items, strict=True):
            if verdict is None and frame.changes:
                good += resolve(
                    frame.changes, frame.read.author, 0, state.ordinals, state.vector, births.get, lambda *_: True
                )
            elif frame.changes:
                void += frame.changes
        return good, void, [verdict for _, _, verdict in items]


def _values(changes):
    """The values that the driver gave; the vault's own names are not among them."""
    told = [c for c in changes if c.record != VAULT_RECORD]
    return frozenset(msgspec.json.decode(v) for c in told for _, v in c.sets if v is not None)


class _Server(ShippedServer):
    """The shipped server as its operator sees it; a liar flips a bit of one signature in an answer."""

    def __init__(self, family):
        super().__init__(family)
        self.spoil = False

    async def length(self):
        rows = await self.engine.fetch("SELECT count(*) FROM items")
        return rows[0][0]

    async def backup(self):
        return self.engine.backup()

    async def restore(self, backup):
        self.engine.restore(backup)

    async def answer(self, device, body):
        answer = await super().answer(device, body)
        return _spoiled(answer) if self.spoil else answer


def _spoiled(answer):
    """The same answer with one bit of the last item's signature flipped."""
    messages = AnswerReader().feed(answer)
    for place in reversed(range(len(messages))):
        if isinstance(messages[place], Items) and isinstance(messages[place].items[-1], Item):
            *before, last = messages[place].items
            flipped = bytes([last.signature[0] ^ 1]) + last.signature[1:]
            messages[place] = Items((*before, Item(last.kind, last.signed, flipped)))
            break
    return b"".join(encode_message(message) for message in messages)


class ShippedFamily:
    """The actors of one world, all shipped code but for the network between them."""

    def __init__(self, rng, hostile, small, rules=None):
        self.rng, self.hostile, self.small = rng, hostile, small
        self.now, self.names = 1_700_000_000_000, 0
        self.people = {}
        self.server = self.shipped = _Server(self)
        self.started = False

    async def found(self, person):
        await self.shipped.start()
        phone = await self.new_phone(person)
        await super(Phone, phone).found()
        async with phone.phone.store.transaction() as rows:
            self.people[person] = (await rows.get_vault(VAULT)).person
        await phone.sync()
        return phone

    async def new_phone(self, person):
        self.names += 1
        phone = Phone(self, person, f"phone {self.names}")
        await phone.begin()
        return phone

    async def date(self, days):
        return self.now + days * DAY_MS

    async def later(self):
        self.now += DAY_MS

    async def trouble(self, phones):
        self.shipped.spoil = "liar" in self.hostile and self.rng.random() < 0.5

    async def honest_again(self):
        self.shipped.spoil = False

    async def audit(self, phones):
        return []


def run_world(seed, mix):
    """What went wrong in one world of shipped code; None if nothing."""
    small = bool(seed % 2)
    with ExitStack() as stack:
        for name, value in (CHEAP | SMALL if small else CHEAP).items():
            stack.enter_context(patch(name, value))
        return attempt(seed, mix, None, ShippedFamily)


def main(seconds, first=0):
    """Worlds in turn until the time is over; gives the number of failures."""
    end, seed, failed, stats = time.monotonic() + seconds, first, 0, {}
    while time.monotonic() < end and failed < FAILURES_MAX:
        mix = MIXES[seed % len(MIXES)]
        stat, wrong = run_world(seed, mix)
        for what, count in stat.items():
            stats[what] = stats.get(what, 0) + count
        if wrong:
            failed += 1
            print("FAILED", seed, mix, wrong, flush=True)
        seed += 1
    print(f"{seed - first} worlds of shipped code, {failed} failed; {dict(sorted(stats.items()))}")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)))
