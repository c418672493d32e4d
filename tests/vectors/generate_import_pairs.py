"""Vectors of chapter import about two records: references that lead from one to another, and duplicates."""

from tests.vectors.import_resources import HOSPITAL, allergy, bundle, case, concept, entry, text, vaccination

# References


def references():
    device = {"resourceType": "Device", "id": "d"}
    here, there = entry(device, f"{HOSPITAL}/Device/d"), entry(device, "https://clinic.example/r4/Device/d")
    urn = entry(device, "urn:uuid:d")
    told = [
        ("a fullUrl", [urn], None, "urn:uuid:d", 1),
        ("type and id, whatever the fullUrl", [urn], None, "Device/d", 1),
        ("type and id, where there is no fullUrl", [entry(device)], None, "Device/d", 1),
        ("an absolute URL", [here], None, f"{HOSPITAL}/Device/d", 1),
        ("relative to one's own base", [there, here], f"{HOSPITAL}/Observation/o", "Device/d", 2),
        ("two that fit, and no base", [there, here], "urn:uuid:o", "Device/d", None),
        ("a version of it", [here], f"{HOSPITAL}/Observation/o", "Device/d/_history/3", 1),
        ("another type with this id", [urn], None, "Patient/d", None),
        ("nowhere", [urn], None, "Device/e", None),
        ("a part of the record itself", [urn], None, "#d", None),
    ]
    cases = []
    for name, others, own, reference, target in told:
        observation = {"resourceType": "Observation", "id": "o", "device": {"reference": reference}}
        file = bundle(entry(observation, own), *others)
        given = {"file": text(file), "entry": 0, "reference": {"reference": reference}}
        cases.append(case(name, "IMP-21 IMP-22", given, {"target": target}))
    numbered = {"resourceType": "Device", "identifier": [{"system": "urn:example:udi", "value": "1"}]}
    wanted = {"identifier": {"system": "urn:example:udi", "value": "1"}}
    observation = {"resourceType": "Observation", "id": "o", "device": wanted}
    for name, count, target in (("an identifier alone", 1, 1), ("an identifier that two have", 2, None)):
        others = [entry(numbered, f"urn:uuid:{n}") for n in range(count)]
        file = bundle(entry(observation), *others)
        cases.append(
            case(name, "IMP-21 IMP-22", {"file": text(file), "entry": 0, "reference": wanted}, {"target": target})
        )
    return cases


# Duplicates


def duplicates():
    """Records are numbered through: files' entries first, then own entries, in the order given."""

    def taking(drug, url):
        medication = {"resourceType": "Medication", "code": concept(drug, f"Drug {drug}")}
        statement = {"resourceType": "MedicationStatement", "medicationReference": {"reference": url}}
        return [entry(statement, url + "0"), entry(medication, url)]

    none = concept("716186003", "No known allergy")
    here, there = {"resourceType": "Organization"}, {"resourceType": "Organization", "name": "Other"}
    numbered = {"identifier": [{"system": "urn:example", "value": "1"}]}
    twice = [entry(vaccination(), "urn:uuid:1"), entry(vaccination(), "urn:uuid:2")]
    again = [entry(vaccination(), "urn:uuid:3"), entry(vaccination(), "urn:uuid:4")]
    circle = [entry({"resourceType": "Observation", "hasMember": [{"reference": "urn:uuid:1"}]}, "urn:uuid:1")]
    circle_again = [entry({"resourceType": "Observation", "hasMember": [{"reference": "urn:uuid:2"}]}, "urn:uuid:2")]
    told = [
        ("two people enter one vaccination", [], [(0, vaccination()), (1, vaccination())], [[0, 1]], []),
        ("one phone enters it twice", [], [(0, vaccination()), (0, vaccination())], [], []),
        ("one allergy, two criticalities", [], [(0, allergy()), (1, allergy("low"))], [], [[0, 1]]),
        ("an allergy by its words alone",
         [], [(0, allergy()), (1, allergy("low", code={"text": " latex "}))], [], [[0, 1]]),
        ("one text, two codes of one system",
         [], [(0, allergy()), (1, allergy(code=concept("1", "Latex")))], [], []),
        ("no known allergies, said twice", [], [(0, allergy(code=none)), (1, allergy("low", code=none))], [], []),
        ("one vaccine on two days", [], [(0, vaccination()), (1, vaccination("2024-05-03"))], [], []),
        ("a day and its month", [], [(0, vaccination()), (1, vaccination("2024-05"))], [], [[0, 1]]),
        ("a year and a day at its end", [], [(0, vaccination("2024")), (1, vaccination("2024-12-31"))], [], [[0, 1]]),
        ("midnight in one zone, the evening before in another",
         [], [(0, vaccination("2024-02-01")), (1, vaccination("2024-01-31T20:00:00Z"))], [], [[0, 1]]),
        ("one identifier, nothing else in common",
         [], [(0, vaccination(**numbered)), (1, vaccination("2020", **numbered))], [], [[0, 1]]),
        ("one identifier, not clinical",
         [], [(0, here | numbered), (1, there | numbered)], [], []),
        ("a file and a person's entry", [[entry(vaccination())]], [(0, vaccination())], [[0, 1]], []),
        ("what one file lists twice stays two", [twice], [], [], []),
        ("and goes with the two of another file", [twice, again], [], [[0, 3], [1, 2]], []),
        ("id, meta and text do not count",
         [], [(0, vaccination(id="a", meta={})), (1, vaccination(text={"status": "empty"}))], [[0, 1]], []),
        ("one drug by reference", [taking("1", "urn:uuid:a"), taking("1", "urn:uuid:b")], [], [[0, 2], [1, 3]], []),
        ("two drugs by reference are two", [taking("1", "urn:uuid:a"), taking("2", "urn:uuid:b")], [], [], []),
        ("a circle of references", [circle, circle_again], [], [[0, 1]], []),
        ("two doses of a series",
         [], [(n, vaccination(protocolApplied=[{"doseNumberPositiveInt": n + 1}])) for n in (0, 1)], [], []),
        ("two lots on one day", [], [(n, vaccination(lotNumber=f"LOT {n}")) for n in (0, 1)], [], []),
        ("a lot here, none there", [], [(0, vaccination(lotNumber="LOT 1")), (1, vaccination())], [], [[0, 1]]),
        ("given, and not given", [], [(0, vaccination()), (1, vaccination(status="not-done"))], [], []),
        ("given, and entered in error", [], [(0, vaccination()), (1, vaccination(status="entered-in-error"))], [], []),
        ("refuted, and not", [], [(0, allergy()), (1, allergy(verificationStatus=concept("refuted", "x")))], [], []),
    ]  # fmt: skip
    cases = []
    for name, given, own, groups, pairs in told:
        told_files = [text(bundle(*entries, identifier={"value": str(n)})) for n, entries in enumerate(given)]
        told_own = [{"phone": phone, "resource": resource} for phone, resource in own]
        output = {"same": groups, "pairs": pairs}
        cases.append(case(name, "IMP-23 IMP-24", {"files": told_files, "own": told_own}, output))
    return cases
