"""Whatever a key holder puts into a frame, every phone finds it good or void: nothing else comes of reading it."""

import random

import msgspec
import pytest

from sync.vault.content import ContentVoid, decode_inside, resolve
from tests.vectors.generate_frames import BIRTHS, ME, OTHER, VECTOR, raw

ODD = [-2, -1, 0, 1, 2, 3, 9, 10, 1 << 40, None, b"x", b"r" * 32, "k", [], [1], [0, 9], [1, 9], [-1, 5]]
ORDINALS = {OTHER: 0, ME: 1}
BORN = {dot: record for record, dot in BIRTHS.items()}


def spoiled(value, source):
    """The value with one part changed, added or taken away, at any depth."""
    if not isinstance(value, list):
        return source.choice(ODD)
    value = list(value)
    if value and source.random() < 0.8:
        place = source.randrange(len(value))
        value[place] = spoiled(value[place], source)
    elif source.random() < 0.5:
        value.append(source.choice(ODD))
    elif value:
        value.pop()
    return value


def judged(inside):
    content = decode_inside(inside, ME)
    changes = resolve(content, VECTOR[ME], ORDINALS, VECTOR, BORN.get, lambda keys: False)
    try:
        rows = content.named()
    except ContentVoid as void:
        raise AssertionError("good, and yet it does not fit together") from void
    assert [(told.n, told.sets) for told in rows] == [(made.dot >> 10, made.sets) for made in changes]
    return "good"


@pytest.mark.parametrize("seed", range(4))
def test_a_spoiled_frame_is_good_or_void_and_what_is_good_is_read_alike_both_ways(seed):
    source, met = random.Random(seed), set()
    for _ in range(2_500):
        value = raw()
        for _ in range(source.choice((1, 1, 2, 3))):
            value = spoiled(value, source)
        try:
            met.add(judged(msgspec.msgpack.encode(value)))
        except ContentVoid as void:
            met.add(void.reason)
    assert met >= {"good", "decode", "dots", "preds"}
