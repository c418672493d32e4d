"""Arguments of the commands for after something was shared: `inbox` and `ledger`. Spec: openapi/protocol/cli.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sync.device.cli.later import inbox, ledger


def add_afterwards(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Both commands."""
    _inbox(command)
    _ledger(command)


def _inbox(command: Callable[..., argparse.ArgumentParser]) -> None:
    """`inbox`: notes back from whoever had a link."""
    made = command("inbox", inbox.run, "notes back from whoever had a link of yours", "inbox accept 1")
    made.set_defaults(action=None)
    actions = made.add_subparsers(dest="action", metavar="ACTION")
    texts = {
        "show": "read one; its sender can see that you did",
        "accept": "take it into your records, with who it is from",
        "decline": "let go of it",
        "answer": "leave an answer for whoever opens the link again",
    }
    for name, text in texts.items():
        one = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        one.add_argument("number", type=int, metavar="N", help="its number in the list")
        if name == "show":
            one.add_argument("--save", metavar="FILE", help="write the document that came with it")
        if name == "answer":
            one.add_argument("text", metavar="TEXT")
    for name, text in {"off": "readers of a share can send nothing back", "on": "they can again"}.items():
        one = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        one.add_argument("share", metavar="SHARE", help="the beginning of its id, or part of its label")


def _ledger(command: Callable[..., argparse.ArgumentParser]) -> None:
    """`ledger`: what happened to the account."""
    listing = command(
        "ledger",
        ledger.show,
        "what happened to your account: who opened what, phones let in, members changed; checked against the last time",
        "ledger --since 30d",
    )
    listing.add_argument(
        "--since", metavar="48h|30d|DATE", help="only what happened from then on; all of it is checked"
    )
    listing.add_argument("--accept", action="store_true", help="after a finding: begin anew from what the server shows")
