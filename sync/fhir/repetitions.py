"""Repetitions of a repeating element: their keys, and how a person names one.

What it is: `element/position.token`, where the position is the decimal index at which a repetition was first seen and
the token says which one it is. What it is not: an `Element.id`; identity never leaves the vault.

Invariants: two phones that split one file make the same tokens, whatever the order in which they meet later copies; a
person's addition has a token of its own. Repetitions are ordered by position as a number, then token.
Spec: openapi/protocol/fhir.md, section "Repetitions".
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sync.fhir.exact import canonical

TOKEN_CHARACTERS = 22  # base64url of 16 bytes, without padding
_REST = re.compile(r"(0|[1-9][0-9]{0,8})\.([A-Za-z0-9_-]{22})\Z")


class Repetition(NamedTuple):
    """A repetition's key, taken apart. `position` None: a key in a form that this version does not know."""

    element: str
    position: int | None
    token: str

    @property
    def order(self) -> tuple[float, str]:
        """Sorts as it is shown and exported; unknown forms come last."""
        return (float("inf") if self.position is None else self.position, self.token)


def repetition_key(element: str, position: int, token: str) -> str:
    """The register key of one repetition."""
    return f"{element}/{position}.{token}"


def parse_key(key: str) -> Repetition | None:
    """The parts of a repetition's key, or None for any other register key."""
    element, slash, rest = key.partition("/")
    if not slash or not element or element.startswith("@"):
        return None
    found = _REST.match(rest)
    return Repetition(element, int(found[1]), found[2]) if found else Repetition(element, None, rest)


def content_tokens(element: str, values: Sequence[Any], taken: Collection[str] = ()) -> list[str]:
    """A token for each value of one element: the same value at its n-th occurrence has the same token everywhere.

    A contained resource is told by its id alone, so that its newer copy is the same repetition. `taken`: tokens that
    already stand for something else; those occurrences are passed over.
    """
    tokens: list[str] = []
    used = set(taken)
    occurrences: dict[bytes, int] = {}
    for value in values:
        content = _content(element, value)
        while True:
            occurrence = occurrences.get(content, 0)
            occurrences[content] = occurrence + 1
            token = _token(b"repetition", element, content, str(occurrence).encode())
            if token not in used:
                break
        used.add(token)
        tokens.append(token)
    return tokens


def added_token(element: str, seed: bytes) -> str:
    """The token of a repetition that a person adds; `seed` names its device, its change and its place therein."""
    return _token(b"repetition-added", element, seed)


def named(keys: Iterable[str], wanted: str) -> list[str]:
    """The keys, of those in the order they are shown, that `wanted` names.

    Its token, a part of it from the beginning, or the place as shown, counted from 1. A whole token comes first.
    """
    shown = list(keys)
    tokens = [key.partition(".")[2] for key in shown]
    whole = [key for key, token in zip(shown, tokens, strict=True) if wanted in (token, key)]
    if whole:
        return whole
    if wanted.isdecimal() and wanted.isascii() and len(wanted) < 6 and 1 <= int(wanted) <= len(shown):
        return [shown[int(wanted) - 1]]
    return [key for key, token in zip(shown, tokens, strict=True) if wanted and token.startswith(wanted)]


def _content(element: str, value: Any) -> bytes:
    if element == "contained" and isinstance(value, dict) and isinstance(value.get("id"), str):
        return b"#" + value["id"].encode()
    return canonical(value)


def _token(use: bytes, element: str, *parts: bytes) -> str:
    text = b"\0".join((b"carnet/1/" + use, element.encode(), *parts))
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()[:16]).rstrip(b"=").decode("ascii")
