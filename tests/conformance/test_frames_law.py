"""MUSTs of frames.md whose vectors would be megabytes long, and what a phone asks of a log's table."""

import pytest

from sync.merge.change import PERSON, VAULT_RECORD, Change, RecordId, make_dot
from sync.vault.content import ContentVoid, decode_inside, encode_inside
from sync.vault.keyring import Keyring
from sync.vault.replay import _judge_content
from sync.vault.state import VaultState
from sync.wire import limits
from sync.wire.ids import DeviceId
from sync.wire.item import EDITOR
from tests.hostile.family_log import DAD, MUM, FamilyLog, add, card

AUTHOR = DeviceId(b"a" * 32)
RECORD = RecordId(b"r" * 32)


def inside(*changes):
    return encode_inside(changes, 0, [AUTHOR], {})


def changes(count, sets=(("a", b"1"),), preds=()):
    return [Change(make_dot(0, n), RECORD, False, PERSON, None, preds, sets, 0) for n in range(1, count + 1)]


def outcome(*of):
    try:
        return len(decode_inside(inside(*of), AUTHOR).named())
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


def test_frm_8_an_editor_sets_names_of_her_own_persons_devices_and_says_nothing_else_in_the_vaults_record():
    family, editor = FamilyLog(), card(3)
    assert family.entry(family.mum, add(editor, DAD, EDITOR)) is None
    state = VaultState(family.log, MUM, Keyring())
    own, others = f"device/{editor.device.hex()}", f"device/{family.mum.device.hex()}"

    def judged(author, *keys):
        sets = tuple((key, b'"name"') for key in keys)
        try:
            change = Change(make_dot(0, 1), VAULT_RECORD, False, PERSON, None, (), sets, 0)
            _judge_content(state, decode_inside(encode_inside([change], 0, [author], {}), author), {}.get)
        except ContentVoid as void:
            return void.reason
        return None

    assert judged(editor.device, own) is None
    assert {judged(editor.device, *keys) for keys in ((), (others,), (own, others), ("name",))} == {"rights"}
    assert {judged(family.mum.device, *keys) for keys in ((), (own,), ("name",))} == {None}
