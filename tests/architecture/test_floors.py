"""A room imports only from lower floors; the server can be built without anything that sees.

Imports stop mistakes. The guarantee itself is that no message type has a field in which a key could reach the server:
test_blindness.py.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SIGHTED = ("crypto.secret", "sync.merge", "sync.fhir", "sync.vault", "sync.device")
SERVER_MODULES = (
    "import sys\n"
    "import backend.main, backend.cli\n"
    f"seen = sorted(m for m in sys.modules if m.startswith({SIGHTED!r}))\n"
    "sys.exit('sighted modules are loaded: ' + ', '.join(seen) if seen else 0)\n"
)


def run_python(code, folder):
    return subprocess.run(  # noqa: PLW1510  the return code is what is asserted
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder)}
    )


def test_the_import_contracts_hold():
    result = subprocess.run(  # noqa: PLW1510  the return code is what is asserted
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout[-3000:]


def test_the_server_loads_no_sighted_module():
    result = run_python(SERVER_MODULES, ROOT)
    assert result.returncode == 0, result.stderr


def test_the_server_starts_with_the_sighted_folders_deleted(tmp_path):
    skip = shutil.ignore_patterns("__pycache__")
    for package in ("backend", "sync", "crypto"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=skip)
    for name in SIGHTED:
        shutil.rmtree(tmp_path / name.replace(".", "/"))
    result = run_python(SERVER_MODULES, tmp_path)
    assert result.returncode == 0, result.stderr


def test_a_sighted_import_in_the_server_would_be_seen(tmp_path):
    skip = shutil.ignore_patterns("__pycache__")
    for package in ("backend", "sync", "crypto"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=skip)
    main = tmp_path / "backend" / "main.py"
    main.write_text(main.read_text() + "\nimport crypto.secret.kdf\n")
    assert "crypto.secret" in run_python(SERVER_MODULES, tmp_path).stderr


def test_the_phone_side_pulls_neither_litestar_nor_firebase():
    code = (
        "import sys\nimport sync.device.cli.main, sync.device.syncing, sync.device.linking\n"
        "seen = [m for m in ('litestar', 'firebase_admin', 'uvicorn', 'asyncpg', 'backend') if m in sys.modules]\n"
        "sys.exit(', '.join(seen) or 0)\n"
    )
    result = run_python(code, ROOT)
    assert result.returncode == 0, result.stderr


def test_the_server_runs_without_firebase_and_postgres():
    result = run_python(
        "import sys, backend.main\n"
        "sys.exit(', '.join(m for m in ('firebase_admin', 'asyncpg') if m in sys.modules) or 0)\n",
        ROOT,
    )
    assert result.returncode == 0, result.stderr
