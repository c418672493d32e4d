"""The `carnet-server` command: run, migrate, check-config, reveal.

Exit 0 done, 1 refused or failed with one sentence on stderr, 2 usage. SIGTERM and SIGINT let requests in flight finish
and exit 0. Spec: openapi/protocol/cli.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from backend.settings import Settings, SettingsError, read_settings
from backend.storage.engine import StorageError

EPILOG = """\
Settings come from the file of --config (TOML), from CARNET_* variables and from options; later ones win.
By default the server listens on 127.0.0.1 only: put a proxy with TLS before it and set CARNET_ORIGIN to the
address that phones use.

examples:
  carnet-server run                                    SQLite in ./carnet-data, http://127.0.0.1:8440
  carnet-server run --data DIR --port 0 --ready-file F any free port; F gets {"url", "pid"} when it answers
  carnet-server run --database postgresql://carnet@db.example/carnet
                                                       PostgreSQL; `carnet-server run --help` says how
  carnet-server reveal 3f0c…                           every stored row about an account or a device
"""

DATABASE = """\
the database:
  sqlite:///PATH                           one file, one machine
  postgresql://USER@HOST:PORT/NAME         PostgreSQL 14 or newer; several servers may share one database
  postgresql://USER@/NAME?host=/run/postgresql
                                           by its UNIX socket
  postgresql://USER@HOST/NAME?sslmode=verify-full&sslrootcert=FILE
                                           on another machine: checked and encrypted

A password goes into PGPASSWORD, into ~/.pgpass, or with the whole address into CARNET_DATABASE or the file of --config:
a command line is seen by every user of the machine. The first start makes the tables in an empty database; USER must
own it. Each process keeps up to CARNET_POSTGRES_CONNECTIONS_MAX connections (10). When PostgreSQL is away, phones hear
503 with Retry-After, /readyz says so, and the server goes on by itself once it is back. More: infra/postgresql.md.
"""


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="carnet-server",
        description="Carnet's server: orders and keeps what phones seal, and can read none of it.",
        epilog=EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings as TOML")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    storage = argparse.ArgumentParser(add_help=False)
    storage.add_argument("--data", metavar="DIR", help="folder of the database (default: carnet-data)")
    storage.add_argument(
        "--database", metavar="URL", help="sqlite:///PATH or postgresql://USER@HOST/NAME instead of a file in --data"
    )

    run = commands.add_parser(
        "run", parents=[storage], help="serve until told to stop", epilog=DATABASE, formatter_class=formatter
    )
    run.add_argument("--host", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1, this machine only)")
    run.add_argument("--port", type=int, metavar="N", help="port to listen on, 0 for any free one (default: 8440)")
    run.add_argument("--origin", metavar="URL", help="the address phones use, if a proxy stands before the server")
    run.add_argument("--workers", type=int, metavar="N", help="processes (default: 1)")
    run.add_argument(
        "--push-credentials",
        metavar="FILE",
        help="key of a Firebase service account, to push to Android and Apple phones (default: nobody pushes)",
    )
    run.add_argument(
        "--ready-file", metavar="FILE", type=Path, help='gets {"url", "pid"} as JSON once the server answers'
    )

    commands.add_parser("migrate", parents=[storage], help="bring the database to this version, then exit")
    commands.add_parser(
        "check-config", parents=[storage], help="print the settings, ask PostgreSQL if it is named, exit"
    )

    reveal = commands.add_parser("reveal", parents=[storage], help="print every stored row about an account or device")
    reveal.add_argument("id", metavar="ACCOUNT|DEVICE", help="its id, as hex")
    reveal.add_argument("--json", action="store_true", help="as one JSON document")
    return parser


_OVERRIDES = ("data", "database", "host", "port", "origin", "workers", "push_credentials")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    options = _parser().parse_args(arguments)
    try:
        overrides: dict[str, Any] = {name: getattr(options, name, None) for name in _OVERRIDES}
        settings = read_settings(options.config, os.environ, overrides)
        if options.command == "run":
            return _run(settings, options.ready_file)
        if options.command == "migrate":
            return asyncio.run(_migrate(settings))
        if options.command == "reveal":
            return asyncio.run(_reveal(settings, options.id, options.json))
        print(msgspec.json.format(msgspec.json.encode(settings.shown())).decode())
        asyncio.run(_check_push(settings))
        return asyncio.run(_check_database(settings))
    except (SettingsError, StorageError, OSError) as error:
        print(f"carnet-server: {error}", file=sys.stderr)
        return 1


def _run(settings: Settings, ready_file: Path | None) -> int:
    from backend.http.logs import start_logs
    from backend.serving import serve

    start_logs()
    return serve(settings, ready_file)


async def _check_database(settings: Settings) -> int:
    """PostgreSQL must answer, let the user in and be new enough; a SQLite file is made when it is needed."""
    if settings.postgres_url() is not None:
        from backend.main import open_engine

        engine = await open_engine(settings)
        await engine.close()
        if not getattr(engine, "is_durable", True):
            print(
                "carnet-server: PostgreSQL has fsync=off: a power cut loses what was acknowledged",
                file=sys.stderr,
            )
            return 1
    return 0


async def _check_push(settings: Settings) -> None:
    """Credentials for pushes must be such. Raises: SettingsError."""
    if settings.push_credentials:
        from backend.main import open_senders

        for sender in set(open_senders(settings).values()):
            await sender.close()


async def _migrate(settings: Settings) -> int:
    from backend.main import migrate_database

    applied = await migrate_database(settings)
    print("\n".join(f"applied {name}" for name in applied) or "nothing to do")
    return 0


async def _reveal(settings: Settings, text: str, as_json: bool) -> int:
    from backend.main import open_engine
    from backend.operate.reveal import RevealError, as_words, reveal

    engine = await open_engine(settings)
    try:
        found = await reveal(engine.reading(), text)
    except RevealError as error:
        print(f"carnet-server: {error}", file=sys.stderr)
        return 1
    finally:
        await engine.close()
    print(msgspec.json.format(msgspec.json.encode(found)).decode() if as_json else as_words(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
