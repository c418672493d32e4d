"""Term packs and health cards against their vectors, and those against their generator."""

import json

import pytest

from sync.terms.pack import PackRefused, read_pack
from sync.vault.health_card import CardRefused, check_signature, is_revoked, jws_texts, read_card
from sync.vault.issuer_list import IssuersRefused, read_list
from tests.vectors import generate_terms
from tests.vectors.generate_terms import FILES, FOLDER

CASES = [
    pytest.param(case, id=f"{name}: {case['name']}")
    for name in FILES
    for case in json.loads((FOLDER / name).read_bytes())["cases"]
]


def pack_read(given):
    pack = read_pack(bytes.fromhex(given["pack"]))
    return {"language": pack.body.language, "signer": pack.signer.hex(), "terms": len(pack.body.terms)}


def issuers_read(given):
    found = read_list(bytes.fromhex(given["list"]))
    return {"signer": found.signer.hex(), "names": found.names()}


def card_checked(given):
    [jws] = jws_texts(given["texts"])
    card = read_card(jws)
    check_signature(card, given["keys"])
    return {"issuer": card.issuer, "since": card.since, "self_issued": card.self_issued}


def revoked(given):
    return {"revoked": is_revoked(read_card(given["card"]), given["crl"])}


OPS = {"read_pack": pack_read, "read_issuers": issuers_read, "check_card": card_checked, "is_revoked": revoked}
REFUSALS = {PackRefused: "pack_refused", IssuersRefused: "issuers_refused", CardRefused: "card_refused"}


@pytest.mark.parametrize("name", list(FILES))
def test_the_committed_file_is_what_the_generator_writes(name):
    assert (FOLDER / name).read_text("utf-8") == generate_terms.text_of(name)


@pytest.mark.parametrize("case", CASES)
def test_a_pack_or_card_comes_out_as_its_vector_says(case):
    given = dict(case["input"])
    run = OPS[given.pop("op")]
    if case["outcome"] == "ok":
        assert run(given) == case["output"]
        return
    with pytest.raises(tuple(REFUSALS)) as caught:
        run(given)
    assert (REFUSALS[type(caught.value)], caught.value.reason) == (case["outcome"], case["reason"])
