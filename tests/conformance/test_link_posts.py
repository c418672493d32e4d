"""What two phones post to each other when one lets the other in: openapi/protocol/phone.md, "Letting a phone in"."""

import msgspec
import pytest

from crypto.public.keys import ED25519
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.vault.enrolment import LinkRefused, code_for, open_hello, open_welcome, rendezvous, seal_post
from sync.vault.entries import make_card
from sync.wire.card import DEVICE
from sync.wire.link import LINK_KIND, Head, Hello, SealedPost, Welcome
from tests.cli.kit import Server, link_phone, make_phone


def card(seed):
    signing = SigningKey.from_seed(ED25519, Secret(bytes([seed]) * 32))
    return make_card(DEVICE, signing, KemKey.from_seed(Secret(bytes([seed + 1]) * 32)))


NEW, OTHER = card(1), card(3)
CODE = code_for(Secret(b"s" * 16), NEW.device)
PLACE = rendezvous(CODE)
SALT = b"n" * 32
HELLO = Hello(LINK_KIND, NEW.signed, "a new phone", "")
HEAD = Head(b"v" * 32, "a vault", 7, b"l" * 32)
WELCOME = Welcome(OTHER.device, b"p" * 16, "a person", 2, (HEAD,), b"a" * 16, b"e" * 64)


def test_both_posts_open_for_who_has_the_code():
    """PHN-16."""
    assert open_hello(PLACE, seal_post(PLACE, HELLO, SALT)) == (HELLO, NEW.device)
    assert open_welcome(PLACE, seal_post(PLACE, WELCOME, SALT)) == WELCOME


def test_the_place_and_the_key_come_from_the_secret_alone():
    """PHN-15."""
    elsewhere = rendezvous(code_for(Secret(b"t" * 16), NEW.device))
    same = rendezvous(code_for(Secret(b"s" * 16), OTHER.device))
    assert elsewhere.link != PLACE.link
    assert (same.link, same.key) == (PLACE.link, PLACE.key)


def test_a_card_that_the_code_does_not_name_is_refused():
    """MUST PHN-17: who photographs the code and posts her own card cannot get in."""
    with pytest.raises(LinkRefused, match="link_other_card"):
        open_hello(PLACE, seal_post(PLACE, msgspec.structs.replace(HELLO, card=OTHER.signed), SALT))


def test_a_card_whose_signature_is_anothers_is_refused():
    mixed = msgspec.structs.replace(NEW.signed, signature=OTHER.signed.signature)
    with pytest.raises(LinkRefused, match="link_unreadable"):
        open_hello(PLACE, seal_post(PLACE, msgspec.structs.replace(HELLO, card=mixed), SALT))


def test_a_hello_is_no_welcome_and_another_place_opens_nothing():
    """PHN-16."""
    with pytest.raises(LinkRefused):
        open_welcome(PLACE, seal_post(PLACE, HELLO, SALT))
    with pytest.raises(LinkRefused):
        open_hello(rendezvous(code_for(Secret(b"t" * 16), NEW.device)), seal_post(PLACE, HELLO, SALT))


def test_a_post_with_a_bit_flipped_is_refused():
    post = seal_post(PLACE, HELLO, SALT)
    with pytest.raises(LinkRefused):
        open_hello(PLACE, SealedPost(post.salt, bytes([post.sealed[0] ^ 1]) + post.sealed[1:]))


def test_names_of_different_length_do_not_show_in_the_size():
    """PHN-16."""
    short = seal_post(PLACE, WELCOME, SALT)
    longer = seal_post(PLACE, msgspec.structs.replace(WELCOME, person_name="a person with a longer name"), SALT)
    assert len(short.sealed) == len(longer.sealed)


def test_a_new_phone_says_its_own_name(tmp_path):
    """MUST PHN-18: the approving phone hears of the new one by its next sync, under the name typed there."""
    server = Server(tmp_path / "server").start()
    try:
        first = make_phone(tmp_path / "first", server.url)
        link_phone(tmp_path / "second", first, server.url)
        first("sync")
        [member] = first("members")
    finally:
        server.stop()
    assert sorted(device["name"] for device in member["devices"]) == ["phone A", "phone B"]
    assert all(device["last_heard"] for device in member["devices"])
