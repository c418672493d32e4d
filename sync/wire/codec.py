"""Canonical msgpack: the one encoding of what is signed, hashed or compared.

Decoding is exact: bytes that do not encode back to themselves are refused, because msgspec (like other readers) accepts
longer integers than needed and arrays with extra fields. Spec: openapi/protocol/log.md, "Encoding"; msgpack.org spec.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Malformed(Exception):
    """Bytes that are not the canonical encoding of what they should be. Carries no part of them."""


_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode


class Exact:
    """Reads one type from its canonical encoding.

    `read(data)` raises Malformed for anything that does not encode back to the same bytes.
    """

    def __init__(self, type_: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(type_)

    def read(self, data: bytes) -> Any:
        try:
            value = self._decoder.decode(data)
        except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
            raise Malformed("not what was expected here") from error
        if _encoder.encode(value) != data:
            raise Malformed("not canonical")
        return value
