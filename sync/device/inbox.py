"""Notes back from whoever had a link, as a person handles them: fetch, look, accept, decline, answer, switch off.

What is decided is decided on this phone at once and said to the server then or with the next fetch. A note enters the
vault only by `accept`. Nothing here knows a terminal. Spec: openapi/protocol/inbox.md, "On the phone".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from crypto.public.errors import CannotOpen
from crypto.public.jws import encode_part
from crypto.secret.notes import NONCE_BYTES, seal_answer
from sync.device.access import refusal
from sync.device.asking import ask, decoded
from sync.device.identity import Identity
from sync.device.inbox_store import (
    ACCEPTED,
    DECLINED,
    NEW,
    OPENED,
    HeldNote,
    Inbox,
    get_content,
    get_inbox,
    put_content,
    put_inbox,
)
from sync.device.moments import when
from sync.device.notices import kept_notices
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record, read_vault
from sync.device.refused import Refused
from sync.device.share_register import ShareWord, is_of, share_words
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.device.transport import Answered, Transport, Unreachable
from sync.fhir import bundle, importing
from sync.fhir.notes import note_bundle, source_words
from sync.merge.change import VAULT_RECORD, RecordId
from sync.vault.note import Note, NoteUnreadable, read_note
from sync.wire.inbox import NoteChange, NoteWaiting, SealedNote, note_hash
from sync.wire.limits import ANSWER_BYTES_MAX, NOTE_BODY_BYTES_MAX
from sync.wire.share import OWNER_HEADER, ShareId

_LIST_BYTES_MAX = 4_194_304  # 64 shares of 32 notes each
_ANSWER_OVERHEAD = 28
_NOTICE = "note_received"


class Mine(NamedTuple):
    """A share of this phone's account: the vault it stands in, and what that says of it."""

    number: int
    word: ShareWord


class Requests:
    """What is asked of the server about notes. Raises: Answered, Unreachable."""

    def __init__(self, phone: Phone, transport: Transport, identity: Identity) -> None:
        self._of = (phone, transport, identity)

    async def waiting(self) -> list[NoteWaiting]:
        """What waits for the account."""
        return decoded(await ask(*self._of, "GET", "/v1/notes", longest=_LIST_BYTES_MAX), list[NoteWaiting])

    async def fetch(self, share: ShareId, word: ShareWord, number: int) -> SealedNote:
        """A sealed note."""
        more = _owner(share, word)
        return decoded(
            await ask(*self._of, "GET", _path(share, number), more=more, longest=NOTE_BODY_BYTES_MAX), SealedNote
        )

    async def change(self, share: ShareId, word: ShareWord, number: int, wish: NoteChange) -> None:
        """Marks, ends or answers one."""
        body = msgspec.json.encode(wish)
        await ask(*self._of, "PATCH", _path(share, number), body, more=_owner(share, word))


async def settle_inbox(phone: Phone) -> None:
    """After a sync: fetches notes if a notice tells of one, says what is owed; what fails waits for the next time."""
    async with phone.store.transaction() as rows:
        inbox = await get_inbox(rows)
        numbers = [one.number for one in (await kept_notices(rows)).notices if one.kind == _NOTICE]
    if max(numbers, default=0) > inbox.told or any(note.owes() for note in inbox.notes):
        try:
            await fetch_notes(phone)
        except Refused:
            return


async def fetch_notes(phone: Phone) -> None:
    """Fetches every note that waits, and says what the server is owed. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity, shares = await identity_of(rows), await _shares(rows)
        told = max((one.number for one in (await kept_notices(rows)).notices if one.kind == _NOTICE), default=0)
    transport = phone.connect(identity.server)
    requests = Requests(phone, transport, identity)
    try:
        await _say_owed(phone, requests, shares)
        async with phone.store.transaction() as rows:
            known = {(note.share, note.id) for note in (await get_inbox(rows)).notes}
        for one in await requests.waiting():
            mine = shares.get(ShareId(one.share))
            if mine is not None and (one.share, one.id) not in known:
                await _take(phone, requests, one, mine.word)
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    async with phone.store.transaction() as rows:
        inbox = await get_inbox(rows)
        inbox.told = max(inbox.told, told)
        await put_inbox(rows, inbox)


async def _take(phone: Phone, requests: Requests, one: NoteWaiting, word: ShareWord) -> None:
    share = ShareId(one.share)
    try:
        sealed = await requests.fetch(share, word, one.number)
    except Answered as answer:
        if answer.code != "not_found":
            raise
        return  # another phone of this account is done with it
    secrets = word.secrets(share)
    try:
        plain = secrets.note_key.open(secrets.link_key, sealed.id, sealed.note)
        read_note(plain)
    except (CannotOpen, NoteUnreadable):
        plain = b""
    async with phone.store.transaction() as rows:
        inbox = await get_inbox(rows)
        await put_content(rows, len(inbox.notes), plain)
        held = HeldNote(share, one.number, one.id, note_hash(sealed.note), one.sent_at, readable=bool(plain))
        inbox.notes.append(held)
        await put_inbox(rows, inbox)


async def _say_owed(phone: Phone, requests: Requests, shares: dict[ShareId, Mine]) -> None:
    """Tells the server what was decided meanwhile. Raises: Answered, Unreachable."""
    async with phone.store.transaction() as rows:
        owing = [note for note in (await get_inbox(rows)).notes if note.owes()]
    for note in owing:
        share = ShareId(note.share)
        mine = shares.get(share)
        if mine is not None:
            answer: bytes | msgspec.UnsetType | None = msgspec.UNSET
            if note.owes_answer and note.answer is not None:
                key = mine.word.secrets(share).link_key
                answer = seal_answer(key, note.id, phone.draw(NONCE_BYTES), note.answer)
            try:
                change = NoteChange(note.owes_opened, note.owes_done, answer)
                await requests.change(share, mine.word, note.number, change)
            except Answered as error:
                if error.code != "not_found":
                    raise
        async with phone.store.transaction() as rows:
            inbox = await get_inbox(rows)
            for held in inbox.notes:
                if (held.share, held.id) == (note.share, note.id):
                    held.owes_opened = held.owes_done = held.owes_answer = False
            await put_inbox(rows, inbox)


async def listed(phone: Phone) -> list[dict[str, Any]]:
    """Every note as cli.md has it, the oldest first."""
    async with phone.store.transaction() as rows:
        inbox, shares = await get_inbox(rows), await _shares(rows)
        return [await _document(rows, inbox, place, shares) for place in range(len(inbox.notes))]


async def look(phone: Phone, wanted: int) -> tuple[dict[str, Any], Note | None]:
    """One note, which counts as opened from now on. Raises: Refused."""
    async with phone.store.transaction() as rows:
        inbox, place = await _find(rows, wanted)
        note = inbox.notes[place]
        if note.state == NEW:
            note.state, note.owes_opened = OPENED, True
            await put_inbox(rows, inbox)
        told = await _document(rows, inbox, place, await _shares(rows))
        content = await get_content(rows, place)
    await _try_to_say(phone)
    return told, content


async def accept(phone: Phone, wanted: int) -> dict[str, Any]:
    """Takes a note into the vault that its share stands in. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity, shares = await identity_of(rows), await _shares(rows)
        inbox, place = await _find(rows, wanted)
        note, content = inbox.notes[place], await get_content(rows, place)
        mine = shares.get(ShareId(note.share))
        if content is None or mine is None:
            raise Refused("note_unreadable")
        if note.state == DECLINED:
            raise Refused("note_declined")
        paper = content.document
        sent_at = when(note.sent_at) or ""
        made = note_bundle(
            note.hash,
            content.sender,
            content.text,
            None if paper is None else (paper.name, paper.type, paper.data),
            sent_at,
            mine.word.label,
        )
        plan = importing.plan(
            bundle.parse(made),
            await read_vault(rows, mine.number),
            same_person=True,
            source_name=source_words(content.sender, mine.word.label),
            absolute_urls=False,
        )
        if plan.edits:
            await stage(phone, rows, identity, mine.number, plan.edits)
        note.record = _first_document(plan) or note.record
        note.state, note.owes_opened, note.owes_done = ACCEPTED, True, True
        await put_inbox(rows, inbox)
        told = await _document(rows, inbox, place, shares)
    await _try_to_say(phone)
    return told


async def decline(phone: Phone, wanted: int) -> dict[str, Any]:
    """Lets go of a note, here and on the server. Raises: Refused."""
    async with phone.store.transaction() as rows:
        inbox, place = await _find(rows, wanted)
        note = inbox.notes[place]
        if note.state == ACCEPTED:
            raise Refused("note_accepted")
        note.state, note.owes_done = DECLINED, True
        await put_content(rows, place, b"")
        await put_inbox(rows, inbox)
        told = await _document(rows, inbox, place, await _shares(rows))
    await _try_to_say(phone)
    return told


async def answer(phone: Phone, wanted: int, text: str) -> dict[str, Any]:
    """Lays an answer beside a note, for whoever opens the link again. Raises: Refused."""
    text = text.strip()
    if not text or len(text.encode()) > ANSWER_BYTES_MAX - _ANSWER_OVERHEAD:
        raise Refused("bad_value", "an answer has 1 to 8,000 characters or so")
    async with phone.store.transaction() as rows:
        inbox, place = await _find(rows, wanted)
        note = inbox.notes[place]
        note.answer, note.owes_answer, note.owes_opened = text, True, True
        await put_inbox(rows, inbox)
        told = await _document(rows, inbox, place, await _shares(rows))
    await fetch_notes(phone)
    return told


async def _try_to_say(phone: Phone) -> None:
    """Tells the server now if it can be reached; else the next fetch does."""
    try:
        await fetch_notes(phone)
    except Refused:
        return


async def _find(rows: Rows, wanted: int) -> tuple[Inbox, int]:
    inbox = await get_inbox(rows)
    if not 1 <= wanted <= len(inbox.notes):
        raise Refused("no_such_note")
    return inbox, wanted - 1


async def _shares(rows: Rows) -> dict[ShareId, Mine]:
    """Every share of this phone's account, those that are over too."""
    identity = await identity_of(rows)
    return {
        share: Mine(number, word)
        for number in await rows.vaults()
        for share, word in share_words(await read_record(rows, number, VAULT_RECORD)).items()
        if is_of(word, identity.account, identity.server)
    }


async def _document(rows: Rows, inbox: Inbox, place: int, shares: dict[ShareId, Mine]) -> dict[str, Any]:
    note, content = inbox.notes[place], await get_content(rows, place)
    mine = shares.get(ShareId(note.share))
    paper = None if content is None else content.document
    return {
        "number": place + 1,
        "from": None if content is None else content.sender,
        "share": {"id": note.share.hex(), "label": None if mine is None else mine.word.label},
        "sent_at": when(note.sent_at),
        "state": note.state,
        "readable": note.readable,
        "text": None if content is None else content.text,
        "document": None if paper is None else {"name": paper.name, "type": paper.type, "bytes": len(paper.data)},
        "answer": note.answer,
        "record": None if note.record is None else note.record.hex(),
    }


def _first_document(plan: importing.ImportPlan) -> RecordId | None:
    """The record of the note's first part."""
    return next((edit.record for edit in plan.edits if edit.record != plan.envelope), None)


def _owner(share: ShareId, word: ShareWord) -> dict[str, str]:
    return {OWNER_HEADER: encode_part(word.secrets(share).owner_token.reveal())}


def _path(share: ShareId, number: int) -> str:
    return f"/v1/shares/{share.hex()}/notes/{number}"
