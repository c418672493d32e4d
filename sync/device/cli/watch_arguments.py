"""The arguments of `status`, `watch` and `notices`: what a person looks at. Spec: openapi/protocol/cli.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sync.device.cli.later import network, watch


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The three commands; none takes any argument."""
    command("status", network.show_status, "what is queued, what waits for you, when each phone was last heard")
    command("watch", watch.watch, "stay and see what others write as it comes; sends what you write meanwhile", "watch")
    command("notices", watch.list_notices, "what this phone was told about your account", "notices")
