"""Random worlds of shipped phones with bad days: stores copied and both used, a server put back to an old copy, before
and after others have written to it. `python -m tests.simulation.shipped_bad_days SECONDS [FIRST_SEED]`.

Everything else that shipped_worlds.py does happens, too, kills at any statement among it. At the end no edit is lost,
none is there twice, all phones hold the same, none is stuck, and whoever found out about a bad day says so.
"""

import sys
from unittest.mock import patch

from sync.device.aftermath import sync_and_see_to
from sync.device.identity import get_identity
from sync.device.outbox import DAY_MS
from sync.device.overview import findings, read_finding
from sync.device.refused import Refused
from tests.simulation.shipped import VAULT, ShippedPhone
from tests.simulation.shipped_accounts import AccountsTransport
from tests.simulation.shipped_worlds import SMALL, YEAR_MS, World, main, run_with

SMALL = [*SMALL, patch("sync.device.aftermath._KEPT_MS", 1_000 * YEAR_MS)]  # clocks jump by 30 years here
CLONES_MAX = 2
TOLD = {
    "diverged",
    "device_forked",
    "cloned",
    "rolled_back",
    "two_histories",
}  # the last: what a phone was welcomed with


class _Phone(ShippedPhone):
    """A phone whose card may become another."""

    async def open(self):
        await super().open()
        self.phone = self.phone._replace(connect=lambda origin: AccountsTransport(self))
        async with self.phone.store.transaction() as rows:
            identity = await get_identity(rows)
        if identity is not None:
            self.device, self.card = identity.device, identity.card

    async def sync(self):
        try:
            return await sync_and_see_to(self.phone)
        except Refused as refused:
            assert refused.code == "unreachable", refused.code
            return None


class BadDays(World):
    """One random world."""

    may_refuse = frozenset({"not_member", "removed"})  # the latter where a restore has lost the phone's own entry

    def __init__(self, seed, steps=60):
        super().__init__(seed, steps)
        self.backups, self.clones = [], 0

    async def _phone(self):
        phone = _Phone(self, self.server, f"phone {self.values}")
        await phone.begin()
        return phone

    async def _step(self):
        draw = self.rng.random()
        if draw < 0.03:
            self.backups.append(self.server.engine.backup())
        elif draw < 0.05 and self.backups:
            self.server.engine.restore(self.rng.choice(self.backups))
            self.now += DAY_MS
            self.stat["restores"] += 1
        elif draw < 0.06 and self.clones < CLONES_MAX:
            await self._clone(self.rng.choice(self.phones))
        else:
            await super()._step()

    async def _clone(self, phone):
        copy = _Phone(self, self.server, phone.name)
        copy.engine.restore(phone.engine.backup())
        await copy.open()
        self.phones.append(copy)
        self.clones += 1
        self.stat["stores copied"] += 1

    async def _settle(self):
        """Everyone syncs and reads what was found: a phone that was welcomed to another log waits for that (PHN-18)."""
        for phone in self.phones:
            phone.fates = []
            await phone.sync()
            for finding in await findings(phone.phone):
                if finding["unread"]:
                    await read_finding(phone.phone, finding["id"])
        await super()._settle()

    async def _audit(self):
        seen = [await phone.look() for phone in self.phones]
        assert len({s["root"] for s in seen}) == 1, "phones hold different states"
        assert len({tuple(s["verdicts"]) for s in seen}) == 1, "phones judge differently"
        kinds = {kind for s in seen for kind in s["findings"]}
        assert kinds <= TOLD, f"accused without cause: {kinds}"
        assert not any(s["halted"] for s in seen), "a phone halted without need"
        assert not any(s["quarantined"] for s in seen), f"kept without need: {[s['quarantined'] for s in seen]}"
        values = [value for change in seen[0]["changes"] for key, value in change.sets if value in self.made]
        assert set(self.made) <= set(values), f"an edit was lost: {set(self.made) - set(values)}"
        assert len(set(values)) == len(values), "an edit is there twice"
        self._audit_words(seen[0]["changes"])
        self.stat["found out"] += sum(bool(s["findings"]) for s in seen)
        async with self.phones[0].phone.store.transaction() as rows:
            assert await rows.vaults() == [VAULT], "a log that was read anew is still there"


def run_world(seed, steps=60):
    """Runs one world; raises what went wrong."""
    return run_with(SMALL, BadDays, seed, steps)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, run_world))
