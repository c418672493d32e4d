"""Builds the server: the one file that names adapters, each imported where it is chosen.

`build` puts rooms, ports and the ASGI wrappers together over an engine that is open; `open_engine` chooses the
database; `from_environment` is what a worker process runs. Not here: any route, any SQL, the command line (cli.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from litestar import Litestar

from backend.access import routes as access
from backend.accounts import push_routes
from backend.accounts import routes as accounts
from backend.events import routes as events
from backend.events.live import Live
from backend.http import health, problems, schema
from backend.http.figures import Figures
from backend.http.headers import Asgi, Headers
from backend.http.limits import Buckets, Limited
from backend.http.logs import Logged, start_logs
from backend.http.metrics import (
    ITEMS,
    PUSH_COALESCED,
    PUSH_FAILED,
    PUSH_GROUPS,
    PUSH_OLDEST,
    PUSH_SENT,
    PUSHES,
    STREAMS,
    Metrics,
)
from backend.http.pace import Paced
from backend.http.siblings import FOLDER as SIBLINGS
from backend.http.siblings import Siblings
from backend.http.straight import Straight
from backend.inbox import owner_routes as inbox_owner
from backend.inbox import public_routes as inbox_public
from backend.inbox.store import drop_old_notes
from backend.issuers import routes as issuers
from backend.ledger import routes as ledger
from backend.linking import routes as linking
from backend.memory import give_back_large_blocks
from backend.notices.store import tell_device
from backend.ports import Ports
from backend.push.local import LocalSender
from backend.push.sender import PushSender, Reason
from backend.push.store import CLASS_WORDS, oldest_wish
from backend.push.worker import PushWorker
from backend.settings import Settings, SettingsError, read_settings
from backend.shares import owner_routes, public_routes
from backend.shares.cors import OpenToPages
from backend.shares.passcodes import Passcodes
from backend.storage.engine import Engine, StorageError, Transaction
from backend.storage.migrate import migrate
from backend.terms import routes as terms
from backend.terms.files import served_packs
from backend.vaults import routes as vaults
from backend.vaults.append import Outcome, Push, append_all
from backend.vaults.committer import GroupCommitter
from backend.vaults.desk import SyncDesk
from backend.vaults.ruling import Bounds
from backend.web import pages
from sync.wire.ids import DeviceId


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
    """The ASGI application, with what tests ask for: its Litestar app, its ports, its push worker, its hub."""

    def __init__(
        self,
        asgi: Asgi,
        litestar: Litestar,
        ports: Ports,
        committer: GroupCommitter,
        passcodes: Passcodes,
        pushes: PushWorker,
        live: Live,
        figures: Figures,
    ) -> None:
        self.asgi, self.litestar, self.ports, self.pushes = asgi, litestar, ports, pushes
        self.live, self.figures = live, figures
        self._committer, self._passcodes = committer, passcodes

    async def close(self) -> None:
        """Lets what is being committed finish, then lets go of the database."""
        await self._committer.drain()
        await self.pushes.close()
        await self.live.close()
        if self.figures.siblings is not None:
            await self.figures.siblings.close()
        self._passcodes.close()
        await self.ports.engine.close()


def build(
    settings: Settings,
    origin: str,
    engine: Engine,
    *,
    now_ms: Callable[[], int] = wall_clock_ms,
    entropy: Callable[[int], bytes] = os.urandom,
    senders: Mapping[str, PushSender] | None = None,
) -> App:
    """The application over a migrated database. `origin`: what devices sign. `senders`: of pushes, by platform."""
    senders = {"local": LocalSender()} if senders is None else senders
    bounds = Bounds(settings.person_day_bytes_max, settings.vault_bytes_max, settings.vaults_an_account_max)

    metrics = Metrics(str(os.getpid()) if settings.workers > 1 else "")
    for class_ in CLASS_WORDS:  # a counter that begins at 0 shows its first event as a rise
        metrics.count(PUSH_SENT, class_, by=0)
        metrics.count(PUSH_COALESCED, class_, by=0)
    for reason in get_args(Reason):
        metrics.count(PUSH_FAILED, reason, by=0)

    async def append(pushes: Sequence[Push]) -> list[Outcome | Exception]:
        outcomes = await append_all(engine, pushes, bounds)
        _count(metrics, outcomes)
        return outcomes

    async def breathe() -> None:
        await asyncio.sleep(0)

    async def freshen() -> None:
        metrics.set(STREAMS, len(live.hub))
        now = now_ms()
        with contextlib.suppress(StorageError):
            since = await oldest_wish(engine.reading(), now)
            metrics.set(PUSH_OLDEST, 0.0 if since is None else max(now - since, 0) / 1_000)

    async def report_dead(tx: Transaction, device: DeviceId, now: int) -> None:
        await tell_device(tx, device, "push_lost", now)

    pushes = PushWorker(engine, senders, report_dead, metrics, now_ms, random.random)
    addresses, accounts_ = Buckets(settings.address_per_minute_max), Buckets(settings.account_per_minute_max)
    ports = Ports(settings, origin, engine, now_ms, entropy, addresses, accounts_)
    live = Live(engine, settings.event_streams_max)
    figures = Figures(metrics, freshen, engine, Path(settings.data))
    committer = GroupCommitter(append)
    desk = SyncDesk(engine, committer.submit, breathe, metrics.count, live.settler.synced)
    passcodes = Passcodes()
    handlers = [
        *access.routes(ports),
        *accounts.routes(ports),
        *push_routes.routes(ports, senders.keys()),
        *linking.routes(ports),
        *vaults.routes(ports, desk),
        *events.routes(),
        *owner_routes.routes(ports),
        *public_routes.routes(ports, passcodes),
        *ledger.routes(ports),
        *inbox_public.routes(ports),
        *inbox_owner.routes(ports),
        *issuers.routes(ports),
        *terms.routes(ports, served_packs(Path(settings.data))),
        *pages.routes(settings.viewer_servers),
        *health.routes(engine, figures, settings.metrics),
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
    handlers_by_path = {
        ("POST", vaults.SYNC): vaults.sync_handler(ports, desk),
        ("GET", events.EVENTS): events.events_handler(ports, live.hub, metrics.count, live.settler.hinted),
    }
    straight = Straight(app, handlers_by_path)
    paced = Paced(straight, settings.body_seconds_max, settings.bodies_bytes_max)
    limited = Limited(paced, Buckets(settings.address_all_per_minute_max), now_ms)
    rim = Headers(OpenToPages(limited), https=origin.startswith("https://"))
    return App(Logged(rim, metrics), app, ports, committer, passcodes, pushes, live, figures)


def _count(metrics: Metrics, outcomes: Sequence[Outcome | Exception]) -> None:
    """What became of one group of pushes, in figures."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    metrics.count(PUSH_GROUPS)
    metrics.count(PUSHES, by=len(done))
    metrics.count(ITEMS, "entry", by=sum(outcome.stored[0] for outcome in done))
    metrics.count(ITEMS, "frame", by=sum(outcome.stored[1] for outcome in done))


async def start(settings: Settings, origin: str) -> App:
    """An application over its own database, migrated, at work. Raises: StorageError, SettingsError."""
    senders = open_senders(settings)
    await migrate_database(settings)
    app = build(settings, origin, await open_engine(settings), senders=senders)
    async with app.ports.engine.transaction() as tx:
        await drop_old_notes(tx, None, wall_clock_ms())
    await join_others(app, settings)
    app.pushes.start()
    return app


async def join_others(app: App, settings: Settings) -> None:
    """Connects the application with other processes on its database, by whatever reaches all of them.

    On SQLite those are the processes of one `run --workers N`; two servers that share a file do not hear each other.
    """
    url, hub, folder = settings.postgres_url(), app.live.hub, os.environ.get(SIBLINGS)
    if folder is not None:
        siblings = Siblings(Path(folder), app.figures.own, hub.hear)
        with contextlib.suppress(OSError):  # a folder with too long a name: figures of one process, hints in it alone
            await siblings.start()
            app.figures.siblings = siblings
            app.live.relay = siblings
    if url is not None:
        from backend.storage.postgres_relay import PostgresRelay

        app.live.relay = relay = PostgresRelay(url, hub.hear, hub.missed)
        relay.start()


def open_senders(settings: Settings) -> dict[str, PushSender]:
    """Who carries pushes, by platform: Firebase only if its credentials are set. Raises: SettingsError."""
    senders: dict[str, PushSender] = {"local": LocalSender()}
    if settings.push_credentials:
        try:
            from backend.push.firebase import open_firebase
        except ModuleNotFoundError as error:
            raise SettingsError("push_credentials: Firebase needs firebase-admin; install carnet[firebase]") from error
        senders["android"] = senders["apple"] = open_firebase(settings.push_credentials, settings.push_endpoint)
    return senders


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
