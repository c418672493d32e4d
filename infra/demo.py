"""`make run`: a server on SQLite, two phones of one synthetic person and one of her caregiver, by the real commands.

Everything lies in `demo/` beside the project: the server's data, the two stores, a passphrase, and `demo/env.sh`,
which a second terminal sources to have `phone` and `tablet` as commands. Run again it goes on where it was; delete
the folder to start anew. It stays in the foreground; Ctrl-C stops the server.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import date, timedelta
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
carer()  {{ carnet --store "$CARNET_DEMO/carer" "$@"; }}
newphone() {{ carnet --store "$CARNET_DEMO/newphone" --no-keyring "$@"; }}
doctor() {{ carnet --store "$CARNET_DEMO/doctor" --no-keyring "$@"; }}
export CARNET_SERVER={server}
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

{pushes}
In a third one, what others write appears as it happens:

    source {env}
    tablet watch

The README goes on from there. Ctrl-C stops the server; `make run` goes on where it was.
"""

CARRIED = """The tablet has asked to be woken (`carnet push`), as an Android phone does. A stand-in for Google's push
service runs beside the server, which sends to it as it would to Google. Two seconds after somebody else has synced a
change, unless the tablet syncs first, the push appears below, with all that Google would see of it.
"""

UNCARRIED = """The tablet has asked to be woken (`carnet push`). Nobody carries pushes here: the extra `firebase` is not
installed. Two seconds after somebody else has synced a change, the server writes down that it would wake the tablet:

    grep '"push"' {log}
"""


def write_private(file: Path, text: str) -> None:
    """Writes a file that its owner alone may read, from its first byte on."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text)


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


def start_push_service(demo: Path) -> subprocess.Popen | None:
    """Starts the stand-in for Firebase, which writes a line here for each push; None where its SDK is not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("firebase_admin", "h2")):
        return None
    folder = demo / "push-service"
    folder.mkdir(mode=0o700, exist_ok=True)
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    service = subprocess.Popen([sys.executable, "-m", "infra.fcm", str(folder), "--say"], cwd=ROOT)
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if service.poll() is not None or time.monotonic() > deadline:
            service.kill()
            sys.exit("The stand-in for the push service did not start.")
        time.sleep(0.05)
    os.environ["CARNET_PUSH_CREDENTIALS"] = str(folder / "account.json")
    os.environ["CARNET_PUSH_ENDPOINT"] = json.loads(ready.read_text())["url"]
    return service


def start_server(demo: Path, port: int) -> subprocess.Popen:
    """Starts the server and waits until it answers."""
    ready = demo / "ready.json"
    ready.unlink(missing_ok=True)
    command = [str(BIN / "carnet-server"), "run", "--data", str(demo / "server"), "--port", str(port)]
    with (demo / "server.log").open("ab") as log:
        server = subprocess.Popen([*command, "--ready-file", str(ready)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(
                    f"The server did not start; its words are in {demo / 'server.log'}."
                    f" If something else has taken port {port}, delete {demo / 'port'} and the two phones' folders."
                )
            time.sleep(0.05)
    except BaseException:
        server.kill()
        raise
    return server


def make_phones(demo: Path, url: str) -> None:
    """The first phone with the imported summary, the second linked to it, a caregiver's; all synced."""
    phone, tablet, carer = demo / "phone", demo / "tablet", demo / "carer"
    for begun in (phone, tablet, carer):  # of a run that was stopped half-way
        shutil.rmtree(begun, ignore_errors=True)
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
    write_private(demo / "recovery-code", made["recovery_code"] + "\n")  # a person would have it on paper
    print("Her tablet, linked by a code …")
    let_in(phone, tablet, ["link", "--server", url, "--device", "Alba's tablet"], [])
    print("A caregiver, until the end of next month …")
    join = ["join", "--server", url, "--name", "Carl Democarer", "--device", "Carl's phone"]
    let_in(phone, carer, join, ["--role", "editor", "--until", next_month()])
    carnet(carer, "sync")
    carnet(phone, "sync")
    carnet(tablet, "sync")


def ask_to_be_woken(tablet: Path, platform: str) -> None:
    """Registers the tablet with whoever carries pushes now; one that was logged out since is left alone."""
    command = [str(BIN / "carnet"), "--store", str(tablet), "--no-keyring", "push", "on", "--as", platform]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def next_month() -> str:
    """The last day of next month, as `--until` takes it."""
    first = (date.today().replace(day=28) + timedelta(days=40)).replace(day=1)
    return (first - timedelta(days=1)).isoformat()


def let_in(by: Path, new: Path, command: list[str], role: list[str]) -> None:
    """A new phone shows its code, and one that is in types it."""
    waiting = subprocess.Popen(
        [str(BIN / "carnet"), "--store", str(new), "--json", "--no-keyring", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert waiting.stdout is not None
    try:
        shown = waiting.stdout.readline()
        if not shown.startswith('{"code"'):
            sys.exit(f"The phone could not be let in:\n{shown}{waiting.stdout.read()}")
        carnet(by, "approve", json.loads(shown)["code"], *role)
        waiting.stdout.read()
        if waiting.wait(60) not in (0, 3):
            sys.exit("The phone could not be let in.")
    finally:
        waiting.kill()  # nobody waits for it any more, however this ended
        waiting.wait()


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
        write_private(secret, secrets.token_urlsafe(12))
    os.environ["CARNET_PASSPHRASE"] = secret.read_text()
    env = demo / "env.sh"
    port = port_of(demo)
    url = f"http://127.0.0.1:{port}"
    quoted = {"demo": str(demo), "passphrase": os.environ["CARNET_PASSPHRASE"], "bin": str(BIN), "server": url}
    write_private(env, ENV.format(**{name: shlex.quote(text) for name, text in quoted.items()}))
    pushes = start_push_service(demo)
    server = None
    try:
        server = start_server(demo, port)
        if not (demo / "complete").exists():
            make_phones(demo, url)
            (demo / "complete").touch()
        ask_to_be_woken(demo / "tablet", "android" if pushes else "local")
        shown = env.relative_to(Path.cwd()) if env.is_relative_to(Path.cwd()) else env
        told = CARRIED if pushes else UNCARRIED.format(log=shown.with_name("server.log"))
        print(NEXT.format(env=shown, pushes=told), flush=True)
        server.wait()
    except KeyboardInterrupt:
        print("\nStopping …")
    finally:
        if server is not None:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
        if pushes is not None:
            pushes.terminate()
            pushes.wait(30)


if __name__ == "__main__":
    main()
