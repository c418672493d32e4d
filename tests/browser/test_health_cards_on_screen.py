"""A health card in the viewer: what is said of its signature, with and without network (viewer.md, VIE-30)."""

import os
from pathlib import Path

import httpx
import msgspec
import pytest
from PIL import Image
from playwright.sync_api import Playwright

from crypto.public.keys import ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.vault.health_card import numeric, sign_card
from sync.wire.issuer import ISSUER_BYTES, IssuerId, NewIssuer, issuer_url
from tests.api.phone_kit import JSON, Phone
from tests.browser.frames import code, jpeg
from tests.browser.page_kit import CAMERA, Reader, Server, launch, run

EXAMPLES = os.environ.get("CARNET_EXAMPLES")
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"fullUrl": "resource:0", "resource": {"resourceType": "Patient", "name": [{"text": "Testa Testperson"}]}},
        {
            "fullUrl": "resource:1",
            "resource": {"resourceType": "AllergyIntolerance", "code": {"text": "Nuts"}, "criticality": "high"},
        },
    ],
}


def card(server: Server, *, published: bool = True, altered: bool = False) -> str:
    """The text of a card's code, its key on the server."""
    issuer = IssuerId(os.urandom(ISSUER_BYTES))
    key = SigningKey.from_seed(ES256, Secret(os.urandom(32)))
    jws = sign_card(BUNDLE, issuer_url(server.url, issuer), 1_700_000_000, key)
    if altered:
        head, _, signature = jws.split(".")
        other = BUNDLE | {"total": 1}
        jws = f"{head}.{sign_card(other, issuer_url(server.url, issuer), 1_700_000_000, key).split('.')[1]}.{signature}"

    async def publish() -> None:
        async with httpx.AsyncClient(base_url=server.url) as client:
            phone = await Phone(f"card {issuer.hex()}", client, server.url).register()
            body = msgspec.json.encode(NewIssuer(key.public_key))
            answer = await client.put(f"/v1/issuers/{issuer.hex()}", content=body, headers=phone.headers | JSON)
            assert answer.status_code == 204

    if published:
        run(publish())
    return numeric(jws)


def shown(reader: Reader, text: str) -> None:
    reader.page.locator("[name=link]").fill(text)
    reader.page.get_by_role("button", name="Continue").click()


def test_a_card_of_a_patients_phone_is_carried_and_never_ticked(reader: Reader, server: Server) -> None:
    """MUST VIE-30, SHC-9."""
    reader.visit(server.view)
    shown(reader, card(server))
    reader.page.locator(".allergies .name").wait_for()
    said = reader.page.locator(".warnings").text_content() or ""
    assert "Carried by the patient, unaltered since 14 Nov 2023." in said
    assert "nobody has certified the contents" in said
    assert "✓" not in said
    assert reader.complaints == []


@pytest.mark.parametrize(
    ("how", "words"),
    [({"altered": True}, "This card was altered"), ({"published": False}, "This card was revoked")],
    ids=["altered", "withdrawn"],
)
def test_an_altered_or_withdrawn_card_is_not_shown(
    reader: Reader, server: Server, how: dict[str, bool], words: str
) -> None:
    """MUST VIE-30."""
    reader.visit(server.view)
    shown(reader, card(server, **how))
    assert words in (reader.page.locator("[role=alert]").text_content() or "")
    assert reader.page.locator("article.summary").count() == 0


def test_in_airplane_mode_the_installed_page_reads_a_card_and_says_that_it_is_not_checked(
    reader: Reader, server: Server
) -> None:
    """MUST VIE-4, VIE-30."""
    text = card(server)
    page = reader.visit(server.view)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    reader.context.set_offline(True)
    page.reload()
    shown(reader, text)
    page.locator(".allergies .name").wait_for()
    assert "Signature not checked: no network." in (page.locator(".warnings").text_content() or "")


def in_three(text: str, *, sizes: int = 3) -> list[str]:
    """A card's code as several."""
    digits = text.removeprefix("shc:/")
    third = len(digits) // 6 * 2
    cut = [digits[:third], digits[third : 2 * third], digits[2 * third :]]
    return [f"shc:/{number}/{sizes}/{part}" for number, part in enumerate(cut, 1)]


def real_or_own(server: Server) -> list[str]:
    """The specification's example of a card in three codes where it is at hand, else one of our own."""
    if not EXAMPLES:
        return in_three(card(server))
    files = sorted(Path(EXAMPLES, "shc").glob("example-02-f-qr-code-numeric-value-*.txt"))
    return [file.read_text().strip() for file in files]


def test_a_card_in_several_codes_is_read_in_airplane_mode_in_any_order(reader: Reader, server: Server) -> None:
    """MUST VIE-31: one of them twice, the last first; how far it has come is said."""
    first, second, third = real_or_own(server)
    page = reader.visit(server.view)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    reader.context.set_offline(True)
    page.reload()
    for text, read in ((third, 1), (third, 1), (first, 2)):
        shown(reader, text)
        page.get_by_text(f"This card has 3 QR codes, {read} read so far.").wait_for()
    shown(reader, second)
    page.locator("article.summary").wait_for()
    assert "ignature not checked" in (page.locator(".warnings").text_content() or "")


def test_codes_of_two_cards_are_refused_in_words_and_dropped(reader: Reader, server: Server) -> None:
    """MUST VIE-31: also when they are pasted as one text."""
    first, second, third = in_three(card(server))
    page = reader.visit(server.view)
    stranger = card(server, published=False)
    for other in (in_three(stranger)[0], in_three(stranger, sizes=4)[1]):
        shown(reader, first + other)
        page.get_by_text("These QR codes are not of one card.").wait_for()
        shown(reader, second)
        page.get_by_text("3 QR codes, 1 read so far.").wait_for()
        page.reload()
    shown(reader, first + second + third)
    page.locator(".allergies .name").wait_for()
    assert "✓" not in (page.locator(".warnings").text_content() or "")


def test_the_camera_goes_on_until_all_codes_of_a_card_have_come(
    playwright: Playwright, server: Server, tmp_path: Path
) -> None:
    """MUST VIE-31: it says meanwhile how far it has come."""
    first, second, third = in_three(card(server))
    seen = b""
    for text in (third, first, second):
        frame = Image.new("RGB", (800, 800), "white")
        frame.paste(code(text).convert("RGB").resize((700, 700)), (50, 50))
        seen += jpeg(frame) * 5
    (tmp_path / "camera.mjpeg").write_bytes(seen)
    browser = launch(playwright, *CAMERA, f"--use-file-for-fake-video-capture={tmp_path / 'camera.mjpeg'}")
    reader = Reader(browser.new_context(permissions=["camera"], locale="en-GB"), server)
    page = reader.visit(server.view)
    # What it says stands until the next code is read, which may be at once: the page is asked to remember all of it.
    page.evaluate(
        """() => {
          window.said = [];
          const options = { subtree: true, childList: true, characterData: true };
          new MutationObserver(() => window.said.push(document.body.innerText)).observe(document.body, options);
        }"""
    )
    page.get_by_role("button", name="Scan the QR code").click()
    page.locator(".allergies .name").wait_for()
    said = page.evaluate("window.said.join()")
    assert "3 QR codes, 1 read so far." in said
    assert "3 QR codes, 2 read so far." in said
    assert reader.complaints == []
    browser.close()
