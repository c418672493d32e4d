"""Terms out of other people's files: small synthetic ones of each kind (openapi/protocol/terms.md, TRM-9)."""

import json

import pytest

from sync.terms.importing import SNOMED, NotUnderstood, Row, body_of, rows_of
from sync.terms.pack import Origin

SYNONYM, FULL = "900000000000013009", "900000000000003001"
RF2 = "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId"


def line(id_, term, *, active="1", language="el", kind=SYNONYM, concept="38341003"):
    return "\t".join((id_, "20260101", active, "1", concept, language, kind, term, "1"))


def test_a_code_system_gives_displays_of_its_language_and_designations_of_others():
    """MUST TRM-9."""
    system = {
        "resourceType": "CodeSystem",
        "url": "urn:example:codes",
        "language": "en",
        "concept": [
            {
                "code": "a",
                "display": "Alpha",
                "designation": [{"language": "el-GR", "value": "Άλφα"}, {"language": "de", "value": "Alpha"}],
                "concept": [{"code": "a1", "designation": [{"language": "el", "value": "Άλφα ένα"}]}],
            },
            {"code": "b", "display": "Beta"},
        ],
    }
    text = json.dumps(system)
    assert rows_of(text, "el") == [
        Row("urn:example:codes", "a", "Άλφα", True),
        Row("urn:example:codes", "a1", "Άλφα ένα", True),
    ]
    assert [(row.code, row.text) for row in rows_of(text, "en")] == [("a", "Alpha"), ("b", "Beta")]


def test_a_value_set_gives_the_designations_of_its_compose_and_its_expansion():
    """MUST TRM-9."""
    greek = {"designation": [{"language": "el", "value": "Υπέρταση"}]}
    value_set = {
        "resourceType": "ValueSet",
        "compose": {"include": [{"system": SNOMED, "concept": [{"code": "38341003", **greek}]}]},
        "expansion": {"contains": [{"abstract": True, "contains": [{"system": "urn:x", "code": "i", **greek}]}]},
    }
    value_set["expansion"]["contains"][0]["system"] = "urn:x"
    assert [(row.system, row.code) for row in rows_of(json.dumps(value_set), "el")] == [
        (SNOMED, "38341003"),
        ("urn:x", "i"),
    ]


def test_rf2_gives_active_synonyms_of_the_language_the_preferred_one_first():
    """MUST TRM-9."""
    text = "\ufeff" + "\n".join(
        [
            RF2,
            line("11", "Υπέρταση"),
            line("12", "Αρτηριακή υπέρταση"),
            line("13", "Παλιός όρος", active="0"),
            line("14", "Υπέρταση (πάθηση)", kind=FULL),
            line("15", "Hypertension", language="en"),
        ]
    )
    refset = "\n".join(
        [
            "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId",
            "u\t20260101\t1\t1\t1\t12\t900000000000548007",
            "u\t20260101\t0\t1\t1\t11\t900000000000548007",
        ]
    )
    rows = rows_of(text, "el", refset)
    [term] = body_of(rows, "el", "RF2", "1", Origin("s", "l", "no")).terms
    assert (term.code, term.text, term.also) == ("38341003", "Αρτηριακή υπέρταση", ("Υπέρταση",))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"resourceType":"Patient"}', '{"resourceType":"CodeSystem"}', RF2 + "\n1\t2", "[" * 100_000],
    ids=["nothing", "no JSON", "a list", "another resource", "no url", "short line", "deep"],
)
def test_what_is_none_of_these_is_refused_in_words(text):
    """MUST TRM-9."""
    with pytest.raises(NotUnderstood, match=r"\w"):
        rows_of(text, "el")
