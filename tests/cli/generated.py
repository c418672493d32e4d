"""FHIR files as generators write them: huge, sloppy or odd in one way each, made by functions.

What they have in common: each is R4 in JSON that a person may be handed, and none of it may be lost. What a phone
refuses by name is in test_bad_input.py.
"""

from __future__ import annotations

from typing import Any

from sync.fhir import exact
from tests.cli import bundles
from tests.cli.bundles import Json, concept, observation, patient

NARRATIVE_BYTES = 1_000_000
NUMBERS = ("1e-7", "5.40", "-0.0", "1E+3", "100000000000000000000.5", "0.1000000000000000055")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def many(entries: int) -> Json:
    """A hospital's document with so many entries; nine of ten are measured values, many of one kind on one day."""
    made: list[Json] = []
    for number in range(entries - 2):  # the Composition and the Patient are two
        measured = observation(number, f"{5 + number % 40 / 10:.2f}")
        measured["code"] = concept(f"{1_000 + number % 97}-1", f"Value {number % 97}", "http://loinc.org")
        if number % 10 == 0:
            measured = {**bundles.condition(), "id": f"c{number}", "onsetDateTime": f"{1950 + number % 70}"}
        made.append(measured)
    return bundles.document(made, identifier=f"summary-{entries}")


def collection(*resources: Json, urls: bool = False) -> Json:
    """A Bundle that says as little as it may; entries without a fullUrl unless `urls`."""
    entries = [
        {"fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012d}", "resource": one} if urls else {"resource": one}
        for number, one in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def without_ids() -> Json:
    """Records without an id and without a fullUrl, two of them equal."""
    named = [patient(), observation(1), observation(1), observation(2)]
    return collection(*({key: value for key, value in one.items() if key != "id"} for one in named))


def one_id_in_two_types() -> Json:
    """Every record is called `1`."""
    return collection(*({**one, "id": "1"} for one in (patient(), observation(), bundles.condition())))


def two_patients() -> Json:
    """Records of two people in one file."""
    other = {**patient("Otherperson", "1999-12-31"), "id": "q"}
    theirs = {**observation(2), "subject": {"reference": "Patient/q"}}
    return collection(patient(), other, {**observation(1), "subject": {"reference": "Patient/p"}}, theirs)


def long_narrative() -> Json:
    """A record whose text for people is a megabyte long, and does not get much smaller."""
    words = " ".join(f"{number * 2_654_435_761 % 4_294_967_296:08x}" for number in range(NARRATIVE_BYTES // 9))
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{words}</div>'}
    return collection(patient(), observation(1, text=text))


def odd_numbers() -> Json:
    """Numbers whose text a floating-point number does not keep."""
    return collection(patient(), *(observation(place, text) for place, text in enumerate(NUMBERS)))


def unknown_types() -> Json:
    """Record types that R4 does not have, and an entry that says no type."""
    later = {
        "resourceType": "InventoryItem",
        "id": "i",
        "status": "active",
        "netContent": {"value": exact.number("2.0")},
    }
    own = {"resourceType": "OurOwnThing", "id": "t", "anything": [{"deep": [1, "two", None]}]}
    made = collection(patient(), later, own)
    made["entry"].append({"resource": {"id": "nameless"}})
    return made


def circles() -> Json:
    """Records that refer to each other, one to itself, and three in a ring."""
    ring: list[Json] = [
        {**observation(place), "id": f"r{place}", "hasMember": [{"reference": f"Observation/r{(place + 1) % 3}"}]}
        for place in range(3)
    ]
    itself: Json = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "partOf": {"reference": "Encounter/e"},
    }
    goal: Json = {**bundles.condition(), "id": "x", "evidence": [{"detail": [{"reference": "Observation/y"}]}]}
    back: Json = {**observation(9), "id": "y", "focus": [{"reference": "Condition/x"}]}
    return collection(patient(), *ring, itself, goal, back)


FILES: dict[str, Any] = {
    "records without ids": without_ids,
    "one id in two record types": one_id_in_two_types,
    "two patients": two_patients,
    "a narrative of a megabyte": long_narrative,
    "numbers like 1e-7 and 5.40": odd_numbers,
    "unknown record types": unknown_types,
    "references in circles": circles,
}
