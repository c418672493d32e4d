"""A stand-in for Firebase on loopback: the token endpoint and the messages, over HTTP/1.1 and, with TLS, HTTP/2.

What it answers is rules.py's. It serves the real SDK in tests and demonstrations, nothing else: no limits of its own,
no care for a caller that is not an HTTP client. `credentials` writes the key file of a service account that nobody has.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset

from infra.fcm.rules import Answer, FakeFcm

SLOW_SECONDS = 0.3  # seconds of a slow answer
PROJECT = "stand-in"
FIGURES, HANG_TOKENS = "/figures", "/tokens/hang"  # for whoever runs it as a program


class FcmServer:
    """The rules behind sockets. `url`, `tls_url`: where it listens.

    `connections`: how many were opened; `most_open`: at a time.
    """

    def __init__(self, rules: FakeFcm) -> None:
        self.rules = rules
        self.url = self.tls_url = ""
        self.connections = self.most_open = 0
        self.is_down = False
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.is_down:
            writer.close()
            return
        self.connections += 1
        self._open.add(writer)
        self.most_open = max(self.most_open, len(self._open))
        tls = writer.get_extra_info("ssl_object")
        try:
            if tls is not None and tls.selected_alpn_protocol() == "h2":
                await _Http2(self, reader, writer).run()
            else:
                await self._http1(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _http1(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            answer = await self.answer(first.split(" ")[1], headers.get("authorization", ""), body)
            if answer is None:
                return
            extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
            date = datetime.datetime.now(datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
            head_out = (
                f"HTTP/1.1 {answer.status} X\r\ndate: {date}\r\ncontent-length: {len(answer.body)}\r\n{extra}\r\n"
            )
            writer.write(head_out.encode() + answer.body)
            await writer.drain()

    async def answer(self, path: str, authorization: str, body: bytes) -> Answer | None:
        """What the rules say, in their manner; None: the connection is cut."""
        if path == "/token":
            answer = self.rules.give_token()
        elif path == FIGURES:
            answer = Answer(200, json.dumps(self.figures()).encode())
        elif path == HANG_TOKENS:
            self.rules.token_manner = "hang"
            answer = Answer(200, b"{}")
        elif path == f"/v1/projects/{PROJECT}/messages:send":
            answer = self.rules.take(authorization, body)
        else:
            answer = Answer(404, b"{}")
        if answer.manner == "hang":
            await asyncio.sleep(3_600)
        elif answer.manner == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        elif answer.manner == "cut":
            return None
        return answer

    def figures(self) -> dict[str, Any]:
        """What has happened so far, in numbers."""
        rules = self.rules
        told = {"taken": len(rules.taken), "asked": rules.asked, "refreshes": rules.refreshes, "wrong": rules.wrong}
        return told | {"most_open": self.most_open}

    def go_down(self) -> None:
        """Takes no connection until it is up again, and cuts those that are open."""
        self.is_down = True
        for writer in list(self._open):
            writer.transport.abort()

    def come_up(self) -> None:
        self.is_down = False


class _Http2:
    """One connection of HTTP/2; streams are answered as they end, each in a task."""

    def __init__(self, server: FcmServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._streams: dict[int, tuple[dict[str, str], bytearray]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        self._h2.initiate_connection()
        self._flush()
        try:
            while data := await self._reader.read(65_536):
                for event in self._h2.receive_data(data):
                    self._see(event)
                self._flush()
        finally:
            for task in self._tasks.values():
                task.cancel()

    def _see(self, event: Any) -> None:
        if isinstance(event, RequestReceived):
            self._streams[event.stream_id] = (dict(event.headers), bytearray())
        elif isinstance(event, DataReceived):
            self._streams[event.stream_id][1].extend(event.data)
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self._tasks[event.stream_id] = asyncio.get_running_loop().create_task(self._serve(event.stream_id))
        elif isinstance(event, StreamReset) and event.stream_id in self._tasks:
            self._tasks.pop(event.stream_id).cancel()

    async def _serve(self, stream: int) -> None:
        headers, body = self._streams.pop(stream)
        answer = await self._server.answer(headers[":path"], headers.get("authorization", ""), bytes(body))
        self._tasks.pop(stream, None)
        if answer is None:
            self._writer.transport.abort()
            return
        length = ("content-length", str(len(answer.body)))
        self._h2.send_headers(stream, [(":status", str(answer.status)), length, *answer.headers])
        self._h2.send_data(stream, answer.body, end_stream=True)
        self._flush()

    def _flush(self) -> None:
        self._writer.write(self._h2.data_to_send())


@asynccontextmanager
async def running(now: Callable[[], float], certificate: Path | None = None) -> AsyncIterator[FcmServer]:
    """A server on two free ports of loopback. `certificate`: a file with key and certificate, for the one with TLS."""
    server = FcmServer(FakeFcm(now))
    listeners = [await asyncio.start_server(server.serve, "127.0.0.1", 0)]
    server.url = f"http://127.0.0.1:{listeners[0].sockets[0].getsockname()[1]}"
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        context.set_alpn_protocols(["h2", "http/1.1"])
        listeners.append(await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context))
        server.tls_url = f"https://127.0.0.1:{listeners[1].sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        server.go_down()
        for listener in listeners:
            listener.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(one.wait_closed() for one in listeners)), 2)


def write_credentials(file: Path, url: str) -> Path:
    """The key file of a service account that exists nowhere, with its token endpoint at `url`."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "stand-in",
        "private_key": pem,
        "client_email": f"carnet@{PROJECT}.example",
        "token_uri": f"{url}/token",
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(account))
    return file


def write_certificate(file: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself, in one file: both the server's and whom to trust."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.touch(mode=0o600)
    file.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return file
