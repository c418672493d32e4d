"""The stand-in for Firebase as a program: `python -m infra.fcm FOLDER` until it is stopped.

FOLDER gets `account.json`, the key file for `--push-credentials`, and, when all is ready, `ready.json` with the
address for CARNET_PUSH_ENDPOINT.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from infra.fcm.server import running, write_credentials


async def serve(folder: Path) -> None:
    """Serves until the process ends."""
    async with running(time.monotonic) as server:
        write_credentials(folder / "account.json", server.url)
        part = folder / "ready.part"
        part.write_text(json.dumps({"url": server.url, "pid": os.getpid()}))
        part.replace(folder / "ready.json")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
