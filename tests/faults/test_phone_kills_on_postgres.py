"""Phones killed at every await before a server on PostgreSQL: the tests of that name, at fewer places, where what the
server has stored of a dead phone's request decides what the next sync meets."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.storage.postgres import PostgresEngine
from tests.faults import test_phone_kills, test_recovery_kills
from tests.faults.linked_pair import linked_pair
from tests.faults.phone_killing import copied, on_postgres, server_on

PLACES_MAX = 4


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kills-on-postgres")
    on_postgres(folder / "server")
    return linked_pair(folder, test_phone_kills.wrote)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> test_recovery_kills.Prepared:
    folder = tmp_path_factory.mktemp("recovery-kills-on-postgres")
    on_postgres(folder / "server")
    return test_recovery_kills.prepare(folder)


@pytest.fixture(autouse=True)
def few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (test_phone_kills, test_recovery_kills):
        monkeypatch.setattr(module, "PLACES_MAX", PLACES_MAX)


async def test_a_sync_that_is_killed_anywhere_is_made_whole_by_the_next_one(prepared: Path, tmp_path: Path) -> None:
    """PHN-9."""
    await test_phone_kills.test_a_sync_that_is_killed_anywhere_is_made_whole_by_the_next_one(prepared, tmp_path)


async def test_a_recovery_that_is_killed_anywhere_is_finished_by_running_it_again(
    founded: test_recovery_kills.Prepared, tmp_path: Path
) -> None:
    """REC-9."""
    await test_recovery_kills.test_a_recovery_that_is_killed_anywhere_is_finished_by_running_it_again(founded, tmp_path)


async def test_the_server_of_these_tests_is_on_postgres(prepared: Path, tmp_path: Path) -> None:
    """The guard itself: what a copied folder serves comes from a copied database, and no other file holds it."""
    async with server_on(copied(prepared / "server", tmp_path / "server")) as app:
        assert isinstance(app.ports.engine, PostgresEngine)
        assert await app.ports.engine.reading().fetch("SELECT 1 FROM vaults")
    assert list((tmp_path / "server").glob("*.sqlite3")) == []
