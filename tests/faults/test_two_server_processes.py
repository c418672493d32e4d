"""Two server processes on one PostgreSQL: phones push to one vault through both, and one process is killed."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import httpx

from sync.log.reading import read_item
from sync.wire.exchange import VaultAsk
from sync.wire.item import EDITOR
from tests.api.family_kit import add, enter
from tests.api.phone_kit import LogBook, Phone, make_frame, take_answer
from tests.faults.server_process import running
from tests.storage import postgres_kit

ORIGIN = "http://carnet.example"
PHONES = 4
BEFORE, AFTER = 40, 40  # frames acknowledged before and after the kill, at least


async def test_two_processes_order_one_log_and_one_may_be_killed(tmp_path: Path):
    """SYN-10, SYN-15: no seq missing or double, each acknowledged frame there once; the other process goes on."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with postgres_kit.database(migrated=False) as database:
        options = ("--database", database, "--origin", ORIGIN)
        # Both start on an empty database: one migrates it, the other waits.
        with running(tmp_path / "a", *options) as (process, one), running(tmp_path / "b", *options) as (_, other):
            async with httpx.AsyncClient(base_url=one) as killed, httpx.AsyncClient(base_url=other) as kept:
                await push_through_both(process, killed, kept)


async def push_through_both(process, killed: httpx.AsyncClient, kept: httpx.AsyncClient) -> None:
    mum = await Phone("mum", killed, ORIGIN).register()
    book = await mum.found()
    others = [await Phone(f"phone {n}", (killed, kept)[n % 2], ORIGIN).register() for n in range(1, PHONES)]
    adds = (add(phone.card, phone.person, EDITOR) for phone in others)
    assert (await enter(mum, book, *adds)).code is None
    acknowledged: list[bytes] = []
    done = asyncio.Event()

    async def write(phone: Phone, own: LogBook) -> None:
        """Frame after frame; when its server is gone, the same frame again at the other."""
        while not done.is_set():
            frame = make_frame(own, phone.card)
            try:
                answered = (await phone.sync(phone.ask(own, frame))).one
            except httpx.TransportError:
                phone.client = kept
                continue  # the same seed makes the same frame
            assert answered.code is None
            take_answer(own, answered, (frame,))
            acknowledged.extend(answered.answer.acks)

    async def until(count: int) -> None:
        while len(acknowledged) < count:
            ended, _ = await asyncio.wait(writers, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)
            for writer in ended:
                writer.result()

    phones = [mum, *others]
    writers = [asyncio.create_task(write(phone, book.copy())) for phone in phones]
    await until(BEFORE)
    process.send_signal(signal.SIGKILL)
    await until(len(acknowledged) + AFTER)
    done.set()
    await asyncio.gather(*writers)
    mum.client = kept
    cold = LogBook(book.vault)
    take_answer(cold, (await mum.sync(VaultAsk(book.vault, 0, cold.L[0], 0))).one)
    hashes = [read.hash for read in map(read_item, cold.items)]
    assert len(set(hashes)) == len(hashes)
    assert set(acknowledged) <= set(hashes)
    assert len(acknowledged) == len(set(acknowledged)), "each frame was made once and acknowledged to one phone"
    authors = {phone.card.id: cold.state.chain[phone.card.id].fseq for phone in phones}
    assert sum(authors.values()) == len(hashes) - 2, "beside the frames stand two entries, and no chain has a hole"
