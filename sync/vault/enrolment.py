"""Letting a phone in: the two posts that meet under a code, sealed for whoever saw the code.

The code is a 16-byte secret and the first 16 bytes of the new device's id; the rendezvous id and the key are derived
from the secret with distinct labels. Who photographs the code can neither get in (the approving phone checks the card
against the id in it) nor be believed (the first sync of the new phone proves the vault). Spec:
openapi/protocol/linking.md.
"""

from __future__ import annotations

from typing import NamedTuple

from crypto.public.errors import CryptoError
from crypto.secret import aead, link_code
from crypto.secret.padding import compress_and_pad, unpad_and_inflate
from crypto.secret.secret import Secret
from sync.wire.card import device_id as id_of_card
from sync.wire.card import read_card
from sync.wire.codec import Malformed, encode
from sync.wire.ids import DeviceId, LinkId
from sync.wire.link import HELLO, WELCOME, Hello, SealedPost, Welcome, read_hello, read_welcome

POST_INFLATED_BYTES_MAX = 65_536  # bytes
CODE_ID_BYTES = 16  # of the new device's id, enough that nobody finds another card with them


class LinkRefused(Exception):
    """A post that is not what the code promises; `code` is a word for people and programs."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Rendezvous(NamedTuple):
    """Where two phones meet, and the key that seals what they post there."""

    link: LinkId
    key: Secret
    device_prefix: bytes


def code_for(secret: Secret, device: DeviceId) -> str:
    """The text that the new phone shows. `secret`: 16 fresh random bytes."""
    return link_code.encode(secret.reveal(), device[:CODE_ID_BYTES])


def rendezvous(code: str) -> Rendezvous:
    """Where a code leads. Raises: BadCode for one that was mistyped."""
    secret, prefix = link_code.parse(code)
    link, key = link_code.rendezvous(secret)
    return Rendezvous(LinkId(link), key, prefix)


def seal_post(place: Rendezvous, post: Hello | Welcome, salt: bytes) -> SealedPost:
    """A post for the other phone. `salt`: 32 fresh random bytes."""
    label = HELLO if isinstance(post, Hello) else WELCOME
    return SealedPost(salt, aead.seal(place.key, label, place.link, compress_and_pad(encode(post)), salt))


def _open(place: Rendezvous, label: str, post: SealedPost) -> bytes:
    try:
        padded = aead.open_(place.key, label, place.link, post.sealed, post.salt)
        return unpad_and_inflate(padded, inflated_bytes_max=POST_INFLATED_BYTES_MAX)
    except CryptoError as error:
        raise LinkRefused("link_unreadable") from error


def open_hello(place: Rendezvous, post: SealedPost) -> tuple[Hello, DeviceId]:
    """The new phone's post, its card checked against the code. Raises: LinkRefused."""
    try:
        hello: Hello = read_hello(_open(place, HELLO, post))
        read_card(hello.card)
    except Malformed as error:
        raise LinkRefused("link_unreadable") from error
    device = id_of_card(hello.card.card)
    if device[:CODE_ID_BYTES] != place.device_prefix:
        raise LinkRefused("link_other_card")
    return hello, device


def open_welcome(place: Rendezvous, post: SealedPost) -> Welcome:
    """The approving phone's post. Raises: LinkRefused."""
    try:
        return read_welcome(_open(place, WELCOME, post))
    except Malformed as error:
        raise LinkRefused("link_unreadable") from error
