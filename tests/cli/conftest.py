"""Phones that several files of this folder try things on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import bundles
from tests.cli.imported_phone import World
from tests.cli.kit import Inside, Server, make_phone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the tests of a file share."""
    running = Server(tmp_path_factory.mktemp("server")).start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("review")
    server = Server(folder / "server").start()
    a = make_phone(folder / "a", server.url)
    a("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
    a("sync")
    yield World(folder, server, a)
    server.kill()


@pytest.fixture
def own(world: World, tmp_path: Path) -> Inside:
    """A copy of the phone that a test may change."""
    return Inside(shutil.copytree(world.a.store, tmp_path / "own"))
