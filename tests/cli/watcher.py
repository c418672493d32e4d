"""A phone that watches in a process of its own, and what it says."""

from __future__ import annotations

import json
import queue
import signal
import threading

from tests.cli.kit import Carnet

WAIT_SECONDS = 40


class Watcher:
    """`carnet watch --json`, read line by line."""

    def __init__(self, phone: Carnet) -> None:
        self.running = phone.start("watch")
        self.process = self.running.process
        self._lines: queue.Queue[dict] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        text = ""
        for line in self.process.stdout:
            text += line
            if line.startswith("}") or line.rstrip().endswith("}"):  # a refusal is a document of several lines
                self._lines.put(json.loads(text))
                text = ""

    def until(self, event: str) -> dict:
        """The next thing of this kind; what comes before is passed over."""
        while True:
            said = self._lines.get(timeout=WAIT_SECONDS)
            if said.get("event", said.get("code")) == event:
                return said

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WAIT_SECONDS)
