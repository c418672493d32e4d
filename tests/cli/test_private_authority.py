"""A server behind TLS with a certificate of a private authority (openapi/protocol/cli.md, MUST CLI-6)."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cli.kit import DONE, REFUSED, Inside, Server


class Tls(NamedTuple):
    """A running server, reached by TLS at `origin`; `certificate`: the PEM file that vouches for it."""

    origin: str
    certificate: Path


def certified(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(pem))
    return folder / "key.pem", folder / "certificate.pem"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = certified(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    upstream: list[int] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", upstream[0])
        await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer), return_exceptions=True)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context), loop)
    port = listening.result(10).sockets[0].getsockname()[1]
    server = Server(folder / "server", origin=f"https://127.0.0.1:{port}").start()
    upstream.append(server.port)
    yield Tls(server.url, certificate)
    server.kill()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def init(store: Path, tls: Tls, **environment: str) -> tuple[int, str]:
    line = ("--no-keyring", "init", "--server", tls.origin, "--name", "Testa Testperson", "--device", "phone")
    done = Inside(store).run(*line, **environment)
    return done.code, done.json.get("code", "")


def test_a_server_of_a_private_authority_is_reached_once_that_is_named(tls: Tls, tmp_path: Path) -> None:
    assert init(tmp_path / "a", tls) == (REFUSED, "unreachable")
    assert init(tmp_path / "a", tls, SSL_CERT_FILE=str(tls.certificate)) == (DONE, "")
    phone = Inside(tmp_path / "a")
    assert phone.run("sync").code == REFUSED
    assert phone.run("sync", SSL_CERT_FILE=str(tls.certificate)).code == DONE


def test_a_file_without_certificates_is_refused_in_words(tls: Tls, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("nothing")
    for file in ("none.pem", "missing.pem"):
        assert init(tmp_path / "a", tls, SSL_CERT_FILE=str(tmp_path / file)) == (REFUSED, "bad_certificates")
