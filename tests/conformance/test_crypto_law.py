"""Chapter crypto where a vector cannot say it: signing and sealing, why a guard is there, misuse by our own code."""

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.public import jws
from crypto.public.errors import BadKey, BadSignature, CannotOpen
from crypto.public.hashing import label_prefix, labelled_hash, signed_input
from crypto.public.keys import ED25519, ES256, check_kem_key, check_signing_key, has_small_order
from crypto.public.sealing import XWING_SEAL_OVERHEAD, seal
from crypto.public.signatures import verify
from crypto.secret import aead, jose, kdf, link_code, recovery_code
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey

ROOT = Path(__file__).parents[2]
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
SEED = Secret(bytes(range(32)))
TYP = "test+jwt"


@pytest.mark.parametrize("label", ["", "a\0b", "é", "a\n"])
def test_a_label_is_printable_ascii(label):
    """CRY-1."""
    with pytest.raises(ValueError, match="printable ASCII"):
        label_prefix(label)


@given(st.sampled_from(["a", "ab", "entry", "frame"]), st.binary(max_size=8), st.sampled_from(["a", "ab"]), st.binary())
def test_two_inputs_are_equal_only_under_one_label(label, message, other, text):
    """CRY-1: the zero byte ends the label."""
    if label != other:
        assert signed_input(label, message) != signed_input(other, text)
        assert labelled_hash(label, message) != labelled_hash(other, text)


def doubled(point):
    x, y = point
    t = D * x * x * y * y % P
    return 2 * x * y * pow(1 + t, -1, P) % P, (y * y + x * x) * pow(1 - t, -1, P) % P


def points_of_small_order():
    """Found by arithmetic: (x, y) with 8·(x, y) = (0, 1), from the square roots of the curve's equation."""
    root = pow(2, (P - 1) // 4, P)
    points = {(0, 1), (0, P - 1), (root, 0), (P - root, 0)}
    # 2·(x, y) = (±root, 0) asks for y² = -x², hence d·y⁴ + 2·y² - 1 = 0.
    discriminant = square_root(4 + 4 * D)
    for sign in (1, -1):
        square = (-2 + sign * discriminant) * pow(2 * D, -1, P) % P
        if pow(square, (P - 1) // 2, P) == 1:
            y, x = square_root(square), square_root(-square)
            points |= {(x, y), (P - x, y), (x, P - y), (P - x, P - y)}
    return points


def square_root(value):
    root = pow(value, (P + 3) // 8, P)
    if (root * root - value) % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    assert (root * root - value) % P == 0
    return root


def test_the_list_of_small_orders_is_the_whole_torsion_of_the_curve():
    """CRY-3."""
    points = points_of_small_order()
    assert len(points) == 8
    assert all(doubled(doubled(doubled(point))) == (0, 1) for point in points)
    ys = {y for _, y in points}
    encodings = {y + k * P for y in ys for k in (0, 1) if y + k * P < 1 << 255}
    for y in range(20):
        assert has_small_order(y.to_bytes(32, "little")) == (y in encodings)
        assert has_small_order((P + y if y < 19 else y).to_bytes(32, "little")) == (y in (0, 1))
    for y in encodings:
        assert has_small_order(y.to_bytes(32, "little"))
        assert has_small_order((y | 1 << 255).to_bytes(32, "little"))


def test_the_library_alone_would_verify_a_forgery_and_we_do_not():
    """CRY-3, CRY-6: the guard is ours; if this fails, the library has learnt it."""
    one, base = (1).to_bytes(32, "little"), (4 * pow(5, -1, P) % P).to_bytes(32, "little")
    forged = base + one
    ed25519.Ed25519PublicKey.from_public_bytes(one).verify(forged, signed_input("entry", b"anything"))
    with pytest.raises(BadSignature):
        verify(ED25519, one, "entry", b"anything", forged)
    with pytest.raises(BadKey):
        check_signing_key(ED25519, one)


@pytest.mark.parametrize("key_type", [ED25519, ES256])
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=100))
@settings(max_examples=25, deadline=None)
def test_what_is_signed_verifies_and_the_key_passes_its_own_check(key_type, seed, message):
    """CRY-3, CRY-4, CRY-6, CRY-7, CRY-14."""
    key = SigningKey.from_seed(key_type, Secret(seed))
    check_signing_key(key_type, key.public_key)
    verify(key_type, key.public_key, "entry", message, key.sign("entry", message))


@given(seed=st.binary(min_size=32, max_size=32), info=st.binary(max_size=60), plaintext=st.binary(max_size=200))
@settings(max_examples=25, deadline=None)
def test_what_is_sealed_to_a_key_opens_with_its_seed(seed, info, plaintext):
    """CRY-5, CRY-9, CRY-15."""
    key = KemKey.from_seed(Secret(seed))
    check_kem_key(key.public_key)
    sealed = seal(key.public_key, info, plaintext)
    assert len(sealed) == len(plaintext) + XWING_SEAL_OVERHEAD
    assert key.open(info, sealed) == plaintext
    assert seal(key.public_key, info, plaintext) != sealed


def test_nothing_is_sealed_to_a_key_that_would_be_refused():
    """CRY-5."""
    key = KemKey.from_seed(SEED).public_key
    with pytest.raises(BadKey):
        seal(key[:1184] + bytes(32), b"", b"text")


@given(st.integers(0, 200), st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_no_flipped_bit_of_a_message_opens(place, bit):
    """CRY-12."""
    key, salt, header = Secret(bytes(32)), bytes(range(32)), b"header"
    sealed = aead.seal(key, "frame", header, b"some text of a frame", salt)
    place %= len(sealed)
    altered = sealed[:place] + bytes([sealed[place] ^ 1 << bit]) + sealed[place + 1 :]
    with pytest.raises(CannotOpen):
        aead.open_(key, "frame", header, altered, salt)


def test_the_shared_key_is_never_the_key_of_the_cipher_and_a_header_changes_the_derived_one():
    """CRY-12: had the header been associated data alone, two headers would share key and nonce under one salt."""
    key, salt = Secret(bytes(32)), bytes(range(32))
    one = aead.seal(key, "frame", b"one", bytes(64), salt)
    two = aead.seal(key, "frame", b"two", bytes(64), salt)
    raw = aead.StoreCipher(key).seal(bytes(12), b"one", bytes(64))
    assert len({one[:64], two[:64], raw[12:76]}) == 3
    expected = kdf.derive(key, "frame", hashlib.sha256(b"one").digest(), 44, salt)
    assert aead.StoreCipher(Secret(expected[:32])).open(b"one", expected[32:] + one) == bytes(64)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: aead.seal(SEED, "frame", b"", b"", bytes(31)),
        lambda: aead.StoreCipher(Secret(bytes(16))),
        lambda: aead.StoreCipher(SEED).seal(bytes(11), b"", b""),
        lambda: kdf.epoch_id(Secret(bytes(31))),
        lambda: recovery_code.keys(Secret(bytes(32))),
        lambda: link_code.rendezvous(SEED),
        lambda: link_code.encode(bytes(16), bytes(32)),
        lambda: SigningKey.from_seed(ED25519, SEED).sign_raw(signed_input("entry", b"")),
        lambda: jose.sign(SigningKey.from_seed(ED25519, SEED), typ=TYP, kid="k", claims={"a": "x" * 4_000}),
        lambda: jose.sign(SigningKey.from_seed(ED25519, SEED), typ=TYP, kid="k", claims={"a": float("nan")}),
    ],
)
def test_a_mistake_of_our_own_is_a_value_error(misuse):
    """CRY-11, CRY-12, CRY-13, CRY-19, CRY-20, CRY-8."""
    with pytest.raises(ValueError, match=r"."):
        misuse()


@pytest.mark.parametrize("key_type", [ED25519, ES256])
def test_a_token_that_we_sign_is_one_that_we_take(key_type):
    """CRY-8."""
    key = SigningKey.from_seed(key_type, SEED)
    claims = {"iss": "a", "exp": 1, "name": "é"}
    token = jose.sign(key, typ=TYP, kid="kid-1", claims=claims)
    found = []

    def find_key(kid):
        found.append(kid)
        return key.key_type, key.public_key

    assert jws.verify(token, typ=TYP, find_key=find_key) == claims
    assert found == ["kid-1"]


def test_no_character_of_a_token_can_be_changed():
    """CRY-8."""
    key = SigningKey.from_seed(ED25519, SEED)
    token = jose.sign(key, typ=TYP, kid="k", claims={"iss": "a"})
    for place, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        with pytest.raises(BadSignature):
            jws.verify(
                token[:place] + other + token[place + 1 :], typ=TYP, find_key=lambda kid: (ED25519, key.public_key)
            )


def test_a_fault_of_the_callers_own_look_up_is_not_taken_for_a_bad_signature():
    """CRY-8: only a missing key is."""
    token = jose.sign(SigningKey.from_seed(ED25519, SEED), typ=TYP, kid="k", claims={})

    def broken(kid):
        raise RuntimeError("the database is away")

    with pytest.raises(RuntimeError):
        jws.verify(token, typ=TYP, find_key=broken)


def test_the_two_keys_of_a_recovery_code_have_nothing_in_common():
    """CRY-19."""
    signing, kem = recovery_code.keys(Secret(bytes(20)))
    assert signing.seed != kem.seed
    assert signing.public_key != recovery_code.keys(Secret(bytes(19) + b"\1"))[0].public_key


def test_the_place_to_meet_tells_nothing_of_its_key():
    """CRY-20."""
    place, key = link_code.rendezvous(Secret(bytes(16)))
    assert len(place) == 16
    assert len(key) == 32
    assert key.reveal()[:16] != place
