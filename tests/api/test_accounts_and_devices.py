"""Accounts, tokens and devices over HTTP: ACC of openapi/protocol/accounts.md."""

from __future__ import annotations

import asyncio
import base64

import msgspec
import pytest

from sync.wire.account import AccountMade, DeviceInfo, NewAccount, TokenRequest
from sync.wire.card import RECOVERY, SignedCard
from sync.wire.ids import AccountId
from tests.api.phone_kit import CardKeys, Phone
from tests.api.server_kit import ORIGIN, Served, code_of, served


async def token_for(server: Served, card: CardKeys, **claims: object):
    assertion = card.assertion(ORIGIN, server.clock() // 1000, **claims)
    return await Phone("x", server.client, ORIGIN).post_json("/v1/token", TokenRequest(assertion))


async def test_the_same_card_gets_the_same_account(server):
    """ACC-1."""
    phone = await server.registered("mum")
    again = await phone.post_json("/v1/accounts", phone.card.new_account(ORIGIN))
    assert again.status_code == 201
    assert msgspec.json.decode(again.content, type=AccountMade).account == phone.account


async def test_an_account_needs_a_signature_over_this_servers_origin(server):
    """ACC-1."""
    phone = server.phone("mum")
    response = await phone.post_json("/v1/accounts", phone.card.new_account("https://other.example"))
    assert code_of(response) == "malformed"


async def test_a_card_that_does_not_hold_together_opens_no_account(server):
    """ACC-1."""
    phone, other = server.phone("mum"), CardKeys("other")
    new = phone.card.new_account(ORIGIN)
    swapped = NewAccount(SignedCard(new.card.card, other.signed.signature), new.proof)
    assert code_of(await phone.post_json("/v1/accounts", swapped)) == "malformed"


async def test_a_closed_server_opens_no_account_but_knows_its_own(tmp_path):
    """ACC-2."""
    async with served(tmp_path) as server:
        await server.registered("mum")
    async with served(tmp_path, registration="closed") as server:
        await server.registered("mum")
        stranger = server.phone("stranger")
        response = await stranger.post_json("/v1/accounts", stranger.card.new_account(ORIGIN))
        assert (response.status_code, code_of(response)) == (403, "registration_closed")


async def test_an_assertion_is_good_once(server):
    """ACC-4."""
    phone = await server.registered("mum")
    body = TokenRequest(phone.card.assertion(ORIGIN, server.clock() // 1000))
    assert (await phone.post_json("/v1/token", body)).status_code == 200
    assert code_of(await phone.post_json("/v1/token", body)) == "assertion_invalid"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example"},
        {"iss": "00" * 32},
        {"sub": "00" * 32},
        {"typ": "JWT"},
        {"kid": "00" * 32},
        {"jti": None},
        {"jti": "short"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"nonce": 7},
    ],
    ids=lambda claims: next(iter(claims)) + "=" + str(next(iter(claims.values()))),
)
async def test_an_assertion_with_one_wrong_claim_is_refused(server, claims):
    """ACC-3."""
    phone = await server.registered("mum")
    assert code_of(await token_for(server, phone.card, **claims)) == "assertion_invalid"


async def test_an_assertion_of_an_unknown_device_is_refused_like_any_other(server):
    """ACC-3."""
    assert code_of(await token_for(server, CardKeys("nobody"))) == "assertion_invalid"


async def test_an_assertion_without_algorithm_is_refused(server):
    """ACC-3: alg none."""
    phone = await server.registered("mum")
    _, payload, _ = phone.card.assertion(ORIGIN, server.clock() // 1000).split(".")
    made = {"alg": "none", "kid": phone.card.id.hex(), "typ": "carnet-assertion+jwt"}
    header = base64.urlsafe_b64encode(msgspec.json.encode(made)).rstrip(b"=").decode()
    for signature in ("", "AA"):
        response = await phone.post_json("/v1/token", TokenRequest(f"{header}.{payload}.{signature}"))
        assert code_of(response) == "assertion_invalid"


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.b.c", "x" * 9_000, '{"kid":1}'])
async def test_what_is_no_assertion_is_refused(server, text):
    """ACC-3."""
    response = await server.phone("x").post_json("/v1/token", TokenRequest(text))
    assert code_of(response) == "assertion_invalid"


@pytest.mark.parametrize("off_seconds", [-100, 100, 30 * 86_400])
async def test_a_wrong_clock_is_told_a_nonce_that_replaces_the_time(server, off_seconds):
    """ACC-5, harvested-assertion: the nonce works once, within a minute, for that device."""
    phone = await server.registered("mum")
    now_s = server.clock() // 1000 + off_seconds
    response = await phone.post_json("/v1/token", TokenRequest(phone.card.assertion(ORIGIN, now_s)))
    assert (response.status_code, code_of(response)) == (401, "clock")
    nonce = response.json()["nonce"]
    assert (await token_for(server, phone.card, exp=None, nonce=nonce)).status_code == 200
    assert code_of(await token_for(server, phone.card, exp=None, nonce=nonce)) == "clock"
    assert (await server.engine.reading().fetch("SELECT count(*) FROM tokens"))[0][0] == 2, "a refusal stores no token"


async def test_a_nonce_of_another_device_or_minute_is_worth_nothing(server):
    """ACC-5."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    refused = await token_for(server, mum.card, exp=1)
    assert code_of(await token_for(server, dad.card, exp=None, nonce=refused.json()["nonce"])) == "clock"
    server.clock.seconds(61)
    assert code_of(await token_for(server, mum.card, exp=None, nonce=refused.json()["nonce"])) == "clock"


async def test_a_token_lives_ten_minutes(server):
    """ACC-7."""
    phone = await server.registered("mum")
    server.clock.seconds(599)
    assert (await phone.client.get("/v1/devices", headers=phone.headers)).status_code == 200
    server.clock.seconds(1)
    response = await phone.client.get("/v1/devices", headers=phone.headers)
    assert code_of(response) == "token_invalid"
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_token_is_stored_as_its_hash_only(server, tmp_path):
    """ACC-7."""
    phone = await server.registered("mum")
    raw = base64.urlsafe_b64decode(phone.token + "=")
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert phone.token.encode() not in stored
    assert raw not in stored


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic " + "A" * 43, "Bearer " + "A" * 43, "Bearer " + "é" * 43]
)
async def test_what_is_no_token_opens_nothing(server, header):
    """ACC-8."""
    response = await server.client.get("/v1/devices", headers={"authorization": header.encode("latin-1")})
    assert code_of(response) == "token_invalid"


async def test_a_device_is_enrolled_by_one_of_the_account_and_by_itself(server):
    """ACC-10."""
    phone, tablet = await server.registered("mum"), server.phone("tablet")
    enrolment = phone.card.enrolment(phone.account, tablet.card)
    for _ in range(2):
        assert (await tablet.post_json("/v1/devices", enrolment)).status_code == 201
    await tablet.log_in()
    response = await tablet.client.get("/v1/devices", headers=tablet.headers)
    devices = msgspec.json.decode(response.content, type=list[DeviceInfo])
    assert {(d.device, d.this, d.revoked) for d in devices} == {
        (phone.card.id, False, False),
        (tablet.card.id, True, False),
    }


async def test_nobody_enrols_a_card_that_has_not_signed_it(server):
    """ACC-11, stolen-enrolment."""
    thief, mum = await server.registered("thief"), CardKeys("mum-recovery", RECOVERY)
    enrolment = msgspec.structs.replace(
        thief.card.enrolment(thief.account, mum), proof=thief.card.signing.sign("enrolled", thief.account)
    )
    assert code_of(await thief.post_json("/v1/devices", enrolment)) == "malformed"


async def test_an_enrolment_without_a_device_of_the_account_finds_nothing(server):
    """ACC-12: unknown account, unknown enroller, wrong signature, another account: one answer."""
    mum, dad, new = await server.registered("mum"), await server.registered("dad"), CardKeys("new")
    good = mum.card.enrolment(mum.account, new)
    foreign = dad.card.enrolment(mum.account, new)
    nowhere = mum.card.enrolment(AccountId(bytes(16)), new)
    unsigned = msgspec.structs.replace(good, enroller_signature=bytes(64))
    unknown = CardKeys("nobody").enrolment(mum.account, new)
    answers = [await mum.post_json("/v1/devices", each) for each in (foreign, nowhere, unsigned, unknown)]
    assert {code_of(answer) for answer in answers} == {"not_found"}
    assert len({answer.content for answer in answers}) == 1


async def test_a_card_of_another_account_is_not_taken_over(server):
    """ACC-13."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    assert code_of(await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, dad.card))) == "card_enrolled"


async def test_an_account_has_so_many_devices_and_no_more(tmp_path):
    """ACC-14, LIM-7."""
    async with served(tmp_path, devices_an_account_max=2) as server:
        mum = await server.registered("mum")
        codes = []
        for name in ("a", "b"):
            codes.append(await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, CardKeys(name))))
        assert codes[0].status_code == 201
        assert code_of(codes[1]) == "too_many_devices"


async def test_a_revoked_device_is_out_at_once(server):
    """ACC-9."""
    mum, tablet = await server.registered("mum"), server.phone("tablet")
    await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
    await tablet.log_in()
    gone = await mum.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
    assert (gone.status_code, gone.content) == (204, b"")
    assert code_of(await tablet.client.get("/v1/devices", headers=tablet.headers)) == "revoked"
    assert code_of(await tablet.send()) == "revoked"
    assert code_of(await token_for(server, tablet.card)) == "revoked"


async def test_what_enrolled_a_revoked_device_does_not_enrol_it_again(server):
    """ACC-15: not even after a detour through an account of its own."""
    mum, tablet = await server.registered("mum"), server.phone("tablet")
    enrolment = mum.card.enrolment(mum.account, tablet.card)
    await tablet.post_json("/v1/devices", enrolment)
    await mum.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
    assert code_of(await tablet.post_json("/v1/devices", enrolment)) == "revoked"
    await tablet.register()
    assert tablet.account != mum.account
    await tablet.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=tablet.headers)
    assert code_of(await tablet.post_json("/v1/devices", enrolment)) == "revoked"


async def test_a_revoked_card_may_open_an_account_of_its_own(server):
    """ACC-15."""
    mum, tablet = await server.registered("mum"), server.phone("tablet")
    await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
    await tablet.log_in()
    old = tablet.headers
    await mum.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
    await tablet.register()
    assert code_of(await tablet.client.get("/v1/devices", headers=old)) == "token_invalid"


async def test_another_accounts_device_is_nowhere(server):
    """ACC-16: the answer is the same whether it exists or not."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    ids = (dad.card.id.hex(), "00" * 32, "x", "F" * 64)
    answers = [await mum.client.delete(f"/v1/devices/{text}", headers=mum.headers) for text in ids]
    assert {code_of(answer) for answer in answers} == {"not_found"}
    assert len({answer.content for answer in answers}) == 1
    assert (await dad.client.get("/v1/devices", headers=dad.headers)).status_code == 200


async def test_two_openings_of_one_account_at_once_make_one(server):
    """ACC-1."""
    phone = server.phone("mum")
    new = phone.card.new_account(ORIGIN)
    answers = await asyncio.gather(*(phone.post_json("/v1/accounts", new) for _ in range(4)))
    assert len({answer.content for answer in answers}) == 1
