"""One edit handed in, and read by another phone: push and pull apart, alone and among many.

Alone, a request finds a process that sleeps: what waking up costs is in the figure, as it is for the no-op
applications' lone requests (`alone_ms` in server.py). Among many, sixteen phones with a vault each keep the process
awake, as those who share a server do, and pushes that come together share a commit. Each frame is made by a phone that
stands at the head. Processor time is the server process's own.
"""

from __future__ import annotations

import statistics
import time

import httpx

from infra.bench import senders
from infra.bench.load import Job, request, run
from infra.bench.measure import process_cpu_ms
from infra.bench.servers import Running
from sync.log.reading import read_item, verify_item
from sync.wire.ids import PersonId
from sync.wire.item import Item
from tests.api.phone_kit import (
    CardKeys,
    LogBook,
    Phone,
    founding,
    make_frames,
    noise,
    read_answer,
    take_answer,
)

PHONES = 16
_WARM_UP = 3  # rounds that are not counted


def edit(phone: Phone, book: LogBook) -> Item:
    """One edit of one short value, made at the head of the log."""
    seq = book.state.seq
    return senders.frames(phone, book, [senders.small_edits(1, seq, seq * 4_096 + 1)])[0]


async def alone(server: Running, phone: Phone, book: LogBook, rounds: int) -> dict[str, float]:
    """One phone hands one edit in, then another that stands where it stood reads it; nobody else asks."""
    taken, bodies, cpu = [], 0, [0.0, 0.0]
    for place in range(rounds + _WARM_UP):
        item, behind = edit(phone, book), phone.ask(book)
        sends, answers, marks = [senders.body(phone.ask(book, item)), senders.body(behind)], [], []
        began = time.perf_counter()
        for sent in sends:
            marks.append(process_cpu_ms(server.pid))
            headers = phone.headers | {"content-type": "application/msgpack"}
            response = await phone.client.post("/v1/sync", content=sent, headers=headers)
            assert response.status_code == 200, response.text
            answers.append(response.content)
        spent = (time.perf_counter() - began) * 1000
        marks.append(process_cpu_ms(server.pid))
        if place >= _WARM_UP:
            taken.append(spent)
            cpu = [whole + end - start for whole, start, end in zip(cpu, marks, marks[1:], strict=False)]
        pushed, pulled = (read_answer(answer).one for answer in answers)
        assert pushed.code is None
        assert len(pulled.items) == 1
        take_answer(book, pushed, (item,))
        bodies = max(bodies, *(len(sent) + len(answer) for sent, answer in zip(sends, answers, strict=True)))
    taken.sort()
    return {
        "warm_cpu": sum(cpu) / rounds,
        "warm_push_cpu": cpu[0] / rounds,
        "warm_pull_cpu": cpu[1] / rounds,
        "warm_requests": 2,
        "warm_bytes": bodies,
        "warm_ms": statistics.median(taken),
        "warm_p95": taken[int(len(taken) * 0.95)],
    }


async def among_many(server: Running, client: httpx.AsyncClient, rounds: int) -> dict[str, float]:
    """Sixteen phones do so at the same time, each `rounds` times and in a vault of its own."""
    pushes, pulls = [], []
    for number in range(PHONES):
        phone = await Phone(f"warm {number}", client, server.url).register()
        book = await phone.found()
        sends: list[bytes] = []
        for _ in range(rounds + _WARM_UP):
            item, behind = edit(phone, book), phone.ask(book)
            sends.append(request(phone.token, senders.body(phone.ask(book, item))))
            assert book.take(item) is None, "a frame that is good"
        pushes.append(sends)
        pulls.append([request(phone.token, senders.body(behind))] * len(sends))
    return {"many_push_cpu": _each(server, pushes), "many_pull_cpu": _each(server, pulls)}


def _each(server: Running, sends: list[list[bytes]]) -> float:
    """Milliseconds of processor time that one of these requests takes the server."""
    assert not run(Job(server.url, [each[:_WARM_UP] for each in sends])).failed
    before = process_cpu_ms(server.pid)
    told = run(Job(server.url, [each[_WARM_UP:] for each in sends]))
    assert not told.failed, "an answer that is no 200"
    return (process_cpu_ms(server.pid) - before) / told.requests


def signature_ms(count: int) -> float:
    """Milliseconds of processor time that looking at one signature takes, which no push can do without."""
    card = CardKeys("who signs")
    book, first, _, _ = founding(card, PersonId(noise("person", length=16)))
    assert book.take(first) is None
    reads = [read_item(frame) for frame in make_frames(book, card, count)]
    began = time.process_time()
    for read in reads:
        verify_item(book.state.table, read)
    return (time.process_time() - began) * 1000 / count
