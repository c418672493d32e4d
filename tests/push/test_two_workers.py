"""Several workers on one database: each wish is in one hand, and what one has not taken another takes."""

from __future__ import annotations

import asyncio
from collections import Counter

from backend.http.metrics import Metrics
from backend.push import worker as working
from backend.push.worker import PushWorker
from tests.api.phone_kit import noise
from tests.push.push_kit import Carrier
from tests.push.test_outbox_wishes import TARGET

PHONES, WORKERS = 60, 3
WISH = (
    "INSERT INTO outbox (device, class, urgent, wishes, settled, since, wished_at, due_at, attempts)"
    " VALUES ($1, $2, FALSE, 1, 0, $3, $3, $3, 0)"
)
DEVICE = (
    "INSERT INTO devices (device, account, kind, key_type, signing_key, card, signature, enrolled_at)"
    " VALUES ($1, $2, 0, 0, $3, $3, $3, 0)"
)


async def test_each_of_many_wishes_is_sent_by_one_worker(server, monkeypatch):
    """PSH-8: whoever comes late passes by what another has in hand."""
    monkeypatch.setattr(working, "BATCH_MAX", 4)
    mum = await server.registered("mum")
    now = server.clock()
    async with server.engine.transaction() as tx:
        for number in range(PHONES):
            device = noise("pushed", number)
            await tx.execute(DEVICE, device, mum.account, b"")
            await tx.execute(TARGET, device)
            await tx.execute("UPDATE push_targets SET address = $2 WHERE device = $1", device, f"phone {number}")
            for class_ in (0, 1):
                await tx.execute(WISH, device, class_, now)
            await tx.execute("INSERT INTO notices (device, number, kind, at_ms) VALUES ($1, 1, 'removed', 0)", device)
    carriers = [Carrier() for _ in range(WORKERS)]

    async def nobody(*_: object) -> None:
        raise AssertionError("no target is dead")

    async def work(carrier: Carrier) -> None:
        async def pause() -> None:
            await asyncio.sleep(0.002)

        carrier.meanwhile = pause
        worker = PushWorker(server.engine, {"local": carrier}, nobody, Metrics(), server.clock, lambda: 0.5)
        idle = 0
        while idle < 5:
            idle = 0 if await worker.turn() else idle + 1
            await asyncio.sleep(0.001)

    server.clock.seconds(3)
    await asyncio.gather(*(work(carrier) for carrier in carriers))
    sent = Counter((push.address, push.class_) for carrier in carriers for push in carrier.given)
    assert set(sent.values()) == {1}
    assert {address for address, _ in sent} == {f"phone {number}" for number in range(PHONES)}
    assert all(carrier.given for carrier in carriers)
    left = await server.engine.reading().fetch("SELECT count(*), sum(wishes - settled) FROM outbox")
    assert (left[0][0], left[0][1]) == (PHONES, 0)  # each notice waits for its repetition, and no wake is left
