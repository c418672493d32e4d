"""Who this phone is: its card with the secret keys, its account, and the names typed on it. Kept sealed, one row."""

from __future__ import annotations

from typing import Any

import msgspec

from crypto.public.keys import ED25519
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.device.store.rows import Rows
from sync.vault.entries import CardKeys, make_card
from sync.wire.card import DEVICE, SignedCard
from sync.wire.card import device_id as id_of_card
from sync.wire.ids import AccountId, DeviceId

_IDENTITY, _TOKEN, _RECOVERY, _NEXT, _FORKED = (
    1,
    2,
    3,
    9,
    10,
)  # numbers of the store's singletons; others stand in their modules


class Identity(msgspec.Struct):
    """This phone. `recovery_check`: two groups of the code, by position from 1, until a person has typed them back.

    `recovery_kept`: what that code says, until then too, so that it can be shown again. `recovery_card`: the card that
    the code stands for, without its keys, until a vault lists it. `link_code`: the code that this phone shows until it
    has been let in; `account` is unknown until then.
    """

    server: str
    card: SignedCard
    key_type: int
    signing_seed: Secret
    kem_seed: Secret
    device_name: str
    person_name: str
    account: AccountId | None = None
    recovery_check: dict[int, str] = {}
    recovery_kept: Secret | None = None
    recovery_card: SignedCard | None = None
    link_code: str | None = None
    link_kind: str | None = None
    last_sync: int | None = None

    def __repr__(self) -> str:
        return "<Identity>"  # `link_code` and `recovery_check` are secrets

    @property
    def device(self) -> DeviceId:
        return id_of_card(self.card.card)

    @property
    def keys(self) -> CardKeys:
        """The card with its secret keys."""
        signing = SigningKey.from_seed(self.key_type, self.signing_seed)
        return CardKeys(self.card, self.device, signing, KemKey.from_seed(self.kem_seed))


class CachedToken(msgspec.Struct, frozen=True):
    """An access token, when it ends by this phone's own clock, in milliseconds, and the card it was given to."""

    token: str
    until: int

    def __repr__(self) -> str:
        return "<CachedToken>"

    device: bytes = b""


class Recovery(msgspec.Struct):
    """A recovery on this phone: begun, and for some time after it is done.

    `old`: what the used code says, kept to repeat the entry. `card`: the new recovery card; `fresh`: what its code
    says, until it has been shown. `lost`: phones to drop, once somebody has said which (`decided`). `met`: by vault
    number, how far the server's log went when this phone first met it. `checked`: how far the items behind it have been
    looked at.
    """

    old: Secret
    card: SignedCard
    fresh: Secret | None
    account: AccountId
    begun_ms: int
    lost: tuple[DeviceId, ...] = ()
    decided: bool = False
    done: bool = False
    met: dict[int, int] = {}
    checked: dict[int, int] = {}


class ForkedCard(msgspec.Struct):
    """What this phone was before it took a new card, kept to add that one again; since when it is not any more."""

    was: Identity
    since_ms: int


def _enc_hook(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"a {type(value).__name__} is not kept")


def _dec_hook(type_: type, value: Any) -> Any:
    if type_ is Secret:
        return Secret(value)
    raise NotImplementedError(f"a {type_.__name__} is not kept")


_encoder = msgspec.msgpack.Encoder(enc_hook=_enc_hook)
_identity = msgspec.msgpack.Decoder(Identity, dec_hook=_dec_hook)
_token = msgspec.msgpack.Decoder(CachedToken)
_recovery = msgspec.msgpack.Decoder(Recovery, dec_hook=_dec_hook)
_forked = msgspec.msgpack.Decoder(list[ForkedCard], dec_hook=_dec_hook)


def new_identity(
    server: str,
    device_name: str,
    person_name: str,
    signing_seed: bytes,
    kem_seed: bytes,
    *,
    key_type: int = ED25519,
) -> Identity:
    """A new phone with a fresh card. Seeds: 32 random bytes each; `key_type`: ED25519 or ES256."""
    signing, kem = SigningKey.from_seed(key_type, Secret(signing_seed)), KemKey.from_seed(Secret(kem_seed))
    card = make_card(DEVICE, signing, kem)
    return Identity(
        server, card.signed, signing.key_type, Secret(signing_seed), Secret(kem_seed), device_name, person_name
    )


async def put_identity(rows: Rows, identity: Identity) -> None:
    """Stores who this phone is."""
    await rows.put_single(_IDENTITY, _encoder.encode(identity))


async def get_identity(rows: Rows) -> Identity | None:
    """Who this phone is, None in a store where `init` or `link` has not finished its first step."""
    body = await rows.get_single(_IDENTITY)
    return _identity.decode(body) if body is not None else None


async def put_next_identity(rows: Rows, identity: Identity | None) -> None:
    """Stores who this phone will be once every vault lists its new card; None when it is, or need not be."""
    await rows.put_single(_NEXT, _encoder.encode(identity) if identity else b"")


async def get_next_identity(rows: Rows) -> Identity | None:
    """Who this phone will be, if its card is used twice."""
    body = await rows.get_single(_NEXT)
    return _identity.decode(body) if body else None


async def put_token(rows: Rows, token: CachedToken) -> None:
    """Keeps an access token for the next command."""
    await rows.put_single(_TOKEN, _encoder.encode(token))


async def get_token(rows: Rows) -> CachedToken | None:
    """The access token kept last."""
    body = await rows.get_single(_TOKEN)
    return _token.decode(body) if body is not None else None


async def put_recovery(rows: Rows, recovery: Recovery) -> None:
    """Stores how far a recovery has come."""
    await rows.put_single(_RECOVERY, _encoder.encode(recovery))


async def get_recovery(rows: Rows) -> Recovery | None:
    """The recovery that this phone was begun with, None for any other phone."""
    body = await rows.get_single(_RECOVERY)
    return _recovery.decode(body) if body is not None else None


async def put_forked(rows: Rows, forked: list[ForkedCard]) -> None:
    """Stores the cards that this phone had before and still keeps."""
    await rows.put_single(_FORKED, _encoder.encode(forked))


async def get_forked(rows: Rows) -> list[ForkedCard]:
    """The cards that this phone had before and still keeps, the last one first."""
    body = await rows.get_single(_FORKED)
    return _forked.decode(body) if body else []
