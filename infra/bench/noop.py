"""What every server is measured beside: an ASGI application that does nothing, and Litestar's own that does nothing.

Both read the body and answer eight bytes, under the same uvicorn, loop and parser as ours, in a process of their own.

    python -m infra.bench.noop raw | litestar READY_FILE
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from backend.serving import write_ready_file

ANSWER = b"\0\0\0\4nope"


async def raw(scope: Any, receive: Any, send: Any) -> None:
    """ASGI and nothing else."""
    if scope["type"] == "lifespan":
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    length = (b"content-length", str(len(ANSWER)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": ANSWER})


def litestar() -> Any:
    """Litestar with one route and nothing else."""
    from litestar import Litestar, MediaType, Request, post

    @post("/v1/sync", status_code=200, media_type=MediaType.TEXT)
    async def nothing(request: Request[Any, Any, Any]) -> bytes:
        await request.body()
        return ANSWER

    return Litestar([nothing], openapi_config=None, logging_config=None)


def main(kind: str, ready: Path) -> None:
    """Serves until it is told to stop."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = raw if kind == "raw" else litestar()
    config = uvicorn.Config(app, loop="uvloop", http="httptools", ws="none", log_config=None, access_log=False)
    write_ready_file(ready, f"http://127.0.0.1:{listener.getsockname()[1]}", os.getpid())
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
