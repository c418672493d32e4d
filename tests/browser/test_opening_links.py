"""How a link is opened, and what is said when it is not: VIE-5 to VIE-8 of openapi/protocol/viewer.md."""

from __future__ import annotations

import json
import os
import time
import zlib

import pytest

from tests.browser.documents import allergy, document, ordinary, section
from tests.browser.page_kit import Reader, Server, jwe_of, link_of, serving

ANY_KEY = b"k" * 32
ANY_KEY_TEXT = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"


@pytest.fixture
def again(visitor: Reader) -> Reader:
    """Somebody who has been here before, for what a first visit does not differ in."""
    return visitor.anew()


def trouble(reader: Reader, link: str, passcode: str = "") -> str:
    reader.visit(link)
    reader.answer(passcode)
    return reader.page.locator("[role=alert]").text_content() or ""


def foreign(reader: Reader, server: Server, jwe: str) -> str:
    """The link of a share on a server that hands out what ours would refuse."""
    body = json.dumps({"files": [{"contentType": "application/fhir+json", "embedded": jwe}]})
    reader.context.route("**/s/*", lambda route: route.fulfill(status=200, content_type="application/json", body=body))
    return f"{server.view}#{link_of({'url': f'{server.url}/s/x', 'key': ANY_KEY_TEXT, 'v': 1})}"


def test_a_link_is_opened_and_leaves_the_address_at_once(reader, server):
    """VIE-3, VIE-5, VIE-6."""
    made = server.share(ordinary())
    page = reader.visit(made.link)
    page.locator("[name=recipient]").wait_for()
    assert page.url == server.view
    assert page.evaluate("document.documentElement.innerHTML").count(made.link.split("shlink:/")[1]) == 0
    reader.answer()
    page.locator("article.summary").wait_for()
    assert {url.split("/")[2] for url in reader.asked} == {server.url.split("/")[2]}
    assert reader.complaints == []


def test_the_owner_reads_who_opened_it(again, server):
    """VIE-6."""
    made = server.share(ordinary())
    with again.context.expect_event("requestfinished", lambda request: "/s/" in request.url) as asked:
        again.open(made.link)
    assert json.loads(asked.value.post_data)["recipient"] == "Test reader, Test clinic"
    assert "passcode" not in asked.value.post_data


def test_wrong_passcodes_are_counted_down_and_the_right_one_opens(again, server):
    """VIE-6, VIE-8."""
    made = server.share(ordinary(), passcode="2468")
    assert trouble(again, made.link, "1111") == "Wrong passcode: 4 tries left."
    page = again.page
    assert page.locator("[name=passcode]").evaluate("it => it === document.activeElement")
    assert page.locator("[name=recipient]").input_value() == "Test reader, Test clinic"
    again.answer("2468")
    page.locator("article.summary").wait_for()


def test_the_last_wrong_passcode_closes_the_link(again, server):
    """VIE-8."""
    made = server.share(ordinary(), passcode="2468")
    again.visit(made.link)
    for left in (4, 3, 2, 1):
        again.answer("1111")
        again.page.get_by_text(f"{left} tries left").wait_for()
    again.answer("1111")
    again.page.get_by_text("no tries left").wait_for()


def test_a_direct_link_is_fetched_without_a_manifest(again, server):
    """VIE-7."""
    again.open(server.share(ordinary(), direct=True).link)
    assert any("?recipient=" in url for url in again.asked)


def test_every_file_of_a_share_is_shown(again, server):
    """VIE-7."""
    plains = [json.dumps(document(section("48765-2", allergy(name)))).encode() for name in ("Nuts", "Eggs")]
    made = server.share(None, files=[jwe_of(plain, ANY_KEY) for plain in plains], link={"key": ANY_KEY_TEXT})
    page = again.open(made.link)
    assert page.locator("article.summary .allergies .name").all_text_contents() == ["Nuts", "Eggs"]


def test_a_large_file_is_fetched_where_the_manifest_says(again, server):
    """VIE-7: more characters than the page takes in a manifest."""
    what = document(section("48765-2", allergy("Nuts", note=[{"text": os.urandom(400_000).hex()}])))
    assert again.open(server.share(what).link).locator(".allergies .name").text_content() == "Nuts"
    assert any("/s/file/" in url for url in again.asked)


def test_a_compressed_file_is_read(again, server):
    """VIE-7."""
    deflated = zlib.compress(json.dumps(ordinary()).encode(), wbits=-15)
    again.open(foreign(again, server, jwe_of(deflated, ANY_KEY, zip="DEF")))
    assert again.page.locator("h1").text_content() == "Testa Testperson"


def test_a_file_that_swells_is_stopped(again, server):
    """VIE-7, VIE-8."""
    swollen = zlib.compress(bytes(40_000_000), 9, wbits=-15)
    assert "too large" in trouble(again, foreign(again, server, jwe_of(swollen, ANY_KEY, zip="DEF")))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"v": 2}, "newer kind"),
        ({"key": "c2hvcnQ"}, "not a link"),
        ({"url": "ftp://carnet.example/s"}, "not a link"),
        ({"url": None}, "not a link"),
    ],
    ids=["a newer version", "a short key", "another scheme", "no address"],
)
def test_a_link_that_cannot_be_read_says_so_and_asks_nobody(again, server, wish, words):
    """VIE-5, VIE-8."""
    base = {"url": f"{server.url}/s/x", "key": "a" * 43, "v": 1}
    page = again.visit(f"{server.view}#{link_of(base | wish)}")
    assert words in page.locator("[role=alert]").text_content()
    assert not any("/s/" in url for url in again.asked)


@pytest.mark.parametrize(
    "wish",
    [{"exp": str(4_000_000_000_000)}, {"exp": 4_000_000_000}, {"flag": "LZ"}, {"v": None, "something": "else"}],
    ids=["an end in ms as text", "an end in seconds", "a flag nobody knows", "no version, a stray property"],
)
def test_a_link_that_others_write_differently_is_opened(again, server, wish):
    """VIE-5."""
    again.open(server.share(ordinary(), link={k: v for k, v in wish.items() if v is not None}).link)


def test_a_closed_link_and_an_expired_one_read_differently(again, server):
    """VIE-8."""
    made = server.share(ordinary())
    server.change(made)
    assert "This link is closed" in trouble(again, made.link)
    past = int(time.time()) - 60
    expired = server.share(ordinary(), expires_at=past * 1000, link={"exp": past})
    assert "The time of this link is over" in trouble(again, expired.link)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (jwe_of(b"{}", b"another key" * 2 + b"0123456789"), "could not be decrypted"),
        (jwe_of(b"no JSON", ANY_KEY), "could not be understood"),
        (jwe_of(b"[1]", ANY_KEY), "could not be understood"),
        (jwe_of(b'{"resourceType":"Bundle"}', ANY_KEY), "could not be understood"),
        ("eyJhbGciOiJFUzI1NiJ9.e30.c2ln", "is not encrypted"),
    ],
    ids=["another key", "no JSON", "no resource", "an empty bundle", "a JWS"],
)
def test_a_file_that_is_not_what_it_should_be_says_so(again, server, text, words):
    """VIE-7, VIE-8."""
    assert words in trouble(again, foreign(again, server, text))
    assert [each for each in again.complaints if each.startswith("error: ")] == []


def test_too_many_requests_and_a_silent_server_say_what_to_do(reader, server):
    """VIE-8."""
    made = server.share(ordinary())
    busy = {"status": 429, "headers": {"retry-after": "7"}, "body": "{}"}
    reader.context.route("**/s/*", lambda route: route.fulfill(**busy))
    assert "Try again in 7 seconds" in trouble(reader, made.link)
    reader.context.unroute("**/s/*")
    reader.context.route("**/s/*", lambda route: route.abort())
    reader.page.get_by_role("button", name="Try again").click()
    reader.page.get_by_text("The server did not answer").wait_for()
    reader.context.unroute("**/s/*")
    reader.page.get_by_role("button", name="Try again").click()
    reader.page.locator("article.summary").wait_for()


def test_a_server_that_the_page_may_not_ask_is_named(reader, server):
    """VIE-2, VIE-8."""
    page = reader.visit(f"{server.view}#{link_of({'url': 'https://elsewhere.example/s/x', 'key': 'a' * 43, 'v': 1})}")
    reader.answer()
    assert "may not ask elsewhere.example" in page.locator("[role=alert]").text_content()
    assert not any("elsewhere" in url for url in reader.asked)


def test_a_link_of_a_server_on_the_operators_list_is_opened(tmp_path, browser, server):
    """VIE-2: the data plane is another origin's, and the policy lets that one through."""
    with serving(tmp_path, CARNET_VIEWER_SERVERS="https://b.example") as other:
        context = browser.new_context()
        reader = Reader(context, other)
        payload = {"url": "https://b.example/s/x", "key": ANY_KEY_TEXT, "v": 1}
        file = {"contentType": "application/fhir+json", "embedded": jwe_of(json.dumps(ordinary()).encode(), ANY_KEY)}
        headers = {"access-control-allow-origin": "*", "access-control-allow-headers": "content-type"}
        body = json.dumps({"files": [file]})
        context.route("https://b.example/**", lambda route: route.fulfill(status=200, headers=headers, body=body))
        reader.open(f"{other.view}#{link_of(payload)}")
        context.close()


def test_a_pasted_link_is_opened_with_or_without_the_pages_address(reader, server):
    """VIE-5."""
    for text in (made := server.share(ordinary()).link, made.split("#")[1]):
        page = reader.visit(server.view)
        page.locator("[name=link]").fill(f"  {text} ")
        page.get_by_role("button", name="Continue").click()
        page.locator("[name=recipient]").wait_for()
    page = reader.visit(server.view)
    page.locator("[name=link]").fill("https://host.example/")
    page.get_by_role("button", name="Continue").click()
    assert "not a link to a patient summary" in page.locator("[role=alert]").text_content()


def test_an_emergency_link_asks_who_and_why_and_says_who_is_told(reader, server):
    """SHR-42: both are sent as the recipient, and the link leaves the address as any other."""
    made = server.share(ordinary(), long_term=True, link={"emergency": True})
    page = reader.visit(made.link)
    assert page.locator("h1").text_content() == "Medical emergency"
    assert "are told at once" in page.locator("form").text_content()
    page.locator("[name=recipient]").fill("Dr. Test, Test clinic")
    page.locator("form button.big").click()
    assert page.locator("article.summary").count() == 0, "a reason is needed"
    with page.expect_request(lambda request: "/s/" in request.url) as asked:
        page.locator("[name=why]").fill("found unconscious")
        page.locator("form button.big").click()
    assert asked.value.post_data_json["recipient"] == "Dr. Test, Test clinic: found unconscious"
    page.locator("article.summary").wait_for()
