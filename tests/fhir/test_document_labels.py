"""One line and a word or two for devices, reports, documents, plans, consents, answers, messages, origins and relatives
(IMP-28)."""

import pytest

from sync.fhir import labels
from sync.fhir.table import detailed_types, registers_of

IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
CLINIC = {"resourceType": "Organization", "name": "Example Clinic"}
TESTA = {"resourceType": "Patient", "name": [{"given": ["Testa"], "family": "Testperson"}]}
GOUT = {"resourceType": "Condition", "code": {"text": "Gout"}}
HIP = {"resourceType": "Device", "deviceName": [{"name": "Hip prosthesis", "type": "user-friendly-name"}]}
DIARY = {"resourceType": "Questionnaire", "title": "Pain diary"}
HELD = {
    "Organization/1": CLINIC,
    "Patient/1": TESTA,
    "Condition/1": GOUT,
    "Device/1": HIP,
    "https://example.org/q": DIARY,
}
LONG = "word " * 40


def said(kind, **elements):
    return labels.label({"resourceType": kind} | elements, lambda reference: HELD.get(reference.get("reference")))


def to(address):
    return {"reference": address}


def consent(scope="patient-privacy", **more):
    return said("Consent", scope={"coding": [{"code": scope}]}, category=[{"text": "Sharing"}], **more)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (said("Device"), "Devices"),
        (said("Device", type={"text": "Pacemaker"}, serialNumber="12"), "Pacemaker, serial number 12"),
        (
            said("Device", deviceName=[{"name": "XR-7", "type": "model-name"}, HIP["deviceName"][0]]),
            "Hip prosthesis",
        ),
        (said("Device", manufacturer="Example Works", modelNumber="XR-7"), "Example Works XR-7"),
        (said("Device", serialNumber="12"), "A device, serial number 12"),
        (
            said(
                "DeviceUseStatement",
                device=to("Device/1"),
                bodySite={"text": "left hip"},
                timingPeriod={"start": "2019"},
            ),
            "Hip prosthesis, left hip, since 2019",
        ),
        (
            said("DeviceUseStatement", device={"display": "Hearing aid"}, recordedOn="2024-03-12"),
            "Hearing aid, recorded 12 Mar 2024",
        ),
        (
            said("DeviceUseStatement", timingTiming={"repeat": {"boundsPeriod": {"start": "2019", "end": "2021"}}}),
            "A device, 2019 to 2021",
        ),
        (
            said(
                "DeviceUseStatement",
                device=to("#d"),
                contained=[{"id": "d", "type": {"coding": [{"code": "no-known-devices", "system": IPS}]}}],
            ),
            "No known devices",
        ),
        (
            said(
                "DocumentReference",
                type={"text": "Discharge letter"},
                description="Hip operation",
                author=[to("Organization/1")],
                content=[{"attachment": {"creation": "2024-03-12", "title": "page"}}],
                date="2024-04-01T00:00:00Z",
            ),
            "Discharge letter: Hip operation, Example Clinic, 12 Mar 2024",
        ),
        (said("DocumentReference", content=[{"attachment": {"title": "Scan"}}]), "Scan"),
        (said("DocumentReference", context={"period": {"end": "2021"}}), "A document, until 2021"),
        (
            said(
                "DiagnosticReport",
                code={"text": "Blood count"},
                conclusion="No sign of infection",
                effectiveDateTime="2024-03",
            ),
            "Blood count: No sign of infection, Mar 2024",
        ),
        (
            said(
                "DiagnosticReport",
                code={"text": "X-ray"},
                conclusionCode=[{"text": "Fracture"}],
                issued="2024-03-12T10:00:00Z",
            ),
            "X-ray: Fracture, issued 12 Mar 2024",
        ),
        (
            said("CarePlan", category=[{"text": "Care"}], addresses=[to("Condition/1")], period={"start": "2024"}),
            "Care for Gout, since 2024",
        ),
        (said("CarePlan", title="Gout care", addresses=[to("Condition/1")], created="2024"), "Gout care, 2024"),
        (said("CarePlan"), "A care plan"),
        (said("QuestionnaireResponse"), "A questionnaire: no answers"),
        (
            said(
                "QuestionnaireResponse",
                questionnaire="https://example.org/q|1.0",
                authored="2024-03-12",
                item=[
                    {"linkId": "1", "answer": [{"valueBoolean": True, "item": [{"answer": [{"valueString": "x"}]}]}]},
                    {
                        "linkId": "2",
                        "item": [{"answer": [{"valueString": "x"}, {"valueString": "y"}]}, {"answer": [{}]}],
                    },
                ],
            ),
            "Pain diary: 3 answers, 12 Mar 2024",
        ),
        (
            said(
                "QuestionnaireResponse",
                _questionnaire={
                    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/display", "valueString": "Sleep"}]
                },
                item=[{"answer": [{"valueString": "x"}]}],
            ),
            "Sleep: 1 answer",
        ),
        (
            said(
                "Communication",
                topic={"text": "Appointment"},
                sender=to("Organization/1"),
                recipient=[to("Patient/1")],
                payload=[{"contentString": "Please call back"}],
                sent="2024-03-12",
            ),
            "Appointment from Example Clinic to Testa Testperson: Please call back, 12 Mar 2024",
        ),
        (
            said("Communication", payload=[{"contentAttachment": {"title": "Form"}}], received="2024"),
            "A message: Form, received 2024",
        ),
        (
            said(
                "Provenance",
                activity={"text": "Creation"},
                agent=[{"who": to("Organization/1")}, {"who": {"display": "Testa"}}],
                recorded="2024-03-12T10:00:00Z",
            ),
            "Creation by Example Clinic, Testa, recorded 12 Mar 2024",
        ),
        (
            said("Provenance", agent=[{"who": {"display": c}} for c in "ABCDE"]),
            "Origin of a record by A, B, C and 2 more",
        ),
        (
            said("RelatedPerson", name=TESTA["name"], relationship=[{"text": "mother"}], period={"end": "2021"}),
            "Testa Testperson, mother, until 2021",
        ),
        (said("RelatedPerson", birthDate="1970"), "A person without a name, born 1970"),
    ],
)
def test_a_record_is_said_in_one_line(line, wanted):
    assert line == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (consent(provision={"type": "permit"}, dateTime="2024-03-12"), "Sharing: agreed, 12 Mar 2024"),
        (consent(provision={"type": "deny"}), "Sharing: not agreed"),
        (consent(provision={"type": "deny", "actor": [{}]}), "Sharing: not agreed in part"),
        (
            consent(provision={"type": "permit", "provision": [{"type": "deny"}]}),
            "Sharing: agreed, with exceptions",
        ),
        (consent(policyRule={"coding": [{"code": "OPTOUT"}]}), "Sharing: not agreed"),
        (
            consent(policyRule={"coding": [{"code": "OPTOUT"}]}, provision={"type": "permit", "actor": [{}]}),
            "Sharing: not agreed, with exceptions",
        ),
        (consent(policyRule={"coding": [{"code": "OPTIN"}]}, provision={"period": {"end": "2030"}}), "Sharing: agreed"),
        (consent(provision={"provision": [{"type": "deny"}]}), "Sharing: as described"),
        (consent(policyRule={"text": "x"}), "Sharing"),
        (consent("adr", provision={"type": "deny"}), "Sharing: with a refusal"),
        (consent("adr", provision={"type": "permit"}), "Sharing"),
        (said("Consent", scope={"text": "Research"}), "Research"),
        (said("Consent"), "A decision"),
    ],
)
def test_a_consent_never_reads_as_more_than_was_agreed(line, wanted):
    assert line == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            said("DiagnosticReport", code={"text": "X-ray"}, conclusion=LONG, conclusionCode=[{"text": "Fracture"}]),
            "X-ray",
        ),
        (said("Communication", payload=[{"contentString": LONG}, {"contentString": "x"}]), "A message"),
        (said("DocumentReference", description=LONG), "A document"),
        (said("CarePlan", title=LONG), "A care plan"),
    ],
)
def test_a_text_too_long_for_a_line_is_left_out_and_never_cut(line, wanted):
    assert line == wanted


def test_what_is_not_to_be_done_says_so_first():
    drug = {
        "resourceType": "MedicationRequest",
        "medicationCodeableConcept": {"text": "Ibuprofen"},
        "doNotPerform": True,
    }
    assert labels.label(drug) == "Not to be taken: Ibuprofen"
    assert said("ServiceRequest", code={"text": "X-ray"}, doNotPerform=True) == "Not to be done: X-ray"
    assert said("ServiceRequest", code={"text": "X-ray"}, doNotPerform=False) == "X-ray"


def test_an_address_that_leads_to_no_questionnaire_names_none():
    assert said("QuestionnaireResponse", questionnaire="Patient/1").startswith("A questionnaire")


# Every status of R4, and the words for it.
WORDS = {
    "Device": {
        "active": "in use",
        "inactive": "no longer in use",
        "unknown": "not known whether it is in use",
    },
    "DeviceUseStatement": {
        "active": "in use",
        "completed": "no longer in use",
        "intended": "intended",
        "stopped": "stopped",
        "on-hold": "paused",
    },
    "DocumentReference": {"current": None, "superseded": "replaced by a newer one"},
    "DiagnosticReport": {
        "registered": "result awaited",
        "partial": "not complete yet",
        "preliminary": "preliminary",
        "final": None,
        "amended": "amended",
        "corrected": "corrected",
        "appended": "added to",
        "cancelled": "cancelled",
        "unknown": "not known how final it is",
    },
    "CarePlan": {
        "draft": "draft",
        "active": "active",
        "on-hold": "paused",
        "revoked": "called off",
        "completed": "finished",
        "unknown": "not known whether it still holds",
    },
    "Consent": {
        "draft": "draft",
        "proposed": "only proposed",
        "active": "in force",
        "rejected": "rejected",
        "inactive": "no longer in force",
    },
    "QuestionnaireResponse": {
        "in-progress": "not finished",
        "completed": None,
        "amended": "amended",
        "stopped": "left unfinished",
    },
    "Communication": {
        "preparation": "being prepared",
        "in-progress": "under way",
        "not-done": "not sent",
        "on-hold": "paused",
        "stopped": "not sent to the end",
        "completed": None,
        "unknown": "not known whether it was sent",
    },
}


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [(kind, status, word) for kind, words in WORDS.items() for status, word in words.items()],
)
def test_every_status_has_words_of_its_own(kind, status, word):
    assert labels.status_word({"resourceType": kind, "status": status}) == word


@pytest.mark.parametrize("kind", WORDS)
def test_what_was_entered_in_error_says_so(kind):
    assert labels.status_word({"resourceType": kind, "status": "entered-in-error"}) == "entered in error"


@pytest.mark.parametrize(
    ("resource", "word"),
    [
        ({"resourceType": "DocumentReference", "status": "current", "docStatus": "final"}, None),
        ({"resourceType": "DocumentReference", "status": "current", "docStatus": "preliminary"}, "preliminary"),
        (
            {"resourceType": "DocumentReference", "status": "current", "docStatus": "entered-in-error"},
            "entered in error",
        ),
        (
            {"resourceType": "DocumentReference", "status": "superseded", "docStatus": "amended"},
            "replaced by a newer one, amended",
        ),
        ({"resourceType": "CarePlan", "status": "active", "intent": "plan"}, "active"),
        ({"resourceType": "CarePlan", "status": "active", "intent": "proposal"}, "active, only proposed"),
        ({"resourceType": "CarePlan", "status": "active", "intent": "option"}, "active, one of several options"),
        ({"resourceType": "RelatedPerson", "active": True}, None),
        ({"resourceType": "RelatedPerson", "active": False}, "no longer active"),
        ({"resourceType": "Provenance"}, None),
    ],
)
def test_what_is_only_proposed_or_no_longer_holds_never_reads_as_if_it_did(resource, word):
    assert labels.status_word(resource) == word


@pytest.mark.parametrize("type_", detailed_types())
def test_every_detailed_type_has_a_heading_and_a_label_of_its_own(type_):
    assert type_ in labels.TYPE_ORDER
    assert type_ in labels._LABELS or type_ == "Procedure"


ODD = [None, 5, True, "x", "", [], {}, [None], [5], ["x"], [[]], [{}]]
INNER = (
    *(
        "coding",
        "code",
        "system",
        "display",
        "text",
        "name",
        "type",
        "start",
        "end",
        "period",
        "repeat",
        "boundsPeriod",
    ),
    *("attachment", "title", "creation", "who", "extension", "url", "valueString", "answer", "item", "contentString"),
    *("contentAttachment", "contentReference", "reference", "provision", "given", "family", "use", "value", "unit"),
)


@pytest.mark.parametrize("type_", detailed_types())
def test_no_odd_value_of_any_element_takes_the_line_away(type_):
    odd = ODD + [dict.fromkeys(INNER, value) for value in ODD]
    odd += [[one] for one in odd] + [dict.fromkeys(INNER, one) for one in odd[-6:]]
    for register in registers_of(type_).registers():
        for element in register.elements:
            for name in registers_of(type_).names_of(element):
                for value in odd:
                    made = {"resourceType": type_, "_questionnaire": {"extension": value}, name: value}
                    if name == "resourceType":
                        continue
                    assert labels.label(made, lambda _, value=value: {"resourceType": "Device", "name": value}).strip()
                    assert labels.status_word(made) != ""
