"""What a visit leaves behind, and what a document may do to the page: VIE-2, VIE-4, VIE-15, VIE-17 and VIE-18."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.documents import allergy, document, medicine, ordinary, section
from tests.browser.page_kit import FLAGS, Reader, chromium

CANARY = "Canarykenzenol"
ATTACKS = [
    "<script>document.title='x'</script>",
    "<img src=x onerror=\"document.title='x'\">",
    "<svg onload=\"document.title='x'\"><a href=\"javascript:document.title='x'\">y</a></svg>",
    "javascript:document.title='x'",
    "{{constructor.constructor('document.title=1')()}} ${document.title='x'}",
    '"><iframe srcdoc="<script>parent.document.title=1</script>"></iframe>',
    "<style>@import 'https://elsewhere.example/x.css';</style><link rel=stylesheet href=https://elsewhere.example/x.css>",
    "<form action=https://elsewhere.example><input name=x><button>Go</button></form>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=document.title=1&gt;">',
]


def poisoned(value: object, poison: str) -> object:
    """The same document with a text in every place where a text stands, codes and links between records aside."""
    if isinstance(value, dict):
        kept = ("reference", "fullUrl", "resourceType", "system", "code", "div", "url")
        return {k: v if k in kept else poisoned(v, poison) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(each, poison) for each in value]
    return poison if isinstance(value, str) else value


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_a_script_in_every_text_and_in_a_narrative_is_inert(reader, server, attack):
    """VIE-2, VIE-15: nothing runs, loads, or stands in the page as an element.

    The browser parses a narrative before it is sanitised, and its policy refuses inline styles even there: it says so.
    """
    what = poisoned(ordinary(), attack)
    told = {"status": "generated", "div": f"<div xmlns='http://www.w3.org/1999/xhtml'><p>Told</p>{attack}</div>"}
    what["entry"][0]["resource"]["section"].append(section("104605-1", text=told) | {"records": None})
    page = reader.open(server.share(what).link)
    assert page.title() == "Patient summary"
    assert page.locator(".alerts .narrative").get_by_text("Told").count() == 1
    harmful = "article :is(script, img, svg, iframe, style, link, form, input, a, math, [onerror], [onload], [style])"
    assert page.locator(harmful).count() == 0
    assert attack in page.locator(".allergies").text_content()
    assert {url.split("/")[2] for url in reader.asked} == {server.url.split("/")[2]}
    assert [each for each in reader.complaints if "Applying inline style" not in each] == []


@pytest.mark.parametrize("way", ["pasted", "by the address line"])
def test_forget_leaves_nothing_of_a_summary_on_the_disk(playwright, server, tmp_path, way):
    """VIE-17: a search over the browser's whole profile folder."""
    what = document(section("48765-2", allergy(CANARY)), name=[{"text": f"{CANARY} Testperson"}])
    made = server.share(what, passcode="canary2468")
    key = made.link.split("shlink:/")[1]
    context = playwright.chromium.launch_persistent_context(
        str(tmp_path), executable_path=chromium(), args=FLAGS, headless=True
    )
    reader = Reader(context, server)
    if way == "pasted":
        reader.visit(server.view)
        reader.page.locator("[name=link]").fill(made.link)
        reader.page.get_by_role("button", name="Continue").click()
    else:
        reader.visit(made.link)
    reader.answer("canary2468")
    reader.page.locator("article.summary").wait_for()
    reader.page.get_by_role("button", name="Forget").click()
    reader.page.get_by_role("heading", name="Forgotten").wait_for()
    assert CANARY not in reader.page.content()
    assert ("its history may still hold it" in reader.page.content()) == (way != "pasted")
    stored = "Promise.resolve([localStorage.length, sessionStorage.length, document.cookie, history.state])"
    assert reader.page.evaluate(stored) == [0, 0, "", None]
    reader.page.go_back()
    reader.page.go_forward()
    assert CANARY not in reader.page.content()
    context.close()
    # What the browser noted of an address before the page ran is its own: the link, and its token within.
    secrets = [CANARY, "canary2468", "Test reader, Test clinic", *([key, made.share.token] if way == "pasted" else [])]
    found = [
        (str(path.relative_to(tmp_path)), secret)
        for path in tmp_path.rglob("*")
        if path.is_file()
        for secret in secrets
        if any(secret.encode(form) in path.read_bytes() for form in ("utf-8", "utf-16-le"))
    ]
    assert found == []


def test_ten_idle_minutes_forget(reader, server):
    """VIE-17: the page's clock is moved."""
    reader.page.clock.install()
    reader.open(server.share(ordinary()).link)
    reader.page.clock.run_for("09:30")
    assert reader.page.locator("article.summary").count() == 1
    reader.page.clock.run_for("01:00")
    reader.page.get_by_role("heading", name="Forgotten").wait_for()
    assert "Testa" not in reader.page.content()


def test_a_reload_asks_first_while_a_summary_is_shown(reader, server):
    """VIE-17."""
    asked = []
    reader.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page = reader.open(server.share(ordinary()).link)
    page.locator("h1").click()
    page.reload()
    assert asked == ["beforeunload"]
    page.reload()
    assert asked == ["beforeunload"]


def test_the_page_opens_again_without_network_and_keeps_no_share(reader, server):
    """VIE-4."""
    page = reader.open(server.share(ordinary()).link)
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.get_by_role("button", name="Forget").click()
    reader.context.set_offline(True)
    fresh = page
    fresh.goto(server.view, wait_until="commit")
    fresh.get_by_role("button", name="Scan the QR code").wait_for()
    fresh.locator("select").select_option("el")
    fresh.locator("html[lang=el]").wait_for()
    fresh.goto(server.share(ordinary()).link)
    fresh.locator("[name=recipient]").fill("Test reader")
    fresh.locator("form button.big").click()
    assert "δίκτυο" in fresh.locator("[role=alert]").text_content()
    reader.context.set_offline(False)


def test_what_is_copied_is_the_summary_in_words(reader, server):
    """VIE-18."""
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page = reader.open(server.share(ordinary()).link)
    page.get_by_role("button", name="Copy as text").click()
    page.get_by_text("Copied.").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    lines = text.splitlines()
    assert lines[0] == "Testa Testperson"
    assert text.index("Penicillin; high risk; Hives – severe") < text.index("Pollen") < text.index("Metformin")
    assert "- Latex" in lines[lines.index("No longer active:") + 1]


def test_what_is_saved_is_the_document_byte_for_byte(reader, server, tmp_path):
    """VIE-18."""
    raw = json.dumps(document(section("10160-0", medicine("Metformin", "1.50 tablets"))), indent=1).encode()
    page = reader.open(server.share(raw).link)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as FHIR JSON").click()
    saved.value.save_as(tmp_path / "saved.json")
    assert (tmp_path / "saved.json").read_bytes() == raw


def test_a_usual_summary_prints_on_two_pages_at_most_with_nothing_folded(reader, server, tmp_path):
    """VIE-18."""
    many = [medicine(f"Medicine {n}", f"{n} mg in the morning") for n in range(14)]
    folded = section(
        "47519-4", {"resourceType": "Procedure", "status": "completed", "code": {"text": "Hip replacement"}}
    )
    page = reader.open(server.share(document(section("10160-0", *many), folded)).link)
    assert page.locator("details").evaluate_all("all => all.map(each => each.open)") == [False]
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details").evaluate_all("all => all.map(each => each.open)") == [True]
    page.pdf(path=tmp_path / "printed.pdf", prefer_css_page_size=True)
    assert 1 <= Path(tmp_path / "printed.pdf").read_bytes().count(b"/Type /Page\n") <= 2
