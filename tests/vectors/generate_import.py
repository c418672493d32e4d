"""Writes openapi/vectors/import/*.json. What is expected is written here by hand, or derived apart from the code.

Run by hand, from the repository: `python -m tests.vectors.generate_import`. Format: openapi/vectors/README.md.
"""

import hashlib
import json
from pathlib import Path

from tests.vectors.generate_import_pairs import duplicates, references
from tests.vectors.import_resources import HOSPITAL, allergy, bundle, case, concept, document, entry, patient, text

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors" / "import"


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")


def files():
    """The text of every vector file, by its name."""
    made = {
        "reading.json": ("a file, and whether it is read", reading()),
        "keys.json": ("import keys, and the record ids they give", keys()),
        "persons.json": ("two Patients, and what differs between them", persons()),
        "files.json": ("whose file it is, in an empty vault", whose()),
        "dates.json": ("two dates: order -1, 0, 1 or null, and whether they may be one", dates()),
        "imports.json": ("files imported one after another on one phone", imports()),
        "references.json": ("a reference in an entry, and the entry it leads to", references()),
        "duplicates.json": ("what is shown as one and what is asked about", duplicates()),
    }
    return {name: written(description, cases) for name, (description, cases) in made.items()}


def written(description, cases):
    told = {"chapter": "import", "description": description, "cases": cases}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


# Reading


def reading():
    condition = {"resourceType": "Condition", "clinicalStatus": "active"}
    r4 = {"resourceType": "Condition", "clinicalStatus": {"coding": [{"code": "active"}]}}
    order = {"resourceType": "MedicationOrder", "status": "active"}
    refused = [
        ("nothing", "", "empty_file"),
        ("white space alone", " \r\n\t", "empty_file"),
        ("a byte order mark alone", "\ufeff", "empty_file"),
        ("a PDF", "%PDF-1.7 …", "is_pdf"),
        ("a web page", "<!DOCTYPE html><html><body>Sign in</body></html>", "is_html"),
        ("a web page in capitals, after white space", "\n <HTML>", "is_html"),
        ("a FHIR Bundle in XML", '<Bundle xmlns="http://hl7.org/fhir"/>', "is_xml"),
        ("a CDA document", '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>', "is_xml"),
        ("a file that was cut off", '{"resourceType":"Bundle","entry":[{"resource":', "not_json"),
        ("two records, one a line", '{"resourceType":"Patient"}\n{"resourceType":"Patient"}', "not_json"),
        ("one name twice in an object", '{"resourceType":"Patient","id":"a","id":"b"}', "not_json"),
        ("a list of records", '[{"resourceType":"Patient"}]', "not_fhir"),
        ("an object of another kind", '{"hello":"world"}', "not_fhir"),
        ("a health card", '{"verifiableCredential":["eyJ"]}', "not_fhir"),
        ("a type in small letters", '{"resourceType":"patient"}', "not_fhir"),
        ("a Bundle of DSTU2, by its base", bundle(base="http://old.example"), "old_fhir"),
        ("a type that R4 no longer has", bundle(entry(order)), "old_fhir"),
        ("a status that is no concept", bundle(entry(condition)), "old_fhir"),
        (
            "a resource that says its version",
            {"resourceType": "CapabilityStatement", "fhirVersion": "3.0.1"},
            "old_fhir",
        ),
    ]
    cases = [
        case(name, "IMP-2" if code == "old_fhir" else "IMP-1", {"file": text(file)}, outcome=code)
        for name, file, code in refused
    ]
    taken = [
        ("a resource alone", patient(), [0], []),
        ("a byte order mark before it", "\ufeff" + text(patient()), [0], []),
        ("a bundle without entries", bundle(), [], []),
        ("a search result of a server", bundle(entry(patient(), search={"mode": "match"}), type="searchset"), [0], []),
        (
            "an entry without a record",
            bundle({"request": {"method": "DELETE", "url": "Patient/1"}}, entry(r4)),
            [1],
            [0],
        ),
        ("a record that does not say what it is", bundle(entry({"id": "x"}), entry(r4)), [1], [0]),
        ("an entry that is no object", bundle("what", entry(r4)), [1], [0]),
        ("a message of the server", bundle(entry({"resourceType": "OperationOutcome"}), entry(r4)), [1], [0]),
        ("a type that nobody knows", bundle(entry({"resourceType": "Horoscope", "sign": "♌"})), [0], []),
        ("one odd old entry among R4", bundle(entry(order), entry(r4)), [0, 1], []),
    ]
    cases += [
        case(name, "IMP-3", {"file": text(file)}, {"records": records, "kept": kept})
        for name, file, records, kept in taken
    ]
    return cases


# Ids


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(file):
    return hashlib.sha256(canonical(file)).hexdigest()


def identity(key):
    return {"key": key, "id": hashlib.sha256(b"carnet/1/import\0" + canonical(key)).hexdigest()}


def keys():
    url = f"{HOSPITAL}/Patient/p"
    named = {"identifier": {"system": "urn:example", "value": "7"}}
    document_key = ["identifier", "urn:example", "7"]
    cases = []

    def add(name, must, file, *expected, **options):
        output = {"entries": [identity(key) for key in expected]}
        output["envelope"] = identity(["Bundle", "envelope", digest(file)])
        cases.append(case(name, must, {"file": text(file), **options}, output))

    file = bundle(entry(patient(), url), **named)
    add("an absolute fullUrl counts alone", "IMP-6", file, ["Patient", "url", url, 0])
    add(
        "but not from a stranger",
        "IMP-6 IMP-7",
        file,
        ["Patient", "fullUrl", document_key, url, 0],
        absolute_urls=False,
    )
    file = bundle(entry(patient(), "urn:uuid:1"), **named)
    add(
        "a urn under the document's identifier",
        "IMP-5 IMP-6",
        file,
        ["Patient", "fullUrl", document_key, "urn:uuid:1", 0],
    )
    file = bundle(entry(patient(id="p")), identifier={"value": "7"})
    add("an id under an identifier without system", "IMP-5", file, ["Patient", "id", ["identifier", "", "7"], "p", 0])
    file = bundle(entry(patient(id="p"), ""))
    add("an empty fullUrl is none", "IMP-6", file, ["Patient", "id", ["digest", digest(file)], "p", 0])
    file = bundle(entry(patient()), entry(patient()), **named)
    add(
        "no name at all: the place in this very file", "IMP-6", file,
        ["Patient", "index", digest(file), 0, 0], ["Patient", "index", digest(file), 1, 0],
    )  # fmt: skip
    file = bundle(entry(patient(), url), entry(allergy(), url), entry(patient(), url), **named)
    add(
        "one fullUrl thrice: the type, then the occurrence", "IMP-6", file,
        ["Patient", "url", url, 0], ["AllergyIntolerance", "url", url, 0], ["Patient", "url", url, 1],
    )  # fmt: skip
    file = patient(id="p")
    add("a resource alone", "IMP-8", file, ["Patient", "id", ["digest", digest(file)], "p", 0])
    return cases


# Persons


def persons():
    number = {"identifier": [{"system": "urn:example:mrn", "value": "12"}]}
    other_number = {"identifier": [{"system": "urn:example:mrn", "value": "13"}]}
    padded = {"identifier": [{"system": "urn:example:mrn", "value": "  12"}]}
    both = {"identifier": [*number["identifier"], *other_number["identifier"]]}
    text_name = {"resourceType": "Patient", "name": [{"text": "TESTPERSON, TESTA"}], "birthDate": "1970"}
    maiden = patient() | {"name": [{"family": "Neuname", "given": ["Testa"]}, *patient()["name"]]}
    bare = {"resourceType": "Patient", "gender": "female"}
    told = [
        ("one and the same", patient(), patient(), []),
        ("case, accents and order make no difference", patient("Tëstperson"), text_name, []),
        ("a second given name makes none", patient(), patient(given="Testa Maria"), []),
        ("a former name makes none", patient(), maiden, []),
        ("another given name", patient(), patient(given="Testina"), ["another name"]),
        ("a year holds its days", patient(birth="1970"), patient(), []),
        ("another day of birth", patient(birth="1970-01-02"), patient(), ["another birth date"]),
        ("another sex", patient(gender="male"), patient(gender="female"), ["another sex"]),
        ("an unknown sex is no other", patient(gender="unknown"), patient(gender="female"), []),
        ("another number of one system", patient(**number), patient(**other_number), ["another identifier"]),
        ("white space around a number", patient(**number), patient(**padded), []),
        ("one number of two in common", patient(**both), patient(**number), []),
        (
            "a number in common does not make one of two",
            patient("Other", **number),
            patient(**number),
            ["another name"],
        ),
        ("nothing to compare by", bare, patient(), ["there is nothing to compare them by"]),
    ]
    return [case(name, "IMP-11", {"a": a, "b": b}, {"differences": found}) for name, a, b, found in told]


def whose():
    def about(reference, element="subject"):
        return {"resourceType": "Observation", element: {"reference": reference}}

    def composed(reference):
        return {"resourceType": "Composition", "subject": {"reference": reference}}

    one, two = entry(patient(id="1"), "urn:uuid:1"), entry(patient("Other", id="2"), "urn:uuid:2")
    told = [
        ("the one Patient", bundle(one, entry(about("urn:uuid:1"))), 0, False),
        ("no Patient at all", bundle(entry(about("Patient/1"))), None, False),
        ("the Composition says whose", bundle(entry(composed("Patient/2")), one, two), 2, False),
        ("two Patients and nothing that says whose", bundle(one, two), 0, True),
        ("a record about the other one",
         bundle(entry(composed("urn:uuid:1")), one, two, entry(about("Patient/2"))), 1, True),
        ("a person nobody speaks of is no trouble", bundle(entry(composed("urn:uuid:1")), one, two), 1, False),
        ("a reference that leads nowhere holds nothing", bundle(one, entry(about("Patient/9"))), 0, False),
        ("another one's insurance",
         bundle(entry(composed("Patient/1")), one, two, entry(about("Patient/2", "beneficiary"))), 1, True),
    ]  # fmt: skip
    return [
        case(name, "IMP-9", {"file": text(file)}, {"person": person}, "held" if held else "ok")
        for name, file, person, held in told
    ]


# Dates


def dates():
    told = [
        ("one day before another", "2024-03-12", "2024-03-13", -1, False),
        ("a year and a day in it", "2024", "2024-03-12", None, True),
        ("a year and a day in another", "2023", "2024-03-12", -1, False),
        ("a month and its year", "2024-03", "2024", None, True),
        ("one instant in two zones", "2024-03-12T10:00:00Z", "2024-03-12T12:00:00+02:00", 0, True),
        ("a day and an instant in it", "2024-03-12", "2024-03-12T10:00:00Z", None, True),
        ("a day and an instant that may be in it", "2024-03-12", "2024-03-11T11:00:00Z", None, True),
        ("a day and an instant before it everywhere", "2024-03-12", "2024-03-11T09:00:00Z", 1, False),
        ("two local times", "2024-03-12T10:00:00", "2024-03-12T10:00:01", -1, False),
        ("a second and a part of it", "2024-03-12T10:00:00Z", "2024-03-12T10:00:00.5Z", None, True),
        ("parts of a second", "2024-03-12T10:00:00.123Z", "2024-03-12T10:00:00.124Z", -1, False),
        ("a leap day", "2024-02-29", "2024-03-01", -1, False),
        ("a day that is not", "2023-02-29", "2024", None, False),
        ("the thirteenth month", "2024-13", "2025", None, False),
        ("no date", "yesterday", "2024", None, False),
    ]
    return [
        case(name, "IMP-19", {"a": a, "b": b}, {"order": order, "may_be_same": same})
        for name, a, b, order, same in told
    ]


# Imports


def dose(value, **more):
    made = {"resourceType": "MedicationStatement", "id": "m", "status": "active"}
    return made | {"medicationCodeableConcept": concept("386872004", "Ramipril"), "dosage": [{"text": value}]} | more


def imports():
    first = document("2024-01-01T08:00:00Z", dose("5 mg", note=[{"text": "from the ward"}]))
    second = document("2024-02-01T08:00:00Z", dose("10 mg"))
    undated = bundle(*second["entry"])
    del undated["entry"][0]
    shown = f"{HOSPITAL}/MedicationStatement/m"
    cases = []

    def add(name, must, *steps, result):
        """Steps: (file, counts of added, updated, unchanged, older) or ("delete",)."""
        given = {"steps": [{"delete": shown} if step == "delete" else {"import": text(step[0])} for step in steps]}
        counts = [list(step[1]) for step in steps if step != "delete"]
        cases.append(case(name, must, given, {"counts": counts, "url": shown, "shown": result}))

    note = '[{"text":"from the ward"}]'
    five, ten = {"dosage": '[{"text":"5 mg"}]', "note": note}, {"dosage": '[{"text":"10 mg"}]', "note": None}
    add("one file", "IMP-12", (first, (3, 0, 0, 0)), result=five)
    add("one file twice", "IMP-14", (first, (3, 0, 0, 0)), (first, (0, 0, 3, 0)), result=five)
    add(
        "a newer copy, which dropped a note", "IMP-13 IMP-18", (first, (3, 0, 0, 0)), (second, (0, 2, 1, 0)), result=ten
    )
    add("an older copy after the newer one", "IMP-17", (second, (3, 0, 0, 0)), (first, (0, 0, 3, 2)), result=ten)
    add(
        "the first file again after the newer copy", "IMP-14",
        (first, (3, 0, 0, 0)), (second, (0, 2, 1, 0)), (first, (0, 0, 3, 0)), result=ten,
    )  # fmt: skip
    add("a copy without a date counts as newer", "IMP-17", (first, (3, 0, 0, 0)), (undated, (0, 1, 1, 0)), result=ten)
    add(
        "an equal copy of a deleted record",
        "IMP-15",
        (first, (3, 0, 0, 0)),
        "delete",
        (first, (0, 0, 3, 0)),
        result=None,
    )
    add(
        "a changed copy of a deleted record",
        "IMP-15",
        (first, (3, 0, 0, 0)),
        "delete",
        (second, (0, 2, 1, 0)),
        result=ten,
    )
    return cases


if __name__ == "__main__":
    main()
