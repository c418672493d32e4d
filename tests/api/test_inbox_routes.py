"""The inbox on the server: INB-5 to INB-11 of openapi/protocol/inbox.md, on both databases."""

from __future__ import annotations

import asyncio
import os

import httpx
import msgspec

from sync.wire.inbox import TICKET_HEADER, NewNote, NoteChange, NoteMark, NoteTaken, NoteWaiting, SealedNote, note_hash
from sync.wire.ledger import LedgerPage, read_entry
from sync.wire.limits import (
    ANSWER_BYTES_MAX,
    NOTE_BYTES_MAX,
    NOTES_A_SHARE_MAX,
    NOTES_REVOKED_DAYS,
    NOTES_WAITING_BYTES_MAX,
    TICKET_SECONDS,
)
from sync.wire.share import OWNER_HEADER
from tests.api.phone_kit import JSON, Phone
from tests.api.server_kit import Served, code_of
from tests.api.share_kit import Share, b64

SEALED = b"a sealed note"


async def ticket_of(share: Share, passcode: str | None = None) -> str:
    opened = await share.open(passcode) if not share.new.direct else await share.fetch()
    assert opened.status_code == 200
    return opened.headers[TICKET_HEADER]


async def send(server: Served, ticket: str, note: bytes = SEALED, id_: bytes | None = None) -> httpx.Response:
    body = msgspec.json.encode(NewNote(os.urandom(16) if id_ is None else id_, note))
    return await server.client.post(f"/s/notes/{ticket}", content=body, headers=JSON)


async def marks(server: Served, ticket: str) -> list[NoteMark]:
    answer = await server.client.get(f"/s/notes/{ticket}")
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=list[NoteMark])


async def waiting(phone: Phone) -> list[NoteWaiting]:
    answer = await phone.client.get("/v1/notes", headers=phone.headers)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=list[NoteWaiting])


async def change(share: Share, number: int, **wish: object) -> httpx.Response:
    body = msgspec.json.encode(NoteChange(**wish))  # type: ignore[arg-type]
    return await share.client.patch(f"{share.path}/notes/{number}", content=body, headers=share.headers | JSON)


async def test_a_note_goes_to_the_owner_and_its_marks_to_the_sender(server: Served):
    """INB-5, INB-6, INB-8, INB-10."""
    mum = await server.registered("mum")
    share = await Share(mum, inbox=True).made()
    ticket, id_ = await ticket_of(share), os.urandom(16)
    assert (await share.state()).inbox is True
    sent = await send(server, ticket, id_=id_)
    assert sent.status_code == 201
    assert msgspec.json.decode(sent.content, type=NoteTaken) == NoteTaken(1, server.clock())
    assert await waiting(mum) == [NoteWaiting(share.id, 1, id_, server.clock(), len(SEALED), None, None, None)]
    assert await marks(server, ticket) == [NoteMark(id_, 1, server.clock(), None, None, None, None)]
    fetched = await mum.client.get(f"{share.path}/notes/1", headers=share.headers)
    assert msgspec.json.decode(fetched.content, type=SealedNote) == SealedNote(id_, SEALED)
    now = server.clock()
    server.clock.seconds(5)
    assert (await change(share, 1, opened=True)).status_code == 204
    server.clock.seconds(5)
    assert (await change(share, 1, opened=True, answer=b"sealed answer")).status_code == 204
    assert await marks(server, ticket) == [NoteMark(id_, 1, now, now, now + 5000, now + 10_000, b"sealed answer")]
    assert (await change(share, 1, answer=None)).status_code == 204
    [mark] = await marks(server, ticket)
    assert (mark.answer, mark.answered_at) == (None, None)


async def test_done_with_a_note_its_bytes_are_gone(server: Served):
    """INB-10."""
    mum = await server.registered("mum")
    share = await Share(mum, inbox=True).made()
    ticket = await ticket_of(share)
    await send(server, ticket)
    assert (await change(share, 1, done=True)).status_code == 204
    assert await waiting(mum) == []
    assert code_of(await mum.client.get(f"{share.path}/notes/1", headers=share.headers)) == "not_found"
    assert [mark.number for mark in await marks(server, ticket)] == [1]


async def test_notes_of_a_share_go_some_time_after_it_was_revoked_and_others_stay(server: Served):
    """INB-15: one day before that they can still be fetched."""
    mum = await server.registered("mum")
    over, standing = await Share(mum, name="over", inbox=True).made(), await Share(mum, name="on", inbox=True).made()
    for share in (over, standing):
        await send(server, await ticket_of(share))
    await over.revoke()
    server.clock.days(NOTES_REVOKED_DAYS - 1)
    await mum.log_in()
    assert len(await waiting(mum)) == 2
    server.clock.days(2)
    await mum.log_in()
    assert [note.share for note in await waiting(mum)] == [standing.id]
    fetched = await mum.client.get(f"{over.path}/notes/1", headers=over.headers)
    assert code_of(fetched) == "not_found"


async def test_the_same_note_again_is_one_note(server: Served):
    """INB-6."""
    mum = await server.registered("mum")
    ticket, id_ = await ticket_of(await Share(mum, inbox=True).made()), os.urandom(16)
    answers = await asyncio.gather(*(send(server, ticket, id_=id_) for _ in range(6)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert code_of(await send(server, ticket, b"another", id_=id_)) == "malformed"
    assert len(await waiting(mum)) == 1


async def test_a_ticket_is_good_for_an_hour_and_only_while_the_share_and_its_inbox_are_open(server: Served):
    """INB-5, INB-11: one 404 for every reason; opens that are used up do not end it."""
    mum = await server.registered("mum")
    share = await Share(mum, inbox=True, opens_max=1, passcode="4711").made()
    ticket = await ticket_of(share, "4711")
    assert (await share.open("4711")).status_code == 404
    assert (await send(server, ticket)).status_code == 201
    nowhere = await server.client.get("/s/notes/" + "A" * 43)
    for off, on in (({"paused": True}, {"paused": False}), ({"inbox": False}, {"inbox": True})):
        await share.change(**off)
        for answer in (await send(server, ticket), await server.client.get(f"/s/notes/{ticket}")):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert answer.json() == nowhere.json()
        await share.change(**on)
        assert (await send(server, ticket)).status_code == 201
    server.clock.seconds(TICKET_SECONDS)
    assert code_of(await send(server, ticket)) == "not_found"
    await mum.log_in()
    await share.change(opens_max=None)
    ticket = await ticket_of(share, "4711")
    await share.change(expires_at=server.clock() + 1000)
    server.clock.seconds(2)
    assert code_of(await send(server, ticket)) == "not_found"
    await share.change(expires_at=None)
    ticket = await ticket_of(share, "4711")
    await share.revoke()
    assert code_of(await send(server, ticket)) == "not_found"
    assert len(await waiting(mum)) == 3  # what came before is still the owner's


async def test_a_share_without_an_inbox_gives_no_ticket_and_a_files_ticket_is_none(server: Served):
    """INB-5, INB-11."""
    mum = await server.registered("mum")
    for settings in ({}, {"direct": True}):
        share = await Share(mum, f"plain {len(settings)}", **settings).made()
        opened = await (share.fetch() if settings else share.open(embeddedLengthMax=1))
        assert TICKET_HEADER not in opened.headers
    other = await Share(mum, "with", inbox=True).made()
    [file] = (await other.open(embeddedLengthMax=1)).json()["files"]
    assert code_of(await send(server, file["location"].rpartition("/")[2])) == "not_found"
    assert code_of(await server.client.get(f"/s/file/{await ticket_of(other)}")) == "not_found"
    direct = await Share(mum, "direct", inbox=True, direct=True).made()
    assert (await send(server, await ticket_of(direct))).status_code == 201


async def test_pages_of_any_origin_may_send_and_read_the_ticket(server: Served):
    """INB-5; SHR-18."""
    mum = await server.registered("mum")
    opened = await (await Share(mum, inbox=True).made()).open()
    assert TICKET_HEADER in opened.headers["access-control-expose-headers"]
    sent = await send(server, opened.headers[TICKET_HEADER])
    assert sent.headers["access-control-allow-origin"] == "*"
    assert sent.headers["cache-control"] == "no-store"


async def test_a_share_takes_so_many_notes_and_no_more_however_they_come(server: Served):
    """INB-7."""
    mum = await server.registered("mum")
    share = await Share(mum, inbox=True).made()
    ticket = await ticket_of(share)
    answers = await asyncio.gather(*(send(server, ticket) for _ in range(NOTES_A_SHARE_MAX + 8)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(201), codes.count(403)) == (NOTES_A_SHARE_MAX, 8)
    assert {one.number for one in await waiting(mum)} == set(range(1, NOTES_A_SHARE_MAX + 1))
    await change(share, 1, done=True)
    assert code_of(await send(server, ticket)) == "inbox_full"  # a count of its life, not of what waits


async def test_notes_have_a_size_and_those_that_wait_another(server: Served):
    """INB-7, INB-10."""
    mum = await server.registered("mum")
    share = await Share(mum, inbox=True).made()
    ticket = await ticket_of(share)
    for note, id_ in ((b"", None), (bytes(NOTE_BYTES_MAX + 1), None), (SEALED, b"short")):
        assert code_of(await send(server, ticket, note, id_)) == "malformed"
    assert (await send(server, ticket, bytes(NOTE_BYTES_MAX))).status_code == 201
    async with server.engine.transaction() as tx:
        await tx.execute("UPDATE share_notes SET sealed = $1", bytes(NOTES_WAITING_BYTES_MAX - len(SEALED) + 1))
    assert code_of(await send(server, ticket)) == "inbox_full"
    await change(share, 1, done=True)
    assert (await send(server, ticket)).status_code == 201
    assert code_of(await change(share, 2, answer=bytes(ANSWER_BYTES_MAX + 1))) == "malformed"
    assert code_of(await change(share, 2, answer=b"")) == "malformed"


async def test_only_the_owner_with_her_account_fetches_and_changes(server: Served):
    """INB-10; SHR-7."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    share = await Share(mum, inbox=True).made()
    await send(server, await ticket_of(share))
    path = f"{share.path}/notes/1"
    for headers in (
        dad.headers | {OWNER_HEADER: b64(share.owner_token)},
        mum.headers,
        mum.headers | {OWNER_HEADER: b64(bytes(32))},
    ):
        assert code_of(await server.client.get(path, headers=headers)) == "not_found"
        assert code_of(await server.client.patch(path, content=b"{}", headers=headers | JSON)) == "not_found"
    assert await waiting(dad) == []
    for number in ("2", "x", "-1", "1" * 12):
        assert code_of(await server.client.get(f"{share.path}/notes/{number}", headers=share.headers)) == "not_found"
    assert code_of(await change(share, 7, opened=True)) == "not_found"


async def test_a_note_is_entered_and_told_or_not_there(server: Served, monkeypatch):
    """INB-9."""
    mum = await server.registered("mum")
    share = await Share(mum, inbox=True).made()
    ticket = await ticket_of(share)

    async def fails(*_: object) -> None:
        raise RuntimeError("as if the disk failed here")

    monkeypatch.setattr("backend.inbox.public_routes.tell", fails)
    assert (await send(server, ticket)).status_code == 500
    monkeypatch.undo()
    assert await waiting(mum) == []
    await send(server, ticket)
    page = await server.client.get("/v1/ledger", headers=mum.headers)
    entries = [read_entry(row.entry) for row in msgspec.json.decode(page.content, type=LedgerPage).entries]
    assert [entry.kind for entry in entries] == ["share_made", "share_opened", "note_received"]
    last = entries[-1]
    assert (last.subject, last.place, last.digest, last.by) == (share.id, 1, note_hash(SEALED), b"")
    assert [notice.kind for notice in (await mum.sync()).head.notices] == ["share_opened", "note_received"]
