"""What schemathesis has to know of this API: how msgpack is written and read. Loaded by it (SCHEMATHESIS_HOOKS).

Bytes have no JSON type: the fuzzer draws them as texts of the format `octets`, which stand for bytes here.
"""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import msgspec
import schemathesis

from tests.api.phone_kit import read_answer

OCTETS = "octets"
_MARK = "octets:"

schemathesis.openapi.format(
    OCTETS,
    st.one_of(st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16), st.binary(max_size=400)).map(
        lambda raw: _MARK + raw.hex()
    ),
)


def to_bytes(value: Any) -> Any:
    """What was drawn, with bytes where the mark stands."""
    if isinstance(value, str) and value.startswith(_MARK):
        try:
            return bytes.fromhex(value.removeprefix(_MARK))
        except ValueError:
            return value  # a text that the fuzzer has spoiled
    if isinstance(value, list | tuple):
        return [to_bytes(part) for part in value]
    if isinstance(value, dict):
        return {key: to_bytes(part) for key, part in value.items()}
    if type(value) is int and not -(2**63) <= value < 2**64:
        return float(value)
    return value


def to_text(value: Any) -> Any:
    """What was answered, with marked texts where bytes stand."""
    if isinstance(value, bytes):
        return _MARK + value.hex()
    if isinstance(value, list | tuple):
        return [to_text(part) for part in value]
    return value


@schemathesis.serializer("application/msgpack")
def write_msgpack(_context: Any, value: Any) -> bytes:
    """A body as the fuzzer drew it."""
    if isinstance(value, bytes):
        return value
    return msgspec.msgpack.encode(to_bytes(value))


@schemathesis.deserializer("application/msgpack")
def read_msgpack(_context: Any, response: Any) -> Any:
    """An answer as the array of its messages: it must be whole."""
    read_answer(response.content)
    rest, messages = response.content, []
    while rest:
        size = int.from_bytes(rest[:4], "big")
        messages.append(to_text(msgspec.msgpack.decode(rest[4 : 4 + size])))
        rest = rest[4 + size :]
    return messages
