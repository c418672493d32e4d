"""What lists and comparisons need of one record, in a few hundred bytes: so that a list need not read every record.

What it is: a reading of one record as it is shown. What it is not: state, and nothing that is decided: whoever has the
record can make its glance anew, and does where none is kept.

Invariant: a glance that `stands_alone` was made without a look at anything but its record, and is the same in every
vault that holds the record so; only such a one may be kept. Whether it was is noted while it is made (`Around`), not
known beforehand. Spec: openapi/decisions/0130.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import msgspec

from sync.fhir import conflicts, labels
from sync.fhir.alike import Facts, facts_of
from sync.fhir.envelope import VaultView, is_envelope
from sync.fhir.registers import Resource
from sync.fhir.repetitions import parse_key
from sync.fhir.view import (
    DISPUTE,
    NOTE,
    is_deleted,
    merged_into,
    not_same_as,
    resource_plain,
    standings,
    values,
)
from sync.merge.change import PERSON, SOURCE, Dot, RecordId, ordinal_of
from sync.merge.record import Record
from sync.merge.register import Sibling
from sync.merge.view import Newer

_REFERENCE = re.compile(rb'"reference":"((?:[^"\\]|\\.)*)"')  # in canonical JSON a key alone is followed by `":"`
_PASSED_OVER = frozenset(("id", "meta", "text"))
_TYPED_PATIENT = b'{"resourceType":"Patient"}'

_encode = msgspec.msgpack.Encoder().encode
_facts = msgspec.msgpack.Decoder(Facts)


class Glance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One record as lists and comparisons see it.

    `line`, `status`: in a citizen's words. `question`: the id of the one that it asks, `holds_its_own`: a note, a
    dispute or a question stands in it. `origin`: the phone that its first birth is of, by ordinal. `last`: the dot by
    which somebody wrote on it last by hand, `typed`: somebody made it by hand. `files`: envelopes that its source lane
    names, `by_exit`: it came out of a vault that was left. `digest`: of what it says without its references, which are
    `references`, as written. `meets`: 64 bits of each bucket in which records meet that may be one. `told`: `facts`.
    """

    id: RecordId
    type: str
    line: str
    status: str | None
    deleted: bool
    is_envelope: bool
    is_typed_patient: bool
    typed: bool
    merged: bool
    holds_its_own: bool
    by_exit: bool
    question: str | None
    origin: int | None
    last: Dot | None
    files: tuple[RecordId, ...]
    not_same: tuple[RecordId, ...]
    digest: bytes
    references: tuple[bytes, ...]
    meets: tuple[int, ...]
    told: bytes | None

    def facts(self) -> Facts | None:
        """What is compared of it for proposing duplicates; None if it is never proposed."""
        return None if self.told is None else _facts.decode(self.told)


class Around:
    """The rest of a vault, for a glance that has to look there; `asked` says whether it did.

    `importer`: who imported with a dot. `resolve`: where a reference in a record leads.
    """

    def __init__(
        self,
        view: VaultView,
        newer: Newer,
        importer: conflicts.Importer,
        resolve: Callable[[RecordId, Any], RecordId | None],
    ) -> None:
        self._view, self._newer, self._importer, self._resolve = view, newer, importer, resolve
        self.asked = False

    def newer(self, sibling: Sibling) -> Any:
        """The age of a source's copy."""
        self.asked = True
        return self._newer(sibling)

    def importer(self, dot: Dot) -> Any:
        """Who imported with a dot."""
        self.asked = True
        return self._importer(dot)

    def target(self, record: RecordId, reference: Any) -> Record | None:
        """The record that a reference leads to."""
        self.asked = True
        found = self._resolve(record, reference)
        return None if found is None else self._view.record(found)

    def resource(self, record: RecordId, reference: Any) -> Resource | None:
        """The same as it is shown."""
        found = self.target(record, reference)
        return None if found is None else resource_plain(found, self._newer)

    def code(self, record: RecordId, reference: Any) -> bytes | None:
        """The code of the medicine that a reference leads to, if that is there."""
        found = self.target(record, reference)
        if found is None or is_deleted(found) or is_envelope(found):
            return None
        return values(found, self._newer).get("code")


def make_glance(record: Record, around: Around) -> tuple[Glance, bool]:
    """The glance of a record, and whether it stands alone."""
    around.asked = False
    registers, shown = values(record, around.newer), resource_plain(record, around.newer)
    conflict = conflicts.find(record, around.newer, around.importer)
    plain = record.untouched
    digest, references = _body(registers)
    facts = facts_of(registers, lambda reference: around.code(record.id, reference))
    vias = {birth.via for birth in record.births if birth.lane == SOURCE}
    vias.update(sibling.via for _, standing in record.overlay(SOURCE) for sibling in standing)
    births = [birth for birth in record.births if birth.lane == PERSON]
    words = [birth.on("") for birth in births] if plain else [s for p in standings(record) for s in p.person]
    made = Glance(
        record.id,
        str(shown.get("resourceType", "")),
        labels.label(shown, lambda reference: around.resource(record.id, reference)),
        labels.status_word(shown),
        is_deleted(record),
        is_envelope(record),
        any(birth.body.get("resourceType") == _TYPED_PATIENT for birth in births),
        bool(births),
        merged_into(record) is not None,
        not plain and (conflict is not None or any(key.startswith((NOTE, DISPUTE)) for key in record.keys())),
        any(birth.via is not None and birth.via.kind == "vault" for birth in record.births if birth.lane == SOURCE),
        None if conflict is None else conflict.id,
        ordinal_of(record.births[0].dot) if record.births else None,
        max((word.dot for word in words), default=None),
        tuple(sorted({RecordId(via.ref) for via in vias if via is not None and via.kind == "import"})),
        () if plain else tuple(sorted(not_same_as(record))),
        digest,
        references,
        () if facts is None else tuple(sorted(_bucket(key) for key in facts.keys())),
        None if facts is None else _encode(facts),
    )
    return made, not around.asked


def digest_of(*parts: bytes) -> bytes:
    """SHA-256 over parts, each behind its length."""
    return hashlib.sha256(b"".join([len(part).to_bytes(4, "big") + part for part in parts])).digest()


def _bucket(key: tuple[str, ...]) -> int:
    # Two that share a number by chance are compared and found different: a bucket proves nothing.
    return int.from_bytes(hashlib.blake2b("\0".join(key).encode(), digest_size=8).digest(), "big")


def _body(registers: dict[str, bytes]) -> tuple[bytes, tuple[bytes, ...]]:
    """The digest of what a record says without its references, and these as they are written."""
    parts: list[tuple[str, float, str, bytes]] = []
    for key, value in registers.items():
        repetition = parse_key(key)
        if repetition is not None:
            parts.append((repetition.element, *repetition.order, value))
        elif key not in _PASSED_OVER:
            parts.append((key, 0, "", value))
    parts.sort()
    references: list[bytes] = []

    def lift(match: re.Match[bytes]) -> bytes:
        references.append(match[1])
        return b'"reference":""'

    pieces: list[bytes] = []
    for element, _, _, value in parts:
        pieces += element.encode(), _REFERENCE.sub(lift, value) if b'"reference":"' in value else value
    return digest_of(*pieces), tuple(references)
