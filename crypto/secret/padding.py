"""Hiding lengths: raw deflate, then zeros up to one of few sizes. And the way back, which is exact.

Not encryption; what is inside is sealed afterwards. Invariants: the size of what travels tells at most the padded
size; for one deflate stream there is one padded form, and everything else is refused; inflating stops at the caller's
cap, whatever the stream says. Two compressors may give different streams for one text: streams are never compared.
Spec: openapi/protocol/crypto.md, CRY-16 and CRY-17.
"""

from __future__ import annotations

import zlib

from crypto.public.errors import BadPadding

PADDED_BYTES_MIN = 256  # bytes; most single edits fit, so they all look alike
_RAW_DEFLATE = -15  # zlib's word for RFC 1951 without a wrapper, 32 KiB window


def padded_size(n: int) -> int:
    """The size in bytes that `n` bytes are padded to: 256, above that PADMÉ (Nikitin et al., PURBs, 2019, §4).

    PADMÉ keeps as many leading bits of the length as the length of its exponent has, so it adds at most 12 %.
    """
    if n <= PADDED_BYTES_MIN:
        return PADDED_BYTES_MIN
    exponent = n.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (n + mask) & ~mask


def compress_and_pad(plaintext: bytes) -> bytes:
    """Raw deflate (RFC 1951), then zeros up to `padded_size`."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, _RAW_DEFLATE)
    stream = deflater.compress(plaintext) + deflater.flush()
    return stream.ljust(padded_size(len(stream)), b"\0")


def unpad_and_inflate(padded: bytes, *, inflated_bytes_max: int) -> bytes:
    """The plaintext of exactly one deflate stream and its padding.

    Raises: BadPadding with the reason `deflate` (no deflate stream), `truncated` (it does not end), `inflated` (more
    than `inflated_bytes_max` bytes), `size` (another size than the rule gives) or `nonzero` (padding that is not zero).
    """
    inflater = zlib.decompressobj(_RAW_DEFLATE)
    try:
        # One byte above the cap tells "too much" from "exactly as much"; zlib stops there.
        plaintext = inflater.decompress(padded, inflated_bytes_max + 1)
    except zlib.error:
        raise BadPadding("deflate") from None
    if len(plaintext) > inflated_bytes_max:
        raise BadPadding("inflated")
    if not inflater.eof:
        raise BadPadding("truncated")
    padding = inflater.unused_data
    if padded_size(len(padded) - len(padding)) != len(padded):
        raise BadPadding("size")
    if padding.count(0) != len(padding):
        raise BadPadding("nonzero")
    return plaintext
