"""The server as a process of its own: kill -9, SIGTERM, several workers, on both engines; the command line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from backend.storage.migrate import all_migrations
from sync.wire.exchange import VaultAsk
from tests.api.phone_kit import LogBook, Phone, make_frame, take_answer
from tests.faults.server_process import ROOT, finished, running
from tests.storage import postgres_kit

both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest_asyncio.fixture
async def database(request: pytest.FixtureRequest) -> AsyncIterator[list[str]]:
    """What names the database on the command line."""
    if request.param == "sqlite":
        yield []
        return
    async with postgres_kit.database(migrated=False) as url:
        yield ["--database", url]


@both
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, database: list[str]):
    """SYN-10: killed while ten phones write; every acknowledged frame is there, once, in its own log."""
    with running(tmp_path, *database) as (process, url):
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            mum = await Phone("mum", client, url).register()
            books = [await mum.found() for _ in range(10)]

            async def write(book: LogBook) -> None:
                with contextlib.suppress(httpx.TransportError):
                    while True:
                        await mum.push(book, make_frame(book, mum.card))

            writers = [asyncio.create_task(write(book)) for book in books]
            while sum(book.state.seq for book in books) < 150:
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            await asyncio.gather(*writers)
    with running(tmp_path, *database) as (_, url):
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            mum.client, mum.origin = client, url
            await mum.log_in()
            for book in books:
                cold = LogBook(book.vault)
                take_answer(cold, (await mum.sync(VaultAsk(book.vault, 0, cold.L[0], 0))).one)
                assert cold.L[: len(book.L)] == book.L
                assert len(cold.L) - len(book.L) <= 1, "at most the one whose answer was lost"


@both
async def test_sigterm_lets_a_request_in_flight_finish(tmp_path: Path, database: list[str]):
    """The body arrives after the signal; the answer comes, then the process ends with 0."""
    with running(tmp_path, *database) as (process, url):
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            mum = await Phone("mum", client, url).register()
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/sync HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/msgpack\r\nContent-Length: 2\r\n"
        writer.write(f"{head}Authorization: Bearer {mum.token}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        assert process.poll() is None
        writer.write(b"\x91\x90")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200")
        assert process.wait(10) == 0


@both
async def test_two_workers_share_one_database(tmp_path: Path, database: list[str]):
    """Each request of many, whichever process takes it, sees what was acknowledged before."""
    with running(tmp_path, "--workers", "2", *database) as (process, url):
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            mum = await Phone("mum", client, url).register()
            books = [await mum.found() for _ in range(4)]

        async def write(book: LogBook) -> None:
            """One frame over a connection of its own, so that either process may take it."""
            async with httpx.AsyncClient(base_url=url, timeout=20) as fresh:
                phone = Phone("mum", fresh, url)
                phone.token = mum.token
                await phone.push(book, make_frame(book, mum.card))

        for _ in range(5):
            await asyncio.gather(*(write(book) for book in books))
        assert [book.state.seq for book in books] == [6] * 4
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_check_config_prints_the_settings_and_later_ones_win(tmp_path: Path):
    config = tmp_path / "carnet.toml"
    config.write_text('registration = "closed"\nport = 1\nvault_bytes_max = 7\n')
    code, out, _ = finished("--config", str(config), "check-config", CARNET_PORT="2")
    settings = json.loads(out)
    assert (code, settings["registration"], settings["port"], settings["vault_bytes_max"]) == (0, "closed", 2, 7)
    assert settings["host"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("prot = 1\n", "prot"),
        ("port = 70000\n", "port"),
        ("workers = 0\n", "workers"),
        ('registration = "maybe"\n', "registration"),
        ('database = "mysql://x"\n', "database"),
        ("port = \n", "carnet.toml"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(tmp_path: Path, text: str, word: str):
    config = tmp_path / "carnet.toml"
    config.write_text(text)
    code, _, err = finished("--config", str(config), "check-config")
    assert (code, word in err, "Traceback" in err) == (1, True, False)


def test_migrate_says_what_it_did(tmp_path: Path):
    assert finished("migrate", "--data", str(tmp_path)) == (
        0,
        "".join(f"applied {migration.name}\n" for migration in all_migrations()),
        "",
    )
    assert finished("migrate", "--data", str(tmp_path)) == (0, "nothing to do\n", "")


def test_usage_is_2_and_help_is_0():
    assert finished()[0] == 2
    assert finished("nonsense")[0] == 2
    code, out, _ = finished("--help")
    assert code == 0
    assert "127.0.0.1" in out


def test_the_help_teaches_the_address_of_postgresql():
    code, out, _ = finished("run", "--help")
    assert code == 0
    assert "postgresql://USER@HOST:PORT/NAME" in out


@pytest.mark.parametrize(
    ("command", "address", "says"),
    [
        ("check-config", "postgresql://mum:secret7f3a@db.example", "needs the name of a database"),
        ("run", "postgresql://mum:secret7f3a@db.example:x7f3a/carnet", "not an address of the form"),
        ("migrate", "postgresql://mum:secret7f3a@db.example/carnet?7f3a=1", "a parameter is not known"),
        ("check-config", "postgresql://mum:secret7f3a@127.0.0.1:1/carnet", "PostgreSQL cannot be reached"),
        ("run", "postgresql://mum:secret7f3a@127.0.0.1:1/carnet", "PostgreSQL cannot be reached"),
    ],
)
def test_an_address_of_postgresql_that_cannot_be_used_is_named_plainly(command, address, says):
    """ERR-3: one sentence, and nothing of the address in it."""
    code, out, err = finished(command, CARNET_DATABASE=address)
    assert (code, says in err, err.count("\n"), "7f3a" in err + out) == (1, True, 1, False)


async def test_check_config_asks_postgresql_and_shows_no_password():
    async with postgres_kit.database(migrated=False) as url:
        code, out, err = finished("check-config", CARNET_DATABASE=url.replace("carnet@", "carnet:secret7f3a@"))
        assert (code, err, "7f3a" in out) == (0, "", False)
        assert "carnet:*@" in json.loads(out)["database"]
        assert finished("migrate", "--database", url)[1].splitlines() == [f"applied {m.name}" for m in all_migrations()]
        assert finished("migrate", "--database", url) == (0, "nothing to do\n", "")


def test_check_config_says_that_fsync_is_off():
    cluster = postgres_kit.Cluster(fsync=False)
    try:
        cluster.start()
        code, _, err = finished("check-config", "--database", cluster.url())
        assert (code, "fsync=off" in err) == (1, True)
    finally:
        cluster.remove()


def test_a_server_without_asyncpg_says_what_to_install():
    program = "import sys; sys.modules['asyncpg'] = None; from backend.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = [sys.executable, "-c", program, "check-config", "--database", "postgresql://carnet@/carnet"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "carnet[server,postgres]" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_a_taken_port_is_said_in_one_line(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = finished("run", "--data", str(tmp_path), "--port", port)
    assert (code, err.count("\n")) == (1, 1)


def test_a_database_of_a_newer_version_stops_the_start(tmp_path: Path):
    import sqlite3

    finished("migrate", "--data", str(tmp_path))
    database = sqlite3.connect(tmp_path / "carnet.sqlite3")
    with database:
        database.execute("INSERT INTO schema_version VALUES (99, 1)")
    database.close()
    code, _, err = finished("run", "--data", str(tmp_path), "--port", "0")
    assert code == 1
    assert "version 99" in err
    assert "Traceback" not in err
