"""Takes what is due out of the outbox, a batch at a time: claim, plan, send outside any transaction, settle.

Every process runs one, and any number may share a database: a device is in one hand at a time. Killed between claim and
settle, what was claimed is due again when the claim runs out, and what its bucket has spent stays spent: nothing is
lost, and what is repeated is repeated once a claim. Not here: what is decided (plan.py), how it is carried (sender.py).
Spec: openapi/protocol/push.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from backend.http.metrics import PUSH_COALESCED, PUSH_FAILED, PUSH_SENT, Metrics
from backend.http.problems import note_failure
from backend.push import store
from backend.push.plan import Planned, plan, retry_at
from backend.push.sender import BATCH_MAX, Fate, Outgoing, PushSender
from backend.push.store import CLASS_WORDS, NOTICE, Due
from backend.storage.engine import Engine, StorageError, Transaction
from sync.wire.ids import DeviceId
from sync.wire.limits import PUSH_REPEAT_SECONDS
from sync.wire.push import Class

POLL_SECONDS = 0.5  # seconds between two looks for what is due, when there was nothing left
CLAIM_MS = 60_000  # milliseconds that a device stays in one hand; a sender ends within less
SWEEP_MS = 3_600_000  # milliseconds between two looks for what is left over
LEFT_OVER_MS = 7 * 86_400_000  # milliseconds after which a wish that nobody could claim is forgotten
SETTLED_AT_ONCE = 50  # devices of one transaction
STOP_SECONDS = 20  # seconds that a batch has to end when the process is told to stop


class _Moved(Exception):
    """The device has registered another address meanwhile: nothing is dropped."""


ReportDead = Callable[[Transaction, DeviceId, int], Awaitable[None]]


class PushWorker:
    """Sends what is due. `senders`: by platform; what has none is dropped. `report_dead`: tells a device when it syncs.

    `now_ms`: milliseconds since 1970 UTC. `chance`: a number from 0 to 1, to spread repetitions.
    """

    def __init__(
        self,
        engine: Engine,
        senders: Mapping[str, PushSender],
        report_dead: ReportDead,
        metrics: Metrics,
        now_ms: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        self._engine, self._senders, self._report_dead = engine, senders, report_dead
        self._metrics, self._now_ms, self._chance = metrics, now_ms, chance
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._swept_at = 0

    def start(self) -> None:
        """Begins to work, in a task of its own."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Lets the batch in hand end, then lets go of the senders."""
        self._stop.set()
        if self._running is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._running, STOP_SECONDS)
        for sender in set(self._senders.values()):
            await sender.close()

    async def _run(self) -> None:
        while not self._stop.is_set():
            taken = 0
            try:
                taken = await self.turn()
            except StorageError:
                pass  # the database is away: what was claimed is due again later
            except Exception as error:
                note_failure(error)
            if taken < BATCH_MAX:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), POLL_SECONDS)

    async def turn(self) -> int:
        """Sends one batch of what is due; gives how many wishes were looked at. Raises: StorageError."""
        now_ms = self._now_ms()
        if now_ms - self._swept_at > SWEEP_MS:
            self._swept_at = now_ms
            async with self._engine.transaction() as tx:
                await store.drop_left_over(tx, now_ms - LEFT_OVER_MS)
        if not await store.is_due(self._engine.reading(), now_ms):
            return 0
        planned = await self._claim(now_ms)
        sends = [one for one in planned if one.act == "send"]
        if sends:
            fates = await self._send(sends, now_ms)
            await self._settle(planned, {one.due.device: fate for one, fate in zip(sends, fates, strict=True)})
        return len(planned)

    async def _claim(self, now_ms: int) -> list[Planned]:
        expired = 0
        async with self._engine.transaction() as tx:
            planned = plan(await store.read_due(tx, now_ms, BATCH_MAX), now_ms)
            until = now_ms + CLAIM_MS
            await store.write_claims(
                tx, [(one.due.device, until, one.paced_at) for one in planned if one.act == "send"]
            )
            for one in in_order(planned):
                if one.act == "hold":
                    await store.hold(tx, one.due, one.until_ms)
                elif one.act in ("seen", "expired"):
                    await store.forget(tx, one.due)
                    expired += one.act == "expired" and not one.due.is_repetition
        if expired:
            self._metrics.count(PUSH_FAILED, "expired", by=expired)
        return planned

    async def _send(self, sends: Sequence[Planned], now_ms: int) -> list[Fate]:
        """What became of each, in order; each platform's sender gets what is its own, all at the same time."""
        fates: dict[int, Fate] = {}
        by_sender: dict[PushSender, list[int]] = {}
        for place, one in enumerate(sends):
            sender = self._senders.get(one.due.platform)
            if sender is None:
                fates[place] = Fate("refused", "unconfigured")
            else:
                by_sender.setdefault(sender, []).append(place)

        async def hand(sender: PushSender, places: list[int]) -> None:
            sent = await sender.send([_outgoing(sends[place].due) for place in places], now_ms)
            fates.update(zip(places, sent, strict=True))

        await asyncio.gather(*(hand(sender, places) for sender, places in by_sender.items()))
        return [fates[place] for place in range(len(sends))]

    async def _settle(self, planned: Sequence[Planned], fates: Mapping[bytes, Fate]) -> None:
        """A few devices a transaction, so that nobody waits long for the loop, and those settled stay settled."""
        now_ms = self._now_ms()
        sends = {one.due.device: one for one in planned if one.act == "send"}
        for device, one in sends.items():
            if fates[device].word == "dead":
                await self._drop_dead(one.due, now_ms)
        served = [one for one in planned if one.act in ("send", "with")]
        devices = sorted(sends)
        for start in range(0, len(devices), SETTLED_AT_ONCE):
            some = devices[start : start + SETTLED_AT_ONCE]
            counts: Counter[tuple[str, str]] = Counter()
            async with self._engine.transaction() as tx:
                # Nobody else may find a device free before its wishes are settled: both change together.
                await store.write_claims(tx, [_let_go(sends[device], fates[device]) for device in some])
                for one in in_order([one for one in served if some[0] <= one.due.device <= some[-1]]):
                    await self._settle_one(tx, one, fates[one.due.device], now_ms, counts)
            for (name, label), number in counts.items():
                self._metrics.count(name, label, by=number)

    async def _drop_dead(self, due: Due, now_ms: int) -> None:
        """Forgets a target and tells its device, in a transaction that locks the account first, as all do that tell."""
        with contextlib.suppress(_Moved):
            async with self._engine.transaction() as tx:
                await self._report_dead(tx, due.device, now_ms)
                if not await store.drop_dead(tx, due.device, due.address):
                    raise _Moved

    async def _settle_one(
        self, tx: Transaction, one: Planned, fate: Fate, now_ms: int, counts: Counter[tuple[str, str]]
    ) -> None:
        due, is_send = one.due, one.act == "send"
        if fate.word == "sent":
            again = due.class_ == NOTICE and not due.is_repetition
            await store.settle_sent(tx, due, now_ms, now_ms + PUSH_REPEAT_SECONDS * 1_000 if again else None)
            counts[PUSH_SENT, CLASS_WORDS[due.class_]] += is_send
            counts[PUSH_COALESCED, CLASS_WORDS[due.class_]] += max(due.wishes - due.settled - is_send, 0)
            return
        if is_send:
            counts[PUSH_FAILED, fate.reason or "network"] += 1
        if fate.word == "refused":
            await store.forget(tx, due)
        elif fate.word == "dead":
            await store.settle_failed(tx, due, now_ms)  # there is a row only if it has another address by now
        elif fate.word == "later":
            asked, is_quota = fate.retry_after_ms, fate.reason == "quota"
            await store.settle_failed(tx, due, retry_at(due.attempts, asked, is_quota, now_ms, self._chance))


def _let_go(one: Planned, fate: Fate) -> tuple[DeviceId, int, int]:
    """A device in nobody's hand; what was not sent has spent nothing."""
    return one.due.device, 0, one.due.paced_at if fate.word == "later" else one.paced_at


def in_order(planned: Sequence[Planned]) -> list[Planned]:
    """By class, then device: the order in which those who wish lock the same rows."""
    return sorted(planned, key=lambda one: (one.due.class_, one.due.device))


def _outgoing(due: Due) -> Outgoing:
    class_: Class = "notice" if due.class_ == NOTICE else "wake"
    return Outgoing(due.platform, due.address_kind, due.address, due.topic, class_)
