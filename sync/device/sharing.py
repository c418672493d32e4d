"""Shares as a person handles them: make one, see how all stand, change, pause, revoke one, read who opened it.

Whatever is to hold is said in the vault first and on the server after it. Nothing here knows a terminal. Spec:
openapi/protocol/shares.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from crypto.public.errors import CannotOpen
from crypto.public.jws import encode_part
from sync.device.access import refusal
from sync.device.identity import Identity
from sync.device.moments import when
from sync.device.people import names_of
from sync.device.phone import Phone
from sync.device.reading import choose_vault, identity_of, read_record, read_vault
from sync.device.records import find_record
from sync.device.refused import Refused
from sync.device.share_laying import seal_summary, settle_share
from sync.device.share_register import Laid, ShareWord, get_laid, is_of, put_laid, said_shares, share_edit
from sync.device.share_requests import ShareRequests
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.device.transport import Answered, Unreachable
from sync.merge.change import VAULT_RECORD
from sync.vault.share import DIRECT, LABEL_CHARS_MAX, LONG_TERM, PASSCODE, URL_CHARS_MAX, Link, link_text
from sync.wire.item import OWNER
from sync.wire.limits import SHARES_MAX
from sync.wire.share import (
    SECRET_BYTES,
    SHARE_BYTES,
    Opener,
    OpeningRecord,
    ShareId,
    ShareState,
    opening_info,
)

LIVE, PAUSED, REVOKED, ENDED, USED_UP, LOCKED = "live", "paused", "revoked", "ended", "used_up", "locked"
NOT_LAID, ELSEWHERE, NOT_KNOWN, NO_OWNER = "not_laid", "elsewhere", "not_known", "no_owner"
_opener = msgspec.msgpack.Decoder(Opener)


class Wish(NamedTuple):
    """A share as a person asks for it. `records`, `without`: ids or labels. `expires_at`: ms since 1970 UTC."""

    vault: str | None = None
    label: str | None = None
    long_term: bool = False
    direct: bool = False
    passcode: str | None = None
    expires_at: int | None = None
    opens_max: int | None = None
    sections: Sequence[str] | None = None
    records: Sequence[str] | None = None
    without: Sequence[str] = ()
    eu: bool = False
    viewer: str | None = None
    inbox: bool = True
    emergency: bool = False


class Change(NamedTuple):
    """What is to be another. Times: ms since 1970 UTC. UNSET stays; None takes an end, a maximum or a passcode away."""

    expires_at: int | msgspec.UnsetType | None = msgspec.UNSET
    opens_max: int | msgspec.UnsetType | None = msgspec.UNSET
    passcode: str | msgspec.UnsetType | None = msgspec.UNSET
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    inbox_off: bool | msgspec.UnsetType = msgspec.UNSET


class Held(NamedTuple):
    """A share in a vault of this phone. `author`: ordinal of the card that wrote what stands about it."""

    number: int
    share: ShareId
    word: ShareWord
    author: int | None = None


class Share(NamedTuple):
    """A share and how it stands. `found`: what the server says, None where it was not asked or does not say. `why`: in
    words, why the server has not heard yet. `maker`: of one of another account, the name of who made it."""

    held: Held
    state: str
    found: ShareState | None = None
    why: str | None = None
    maker: str | None = None


async def create(phone: Phone, wish: Wish) -> Share:
    """Makes a share: in the vault at once, on the server now or with the next sync. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        number = await choose_vault(rows, wish.vault)
        if identity.account is None:
            raise Refused("no_store")
        await _refuse_others(rows, number, identity)
        mine = [one for one in await _all(rows, None) if is_of(one.word, identity.account, identity.server)]
        if sum(not one.word.revoked for one in mine) >= SHARES_MAX:
            raise Refused("too_many_shares")
        share = ShareId(phone.draw(SHARE_BYTES))
        word = ShareWord(
            phone.draw(SECRET_BYTES),
            encode_part(phone.draw(SECRET_BYTES)),
            identity.account,
            identity.server,
            phone.now_ms(),
            LONG_TERM * wish.long_term + PASSCODE * (wish.passcode is not None) + DIRECT * wish.direct,
            wish.label or None,
            wish.expires_at,
            wish.opens_max,
            wish.passcode,
            None if wish.sections is None else tuple(wish.sections),
            None if wish.records is None else await _ids(rows, number, wish.records),
            await _ids(rows, number, wish.without),
            wish.eu,
            wish.viewer,
            inbox=wish.inbox,
            emergency=wish.emergency,
        )
        _check(word)
        seal_summary(phone, await read_vault(rows, number), share, word)
        await stage(phone, rows, identity, number, [await _said(rows, number, share, word)])
        sent = (await rows.get_vault(number)).log.seq > 0
    made = await _settled(phone, identity, Held(number, share, word), LIVE)
    return made if sent or made.why else made._replace(state=NOT_LAID, why="The server does not have these records yet")


async def shares(phone: Phone, vault: str | None) -> list[Share]:
    """Every share with how it stands now, the newest first. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        found = await _all(rows, vault)
    found.sort(key=lambda held: (-held.word.made_at, held.share))
    transport = phone.connect(identity.server)
    requests, offline = ShareRequests(phone, transport, identity), False
    out = []
    try:
        for held in found:
            if held.word.revoked:
                out.append(Share(held, REVOKED))
            elif not is_of(held.word, identity.account, identity.server):
                out.append(await _of_another(phone, held))
            elif offline:
                out.append(Share(held, NOT_KNOWN))
            else:
                try:
                    out.append(await _look(phone, requests, held))
                except (Answered, Unreachable):
                    offline = True
                    out.append(Share(held, NOT_KNOWN))
    finally:
        await transport.close()
    return out


async def find(phone: Phone, wanted: str, vault: str | None = None) -> Held:
    """The share that the beginning of its handle or a part of its label names. Raises: Refused."""
    async with phone.store.transaction() as rows:
        return await _find(rows, wanted, vault)


async def change(phone: Phone, wanted: str, wish: Change, vault: str | None = None) -> Share:
    """Another end, maximum or passcode, closed for now or open again: in the vault at once, on the server now or with
    the next sync. The link stays, but for what it says of its end and of a passcode. Raises: Refused."""
    held, identity = await _own(phone, wanted, vault)
    if held.word.revoked:
        raise Refused("share_revoked")
    new = {name: value for name, value in wish._asdict().items() if value is not msgspec.UNSET}
    if "passcode" in new:
        kept = held.word.flags.replace(PASSCODE, "")
        new["flags"] = "".join(sorted(kept + PASSCODE * (new["passcode"] is not None)))
    word = msgspec.structs.replace(held.word, **new, changed_at=phone.now_ms())
    _check(word)
    async with phone.store.transaction() as rows:
        await _refuse_others(rows, held.number, identity)
        await stage(phone, rows, identity, held.number, [await _said(rows, held.number, held.share, word)])
    return await _settled(phone, identity, held._replace(word=word), None)


async def switch_inbox(phone: Phone, wanted: str, on: bool, vault: str | None = None) -> Share:
    """Lets readers of a share send notes back, or not: in the vault at once, on the server now or with the next sync.
    Raises: Refused."""
    if on and not (await find(phone, wanted, vault)).word.inbox:
        raise Refused("no_inbox")
    return await change(phone, wanted, Change(inbox_off=not on), vault)


async def revoke(phone: Phone, wanted: str, vault: str | None = None) -> Share:
    """Ends a share for good: in the vault at once, on the server now or with the next sync. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        held = await _find(rows, wanted, vault)
        mine = is_of(held.word, identity.account, identity.server)
        if not held.word.revoked:
            word = msgspec.structs.replace(held.word, revoked=True, changed_at=phone.now_ms())
            if not mine or await _is_owner(rows, held.number, identity):
                await _refuse_others(rows, held.number, identity)
                await stage(phone, rows, identity, held.number, [await _said(rows, held.number, held.share, word)])
            held = held._replace(word=word)  # who is no owner any more ends what she made on the server alone
    if not mine:
        return await _of_another(phone, held)
    return await _settled(phone, identity, held, REVOKED)


async def openings(phone: Phone, wanted: str, vault: str | None = None) -> list[dict[str, Any]]:
    """Who opened a share, as cli.md has it, the first first. Raises: Refused."""
    held, identity = await _own(phone, wanted, vault)
    transport = phone.connect(identity.server)
    secrets = held.word.secrets(held.share)
    try:
        records = await ShareRequests(phone, transport, identity).openings(held.share, secrets.owner_token)
    except (Answered, Unreachable) as error:
        raise _refusal(error) from error
    finally:
        await transport.close()
    return [_told(held, record) for record in records]


def link_of(held: Held) -> str:
    """The link of a share, whole: whoever has it reads what the share hands out."""
    word = held.word
    ends = None if word.expires_at is None else word.expires_at // 1000
    link = Link(_url(word), word.secrets(held.share).link_key, word.flags, ends, word.label, word.emergency)
    return link_text(link, f"{word.server}/view" if word.viewer is None else word.viewer)


def _url(word: ShareWord) -> str:
    return f"{word.server}/s/{word.token}"


def _check(word: ShareWord) -> None:
    """What the standard or the server would not take. Raises: Refused."""
    if DIRECT in word.flags and word.passcode is not None:
        raise Refused("bad_value", "a direct link has no passcode")
    if word.label is not None and len(word.label) > LABEL_CHARS_MAX:
        raise Refused("bad_value", f"a label has at most {LABEL_CHARS_MAX} characters")
    if word.opens_max is not None and word.opens_max < 1:
        raise Refused("bad_value", "a share is opened at least once")
    if word.passcode is not None and not 4 <= len(word.passcode) <= 64:
        raise Refused("bad_passcode")
    if len(_url(word)) > URL_CHARS_MAX:
        raise Refused("share_address")


async def _is_owner(rows: Rows, number: int, identity: Identity) -> bool:
    state = await rows.get_vault(number)
    return not state.removed and state.log.table.role(identity.device) == OWNER


async def _of_another(phone: Phone, held: Held) -> Share:
    """A share of another account: who made it, and whether the server has closed it with her place in the vault."""
    async with phone.store.transaction() as rows:
        table, names = (await rows.get_vault(held.number)).log.table, await names_of(rows, held.number)
    person = next((row.person for row in table.cards.values() if row.ordinal == held.author), None)
    if person is None:
        return Share(held, ELSEWHERE)
    owns = bool(table.cards_of(person)) and table.people[person].role == OWNER
    return Share(held, ELSEWHERE if owns else NO_OWNER, maker=names.person(person))


async def _refuse_others(rows: Rows, number: int, identity: Identity) -> None:
    """Owners alone write what the vault says of shares (FRM-8). Raises: Refused."""
    state = await rows.get_vault(number)
    if identity.device not in state.log.table.cards:
        raise Refused("not_member")
    if state.log.table.role(identity.device) != OWNER:
        raise Refused("not_owner")


async def _ids(rows: Rows, number: int, wanted: Sequence[str]) -> tuple[str, ...]:
    vault = (await rows.get_vault(number)).vault.hex()
    return tuple([(await find_record(rows, one, vault))[1].hex() for one in wanted])


async def _said(rows: Rows, number: int, share: ShareId, word: ShareWord) -> Any:
    return share_edit(await read_record(rows, number, VAULT_RECORD), share, word)


async def _all(rows: Rows, vault: str | None) -> list[Held]:
    numbers = [await choose_vault(rows, vault)] if vault else await rows.vaults()
    return [
        Held(number, share, word, author)
        for number in numbers
        for share, (word, author) in said_shares(await read_record(rows, number, VAULT_RECORD)).items()
    ]


async def _find(rows: Rows, wanted: str, vault: str | None) -> Held:
    found = await _all(rows, vault)
    starting = [held for held in found if wanted and held.share.hex().startswith(wanted.lower())]
    labelled = [held for held in found if wanted and wanted.casefold() in (held.word.label or "").casefold()]
    fitting = starting or labelled
    living = [held for held in fitting if not held.word.revoked]
    fitting = living if len(living) == 1 else fitting  # what can still be handled is meant before what is over
    if len(fitting) != 1:
        raise Refused("ambiguous" if fitting else "no_such_share")
    return fitting[0]


async def _own(phone: Phone, wanted: str, vault: str | None) -> tuple[Held, Identity]:
    async with phone.store.transaction() as rows:
        identity, held = await identity_of(rows), await _find(rows, wanted, vault)
    if not is_of(held.word, identity.account, identity.server):
        raise Refused("share_elsewhere")
    return held, identity


async def _settled(phone: Phone, identity: Identity, held: Held, state: str | None) -> Share:
    """The share once the server has heard of it, in this state or the one that the server says; before that NOT_LAID if
    it was just made, else NOT_KNOWN."""
    transport = phone.connect(identity.server)
    requests = ShareRequests(phone, transport, identity)
    try:
        await settle_share(phone, requests, held.number, held.share, held.word)
        return await _look(phone, requests, held) if state is None else Share(held, state)
    except (Answered, Unreachable) as error:
        return Share(held, NOT_LAID if state == LIVE else NOT_KNOWN, None, refusal(error).title)
    finally:
        await transport.close()


async def _look(phone: Phone, requests: ShareRequests, held: Held) -> Share:
    """How a share stands on the server. Raises: Answered, Unreachable."""
    try:
        found = await requests.state(held.share, held.word.secrets(held.share).owner_token)
    except Answered as answer:
        if answer.code != "not_found":
            raise
        async with phone.store.transaction() as rows:
            await put_laid(rows, held.share, Laid())  # also if the server has lost it: the next sync lays it again
        return Share(held, NOT_LAID)
    async with phone.store.transaction() as rows:
        laid = (await get_laid(rows)).get(held.share, Laid())
        if not laid.made:
            laid.made = True
            await put_laid(rows, held.share, laid)
    return Share(held, _word_of(found, phone.now_ms()), found)


def _word_of(found: ShareState, now_ms: int) -> str:
    if found.live:
        return LIVE
    if found.revoked:
        return REVOKED
    if not found.entitled:
        return NO_OWNER
    if found.expires_at is not None and found.expires_at <= now_ms:
        return ENDED
    if found.opens_max is not None and found.opens >= found.opens_max:
        return USED_UP
    if found.attempts_left is not None and found.attempts_left <= 0:
        return LOCKED
    return PAUSED if found.paused else ENDED


def _refusal(error: Answered | Unreachable) -> Refused:
    if isinstance(error, Answered) and error.code == "not_found":
        return Refused("share_not_laid")
    return refusal(error)


def _told(held: Held, record: OpeningRecord) -> dict[str, Any]:
    """One record opened; of one that does not open, which somebody else wrote or altered, time and outcome alone."""
    told: dict[str, Any] = {"number": record.number, "at": when(record.at_ms), "outcome": record.outcome}
    try:
        info = opening_info(held.share, record.number, record.outcome)
        opened = held.word.secrets(held.share).log_key.open(info, record.opener)
        who = _opener.decode(opened.rstrip(b"\0"))
    except (CannotOpen, msgspec.DecodeError):
        return told | {"readable": False, "recipient": None, "address": None, "agent": None, "files": []}
    more = {"recipient": who.recipient, "address": who.address, "agent": who.agent, "files": list(who.files)}
    return told | {"readable": True} | more
