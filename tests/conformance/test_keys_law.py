"""What openapi/protocol/keys.md demands of a phone and no vector shows."""

import hashlib
import os

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.secret.kdf import derive, epoch_id
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.device.outbox import _keybox
from sync.device.phone import Phone
from sync.log.state import LogState
from sync.vault.entries import build_entry
from sync.vault.frames import seal_frame
from sync.vault.keyring import Keyring, open_keybox, seal_keybox, wrap_for
from sync.vault.state import VaultState
from sync.wire.codec import encode
from sync.wire.exchange import Key, Keybox
from sync.wire.item import NO_FRAME, OWNER, Epoch, FrameHeader, read_frame
from tests.hostile.family_log import MUM, FamilyLog, add, card, drop

VAULT = b"v" * 32
OLD, HEAD = Secret(b"o" * 32), Secret(b"h" * 32)
EPOCH = Epoch(2, 1, epoch_id(HEAD))
PHONE = Phone(None, None, None, os.urandom)


def state_with(*keys):
    state = VaultState(LogState.empty(VAULT), b"p" * 16, Keyring(key.reveal() for key in keys))
    state.log.epochs = {epoch_id(OLD): (1, 1), epoch_id(HEAD): (2, 5)}
    return state


def test_key_10_a_phone_that_lacks_an_old_key_lays_no_keybox():
    assert _keybox(PHONE, state_with(HEAD), EPOCH, HEAD) is None


def test_key_10_a_phone_that_holds_every_key_lays_one_that_gives_the_older_ones():
    box = _keybox(PHONE, state_with(OLD, HEAD), EPOCH, HEAD)
    assert open_keybox(VAULT, box, HEAD) == [OLD]


def test_key_4_noise_in_the_first_place_hides_neither_a_good_keybox_nor_a_good_wrap():
    kem, device = KemKey.from_seed(Secret(b"k" * 32)), b"d" * 32
    [wrap] = wrap_for(HEAD, VAULT, EPOCH, {device: kem.public_key})
    noise = Keybox(EPOCH.id, bytes(32), bytes(300))
    good = seal_keybox(VAULT, EPOCH.id, HEAD, [OLD], b"s" * 32)
    keyring = Keyring()
    answer = Key(EPOCH.number, EPOCH.id, (bytes(len(wrap.sealed)), wrap.sealed), (noise, good))
    assert keyring.learn(answer, EPOCH.suite, VAULT, device, kem)
    assert keyring.raw() == [HEAD.reveal(), OLD.reveal()]


def test_key_5_an_entry_that_drops_a_card_wraps_its_epoch_for_those_that_stay_and_no_other():
    story = FamilyLog()
    phone = card(3)
    assert story.entry(story.mum, add(phone, MUM, OWNER)) is None
    keyring = Keyring([bytes(32)])
    story.log.epoch = Epoch(1, 1, epoch_id(Secret(bytes(32))))
    kem_keys = {keys.device: keys.kem.public_key for keys in (story.mum, story.recovery, phone)}
    built = build_entry(
        story.log, story.mum, (drop(phone),), keyring=keyring, kem_keys=kem_keys, fresh_key=HEAD, salt=b"s" * 32
    )
    assert {wrap.device for wrap in built.wraps} == {story.mum.device, story.recovery.device}


def hkdf(label, length, context=b"", salt=None):
    """RFC 5869 once more, without our code: what the head's key gives under a label."""
    return HKDF(hashes.SHA256(), length, salt, b"carnet/1/" + label + b"\0" + context).derive(HEAD.reveal())


def test_key_8_each_use_of_an_epoch_key_has_a_key_of_its_own_label():
    salt, header = b"s" * 32, FrameHeader(1, VAULT, b"d" * 32, 1, NO_FRAME, EPOCH.id, 0, b"l" * 32)
    frame = read_frame(seal_frame(header, b"inside", HEAD, salt, SigningKey.from_seed(1, OLD)).signed)
    box = seal_keybox(VAULT, EPOCH.id, HEAD, [OLD], salt)
    sealed = {b"frame": (encode(header), frame.ciphertext), b"keybox": (VAULT + EPOCH.id, box.sealed)}
    for label, (bound, ciphertext) in sealed.items():
        okm = hkdf(label, 44, hashlib.sha256(bound).digest(), salt)
        AESGCM(okm[:32]).decrypt(okm[32:], ciphertext, bound)
        other = hkdf(b"keybox" if label == b"frame" else b"frame", 44, hashlib.sha256(bound).digest(), salt)
        for key in (HEAD.reveal(), other[:32]):
            with pytest.raises(InvalidTag):
                AESGCM(key).decrypt(okm[32:], ciphertext, bound)
    assert epoch_id(HEAD) == hkdf(b"epoch id", 32)
    assert derive(HEAD, "root") == hkdf(b"root", 32)
