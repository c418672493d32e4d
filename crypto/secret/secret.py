"""The one type in which secret bytes are handed around, so that they do not end up in a log, a crash or a file.

Not a vault: Python cannot wipe immutable bytes, and `reveal` gives them to whoever asks. Invariants: no repr, format,
pickle, copy or JSON of a Secret holds its bytes; comparison takes constant time. Spec: openapi/protocol/crypto.md,
CRY-23.
"""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Bytes that show themselves only to `reveal`."""

    __slots__ = ("_bytes",)

    def __init__(self, value: bytes) -> None:
        if not isinstance(value, bytes):
            raise TypeError("a Secret holds bytes")
        self._bytes = value

    def reveal(self) -> bytes:
        """The bytes themselves; the call is what to look for in a review."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._bytes)

    def __bool__(self) -> bool:
        return True  # Else an empty one would be taken for a missing one.

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._bytes, other._bytes)

    __hash__ = None  # type: ignore[assignment]  # A key of a dict or a cache would keep the bytes alive unseen.

    def __repr__(self) -> str:
        return "<Secret>"

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is neither pickled nor copied")
