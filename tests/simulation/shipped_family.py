"""The shipped phones and server behind the driver's ports: they take the model's place and must pass the same worlds.

Left to the model: adversaries among the members, for a shipped phone does not lay noise, nor forget a key.
`python -m tests.simulation.shipped_family SECONDS [FIRST_SEED]`
"""

import collections
import sys
import time
from contextlib import ExitStack
from unittest.mock import patch

from backend.vaults.store import read_head
from sync.device.founding import recovery_card
from sync.device.outbox import DAY_MS
from sync.wire.exchange import AnswerReader, Items, encode_message
from sync.wire.item import Item
from tests.simulation.shipped import VAULT, ShippedPhone, ShippedServer
from tests.simulation.shipped_exit import audit_exit
from tests.simulation.shipped_person import Phone
from tests.simulation.worlds import FAILURES_MAX, attempt
from tests.simulation.worlds import MIXES as ALL_MIXES

MIXES = [name for name, mix in ALL_MIXES.items() if set(mix.hostile) <= {"liar"}]
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
        self.people, self.code = {}, {}  # person -> her id; what her recovery code says
        self.server = self.shipped = _Server(self)
        self.started = False

    async def found(self, person):
        await self.shipped.start()
        phone = await self.new_phone(person)
        self.code[person] = await ShippedPhone.found(phone)
        async with phone.phone.store.transaction() as rows:
            state = await rows.get_vault(VAULT)
        self.people[person], self.vault = state.person, state.vault
        await phone.sync()
        return phone

    async def new_phone(self, person):
        self.names += 1
        phone = Phone(self, person, f"phone {self.names}")
        await phone.begin()
        return phone

    async def clone(self, phone):
        return await phone.clone()

    async def has_code(self, person):
        head = await read_head(self.shipped.engine, self.vault)
        return recovery_card(self.code[person]).device in head.state.table.live()

    async def recover(self, person, lost):
        self.names += 1
        phone = Phone(self, person, f"phone {self.names}", self.code[person], lost)
        await phone.open()
        return phone

    async def date(self, days):
        return self.now + days * DAY_MS

    async def later(self):
        self.now += DAY_MS * self.rng.choice((1, 1, 4))  # an old card is kept for thirty of them

    async def trouble(self, phones):
        self.shipped.spoil = "liar" in self.hostile and self.rng.random() < 0.5

    async def honest_again(self):
        self.shipped.spoil = False

    async def audit(self, phones):
        table = (await read_head(self.shipped.engine, self.vault)).state.table
        left_out = [f"{phone.name} is left out" for phone in phones.values() if await phone.is_left_out(table)]
        return left_out or await audit_exit(self.rng, phones)


def run_world(seed, mix=None):
    """What happened in one world of shipped code, and what went wrong; None if nothing."""
    small = bool(seed // len(MIXES) % 2)
    with ExitStack() as stack:
        for name, value in (CHEAP | SMALL if small else CHEAP).items():
            stack.enter_context(patch(name, value))
        return attempt(seed, mix or MIXES[seed % len(MIXES)], None, ShippedFamily)


def main(seconds, first=0):
    """Worlds in turn until the time is over; gives the number of failures."""
    end, seed, failed, total, by_mix = (
        time.monotonic() + seconds,
        first,
        0,
        collections.Counter(),
        collections.Counter(),
    )
    while time.monotonic() < end and failed < FAILURES_MAX:
        mix = MIXES[seed % len(MIXES)]
        stat, wrong = run_world(seed, mix)
        total.update(stat)
        by_mix[mix] += 1
        if wrong:
            failed += 1
            print("FAILED", seed, mix, wrong, flush=True)
        seed += 1
    print(f"{seed - first} worlds of shipped code, {failed} failed; {dict(sorted(total.items()))}")
    print("; ".join(f"{mix}: {count}" for mix, count in by_mix.items()))
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)))
