"""Writes openapi/openapi.json from the routes: `python -m tests.api.write_openapi`, after a wanted change."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.api.server_kit import served

TARGET = Path(__file__).parents[2] / "openapi" / "openapi.json"


async def main() -> None:
    """Writes the document."""
    with tempfile.TemporaryDirectory() as folder:
        async with served(Path(folder)) as server:
            TARGET.write_bytes((await server.client.get("/openapi.json")).content)


if __name__ == "__main__":
    asyncio.run(main())
