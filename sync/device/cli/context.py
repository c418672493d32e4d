"""What every command has at hand: the store it works on, how it is unlocked, and how it talks.

Exactly one JSON document goes to stdout with --json; everything else goes to stderr. Spec: openapi/protocol/cli.md.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import os
import sys
import time
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.store.lock import Unlocking
from sync.device.store.store import Store
from sync.device.transport import HttpTransport
from sync.fhir import exact

if TYPE_CHECKING:
    from rich.console import Console

PASSPHRASE_BYTES_MAX = 1_024
DONE, REFUSED, USAGE, WAITS = 0, 1, 2, 3  # exit codes


def default_store() -> Path:
    """Where a phone lives if nobody says: CARNET_STORE, else the platform's data folder."""
    if named := os.environ.get("CARNET_STORE"):
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "carnet"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "carnet"


class Context:
    """One run of the command."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.json: bool = options.json
        self.quiet: bool = options.quiet
        self.folder: Path = Path(options.store) if options.store else default_store()

    def _passphrase(self) -> str | None:
        """What was given, in the one form that counts however its letters were composed (NFC, RFC 8265 §4.2)."""
        given = self._given_passphrase()
        if given is None:
            return None
        passphrase = unicodedata.normalize("NFC", given)
        if len(passphrase.encode()) > PASSPHRASE_BYTES_MAX:
            raise Refused("bad_value", f"a passphrase has at most {PASSPHRASE_BYTES_MAX} bytes")
        return passphrase

    def _given_passphrase(self) -> str | None:
        if self.options.passphrase_file:
            try:
                return Path(self.options.passphrase_file).read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise Refused("no_such_file", "the passphrase file") from error
        if "CARNET_PASSPHRASE" in os.environ:
            return os.environ["CARNET_PASSPHRASE"]
        if sys.stdin.isatty():
            return getpass.getpass("Passphrase of this phone: ", stream=sys.stderr)
        return None

    def unlocking(self) -> Unlocking:
        """By passphrase where one is given or wanted, else by the keyring under a name that depends on the folder."""
        given = self.options.passphrase_file or "CARNET_PASSPHRASE" in os.environ or self.options.no_keyring
        name = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:32]
        return Unlocking(self._passphrase, None if given else name)

    @asynccontextmanager
    async def phone(self, *, create: bool = False) -> AsyncIterator[Phone]:
        """The phone in the store folder. Raises: Refused."""
        opening = Store.create if create else Store.open
        store = await opening(self.folder, self.unlocking())
        try:
            yield Phone(store, HttpTransport, lambda: time.time_ns() // 1_000_000, os.urandom)
        finally:
            await store.close()

    def say(self, text: str = "") -> None:
        """A line for a person: stderr with --json, else stdout."""
        if not self.quiet:
            print(text, file=sys.stderr if self.json else sys.stdout)

    def hint(self, text: str) -> None:
        """A line beside the result, always on stderr."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def ask(self, question: str) -> str:
        """A question to stderr, its answer a line on stdin, terminal or not. Raises: Refused if stdin has ended."""
        print(question, end=" ", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise Refused("bad_choice", "no answer came")
        return line.strip()

    def result(self, value: Any) -> None:
        """The JSON document of a command, numbers as they were written."""
        if self.json:
            sys.stdout.write(exact.pretty(value).decode() + "\n")
            sys.stdout.flush()

    def line(self, value: Any) -> None:
        """One JSON object a line, for commands that wait."""
        if self.json:
            sys.stdout.write(exact.canonical(value).decode() + "\n")
            sys.stdout.flush()

    @property
    def console(self) -> Console:
        """A terminal that knows tables and colours; it does without where there are none."""
        from rich.console import Console

        return Console(highlight=False, soft_wrap=False)


def read_file(name: str) -> bytes:
    """A file's bytes, `-` for standard input. Raises: Refused(no_such_file)."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise Refused("no_such_file", name) from error


def read_value(text: str) -> Any:
    """A JSON argument, or @FILE. Raises: Refused(bad_value, no_such_file)."""
    data = read_file(text[1:]) if text.startswith("@") else text.encode()
    try:
        return exact.loads(data)
    except exact.ExactJsonError as error:
        raise Refused("bad_value", str(error)) from error
