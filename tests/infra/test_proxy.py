"""The proxy, run with its file as it stands: phones come through, figures do not, nothing is held back or noted."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from sync.wire.errors import PROBLEMS
from tests.cli.kit import DONE, REFUSED, Server, make_phone
from tests.infra.tools import INFRA, free_port, packaged, quiet, started

CADDYFILE = INFRA / "compose" / "proxy" / "Caddyfile"
CANARY = "canary7f3a"


class Proxy(NamedTuple):
    """A running proxy. `upstream`: the port that it asks; `root`: the certificate that vouches for it."""

    origin: str
    upstream: int
    root: Path
    log: Path

    def client(self) -> httpx.Client:
        """A caller that trusts this proxy's own authority."""
        return httpx.Client(base_url=self.origin, verify=ssl.create_default_context(cafile=self.root), timeout=30)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    port, upstream, log = free_port(), free_port(), folder / "caddy.log"
    root = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    with started(
        [packaged("caddy"), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)],
        port,
        log,
        CARNET_HOST="localhost",
        CARNET_UPSTREAM=f"127.0.0.1:{upstream}",
        CARNET_HTTP_PORT=str(free_port()),
        CARNET_HTTPS_PORT=str(port),
        XDG_DATA_HOME=str(folder),
        XDG_CONFIG_HOME=str(folder),
        HOME=str(folder),
    ):
        yield Proxy(f"https://localhost:{port}", upstream, root, log)


@pytest.fixture
def server(proxy: Proxy, tmp_path: Path) -> Iterator[Server]:
    """Shows its figures to everyone, as in the compose file, where the proxy alone stands before them."""
    running = Server(
        tmp_path / "server",
        port=proxy.upstream,
        origin=proxy.origin,
        CARNET_METRICS="everyone",
        CARNET_TRUSTED_PROXIES="127.0.0.1",
    )
    yield running.start()
    running.kill()


def test_the_file_is_valid_and_in_its_usual_form(tmp_path):
    names = {"CARNET_HOST": "carnet.example", "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    quiet(packaged("caddy"), "validate", "--adapter", "caddyfile", "--config", str(CADDYFILE), **names)
    quiet(packaged("caddy"), "fmt", "--diff", str(CADDYFILE), **names)


def test_a_phone_syncs_through_it(proxy, server, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.root))
    phone = make_phone(tmp_path / "phone", proxy.origin)
    phone("new", "Condition", '{"code": {"text": "a cold"}}')
    assert phone("sync")["sent"] > 0
    with proxy.client() as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/view").headers["strict-transport-security"]


def test_figures_are_not_to_be_had_from_outside(proxy, server):
    assert httpx.get(f"http://127.0.0.1:{server.port}/metrics").status_code == 200
    with proxy.client() as client:
        nowhere = client.get("/nowhere")
        for path in ("/metrics", "/metrics/", "/metrics?x=1", "/METRICS", "/%6Detrics", "//metrics", "/x/../metrics"):
            answer = client.get(path)
            assert (answer.status_code, answer.content) == (404, nowhere.content), path


def test_a_server_that_is_away_is_said_as_the_server_says_it(proxy):
    with proxy.client() as client:
        answer = client.get("/v1/vaults")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == "unavailable"
    assert int(answer.headers["retry-after"]) == answer.json()["retry_after"]


def test_a_phone_waits_for_a_server_that_is_away(proxy, server, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.root))
    phone = make_phone(tmp_path / "phone", proxy.origin)
    server.kill()
    done = phone.run("sync")
    assert (done.code, done.json["next"]) == (REFUSED, PROBLEMS["unavailable"].next)
    server.start()
    assert phone.run("sync").code == DONE


def test_nothing_of_a_request_is_written_when_its_answer_breaks_off(proxy):
    """Caddy would name path, headers and the caller's address."""
    with socket.create_server(("127.0.0.1", proxy.upstream)) as listener:
        broken = threading.Thread(target=_break_off, args=(listener,), daemon=True)
        broken.start()
        with proxy.client() as client, pytest.raises(httpx.HTTPError):
            client.get(f"/v1/links/{CANARY}?x={CANARY}", headers={"Authorization": f"Bearer {CANARY}"})
        broken.join(10)
    deadline = time.monotonic() + 10  # it is written once the answer has gone
    while "aborting with incomplete response" not in (said := proxy.log.read_text()):
        assert time.monotonic() < deadline, said
        time.sleep(0.02)
    assert CANARY not in said
    assert "remote_ip" not in said


def _break_off(listener: socket.socket) -> None:
    """Begins an answer of a hundred bytes and ends after one."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")


class Events:
    """A server that begins an event stream, holds it open, and notices when the listener has gone."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.left, self._asked = threading.Event(), b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            while b"\r\n\r\n" not in self._asked:
                self._asked += connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
            connection.sendall(b"Transfer-Encoding: chunked\r\n\r\nd\r\n: heartbeat\n\n\r\n")
            with contextlib.suppress(OSError):
                while connection.recv(65_536):
                    pass
            self.left.set()

    def close(self) -> None:
        self._listener.close()
        self._thread.join(10)


def test_an_event_passes_while_the_stream_is_open_and_a_listener_who_leaves_is_missed(proxy):
    """No time is measured: the stream never ends by itself, so what is read came through at once."""
    events = Events(proxy.upstream)
    try:
        with proxy.client() as client, client.stream("GET", "/v1/events") as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            stream = answer.iter_raw()
            assert next(stream) == b": heartbeat\n\n"
            assert not events.left.is_set()
        assert events.left.wait(30)
    finally:
        events.close()
