"""A health card in the viewer: what is said of its signature, with and without network (viewer.md, VIE-30)."""

import os

import httpx
import msgspec
import pytest

from crypto.public.keys import ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.vault.health_card import numeric, sign_card
from sync.wire.issuer import ISSUER_BYTES, IssuerId, NewIssuer, issuer_url
from tests.api.phone_kit import JSON, Phone
from tests.browser.page_kit import Reader, Server, run

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
