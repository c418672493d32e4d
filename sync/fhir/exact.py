"""JSON in and out without losing a digit: numbers stay the text they were written as.

What it is: strict reading (RFC 8259, UTF-8), one canonical form (keys sorted by code point, no white space, numbers as
written) and one for people. What it is not: FHIR; nothing here knows what an element is.

Invariants: ``canonical(loads(canonical(v))) == canonical(v)``; a number is never turned into a float, an int or a
Decimal on its way through (`5.40` is not `5.4`, and Decimal would turn `1e2` into `1E+2`); strings stay as they are,
code unit by code unit. Spec: openapi/protocol/fhir.md, section "Exact JSON".
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

DEPTH_MAX = 64  # levels of arrays and objects; real documents stay below 20, and it bounds every recursive reader

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)  # an unclosed string runs to the end: linear time
_BRACKETS = re.compile(r"[\[{]+|[\]}]+")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NAME = re.compile(r"[A-Za-z_]{1,64}\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")


class Number:
    """A JSON number as written. Equal to another one of the same text only: `5.40` and `5.4` differ."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and other.text == self.text

    def __hash__(self) -> int:
        return hash(("number", self.text))

    def __repr__(self) -> str:
        return f"Number({self.text})"


class ExactJsonError(ValueError):
    """The text is not JSON that this reader takes. `code` is a word, `where` a place in the text, never its content.

    Codes: not_utf8, not_json, duplicate_key, not_a_number (NaN, Infinity), trailing, lone_surrogate, too_deep.
    """

    def __init__(self, code: str, where: str) -> None:
        super().__init__(f"{code} at {where}")
        self.code = code
        self.where = where


def number(text: str) -> Number:
    """A Number from its text.

    Raises: ExactJsonError(not_json) if the text is not a number of RFC 8259 section 6.
    """
    if not _NUMBER.match(text):
        raise ExactJsonError("not_json", "number")
    return Number(text)


def loads(data: bytes | str, *, depth_max: int = DEPTH_MAX) -> Any:
    """Read one JSON text: dict, list, str, Number, bool or None. A leading byte order mark is passed over.

    Raises: ExactJsonError, see there.
    """
    text = _text_of(data)
    if text.count("[") + text.count("{") > depth_max:
        _check_depth(text, depth_max)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        code = "trailing" if error.msg == "Extra data" else "not_json"
        raise ExactJsonError(code, f"line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise ExactJsonError("too_deep", "text") from None
    # In well-formed UTF-8 a lone surrogate can only come from an escape.
    if _ESCAPED_SURROGATE.search(text):
        _check_strings(value)
    return value


def loads_or_none(data: bytes) -> Any:
    """As `loads`, but None for what cannot be read: a foreign app's register value must not stop a view."""
    try:
        return loads(data)
    except ExactJsonError:
        return None


def canonical(value: Any) -> bytes:
    """The canonical bytes of a value: keys sorted by code point, no white space, numbers as written, UTF-8.

    Strings escape what JSON demands and nothing else: ``\\" \\\\ \\b \\f \\n \\r \\t``, and ``\\u00xx`` for the rest of
    what lies below U+0020.
    """
    return _CANONICAL.encode(value)


def canonical_text(data: bytes | str) -> bytes:
    """The canonical bytes of a JSON text.

    Raises: ExactJsonError.
    """
    return canonical(loads(data))


def pretty(value: Any) -> bytes:
    """The value for a file that people open: two spaces a level, keys in their own order, numbers as written."""
    return msgspec.json.format(_PLAIN.encode(value), indent=2) + b"\n"


def is_exact(value: Any) -> bool:
    """True if the value is made of dict, list, str, Number, bool, None and int alone: floats have lost their text."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                return False
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif item is not None and not isinstance(item, str | Number | bool | int):
            return False
    return True


def _text_of(data: bytes | str) -> str:
    if isinstance(data, str):
        try:
            data.encode()
        except UnicodeEncodeError as error:
            raise ExactJsonError("lone_surrogate", f"character {error.start}") from None
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ExactJsonError("not_utf8", f"byte {error.start}") from None


def _check_depth(text: str, depth_max: int) -> None:
    depth = 0
    for run in _BRACKETS.findall(_STRING.sub("", text)):
        depth += len(run) if run[0] in "[{" else -len(run)
        if depth > depth_max:
            raise ExactJsonError("too_deep", f"more than {depth_max} levels")


def _check_strings(value: Any) -> None:
    try:
        canonical(value)
    except UnicodeEncodeError:
        raise ExactJsonError("lone_surrogate", "an escaped string") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                # Names of FHIR elements help to find the place; anything else may be somebody's data.
                raise ExactJsonError("duplicate_key", name if _NAME.match(name) else "an object")
            seen.add(name)
    return made


def _constant(_: str) -> NoReturn:
    raise ExactJsonError("not_a_number", "text")


def _raw(value: Any) -> msgspec.Raw:
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode("ascii"))
    raise TypeError(f"not a JSON value: {type(value).__name__}")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=_constant)
_CANONICAL = msgspec.json.Encoder(enc_hook=_raw, order="sorted")
_PLAIN = msgspec.json.Encoder(enc_hook=_raw)
