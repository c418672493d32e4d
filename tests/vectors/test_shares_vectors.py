"""Secrets, links and files of shares against openapi/vectors/shares/*.json, and those against their generator."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from crypto.public.errors import CryptoError
from crypto.secret import jwe
from crypto.secret.secret import Secret
from sync.device.share_requests import passcode_hash
from sync.vault.share import Link, LinkRefused, link_text, read_link, share_secrets
from tests.vectors import generate_shares
from tests.vectors.known_link_jwe import JWE, KEY

FOLDER = generate_shares.FOLDER
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_bytes())["cases"]
]


def secrets_of(given):
    made = share_secrets(Secret(bytes.fromhex(given["secret"])), bytes.fromhex(given["share"]))
    return {
        "link_key": made.link_key.reveal().hex(),
        "owner_token": made.owner_token.reveal().hex(),
        "log_seed": made.log_key.seed.reveal().hex(),
        "log_key": made.log_key.public_key.hex(),
    }


def passcode_of(given):
    made = passcode_hash(Secret(bytes.fromhex(given["secret"])), bytes.fromhex(given["share"]), given["passcode"])
    return {"salt": made.salt.hex(), "hash": made.hash.hex()}


def text_of(given):
    link = Link(given["url"], Secret(bytes.fromhex(given["key"])), given["flags"], given["ends"], given["label"])
    return {"text": link_text(link, given["viewer"])}


def link_read(given):
    link = read_link(given["text"])
    key = link.key.reveal().hex()
    return {"url": link.url, "key": key, "flags": link.flags, "ends": link.ends, "label": link.label}


def sealed(given):
    key, iv, plaintext = (bytes.fromhex(given[name]) for name in ("key", "iv", "plaintext"))
    return {"jwe": jwe.seal(Secret(key), iv, given["content_type"], plaintext)}


def opened(given):
    found = jwe.open_(Secret(bytes.fromhex(given["key"])), given["jwe"], given["longest"])
    digest = hashlib.sha256(found.plaintext).hexdigest()
    return {"content_type": found.content_type, "length": len(found.plaintext), "sha256": digest}


OPS = {
    "share_secrets": secrets_of,
    "passcode": passcode_of,
    "link_text": text_of,
    "read_link": link_read,
    "seal": sealed,
    "open": opened,
}


def test_the_committed_files_of_shares_are_what_the_generator_writes():
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == generate_shares.files()


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_shares_comes_out_as_it_says(case):
    outcome = reason = output = None
    try:
        output = OPS[case["input"]["op"]](case["input"])
        outcome = "ok"
    except CryptoError as error:
        outcome, reason = error.code, getattr(error, "reason", None)
    except LinkRefused as error:
        outcome, reason = "link_refused", error.reason
    assert (outcome, reason) == (case["outcome"], case.get("reason"))
    assert output == case.get("output")


def test_the_standards_example_holds_a_health_card():
    key = Secret(generate_shares.base64.urlsafe_b64decode(KEY + "="))
    card = json.loads(jwe.open_(key, JWE, 10_000).plaintext)
    assert list(card) == ["verifiableCredential"]


def examples() -> Path | None:
    """The folder of real links; None where nobody has it."""
    named = os.environ.get("CARNET_EXAMPLES")
    folder = Path(named) / "shl" if named else None
    return folder if folder is not None and folder.is_dir() else None


def test_real_links_parse_and_their_files_open_and_a_mislabelled_one_is_refused():
    """SHR-23, SHR-24 on others' files where they are at hand, else on the standard's."""
    folder = examples()
    if folder is None:
        key, text = Secret(generate_shares.base64.urlsafe_b64decode(KEY + "=")), JWE
        mislabelled = ".".join(JWE.split(".")[i] for i in (0, 3, 4))
    else:
        link = read_link((folder / "IPS_IG-bundle-01-shl.txt").read_text())
        assert link.flags == "LU"
        for number in (1, 2):
            payload = json.loads((folder / f"shl-payload-{number}.json").read_text())
            assert read_link("shlink:/" + generate_shares.part(payload)).url == payload["url"]
        key, text = link.key, (folder / "IPS_IG-bundle-01-enc.txt").read_text()
        mislabelled = (folder / "jws-mislabelled-as-jwe.txt").read_text()
    document = json.loads(jwe.open_(key, text, 10_000_000).plaintext)
    assert document.get("resourceType") == "Bundle" or "verifiableCredential" in document
    with pytest.raises(CryptoError) as refused:
        jwe.open_(key, mislabelled, 10_000_000)
    assert refused.value.reason == "signed"


def test_nothing_that_opens_a_share_shows_in_a_repr():
    """CRY-23 for links and the secrets of shares."""
    made = share_secrets(Secret(b"k" * 32), bytes(16))
    link = Link("https://carnet.example/s/hidden", Secret(b"k" * 32))
    for shown in (repr(made), repr(link), str(link), f"{made}"):
        assert "hidden" not in shown
        assert "6b6b" not in shown
        assert "kkkk" not in shown
