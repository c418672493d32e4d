"""What two phones post to each other when one lets the other in, sealed under a key that only the shown code carries.

The server stores two opaque posts under an id that it cannot tie to anyone, for ten minutes. Spec:
openapi/protocol/linking.md.
"""

from __future__ import annotations

import msgspec

from sync.wire.card import SignedCard
from sync.wire.codec import Exact
from sync.wire.ids import AccountId, DeviceId, LogHash, PersonId, VaultId

HELLO = "hello"
WELCOME = "welcome"
LINK_KIND = "link"  # a further phone of the same person
JOIN_KIND = "join"  # the first phone of another person


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """From the new phone: its card, the names typed on it, and whether it is one's own or another person's."""

    kind: str
    card: SignedCard
    device_name: str
    person_name: str


class Head(msgspec.Struct, frozen=True, array_like=True):
    """A vault as the approving phone holds it: the new phone knows what to expect."""

    vault: VaultId
    name: str
    seq: int
    log_hash: LogHash


class Welcome(msgspec.Struct, frozen=True, array_like=True):
    """From the approving phone. `enrolment`: its signature (ENROL_LABEL) for a link, nil for a join."""

    approver: DeviceId
    person: PersonId
    person_name: str
    role: int
    vaults: tuple[Head, ...]
    account: AccountId | None
    enrolment: bytes | None


class SealedPost(msgspec.Struct, frozen=True):
    """JSON body of a post: salt and ciphertext, base64."""

    salt: bytes
    sealed: bytes


read_hello = Exact(Hello).read
read_welcome = Exact(Welcome).read
