"""Import, vault, export: what came in comes out, whatever the file, however often, on whichever of two phones.

`law_document(file)`: the document is given back equal; the collection holds each resource as it came in; a second
import writes nothing; another phone that imported it apart holds the same records and asks nothing.
"""

from hypothesis import strategies as st

from sync.fhir import exporting
from sync.fhir.exact import canonical, loads
from sync.fhir.table import detailed_types, registers_of
from tests.fhir.import_phones import Phone, as_bytes, merged
from tests.property.table_values import resource_of
from tests.vectors.import_resources import bundle, entry, patient

MARKS = st.sampled_from("abcd")


@st.composite
def resources(draw):
    """A resource of a detailed type with some of its registers; values are marked, digits are kept."""
    type_ = draw(st.sampled_from([name for name in detailed_types() if name != "Patient"]))
    registers = draw(st.lists(st.sampled_from(registers_of(type_).registers()), max_size=5, unique_by=lambda r: r.key))
    elements = [element for register in registers for element in register.elements]
    made = resource_of(type_, elements, draw(MARKS))
    made["id"] = draw(st.sampled_from(("x", "y", "z")))
    if draw(st.booleans()):
        made["unknownElement"] = [loads(draw(st.sampled_from((b"5.40", b"1e2", b"-0", b"12345678901234567890"))))]
    return made


@st.composite
def files(draw):
    """A Bundle of such resources: with and without fullUrls, ids that meet, entries that hold nothing."""
    urls = st.sampled_from((None, "", "urn:uuid:1", "urn:uuid:2", "https://clinic.example/fhir/X/1"))
    found = draw(st.lists(st.tuples(resources(), urls), max_size=5))
    entries = [entry(patient(id="p"), "urn:uuid:p"), *(entry(one, url) for one, url in found)]
    entries += draw(st.lists(st.sampled_from(({"request": {"method": "GET"}}, {"resource": {}}, "odd")), max_size=1))
    head = draw(st.fixed_dictionaries({}, optional={
        "identifier": st.just({"system": "urn:example", "value": "1"}), "timestamp": st.just("2024-03-12T10:00:00Z"),
        "total": st.just(loads(b"7.0")), "foreign": st.just({"kept": True}),
    }))  # fmt: skip
    return bundle(*entries, **head)


def law_document(file):
    """All of the above for one file (bytes, or a value)."""
    phone, other = Phone(0), Phone(1)
    plan = phone.imports(file, same_person=True)
    whole = canonical(loads(as_bytes(file)))
    assert canonical(exporting.document(phone, plan.envelope)) == whole, "another document came out"
    assert sorted(_exported(phone)) == sorted(_resources(file)), "a resource changed on its way"
    assert phone.imports(file, same_person=True).edits == (), "the second import wrote something"
    again = other.imports(file, same_person=True)
    both = merged(phone, other)
    assert both.questions() == [], "two phones with one file were asked"
    assert canonical(exporting.document(both, again.envelope)) == whole, "two births, another document"
    assert sorted(_exported(both)) == sorted(_resources(file)), "two births, another collection"


def _exported(phone):
    return [canonical(one["resource"]) for one in exporting.collection(phone).get("entry", [])]


def _resources(file):
    value = loads(as_bytes(file))
    entries = value.get("entry", []) if value["resourceType"] == "Bundle" else [{"resource": value}]
    found = [one.get("resource") for one in entries if isinstance(one, dict)]
    return [canonical(one) for one in found if isinstance(one, dict) and _is_record(one)]


def _is_record(resource):
    return isinstance(resource.get("resourceType"), str) and resource["resourceType"] != "OperationOutcome"
