"""What a card and its enroller must have signed before an account takes the card.

Pure. A card proves its own wish, so that nobody enrols a card that is not hers; the enroller speaks for the account.
Spec: openapi/protocol/accounts.md, ACC-10 to ACC-14.
"""

from __future__ import annotations

from crypto.public.errors import CryptoError
from crypto.public.signatures import verify
from sync.wire.account import ACCOUNT_LABEL, ENROL_LABEL, ENROLLED_LABEL, Enrolment, NewAccount
from sync.wire.card import Card, device_id, read_card
from sync.wire.codec import Malformed
from sync.wire.ids import ACCOUNT_BYTES, HASH_BYTES, DeviceId


class ProofRefused(Exception):
    """A signature does not hold, or a field is not of its shape."""


def check_new_account(new: NewAccount, origin: str) -> tuple[DeviceId, Card]:
    """The first card of an account: it holds together and has signed this server's origin. Raises: ProofRefused."""
    try:
        card = read_card(new.card)
        verify(card.key_type, card.signing_key, ACCOUNT_LABEL, origin.encode(), new.proof)
    except (Malformed, CryptoError):
        raise ProofRefused from None
    return device_id(new.card.card), card


def check_enrolled_card(enrolment: Enrolment) -> tuple[DeviceId, Card]:
    """The card that joins: it holds together and has signed the account's id. Raises: ProofRefused."""
    if len(enrolment.account) != ACCOUNT_BYTES or len(enrolment.enroller) != HASH_BYTES:
        raise ProofRefused
    try:
        card = read_card(enrolment.card)
        verify(card.key_type, card.signing_key, ENROLLED_LABEL, enrolment.account, enrolment.proof)
    except (Malformed, CryptoError):
        raise ProofRefused from None
    return device_id(enrolment.card.card), card


def check_enroller(enrolment: Enrolment, device: DeviceId, key: tuple[int, bytes]) -> None:
    """The enroller has signed the new card's id and the account's. Raises: ProofRefused."""
    try:
        verify(*key, ENROL_LABEL, device + enrolment.account, enrolment.enroller_signature)
    except CryptoError:
        raise ProofRefused from None
