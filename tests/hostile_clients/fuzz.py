"""schemathesis over the committed openapi.json, against a real server: `python -m tests.hostile_clients.fuzz N`.

All checks: no failure, documented statuses, types, headers and schemas, unsupported methods, ignored tokens, wrong
bodies that are taken. N is the number of examples an operation; the coverage phase comes with it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.api.phone_kit import Phone, make_frame
from tests.hostile_clients.process_kit import ROOT, server_process, sqlite_in

COMMITTED = ROOT / "openapi" / "openapi.json"
ROOMY = dict.fromkeys(("address_per_minute_max", "account_per_minute_max", "address_all_per_minute_max"), 10_000_000)

# A body that fits its schema need not be good: it must be signed, which no fuzzer can do. 400 and 401 are its answers.
# A stream of events does not end by itself: its first event is what is looked at.
CONFIG = """
max-stream-events = 1
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "415"]
"""


def with_octets(schema: Any) -> Any:
    """The document with a text of the format `octets` where it says that msgpack has bytes."""
    if isinstance(schema, dict):
        if schema == {"contentMediaType": "application/octet-stream"}:
            return {"type": "string", "format": "octets", "pattern": "^octets:([0-9a-f]{2})*$"}
        return {name: with_octets(part) for name, part in schema.items()}
    return [with_octets(part) for part in schema] if isinstance(schema, list) else schema


async def logged_in(url: str) -> Phone:
    """A phone with a vault on that server."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        mum = await Phone("mum", client, url).register()
        book = await mum.found()
        await mum.push(book, make_frame(book, mum.card))
        return mum


def fuzz(examples: int, seed: int, database: str, folder: Path) -> tuple[int, str]:
    """Runs it; gives its exit code and what it printed."""
    document = folder / "openapi.json"
    document.write_bytes(msgspec.json.encode(with_octets(msgspec.json.decode(COMMITTED.read_bytes()))))
    (folder / "schemathesis.toml").write_text(CONFIG)
    with server_process(database, folder, **ROOMY) as (_, url):
        mum = asyncio.run(logged_in(url))
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml"),
            "run", str(document), "--url", url, "--checks", "all", "--mode", "all", "--seed", str(seed),
            "--max-examples", str(examples), "--phases", "examples,coverage,fuzzing",
            "--continue-on-failure", "--header", f"Authorization: Bearer {mum.token}", "--no-color",
        ]  # fmt: skip
        hooks = {
            "SCHEMATHESIS_HOOKS": "tests.hostile_clients.openapi_hooks",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            command, cwd=folder, env=os.environ | hooks, capture_output=True, text=True, timeout=3_000, check=False
        )
    return done.returncode, done.stdout + done.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=int, help="examples an operation")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        code, printed = fuzz(options.examples, options.seed, sqlite_in(Path(name)), Path(name))
    print(printed)
    sys.exit(code)


if __name__ == "__main__":
    main()
