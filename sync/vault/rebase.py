"""Rebase: from a log that is left to the one that the server holds now, with nothing lost and nothing doubled.

One operation for a log that diverged, a card that forked, a copied store, and a restore that others wrote after. What
the log left held, and what waited, is compared with the new log by name *and* content. One's own changes that the new
log lacks become new ones, under the card that writes from now on, and carry `via` what they were; others' are offered
for adoption unless their values are there. A pred survives only if the new log holds that dot with the same content, or
as what it was renamed to; what else it named stays as a sibling.

Laws: nothing held is lost; nothing held by the new log is doubled; doing it again gives nothing. Pure. Spec:
openapi/protocol/bad-days.md, "Rebase".
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from sync.merge.change import Change, Dot, RecordId, make_dot, number_of, ordinal_of
from sync.vault.adopt import Name, by_record_id, carry, old_dot
from sync.vault.content import WireChange
from sync.vault.replay import Opened
from sync.wire.ids import DeviceId, ItemHash


class Past(NamedTuple):
    """The good changes of one log, by name and in its order, records by id; and which of them came in which frame."""

    changes: dict[Name, WireChange]
    frames: dict[ItemHash, tuple[DeviceId, tuple[Name, ...]]]


class Offer(NamedTuple):
    """Another's frame that the new log lacks, and those of its changes whose values are not there."""

    frame: ItemHash
    author: DeviceId
    changes: tuple[WireChange, ...]


class Rebased(NamedTuple):
    """`own`: what goes to the outbox. `renamed`: the name that each own old change has now. `here`: the dot of a name
    that means in the new log what it meant in the old one."""

    own: list[Change]
    offers: list[Offer]
    renamed: dict[Name, Name]
    here: Callable[[Name], Dot | None]


def past_of(items: Iterable[tuple[Opened, str | None]]) -> Past:
    """The past of a log from its items, opened, with their verdicts."""
    past = Past({}, {})
    births: dict[Name, RecordId] = {}
    for opened, verdict in items:
        if verdict is not None or opened.read is None or not opened.content:
            continue
        author = opened.read.author
        changes = by_record_id(author, opened.content.named(), births.get)
        if changes is None:
            continue  # a good frame names no record that its log does not hold
        for change in changes:
            name = Name(author, change.n)
            past.changes[name] = change
            if change.birth:
                births[name] = RecordId(bytes(change.record))  # type: ignore[arg-type]
        past.frames[opened.read.hash] = (author, tuple(Name(author, change.n) for change in changes))
    return past


def rebase(
    left: Past,
    waiting: Sequence[WireChange],
    new: Past,
    *,
    mine: DeviceId,
    writer: DeviceId,
    devices: Sequence[DeviceId],
    last_n: int,
) -> Rebased:
    """What becomes of changes that the new log lacks.

    `waiting`: one's own in the outbox, oldest first, records by id. `mine`: the card that wrote so far; `writer`: the
    one that writes from now on. `devices`: ids by ordinal in the new log. `last_n`: the last number that `writer` ever
    gave, in any log.
    """
    ordinals = {device: ordinal for ordinal, device in enumerate(devices)}
    elsewhere = {**left.changes, **{Name(mine, change.n): change for change in waiting}}

    def here(name: Name) -> Dot | None:
        held = new.changes.get(name)
        if held is None or elsewhere.get(name) != held:
            return None
        return make_dot(ordinals[name.device], name.n)

    own = [(name.device, change) for name, change in elsewhere.items() if name.device == mine]
    brought, names = _brought(new), dict[Name, Name]()
    for name, change in elsewhere.items():
        if new.changes.get(name) != change and (found := brought.get(_as_brought(name, change))):
            names[name] = found.popleft()
        elif (was := _was(change)) in new.changes and _says(new.changes[was]) == _says(change):
            names[name] = was
    lacking = [
        (device, change)
        for device, change in own
        if new.changes.get(Name(device, change.n)) != change and Name(device, change.n) not in names
    ]
    carried = carry(
        lacking, ordinals[writer], last_n, lambda name: _dot(names.get(name), ordinals) or here(name), old_dot
    )
    renamed = names | {name: Name(devices[ordinal_of(dot)], number_of(dot)) for name, dot in carried.renamed.items()}
    values = {(change.record, change.sets) for change in new.changes.values()}
    offers = []
    for frame, (author, held) in left.frames.items():
        if author == mine or frame in new.frames:
            continue
        lost = [left.changes[name] for name in held]
        lost = [c for c in lost if here(Name(author, c.n)) is None and (c.record, c.sets) not in values]
        if lost:
            offers.append(Offer(frame, author, kept_names(author, lost, renamed, here)))
    return Rebased(carried.changes, offers, renamed, here)


def kept_names(
    author: DeviceId,
    changes: Sequence[WireChange],
    renamed: Mapping[Name, Name],
    here: Callable[[Name], Dot | None],
) -> tuple[WireChange, ...]:
    """Changes kept for adoption, with preds that mean in the new log what they meant in the old one, or each other."""
    among = {Name(author, change.n) for change in changes}
    out = []
    for change in changes:
        preds = [renamed.get(Name(*pred), Name(*pred)) for pred in change.preds]
        kept = {pred for pred in preds if pred in among or pred in renamed.values() or here(pred) is not None}
        out.append(msgspec.structs.replace(change, preds=tuple(sorted(kept))))
    return tuple(out)


def _brought(new: Past) -> dict[tuple[object, ...], deque[Name]]:
    """What the new log holds as carried over already, by a clone or another owner; each stands for one old change."""
    found = defaultdict[tuple[object, ...], deque[Name]](deque)
    for name, change in new.changes.items():
        if change.via is not None and change.via.kind != "import":
            found[change.via, change.record, change.sets].append(name)
    return found


def _was(change: WireChange) -> Name:
    """What a carried change was called in the log that it was first written for."""
    via = change.via
    return Name(DeviceId(via.ref), via.n) if via is not None and via.kind == "dot" else Name(DeviceId(b""), 0)


def _says(change: WireChange) -> tuple[object, ...]:
    return (change.record, change.sets)


def _as_brought(name: Name, change: WireChange) -> tuple[object, ...]:
    return (old_dot(name.device, change), change.record, change.sets)


def _dot(name: Name | None, ordinals: Mapping[DeviceId, int]) -> Dot | None:
    return make_dot(ordinals[name.device], name.n) if name else None
