"""SQL of pushes: who can be pushed to, and the outbox of wishes, written in the transaction of what caused them.

A wish is a row (device, class): the key coalesces. It says nothing of what happened: the server needs no reason to wake
a phone. `wishes` only ever counts up, so that a wish that comes while another is being sent is seen when that one is
settled. Rows of `push_targets` are locked before rows of `outbox`, wherever both are. Not here: when something is sent
(plan.py), who sends it (worker.py). Spec: openapi/protocol/push.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from backend.storage.engine import Reading, Transaction
from sync.wire.ids import AccountId, DeviceId
from sync.wire.push import PushSettings, PushState, PushTarget, QuietHours

WAKE, NOTICE = 0, 1  # classes
CLASS_WORDS = ("wake", "notice")
DELAY_MS = 1_500  # milliseconds before the first send: connected phones are served by then, quick edits are one wish

# What a wish does to one that is there: it is counted; if nothing was left to send but a repetition, it starts anew.
_WISHED = (
    " ON CONFLICT (device, class) DO UPDATE SET wishes = outbox.wishes + 1, wished_at = excluded.wished_at,"
    " since = CASE WHEN outbox.settled = outbox.wishes THEN excluded.since ELSE outbox.since END,"
    " attempts = CASE WHEN outbox.settled = outbox.wishes THEN 0 ELSE outbox.attempts END,"
    " due_at = CASE WHEN outbox.settled = outbox.wishes OR (excluded.urgent AND NOT outbox.urgent)"
    " THEN excluded.due_at ELSE outbox.due_at END,"
    " urgent = excluded.urgent OR (outbox.urgent AND outbox.settled < outbox.wishes)"
)
_OUTBOX = "outbox (device, class, urgent, wishes, settled, since, wished_at, due_at, attempts)"
_IN_ORDER = " ORDER BY p.device"  # rows are locked in one order, so that two wishes do not wait in a circle
WISH_WAKE = (
    f"INSERT INTO {_OUTBOX} SELECT p.device, 0, FALSE, 1, 0, $3, $3, $4, 0"  # noqa: S608  constants
    " FROM members m JOIN push_targets p ON p.device = m.device"
    f" WHERE m.vault = $1 AND m.live AND p.wakes AND m.device <> $2{_IN_ORDER}{_WISHED}"
)
WISH_NOTICE = (
    f"INSERT INTO {_OUTBOX} SELECT p.device, 1, $4, 1, 0, $5, $5, $6, 0"  # noqa: S608  constants
    " FROM devices d JOIN push_targets p ON p.device = d.device"
    " WHERE d.account = $1 AND d.revoked_at IS NULL AND d.device <> $2"
    f" AND NOT EXISTS (SELECT 1 FROM push_muted u WHERE u.device = d.device AND u.kind = $3){_IN_ORDER}{_WISHED}"
)
TARGET_WRITE = (
    "INSERT INTO push_targets (device, platform, address_kind, address, topic, wakes, quiet_from, quiet_until, set_at,"
    " claimed_until, paced_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)"
    " ON CONFLICT (device) DO UPDATE SET platform = excluded.platform, address_kind = excluded.address_kind,"
    " address = excluded.address, topic = excluded.topic, wakes = excluded.wakes, quiet_from = excluded.quiet_from,"
    " quiet_until = excluded.quiet_until, set_at = excluded.set_at"
)
TARGET_READ = "SELECT platform, wakes, quiet_from, quiet_until, set_at FROM push_targets WHERE device = $1"
TARGET_DROP = "DELETE FROM push_targets WHERE device = $1"
TARGET_DEAD = "DELETE FROM push_targets WHERE device = $1 AND address = $2 RETURNING device"
MUTED_DROP = "DELETE FROM push_muted WHERE device = $1"
MUTED_WRITE = "INSERT INTO push_muted (device, kind) VALUES ($1, $2) ON CONFLICT (device, kind) DO NOTHING"
MUTED_READ = "SELECT kind FROM push_muted WHERE device = $1 ORDER BY kind"
WISHES_DROP = "DELETE FROM outbox WHERE device = $1"

_DUE = "FROM outbox o JOIN push_targets p ON p.device = o.device WHERE o.due_at <= $1 AND p.claimed_until <= $1"
IS_DUE = f"SELECT o.device {_DUE} LIMIT 1"
_DUE_COLUMNS = (
    "o.device, o.class, o.urgent, o.wishes, o.settled, o.since, o.attempts, p.platform, p.address_kind,"
    " p.address, p.topic, p.quiet_from, p.quiet_until, p.paced_at, (SELECT count(*) FROM notices n"
    " WHERE n.device = o.device AND NOT EXISTS"
    " (SELECT 1 FROM push_muted u WHERE u.device = n.device AND u.kind = n.kind))"
)
# Both rows are locked: who comes late would else find the wish that another has settled meanwhile.
CLAIM = f"SELECT {_DUE_COLUMNS} {_DUE} ORDER BY o.due_at LIMIT $2 FOR UPDATE SKIP LOCKED"
CLAIMED = "UPDATE push_targets SET claimed_until = $2, paced_at = $3 WHERE device = $1"
HELD = "UPDATE outbox SET due_at = $4 WHERE device = $1 AND class = $2 AND wishes = $3"
SENT = "DELETE FROM outbox WHERE device = $1 AND class = $2 AND wishes = $3"
SENT_BEFORE = (  # what has been wished while this was sent is a wish of its own
    "UPDATE outbox SET settled = $3, since = wished_at, attempts = 0, due_at = $4"
    " WHERE device = $1 AND class = $2 AND wishes > $3"
)
REPEAT = (
    "UPDATE outbox SET settled = $3, since = $4, attempts = 0, due_at = $4"
    " WHERE device = $1 AND class = $2 AND wishes = $3"
)
FAILED = (  # what has become urgent while it failed is due as it was then wished
    "UPDATE outbox SET attempts = attempts + 1, due_at = CASE WHEN urgent AND wishes > $3 AND NOT $5 THEN due_at"
    " ELSE $4 END WHERE device = $1 AND class = $2"
)
LEFT_OVER = "DELETE FROM outbox WHERE due_at < $1"
OLDEST = (
    "SELECT min(o.since) FROM outbox o JOIN push_targets p ON p.device = o.device"
    " WHERE o.settled < o.wishes AND (o.due_at <= $1 OR o.attempts > 0)"
)
WAKE_MET = "DELETE FROM outbox WHERE device = $1 AND class = 0 AND wished_at <= $2"


class Due(NamedTuple):
    """A wish that is due, and where its device is pushed to. `unseen`: notices that wait and are not muted."""

    device: DeviceId
    class_: int
    urgent: bool
    wishes: int
    settled: int
    since: int
    attempts: int
    platform: str
    address_kind: str
    address: str
    topic: str
    quiet_from: int | None
    quiet_until: int | None
    paced_at: int
    unseen: int

    def __repr__(self) -> str:
        return f"Due({self.platform}, {CLASS_WORDS[self.class_]})"

    @property
    def key(self) -> tuple[DeviceId, int, int]:
        """The row, and how many wishes of it were seen."""
        return self.device, self.class_, self.wishes

    @property
    def is_repetition(self) -> bool:
        """True if all that was wished has been sent once."""
        return self.settled == self.wishes


async def wish_wakes(tx: Transaction, vaults: Iterable[tuple[int, DeviceId]], now_ms: int) -> None:
    """Wishes that devices listed in vaults be woken, but for the one that caused it. `vaults`: each one's number, and
    that device. One statement a vault, and no lock."""
    await tx.execute_many(WISH_WAKE, [(vault, by, now_ms, now_ms + DELAY_MS) for vault, by in vaults])


async def wish_notice(
    tx: Transaction, account: AccountId, kind: str, by: DeviceId | None, urgent: bool, now_ms: int
) -> None:
    """Wishes that an account's devices be told, but for the one that caused it and those that do not want this kind."""
    await tx.execute(WISH_NOTICE, account, by or b"", kind, urgent, now_ms, now_ms + DELAY_MS)


async def settle(tx: Transaction, devices: Iterable[DeviceId], up_to_ms: int) -> None:
    """Drops the wakes of devices that have been given a hint another way, but none wished after `up_to_ms`.

    A notice stays: that a line is open does not say that a person looks.
    """
    await tx.execute_many(WAKE_MET, [(device, up_to_ms) for device in sorted(devices)])


async def write_target(tx: Transaction, device: DeviceId, target: PushTarget, now_ms: int) -> None:
    """Where a device is pushed to from now on, and what for. What is on its way and what was spent stays."""
    quiet = target.settings.quiet
    start, end = (None, None) if quiet is None else (quiet.start, quiet.end)
    address = (target.address.kind, target.address.value, target.topic)
    await tx.execute(TARGET_WRITE, device, target.platform, *address, target.settings.wakes, start, end, now_ms)
    await tx.execute(MUTED_DROP, device)
    await tx.execute_many(MUTED_WRITE, [(device, kind) for kind in sorted(set(target.settings.muted))])


async def read_target(db: Reading, device: DeviceId) -> PushState | None:
    """What a device has registered, without its address."""
    rows = await db.fetch(TARGET_READ, device)
    if not rows:
        return None
    platform, wakes, start, end, set_at = rows[0]
    muted = tuple(row[0] for row in await db.fetch(MUTED_READ, device))
    quiet = None if start is None else QuietHours(start, end)
    return PushState(platform, PushSettings(bool(wakes), muted, quiet), set_at)


async def drop_target(tx: Transaction, device: DeviceId) -> None:
    """Forgets where a device is pushed to, and all that was wished for it."""
    await tx.execute(TARGET_DROP, device)
    await tx.execute(MUTED_DROP, device)
    await tx.execute(WISHES_DROP, device)


async def drop_dead(tx: Transaction, device: DeviceId, address: str) -> bool:
    """The same, if it is still pushed to at this address; True if so."""
    if not await tx.fetch(TARGET_DEAD, device, address):
        return False
    await drop_target(tx, device)
    return True


async def is_due(db: Reading, now_ms: int) -> bool:
    """True if there is something to claim: asked without a lock, before one is taken."""
    return bool(await db.fetch(IS_DUE, now_ms))


async def read_due(tx: Transaction, now_ms: int, count_max: int) -> list[Due]:
    """What is due and in nobody's hand, the longest due first; other processes pass these rows by meanwhile."""
    return [Due(*row) for row in await tx.scan(CLAIM, now_ms, count_max)]


async def write_claims(tx: Transaction, claims: Iterable[tuple[DeviceId, int, int]]) -> None:
    """Takes devices in hand, or lets go of them: device, until when, what its bucket has spent."""
    await tx.execute_many(CLAIMED, sorted(claims))


async def hold(tx: Transaction, due: Due, until_ms: int) -> None:
    """Leaves a wish for later, unless it has been wished again meanwhile."""
    await tx.execute(HELD, *due.key, until_ms)


async def forget(tx: Transaction, due: Due) -> None:
    """Lets go of a wish, unless it has been wished again meanwhile."""
    await tx.execute(SENT, *due.key)


async def settle_sent(tx: Transaction, due: Due, now_ms: int, repeat_at: int | None) -> None:
    """A wish was sent. `repeat_at`: when it is to be sent once more if nobody has looked; None: never."""
    if repeat_at is None:
        await tx.execute(SENT, *due.key)
    else:
        await tx.execute(REPEAT, *due.key, repeat_at)
    await tx.execute(SENT_BEFORE, *due.key, now_ms + DELAY_MS)


async def settle_failed(tx: Transaction, due: Due, again_at: int) -> None:
    """A wish was not sent, and is due again."""
    await tx.execute(FAILED, *due.key, again_at, bool(due.urgent))


async def drop_left_over(tx: Transaction, before_ms: int) -> None:
    """Forgets wishes whose device cannot be pushed to any more: they were due long ago and nobody claimed them."""
    await tx.execute(LEFT_OVER, before_ms)


async def oldest_wish(db: Reading, now_ms: int) -> int | None:
    """Since when the oldest wish waits that is due or has failed; what is held back on purpose does not count."""
    since = (await db.fetch(OLDEST, now_ms))[0][0]
    return None if since is None else int(since)
