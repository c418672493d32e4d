"""Writes openapi/vectors/summary/summaries.json: small vaults and the summary of each.

Run by hand, from the repository: `python -m tests.vectors.generate_summary`. Inputs, sections and states are written by
hand here; the documents come from the code and are compared by a test. Format: openapi/protocol/summary.md, "Vectors".
"""

import hashlib
import json
from pathlib import Path

from sync.fhir import editing
from sync.fhir.exact import canonical, loads
from sync.fhir.summary.assembling import Options, build
from sync.fhir.summary.assertions import Speaker
from sync.fhir.summary.restriction import restrict_edit
from sync.merge.change import VAULT_RECORD, RecordId, ordinal_of
from tests.fhir.import_phones import Phone, merged
from tests.vectors.import_resources import allergy, bundle, case, concept, entry, patient, text

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors" / "summary"
AT, SECRET = "2026-11-24T12:00:00Z", "73" * 32
LOINC, EMPTY = "http://loinc.org", "http://terminology.hl7.org/CodeSystem/list-empty-reason"
ALLERGIES, PROBLEMS, MEDICINES = "48765-2", "11450-4", "10160-0"


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")


def files():
    """The text of every vector file, by its name."""
    told = {"chapter": "summary", "description": "small vaults, and the summary of each", "cases": cases()}
    return {"summaries.json": json.dumps(told, indent=1, ensure_ascii=False) + "\n"}


def summarized(given):
    """What a case's input comes to: the sections, and the document without its free words."""
    phone, carer = Phone(0), Phone(1)
    ids = [RecordId(hashlib.sha256(f"own entry {n}".encode()).digest()) for n in range(len(given["own"]))]
    phone.write([editing.new(loads(one), id_) for one, id_ in zip(given["own"], ids, strict=True)])
    carer.take(phone.sent)
    for file in given["files"]:
        phone.imports(file.encode())
    for edit in given["edits"]:
        who = (phone, carer)[edit["phone"]]
        record = who.record(ids[edit["own"]])
        if edit["element"] is None:
            who.write([editing.delete(record)])
        else:
            who.write([editing.set_element(record, edit["element"], loads(edit["value"]))])
    merged(phone, carer)
    for target in given["restricted"]:
        hidden = ids[target] if isinstance(target, int) else target
        phone.write([restrict_edit(phone.record(VAULT_RECORD), hidden, True)])
    made = build(phone, given["at"], options(given))
    document = bare(made.bundle)
    composed = document["entry"][0]["resource"]["section"]
    by_url = {one["fullUrl"]: one["resource"] for one in document["entry"]}
    sections = []
    for told, one in zip(made.sections, composed, strict=True):
        reason = one.get("emptyReason", {"coding": [{"code": None}]})["coding"][0]["code"]
        entries = [by_url[reference["reference"]] for reference in one.get("entry", ())]
        lines = [
            {"type": resource["resourceType"], "id": resource["id"], "disputed": line.disputed}
            for resource, line in zip(entries, told.lines, strict=True)
        ]
        sections.append({"name": told.section.name, "state": told.state, "emptyReason": reason, "entries": lines})
    return {"sections": sections, "document": canonical(document).decode()}


def options(given):
    def speaker(dot):
        n = ordinal_of(dot)
        return Speaker(f"Carer {n}" if n else "Testa Testperson", n == 0)

    return Options(bytes.fromhex(given["secret"]), speaker, ordinal_of, eu=given["eu"])


def bare(value):
    """A document without what is said in free words, and without the identifier that depends on it."""
    made = loads(canonical(value))
    del made["identifier"]
    for section in made["entry"][0]["resource"]["section"]:
        del section["text"]
        section.get("emptyReason", {}).pop("text", None)
    for one in made["entry"]:
        one["resource"].pop("note", None)
    return made


def document(date, *sections):
    """A hospital's document: (code, reason or resources) for each section."""
    told, entries = [], []
    for code, what in sections:
        one = {"title": code, "code": {"coding": [{"system": LOINC, "code": code}]}}
        if isinstance(what, str):
            one["emptyReason"] = {"coding": [{"system": EMPTY, "code": what}]}
        else:
            urls = [f"urn:uuid:00000000-0000-4000-8000-{len(entries) + n:012}" for n, _ in enumerate(what)]
            entries += [entry(resource, url) for resource, url in zip(what, urls, strict=True)]
            one["entry"] = [{"reference": url} for url in urls]
        told.append(one)
    composition = {"resourceType": "Composition", "date": date, "subject": {"reference": "urn:uuid:p"}, "section": told}
    head = [entry(composition, "urn:uuid:c"), entry(patient(id="p"), "urn:uuid:p")]
    return bundle(*head, *entries, type="document", timestamp=f"{date}T00:00:00Z")


def cases():
    made = []

    def add(name, must, *, own=(), files=(), edits=(), restricted=(), eu=False):
        given = {"own": [text(one) for one in own], "files": [text(one) for one in files]}
        given["edits"] = [
            {"phone": phone, "own": place, "element": element, "value": None if element is None else text(value)}
            for phone, place, element, value in edits
        ]
        given |= {"restricted": list(restricted), "eu": eu, "at": AT, "secret": SECRET}
        made.append(case(name, must, given, summarized(given)))

    latex, other = allergy(), allergy("low", code=concept("91936005", "Penicillin"))
    gout = {"resourceType": "Condition", "code": concept("90560007", "Gout")}
    gout["clinicalStatus"] = {"coding": [{"code": "active"}]}
    taken = {"resourceType": "MedicationStatement", "status": "active"}
    taken["medicationCodeableConcept"] = concept("386872004", "Ramipril")
    none = allergy("low", code=concept("716186003", "No known allergy"))
    unknown = allergy(
        code=concept("no-allergy-info", "No information", "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips")
    )
    nothing = document("2026-01-01", (ALLERGIES, "nilknown"), (PROBLEMS, "notasked"), (MEDICINES, "unavailable"))

    add("an empty vault", "SUM-1 SUM-2 SUM-7")
    add("an empty vault, for the European summary", "SUM-2 SUM-7", eu=True)
    add("a file that says none known, not asked and not known", "SUM-8", files=[nothing])
    add("a file that says withheld", "SUM-8", files=[document("2026-01-01", (ALLERGIES, "withheld"))])
    add("a record that says no known allergy", "SUM-9", own=[none])
    add("a record that says no known allergy, beside one", "SUM-9", own=[none, latex])
    add("a record that says that nothing is known", "SUM-9", own=[unknown])
    add("the severe allergy first", "SUM-5", own=[other, latex])
    over = gout | {"clinicalStatus": {"coding": [{"code": "resolved"}]}}
    add("a problem that is over, and one in error", "SUM-4 SUM-6", own=[over, taken | {"status": "entered-in-error"}])
    add("an entry of a file", "SUM-12 SUM-13", files=[document("2026-01-01", (ALLERGIES, [latex]))])
    add("an entry of the patient's own", "SUM-12 SUM-14 SUM-16", own=[latex])
    dose = [(0, 0, "dosage", [{"text": "5 mg"}]), (1, 0, "dosage", [{"text": "10 mg"}])]
    add("two doses of one medicine", "SUM-10 SUM-11", own=[taken], edits=dose)
    gone = [(0, 0, None, None), (1, 0, "criticality", '"low"')]
    add("deleted by one, changed by another", "SUM-10 SUM-11", own=[latex], edits=gone)
    reason = [{"reference": "urn:uuid:gone", "display": "Gout"}]
    add("a reference that leads nowhere", "SUM-17", own=[taken | {"reasonReference": reason}])
    add("a vault with one allergy", "SUM-20", own=[latex])
    add("the same with a hidden problem", "SUM-20", own=[latex, gout], restricted=[1])
    add("the same with a hidden section", "SUM-20 SUM-21", own=[latex, gout], restricted=["problems"])
    add("no known allergy, and a hidden one", "SUM-22", own=[none, latex], restricted=[1])
    return made


if __name__ == "__main__":
    main()
