"""Term packs as the server hands them out: those of its release, and what its operator laid into `terms/` of its data.

What it is: whole files, read once when a process starts, known by their hash. What it is not: a judge: the signature is
the phone's to check, and the server vouches for nothing. Nothing that a caller says becomes a path on disk.
Spec: openapi/protocol/terms.md, "From the server".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from backend.settings import SettingsError
from crypto.public.hashing import labelled_hash
from sync.wire.limits import TERM_PACK_SERVED_BYTES_MAX, TERM_PACKS_SERVED_MAX
from sync.wire.terms import SUFFIX, PackListed

FOLDER = "terms"
_RELEASE = Path(__file__).parents[2] / "sync" / "terms" / "packs"
_LABEL = "term pack"


class Served(NamedTuple):
    """A pack: how it is listed, and its file."""

    listed: PackListed
    data: bytes


class _Body(msgspec.Struct):
    """Of a pack's body what a list tells; its terms are not looked at."""

    language: str
    name: str
    version: str


_body = msgspec.json.Decoder(_Body)


def served_packs(data: Path) -> dict[str, Served]:
    """Id → pack, the operator's own first. Raises: SettingsError for a file that is no pack, or too large."""
    found: dict[str, Served] = {}
    for path in _paths(data):
        try:
            raw = path.read_bytes()
            body = _body.decode(raw.partition(b"\n")[2])
        except (OSError, msgspec.DecodeError, RecursionError) as error:
            raise SettingsError(f"{FOLDER}/{path.name} in the data folder is no term pack") from error
        if len(raw) > TERM_PACK_SERVED_BYTES_MAX:
            raise SettingsError(f"{FOLDER}/{path.name}: a pack has at most {TERM_PACK_SERVED_BYTES_MAX} bytes here")
        id_ = labelled_hash(_LABEL, raw).hex()
        found[id_] = Served(PackListed(id_, body.language, body.name, body.version, len(raw)), raw)
    if len(found) > TERM_PACKS_SERVED_MAX:
        raise SettingsError(f"{FOLDER}: at most {TERM_PACKS_SERVED_MAX} packs, those of the release counted")
    return found


def _paths(data: Path) -> Iterator[Path]:
    yield from sorted((data / FOLDER).glob("*" + SUFFIX))
    yield from sorted(_RELEASE.glob("*" + SUFFIX))
