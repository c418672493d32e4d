"""Migrations: numbered files, forward only, each in one transaction with its number.

A database of a newer version is refused, never guessed at. A file is split at semicolons that end a line, so that an
adapter can run its statements one by one. Not here: data that changes meaning (a migration is SQL). Spec: none; a
server's store is its own.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

from backend.storage.engine import Engine, Reading, StorageTooNew
from backend.storage.names import hold_name

MIGRATING = b"carnet/migrations"  # the name that processes hold while they migrate
VERSIONS_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)"
VERSION_READ = "SELECT coalesce(max(version), 0) FROM schema_version"
VERSION_WRITE = "INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)"


class Migration(NamedTuple):
    """One numbered file, cut into statements."""

    number: int
    name: str
    statements: tuple[str, ...]


def split_statements(text: str) -> tuple[str, ...]:
    """The statements of a file; comments are whole lines that begin with two dashes."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    statements = [part.strip() for part in ("\n".join(lines) + "\n").split(";\n")]
    return tuple(statement for statement in statements if statement)


def all_migrations() -> list[Migration]:
    """Every migration that this version knows, in order."""
    found = []
    for file in files("backend.storage").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number = int(file.name.split("_", 1)[0])
            found.append(Migration(number, file.name, split_statements(file.read_text("utf-8"))))
    return sorted(found)


async def schema_version(db: Reading) -> int:
    """The version that the database is of. Raises: StorageError."""
    return int((await db.fetch(VERSION_READ))[0][0])


async def migrate(engine: Engine, now_ms: int, known: list[Migration] | None = None) -> list[str]:
    """Brings a database to this version; gives the names of what was applied.

    Raises: StorageTooNew if a newer version has written it.
    """
    migrations = all_migrations() if known is None else known
    applied = []
    async with engine.transaction() as tx:
        await hold_name(tx, MIGRATING)
        await tx.execute(VERSIONS_TABLE)
        version = await schema_version(tx)
    newest = migrations[-1].number if migrations else 0
    if version > newest:
        raise StorageTooNew(f"the database is of version {version}, this software knows {newest}: update the software")
    for migration in migrations:
        async with engine.transaction() as tx:
            # Read again while the name is held: another process may be migrating the same database.
            await hold_name(tx, MIGRATING)
            if migration.number <= await schema_version(tx):
                continue
            for statement in migration.statements:
                await tx.execute(statement)
            await tx.execute(VERSION_WRITE, migration.number, now_ms)
        applied.append(migration.name)
    return applied
