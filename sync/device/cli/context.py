"""What every command has at hand: the store it works on, how it is unlocked, and how it talks.

Exactly one JSON document goes to stdout with --json; everything else goes to stderr. Spec: openapi/protocol/cli.md.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.store.lock import Unlocking, forget
from sync.device.store.store import FILE_NAME, Store
from sync.device.terms import FOLDER as TERMS_FOLDER
from sync.device.transport import HttpTransport
from sync.fhir import exact
from sync.fhir.bundle import FILE_BYTES_MAX

if TYPE_CHECKING:
    from rich.console import Console

PASSPHRASE_BYTES_MAX = 1_024
_READ_BYTES_MAX = FILE_BYTES_MAX + 1
DONE, REFUSED, USAGE, WAITS = 0, 1, 2, 3  # exit codes


def default_store() -> Path:
    """Where a phone lives if nobody says: CARNET_STORE, else the platform's data folder."""
    if named := os.environ.get("CARNET_STORE"):
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "carnet"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "carnet"


def printable(text: str) -> str:
    """Text for a terminal: names and files come from others, and must not move the cursor or set its title."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(char) == "Cc" and char not in "\n\t" else char for char in text)


def cell(text: str | None) -> str:
    """Text for a table of rich's, in which square brackets would be its markup."""
    from rich.markup import escape

    return escape(printable(text or ""))


class Context:
    """One run of the command."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.json: bool = options.json
        self.quiet: bool = options.quiet
        self.folder: Path = Path(options.store) if options.store else default_store()
        self._new_store = False  # its passphrase is typed twice: nobody can look a mistyped one up

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
                with Path(self.options.passphrase_file).open("rb") as file:
                    return file.read(PASSPHRASE_BYTES_MAX * 4).decode("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise Refused("no_such_file", "the passphrase file") from error
        if "CARNET_PASSPHRASE" in os.environ:
            return os.environ["CARNET_PASSPHRASE"]
        if not sys.stdin.isatty():
            return None
        try:
            given = getpass.getpass("Passphrase of this phone: ", stream=sys.stderr)
            if self._new_store and given != getpass.getpass("The same once more: ", stream=sys.stderr):
                raise Refused("passphrases_differ")
        except EOFError:
            return None
        return given

    def unlocking(self) -> Unlocking:
        """By passphrase where one is given or wanted, else by the keyring under a name that depends on the folder."""
        given = self.options.passphrase_file or "CARNET_PASSPHRASE" in os.environ or self.options.no_keyring
        name = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:32]
        return Unlocking(self._passphrase, None if given else name)

    @asynccontextmanager
    async def phone(self, *, create: bool = False) -> AsyncIterator[Phone]:
        """The phone in the store folder. Raises: Refused."""
        opening = Store.create if create else Store.open
        self._new_store = create and not (self.folder / FILE_NAME).exists()
        store = await opening(self.folder, self.unlocking())
        try:
            yield Phone(store, HttpTransport, lambda: time.time_ns() // 1_000_000, os.urandom)
        finally:
            await store.close()

    def remove_store(self) -> None:
        """The files of a store that has been emptied, and what the keyring held for it."""
        for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
            (self.folder / name).unlink(missing_ok=True)
        from sync.device.issuers import FOLDER as ISSUERS_FOLDER

        for folder in (TERMS_FOLDER, ISSUERS_FOLDER):
            shutil.rmtree(self.folder / folder, ignore_errors=True)
        forget(self.unlocking())

    def say(self, text: str = "") -> None:
        """A line for a person: stderr with --json, else stdout."""
        if not self.quiet:
            print(printable(text), file=sys.stderr if self.json else sys.stdout)

    def hint(self, text: str) -> None:
        """A line beside the result, always on stderr."""
        if not self.quiet:
            print(printable(text), file=sys.stderr)

    @contextmanager
    def watching(self) -> Iterator[Callable[[str, int, int], None]]:
        """A line that moves while something takes long; gives what is told how it goes on: words, done, in all (0: not
        known). On stderr, and only on a terminal.
        """
        if self.quiet or not sys.stderr.isatty():
            yield lambda *_: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=None)
            yield lambda words, done, total: progress.update(
                task, description=printable(words), completed=done, total=total or None
            )

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
    """A file's bytes, `-` for standard input; of one that is longer than any that is taken, no more than proves it.

    Raises: Refused(no_such_file).
    """
    try:
        if name == "-":
            return sys.stdin.buffer.read(_READ_BYTES_MAX)
        with Path(name).open("rb") as file:
            return file.read(_READ_BYTES_MAX)
    except OSError as error:
        raise Refused("no_such_file", name) from error


def read_value(text: str) -> Any:
    """A JSON argument, or @FILE. Raises: Refused(bad_value, no_such_file)."""
    data = read_file(text[1:]) if text.startswith("@") else text.encode()
    try:
        return exact.loads(data)
    except exact.ExactJsonError as error:
        raise Refused("bad_value", str(error)) from error
