"""Seeded random worlds of shipped phones and the shipped server, with the checks. `python -m
tests.simulation.shipped_worlds SECONDS`.

A world is one person with one to four phones: edits without network, lost requests and answers, answers cut short,
chunked pushes, short pages, rotations, phones that join, clocks that jump by years, kills at any statement of a phone
or of the server. At the end everyone syncs; then no edit may be lost, all phones must hold the same, and none may be
stuck.
"""

import asyncio
import collections
import random
import sys
import time
from unittest.mock import patch

from backend.storage.engine import StorageError
from sync.device.refused import Refused
from sync.merge.change import GONE, HERE, LIFE, PERSON
from sync.merge.record import Record
from sync.merge.snapshot import canonical_record
from tests.property import naive_merge
from tests.simulation.shipped import Killed, ShippedPhone, ShippedServer, record_id, value_of

SMALL = [  # limits made small, so that worlds of a few dozen edits meet pages, chunks and several frames
    patch("sync.device.outbox.SEND_ITEMS_MAX", 2),
    patch("sync.vault.outgoing.INSIDE_BYTES_AIM", 200),
    patch("sync.wire.limits.PAGE_BYTES_MAX", 1_500),
    patch("sync.device.store.lock.MEMORY_KIB", 64),
    patch("sync.device.store.lock.ITERATIONS", 1),
    patch("sync.device.store.lock.LANES", 1),
]
YEAR_MS = 365 * 86_400_000
START_MS = 1_700_000_000_000
FAILURES_MAX = 5  # a run ends early: the first few tell enough


class World:
    """One random world. `stat` counts what happened, so that a run can show that it happened at all."""

    may_refuse = frozenset({"not_member"})  # why an edit is not taken

    def __init__(self, seed, steps=60):
        self.rng = random.Random(seed)
        self.steps, self.now = steps, START_MS
        self.stat = collections.Counter()
        self.values = 0
        self.made, self.shown = {}, {}

    async def run(self):
        self.server = ShippedServer(self)
        await self.server.start()
        first = await self._phone()
        await first.found()
        await first.sync()
        self.phones = [first]
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            await self._join()
        for _ in range(self.steps):
            await self._step()
        await self._settle()
        await self._audit()
        return self.stat

    async def _phone(self):
        phone = ShippedPhone(self, self.server, f"phone {self.values}")
        await phone.begin()
        return phone

    async def _join(self):
        new = await self._phone()
        by = self.rng.choice(self.phones)
        await by.let_in(new)
        self.phones.append(new)
        self.stat["joins"] += 1

    async def _step(self):
        rng, draw = self.rng, self.rng.random()
        phone = rng.choice(self.phones)
        self.now += rng.choice([1, 1_000, 60_000])
        if draw < 0.45:
            if await phone.is_member():
                await self._edit(phone)
        elif draw < 0.88:
            phone.fates = [self._fate() for _ in range(rng.randrange(3))]
            await self._maybe_killed(phone)
        elif draw < 0.92:
            if await phone.is_member():
                await phone.rotate()
                self.stat["rotations wished"] += 1
        elif draw < 0.95 and len(self.phones) < 4:
            await self._join()
        elif draw < 0.97:
            self.now += rng.choice([-30, 30]) * YEAR_MS
            self.stat["clock jumps"] += 1
            if not 0 < self.now < 2 * START_MS:
                self.now = START_MS

    def _fate(self):
        fate = self.rng.choice(["whole", "whole", "unsent", "lost", self.rng.random()])
        self.stat["answers cut short" if isinstance(fate, float) else f"requests {fate}"] += 1
        return fate

    async def _maybe_killed(self, phone):
        """A sync; sometimes the phone or the server is killed at a statement, and started again."""
        victim = self.rng.choice([None, None, phone, self.server])
        if victim is not None:
            victim.engine.before_statement = self._bomb(self.rng.randrange(1, 60), victim is self.server)
        try:
            await phone.sync()
        except Killed:
            self.stat["phone killed"] += 1
        except StorageError:
            self.stat["server killed"] += 1
        finally:
            phone.engine.before_statement = self.server.engine.before_statement = lambda: None
        if victim is phone:
            await phone.open()

    def _bomb(self, statements, is_server):
        left = [statements]

        def tick():
            left[0] -= 1
            if left[0] <= 0:
                raise StorageError("killed") if is_server else Killed

        return tick

    async def _edit(self, phone):
        self.values += 1
        name, draw = self.rng.choice("xyz"), self.rng.random()
        key, value = self.rng.choice("ab"), value_of(self.values)
        if draw < 0.12:
            key, value = LIFE, self.rng.choice([GONE, HERE])
        try:
            shown = await phone.edit(record_id(name), key, value)
        except Refused as refused:
            assert refused.code in self.may_refuse, refused.code
            return
        if key != LIFE:
            self.made[value] = phone
            self.shown[value] = {old for _, old in shown}
        self.stat["edits"] += 1

    async def _settle(self):
        for _ in range(12):
            for phone in self.phones:
                phone.fates = []
                await phone.sync()
            seen = [await phone.look() for phone in self.phones]
            done = all(not (s["pending"] or s["flying"] or s["intents"]) for s in seen)
            if done and len({s["seq"] for s in seen}) == 1:
                return
        raise AssertionError(
            f"unsettled: {[(s['seq'], s['pending'], s['flying'], s['intents'], s['halted']) for s in seen]}"
        )

    async def _audit(self):
        seen = [await phone.look() for phone in self.phones]
        assert len({s["root"] for s in seen}) == 1, "phones hold different states"
        assert len({tuple(s["verdicts"]) for s in seen}) == 1, "phones judge differently"
        assert not any(s["findings"] for s in seen), f"an honest server was accused: {[s['findings'] for s in seen]}"
        assert not any(s["quarantined"] for s in seen), f"set aside without need: {[s['quarantined'] for s in seen]}"
        assert not any(s["halted"] for s in seen), "a phone halted without need"
        changes = seen[0]["changes"]
        held = {value for change in changes for _, value in change.sets}
        assert set(self.made) <= held, "an edit was lost"
        assert len({change.dot for change in changes}) == len(changes), "an edit is there twice"
        self._audit_words(changes)
        for id_, record in seen[0]["records"].items():
            said = naive_merge.canonical(id_, [change for change in changes if change.record == id_])
            assert said == canonical_record(record), "the engine and its rival hold different states"

    def _audit_words(self, changes):
        """No value left a record unless someone who had seen it named it."""
        records = {}
        for change in changes:
            record = records.setdefault(change.record, Record(change.record))
            before = {(k, s.value) for k in record.keys() for s in record.siblings(k, PERSON)}
            record.apply(change)
            after = {(k, s.value) for k in record.keys() for s in record.siblings(k, PERSON)}
            for key, value in change.sets:
                gone = {old for k, old in before - after if k == key and old is not None}
                if value in self.shown:
                    assert gone <= self.shown[value] | {value}, "a value left that nobody had seen"


def run_with(small, make, seed, steps):
    """Runs one world of this make, with limits made small; raises what went wrong."""
    for one in small:
        one.start()
    try:
        return asyncio.run(make(seed, steps).run())
    finally:
        for one in small:
            one.stop()


def run_world(seed, steps=60):
    """Runs one world; raises what went wrong."""
    return run_with(SMALL, World, seed, steps)


def main(seconds, first=0, one_world=run_world):
    """Worlds until the time is over; prints every seed that failed."""
    end, seed, total, failed = time.monotonic() + seconds, first, collections.Counter(), []
    while time.monotonic() < end and len(failed) < FAILURES_MAX:
        try:
            total.update(one_world(seed))
        except Exception as error:
            failed.append(seed)
            print(f"world {seed}: {type(error).__name__}: {error}", flush=True)
        seed += 1
    print(f"{seed - first} worlds, {len(failed)} failed; {dict(sorted(total.items()))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
