"""CRY-16 and CRY-17: what padding promises about sizes, and that inflating stops at its cap."""

import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.public.errors import BadPadding
from crypto.secret.padding import compress_and_pad, padded_size, unpad_and_inflate


def test_a_padded_size_never_shrinks_and_is_its_own_padded_size():
    before = 0
    for n in range(20_000):
        size = padded_size(n)
        assert size >= max(n, before, 256)
        assert padded_size(size) == size
        before = size


def test_above_the_floor_at_most_an_eighth_is_added_and_sizes_are_few():
    """PADMÉ adds less than 12 % from 257 bytes on; up to 1 MiB there are 257 sizes."""
    for n in range(257, 1 << 20, 101):
        assert padded_size(n) - n <= 0.12 * n
    assert len({padded_size(n) for n in range(0, (1 << 20) + 1, 16)}) == 257


@given(st.binary(max_size=3_000))
@settings(max_examples=150, deadline=None)
def test_what_was_padded_comes_back(plaintext):
    padded = compress_and_pad(plaintext)
    assert padded_size(len(padded)) == len(padded)
    assert unpad_and_inflate(padded, inflated_bytes_max=3_000) == plaintext


@given(st.binary(max_size=600), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_no_bytes_do_more_than_be_refused(noise, cut):
    """Whatever is taken has the one form that the rule gives."""
    whole = noise.ljust(padded_size(len(noise)) - cut, b"\0")
    try:
        plaintext = unpad_and_inflate(whole, inflated_bytes_max=10_000)
    except BadPadding:
        return
    assert padded_size(len(whole)) == len(whole)
    assert len(plaintext) <= 10_000


@given(st.binary(min_size=1, max_size=300), st.data())
@settings(max_examples=150, deadline=None)
def test_every_byte_of_the_padding_is_looked_at(plaintext, data):
    padded = compress_and_pad(plaintext)
    inflater = zlib.decompressobj(-15)
    inflater.decompress(padded)
    room = len(inflater.unused_data)
    if room:
        place = len(padded) - 1 - data.draw(st.integers(0, room - 1))
        marked = padded[:place] + b"\x01" + padded[place + 1 :]
        with pytest.raises(BadPadding, match="nonzero"):
            unpad_and_inflate(marked, inflated_bytes_max=10_000)


def test_a_bomb_of_a_hundred_mebibytes_costs_no_more_than_its_cap():
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(100)) + deflater.flush()
    bomb = stream.ljust(padded_size(len(stream)), b"\0")
    tracemalloc.start()
    try:
        with pytest.raises(BadPadding, match="inflated"):
            unpad_and_inflate(bomb, inflated_bytes_max=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
