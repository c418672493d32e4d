"""Accounts and devices as the server knows them: JSON bodies of the routes outside sync.

Bytes are base64 in JSON. An account is a place to store; membership of a vault does not depend on it. Spec:
openapi/protocol/accounts.md.
"""

from __future__ import annotations

import msgspec

from sync.wire.card import SignedCard
from sync.wire.ids import AccountId, DeviceId

ACCOUNT_LABEL = "account"  # the first card signs the server's origin
ENROL_LABEL = "enrol"  # the enrolling device signs new device id ‖ account id
ENROLLED_LABEL = "enrolled"  # the new card signs account id: nobody enrols a card that is not hers
ASSERTION_TYPE = "carnet-assertion+jwt"  # JOSE `typ` of an assertion, RFC 7523 and RFC 8725 §3.11


class NewAccount(msgspec.Struct, frozen=True):
    """POST /v1/accounts. `proof`: the card's signature (ACCOUNT_LABEL) over the server's origin in UTF-8."""

    card: SignedCard
    proof: bytes
    invitation: str | None = None


class AccountMade(msgspec.Struct, frozen=True):
    """The account's id; the same card asks twice and gets the same one."""

    account: AccountId


class Enrolment(msgspec.Struct, frozen=True):
    """POST /v1/devices: a card joins an account, wished by a device of it and by the card itself."""

    account: AccountId
    enroller: DeviceId
    enroller_signature: bytes
    card: SignedCard
    proof: bytes


class TokenRequest(msgspec.Struct, frozen=True):
    """POST /v1/token: a JWT assertion signed by the device's key."""

    assertion: str


class Token(msgspec.Struct, frozen=True):
    """An access token and the seconds it lives."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  a scheme's name, RFC 6750


class DeviceInfo(msgspec.Struct, frozen=True):
    """A device of one's own account as the server knows it; it has no name there."""

    device: DeviceId
    kind: int
    enrolled_at: int
    revoked: bool
    this: bool
