"""A server in league with a member: the shipped one, in a process of its own, that takes what it has to refuse.

`python -m tests.hostile.colluding_server keeps|believes|deaf run …`. One that `keeps` stores what its judge finds void.
One that `believes` acts on it as well: its own table lists whom such an entry lets in, drops whom it drops, and stands
in the epoch that it starts. One that is `deaf` takes no entry that removes anybody. All still look at signatures and at
what an item claims to have seen; servers that do not are in test_attack_flipped_signature.py and
test_attack_two_histories.py.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from backend.cli import main
from backend.vaults import append
from backend.vaults.ruling import Verdict
from sync.log.membership import CardRow, PersonRow, Table
from sync.log.reading import ReadItem
from sync.log.state import LogState, NeedsNewerApp, Ruling
from sync.wire.card import device_id, read_card
from sync.wire.item import Add, Drop, Entry, SetRole

HONEST_ABOUT = {"signature", "seen", "device_forked"}
_rule = append.rule


def after(table: Table, entry: Entry) -> Table:
    """The table as whoever signed the entry wants it, whatever may be."""
    made = table.copy()
    for edit in entry.edits:
        if isinstance(edit, Drop):
            made.cards[edit.device] = msgspec.structs.replace(made.cards[edit.device], live=False)
        elif isinstance(edit, Add):
            card, place = read_card(edit.card), len(made.cards)
            row = CardRow(edit.person, card.kind, card.key_type, card.signing_key, place, True)
            made.cards[device_id(edit.card.card)] = row
            made.people[edit.person] = PersonRow(edit.role, edit.until)
        elif isinstance(edit, SetRole):
            made.people[edit.person] = PersonRow(edit.role, None)
    return made


def _judged(state: LogState, read: ReadItem) -> Ruling:
    try:
        return state.judge(read)
    except NeedsNewerApp:
        return Ruling("version")


def keeps(state: LogState, facts: Any, log_bytes: int, read: ReadItem, *rest: Any) -> Verdict:
    """The shipped server's word where it takes the item, and where it cannot but refuse; else it is stored as void."""
    verdict = _rule(state, facts, log_bytes, read, *rest)
    if verdict.code is None or verdict.code in HONEST_ABOUT or read.author not in state.table.cards:
        return verdict
    return Verdict(ruling=_judged(state, read))


def believes(state: LogState, facts: Any, log_bytes: int, read: ReadItem, *rest: Any) -> Verdict:
    """The same, but what is void is good here."""
    verdict = keeps(state, facts, log_bytes, read, *rest)
    if verdict.ruling is None or verdict.ruling.reason is None:
        return verdict
    return Verdict(ruling=Ruling(None, after(state.table, read.body) if isinstance(read.body, Entry) else None))


def deaf(state: LogState, facts: Any, log_bytes: int, read: ReadItem, *rest: Any) -> Verdict:
    """The shipped server's word, but somebody else was always faster than an entry that removes anybody."""
    if isinstance(read.body, Entry) and any(isinstance(edit, Drop) for edit in read.body.edits):
        return Verdict("cas")
    return _rule(state, facts, log_bytes, read, *rest)


if __name__ == "__main__":
    append.rule = {"keeps": keeps, "believes": believes, "deaf": deaf}[sys.argv[1]]
    sys.exit(main(sys.argv[2:]))
