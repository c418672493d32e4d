"""The account's ledger as a person reads it: fetched, checked against the head that was last read, told in words.

What it is: the pass over the server's answer, names put to handles and ids, the head kept in the phone's own store.
What it is not: the check itself (sync/vault/ledger.py), a terminal. A finding keeps the old head, so that it shows
again until a person begins anew. Spec: openapi/protocol/ledger.md, LED-8 and LED-9.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from crypto.public.errors import CannotOpen
from sync.device.access import refusal
from sync.device.asking import ask, decoded
from sync.device.identity import Identity
from sync.device.ledger_heads import heads_of_others, pass_over, say_head
from sync.device.ledger_words import FINDINGS, WORDS
from sync.device.moments import when
from sync.device.names import Names
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record
from sync.device.refused import Refused
from sync.device.share_register import ShareWord, share_words
from sync.device.store.rows import Rows
from sync.device.transport import Answered, Transport, Unreachable
from sync.merge.change import VAULT_RECORD
from sync.vault.ledger import Kept, Read, read_ledger
from sync.wire.ids import DeviceId
from sync.wire.ledger import OPENINGS, LedgerEntry, LedgerHead, LedgerPage, LedgerRow
from sync.wire.limits import LEDGER_PAGE_MAX
from sync.wire.share import OPENED, WRONG_PASSCODE, Opener, ShareId, opening_info

_LEDGER = 24  # number of the store's singleton
_ROW_CHARS_MAX = 4_096  # of one entry in JSON: a sealed opener and an entry, in base64
_PAGES_MAX = 4_096
_OUTCOMES = {"share_opened": OPENED, "passcode_wrong": WRONG_PASSCODE}
_opener = msgspec.msgpack.Decoder(Opener)
_kept = msgspec.msgpack.Decoder(tuple[bytes, int, bytes, int])


class Known(NamedTuple):
    """What this phone's vaults say: shares by handle, names of devices, names of vaults."""

    shares: dict[ShareId, ShareWord]
    devices: dict[bytes, str]
    vaults: dict[bytes, str]


async def show_ledger(phone: Phone, *, since_ms: int = 0, accept: bool = False) -> dict[str, Any]:
    """The ledger as cli.md has it, the newest last. `accept`: begins anew from what the server shows now.

    Raises: Refused.
    """
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        if identity.account is None:
            raise Refused("no_store")
        kept, others = await _get_kept(rows, identity), await heads_of_others(rows, identity)
        known = await _known(rows)
    transport = phone.connect(identity.server)
    try:
        base, head, fetched = await _fetch(phone, transport, identity)
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    before, said = (None, []) if accept else (kept, list(others.values()))
    read = read_ledger(identity.account, base, head, fetched, before, phone.now_ms(), said)
    if read.found is None and read.entries:
        async with phone.store.transaction() as rows:
            now = Kept(head.number, head.hash, read.entries[-1][0].at_ms)
            await _put_kept(rows, identity, now)
            await say_head(phone, rows, identity, now)
            if accept:
                await pass_over(rows, others)
    return _document(read, base, head, known, kept, since_ms, identity.device)


async def _fetch(
    phone: Phone, transport: Transport, identity: Identity
) -> tuple[LedgerHead, LedgerHead, list[LedgerRow]]:
    """Base, head and every row. Raises: Answered, Unreachable."""
    rows: list[LedgerRow] = []
    base: LedgerHead | None = None
    for _ in range(_PAGES_MAX):
        after = 0 if base is None else base.number + len(rows)
        longest = LEDGER_PAGE_MAX * _ROW_CHARS_MAX
        page = decoded(
            await ask(phone, transport, identity, "GET", f"/v1/ledger?after={after}", longest=longest), LedgerPage
        )
        base = base or page.base
        rows += page.entries
        if len(page.entries) < LEDGER_PAGE_MAX:
            return base, page.head, rows
    raise Unreachable("an answer that does not end")


def _document(
    read: Read, base: LedgerHead, head: LedgerHead, known: Known, kept: Kept | None, since_ms: int, me: DeviceId
) -> dict[str, Any]:
    last = kept.number if kept is not None else 0
    shown = [_told(entry, opener, known, last, me) for entry, opener in read.entries if entry.at_ms >= since_ms]
    found = read.found
    finding = None if found is None else {"code": found.code, "number": found.number, "words": FINDINGS[found.code]}
    return {
        "entries": shown,
        "base": base.number,
        "head": {"number": head.number, "hash": head.hash.hex()},
        "read_before": last,
        "finding": finding,
    }


def _told(entry: LedgerEntry, opener: bytes | None, known: Known, last: int, me: DeviceId) -> dict[str, Any]:
    """One entry as cli.md has it."""
    told: dict[str, Any] = {
        "number": entry.number,
        "at": when(entry.at_ms),
        "kind": entry.kind,
        "words": WORDS.get(entry.kind, "Something that a newer version has words for."),
        "new": entry.number > last,
        "share": None,
        "device": None,
        "vault": None,
        "by": known.devices.get(entry.by, f"phone {entry.by.hex()[:6]}") if entry.by else None,
        "by_this_phone": entry.by == me,
        "reader": None,
    }
    if entry.kind.startswith("share_") or entry.kind in (*OPENINGS, "note_received"):
        word = known.shares.get(ShareId(entry.subject))
        told["share"] = {"id": entry.subject.hex(), "label": None if word is None else word.label}
        if entry.kind in OPENINGS:
            told["reader"] = _reader(entry, opener, word)
    elif entry.kind == "membership":
        told["vault"] = {"id": entry.subject.hex(), "name": known.vaults.get(entry.subject), "seq": entry.place}
    elif entry.kind in ("device_added", "device_revoked"):
        told["device"] = known.devices.get(entry.subject, f"phone {entry.subject.hex()[:6]}")
    return told


def _reader(entry: LedgerEntry, opener: bytes | None, word: ShareWord | None) -> dict[str, Any] | None:
    """Who opened, in the reader's own words; None where it cannot be read here."""
    if opener is None or word is None:
        return None
    share = ShareId(entry.subject)
    try:
        info = opening_info(share, entry.place, _OUTCOMES[entry.kind])
        who = _opener.decode(word.secrets(share).log_key.open(info, opener).rstrip(b"\0"))
    except (CannotOpen, msgspec.DecodeError):
        return None
    return {"recipient": who.recipient, "address": who.address, "agent": who.agent, "files": list(who.files)}


async def _known(rows: Rows) -> Known:
    known = Known({}, {}, {})
    for number in await rows.vaults():
        record, state = await read_record(rows, number, VAULT_RECORD), await rows.get_vault(number)
        names = Names({} if record is None else {VAULT_RECORD: record})
        known.shares.update(share_words(record))
        known.vaults[state.vault] = names.vault()
        for device in state.log.table.cards:
            typed = names.typed_device(device)
            if typed is not None:
                known.devices.setdefault(device, typed)
    return known


async def _get_kept(rows: Rows, identity: Identity) -> Kept | None:
    body = await rows.get_single(_LEDGER)
    if not body:
        return None
    account, number, hash_, at_ms = _kept.decode(body)
    return Kept(number, hash_, at_ms) if account == identity.account else None


async def _put_kept(rows: Rows, identity: Identity, kept: Kept) -> None:
    await rows.put_single(_LEDGER, msgspec.msgpack.encode((identity.account, *kept)))
