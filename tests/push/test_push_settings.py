"""Credentials for pushes are looked at when the server starts, and Firebase is loaded only where they are set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.fcm.server import write_credentials
from tests.faults.server_process import ROOT, finished


def test_a_server_does_not_start_with_credentials_that_are_none(tmp_path: Path):
    """One plain sentence, and nothing of the file."""
    file = tmp_path / "key.json"
    file.write_text('{"type": "authorized_user", "refresh_token": "canary"}')
    started = finished("run", "--data", str(tmp_path / "data"), "--port", "0", "--push-credentials", str(file))
    checked = finished("check-config", CARNET_PUSH_CREDENTIALS=str(file))
    for code, out, err in (started, checked):
        assert code == 1
        assert "carnet-server: push_credentials: the key of a service account is needed" in err
        assert "canary" not in out + err
        assert "Traceback" not in err
    write_credentials(file, "http://127.0.0.1:1")
    assert finished("check-config", CARNET_PUSH_CREDENTIALS=str(file))[0] == 0
    code, out, err = finished("check-config", CARNET_PUSH_CREDENTIALS=file.read_text())
    assert (code, err) == (0, "")
    assert '"push_credentials": "*"' in out


def test_firebase_is_loaded_only_where_it_is_configured(tmp_path: Path):
    """It costs some 20 MB of memory."""
    file = write_credentials(tmp_path / "key.json", "http://127.0.0.1:1")
    loaded = (
        "import sys\nfrom backend.main import open_senders\nfrom backend.settings import Settings\n"
        "open_senders(Settings(push_credentials={!r}))\n"
        "print(sorted(m for m in ('firebase_admin', 'google.auth', 'requests', 'httpx') if m in sys.modules))\n"
    )
    said = []
    for path in ("", str(file)):
        command = [sys.executable, "-c", loaded.format(path)]
        said.append(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip())
    assert said == ["[]", "['firebase_admin', 'google.auth', 'httpx', 'requests']"]
