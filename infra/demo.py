"""`make run`: a server on SQLite and two phones of one synthetic person, through the real commands.

Everything lies in `demo/` beside the project: the server's data, the two stores, a passphrase, and `demo/env.sh`,
which a second terminal sources to have `phone` and `tablet` as commands. Run again it goes on where it was; delete
the folder to start anew. It stays in the foreground; Ctrl-C stops the server.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SUMMARY = ROOT / "infra" / "family" / "summary.json"
START_SECONDS = 30

ENV = """# Sourced by a second terminal: the two demo phones as commands.
export CARNET_DEMO={demo}
export CARNET_PASSPHRASE={passphrase}
export PATH={bin}:"$PATH"
phone()  {{ carnet --store "$CARNET_DEMO/phone" "$@"; }}
tablet() {{ carnet --store "$CARNET_DEMO/tablet" "$@"; }}
reveal() {{ carnet-server reveal --data "$CARNET_DEMO/server" "$(cat "$CARNET_DEMO/account")" "$@"; }}
"""

NEXT = """
Ready. In a second terminal:

    source {env}
    phone list
    phone set ramipril dosage '[{{"text": "10 mg, mornings"}}]'
    tablet set ramipril dosage '[{{"text": "2.5 mg, at bedtime"}}]'
    phone sync && tablet sync
    tablet conflicts

The README goes on from there. Ctrl-C stops the server; `make run` goes on where it was.
"""


def carnet(store: Path, *arguments: str) -> dict:
    """Runs the command on one of the phones and gives its JSON; stops with its words if it fails."""
    command = [str(BIN / "carnet"), "--store", str(store), "--json", "--no-keyring", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"carnet {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def port_of(demo: Path) -> int:
    """The port of the last run, so that the phones find their server again; else any free one."""
    kept = demo / "port"
    if kept.exists():
        return int(kept.read_text())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept.write_text(str(port))
    return port


def start_server(demo: Path, port: int) -> subprocess.Popen:
    """Starts the server and waits until it answers."""
    ready = demo / "ready.json"
    ready.unlink(missing_ok=True)
    log = (demo / "server.log").open("ab")
    server = subprocess.Popen(
        [
            str(BIN / "carnet-server"),
            "run",
            "--data",
            str(demo / "server"),
            "--port",
            str(port),
            "--ready-file",
            str(ready),
        ],
        stdout=log,
        stderr=log,
    )
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            sys.exit(f"The server did not start; its words are in {demo / 'server.log'}.")
        time.sleep(0.05)
    return server


def make_phones(demo: Path, url: str) -> None:
    """The first phone with the imported summary, the second linked to it; both synced."""
    phone, tablet = demo / "phone", demo / "tablet"
    print("A new person with a phone …")
    made = carnet(
        phone,
        "init",
        "--server",
        url,
        "--name",
        "Alba Demoperson",
        "--device",
        "Alba's phone",
        "--vault",
        "Alba's records",
    )
    (demo / "account").write_text(made["account"])
    print("Her patient summary, a FHIR document as a clinic hands it out …")
    took = carnet(phone, "import", str(SUMMARY), "--source", "Example Clinic")
    print(f"  {took['added']} records.")
    carnet(phone, "sync")
    print("Her tablet, linked by a code …")
    link = [str(BIN / "carnet"), "--store", str(tablet), "--json", "--no-keyring", "link", "--server", url]
    waiting = subprocess.Popen(
        [*link, "--device", "Alba's tablet"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert waiting.stdout is not None
    code = json.loads(waiting.stdout.readline())["code"]
    carnet(phone, "approve", code)
    waiting.stdout.read()
    if waiting.wait(60) not in (0, 3):
        sys.exit("The tablet could not be linked.")
    carnet(phone, "sync")


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Starts the demo and stays in the foreground."""
    for number in (signal.SIGINT, signal.SIGTERM):  # said aloud: a shell's background job starts with SIGINT ignored
        signal.signal(number, _stop)
    demo = Path(os.environ.get("CARNET_DEMO_FOLDER", ROOT / "demo"))
    demo.mkdir(mode=0o700, exist_ok=True)
    secret = demo / "passphrase"
    if not secret.exists():
        secret.write_text(secrets.token_urlsafe(12))
        secret.chmod(0o600)
    os.environ["CARNET_PASSPHRASE"] = secret.read_text()
    env = demo / "env.sh"
    env.write_text(
        ENV.format(
            demo=shlex.quote(str(demo)),
            passphrase=shlex.quote(os.environ["CARNET_PASSPHRASE"]),
            bin=shlex.quote(str(BIN)),
        )
    )
    env.chmod(0o600)
    port = port_of(demo)
    server = start_server(demo, port)
    try:
        if not (demo / "complete").exists():
            make_phones(demo, f"http://127.0.0.1:{port}")
            (demo / "complete").touch()
        shown = env.relative_to(Path.cwd()) if env.is_relative_to(Path.cwd()) else env
        print(NEXT.format(env=shown), flush=True)
        server.wait()
    except KeyboardInterrupt:
        print("\nStopping …")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


if __name__ == "__main__":
    main()
