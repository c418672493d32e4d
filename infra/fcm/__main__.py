"""The stand-in for Firebase as a program: `python -m infra.fcm FOLDER [--say]` until it is stopped.

FOLDER gets `account.json`, the key file for `--push-credentials`, and, when all is ready, `ready.json` with the
address for CARNET_PUSH_ENDPOINT. `--say`: a line for each push that is taken, with all that the push service sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path

from infra.fcm.rules import Taken
from infra.fcm.server import running, write_credentials

SHOWN = {"wake": "a wake, which nobody hears", "notice": "a notice, for a person's eyes"}


def line_of(push: Taken) -> str:
    """A push in one line. Addresses here are those of demonstrations."""
    data = json.dumps(json.loads(push.body)["message"]["data"])
    return f"  push service: {SHOWN[push.class_]}, for {push.address[:6]}…, says {data}"


async def serve(folder: Path, say: bool) -> None:
    """Serves until the process ends."""
    async with running(time.monotonic) as server:
        if say:
            server.rules.told = lambda push: print(line_of(push), flush=True)
        write_credentials(folder / "account.json", server.url)
        part = folder / "ready.part"
        part.write_text(json.dumps({"url": server.url, "pid": os.getpid()}))
        part.replace(folder / "ready.json")
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(sys.argv[1]), "--say" in sys.argv[2:]))
