"""A passcode from a person: a file, the terminal, or a line of standard input.

Never an argument: a shell keeps those.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from sync.device.refused import Refused

_FILE_BYTES_MAX = 1_024


def read_passcode(file: str | None, question: str = "Passcode") -> str:
    """What a file holds, or what is typed. Raises: Refused."""
    if file is not None:
        try:
            with Path(file).open("rb") as opened:
                return opened.read(_FILE_BYTES_MAX).decode().strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused("no_such_file", "the passcode file") from error
    if sys.stdin.isatty():
        return getpass.getpass(f"{question}: ", stream=sys.stderr)
    print(f"{question}:", end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise Refused("link_passcode")
    return line.rstrip("\r\n")
