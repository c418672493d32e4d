"""Runs the application under uvicorn: one process, or several that share one socket.

The socket is bound first, so that port 0 has a number before the origin is settled. The ready file appears, whole, once
the server answers. SIGTERM: no new connections, requests in flight finish, exit 0.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn

from backend.http.pace import PatientProtocol
from backend.http.siblings import FOLDER as SIBLINGS
from backend.main import Worker
from backend.settings import Settings

_log = structlog.get_logger("carnet")
BACKLOG = 2_048  # connections that may wait to be accepted


class _Server(uvicorn.Server):
    """Says that it is ready once it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Any) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def _take_all_files() -> None:
    """As many open files as the system grants: each phone that listens has one, and shells start with few."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve(settings: Settings, ready_file: Path | None) -> int:
    """Serves until SIGTERM or SIGINT; gives the exit code."""
    _take_all_files()
    listener = _bind(settings)
    port = listener.getsockname()[1]
    url = settings.public_origin(port) if not settings.origin else Settings(host=settings.host).public_origin(port)
    settings = msgspec.structs.replace(settings, origin=settings.public_origin(port), port=port)

    def on_ready() -> None:
        if ready_file is not None:
            write_ready_file(ready_file, url, os.getpid())
        _log.info("ready", url=url, pid=os.getpid(), workers=settings.workers)

    # uvicorn hands a signal that stopped it to whoever had it before: taken here, it ends the process with 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if settings.workers > 1:
        return _serve_many(settings, listener, on_ready)
    server = _Server(_config(settings, Worker(settings, settings.origin)), on_ready)
    # uvicorn leaves the process when the start fails; why is said already, by the worker.
    with contextlib.suppress(SystemExit):
        server.run(sockets=[listener])
    return 0 if server.started else 1


def _serve_many(settings: Settings, listener: socket.socket, on_ready: Any) -> int:
    from uvicorn.supervisors import Multiprocess

    for field in msgspec.structs.fields(Settings):
        os.environ[f"CARNET_{field.name.upper()}"] = str(getattr(settings, field.name))
    config = _config(settings, "backend.main:from_environment", factory=True, workers=settings.workers)
    listener.listen(BACKLOG)
    threading.Thread(target=_when_answering, args=(listener.getsockname()[:2], on_ready), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="carnet-") as folder:  # its user's alone: mkdtemp makes it so
        os.environ[SIBLINGS] = folder
        Multiprocess(config, sockets=[listener]).run()
    return 0


def _when_answering(address: tuple[str, int], on_ready: Any) -> None:
    """Asks /livez until a worker answers; the socket accepts before that, so that one question waits long enough."""
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        if connection.recv(12).endswith(b"200"):
            on_ready()


def _bind(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.set_inheritable(True)
    return listener


def _config(settings: Settings, app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=partial(PatientProtocol, seconds=settings.body_seconds_max),  # type: ignore[arg-type]  # it is only called
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=settings.drain_seconds_max,
        **more,
    )


def write_ready_file(path: Path, url: str, pid: int) -> None:
    """Writes {url, pid} as JSON so that a reader finds all of it or nothing."""
    part = path.with_name(f".{path.name}.{pid}")
    part.write_text(json.dumps({"url": url, "pid": pid}) + "\n", "utf-8")
    part.replace(path)
