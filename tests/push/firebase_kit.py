"""The real SDK before a stand-in for Firebase that runs in the test's loop: what blocks the loop gets no answer."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.push import firebase as adapter
from backend.push.firebase import FirebaseSender, open_firebase
from backend.push.sender import Outgoing
from infra.fcm.server import FcmServer, running, write_certificate, write_credentials

NOW_MS = 1_790_000_000_000


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate; what takes time to make is made once."""
    folder = tmp_path_factory.mktemp("stand-in")
    write_certificate(folder / "tls.pem")
    return folder


@asynccontextmanager
async def firebase(
    keys: Path, monkeypatch: pytest.MonkeyPatch, http: int = 1
) -> AsyncIterator[tuple[FirebaseSender, FcmServer]]:
    """A sender and its stand-in. `http`: the version that they speak."""
    for name in ("SEND_SECONDS", "BATCH_SECONDS", "REFRESH_SECONDS"):  # long: the machine may be busy
        if getattr(adapter, name) >= 10:
            monkeypatch.setattr(adapter, name, 100)
    monkeypatch.setenv("SSL_CERT_FILE", str(keys / "tls.pem"))
    async with running(time.monotonic, keys / "tls.pem") as server:
        file = keys / f"account-{server.url.rpartition(':')[2]}.json"
        write_credentials(file, server.url)
        sender = open_firebase(str(file), server.tls_url if http == 2 else server.url)
        try:
            yield sender, server
        finally:
            await sender.close()


def push(name: str = "phone", class_: str = "wake", platform: str = "android", kind: str = "token") -> Outgoing:
    return Outgoing(platform, kind, name, f"{name:_<22}", class_)  # type: ignore[arg-type]
