"""The page that a phone writes, opened from a file with the network off (openapi/protocol/terms.md, TRM-11, TRM-12)."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from sync.device.cli.summary_page import page as page_of
from sync.device.languages import reader_of
from sync.device.terms import shipped_packs
from tests.browser.test_every_screen import AXE
from tests.cli.kit import ROOT
from tests.fhir.import_phones import Phone
from tests.fhir.summary_checks import AT, summary

RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Greek page of the demo vault."""
    phone = Phone()
    phone.imports((ROOT / "infra" / "family" / "summary.json").read_bytes(), same_person=True)
    file = tmp_path_factory.mktemp("page") / "el.html"
    file.write_bytes(page_of(summary(phone), AT, reader_of("el", shipped_packs())))
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_from_a_file_without_network_or_script_for_everybody(
    browser: Browser, written: Path, scheme: str
) -> None:
    """MUST TRM-11, TRM-12: axe finds nothing; nothing is asked for; nothing runs over its edge on a narrow phone."""
    context = browser.new_context(
        offline=True, color_scheme=scheme, bypass_csp=True, viewport={"width": 320, "height": 800}
    )
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(written.as_uri())
    assert asked == [written.as_uri()]
    assert page.evaluate("document.documentElement.lang") == "el"
    assert "Ονομασίες στη γλώσσα σας: 14 από 15" in page.inner_text("header")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(f"axe.run(document, {RULES}).then((it) => it.violations)")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    context.close()


def test_it_prints_on_two_pages(browser: Browser, written: Path, tmp_path: Path) -> None:
    """MUST TRM-11."""
    page = browser.new_page()
    page.goto(written.as_uri())
    printed = page.pdf(path=tmp_path / "printed.pdf", prefer_css_page_size=True)
    assert 1 <= printed.count(b"/Type /Page\n") <= 2
    page.close()
