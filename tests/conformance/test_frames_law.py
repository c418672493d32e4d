"""MUSTs of frames.md whose vectors would be megabytes long."""

import pytest

from sync.merge.change import PERSON, Change, RecordId, make_dot
from sync.vault.content import ContentVoid, decode_inside, encode_inside
from sync.wire import limits
from sync.wire.ids import DeviceId

AUTHOR = DeviceId(b"a" * 32)
RECORD = RecordId(b"r" * 32)


def inside(*changes):
    return encode_inside(changes, 0, [AUTHOR], {})


def changes(count, sets=(("a", b"1"),), preds=()):
    return [Change(make_dot(0, n), RECORD, False, PERSON, None, preds, sets, 0) for n in range(1, count + 1)]


def outcome(*of):
    try:
        return len(decode_inside(inside(*of), AUTHOR))
    except ContentVoid as void:
        return void.reason


@pytest.mark.parametrize(
    ("fits", "exceeds"),
    [
        (changes(limits.CHANGES_A_FRAME_MAX), changes(limits.CHANGES_A_FRAME_MAX + 1)),
        (
            changes(1, (("a", b"1" * limits.VALUE_BYTES_MAX),)),
            changes(1, (("a", b"1" * (limits.VALUE_BYTES_MAX + 1)),)),
        ),
        (changes(1, (("k" * limits.KEY_BYTES_MAX, b"1"),)), changes(1, (("k" * (limits.KEY_BYTES_MAX + 1), b"1"),))),
        (
            changes(1, preds=(make_dot(0, 1),) * limits.PREDS_A_CHANGE_MAX),
            changes(1, preds=(make_dot(0, 1),) * (limits.PREDS_A_CHANGE_MAX + 1)),
        ),
    ],
    ids=["changes a frame", "bytes of a value", "bytes of a key", "preds of a change"],
)
def test_frm_6_what_is_one_more_than_a_limit_voids_the_frame(fits, exceeds):
    assert outcome(*fits) == len(fits)
    assert outcome(*exceeds) == "limits"
