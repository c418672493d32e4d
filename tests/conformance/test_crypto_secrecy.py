"""CRY-21 and CRY-23: secrets show themselves only when asked, and refusals say nothing of what was refused."""

import copy
import inspect
import json
import pickle

import msgspec
import pytest

from crypto.public.errors import BadCode, BadPadding, CannotOpen, CryptoError
from crypto.secret import link_code, recovery_code
from crypto.secret.aead import StoreCipher, open_
from crypto.secret.kem import KemKey
from crypto.secret.padding import unpad_and_inflate
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey

CANARY = b"canary-canary-canary-canary-32by"
HOLDERS = {
    "secret": Secret(CANARY),
    "ed25519": SigningKey.from_seed(1, Secret(CANARY)),
    "es256": SigningKey.from_seed(2, Secret(CANARY)),
    "kem": KemKey.from_seed(Secret(CANARY)),
}


class Boxed(msgspec.Struct, frozen=True):
    held: Secret


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_no_way_of_printing_shows_the_bytes(holder):
    """CRY-23."""
    shown = [
        repr(holder),
        str(holder),
        f"{holder}",
        f"{holder!r:>80}",
        f"{holder:x>40}" if isinstance(holder, Secret) else "",
    ]
    shown += ["%s %r" % (holder, holder), repr([holder]), repr({"a": holder})]  # noqa: UP031 — logging formats like this
    for text in shown:
        assert "canary" not in text
        assert CANARY.hex()[:8] not in text


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize(
    "leave", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.msgpack.encode]
)
def test_it_cannot_be_serialised_or_copied(holder, leave):
    """CRY-23."""
    with pytest.raises(TypeError):
        leave(holder)


def test_a_struct_that_holds_a_secret_shows_and_encodes_no_byte_of_it():
    boxed = Boxed(Secret(CANARY))
    assert "canary" not in repr(boxed)
    with pytest.raises(TypeError):
        msgspec.msgpack.encode(boxed)


def test_a_secret_equals_only_a_secret_with_the_same_bytes():
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY[:-1] + b"?")
    assert Secret(CANARY) != Secret(CANARY[:-1])
    assert Secret(CANARY).__eq__(CANARY) is NotImplemented


def test_comparison_is_the_constant_time_one():
    """Read from the source: timing is not tested here. CRY-21."""
    assert "compare_digest" in inspect.getsource(Secret.__eq__)


def test_a_secret_is_no_key_of_a_dict_and_holds_nothing_but_bytes():
    with pytest.raises(TypeError):
        hash(Secret(CANARY))
    with pytest.raises(TypeError):
        Secret("text")
    with pytest.raises(TypeError):
        bytes(Secret(CANARY))
    assert not hasattr(Secret(CANARY), "__dict__")


def test_a_secret_knows_its_length_and_an_empty_one_is_still_there():
    assert len(Secret(CANARY)) == 32
    assert Secret(b"")


@pytest.mark.parametrize(
    ("refused", "text"),
    [
        (lambda: open_(Secret(CANARY), "frame", CANARY, CANARY * 2, bytes(32)), "cannot open"),
        (lambda: StoreCipher(Secret(CANARY)).open(CANARY, CANARY * 2), "cannot open"),
        (lambda: KemKey.from_seed(Secret(CANARY)).open(CANARY, CANARY * 40), "cannot open"),
        (lambda: unpad_and_inflate(b"\xff" + CANARY, inflated_bytes_max=9), "bad padding: deflate"),
        (lambda: recovery_code.parse("CANARY" * 6), "bad code: mistyped"),
        (lambda: link_code.parse("CANARY"), "bad code: length"),
    ],
)
def test_a_refusal_is_a_word_and_carries_no_cause(refused, text):
    """CRY-23."""
    with pytest.raises(CryptoError) as caught:
        refused()
    assert str(caught.value) == text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_reasons_come_from_closed_lists():
    for refusal in (BadCode, BadPadding):
        with pytest.raises(AssertionError):
            refusal("because of CANARY")
    assert str(CannotOpen()) == "cannot open"
