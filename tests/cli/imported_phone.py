"""A phone with an imported summary over a real server, and a way to work inside its store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.kit import Inside, Server


class World(NamedTuple):
    folder: Path
    server: Server
    a: Inside


def inside(phone: Inside, work: Any) -> Any:
    """What an async function makes of the phone."""

    async def run() -> Any:
        async with phone.phone() as opened:
            return await work(opened)

    return asyncio.run(run())
