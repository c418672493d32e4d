"""What a server says of the term packs that it hands out: a list of whole files, by hash.

Not here: a pack's form (sync/terms/pack.py). Spec: openapi/protocol/terms.md, "From the server".
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from sync.wire.limits import TERM_PACKS_SERVED_MAX

PACKS = "/v1/terms"
SUFFIX = ".pack"
ID_HEX = 64


class PackListed(msgspec.Struct, frozen=True):
    """A pack as a server lists it. `id`: SHA-256 of the file under label `term pack`, in hex; `bytes`: of the file.
    The rest is what the file says of itself, which nobody has checked yet."""

    id: Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{ID_HEX}}}$")]
    language: str
    name: str
    version: str
    bytes: int


PackList = Annotated[list[PackListed], msgspec.Meta(max_length=TERM_PACKS_SERVED_MAX)]
