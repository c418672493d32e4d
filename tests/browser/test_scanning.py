"""Camera and photos: VIE-5 and VIE-8 of openapi/protocol/viewer.md."""

from __future__ import annotations

import base64
import json
import zlib

from playwright.sync_api import Page

from tests.api.share_kit import b64
from tests.browser.documents import allergy, ordinary
from tests.browser.frames import KINDS, code, frame, jpeg
from tests.browser.page_kit import CAMERA, Reader, launch

READ = """async (all) => { const { readCode } = await import('/view/scan.js'); const out = [];
for (const text of all) { const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
out.push(await readCode(await createImageBitmap(new Blob([raw], { type: 'image/jpeg' })))); } return out; }"""
# As long as a share's link with a passcode is: version 12.
LINK = "https://carnet.example/view#shlink:/" + "eyJ1cmwiOiJo" * 19
FRAMES = 20  # a slice of the 200 of `python -m tests.browser.prove_frames`


def read_frames(page: Page, text: str, numbers: range) -> dict[str, list[int]]:
    """Kind → numbers of the frames that the page's own reader did not read."""
    qr, missed = code(text), {kind: [] for kind in KINDS}
    for start in range(numbers.start, numbers.stop, 10):
        some = range(start, min(start + 10, numbers.stop))
        sent = [base64.b64encode(jpeg(frame(qr, number))).decode() for number in some]
        for number, found in zip(some, page.evaluate(READ, sent), strict=True):
            assert found in (None, text)
            if found is None:
                missed[KINDS[number % len(KINDS)]].append(number)
    return missed


def test_95_of_100_bad_frames_are_read_by_the_page_itself(reader, server):
    """VIE-5: tilt, glare, blur, dim light, a print of 25 mm; each frame alone, though a camera gives ten a second."""
    page = reader.visit(server.view)
    missed = read_frames(page, LINK, range(FRAMES))
    print(f"\nframes not read, of {FRAMES}: {missed}")
    assert sum(map(len, missed.values())) <= FRAMES * 0.05


def test_a_code_before_the_camera_leads_to_the_summary(playwright, server, tmp_path):
    """VIE-5: the browser's own fake camera shows the code; then a wrong passcode, then the right one."""
    made = server.share(ordinary(), passcode="2468")
    qr = code(made.link)
    video = tmp_path / "camera.mjpeg"
    video.write_bytes(b"".join(jpeg(frame(qr, number)) for number in range(4)))
    browser = launch(playwright, *CAMERA, f"--use-file-for-fake-video-capture={video}")
    reader = Reader(browser.new_context(permissions=["camera"], locale="en-GB"), server)
    page = reader.visit(server.view)
    page.get_by_role("button", name="Scan the QR code").click()
    page.locator("[name=passcode]").wait_for()
    reader.answer("1111")
    page.get_by_text("4 tries left").wait_for()
    reader.answer("2468")
    page.locator("article.summary").wait_for()
    assert page.url == server.view
    assert [each for each in reader.complaints if "status of 401" not in each] == []
    browser.close()


def test_a_camera_that_is_refused_says_what_to_do(browser, server):
    """VIE-8."""
    reader = Reader(browser.new_context(locale="en-GB"), server)
    page = reader.visit(server.view)
    page.get_by_role("button", name="Scan the QR code").click()
    said = page.locator("[role=alert]").text_content()
    assert "choose a photo or paste the link" in said.lower()
    reader.context.close()


def test_a_photo_of_the_code_is_read_and_one_without_says_so(reader, server):
    """VIE-5, VIE-8."""
    page = reader.visit(server.view)
    made = server.share(ordinary())
    blank = {"name": "blank.jpg", "mimeType": "image/jpeg", "buffer": jpeg(code("x").resize((40, 40)).convert("RGB"))}
    page.locator("[type=file]").set_input_files(blank)
    page.get_by_text("not a link to a patient summary").or_(page.get_by_text("No QR code was found")).wait_for()
    page.locator("[type=file]").set_input_files({**blank, "buffer": b"no picture"})
    page.get_by_text("no picture that this browser can read").wait_for()
    page.locator("[type=file]").set_input_files({**blank, "buffer": jpeg(frame(code(made.link), 0))})
    page.locator("[name=recipient]").wait_for()


def test_a_health_card_is_read_and_never_called_verified(reader, server):
    """VIE-4, VIE-12: without network, too."""
    entries = [
        {"resource": {"resourceType": "Patient", "name": [{"text": "Testa Testperson"}]}},
        {"resource": allergy("Nuts")},
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    claims = {"iss": "https://issuer.example", "vc": {"credentialSubject": {"fhirBundle": bundle}}}
    payload = zlib.compress(json.dumps(claims).encode(), wbits=-15)
    head = json.dumps({"alg": "ES256", "zip": "DEF"}).encode()
    jws = ".".join(map(b64, (head, payload, bytes(64))))
    digits = "shc:/" + "".join(f"{ord(letter) - 45:02}" for letter in jws)
    page = reader.visit(server.view)
    page.locator("[name=link]").fill(digits)
    page.get_by_role("button", name="Continue").click()
    assert page.locator(".allergies .name").text_content() == "Nuts"
    assert "Card issued by https://issuer.example: signature not checked." in page.locator(".warnings").text_content()
