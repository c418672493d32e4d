"""Small reads that come together are asked together, and are as true as if each had been asked alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from backend.storage.dialect import each_text
from backend.storage.engine import Row, StorageUnavailable
from backend.storage.gathering import TOGETHER_MAX, Gathering
from backend.storage.migrate import migrate
from tests.storage.both_engines import on, opened
from tests.storage.test_engine_contract import statements

ACCOUNT = "INSERT INTO accounts (account, made_at) VALUES ($1, $2)"
SINCE = "SELECT account, made_at FROM accounts WHERE made_at >= $1 AND account <> $2 ORDER BY made_at DESC LIMIT 3"


async def test_each_gets_its_own_rows_in_their_order(tmp_path: Path):
    """Also who gets none, who asks the same as another, and with a word that the statement compares."""
    async with opened(tmp_path) as engine:
        await migrate(engine, 1)
        async with engine.transaction() as tx:
            await tx.execute_many(ACCOUNT, [(bytes([n]), n) for n in range(20)])
        asked = [(n % 25, bytes([n % 5])) for n in range(TOGETHER_MAX + 30)]
        reading = engine.reading()
        together = await asyncio.gather(*(reading.fetch(SINCE, *args) for args in asked))
        alone = [await reading.scan(SINCE, *args) for args in asked]
        assert [list(rows) for rows in together] == [list(rows) for rows in alone]


@on("postgres")
async def test_every_question_can_be_asked_for_many(tmp_path: Path):
    """Whatever a room reads with may be read so: with two columns of one name, an order, a bound, a row lock."""
    async with opened(tmp_path) as engine:
        await migrate(engine, 1)
        questions = [text for _, text in statements() if text.startswith("SELECT") and "$1" in text]
        assert len(questions) > 30
        async with engine.transaction() as tx:
            for text in questions:
                types = [kind.name for kind in (await tx.raw.prepare(text)).get_parameters()]
                await tx.raw.prepare(each_text(text, types))


async def _read(question: Any) -> Sequence[Row]:
    rows: Sequence[Row] = await question
    return rows


class Database:
    """Answers when it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.fails = False

    async def ask_all(self, _statement: str, asked: Sequence[Sequence[int]]) -> Sequence[Sequence[Row]]:
        self.asked.append([args[0] for args in asked])
        await self.may_answer.wait()
        if self.fails:
            raise StorageUnavailable("gone")
        return [[(args[0],)] for args in asked]


async def test_nobody_is_given_what_was_asked_before_she_came():
    """ACC-9: whoever asks after a revocation is asked for after it, though the same is being asked."""
    database = Database()
    gathering = Gathering(database.ask_all)
    questions = [asyncio.create_task(_read(gathering.fetch("S", n))) for n in range(5)]
    await asyncio.sleep(0)
    assert database.asked == [[0]]
    database.may_answer.set()
    assert await asyncio.gather(*questions) == [[(n,)] for n in range(5)]
    assert database.asked == [[0], [1, 2, 3, 4]]
    assert await gathering.fetch("S", 9) == [(9,)]


async def test_who_hangs_up_takes_nobody_along():
    database = Database()
    gathering = Gathering(database.ask_all)
    questions = [asyncio.create_task(_read(gathering.fetch("S", n))) for n in range(4)]
    await asyncio.sleep(0)
    questions[0].cancel()
    questions[2].cancel()
    database.may_answer.set()
    assert await questions[1] == [(1,)]
    assert await questions[3] == [(3,)]


async def test_a_failure_is_told_to_all_who_were_asked_for_and_ends_with_them():
    database = Database()
    gathering = Gathering(database.ask_all)
    questions = [asyncio.create_task(_read(gathering.fetch("S", n))) for n in range(3)]
    await asyncio.sleep(0)
    database.fails = True
    database.may_answer.set()
    said = await asyncio.gather(*questions, return_exceptions=True)
    assert [type(each) for each in said] == [StorageUnavailable] * 3
    database.fails = False
    assert await gathering.fetch("S", 7) == [(7,)]


@pytest.mark.parametrize("count", [1, TOGETHER_MAX, 3 * TOGETHER_MAX])
async def test_no_more_are_asked_for_at_once_than_is_bounded(count: int):
    database = Database()
    gathering = Gathering(database.ask_all)
    questions = [asyncio.create_task(_read(gathering.fetch("S", n))) for n in range(count)]
    await asyncio.sleep(0)
    database.may_answer.set()
    await asyncio.gather(*questions)
    assert max(len(asked) for asked in database.asked) <= TOGETHER_MAX
    assert [n for asked in database.asked for n in asked] == list(range(count))
