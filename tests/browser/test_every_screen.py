"""Every state of the page for everybody: axe in three languages, keyboard, 320 px, dark. Source: WCAG 2.2 AA."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from backend.web.files import FOLDER
from tests.browser.documents import TERMS, document, ordinary, section, vaccination
from tests.browser.page_kit import CAMERA, Reader, Server, launch

AXE = Path(__file__).with_name("vendor") / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]  # all that can differ in the dark: see the test of the style sheet
LANGUAGES = ("en", "el", "de")
CUT_OFF = """() => [...document.querySelectorAll('body, body *:not(option)')]
  .filter((it) => it.getClientRects().length && !it.matches(".skip"))
  .filter((it) => it.getBoundingClientRect().right > innerWidth + 0.5)
  .map((it) => it.outerHTML.slice(0, 120))"""


def words(lang: str) -> dict[str, dict[str, str]]:
    return json.loads((FOLDER / "words" / f"{lang}.json").read_text("utf-8"))


def speak(reader: Reader, lang: str) -> None:
    reader.page.locator("select").select_option(lang)
    reader.page.locator(f"html[lang={lang}]").wait_for()


def start(reader: Reader, server: Server) -> None:
    reader.visit(server.view)
    reader.page.locator("[name=link]").wait_for()


def scanning(reader: Reader, server: Server) -> None:
    start(reader, server)
    reader.page.locator("button.big").click()
    reader.page.locator("video").wait_for()


def passcode(reader: Reader, server: Server) -> None:
    reader.visit(server.share(ordinary(), passcode="2468").link)
    reader.page.locator("[name=passcode]").wait_for()


def wrong_passcode(reader: Reader, server: Server) -> None:
    passcode(reader, server)
    reader.answer("1111")
    reader.page.locator("[role=alert]").wait_for()


def loading(reader: Reader, server: Server) -> None:
    reader.context.route("**/s/*", lambda route: None)  # a server that takes its time
    reader.visit(server.share(ordinary()).link)
    reader.answer()
    reader.page.locator("main [role=status]").wait_for()


def summary(reader: Reader, server: Server) -> None:
    reader.open(server.share(ordinary()).link)


def empty_section(reader: Reader, server: Server) -> None:
    reason = {"coding": [{"system": f"{TERMS}/list-empty-reason", "code": "nilknown"}]}
    reader.open(server.share(document(section("48765-2", emptyReason=reason))).link)


def broken(reader: Reader, server: Server) -> None:
    what = document(section("11369-6", vaccination("Tetanus vaccine")))
    what["entry"][0]["resource"]["section"][0]["entry"].append({"reference": "Immunization/gone"})
    reader.open(server.share(what).link)


def revoked(reader: Reader, server: Server) -> None:
    made = server.share(ordinary())
    server.change(made)
    reader.visit(made.link)
    reader.answer()
    reader.page.locator("[role=alert]").wait_for()


def expired(reader: Reader, server: Server) -> None:
    past = int(time.time()) - 60
    reader.visit(server.share(ordinary(), expires_at=past * 1000, link={"exp": past}).link)
    reader.answer()
    reader.page.locator("[role=alert]").wait_for()


def offline(reader: Reader, server: Server) -> None:
    reader.visit(server.share(ordinary()).link)
    reader.page.locator("[name=recipient]").wait_for()
    for lang in reversed(LANGUAGES):  # words that were not fetched before cannot be fetched then
        speak(reader, lang)
    reader.context.set_offline(True)
    reader.page.evaluate("!navigator.onLine || new Promise((done) => addEventListener('offline', () => done(null)))")
    reader.answer()
    reader.page.locator("[role=alert]").wait_for()


def forgotten(reader: Reader, server: Server) -> None:
    summary(reader, server)
    reader.page.locator("button.forget").click()
    reader.page.locator("main [role=status]").wait_for()


STATES: list[Callable[[Reader, Server], None]] = [start, passcode, wrong_passcode, loading, summary, empty_section]
STATES += [broken, revoked, expired, offline, forgotten]


def faults(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe finds, as rule and place. `rules`: these alone."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    asked = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": RULES}
    options = json.dumps({"runOnly": asked, "resultTypes": ["violations"]})
    found = page.evaluate(f"axe.run(document, {options}).then((it) => it.violations)")
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}" for each in found]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing_on_any_screen_in_three_languages(reader, server, state):
    """WCAG 2.2 AA, and axe's own good practice; light and dark."""
    state(reader, server)
    for lang in LANGUAGES:
        speak(reader, lang)
        assert faults(reader.page) == [], lang
    reader.page.emulate_media(color_scheme="dark")
    assert faults(reader.page, COLOURS) == [], "dark"


def test_the_dark_gives_the_same_page_other_colours_and_changes_nothing_else():
    """So that axe need not look at all of it in each language again."""
    dark = r"@media \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}\s*\}"
    sheets = [sheet.read_text("utf-8") for sheet in FOLDER.rglob("*.css")]
    blocks = [block for sheet in sheets for block in re.findall(dark, sheet, re.DOTALL)]
    assert len(blocks) == sum(sheet.count("prefers-color-scheme") for sheet in sheets) > 0
    set_there = [line.strip() for block in blocks for line in block.split(";") if line.strip()]
    assert [line for line in set_there if not re.fullmatch(r"--[\w-]+: #[0-9a-f]{3,8}", line)] == []


def test_axe_finds_nothing_on_the_camera(playwright, server):
    browser = launch(playwright, *CAMERA)
    reader = Reader(browser.new_context(permissions=["camera"]), server)
    scanning(reader, server)
    assert faults(reader.page) == []
    browser.close()


def test_a_fault_would_be_found(reader, server):
    """The check itself: a button without a name."""
    start(reader, server)
    reader.page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert faults(reader.page) != []
    reader.page.emulate_media(color_scheme="dark")
    reader.page.evaluate("document.querySelector('h1').style.color = '#222'")
    assert any("color-contrast" in each for each in faults(reader.page, COLOURS))


@pytest.fixture(scope="module")
def narrow(browser: Browser, server: Server) -> Iterator[Reader]:
    """A visitor with a small phone."""
    context = browser.new_context(viewport={"width": 320, "height": 640}, locale="el-GR")
    yield Reader(context, server)
    context.close()


@pytest.mark.parametrize(
    "state", [start, passcode, wrong_passcode, summary, broken, revoked, forgotten], ids=lambda state: state.__name__
)
def test_nothing_is_cut_off_at_320_pixels_in_any_language(narrow, server, state):
    """WCAG 2.2, 1.4.10 Reflow."""
    reader = narrow.anew()
    state(reader, server)
    for lang in reader.page.locator("option").evaluate_all("all => all.map(each => each.value)"):
        reader.page.locator("select").select_option(lang)
        reader.page.locator(f"html[lang={lang}]").wait_for()
        assert reader.page.evaluate(CUT_OFF) == [], lang


def test_everything_is_done_with_the_keyboard_alone(reader, server):
    """WCAG 2.2, 2.1.1; each new screen takes the focus to what it asks, or to its heading."""
    made = server.share(ordinary(), passcode="2468")
    page = reader.visit(server.view)
    keys = page.keyboard
    assert page.locator("h1").evaluate("it => it === document.activeElement")
    for _ in range(3):
        keys.press("Tab")
    keys.insert_text(made.link)
    keys.press("Enter")
    page.locator("[name=recipient]").wait_for()
    keys.insert_text("Test reader")
    keys.press("Tab")
    keys.insert_text("1111")
    keys.press("Enter")
    page.get_by_text("4 tries left").wait_for()
    keys.insert_text("2468")
    keys.press("Enter")
    page.locator("article.summary").wait_for()
    assert page.locator("h1").evaluate("it => it === document.activeElement")


def test_a_language_is_fetched_when_it_is_chosen_and_not_before(reader, server):
    """VIE-16."""
    start(reader, server)
    fetched = {url.rsplit("/", 1)[1] for url in reader.asked if "/words/" in url and "sw.js" not in url}
    assert "en.json" in fetched
    reader.page.locator("select").select_option("fi")
    reader.page.locator("html[lang=fi]").wait_for()
    assert any(url.endswith("/words/fi.json") for url in reader.asked)


def test_every_language_says_that_it_is_not_reviewed_and_lacks_no_word(reader, server):
    """VIE-16."""
    start(reader, server)
    for lang in reader.page.locator("option").evaluate_all("all => all.map(each => each.value)"):
        reader.page.locator("select").select_option(lang)
        reader.page.locator(f"html[lang={lang}]").wait_for()
        said = ["nothing_stored"] if lang == "en" else ["nothing_stored", "unreviewed"]
        assert reader.page.locator("footer p").all_text_contents() == [words(lang)[key]["text"] for key in said], lang


def test_words_that_a_language_lacks_are_english_and_counted(reader, server):
    """VIE-16."""
    lacking = {key: word for key, word in words("fi").items() if key not in ("scan", "paste")}
    reader.context.route("**/words/fi.json", lambda route: route.fulfill(json=lacking))
    start(reader, server)
    reader.page.locator("select").select_option("fi")
    reader.page.locator("html[lang=fi]").wait_for()
    assert reader.page.locator("button.big").text_content() == "Scan the QR code"
    note = words("fi")["some_english"]["text"].replace("{n}", "2")
    assert note in reader.page.locator("footer p").all_text_contents()
