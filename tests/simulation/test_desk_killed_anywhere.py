"""The server's desk over the simulator's engine, without an event loop, killed before every statement."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from backend.storage.migrate import migrate
from backend.vaults.append import Outcome, Push, append_all
from backend.vaults.desk import SyncDesk
from backend.vaults.ruling import Bounds
from sync.wire.exchange import SyncRequest, VaultAsk, encode_request
from sync.wire.ids import AccountId, PersonId
from tests.api.phone_kit import (
    Answered,
    CardKeys,
    LogBook,
    founding,
    make_frames,
    noise,
    read_answer,
    take_answer,
    wraps_for,
)
from tests.simulation.sim_engine import Killed, SimEngine, kill_at

BOUNDS = Bounds(10**9, 10**9, 10)
ACCOUNT = AccountId(noise("account", length=16))


def drive(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")


class Desk:
    """A server that can be killed and is there again."""

    def __init__(self) -> None:
        self.engine = SimEngine()
        drive(migrate(self.engine, 0))
        drive(self.engine.execute("INSERT INTO accounts (account, made_at) VALUES ($1, 0)", ACCOUNT))

    async def _append(self, pushes: Sequence[Push]) -> list[Outcome | Exception]:
        return await append_all(self.engine, pushes, BOUNDS)

    def sync(self, card: CardKeys, *asks: VaultAsk) -> Answered:
        async def answer() -> bytes:
            desk = SyncDesk(self.engine, self._append)
            body = encode_request(SyncRequest(asks))
            return b"".join([piece async for piece in desk.answer(card.id, ACCOUNT, body, 1)])

        return read_answer(drive(answer()))


def test_a_push_killed_before_any_statement_is_whole_or_nothing():
    """SYN-10: what was acknowledged is there, what was not may be sent again, and nothing is there twice."""
    desk, mum = Desk(), CardKeys("mum")
    book, item, epoch, live = founding(mum, PersonId(noise("mum", length=16)))
    first = VaultAsk(book.vault, 0, book.L[0], 0, (item,), wraps_for(epoch.id, live))
    at, kills = 0, 0
    while True:
        desk.engine.before = kill_at(at)
        try:
            answered = desk.sync(mum, first)
        except Killed:
            kills += 1
            desk.engine.before = None
            assert_consistent(desk)
            at += 1
            continue
        break
    desk.engine.before = None
    assert kills > 8
    take_answer(book, answered.one, (item,))
    frames = make_frames(book, mum, 3)
    ask = VaultAsk(book.vault, 1, book.L[1], 1, tuple(frames))
    for at in range(100):
        desk.engine.before = kill_at(at)
        try:
            answered = desk.sync(mum, ask)
            break
        except Killed:
            desk.engine.before = None
            assert_consistent(desk)
    desk.engine.before = None
    take_answer(book, answered.one, tuple(frames))
    cold = LogBook(book.vault)
    take_answer(cold, desk.sync(mum, VaultAsk(book.vault, 0, book.L[0], 0)).one)
    assert cold.L == book.L


def assert_consistent(desk: Desk) -> None:
    """Heads and items belong together: as many items as the fold says, or no vault at all."""
    from sync.log.state import decode_state

    rows = drive(desk.engine.fetch("SELECT number, state, bytes FROM vaults"))
    items = drive(desk.engine.fetch("SELECT place, bytes, log_hash FROM items ORDER BY place"))
    assert len(rows) <= 1
    assert bool(rows) == bool(items)
    for _number, state, size in rows:
        fold = decode_state(state)
        assert (fold.seq, fold.log_hash, size) == (len(items), items[-1][2], items[-1][1])


def test_a_restored_backup_is_behind_and_is_filled_again():
    """SYN-20, SYN-23."""
    desk, mum = Desk(), CardKeys("mum")
    book, item, epoch, live = founding(mum, PersonId(noise("mum", length=16)))
    wraps = wraps_for(epoch.id, live)
    take_answer(book, desk.sync(mum, VaultAsk(book.vault, 0, book.L[0], 0, (item,), wraps)).one, (item,))
    backup = desk.engine.backup()
    frames = make_frames(book, mum, 4)
    take_answer(book, desk.sync(mum, VaultAsk(book.vault, 1, book.L[1], 1, tuple(frames))).one, tuple(frames))
    desk.engine.restore(backup)
    behind = desk.sync(mum, VaultAsk(book.vault, 5, book.L[5], 1)).one.answer
    assert (behind.code, behind.next, behind.log_hash) == ("behind", 1, book.L[1])
    replay = VaultAsk(book.vault, 1, book.L[1], 1, tuple(book.items[1:]), replay=True)
    assert desk.sync(mum, replay).one.answer.log_hash == book.L[5]
