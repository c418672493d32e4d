"""Devices, reports, documents, plans, consents, answers, messages, origins: what changes together, what is asked, and
what is refused (FHI-9, FHI-25, FHI-31, FHI-38)."""

import json

import pytest

from sync.fhir import editing, resolving
from sync.fhir.conflicts import SOURCE_CHANGED, VALUE
from sync.fhir.editing import EditRefused
from sync.fhir.invariants import broken, refused
from sync.fhir.table import registers_of
from tests.fhir.fhir_family import Family, fhir, set_to

SCOPE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]}
RECORDS = {
    "Device": {"type": {"text": "Pacemaker"}, "serialNumber": "1", "lotNumber": "L1", "status": "active"},
    "DeviceUseStatement": {"device": {"display": "Hearing aid"}, "bodySite": {"text": "left"}, "status": "active"},
    "DocumentReference": {
        "status": "current",
        "docStatus": "preliminary",
        "type": {"text": "Letter"},
        "content": [{"attachment": {"title": "first"}}],
    },
    "DiagnosticReport": {"status": "preliminary", "code": {"text": "Blood count"}, "conclusion": "nothing found"},
    "CarePlan": {
        "status": "active",
        "intent": "proposal",
        "category": [{"text": "Diabetes"}],
        "activity": [{"reference": {"reference": "x"}}, {"detail": {"status": "scheduled"}}],
    },
    "Consent": {
        "status": "active",
        "scope": SCOPE,
        "category": [{"text": "Study"}],
        "patient": {"reference": "Patient/1"},
        "policyRule": {"text": "rule"},
        "provision": {"type": "deny"},
    },
    "QuestionnaireResponse": {
        "status": "in-progress",
        "questionnaire": "https://example.org/q",
        "item": [{"linkId": "smoker", "answer": [{"valueBoolean": False}]}, {"linkId": "group", "item": []}],
    },
    "Communication": {"status": "completed", "sender": {"display": "A"}, "payload": [{"contentString": "take it"}]},
    "Provenance": {
        "target": [{"reference": "x"}],
        "recorded": "2024-03-01T10:00:00Z",
        "agent": [{"who": {"display": "A"}}],
    },
    "RelatedPerson": {"relationship": [{"text": "guardian"}], "active": True, "name": [{"text": "Testa Testperson"}]},
}
RECORDS["QuestionnaireResponse"]["item"][1]["item"] = [{"linkId": "often", "answer": [{"valueString": "0"}]}]


def text_of(type_, **more):
    return json.dumps({"resourceType": type_, "subject": {"reference": "Patient/1"}} | RECORDS[type_] | more)


def imported(type_):
    family = Family()
    family.imported("A", text_of(type_))
    return family


def refusal(made):
    with pytest.raises(EditRefused) as caught:
        made()
    return caught.value.code, caught.value.detail.partition(":")[0]


# What two people write apart is never joined to what nobody said


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("Device", ("serialNumber", '"2"'), ("type", '{"text":"Insulin pump"}')),
        ("Device", ("udiCarrier", '[{"deviceIdentifier":"2"}]'), ("lotNumber", '"L2"')),
        ("DeviceUseStatement", ("device", '{"display":"Cochlear implant"}'), ("bodySite", '{"text":"right"}')),
        ("DocumentReference", ("content", '[{"attachment":{"title":"second"}}]'), ("docStatus", '"final"')),
        ("DocumentReference", ("content", '[{"attachment":{"title":"second"}}]'), ("authenticator", '{"display":"B"}')),
        ("DiagnosticReport", ("conclusion", '"something found"'), ("presentedForm", '[{"title":"page"}]')),
        ("DiagnosticReport", ("conclusion", '"something found"'), ("code", '{"text":"Urine"}')),
        ("Consent", ("provision", '{"type":"permit"}'), ("verification", '[{"verified":true}]')),
        ("Consent", ("provision", '{"type":"permit"}'), ("policyRule", '{"text":"other"}')),
        ("Consent", ("provision", '{"type":"permit"}'), ("status", '"rejected"')),
        ("Consent", ("scope", '{"text":"treatment"}'), ("category", '[{"text":"Do not resuscitate"}]')),
        ("QuestionnaireResponse", ("item", '[{"linkId":"smoker"}]'), ("questionnaire", '"https://example.org/r"')),
        ("Communication", ("payload", '[{"contentString":"stop it"}]'), ("sender", '{"display":"B"}')),
        ("Provenance", ("agent", '[{"who":{"display":"B"}}]'), ("target", '[{"reference":"y"}]')),
        ("RelatedPerson", ("relationship", '[{"text":"neighbour"}]'), ("period", '{"end":"2024"}')),
    ],
)
def test_what_makes_sense_together_only_is_asked_about_as_a_whole(type_, one, other):
    family = imported(type_)
    family.apart(("B", set_to(*one)), ("C", set_to(*other)))
    question = family.question()
    assert question.kind == VALUE
    assert len(question.registers) == 1
    assert len(question.values) == 2
    for n, (element, value) in enumerate((one, other)):
        assert question.values[n].value[element] == fhir(value)
    first, second = (value.value for value in question.values)
    assert first != second
    family.apply("D", resolving.resolve_take(family.record, question, 1))
    assert family.question() is None
    assert family.shown()[one[0]] == fhir(one[1])
    assert family.shown().get(other[0]) == first.get(other[0])


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("Device", ("status", '"inactive"'), ("safety", '[{"text":"not in a scanner"}]')),
        ("DeviceUseStatement", ("timingPeriod", '{"start":"2019"}'), ("bodySite", '{"text":"right"}')),
        ("DocumentReference", ("description", '"x"'), ("status", '"superseded"')),
        ("DiagnosticReport", ("status", '"final"'), ("issued", '"2024-03-01T10:00:00Z"')),
        ("CarePlan", ("title", '"x"'), ("period", '{"start":"2024"}')),
        ("Consent", ("dateTime", '"2024"'), ("organization", '[{"display":"x"}]')),
        ("QuestionnaireResponse", ("author", '{"display":"x"}'), ("encounter", '{"display":"y"}')),
        ("Communication", ("received", '"2024"'), ("medium", '[{"text":"letter"}]')),
        ("RelatedPerson", ("birthDate", '"1970"'), ("gender", '"female"')),
    ],
)
def test_what_stands_for_itself_is_changed_by_two_people_without_a_question(type_, one, other):
    family = imported(type_)
    family.apart(("B", set_to(*one)), ("C", set_to(*other)))
    assert family.question() is None
    assert family.shown()[one[0]] == fhir(one[1])
    assert family.shown()[other[0]] == fhir(other[1])


def test_two_activities_of_a_plan_are_changed_by_two_people_without_a_question():
    family = imported("CarePlan")
    family.apart(
        ("B", lambda r: editing.change_repetition(r, "activity", "1", {"reference": {"reference": "y"}})),
        ("C", lambda r: editing.change_repetition(r, "activity", "2", {"detail": {"status": "completed"}})),
        ("C", lambda r: editing.add(r, "activity", {"detail": {"status": "in-progress"}}, b"C")[0]),
    )
    assert family.question() is None
    assert family.shown()["activity"] == [
        {"reference": {"reference": "y"}}, {"detail": {"status": "completed"}}, {"detail": {"status": "in-progress"}},
    ]  # fmt: skip


def test_two_answers_of_one_questionnaire_are_never_woven_into_a_third():
    """No and zero, yes and twenty: "no" and "twenty" is what nobody answered."""
    family = imported("QuestionnaireResponse")
    start = family.shown()["item"]

    def answered(smoker, often):
        made = json.loads(json.dumps(start))
        made[0]["answer"][0]["valueBoolean"] = smoker
        made[1]["item"][0]["answer"][0]["valueString"] = often
        return made

    said = [answered(True, "20"), answered(False, "1")]
    family.apart(*((phone, set_to("item", json.dumps(one))) for phone, one in zip("BC", said, strict=True)))
    assert [value.value["item"] for value in family.question().values] == said


@pytest.mark.parametrize(
    ("type_", "element"), [("DocumentReference", "content"), ("Provenance", "agent"), ("Consent", "category")]
)
def test_two_people_cannot_remove_apart_all_that_must_be_there(type_, element):
    """FHI-38."""
    family = Family()
    [first] = RECORDS[type_][element]
    second = {"id": "second"} | first
    family.imported("A", text_of(type_, **{element: [first, second]}))
    family.apart(
        ("B", lambda record: editing.remove_repetition(record, element, "1")),
        ("C", lambda record: editing.remove_repetition(record, element, "2")),
    )
    assert [value.value[element] for value in family.question().values] == [[second], [first]]


# What a newer copy of a source changes


@pytest.mark.parametrize(
    ("type_", "element", "value"),
    [
        ("Device", "status", "inactive"),
        ("Device", "serialNumber", "2"),
        ("DeviceUseStatement", "status", "stopped"),
        ("DeviceUseStatement", "device", {"display": "Cochlear implant"}),
        ("DocumentReference", "status", "superseded"),
        ("DocumentReference", "docStatus", "entered-in-error"),
        ("DocumentReference", "content", [{"attachment": {"title": "second"}}]),
        ("DiagnosticReport", "status", "corrected"),
        ("DiagnosticReport", "conclusion", "something found"),
        ("CarePlan", "status", "revoked"),
        ("CarePlan", "intent", "plan"),
        ("Consent", "status", "rejected"),
        ("Consent", "provision", {"type": "permit"}),
        ("Consent", "scope", {"text": "treatment"}),
        ("QuestionnaireResponse", "status", "entered-in-error"),
        ("QuestionnaireResponse", "item", [{"linkId": "smoker", "answer": [{"valueBoolean": True}]}]),
        ("Communication", "status", "not-done"),
        ("Communication", "payload", [{"contentString": "stop it"}]),
        ("Provenance", "target", [{"reference": "y"}]),
        ("RelatedPerson", "relationship", [{"text": "neighbour"}]),
        ("RelatedPerson", "active", False),
    ],
)
def test_a_newer_copy_that_changes_what_it_is_or_whether_it_holds_is_asked_about_once(type_, element, value):
    family = imported(type_)
    family.newer_copy("A", text_of(type_, **{element: value}))
    question = family.question()
    assert question.kind == SOURCE_CHANGED
    assert [answer.value[element] for answer in question.values] == [RECORDS[type_][element], value]
    family.apply("B", resolving.resolve_take(family.record, question, 2))
    assert family.question() is None
    assert family.shown()[element] == value


@pytest.mark.parametrize(
    ("type_", "element", "value"),
    [
        ("Device", "note", [{"text": "x"}]),
        ("DeviceUseStatement", "recordedOn", "2024"),
        ("DocumentReference", "description", "x"),
        ("DiagnosticReport", "issued", "2024-03-01T10:00:00Z"),
        ("CarePlan", "activity", [{"detail": {"status": "completed"}}]),
        ("Consent", "dateTime", "2024"),
        ("QuestionnaireResponse", "author", {"display": "x"}),
        ("Communication", "received", "2024"),
        ("RelatedPerson", "telecom", [{"system": "phone", "value": "1"}]),
    ],
)
def test_a_newer_copy_that_changes_anything_else_is_taken_without_a_question(type_, element, value):
    family = imported(type_)
    family.newer_copy("A", text_of(type_, **{element: value}))
    assert family.question() is None
    assert family.shown()[element] == value


# What is refused where it is made


BOTH = {"reference": {"reference": "x"}, "detail": {"status": "scheduled"}}
NESTED = [
    {
        "linkId": "1",
        "answer": [{"item": [{"linkId": "2", "answer": [{"valueBoolean": True}], "item": [{"linkId": "3"}]}]}],
    }
]


@pytest.mark.parametrize(
    ("type_", "key", "edit"),
    [
        ("CarePlan", "cpl-3", lambda r: editing.add(r, "activity", BOTH, b"seed")),
        ("CarePlan", "cpl-3", lambda r: editing.change_repetition(r, "activity", "2", BOTH)),
        ("CarePlan", "cpl-3", lambda r: editing.set_element(r, "activity", [BOTH])),
        ("QuestionnaireResponse", "qrs-1", lambda r: editing.add(r, "item", NESTED[0], b"seed")),
        ("QuestionnaireResponse", "qrs-1", lambda r: editing.change_repetition(r, "item", "1", NESTED[0])),
        ("Consent", "ppc-1", lambda r: editing.unset(r, "policyRule")),
        ("Consent", "ppc-3", lambda r: editing.unset(r, "patient")),
        ("DocumentReference", "att-1", lambda r: editing.add(r, "content", {"attachment": {"data": "eA=="}}, b"seed")),
        ("DeviceUseStatement", "per-1", set_to("timingPeriod", '{"start":"2024","end":"2023"}')),
        ("DeviceUseStatement", "tim-5", set_to("timingTiming", '{"repeat":{"period":-1,"periodUnit":"d"}}')),
        ("RelatedPerson", "cpt-2", set_to("telecom", '[{"value":"1"}]')),
        ("Communication", "ext-1", set_to("payload", '[{"contentString":"x","extension":[{"url":"x"}]}]')),
        ("Provenance", "per-1", set_to("occurredPeriod", '{"start":"2024","end":"2023"}')),
        ("Device", "qty-3", set_to("property", '[{"valueQuantity":[{"value":1,"code":"kg"}]}]')),
    ],
)
def test_an_edit_that_breaks_an_invariant_is_refused_and_names_which(type_, key, edit):
    record = imported(type_).record
    assert refusal(lambda: edit(record)) == ("invariant", key)


def test_a_new_record_is_held_to_nested_invariants_too():
    for type_, element, value, key in (
        ("QuestionnaireResponse", "item", NESTED, "qrs-1"),
        ("CarePlan", "activity", [BOTH], "cpl-3"),
    ):
        resource = {"resourceType": type_, "status": "draft", element: value}
        record = Family().record
        assert refusal(lambda resource=resource, record=record: editing.new(resource, record.id)) == ("invariant", key)


def test_a_policy_takes_the_place_of_a_policy_rule_in_one_edit():
    family = imported("Consent")
    whole = {name: RECORDS["Consent"][name] for name in ("status", "provision")} | {
        "policy": [{"uri": "https://example.org"}]
    }
    family.apply("B", editing.set_element(family.record, "policy", {"policy": whole["policy"], **whole}))
    assert "policyRule" not in family.shown()
    assert family.shown()["provision"] == {"type": "deny"}


def test_answers_that_came_broken_block_no_other_edit_and_may_be_mended():
    family = Family()
    family.imported("A", text_of("QuestionnaireResponse", item=NESTED))
    family.apply("B", editing.set_element(family.record, "status", "completed"))
    family.apply("B", editing.set_element(family.record, "item", [{"linkId": "1"}]))
    assert refusal(lambda: editing.set_element(family.record, "item", NESTED)) == ("invariant", "qrs-1")


@pytest.mark.parametrize("type_", RECORDS)
def test_the_records_here_are_valid_so_that_what_is_refused_is_the_edit(type_):
    assert not [key for key, _ in broken(fhir(text_of(type_))) if refused(key)]
    names = set(RECORDS[type_])
    assert all(registers_of(type_).element_of(name) == name for name in names)
