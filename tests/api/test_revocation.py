"""A device that is revoked is out at once, on every route that takes a token: ACC-9."""

from __future__ import annotations

from backend.http.docs import DOC
from sync.wire.account import TokenRequest
from sync.wire.exchange import SyncRequest, encode_request
from tests.api.phone_kit import MSGPACK, Phone, make_frame
from tests.api.server_kit import Served, code_of


def guarded(server: Served) -> list[tuple[str, str, str]]:
    """Method, path with an id in it, media type of the body, of every route that takes a token."""
    found = []
    for route in server.app.litestar.routes:
        for handler in route.route_handlers:
            doc = handler.opt.get(DOC)
            if doc is not None and doc.token:
                path = route.path_format.replace("{device}", "ab" * 32).replace("{share}", "ab" * 16)
                path = path.replace("{issuer}", "ab" * 16).replace("{note}", "1")
                media_type = doc.body.media_type if doc.body else ""
                found += [(str(getattr(m, "value", m)), path, media_type) for m in handler.http_methods]
    return found


async def revoked_phone(server: Served) -> tuple[Phone, list[str]]:
    """A revoked phone, with two tokens that it got before."""
    mum, tablet = await server.registered("mum"), server.phone("tablet")
    await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
    tokens = []
    for _ in range(2):
        await tablet.log_in()
        tokens.append(tablet.token)
        assert (await tablet.sync()).vaults == []
    gone = await mum.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
    assert gone.status_code == 204
    return tablet, tokens


async def test_every_route_with_a_token_is_closed_to_it_whatever_else_is_wrong(server):
    """ACC-9: with each token given before, with and without a body, of the right type and another."""
    _, tokens = await revoked_phone(server)
    routes = guarded(server)
    assert {(method, path.replace("ab" * 16, "*")) for method, path, _ in routes} == {
        ("GET", "/v1/devices"),
        ("DELETE", "/v1/devices/**"),
        ("PUT", "/v1/devices/self/push"),
        ("GET", "/v1/devices/self/push"),
        ("DELETE", "/v1/devices/self/push"),
        ("POST", "/v1/sync"),
        ("GET", "/v1/events"),
        ("PUT", "/v1/issuers/*"),
        ("DELETE", "/v1/issuers/*"),
        ("PUT", "/v1/shares/*"),
        ("GET", "/v1/shares/*"),
        ("PATCH", "/v1/shares/*"),
        ("DELETE", "/v1/shares/*"),
        ("PUT", "/v1/shares/*/files"),
        ("GET", "/v1/shares/*/openings"),
        ("GET", "/v1/ledger"),
        ("GET", "/v1/notes"),
        ("GET", "/v1/shares/*/notes/1"),
        ("PATCH", "/v1/shares/*/notes/1"),
    }
    for token in tokens:
        for method, path, media_type in routes:
            for headers, content in (
                ({"content-type": media_type or "text/plain"}, b"\x91\x90"),
                ({"content-type": "text/plain"}, b"x"),
                ({}, b""),
            ):
                answer = await server.client.request(
                    method, path, content=content, headers={"authorization": f"Bearer {token}"} | headers
                )
                assert (answer.status_code, code_of(answer)) == (403, "revoked"), (method, path)


async def test_it_gets_no_new_token_and_enrols_nobody(server):
    """ACC-6, ACC-12."""
    tablet, _ = await revoked_phone(server)
    asked = TokenRequest(tablet.card.assertion(tablet.origin, tablet.now_s()))
    assert code_of(await tablet.post_json("/v1/token", asked)) == "revoked"
    mum = await server.registered("mum")
    new = server.phone("watch")
    enrolment = tablet.card.enrolment(mum.account, new.card)
    assert code_of(await new.post_json("/v1/devices", enrolment)) == "not_found"


async def test_an_ended_token_of_it_says_so_too(server):
    """ACC-9: a phone that was away learns why, and not only that its token has ended."""
    tablet, _ = await revoked_phone(server)
    server.clock.seconds(601)
    assert code_of(await tablet.send()) == "revoked"


async def test_a_body_that_drips_in_outlives_no_revocation(server):
    """ACC-9: begun before, finished after; nothing of it is stored."""
    mum, tablet = await server.registered("mum"), server.phone("tablet")
    await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
    await tablet.log_in()
    book = await tablet.found()
    body = encode_request(SyncRequest((tablet.ask(book, make_frame(book, tablet.card)),)))

    async def dripping():
        yield body[:10]
        server.clock.seconds(2)
        await mum.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
        yield body[10:]

    answer = await server.client.post("/v1/sync", content=dripping(), headers=tablet.headers | MSGPACK)
    assert (answer.status_code, code_of(answer)) == (403, "revoked")
    assert (await server.engine.reading().fetch("SELECT count(*) FROM items"))[0][0] == 1
