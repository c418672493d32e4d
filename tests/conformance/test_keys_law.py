"""What openapi/protocol/keys.md demands of a phone and no vector shows."""

import os

from crypto.secret.kdf import epoch_id
from crypto.secret.secret import Secret
from sync.device.outbox import _keybox
from sync.device.phone import Phone
from sync.log.state import LogState
from sync.vault.keyring import Keyring, open_keybox
from sync.vault.state import VaultState
from sync.wire.item import Epoch

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
