"""What is committed with one edit, beside one bare row of the same size: one commit after the other, in this process.

The statements are the server's own, without a request, a signature or a ruling: an item and its head; with the wish to
wake another phone; with a line of the account's ledger, which only an entry that changes who is in a vault has. The
processor time is this process's with all its threads: PostgreSQL's own is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from backend.ledger.store import Happened
from backend.ledger.store import append as append_ledger
from backend.main import migrate_database, open_engine
from backend.push.store import wish_wakes, write_target
from backend.settings import Settings
from backend.storage.engine import Engine, Transaction
from backend.vaults import store
from backend.vaults.store import NewItem, Vault
from sync.log.reading import ReadItem, read_item
from sync.wire.ids import AccountId, DeviceId, PersonId
from sync.wire.push import PushAddress, PushSettings, PushTarget
from tests.api.phone_kit import CardKeys, founding, make_frames, noise

BARE, APPENDED, WISHED, ENTERED = "a bare row", "an item and its head", "with a wish", "with a wish and a ledger line"
_NOW_MS = 1_790_000_000_000  # milliseconds since 1970 UTC
_RAW_TABLE = "CREATE TABLE raw_rows (place BIGINT PRIMARY KEY, body BYTEA NOT NULL)"
_RAW_WRITE = "INSERT INTO raw_rows (place, body) VALUES ($1, $2)"
_ACCOUNT_WRITE = "INSERT INTO accounts (account, made_at) VALUES ($1, 0)"
_DEVICE_WRITE = (
    "INSERT INTO devices (device, account, kind, key_type, signing_key, card, signature, enrolled_at)"
    " VALUES ($1, $2, 1, 1, $1, $1, $1, 0)"
)
_Write = Callable[[Transaction, int], Awaitable[None]]


class Commits(NamedTuple):
    """Milliseconds of processor time that a commit takes whoever asks for it, and how many a second there are."""

    cpu_ms: float
    rate: float


async def measured(folder: Path, database: str | None, count: int) -> dict[str, Commits]:
    """Each kind of append, so many times."""
    settings = Settings(data=str(folder), database=database or "")
    await migrate_database(settings)
    engine = await open_engine(settings)
    try:
        kinds = await _kinds(engine, count)
        return {name: await _timed(engine, write, count) for name, write in kinds.items()}
    finally:
        await engine.close()


async def _kinds(engine: Engine, count: int) -> dict[str, _Write]:
    card, account, other = CardKeys("who appends"), AccountId(noise("account")), DeviceId(noise("whom it wakes"))
    book, first, _, _ = founding(card, PersonId(noise("person", length=16)))
    assert book.take(first) is None
    vault = Vault(0, 0, book.state, store.new_vault(book.vault).facts)
    reads = [read_item(frame) for frame in make_frames(book, card, 3 * count, size=1_024)]
    async with engine.transaction() as tx:
        await tx.execute(_RAW_TABLE)
        await tx.execute(_ACCOUNT_WRITE, account)
        await tx.execute(_DEVICE_WRITE, other, account)
        await store.make_head(tx, vault, account, _NOW_MS)
        await tx.execute(store.MEMBER_WRITE, other, vault.number, True, False)
        await write_target(tx, other, PushTarget("local", PushAddress("token", "t"), "t" * 22, PushSettings()), _NOW_MS)

    async def bare(tx: Transaction, number: int) -> None:
        await tx.execute(_RAW_WRITE, number, reads[number].item.signed)

    async def appended(tx: Transaction, number: int) -> None:
        await _append(tx, vault, reads[number], number)

    async def wished(tx: Transaction, number: int) -> None:
        await _append(tx, vault, reads[count + number], count + number)
        await wish_wakes(tx, [(vault.number, card.id)], _NOW_MS)

    async def entered(tx: Transaction, number: int) -> None:
        await _append(tx, vault, reads[2 * count + number], 2 * count + number)
        await wish_wakes(tx, [(vault.number, card.id)], _NOW_MS)
        await append_ledger(tx, account, Happened("membership", book.vault, card.id, number, bytes(32)), _NOW_MS)

    return {BARE: bare, APPENDED: appended, WISHED: wished, ENTERED: entered}


async def _append(tx: Transaction, vault: Vault, read: ReadItem, number: int) -> None:
    await store.lock_head(tx, vault.state.vault)
    await store.write_items(tx, vault, [NewItem(number + 2, read, vault.state.log_hash, number, 0)])
    await store.write_heads(tx, [vault])


async def _timed(engine: Engine, write: _Write, count: int) -> Commits:
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        async with engine.transaction() as tx:
            await write(tx, number)
    return Commits((time.process_time() - cpu) * 1000 / count, count / (time.perf_counter() - began))
