"""Builds the server: the one file that names adapters, each imported where it is chosen.

`build` puts rooms, ports and the ASGI wrappers together over an engine that is open; `open_engine` chooses the
database; `from_environment` is what a worker process runs. Not here: any route, any SQL, the command line (cli.py).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from litestar import Litestar

from backend.access import routes as access
from backend.accounts import routes as accounts
from backend.http import health, problems, schema
from backend.http.headers import Asgi, Headers
from backend.http.limits import Buckets, Limited
from backend.http.logs import Logged, start_logs
from backend.http.metrics import ITEMS, PUSH_GROUPS, PUSHES, Metrics
from backend.http.pace import Paced
from backend.http.straight import Straight
from backend.issuers import routes as issuers
from backend.linking import routes as linking
from backend.memory import give_back_large_blocks
from backend.ports import Ports
from backend.settings import Settings, SettingsError, read_settings
from backend.shares import owner_routes, public_routes
from backend.shares.cors import OpenToPages
from backend.shares.passcodes import Passcodes
from backend.storage.engine import Engine, StorageError
from backend.storage.migrate import migrate
from backend.vaults import routes as vaults
from backend.vaults.append import Outcome, Push, append_all
from backend.vaults.committer import GroupCommitter
from backend.vaults.desk import SyncDesk
from backend.vaults.ruling import Bounds
from backend.web import pages


def wall_clock_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


async def open_engine(settings: Settings, *, patient: bool = False) -> Engine:
    """The database that the settings name, open but not migrated. `patient`: for migrations, which may take long.

    Raises: StorageUnavailable, SettingsError.
    """
    url = settings.postgres_url()
    if url is not None:
        try:
            from backend.storage.postgres import open_postgres
        except ModuleNotFoundError as error:
            raise SettingsError("database: PostgreSQL needs asyncpg; install carnet[server,postgres]") from error
        return await open_postgres(url, 1 if patient else settings.postgres_connections_max, patient=patient)

    from backend.storage.sqlite import open_sqlite

    path = settings.database_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return await open_sqlite(path)


class App:
    """The ASGI application, with its Litestar app (for its routes), its ports (for tests) and its committer."""

    def __init__(
        self, asgi: Asgi, litestar: Litestar, ports: Ports, committer: GroupCommitter, passcodes: Passcodes
    ) -> None:
        self.asgi, self.litestar, self.ports = asgi, litestar, ports
        self._committer, self._passcodes = committer, passcodes

    async def close(self) -> None:
        """Lets what is being committed finish, then lets go of the database."""
        await self._committer.drain()
        self._passcodes.close()
        await self.ports.engine.close()


def build(
    settings: Settings,
    origin: str,
    engine: Engine,
    *,
    now_ms: Callable[[], int] = wall_clock_ms,
    entropy: Callable[[int], bytes] = os.urandom,
) -> App:
    """The application over a migrated database. `origin`: what devices sign."""
    bounds = Bounds(settings.person_day_bytes_max, settings.vault_bytes_max, settings.vaults_an_account_max)

    metrics = Metrics(str(os.getpid()) if settings.workers > 1 else "")

    async def append(pushes: Sequence[Push]) -> list[Outcome | Exception]:
        outcomes = await append_all(engine, pushes, bounds)
        _count(metrics, outcomes)
        return outcomes

    async def breathe() -> None:
        await asyncio.sleep(0)

    addresses, accounts_ = Buckets(settings.address_per_minute_max), Buckets(settings.account_per_minute_max)
    ports = Ports(settings, origin, engine, now_ms, entropy, addresses, accounts_)
    committer = GroupCommitter(append)
    desk = SyncDesk(engine, committer.submit, breathe, metrics.count)
    passcodes = Passcodes()
    handlers = [
        *access.routes(ports),
        *accounts.routes(ports),
        *linking.routes(ports),
        *vaults.routes(ports, desk),
        *owner_routes.routes(ports),
        *public_routes.routes(ports, passcodes),
        *issuers.routes(ports),
        *pages.routes(settings.viewer_servers),
        *health.routes(engine, metrics, Path(settings.data), settings.metrics),
    ]
    app = Litestar(
        route_handlers=[*handlers, *schema.routes(handlers)],
        exception_handlers={Exception: problems.answer_exception},
        before_request=problems.refuse_options,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,
        debug=False,
    )
    straight = Straight(app, vaults.SYNC, vaults.sync_handler(ports, desk))
    paced = Paced(straight, settings.body_seconds_max, settings.bodies_bytes_max)
    limited = Limited(paced, Buckets(settings.address_all_per_minute_max), now_ms)
    rim = Headers(OpenToPages(limited), https=origin.startswith("https://"))
    return App(Logged(rim, metrics), app, ports, committer, passcodes)


def _count(metrics: Metrics, outcomes: Sequence[Outcome | Exception]) -> None:
    """What became of one group of pushes, in figures."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    metrics.count(PUSH_GROUPS)
    metrics.count(PUSHES, by=len(done))
    metrics.count(ITEMS, "entry", by=sum(outcome.stored[0] for outcome in done))
    metrics.count(ITEMS, "frame", by=sum(outcome.stored[1] for outcome in done))


async def start(settings: Settings, origin: str) -> App:
    """An application over its own database, migrated. Raises: StorageError, SettingsError."""
    await migrate_database(settings)
    return build(settings, origin, await open_engine(settings))


async def migrate_database(settings: Settings) -> list[str]:
    """Brings the database to this version; gives the names of what was applied. Raises: StorageError, SettingsError."""
    engine = await open_engine(settings, patient=True)
    try:
        return await migrate(engine, wall_clock_ms())
    finally:
        await engine.close()


class Worker:
    """An ASGI application that opens its database when its process starts and closes it when that ends."""

    def __init__(self, settings: Settings, origin: str) -> None:
        self._settings, self._origin = settings, origin
        self._app: App | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._app is not None, "requests come after the start"
            await self._app.asgi(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        """The lifespan protocol: all is closed before the end is reported, because the loop stops at the report."""
        await receive()
        give_back_large_blocks()
        try:
            self._app = await start(self._settings, self._origin)
        except (StorageError, SettingsError, OSError) as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            print(f"carnet-server: {error}", file=sys.stderr)  # noqa: T201  the operator must see why
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._app.close()
        await send({"type": "lifespan.shutdown.complete"})


def from_environment() -> Worker:
    """A worker of a server with several processes: the parent has put its settings and origin into the environment."""
    start_logs()
    settings = read_settings(None, os.environ, {})
    return Worker(settings, settings.origin)
