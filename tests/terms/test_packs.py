"""Term packs as files (openapi/protocol/terms.md): what is taken, what is refused, what comes with the phone."""

import json
import re

import msgspec
import pytest

from crypto.public.jws import encode_part
from crypto.public.keys import ED25519, ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from infra.terms.build import LANGUAGES, ORIGIN, SYSTEMS, body, rows
from sync.device.terms import shipped_packs
from sync.terms.lexicon import Lexicon
from sync.terms.pack import Body, Origin, PackRefused, Term, make_pack, pack_id, read_pack

KEY = SigningKey.from_seed(ED25519, Secret(bytes(range(32))))
SYSTEM = "urn:example:codes"


def small(**more):
    given = {
        "language": "el",
        "name": "Small",
        "version": "1",
        "origins": (Origin("a source", "a licence", "no"),),
        "systems": (SYSTEM,),
        "terms": (Term(0, "a", 0, "άλφα"), Term(0, "b", 0, "βήτα", ("και βήτα",))),
    }
    return Body(**(given | more))


def refusal(data):
    with pytest.raises(PackRefused) as caught:
        read_pack(data)
    return caught.value.reason


def test_a_pack_says_its_terms_with_source_licence_and_reviewer():
    """MUST TRM-1, TRM-3."""
    pack = read_pack(make_pack(small(), KEY))
    assert pack.signer == KEY.public_key
    word = Lexicon("el", [pack]).word(SYSTEM, "b")
    assert (word.text, word.origin) == ("βήτα", Origin("a source", "a licence", "no"))
    assert Lexicon("el", [pack]).word(SYSTEM, "c") is None


def test_a_pack_is_known_by_the_hash_of_all_of_it():
    """MUST TRM-1."""
    data = make_pack(small(), KEY)
    assert read_pack(data).id == pack_id(data) != pack_id(data + b" ")


@pytest.mark.parametrize("place", [0, 40, 200, 300, -2])
def test_nothing_of_an_altered_pack_is_read(place):
    """MUST TRM-2."""
    data = bytearray(make_pack(small(), KEY))
    data[place] ^= 1
    assert refusal(bytes(data)) in ("form", "signature", "newer_version")


def test_the_signature_of_another_pack_holds_for_none_else():
    """MUST TRM-2."""
    line = make_pack(small(), KEY).split(b"\n")[0]
    assert refusal(line + b"\n" + make_pack(small(version="2"), KEY).split(b"\n")[1]) == "signature"


def test_a_newer_kind_of_pack_says_so():
    """MUST TRM-2."""
    line, raw = make_pack(small(), KEY).split(b"\n")
    newer = json.dumps(json.loads(line) | {"format": "carnet terms 2"}).encode()
    assert refusal(newer + b"\n" + raw) == "newer_version"


@pytest.mark.parametrize(
    "fault",
    [
        {"terms": (Term(0, "b", 0, "x"), Term(0, "a", 0, "y"))},
        {"terms": (Term(0, "a", 0, "x"), Term(0, "a", 0, "y"))},
        {"terms": (Term(1, "a", 0, "x"),)},
        {"terms": (Term(0, "a", 1, "x"),)},
        {"terms": (Term(0, "a", 0, ""),)},
        {"terms": (Term(0, "a", 0, "two\nlines"),)},
        {"language": "Greek"},
    ],
    ids=["order", "twice", "no system", "no origin", "no text", "control character", "language"],
)
def test_a_body_that_is_not_in_order_is_neither_made_nor_read(fault):
    """MUST TRM-3."""
    with pytest.raises(ValueError, match="no reader"):
        make_pack(small(**fault), KEY)
    raw = msgspec.json.Encoder(order="sorted").encode(small(**fault))
    head = {
        "format": "carnet terms 1",
        "signer": encode_part(KEY.public_key),
        "signature": encode_part(KEY.sign("term pack", raw)),
    }
    assert refusal(json.dumps(head).encode() + b"\n" + raw) == "body"


def test_a_signer_has_an_ed25519_key():
    """MUST TRM-2."""
    with pytest.raises(ValueError, match="no reader"):
        make_pack(small(), SigningKey.from_seed(ES256, Secret(bytes(range(32)))))


def test_what_was_reviewed_wins_over_what_was_not():
    """MUST TRM-6."""
    shipped = read_pack(make_pack(small(), KEY))
    reviewed = small(origins=(Origin("a ministry", "open", "a board"),), terms=(Term(0, "a", 0, "alpha"),))
    lexicon = Lexicon("el", [shipped, read_pack(make_pack(reviewed, KEY))])
    assert [lexicon.word(SYSTEM, code).text for code in "ab"] == ["alpha", "βήτα"]


def test_a_search_knows_no_accents_and_ranks_what_begins_with_it_first():
    """MUST TRM-8."""
    terms = (
        Term(0, "a", 0, "Hypertension artérielle"),
        Term(0, "b", 0, "Artère"),
        Term(0, "c", 0, "Nez", ("artefact",)),
    )
    lexicon = Lexicon("fr", [read_pack(make_pack(small(language="fr", terms=terms), KEY))])
    assert [found.code for found in lexicon.search("ARTE")] == ["c", "b", "a"]
    assert lexicon.search("   ") == []


def test_the_packs_that_come_with_the_phone_are_what_their_table_says():
    """MUST TRM-4: signed by the pinned key, some 200 concepts, not reviewed, in six languages."""
    packs = {held.pack.body.language: held.pack.body for held in shipped_packs()}
    assert set(packs) == set(LANGUAGES)
    assert packs == {language: body(language) for language in LANGUAGES}
    assert len(rows()) > 200
    assert ORIGIN.reviewed == "no"


def test_every_code_of_the_table_is_of_its_system():
    """A mistyped SNOMED CT id fails its check digit; ICD-10 and ATC have their shapes."""
    shapes = {"i": r"[A-Z]\d\d(\.\d)?", "a": r"[A-Z]\d\d[A-Z]{2}\d\d"}
    for row in rows():
        assert len(row) == 1 + len(LANGUAGES)
        for short, code in (one.split(":") for one in row[0].split(" ")):
            assert short in SYSTEMS
            assert verhoeff(code) if short == "s" else re.fullmatch(shapes[short], code), code


def verhoeff(digits):
    """Whether the last digit checks the others (J. Verhoeff 1969; SNOMED CT Technical Implementation Guide)."""

    def times(a, b):  # the dihedral group of the pentagon
        if a < 5:
            return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
        return 5 + (a - b) % 5 if b < 5 else (a - b) % 5

    step, check = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4], 0
    for place, digit in enumerate(reversed([int(one) for one in digits])):
        for _ in range(place % 8):
            digit = step[digit]
        check = times(check, digit)
    return check == 0


def test_a_mistyped_id_is_seen():
    assert verhoeff("38341003")
    assert not verhoeff("38341004")
    assert not verhoeff("38431003")
