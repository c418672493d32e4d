"""A record: its births, and an overlay of the registers that were written since.

What it is: the state of one record and the application of one change to it. What it is not: FHIR (a register is the
key that its writer named), a log, a clock, a store. It does not judge: whoever calls has found the change good.

A birth makes a record whole: its dot stands on every register of its lane, on those that nobody ever named as well,
where it stands as ABSENT. So births are kept once, beside the registers, and only registers on which something else
stands (the overlay) are written out, with all that stands there.

Invariants:
- `births` ascends by dot and holds the births that stand on every register which is not in the overlay of their lane.
- The overlay holds a register if and only if other dots stand there than those births': equal states are equal parts.
- `@life` is a register of the person lane alone, and no birth stands on it.
- The state is the same for any order of the changes in which each comes once, after its author's earlier ones and
  after its preds. (Only where more than 16 siblings of one device meet does the log's order decide.)
- Which change came already is the caller's to know, by its vector: the last number applied of each device. `apply`
  answers False where what stands proves it; True proves nothing.

Spec: openapi/protocol/merge.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from sync.merge.change import LIFE, PERSON, SOURCE, Change, Dot, RecordId, Via
from sync.merge.life import Life, judge_life, unseen
from sync.merge.register import Sibling, Siblings, already_written, written


class Birth(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """A record made or imported whole.

    `said`: its registers and their values as the text of one JSON object, which is kept and read at once; apart where
    a foreign app's values are not what such a text gives back.
    """

    dot: Dot
    lane: int
    via: Via | None
    at: int
    seen: tuple[Dot, ...]
    said: bytes | dict[str, bytes]

    @cached_property
    def body(self) -> dict[str, bytes]:
        """Register key to canonical JSON text; what is not in it is ABSENT."""
        return self.said if isinstance(self.said, dict) else _apart(self.said)

    def on(self, key: str) -> Sibling:
        """What this birth says on one register."""
        return Sibling(self.dot, self.body.get(key), self.seen, self.via, self.at)


Overlay = dict[str, Siblings]

_births_decoder = msgspec.msgpack.Decoder(tuple[Birth, ...])
_overlay_decoder = msgspec.msgpack.Decoder(tuple[Overlay, Overlay])
_parts_decoder = msgspec.msgpack.Decoder(tuple[tuple[Birth, ...], tuple[Overlay, Overlay]])
_encode = msgspec.msgpack.Encoder().encode
_read_apart = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_json = msgspec.json.Decoder().decode
_NOTHING: tuple[Overlay, Overlay] = ({}, {})  # the overlays of a record that nobody has edited
_NOTHING_ENCODED = _encode(_NOTHING)


def _apart(said: bytes) -> dict[str, bytes]:
    return {key: bytes(value) for key, value in _read_apart(said).items()}


def _as_said(body: Mapping[str, bytes]) -> bytes | dict[str, bytes]:
    """The text of a body, if the same body can be read from it."""
    try:
        keys = [(key, msgspec.json.encode(key)) for key in sorted(body)]
        text = b"{" + b",".join([name + b":" + body[key] for key, name in keys]) + b"}"
        _read_json(text)
        return text if _apart(text) == body else dict(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return dict(body)


class Record:
    """The state of one record; empty when nothing of it is known."""

    __slots__ = ("_overlays", "births", "id")
    _overlays: tuple[Overlay, Overlay]  # by lane; the one `_NOTHING` of most records is never written to

    def __init__(self, id: RecordId) -> None:
        self.id = id
        self.births: tuple[Birth, ...] = ()
        self._overlays = _NOTHING

    # Writing

    def apply(self, change: Change) -> bool:
        """Apply one change. False, and nothing is changed, if what stands proves that it was applied before.

        Needs: the change is of this record, its author's earlier changes and its preds have been applied.
        """
        assert change.record == self.id, "a change of another record"
        via, lane, seen, sets = change.via, change.lane, change.preds, change.sets
        if change.birth:
            return self._apply_birth(change, via is not None and via.carries)
        overlay = self._own_overlays()[lane]
        if len(sets) == 1:
            # The usual change names the one word that stands, or writes where none does: nothing is left to weigh.
            key, value = sets[0]
            before = overlay.get(key)
            if before is not None:
                plain = len(before) == 1 and before[0].dot in seen
            else:
                births = self.births
                plain = len(births) == 1 and (births[0].dot in seen or births[0].lane != lane) and key != LIFE
            if plain:
                overlay[key] = (Sibling(change.dot, value, seen, via, change.at),)
                return True
        return self._apply_weighed(change)

    def _own_overlays(self) -> tuple[Overlay, Overlay]:
        """The overlays to write to."""
        if self._overlays is _NOTHING:
            self._overlays = ({}, {})
        return self._overlays

    def _apply_weighed(self, change: Change) -> bool:
        via, lane, seen, dot = change.via, change.lane, change.preds, change.dot
        overlay, carries = self._own_overlays()[lane], via is not None and via.carries
        # A change is applied to all its registers or to none, so every one is looked at before the first is written.
        before = [self.siblings(key, lane) for key, _ in change.sets]
        for standing in before:
            if already_written(standing, dot):
                return False
        for (key, value), standing in zip(change.sets, before, strict=True):
            if key == LIFE and lane == SOURCE:
                continue  # An import cannot delete: `@life` has no source lane, whatever a foreign app writes.
            overlay[key] = written(standing, Sibling(dot, value, seen, via, change.at), carries)
        return True

    def _apply_birth(self, change: Change, carries: bool) -> bool:
        lane = change.lane
        body = {key: value for key, value in dict(change.sets).items() if value is not None and key != LIFE}
        birth = Birth(change.dot, lane, change.via, change.at, change.preds, _as_said(body))
        standing = tuple(other.on("") for other in self.births if other.lane == lane)
        if already_written(standing, birth.dot):
            return False
        # The registers nobody wrote apart all hold the same dots, so one of them answers for all.
        everywhere = [sibling.dot for sibling in written(standing, birth.on(""), carries)]
        births = [other for other in (*self.births, birth) if other.lane != lane or other.dot in everywhere]
        self.births = tuple(sorted(births, key=lambda other: other.dot))
        overlay = self._overlays[lane]
        for key, standing in list(overlay.items()):
            if key == LIFE:
                continue
            after = written(standing, birth.on(key), carries)
            if [sibling.dot for sibling in after] == everywhere:
                del overlay[key]  # Only the births stand here again, as on every register that is not in the overlay.
            else:
                overlay[key] = after
        return True

    def overlaid(self, changes: Iterable[Change]) -> Record:
        """A copy with these changes on top, one's own waiting ones, in order; this record stays as it is."""
        copy = Record(self.id)
        copy.births = self.births
        copy._overlays = (dict(self._overlays[SOURCE]), dict(self._overlays[PERSON]))
        for change in changes:
            copy.apply(change)
        return copy

    # Reading

    @property
    def untouched(self) -> bool:
        """True if the record is as it was made or imported, by one phone: it is its birth's body, and asks nothing."""
        source, person = self._overlays
        return len(self.births) == 1 and not source and not person

    def siblings(self, key: str, lane: int) -> Siblings:
        """What stands on one register of one lane, ascending by dot; what births imply is included."""
        standing = self._overlays[lane].get(key)
        if standing is not None:
            return standing
        if key == LIFE:
            return ()
        return tuple(birth.on(key) for birth in self.births if birth.lane == lane)

    def overlay(self, lane: int) -> Iterable[tuple[str, Siblings]]:
        """The registers of a lane on which other dots stand than its births', with all that stands there."""
        return self._overlays[lane].items()

    def keys(self) -> set[str]:
        """Every register, of either lane, that a standing birth names or on which something else than births stands."""
        keys = {key for birth in self.births for key in birth.body}
        return keys.union(*self._overlays)

    def live_dots(self) -> tuple[Dot, ...]:
        """Every dot that stands anywhere outside `@life`, births included, ascending: what a deletion has to name."""
        dots = {birth.dot for birth in self.births}
        for overlay in self._overlays:
            for key, standing in overlay.items():
                if key != LIFE:
                    dots.update(sibling.dot for sibling in standing)
        return tuple(sorted(dots))

    def life(self) -> Life:
        """Whether the record is there, deleted, or deleted while somebody else wrote to it."""
        standing = self.siblings(LIFE, PERSON)
        return judge_life(standing, self.live_dots()) if standing else Life.HERE

    def unseen_by_deletion(self) -> tuple[Dot, ...]:
        """The live dots that no standing deletion had seen; none if nothing was deleted."""
        return unseen(self.siblings(LIFE, PERSON), self.live_dots())

    @property
    def unknown(self) -> bool:
        """True if nothing is known of this record: it has no state and is in no snapshot."""
        return not self.births and not any(self._overlays)

    # Keeping. This form is the phone's own: it is read back by `decode` alone; what is compared is in snapshot.py.

    def encode(self) -> bytes:
        """The whole record as one msgpack text without its id."""
        return _encode((self.births, self._overlays))

    @classmethod
    def decode(cls, id: RecordId, data: bytes) -> Record:
        """The record that `encode` wrote. Raises msgspec.DecodeError for anything else."""
        record = cls(id)
        record.births, record._overlays = _parts_decoder.decode(data)
        return record

    def encode_births(self) -> bytes:
        """The births alone: large, and rewritten only by another birth."""
        return _encode(self.births)

    def encode_overlay(self) -> bytes:
        """The overlay alone: small, rewritten by every change."""
        return _encode(self._overlays)

    @classmethod
    def from_parts(cls, id: RecordId, births: bytes, overlay: bytes) -> Record:
        """The record that `encode_births` and `encode_overlay` wrote. Raises msgspec.DecodeError for anything else."""
        record = cls(id)
        record.births = _births_decoder.decode(births)
        if overlay != _NOTHING_ENCODED:
            record._overlays = _overlay_decoder.decode(overlay)
        return record
