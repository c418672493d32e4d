"""What processes did to their files and sockets, in order, as strace saw it; and what must follow what.

Two rules, for each answer that acknowledges (SYN-10):

- nothing unsynced: when the answer goes out, every byte written to the database's log has been synced since. For
  requests that come one after the other; one that wrote nothing counts as unsynced
- its own sync: the bytes of each acknowledged item were written to the log, then a sync of that file began and ended,
  then the item's hash went out for the first time. For requests that come all at once and share commits

Times are the kernel's own clock as strace prints it (ns), so that traces of several processes can be laid together: a
call cannot return before strace has noted its end. Source: strace(1); sync(2).
"""

from __future__ import annotations

import bisect
import functools
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2"}
SENDS = {"write", "writev", "sendto", "sendmsg"}
SYNCS = {"fsync", "fdatasync"}
END_SECONDS = 30  # for strace to write down the end
_LINE = re.compile(r"(\d+) +(\d+)\.(\d{9}) (.*)")
_CALL = re.compile(r"(\w+)\(\d+<([^>]*(?:->[^>]*)?)>")
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
_LASTED = re.compile(r"<(\d+)\.(\d{9})>$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Event(NamedTuple):
    """One call: `began` and `ended` in ns since 1970, the file or socket, the bytes that were written."""

    began: int
    ended: int
    call: str
    target: str
    data: bytes


@functools.cache
def can_trace() -> bool:
    """True if strace is here and may trace."""
    if shutil.which("strace") is None:
        return False
    with tempfile.NamedTemporaryFile() as out:
        return subprocess.run([*tracing(Path(out.name)), "true"], capture_output=True, check=False).returncode == 0


def tracing(out: Path) -> list[str]:
    """What a command is put behind: it keeps its own process number, strace writes beside it."""
    calls = ",".join(sorted(WRITES | SENDS | SYNCS))
    times = ["--absolute-timestamps=format:unix,precision:ns", "--syscall-times=ns"]
    shown = ["-yy", "-xx", "--string-limit=4000000", "--signal=none"]
    return ["strace", "-D", "-f", "--seccomp-bpf", "-q", *times, *shown, f"--trace={calls}", "-o", str(out)]


def traced(out: Path, pid: int) -> list[Event]:
    """The calls of a process that has ended, and of its children, in the order in which they began."""
    end, last = time.monotonic() + END_SECONDS, re.compile(rf"^{pid} .*\+\+\+ (exited|killed)", re.MULTILINE)
    while not last.search(text := out.read_text()):
        assert time.monotonic() < end, "strace has not written down the end"
        time.sleep(0.05)
    return sorted(_events(text.splitlines()))


def _events(lines: Iterable[str]) -> Iterable[Event]:
    open_calls: dict[str, tuple[int, str]] = {}
    for line in lines:
        parts = _LINE.match(line)
        if parts is None:
            continue
        pid, at, text = parts[1], int(parts[2]) * 10**9 + int(parts[3]), parts[4]
        began, ended = at, None
        resumed = _RESUMED.match(text)
        if text.endswith("<unfinished ...>"):
            open_calls[pid] = (at, text.removesuffix("<unfinished ...>"))
            continue
        if resumed is not None and pid in open_calls:
            began, head = open_calls.pop(pid)
            ended, text = at, head + resumed[2]
        call, lasted = _CALL.match(text), _LASTED.search(text)
        if call is None or lasted is None:
            continue
        if ended is None:
            ended = began + int(lasted[1]) * 10**9 + int(lasted[2])
        data = b"".join(_plain(part) for part in _TEXT.findall(text, call.end()))
        target = _plain(call[2]).decode() if call[2].startswith("\\x") else call[2]
        yield Event(began, ended, call[1], target, data)


def _plain(hexed: str) -> bytes:
    return bytes.fromhex(hexed.replace("\\x", ""))


def _is_log(target: str) -> bool:
    """True for the files that make a commit last: SQLite's log and database, PostgreSQL's log."""
    return target.endswith((".sqlite3-wal", ".sqlite3")) or "/pg_wal/" in target


class Traced:
    """Traces of the server and its database, laid together."""

    def __init__(self, *traces: Sequence[Event]) -> None:
        events = sorted(event for trace in traces for event in trace)
        self.writes = [event for event in events if event.call in WRITES and _is_log(event.target)]
        self.sends = [event for event in events if event.call in SENDS and event.target.startswith("TCP")]
        self.syncs: dict[str, list[Event]] = {}
        for event in events:
            if event.call in SYNCS:
                self.syncs.setdefault(event.target, []).append(event)

    def _is_synced(self, write: Event, until: int) -> bool:
        """True if a sync of the file began after the write and ended before that time."""
        syncs = self.syncs.get(write.target, [])
        first = bisect.bisect_left(syncs, write.ended, key=lambda event: event.began)
        return any(sync.ended <= until for sync in syncs[first : first + 50])

    def unsynced_answers(self, count: int) -> tuple[int, int]:
        """The first rule, for the first `count` answers: how many went out, and how many of them unsynced."""
        answers = [event for event in self.sends if event.data.startswith(b"HTTP/1.1 20")][:count]
        unsynced = before = 0
        for answer in answers:
            written = [event for event in self.writes if before <= event.began < answer.began]
            unsynced += not written or not all(self._is_synced(event, answer.began) for event in written)
            before = answer.began
        return len(answers), unsynced

    def unsynced_items(self, items: Iterable[tuple[bytes, Sequence[bytes]]]) -> tuple[int, int]:
        """The second rule. `items`: the hash of each acknowledged item, and pieces of it as the log holds them."""
        count = unsynced = 0
        for hash_, pieces in items:
            count += 1
            written = next((e for e in self.writes if any(piece in e.data for piece in pieces)), None)
            sent = next((e for e in self.sends if hash_ in e.data), None)
            unsynced += written is None or sent is None or not self._is_synced(written, sent.began)
        return count, unsynced
