"""A location on https is verified, also where its link came from this machine without TLS (shares.md, SHR-25)."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crypto.secret.secret import Secret
from sync.device.foreign_links import follow
from sync.device.refused import Refused
from sync.vault.share import Link
from tests.cli.share_reader import FHIR_JSON, foreign_server, sealed
from tests.cli.test_private_authority import certified

KEY = Secret(b"k" * 32)


class File(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sealed(KEY, b"{}").encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("trusts", [False, True])
async def test_a_file_comes_only_from_a_server_whose_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusts: bool
) -> None:
    key, certificate = certified(tmp_path)
    if trusts:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), File)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    location = f"https://127.0.0.1:{server.server_address[1]}/file"
    try:
        with foreign_server() as foreign:
            url = foreign.gives("/m", {"files": [{"contentType": FHIR_JSON, "location": location}]})
            link = Link(url, KEY, "", None, None)
            if trusts:
                [file] = await follow(link, "Testa", str)
                assert file.data == b"{}"
            else:
                with pytest.raises(Refused) as told:
                    await follow(link, "Testa", str)
                assert told.value.code == "link_unreachable"
    finally:
        server.shutdown()
        server.server_close()
