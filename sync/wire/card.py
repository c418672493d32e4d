"""A card: a device's public keys, self-signed. Its id is the hash of it, so that nobody can change a key under an id.

Not here: the secret keys (crypto.secret), and whether a card is in a vault (log.membership). Spec:
openapi/protocol/log.md, "Cards".
"""

from __future__ import annotations

import msgspec

from crypto.public.errors import CryptoError
from crypto.public.hashing import labelled_hash
from crypto.public.keys import check_kem_key, check_signing_key
from crypto.public.signatures import verify
from sync.wire.codec import Exact, Malformed
from sync.wire.ids import DeviceId

DEVICE = 0
RECOVERY = 1
CARD_LABEL = "card"  # of the signature and of the id


class Card(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a card holds: kind DEVICE or RECOVERY, the signing key's type and bytes, the X-Wing key (1,216 bytes)."""

    kind: int
    key_type: int
    signing_key: bytes
    kem_key: bytes


class SignedCard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A card's bytes as they were signed, and its own signature over them."""

    card: bytes
    signature: bytes


_card = Exact(Card)


def device_id(card: bytes) -> DeviceId:
    """The id of a card: H("card", card without signature), 32 bytes."""
    return DeviceId(labelled_hash(CARD_LABEL, card))


def read_card(signed: SignedCard) -> Card:
    """The card, its keys checked and its signature verified.

    Raises: Malformed for another shape, a weak key or a wrong signature.
    """
    card: Card = _card.read(signed.card)
    if card.kind not in (DEVICE, RECOVERY):
        raise Malformed("a card is of a device or for recovery")
    try:
        check_signing_key(card.key_type, card.signing_key)
        check_kem_key(card.kem_key)
        verify(card.key_type, card.signing_key, CARD_LABEL, signed.card, signed.signature)
    except CryptoError as error:
        raise Malformed("the card's keys or signature do not hold") from error
    return card
