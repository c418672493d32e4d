"""A server for each test of this folder, made when it asks for one."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from backend.http.logs import start_logs
from tests.api.server_kit import Served, served


@pytest.fixture(autouse=True)
def _quiet() -> None:
    start_logs(io.StringIO())


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running
