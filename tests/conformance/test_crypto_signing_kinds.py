"""Cards of both signing kinds, and keys that a chip holds: CRY-7, CRY-24, CRY-25, LOG-10."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from crypto.public import jws
from crypto.public.errors import BadKey, BadSignature
from crypto.public.keys import ED25519, ES256
from crypto.secret import jose
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.log.reading import read_item, verify_item
from sync.log.state import LogState
from sync.vault.entries import build_entry, found_vault, make_card
from sync.vault.frames import seal_frame
from sync.vault.keyring import Keyring
from sync.wire.card import CARD_LABEL, DEVICE, SignedCard, device_id, read_card
from sync.wire.item import EDITOR, Add, FrameHeader, Item
from tests.hostile.family_log import MUM, SAM

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEY = Secret(b"k" * 32)


class Chip:
    """What a phone's secure hardware is to an app: it makes its key, tells the public half, signs at random in DER."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self._private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def der(self, signed: bytes) -> bytes:
        return self._private.sign(signed, ec.ECDSA(hashes.SHA256()))

    def sign(self, signed: bytes) -> bytes:
        r, s = decode_dss_signature(self.der(signed))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def keys_of(kind, number):
    seed = Secret(bytes([number]) * 32)
    signing = SigningKey.held_by(Chip()) if kind == "held" else SigningKey.from_seed(kind, seed)
    return make_card(DEVICE, signing, KemKey.from_seed(seed))


def turned(signature):
    """The other good signature: r, n − s."""
    return signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")


class Family:
    """A vault of mum's: she founds it, lets Sam in, and both write a frame."""

    def __init__(self, mum, sam):
        self.keyring = Keyring()
        self.keyring.add(KEY)
        vault, built = found_vault(mum, MUM, subject=True, recovery=None, nonce=bytes(16), key=KEY, salt=bytes(32))
        self.log, self.items, self.reasons = LogState.empty(vault), [], []
        self.take(built.item)
        self.enter(mum, Add(sam.signed, SAM, EDITOR, None), {mum.device: mum.kem.public_key})
        for author in (mum, sam):
            self.write(author)

    def enter(self, author, edit, kem_keys):
        made = build_entry(
            self.log, author, (edit,), keyring=self.keyring, kem_keys=kem_keys, fresh_key=None, salt=bytes(32)
        )
        self.take(made.item)

    def write(self, author):
        log = self.log
        header = FrameHeader(1, log.vault, author.device, 1, bytes(32), log.epoch.id, log.seq, log.log_hash)
        if (chain := log.chain.get(author.device)) is not None:
            header = msgspec.structs.replace(header, fseq=chain.fseq + 1, prev=chain.head)
        self.take(seal_frame(header, bytes(256), KEY, bytes(32), author.signing))

    def take(self, item):
        read = read_item(item)
        verify_item(self.log.table, read)
        ruling = self.log.judge(read)
        self.log.append(read, ruling)
        self.items.append(item)
        self.reasons.append(ruling.reason)


KINDS = [ED25519, ES256, "held"]


@pytest.mark.parametrize("of_sam", KINDS)
@pytest.mark.parametrize("of_mum", KINDS)
def test_phones_of_any_two_kinds_found_enter_and_write_in_one_vault(of_mum, of_sam):
    """CRY-24, CRY-25."""
    family = Family(keys_of(of_mum, 1), keys_of(of_sam, 2))
    assert family.reasons == [None] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_and_an_assertion_hold_under_the_key_of_the_card(kind):
    """CRY-8, CRY-24."""
    keys = keys_of(kind, 1)
    card = read_card(keys.signed)
    token = jose.sign(keys.signing, typ="test", kid="k", claims={"a": 1})
    assert jws.verify(token, typ="test", find_key=lambda kid: (card.key_type, card.signing_key)) == {"a": 1}


@pytest.mark.parametrize(("kind", "other"), [(ED25519, ES256), (ES256, ED25519)])
def test_a_good_signature_of_the_other_kind_is_none_of_this_card(kind, other):
    """CRY-25: the card says which rule holds, whatever the author's second key is."""
    mum, sam = keys_of(kind, 1), keys_of(kind, 2)
    family, second = Family(mum, sam), SigningKey.from_seed(other, Secret(bytes([2]) * 32))
    for item, label in zip(family.items[1::2], ("entry", "frame"), strict=True):
        with pytest.raises(BadSignature):
            verify_item(family.log.table, read_item(Item(item.kind, item.signed, second.sign(label, item.signed))))
    with pytest.raises(Exception, match="do not hold"):
        read_card(SignedCard(sam.signed.card, second.sign(CARD_LABEL, sam.signed.card)))


def test_a_log_whose_every_s_is_turned_around_is_the_same_log():
    """CRY-7, LOG-10: why no low s is asked for."""
    mum, sam = keys_of(ES256, 1), keys_of(ES256, 2)
    first = Family(mum, sam)
    log = LogState.empty(first.log.vault)
    for item in first.items:
        read = read_item(Item(item.kind, item.signed, turned(item.signature)))
        verify_item(log.table, read)
        ruling = log.judge(read)
        assert ruling.reason is None
        log.append(read, ruling)
    assert (log.log_hash, log.entry_head, log.chain) == (first.log.log_hash, first.log.entry_head, first.log.chain)
    card = SignedCard(sam.signed.card, turned(sam.signed.signature))
    assert read_card(card) == read_card(sam.signed)
    assert device_id(card.card) == sam.device


def test_a_card_that_is_let_in_stands_in_the_entry_as_it_was_signed():
    """CRY-7: turned around inside an entry it is another entry, which nobody has signed."""
    mum, sam = keys_of(ES256, 1), keys_of(ES256, 2)
    family = Family(mum, sam)
    entry = family.items[1]
    assert entry.signed.count(sam.signed.signature) == 1
    signed = entry.signed.replace(sam.signed.signature, turned(sam.signed.signature))
    with pytest.raises(BadSignature):
        verify_item(family.log.table, read_item(Item(entry.kind, signed, entry.signature)))


class Der(Chip):
    def sign(self, signed):
        return self.der(signed)


class Faulty(Chip):
    def sign(self, signed):
        return super().sign(signed + b"\0")


class Exchanged(Chip):
    def sign(self, signed):
        return Chip().sign(signed)


@pytest.mark.parametrize("chip", [Der, Faulty, Exchanged])
def test_what_a_chip_signs_wrongly_never_leaves_the_phone(chip):
    """CRY-24."""
    key = SigningKey.held_by(chip())
    for sign in (lambda: key.sign("entry", b"what was said"), lambda: key.sign_raw(b"a.b")):
        with pytest.raises(BadSignature):
            sign()


@pytest.mark.parametrize(
    "public",
    [b"\0", b"\4" + bytes(64), b"\2" + bytes(32), bytes(32)],
    ids=["infinity", "zeros", "compressed", "an Ed25519 length"],
)
def test_a_chip_whose_public_key_no_card_may_have_is_refused_at_once(public):
    """CRY-4, CRY-24."""
    chip = Chip()
    chip.public_key = public
    with pytest.raises(BadKey):
        SigningKey.held_by(chip)


def test_a_held_key_has_no_seed_and_tells_nothing_of_its_holder():
    """CRY-23, CRY-24."""
    key = SigningKey.held_by(Chip())
    assert key.seed is None
    assert repr(key) == "<SigningKey type 2>"


def test_a_chip_may_sign_the_same_bytes_otherwise_each_time():
    """CRY-7, CRY-24: nothing may rest on a signature being the same again."""
    key = SigningKey.held_by(Chip())
    assert key.sign("entry", b"once") != key.sign("entry", b"once")
