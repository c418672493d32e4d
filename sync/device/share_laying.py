"""Bringing the server to what the vault says of shares: made, laid anew where the summary changed, revoked.

What it is: the one function that brings a share to the server, and the pass over all of them after a sync. What it is
not: a command. Invariants: the vault says so before the server hears of it, so that a kill at any await is mended by
the next sync; doing it twice is as doing it once; nothing is sent for a summary that reads as before, so that hiding
something shows nowhere. Spec: openapi/protocol/shares.md, SHR-5 and SHR-6.
"""

from __future__ import annotations

import hashlib

import msgspec

from crypto.secret import jwe
from crypto.secret.secret import Secret
from sync.device.access import refusal
from sync.device.identity import Identity
from sync.device.phone import Phone
from sync.device.reading import Vault, identity_of, read_record, read_vault
from sync.device.refused import Refused
from sync.device.share_register import Laid, ShareWord, get_laid, is_of, put_laid, share_words
from sync.device.share_requests import ShareRequests, passcode_hash
from sync.device.store.rows import Rows
from sync.device.summaries import options_of
from sync.device.syncing import ShareReport
from sync.device.transport import Answered, Unreachable
from sync.fhir.notes import with_inbox_key
from sync.fhir.summary.assembling import build, content_bytes, summary_bytes
from sync.fhir.summary.assertions import instant
from sync.merge.change import VAULT_RECORD
from sync.vault.share import DIRECT, LONG_TERM
from sync.wire.ids import VaultId
from sync.wire.item import OWNER
from sync.wire.limits import SHARE_BYTES_MAX
from sync.wire.share import (
    NewShare,
    ShareChange,
    ShareFile,
    ShareId,
    owner_hash,
    token_hash,
)

FHIR_JSON = "application/fhir+json"
_IV_BYTES = 12
_DAY_MS = 86_400_000
_REVOKED_AGAIN_MS = 30 * _DAY_MS  # an older backup than that brings no revoked share back


class Sealed(msgspec.Struct):
    """A share's summary, sealed, and the hash of what it says."""

    files: list[ShareFile]
    content: bytes


def seal_summary(phone: Phone, vault: Vault, share: ShareId, word: ShareWord) -> Sealed:
    """What a share hands out now. Raises: Refused(clock_wrong, share_too_large)."""
    at = instant(phone.now_ms())
    if at is None:
        raise Refused("clock_wrong")
    only, without = word.ids()
    made = build(vault, at, options_of(vault, eu=word.eu, sections=word.sections, only=only, without=without))
    key = word.secrets(share).link_key
    bundle = with_inbox_key(made.bundle, word.secrets(share).note_key.public_key) if word.inbox else made.bundle
    sealed = jwe.seal(key, phone.draw(_IV_BYTES), FHIR_JSON, summary_bytes(bundle))
    if len(sealed) > SHARE_BYTES_MAX:
        raise Refused("share_too_large")
    return Sealed([ShareFile(FHIR_JSON, sealed)], hashlib.sha256(content_bytes(bundle)).digest())


async def settle_shares(phone: Phone) -> list[ShareReport]:
    """Brings every share of this phone's account to what its vault says; what fails waits for the next sync."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        due = await _due(phone, rows, identity)
    if not due:
        return []
    reports = []
    transport = phone.connect(identity.server)
    requests = ShareRequests(phone, transport, identity)
    try:
        for number, share, word in due:
            try:
                await settle_share(phone, requests, number, share, word)
            except Answered as answer:
                reports.append(ShareReport(share.hex(), answer.code))
            except Refused as refused:
                reports.append(ShareReport(share.hex(), refused.code))
            except Unreachable as error:
                reports.append(ShareReport(share.hex(), refusal(error).code))
                break
    finally:
        await transport.close()
    return reports


async def settle_share(phone: Phone, requests: ShareRequests, number: int, share: ShareId, word: ShareWord) -> None:
    """One share: revoked, made, changed, or laid anew if it says something else.

    Raises: Answered, Unreachable, Refused.
    """
    async with phone.store.transaction() as rows:
        laid = (await get_laid(rows)).get(share, Laid())
        vault = None if word.revoked else await read_vault(rows, number)
    if vault is None:
        await requests.revoke(share, word.secrets(share).owner_token)
        laid.gone = True
    else:
        try:
            await _bring(phone, requests, share, word, vault, laid)
        except Answered as answer:
            if answer.code != "not_found" or not laid.made:
                raise
            laid = Laid()  # the server was restored to before it was made
            await _bring(phone, requests, share, word, vault, laid)
    laid.told_at = phone.now_ms()
    async with phone.store.transaction() as rows:
        await put_laid(rows, share, laid)


async def _bring(
    phone: Phone, requests: ShareRequests, share: ShareId, word: ShareWord, vault: Vault, laid: Laid
) -> None:
    """Makes a share, or lays it anew and tells its settings where these are others; `laid` says so as it is done."""
    owner = word.secrets(share).owner_token
    if not laid.made or LONG_TERM in word.flags:
        sealed = seal_summary(phone, vault, share, word)
        laid.seq = vault.state.log.seq
        if not laid.made and await _make(requests, share, word, sealed, vault.state.vault):
            laid.settings = msgspec.structs.replace(word, paused=False).settings()
        elif LONG_TERM in word.flags and sealed.content != laid.content:
            await requests.replace(share, owner, sealed.files)
        laid.made, laid.content = True, sealed.content
    if laid.settings != (settings := word.settings()) or _long_ago(phone, laid):
        passcode = passcode_hash(Secret(word.secret), share, word.passcode)
        notes = word.takes_notes() if word.inbox else msgspec.UNSET
        await requests.change(share, owner, ShareChange(word.expires_at, word.opens_max, passcode, word.paused, notes))
        laid.settings = settings


def _long_ago(phone: Phone, laid: Laid) -> bool:
    """True once a day: a server that was restored and whose log another's phone mended shows nothing of it here."""
    return phone.now_ms() - laid.told_at >= _DAY_MS


async def _make(requests: ShareRequests, share: ShareId, word: ShareWord, sealed: Sealed, vault: VaultId) -> bool:
    """True if it was made now; False if it was there already, from a request whose answer was lost or by another
    phone of the account. Raises: Answered, Unreachable."""
    secrets = word.secrets(share)
    new = NewShare(
        token_hash(word.token),
        owner_hash(secrets.owner_token.reveal()),
        secrets.log_key.public_key,
        LONG_TERM in word.flags,
        DIRECT in word.flags,
        sealed.files,
        word.expires_at,
        word.opens_max,
        passcode_hash(Secret(word.secret), share, word.passcode),
        vault,
        word.takes_notes(),
        vault if word.emergency else None,
    )
    try:
        await requests.make(share, new)
    except Answered as answer:
        if answer.code != "share_taken":
            raise
        await requests.state(share, secrets.owner_token)  # whoever made it had this owner token, or nobody knows it
        return False
    return True


async def _due(phone: Phone, rows: Rows, identity: Identity) -> list[tuple[int, ShareId, ShareWord]]:
    """The shares that may not stand on the server as the vault has them; found without reading the vault's records."""
    laid, found = await get_laid(rows), []
    for number in await rows.vaults():
        words = share_words(await read_record(rows, number, VAULT_RECORD))
        state = await rows.get_vault(number) if words else None
        waiting = await rows.count_pending(number) if words else 0
        for share, word in words.items():
            known = laid.get(share, Laid())
            if state is None or not is_of(word, identity.account, identity.server):
                continue
            over = word.expires_at is not None and word.expires_at <= phone.now_ms()
            again = _long_ago(phone, known)
            follows = LONG_TERM in word.flags and (known.seq != state.log.seq or waiting > 0)
            if known.gone or word.revoked:
                recently = phone.now_ms() - word.changed_at < _REVOKED_AGAIN_MS
                due = not known.gone or (word.revoked and recently and again)
            elif state.removed or state.log.table.role(identity.device) != OWNER:
                due = False  # the server has closed it (SHR-26)
            elif over:
                due = known.made and known.settings != word.settings()
            else:
                due = not known.made or follows or again or known.settings != word.settings()
            if due:
                found.append((number, share, word))
    return found
