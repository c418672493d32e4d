"""What makes a Bundle an International Patient Summary, as checks of our own; and phones to make summaries with."""

import re
from xml.etree import ElementTree

from sync.fhir.references import references_in
from sync.fhir.summary.assembling import Options, build
from sync.fhir.summary.assertions import Speaker
from sync.fhir.summary.restriction import restrict_edit
from sync.merge.change import VAULT_RECORD, ordinal_of
from tests.vectors.import_resources import bundle as bundle_of
from tests.vectors.import_resources import entry, patient

EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
AT = "2026-11-24T12:00:00Z"
SECRET = b"s" * 32
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
REQUIRED = {"11450-4", "48765-2", "10160-0"}
XHTML = "{http://www.w3.org/1999/xhtml}"
CLINICAL = "http://terminology.hl7.org/CodeSystem/{}-clinical"


def options(**more):
    """Phone 0 is the patient's, the others a carer's."""

    def speaker(dot):
        own = ordinal_of(dot) == 0
        return Speaker("Testa Testperson" if own else f"Carer {ordinal_of(dot)}", own)

    return Options(SECRET, speaker, ordinal_of, **more)


def summary(phone, at=AT, **more):
    return build(phone, at, options(**more))


def hide(phone, target, on=True):
    phone.write([restrict_edit(phone.record(VAULT_RECORD), target, on)])


def section(made, name):
    """The section of a built summary as people read it."""
    return next(one for one in made.sections if one.section.name == name)


def words(made, name):
    return [line.words for line in section(made, name).lines]


def resources(bundle, *types):
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] in types]


def composed(bundle, code):
    """The section of the Composition with a code."""
    [found] = [
        one for one in resources(bundle, "Composition")[0]["section"] if one["code"]["coding"][0]["code"] == code
    ]
    return found


def extension(resource, url):
    return [one for one in resource.get("extension", ()) if one["url"] == url]


def parts(extension_):
    """The parts of a complex extension, url to value."""
    return {one["url"]: next(value for key, value in one.items() if key != "url") for one in extension_["extension"]}


def broken(bundle):
    """The rules of FHIR documents and of IPS 2.0 that a Bundle breaks, in words."""
    found = []

    def must(holds, what):
        if not holds:
            found.append(what)

    must(bundle["type"] == "document", "type")
    must(bundle.get("identifier", {}).get("system") and bundle["identifier"].get("value"), "identifier")
    must(bundle.get("timestamp"), "timestamp")
    urls = [entry.get("fullUrl") for entry in bundle["entry"]]
    must(all(UUID.match(url or "") for url in urls), "fullUrl")
    must(len(set(urls)) == len(urls), "two entries with one fullUrl")
    must(all(entry["fullUrl"] == "urn:uuid:" + entry["resource"]["id"] for entry in bundle["entry"]), "id")
    must(len(resources(bundle, "Composition")) == 1, "one Composition")
    must(bundle["entry"][0]["resource"]["resourceType"] == "Composition", "the Composition is first")
    composition = bundle["entry"][0]["resource"]
    coding = composition["type"]["coding"][0]
    must((coding["system"], coding["code"]) == ("http://loinc.org", "60591-5"), "type of the Composition")
    must(all(composition.get(name) for name in ("status", "subject", "date", "author", "title")), "Composition head")
    must("text" not in composition, "the text of the sections is not repeated")
    must(len(resources(bundle, "Patient")) == 1, "one Patient")
    patient = resources(bundle, "Patient")[0]
    must("birthDate" in patient or "_birthDate" in patient, "birthDate")
    must(patient.get("name"), "name")
    codes = [one["code"]["coding"][0]["code"] for one in composition["section"]]
    must(set(codes) >= REQUIRED, "required sections")
    must(len(set(codes)) == len(codes), "a section twice")
    for one in composition["section"]:
        must(one.get("title") and one.get("text"), "title and text of a section")
        must("section" not in one, "nested sections")
        must(("entry" in one) != ("emptyReason" in one), "entries or the reason why none")
        must(one["text"]["status"] in ("generated", "additional"), "status of a narrative")
        tags = {element.tag for element in ElementTree.fromstring(one["text"]["div"]).iter()}
        must(tags <= {XHTML + tag for tag in ("div", "ul", "li", "p", "b")}, "markup of a narrative")
    for resource in (one["resource"] for one in bundle["entry"]):
        inside = {"#" + one.get("id", "") for one in resource.get("contained", ())}
        for where, reference in references_in(resource):
            text = reference["reference"]
            must(text in urls or text in inside or text == "#", f"reference at {where}")
    for resource in resources(bundle, "AllergyIntolerance", "Immunization"):
        must("reference" in resource.get("patient", {}), "patient")
    for resource in resources(bundle, "Condition", "MedicationStatement", "MedicationRequest"):
        must("reference" in resource.get("subject", {}), "subject")
    must(empties(bundle) == [], f"an empty list or object: {empties(bundle)}")
    return found


def empties(value, where=""):
    """Where a list or an object is empty: FHIR has no such thing."""
    if isinstance(value, dict):
        inner = [found for key, item in value.items() for found in empties(item, f"{where}.{key}")]
    elif isinstance(value, list):
        inner = [found for item in value for found in empties(item, where)]
    else:
        return []
    return inner if value else [where]


def allergy(name, **more):
    """An active allergy of one's own; `more`: further elements."""
    status = {"coding": [{"system": CLINICAL.format("allergyintolerance"), "code": "active"}]}
    return {"resourceType": "AllergyIntolerance", "clinicalStatus": status, "code": {"text": name}} | more


def problem(name, status="active", **more):
    clinical = {"coding": [{"system": CLINICAL.format("condition"), "code": status}]}
    return {"resourceType": "Condition", "clinicalStatus": clinical, "code": {"text": name}} | more


def medicine(name, status="active", **more):
    return {"resourceType": "MedicationStatement", "status": status, "medicationCodeableConcept": {"text": name}} | more


def file_of(date, *sections, **more):
    """A document whose Composition has these sections: (LOINC code, reason or resources)."""
    told, entries = [], []
    for code, what in sections:
        one = {"title": code, "code": {"coding": [{"system": "http://loinc.org", "code": code}]}}
        if isinstance(what, str):
            one["emptyReason"] = {"coding": [{"system": EMPTY, "code": what}]}
        else:
            urls = [f"urn:uuid:00000000-0000-4000-8000-{len(entries) + n:012}" for n, _ in enumerate(what)]
            entries += [entry(resource, url) for resource, url in zip(what, urls, strict=True)]
            one["entry"] = [{"reference": url} for url in urls]
        told.append(one)
    composition = {"resourceType": "Composition", "date": date, "subject": {"reference": "urn:uuid:p"}, "section": told}
    head = [entry(composition, f"urn:uuid:c{date}"), entry(patient(id="p"), "urn:uuid:p")]
    return bundle_of(*head, *entries, type="document", timestamp=f"{date}T00:00:00Z", **more)
