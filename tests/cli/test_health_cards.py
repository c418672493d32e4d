"""Health cards by the command: made, printed, withdrawn; anybody's read and checked (health-cards.md, cli.md)."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy
import pytest
import segno
import zxingcpp
from PIL import Image

from crypto.public.keys import ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.vault.health_card import file_of, jwk_of, numeric, read_card, sign_card
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, ROOT, WAITS, Inside, Server, make_phone

EXAMPLES = os.environ.get("CARNET_EXAMPLES")
KEY = SigningKey.from_seed(ES256, Secret(b"i" * 32))
ISSUER = "https://clinic.example/issuer"


class World(NamedTuple):
    server: Server
    phone: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cards")
    server = Server(folder / "server").start()
    phone = make_phone(folder / "phone", server.url)
    phone("import", str(ROOT / "infra" / "family" / "summary.json"), "--source", "Example Hospital", "--same-person")
    eighth = {"resourceType": "MedicationStatement", "status": "active", "dosage": [{"text": "1 daily"}]}
    phone("new", "MedicationStatement", bundles.dumps(eighth), "--code", "levothyroxine")
    yield World(server, phone)
    server.kill()


@pytest.fixture
def own(world: World, tmp_path: Path) -> Inside:
    return Inside(shutil.copytree(world.phone.store, tmp_path / "own"))


def seen_by_two(picture: Path) -> set[str]:
    """What two decoders of other authors read in a picture."""
    with Image.open(picture) as image:
        first = [one.text for one in zxingcpp.read_barcodes(image.convert("L"))]
    raw = cv2.imdecode(numpy.frombuffer(picture.read_bytes(), numpy.uint8), cv2.IMREAD_GRAYSCALE)
    second, *_ = cv2.QRCodeDetectorAruco().detectAndDecode(raw)
    return {*first, second}


def test_three_allergies_five_problems_eight_medicines_fit_and_the_rest_is_named(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-1, SHC-3, SHC-4: the contact stays out and is told."""
    card = own("card", "--png", str(tmp_path / "card.png"))
    assert (len(card["kept"]), card["left_out"]) == (16, ["Ben Demoperson +00 000 0002"])
    assert card["characters"] <= 1_195
    assert card["code"] == "22-L"
    with Image.open(tmp_path / "card.png") as image:
        assert [one.text for one in zxingcpp.read_barcodes(image.convert("L"))] == [card["text"]]
    [*_, jws] = card["text"].split("/")
    told = read_card("".join(chr(int(jws[at : at + 2]) + 45) for at in range(0, len(jws), 2)))
    entries = json.loads(told.claims)["vc"]["credentialSubject"]["fhirBundle"]["entry"]
    assert [one["fullUrl"] for one in entries] == [f"resource:{place}" for place in range(17)]
    kinds = [one["resource"]["resourceType"] for one in entries]
    assert [kinds.count(kind) for kind in ("AllergyIntolerance", "Condition", "MedicationStatement")] == [3, 5, 8]
    text = json.dumps(entries)
    assert not any(f'"{name}":' in text for name in ("id", "meta", "display", "div"))


def test_two_cards_have_neither_issuer_nor_key_in_common(own: Inside) -> None:
    """MUST SHC-2."""
    first, second = own("card"), own("card")
    assert first["issuer"] != second["issuer"]
    [one, two] = own("card", "list")
    assert {one["issuer"], two["issuer"]} == {first["issuer"], second["issuer"]}
    assert {one["state"], two["state"]} == {"published"}


def test_a_self_made_card_is_checked_and_never_ticked(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-8, SHC-9: not even if somebody lists its issuer as trusted."""
    card = own("card", "--file", str(tmp_path / "a.smart-health-card"))
    listed = tmp_path / "trusted.json"
    listed.write_text(json.dumps({"participating_issuers": [{"iss": card["issuer"]}]}))
    read = ("import", str(tmp_path / "a.smart-health-card"), "--same-person", "--trusted-issuers", str(listed))
    [found] = own(*read)["cards"]
    assert (found["signature"], found["trust"]) == ("good", "self_issued")
    said = own.run(*read, json=False).stdout
    assert "Carried by the patient, unaltered since" in said
    assert "✓" not in said


def test_a_withdrawn_card_is_refused(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-5, SHC-8."""
    card = own("card", "--file", str(tmp_path / "a.smart-health-card"))
    own("card", "withdraw", card["issuer"].rpartition("/")[2])
    refused = own.run("import", str(tmp_path / "a.smart-health-card"), "--same-person")
    assert (refused.code, refused.json["code"]) == (REFUSED, "card_no_key")


def test_without_network_a_card_is_made_and_its_key_goes_with_the_next_sync(tmp_path: Path) -> None:
    """MUST SHC-5, SHC-9: and one that is read says that it was not checked."""
    server = Server(tmp_path / "server").start()
    phone = make_phone(tmp_path / "phone", server.url)
    server.kill()
    card = phone("card", "--file", str(tmp_path / "a.smart-health-card"))
    assert card["published"] is False
    [found] = phone("import", str(tmp_path / "a.smart-health-card"), "--same-person")["cards"]
    assert (found["signature"], found["revocation"]) == ("not_checked", "not_checked")
    server.start()
    phone("sync")
    assert [one["state"] for one in phone("card", "list")] == ["published"]
    assert phone("import", str(tmp_path / "a.smart-health-card"), "--same-person")["cards"][0]["signature"] == "good"
    server.kill()


def test_the_contact_is_read_by_two_decoders_of_other_authors(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-10."""
    for lang in ("en", "el", "el,it"):
        card = own("card", "--contact", "--lang", lang, "--png", str(tmp_path / "contact.png"))
        assert seen_by_two(tmp_path / "contact.png") == {card["text"]}
        assert len(card["text"].encode()) == card["bytes"] <= 504
        version, level = card["code"].split("-")
        assert int(version) <= 17
        assert level == "M"
        assert len(card["kept"]) + len(card["left_out"]) == 16
    assert "Αλλεργία στην πενικιλίνη / Allergia alla penicillina!" in card["text"]


def test_the_print_has_codes_captions_words_and_what_is_left_out_of_each(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-11: captions in the languages of the trip and her own; the emergency code while there is one."""
    read = ("--lang", "el,it", "--pdf", str(tmp_path / "wallet.pdf"))
    own("emergency", "on")
    card = own.run("card", *read, LANG="de_DE.UTF-8").json
    told = own("card", "--contact", "--lang", "el,it")
    data, words = (tmp_path / "wallet.pdf").read_bytes(), printed(tmp_path / "wallet.pdf")
    assert (data.count(b"/Subtype /Image"), data.count(b"/Type /Page\n")) == (3, 1)
    for caption in ("Ανοίγει με κάθε κάμερα", "Si apre con qualsiasi fotocamera", "Öffnet jede Kamera", "Apre online"):
        assert caption in words
    assert card["left_out"]
    assert told["left_out"]
    for name in (*card["left_out"], *told["left_out"]):
        assert "".join(name.split()) in "".join(words.split())
    own("emergency", "off")
    own.run("card", *read)
    assert (tmp_path / "wallet.pdf").read_bytes().count(b"/Subtype /Image") == 2


def printed(file: Path) -> str:
    """The text of a page in one font, by the font's own table of letters."""
    streams = []
    for found in re.finditer(rb"stream\n(.*?)\nendstream", file.read_bytes(), re.DOTALL):
        try:
            streams.append(zlib.decompress(found[1]))
        except zlib.error:  # one that is as it is
            streams.append(found[1])
    [table] = [one for one in streams if b"beginbfchar" in one]
    letters = {int(code, 16): chr(int(char, 16)) for code, char in re.findall(rb"<(\w{4})> <(\w{4})>", table)}
    lines = []
    for text in re.findall(rb" Td (?:0 g )?\((.*?)\) Tj ET", b"".join(streams), re.DOTALL):
        raw = re.sub(rb"\\(.)", lambda one: {b"r": b"\r", b"n": b"\n"}.get(one[1], one[1]), text, flags=re.DOTALL)
        lines.append("".join(letters[int.from_bytes(raw[at : at + 2])] for at in range(0, len(raw), 2)))
    return " ".join(lines)


# Somebody else's


def bundle() -> dict[str, Any]:
    person = {
        "resourceType": "Patient",
        "name": [{"family": "Testperson", "given": ["Testa"]}],
        "birthDate": "1970-01-01",
    }
    allergy = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": "Latex"},
        "patient": {"reference": "resource:0"},
    }
    entries = [{"fullUrl": f"resource:{n}", "resource": one} for n, one in enumerate((person, allergy))]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def signed(rid: str | None = None, **more: Any) -> str:
    """A card of a clinic's, with a revocation id."""
    plain = sign_card(bundle(), ISSUER, 1_700_000_000, KEY)
    if rid is None and not more:
        return plain
    head = plain.split(".")[0]
    claims = json.loads(read_card(plain).claims) | more
    if rid is not None:
        claims["vc"]["rid"] = rid
    payload = base64.urlsafe_b64encode(deflated(json.dumps(claims).encode())).rstrip(b"=").decode()
    signature = base64.urlsafe_b64encode(KEY.sign_raw(f"{head}.{payload}".encode())).rstrip(b"=").decode()
    return f"{head}.{payload}.{signature}"


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def keys_of(folder: Path, *, rids: list[str] | None = None) -> list[str]:
    """Files of the issuer's, as arguments."""
    jwk = jwk_of(KEY.public_key) | {"crlVersion": 1}
    (folder / "keys.json").write_text(json.dumps({"keys": [jwk]}))
    (folder / "crl.json").write_text(json.dumps({"kid": jwk["kid"], "method": "rid", "ctr": 1, "rids": rids or []}))
    return ["--issuer-keys", str(folder / "keys.json"), "--revoked", str(folder / "crl.json"), "--same-person"]


def chunks(jws: str) -> list[str]:
    digits = numeric(jws)[len("shc:/") :]
    half = len(digits) // 4 * 2
    return [f"shc:/2/2/{digits[half:]}", f"shc:/1/2/{digits[:half]}"]


def picture(folder: Path, text: str, kind: str) -> str:
    segno.make(text, error="l").save(str(folder / "code.png"), scale=4, border=4)
    if kind == "jpeg":
        with Image.open(folder / "code.png") as image:
            image.convert("L").save(folder / "code.jpg", quality=80)
    return str(folder / f"code.{'jpg' if kind == 'jpeg' else 'png'}")


@pytest.mark.parametrize("way", ["text", "chunks", "file", "jws", "png", "jpeg"])
def test_a_card_is_taken_in_each_of_its_forms(own: Inside, tmp_path: Path, way: str) -> None:
    """MUST SHC-7."""
    jws = signed()
    (tmp_path / "card").write_bytes(file_of(jws) if way == "file" else jws.encode())
    given = {"text": [numeric(jws)], "chunks": chunks(jws)}.get(way, [str(tmp_path / "card")])
    if way in ("png", "jpeg"):
        given = [picture(tmp_path, numeric(jws), way)]
    found = own("import", *given, *keys_of(tmp_path))
    [card] = found["cards"]
    assert card == {
        "issuer": ISSUER,
        "since": "2023-11-14T22:13:20.000Z",
        "signature": "good",
        "trust": "unknown",
        "revocation": "not_revocable",
        "expired": False,
        "name": None,
        "listed_by": None,
        "certificates": "none",
    }
    assert "Latex" in [row["label"] for row in own("find", "latex") if row["type"] == "AllergyIntolerance"]


def test_a_card_in_parts_is_refused_until_all_are_there(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-7."""
    refused = own.run("import", chunks(signed())[0], *keys_of(tmp_path))
    assert (refused.code, refused.json["code"]) == (REFUSED, "card_parts")


def test_only_a_trusted_issuer_is_ticked(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-9."""
    (tmp_path / "trusted.json").write_text(json.dumps({"participating_issuers": [{"iss": ISSUER}]}))
    trusting = ["--trusted-issuers", str(tmp_path / "trusted.json")]
    assert own("import", numeric(signed()), *keys_of(tmp_path), *trusting)["cards"][0]["trust"] == "trusted"
    late = own("import", numeric(signed(exp=1_700_000_001)), *keys_of(tmp_path), *trusting)["cards"][0]
    assert late["expired"] is True


def test_a_revoked_card_is_refused_and_one_that_is_not_says_so(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-8, SHC-9: with or without a time in the list."""
    before = own("list")
    for listed in ("lost", "lost.1600000000"):
        refused = own.run("import", numeric(signed("lost")), *keys_of(tmp_path, rids=[listed]))
        assert (refused.code, refused.json["code"]) == (REFUSED, "card_revoked")
        assert "revoked" in refused.json["title"]
    assert own("list") == before
    found = own("import", numeric(signed("kept")), *keys_of(tmp_path, rids=["lost"]))["cards"][0]
    assert found["revocation"] == "not_revoked"


@pytest.mark.parametrize("fault", ["signature", "payload", "another key"])
def test_an_altered_card_is_refused_and_nothing_taken(own: Inside, tmp_path: Path, fault: str) -> None:
    """MUST SHC-8."""
    head, payload, signature = signed().split(".")
    if fault == "signature":
        signature = signature[:-4] + ("AAAA" if not signature.endswith("AAAA") else "BBBB")
    if fault == "payload":
        payload = sign_card(bundle() | {"total": 1}, ISSUER, 1_700_000_000, KEY).split(".")[1]
    arguments = keys_of(tmp_path)
    if fault == "another key":
        other = SigningKey.from_seed(ES256, Secret(b"o" * 32))
        jwk = jwk_of(other.public_key) | {"kid": jwk_of(KEY.public_key)["kid"]}
        (tmp_path / "keys.json").write_text(json.dumps({"keys": [jwk]}))
    before = own("list")
    refused = own.run("import", numeric(f"{head}.{payload}.{signature}"), *arguments)
    assert (refused.code, refused.json["code"]) == (REFUSED, "card_altered")
    assert own("list") == before


@pytest.mark.parametrize("number", ["00", "01", "02", "03"] if EXAMPLES else ["own"])
def test_the_cards_of_the_standard_verify_and_the_revoked_one_is_refused(
    own: Inside, tmp_path: Path, number: str
) -> None:
    """MUST SHC-7, SHC-8: with CARNET_EXAMPLES the standard's own, in each form."""
    if EXAMPLES is None:
        assert own.run("import", numeric(signed("x")), *keys_of(tmp_path, rids=["x"])).json["code"] == "card_revoked"
        return
    folder = Path(EXAMPLES) / "shc"
    keys = ["--issuer-keys", str(folder / "issuer-jwks.json"), "--revoked", str(folder / "issuer-crl.json")]
    for pattern in ("d-jws.txt", "e-file.smart-health-card", "f-qr-code-numeric-value-*.txt"):
        files = sorted(map(str, folder.glob(f"example-{number}-{pattern}")), reverse=True)
        done = own.run("import", *files, *keys, "--same-person")
        if number == "03":
            assert (done.code, done.json["code"]) == (REFUSED, "card_revoked")
        else:
            assert done.code in (DONE, WAITS), done
            assert [card["signature"] for card in done.json["cards"]] == ["good"]
