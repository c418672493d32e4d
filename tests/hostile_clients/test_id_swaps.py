"""Every route with every id replaced by another account's: refused as documented, alike whether it exists or not, and
nothing is changed. ACC-12, ACC-16, SYN-22, LNK-2."""

from __future__ import annotations

import io
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import pytest
import pytest_asyncio

from backend.http.logs import start_logs
from sync.wire.account import DeviceInfo
from sync.wire.ids import AccountId
from sync.wire.link import SealedPost
from tests.api.phone_kit import JSON, CardKeys, Phone, founding, make_frame, noise, read_answer
from tests.api.server_kit import Served, code_of, served
from tests.api.share_kit import Share
from tests.hostile_clients.process_kit import Dump, dump_of
from tests.hostile_clients.swaps import LINK, ROWS, THEIRS, Asked, Other, Swap, places_of, routes_of

ROUTES = [pytest.param(row, id=" ".join(route)) for route, row in ROWS.items() if row]
WITH_TOKEN = [
    ("GET", "/v1/devices"),
    ("DELETE", "/v1/devices/{device}"),
    ("PUT", "/v1/devices/self/push"),
    ("GET", "/v1/devices/self/push"),
    ("DELETE", "/v1/devices/self/push"),
    ("PUT", "/v1/issuers/{issuer}"),
    ("DELETE", "/v1/issuers/{issuer}"),
    ("PUT", "/v1/shares/{share}"),
    ("GET", "/v1/shares/{share}"),
    ("PATCH", "/v1/shares/{share}"),
    ("DELETE", "/v1/shares/{share}"),
    ("PUT", "/v1/shares/{share}/files"),
    ("GET", "/v1/shares/{share}/openings"),
    ("GET", "/v1/events"),
    ("GET", "/v1/ledger"),
    ("GET", "/v1/notes"),
    ("GET", "/v1/shares/{share}/notes/{note}"),
    ("PATCH", "/v1/shares/{share}/notes/{note}"),
    ("POST", "/v1/sync"),
]


class World(NamedTuple):
    """A server on which somebody has a log, and I have one; and somebody who is nowhere, made like the first."""

    server: Served
    me: Phone
    theirs: Other
    nobodys: Other
    tokens: dict[str, str]  # what is no token of mine, by why


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    start_logs(io.StringIO())
    async with served(tmp_path) as server:
        mum, me, tablet = await server.registered("mum"), await server.registered("me"), server.phone("tablet")
        late = me.token
        server.clock.seconds(601)
        await me.log_in()
        await mum.log_in()
        book = await mum.found()
        await me.found()
        await Share(mum, THEIRS).made()
        await mum.push(book, make_frame(book, mum.card))
        await tablet.post_json("/v1/devices", me.card.enrolment(me.account, tablet.card))  # type: ignore[arg-type]
        await tablet.log_in()
        await server.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=me.headers)
        for post in ("hello", "welcome"):
            laid = msgspec.json.encode(SealedPost(noise(post), b"theirs"))
            await server.client.put(f"/v1/links/{LINK}/{post}", content=laid, headers=JSON)
        nobody = CardKeys("nobody")
        nowhere, entry, _, _ = founding(nobody, mum.person)
        nowhere.take(entry)
        nowhere.take(make_frame(nowhere, nobody))
        tokens = {"": "token_invalid", f"Bearer {late}": "token_invalid", f"Bearer {tablet.token}": "revoked"}
        tokens |= {"Bearer " + "A" * 43: "token_invalid", f"Basic {me.token}": "token_invalid"}
        nobodys = Other(nobody, AccountId(noise("account", length=16)), nowhere)
        yield World(server, me, Other(mum.card, mum.account, book), nobodys, tokens)  # type: ignore[arg-type]


async def ask(world: World, asked: Asked, token: str) -> httpx.Response:
    headers = asked.headers | ({"authorization": token} if token else {})
    return await world.server.client.request(asked.method, asked.path, content=asked.body, headers=headers)


def seen(answer: httpx.Response, other: Other) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All of an answer, with the other's names made alike and without the random request id."""
    body = answer.content
    for number, name in enumerate(other.names()):
        body = body.replace(name, b"name %d" % (number if len(name) == 16 else 0))
    headers = [(k, v) for k, v in answer.headers.multi_items() if k not in ("x-request-id", "date")]
    return answer.status_code, body, headers


def word(answer: httpx.Response) -> str:
    if answer.status_code != 200:
        return code_of(answer)
    return read_answer(answer.content).one.code or "nothing"


async def dump(world: World) -> Dump:
    return await dump_of(world.server.engine.reading())


async def test_every_route_has_a_row_and_every_id_of_it_a_place(world: World):
    """A new route, or a new id in a path or body, needs its place in the matrix."""
    routes = routes_of(world.server)
    assert ROWS.keys() == routes.keys()
    for (method, path), (route, doc) in routes.items():
        assert places_of(method, route, doc) == {swap.place for swap in ROWS[method, path]}, (method, path)
    assert {key for key, (_, doc) in routes.items() if doc.token} == set(WITH_TOKEN)


@pytest.mark.parametrize("row", ROUTES)
async def test_anothers_id_gets_the_documented_word_alike_whether_it_exists(world: World, row: list[Swap]):
    """And nothing is changed."""
    before = await dump(world)
    for swap in row:
        answers = []
        for other in (world.theirs, world.nobodys):
            answer = await ask(world, swap.ask(world.me, other), f"Bearer {world.me.token}")
            assert (answer.status_code, word(answer)) == (swap.status, swap.code), swap
            answers.append(seen(answer, other))
        assert answers[0] == answers[1], swap
    assert await dump(world) == before


@pytest.mark.parametrize("row", ROUTES)
async def test_without_a_good_token_nothing_is_looked_at(world: World, row: list[Swap]):
    """ACC-8, ACC-9: no token, another shape, unknown, ended, of a revoked device; other routes look at none."""
    before = await dump(world)
    guarded = next(route for route, swaps in ROWS.items() if swaps is row) in WITH_TOKEN
    for swap, (token, code) in itertools.product(row, world.tokens.items()):
        answers = []
        for other in (world.theirs, world.nobodys):
            answer = await ask(world, swap.ask(world.me, other), token)
            assert word(answer) == (code if guarded else swap.code), swap
            answers.append(seen(answer, other))
        assert answers[0] == answers[1], swap
    assert await dump(world) == before


async def test_a_list_of_devices_holds_ones_own_alone(world: World):
    """ACC-16."""
    before = await dump(world)
    answer = await ask(world, Asked("GET", "/v1/devices", {}, b""), f"Bearer {world.me.token}")
    listed = msgspec.json.decode(answer.content, type=list[DeviceInfo])
    assert len(listed) == 2
    assert world.theirs.card.id not in {info.device for info in listed}
    for token, code in world.tokens.items():
        assert code_of(await ask(world, Asked("GET", "/v1/devices", {}, b""), token)) == code
    assert await dump(world) == before


async def test_what_a_stranger_hears_of_a_vault_by_its_id_is_behind_and_why_it_was_not_founded(world: World):
    """SYN-20, SYN-40: the two documented words in which a vault that exists differs from one that does not.

    Both need its id, 32 bytes that no route lists; they give a place in the log and nothing of it.
    """
    before = await dump(world)
    codes = []
    for other in (world.theirs, world.nobodys):
        ahead = msgspec.structs.replace(world.me.ask(other.book), cursor=99)
        frame = msgspec.structs.replace(world.me.ask(other.book.cut(0)), items=(make_frame(other.book, world.me.card),))
        answers = [(await world.me.sync(one)).one for one in (ahead, frame)]
        codes.append([(a.code, a.answer.next) for a in answers])
        for a in answers:
            assert (a.items, a.answer.acks, a.answer.proof, a.answer.key, a.answer.wrap_wanted) == (
                [],
                (),
                None,
                None,
                (),
            )
            assert a.answer.lost_entries == ()
    assert codes == [[("behind", 2), ("removed", 0)], [("behind", 0), ("rights", 0)]]
    assert await dump(world) == before
