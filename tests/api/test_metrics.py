"""GET /metrics: exact text, closed labels, and only for whom the operator says. LIM-11."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from backend.events.answer import ENDS
from backend.http.docs import DOC
from backend.http.metrics import DURATION, FAMILIES, SECONDS, Metrics
from backend.notices.store import Kind
from backend.push.sender import Reason
from sync.wire.errors import PROBLEMS, REFUSALS
from sync.wire.exchange import VaultAsk
from sync.wire.ids import LogHash
from tests.api.family_kit import join
from tests.api.phone_kit import make_frame, make_frames, noise
from tests.api.server_kit import ORIGIN, Served, served

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Samples by name and labels; every line is a sample or says what the samples after it are."""
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    family = kind = ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family
        else:
            found = SAMPLE.match(line)
            assert found, line
            name, labels, value = found.groups()
            assert name == family or (kind == "histogram" and name.rpartition("_")[0] == family)
            key = name, tuple(LABEL.findall(labels or ""))
            assert key not in samples
            samples[key] = float(value)
    return samples


async def figures(server: Served) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await server.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


def test_the_text_is_exact():
    """LIM-11: cumulative buckets, their sum and count; labels escaped."""
    metrics = Metrics()
    for seconds in (0.0005, 0.001, 0.3, 99.0):
        metrics.observe("GET", "/x", 200, None, seconds)
    metrics.observe("GET", 'a"b\\c\nd', 404, "not_found", 0.0)
    text = metrics.text()
    assert 'carnet_requests_total{method="GET",route="/x",status="200"} 4\n' in text
    assert 'carnet_requests_total{method="GET",route="a\\"b\\\\c\\nd",status="404"} 1\n' in text
    assert 'carnet_problems_total{code="not_found"} 1\n' in text
    samples = read(text)
    within = [samples[f"{DURATION}_bucket", (("route", "/x"), ("le", le))] for le in (*map(repr, SECONDS), "+Inf")]
    assert within == [2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4]
    assert samples[f"{DURATION}_count", (("route", "/x"),)] == 4
    assert samples[f"{DURATION}_sum", (("route", "/x"),)] == pytest.approx(99.3015)
    assert samples["carnet_pushes_total", ()] == 0


def test_each_of_several_processes_names_itself():
    """LIM-11."""
    metrics = Metrics("71")
    metrics.observe("GET", "/x", 200, None, 1.0)
    samples = [line for line in metrics.text().splitlines() if not line.startswith("#")]
    assert samples
    assert all('{worker="71"' in line for line in samples)


async def test_what_happens_is_counted(server):
    """LIM-11: requests, pushes, items, refusals, problems, notices."""
    mum = await server.registered("mum")
    book = await mum.found()
    await mum.push(book, *make_frames(book, mum.card, 3))
    again = book.items[-1]
    await mum.push(book, again)
    await mum.sync(mum.ask(book, make_frame(book, mum.card, version=9)))
    await mum.sync(VaultAsk(book.vault, 99, LogHash(noise("ahead")), 0))
    tablet = server.phone("tablet")
    await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
    await tablet.log_in()
    await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, server.phone("watch").card))
    await tablet.sync()
    await server.client.get("/v1/devices")
    samples = await figures(server)
    expected = {
        ("carnet_items_total", (("kind", "entry"),)): 1,
        ("carnet_items_total", (("kind", "frame"),)): 3,
        ("carnet_pushes_total", ()): 4,
        ("carnet_push_groups_total", ()): 4,
        ("carnet_refusals_total", (("code", "version"),)): 1,
        ("carnet_refusals_total", (("code", "behind"),)): 1,
        ("carnet_notices_total", (("kind", "new_device"),)): 1,
        ("carnet_problems_total", (("code", "token_invalid"),)): 1,
        ("carnet_requests_total", (("method", "POST"), ("route", "/v1/sync"), ("status", "200"))): 6,
        ("carnet_request_seconds_count", (("route", "/v1/sync"),)): 6,
    }
    assert {key: samples.get(key) for key in expected} == expected


async def test_labels_hold_words_of_the_software_and_nothing_about_anyone(server):
    """LIM-11: whatever callers send."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    await dad.push(theirs, make_frame(theirs, dad.card))
    await server.client.delete(f"/v1/devices/{dad.card.id.hex()}", headers=mum.headers)
    await server.client.get(f"/v1/links/{'cd' * 16}/hello?q={mum.token}")
    await server.client.get(f"/{mum.account.hex()}")
    await server.client.request("BREW", f"/{mum.token}")
    text = (await server.client.get("/metrics")).text
    templates = {
        str(route.path_format)
        for route in server.app.litestar.routes
        for handler in route.route_handlers
        if DOC in handler.opt
    }
    closed = {
        "route": templates | {"unknown"},
        "method": {"GET", "POST", "PUT", "DELETE", "other"},
        "status": {str(number) for number in range(100, 600)},
        "code": {*PROBLEMS, *REFUSALS},
        "class": {"wake", "notice"},
        "reason": ENDS | set(Reason.__args__),  # type: ignore[attr-defined]
        "kind": {"entry", "frame", "sync", "notices", *Kind.__args__},  # type: ignore[attr-defined]
        "le": {*map(repr, SECONDS), "+Inf"},
    }
    for _, labels in read(text):
        for name, value in labels:
            assert value in closed[name], (name, value)
    for id_ in (mum.card.id, dad.card.id, mum.account, book.vault, mum.person):
        assert id_.hex() not in text
    assert "127.0.0.1" not in text
    assert {name for family in FAMILIES.values() for name in family.labels} <= set(closed)


@pytest.mark.parametrize(
    ("setting", "client", "headers", "status"),
    [
        ("loopback", "127.0.0.1", {}, 200),
        ("loopback", "::1", {}, 200),
        ("loopback", "192.0.2.1", {}, 404),
        ("loopback", "testclient", {}, 404),
        ("loopback", "127.0.0.1", {"x-forwarded-for": "192.0.2.1"}, 404),
        ("loopback", "127.0.0.1", {"forwarded": "for=192.0.2.1"}, 404),
        ("loopback", "127.0.0.1", {"via": "1.1 proxy"}, 404),
        ("everyone", "192.0.2.1", {}, 200),
        ("nobody", "127.0.0.1", {}, 404),
    ],
)
async def test_only_who_may_reads_the_figures(tmp_path, setting, client, headers, status):
    """LIM-11: what a proxy forwards comes from this machine too, and is not meant."""
    async with served(tmp_path, metrics=setting) as server:
        transport = httpx.ASGITransport(server.app.asgi, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as caller:
            answer = await caller.get("/metrics", headers=headers)
            assert answer.status_code == status
            nowhere = await caller.get("/nope", headers=headers)
            assert status == 200 or answer.content == nowhere.content


async def test_sizes_are_of_the_process_the_disk_and_the_database(server):
    """LIM-11: whether it fills up can be seen without a tool beside."""
    before = await figures(server)
    assert before["carnet_disk_bytes", ()] > before["carnet_disk_free_bytes", ()] > 0
    assert before["process_cpu_seconds_total", ()] > 0
    if Path("/proc/self/fd").exists():
        assert before["process_resident_memory_bytes", ()] > 10_000_000
        assert before["process_open_fds", ()] > 2
    mum = await server.registered("mum")
    book = await mum.found()
    for _ in range(4):
        await mum.push(book, *make_frames(book, mum.card, 10, size=20_000))
    after = await figures(server)
    assert after["carnet_database_bytes", ()] > before["carnet_database_bytes", ()] + 200_000
