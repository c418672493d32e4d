"""Owner routes of shares: SHR-7 to SHR-11 and SHR-21 of openapi/protocol/shares.md."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from sync.wire.limits import PASSCODE_TRIES, SHARE_BYTES_MAX, SHARE_FILES_MAX, SHARE_OPENINGS_DAYS, SHARES_MAX
from sync.wire.share import OWNER_HEADER, ShareFile
from tests.api.phone_kit import JSON, CardKeys, Phone
from tests.api.server_kit import Served, code_of
from tests.api.share_kit import FHIR, Share, b64, jwe, passcode_hash


async def test_a_share_stands_as_it_was_made(server: Served):
    """SHR-7."""
    mum = await server.registered("mum")
    share = await Share(mum, long_term=True, passcode="4711", opens_max=3, expires_at=server.clock() + 5000).made()
    state = await share.state()
    assert (state.long_term, state.direct, state.live, state.opens) == (True, False, True, 0)
    assert (state.opens_max, state.attempts_left, state.paused, state.revoked) == (3, PASSCODE_TRIES, False, False)
    assert state.files == [len(share.new.files[0].jwe)]


async def test_making_it_again_changes_nothing_and_another_body_is_refused(server: Served):
    """SHR-8."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    share = await Share(mum).made()
    assert (await share.make()).status_code == 204
    assert code_of(await share.make(dad)) == "share_taken"
    share.new = msgspec.structs.replace(share.new, long_term=True)
    assert code_of(await share.make()) == "share_taken"
    assert (await share.state()).long_term is False


async def test_the_same_share_sent_many_times_at_once_is_made_once_and_refused_to_nobody(server: Served):
    """SHR-8."""
    share = Share(await server.registered("mum"))
    answers = await asyncio.gather(*(share.make() for _ in range(8)))
    assert [answer.status_code for answer in answers] == [204] * 8


async def test_a_url_token_stands_in_one_share_only(server: Served):
    """SHR-1."""
    mum = await server.registered("mum")
    await Share(mum, "first").made()
    second = Share(mum, "second")
    second.new = msgspec.structs.replace(second.new, token_hash=Share(mum, "first").new.token_hash)
    assert code_of(await second.make()) == "share_taken"


async def ways_of_not_being_the_owner(server: Served, share: Share) -> list[dict[str, str]]:
    stranger = await server.registered("stranger")
    right = share.headers
    return [
        stranger.headers | {OWNER_HEADER: b64(share.owner_token)},
        right | {OWNER_HEADER: b64(bytes(32))},
        right | {OWNER_HEADER: "not base64url!"},
        {name: value for name, value in right.items() if name != OWNER_HEADER},
    ]


@pytest.mark.parametrize("exists", [True, False])
async def test_nobody_else_gets_anywhere_and_all_hear_the_same(server: Served, exists):
    """SHR-7, attack `forged-emergency`: whoever reads S in the vault still lacks the account."""
    share = Share(await server.registered("mum"))
    if exists:
        await share.made()
    answers = set()
    for headers in await ways_of_not_being_the_owner(server, share):
        json = headers | JSON
        files = msgspec.json.encode([ShareFile(FHIR, jwe(b"forged"))])
        for answer in (
            await server.client.get(share.path, headers=headers),
            await server.client.get(share.path + "/openings", headers=headers),
            await server.client.patch(share.path, content=b'{"paused":true}', headers=json),
            await server.client.put(share.path + "/files", content=files, headers=json),
            await server.client.delete(share.path, headers=headers),
        ):
            answers.add((answer.status_code, answer.content))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    if exists:
        assert (await share.open()).json()["files"][0]["embedded"] == share.new.files[0].jwe


async def test_another_phone_of_the_same_account_is_the_owner_too(server: Served):
    """SHR-7."""
    mum = await server.registered("mum")
    share = await Share(mum).made()
    tablet = Phone("tablet", server.client, mum.origin, server.clock)
    await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
    tablet.account = mum.account
    await tablet.log_in()
    share.phone = tablet
    assert (await share.change(paused=True)).status_code == 204


async def test_what_is_not_named_stays_and_null_takes_away(server: Served):
    """SHR-7."""
    share = await Share(await server.registered("mum"), opens_max=3, expires_at=server.clock() + 5000).made()
    await share.change(paused=True)
    state = await share.state()
    assert (state.paused, state.opens_max, state.live) == (True, 3, False)
    await share.change(opens_max=None, expires_at=None, paused=False)
    state = await share.state()
    assert (state.paused, state.opens_max, state.expires_at, state.live) == (False, None, None, True)


async def test_files_replace_each_other_whole(server: Served):
    """SHR-10."""
    share = await Share(await server.registered("mum"), files=[ShareFile(FHIR, jwe()) for _ in range(3)]).made()
    only = jwe(b"another")
    assert (await share.replace(ShareFile(FHIR, only))).status_code == 204
    assert [file["embedded"] for file in (await share.open()).json()["files"]] == [only]


BAD = {
    "none": [],
    "too many": [ShareFile(FHIR, jwe())] * (SHARE_FILES_MAX + 1),
    "too large": [ShareFile(FHIR, jwe(bytes(SHARE_BYTES_MAX * 3 // 8)))] * 2,
    "no jwe": [ShareFile(FHIR, "eyJhbGciOiJFUzI1NiJ9.e30.c2ln")],
    "another algorithm": [ShareFile(FHIR, jwe(alg="RSA-OAEP"))],
    "deflated": [ShareFile(FHIR, jwe(zip="DEF"))],
    "other content than it says": [ShareFile(FHIR, jwe(content_type="application/smart-health-card"))],
    "unknown content": [ShareFile("text/html", jwe(content_type="text/html"))],
    "a long iv": [ShareFile(FHIR, jwe().replace("..", "..AAAA"))],
}


@pytest.mark.parametrize("name", BAD)
async def test_files_that_strict_readers_would_refuse_are_refused(server: Served, name):
    """SHR-4, SHR-10."""
    mum = await server.registered("mum")
    assert code_of(await Share(mum, "bad", files=BAD[name]).make()) == "malformed"
    share = await Share(mum).made()
    assert code_of(await share.replace(*BAD[name])) == "malformed"
    assert (await share.open()).json()["files"][0]["embedded"] == share.new.files[0].jwe


async def test_a_direct_share_has_one_file_and_no_passcode(server: Served):
    """SHR-3, SHR-8."""
    mum = await server.registered("mum")
    assert code_of(await Share(mum, "a", direct=True, passcode="4711").make()) == "malformed"
    assert code_of(await Share(mum, "b", direct=True, files=[ShareFile(FHIR, jwe())] * 2).make()) == "malformed"
    share = await Share(mum, "c", direct=True).made()
    body = b'{"passcode":{"salt":"AAAAAAAAAAAAAAAAAAAAAA==","hash":"%s="}}' % (b"A" * 43)
    answer = await server.client.patch(share.path, content=body, headers=share.headers | JSON)
    assert code_of(answer) == "malformed"


async def test_an_account_has_so_many_shares_and_revoked_ones_do_not_count(server: Served):
    """SHR-10."""
    mum = await server.registered("mum")
    shares = [await Share(mum, f"share {number}").made() for number in range(SHARES_MAX)]
    assert code_of(await Share(mum, "one more").make()) == "too_many_shares"
    await shares[0].revoke()
    await Share(mum, "one more").made()


async def test_what_is_revoked_is_gone_for_good(server: Served):
    """SHR-11."""
    share = await Share(await server.registered("mum"), passcode="4711").made()
    await share.open("4711")
    assert (await share.revoke()).status_code == 204
    assert (await share.revoke()).status_code == 204
    state = await share.state()
    assert (state.revoked, state.live, state.files) == (True, False, [])
    assert code_of(await share.open("4711")) == "not_found"
    assert code_of(await share.change(paused=False)) == "not_found"
    assert code_of(await share.replace(ShareFile(FHIR, jwe()))) == "not_found"
    assert (await share.make()).status_code == 204, "a late repetition is answered as ever, and revives nothing"
    assert (await share.open("4711")).status_code == 404
    held = await server.engine.reading().fetch("SELECT passcode_hash, length(log_key) FROM shares")
    assert [tuple(row) for row in held] == [(None, 0)]
    assert len(await share.openings()) == 1


async def test_openings_are_forgotten_after_three_years(server: Served):
    """SHR-11: nobody has to revoke anything for it."""
    mum = await server.registered("mum")
    old, recent = await Share(mum, "old").made(), await Share(mum, "recent").made()
    await old.open()
    server.clock.days(SHARE_OPENINGS_DAYS - 1)
    await mum.log_in()
    assert len(await old.openings()) == 1
    server.clock.days(1)
    await mum.log_in()
    assert await old.openings() == [], "not handed out"
    await recent.open()
    held = await server.engine.reading().fetch("SELECT share FROM share_openings")
    assert [row[0] for row in held] == [recent.id], "not held either, once anything is opened"
    assert len(await recent.openings()) == 1


async def test_openings_come_page_by_page(server: Served):
    """SHR-21."""
    share = await Share(await server.registered("mum")).made()
    for _ in range(3):
        await share.open()
    assert [number for number, *_ in await share.openings(after=1)] == [2, 3]
    assert code_of(await server.client.get(share.path + "/openings?after=x", headers=share.headers)) == "malformed"


async def test_another_passcode_gives_all_tries_back(server: Served):
    """SHR-9."""
    share = await Share(await server.registered("mum"), passcode="4711").made()
    await share.open("wrong")
    await share.change(passcode=share.new.passcode)
    assert (await share.state()).attempts_left == PASSCODE_TRIES - 1, "told again, it is not another"
    await share.change(passcode=passcode_hash("0815"))
    assert (await share.state()).attempts_left == PASSCODE_TRIES
    assert (await share.open("4711")).status_code == 401
    assert (await share.open("0815")).status_code == 200


async def test_a_revoked_phone_owns_nothing(server: Served):
    """SHR-7, ACC-9."""
    mum = await server.registered("mum")
    share = await Share(mum).made()
    other = CardKeys("tablet")
    await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, other))
    await server.client.delete(f"/v1/devices/{mum.card.id.hex()}", headers=mum.headers)
    assert code_of(await share.change(paused=True)) == "revoked"
