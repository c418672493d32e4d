"""Shares as a vault holds them: `share/HANDLE` of `@vault`, one register a share. And what this phone knows of them.

What it is: the two forms and their reading and writing. What it is not: a request. Invariants: owners alone write these
registers; of several words that stand about one share, one that revokes it wins, then one that pauses it, then the
newest; no repr shows a secret.
Spec: openapi/protocol/shares.md, SHR-5.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crypto.public.hashing import labelled_hash
from crypto.secret.secret import Secret
from sync.device.store.rows import Rows
from sync.fhir.exact import canonical
from sync.merge.change import PERSON, VAULT_RECORD, Edit, RecordId, ordinal_of
from sync.merge.record import Record
from sync.merge.view import edit_preds
from sync.vault.share import ShareSecrets, share_secrets
from sync.wire.ids import AccountId
from sync.wire.share import SECRET_BYTES, SHARE_BYTES, ShareId

_PREFIX = "share/"
_SHARES = 20  # number of the store's singleton


class ShareWord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the vault says of a share. `secret`: S. `token`: base64url. Times: milliseconds since 1970 UTC.

    `sections`: names, all if None. `records`: ids in hex of the only ones, any if None; `without`: of those left out.
    `inbox`: it has one; `inbox_off`: which is closed for now.
    """

    secret: bytes
    token: str
    account: bytes
    server: str
    made_at: int
    flags: str = ""
    label: str | None = None
    expires_at: int | None = None
    opens_max: int | None = None
    passcode: str | None = None
    sections: tuple[str, ...] | None = None
    records: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    eu: bool = False
    viewer: str | None = None
    revoked: bool = False
    emergency: bool = False
    paused: bool = False
    changed_at: int = 0
    inbox: bool = False
    inbox_off: bool = False

    def __repr__(self) -> str:
        return "<ShareWord>"

    def secrets(self, share: ShareId) -> ShareSecrets:
        """Link key, owner token and log key."""
        return share_secrets(Secret(self.secret), share)

    def takes_notes(self) -> bool:
        """Whether readers may send something back now. A share without an inbox never takes any."""
        return self.inbox and not self.inbox_off

    def ids(self) -> tuple[frozenset[RecordId] | None, frozenset[RecordId]]:
        """The records that may stand in it, and those that may not."""
        only = None if self.records is None else frozenset(RecordId(bytes.fromhex(one)) for one in self.records)
        return only, frozenset(RecordId(bytes.fromhex(one)) for one in self.without)

    def settings(self) -> bytes:
        """What of it a server is told besides its files, as a hash."""
        told = (self.expires_at, self.opens_max, self.passcode, self.paused, self.takes_notes())
        return labelled_hash("share settings", msgspec.json.encode(told))


class Laid(msgspec.Struct):
    """What this phone knows of a share on the server. `made`: it is there. `gone`: it was revoked there. `content`:
    SHA-256 of what this phone laid last, without its times; `seq`: how far the log went when it last compared.
    `settings`: hash of those that the server was told; `told_at`: when it was last told any (ms since 1970 UTC)."""

    made: bool = False
    gone: bool = False
    content: bytes = b""
    seq: int = -1
    settings: bytes = b""
    told_at: int = 0


_word = msgspec.json.Decoder(ShareWord)
_laid = msgspec.msgpack.Decoder(dict[bytes, Laid])
_encode = msgspec.msgpack.Encoder().encode


def share_words(record: Record | None) -> dict[ShareId, ShareWord]:
    """Every share that a vault's `@vault` names. What cannot be read, of a newer app, is passed over."""
    return {share: word for share, (word, _) in said_shares(record).items()}


def said_shares(record: Record | None) -> dict[ShareId, tuple[ShareWord, int]]:
    """The same, each with the ordinal of the card that said so."""
    found: dict[ShareId, tuple[ShareWord, int]] = {}
    for key in sorted(record.keys()) if record is not None else ():
        share = _share_of(key)
        if share is None or record is None:
            continue
        standing = record.siblings(key, PERSON)
        words = [(word, ordinal_of(one.dot)) for one in standing if (word := _read(one.value)) is not None]
        if words:
            found[share] = max(words, key=lambda said: (said[0].revoked, said[0].paused, said[0].changed_at))
    return found


def share_edit(held: Record | None, share: ShareId, word: ShareWord) -> Edit:
    """The edit that says this of a share."""
    key, record = _PREFIX + share.hex(), held or Record(VAULT_RECORD)
    plain: Any = msgspec.to_builtins(word)
    return Edit(VAULT_RECORD, False, PERSON, None, edit_preds(record, key, PERSON), ((key, canonical(plain)),))


async def get_laid(rows: Rows) -> dict[bytes, Laid]:
    """What this phone knows of shares, by handle."""
    body = await rows.get_single(_SHARES)
    return _laid.decode(body) if body else {}


async def put_laid(rows: Rows, share: ShareId, laid: Laid) -> None:
    """Keeps what this phone has just learnt of a share."""
    await rows.put_single(_SHARES, _encode(await get_laid(rows) | {share: laid}))


async def forget_laid(rows: Rows) -> None:
    """Forgets all of that: a server that was restored may lack shares, and have open again what was revoked."""
    await rows.put_single(_SHARES, b"")


def is_of(word: ShareWord, account: AccountId | None, server: str) -> bool:
    """True if phones of this account on this server may handle a share."""
    return word.account == account and word.server == server


def _share_of(key: str) -> ShareId | None:
    if not key.startswith(_PREFIX):
        return None
    try:
        share = bytes.fromhex(key.removeprefix(_PREFIX))
    except ValueError:
        return None
    return ShareId(share) if len(share) == SHARE_BYTES else None


def _read(value: bytes | None) -> ShareWord | None:
    if value is None:
        return None
    try:
        word = _word.decode(value)
        word.ids()
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return word if len(word.secret) == SECRET_BYTES else None
