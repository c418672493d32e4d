"""Each invariant is found where it is broken, and not where it holds (FHI-25)."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.fhir.exact import loads
from sync.fhir.invariants import broken, refused
from sync.fhir.registers import join, split
from sync.fhir.table import detailed_types, invariants, registers_of

T = "http://terminology.hl7.org/CodeSystem/"


def coded(system, code):
    return json.dumps({"coding": [{"system": T + system, "code": code}]})


ALLERGY = '{"resourceType":"AllergyIntolerance",%s}'
VERIFIED = '"verificationStatus":' + coded("allergyintolerance-verification", "%s")
ACTIVE = '"clinicalStatus":' + coded("condition-clinical", "active")
RESOLVED = '"clinicalStatus":' + coded("condition-clinical", "resolved")
CONDITION = '{"resourceType":"Condition",%s}'
ERROR = '"verificationStatus":' + coded("condition-ver-status", "entered-in-error")
LISTED = '"category":[' + coded("condition-category", "problem-list-item") + "]"
CONSENT = '{"resourceType":"Consent","policyRule":{"text":"x"},"scope":' + coded("consentscope", "%s") + "%s}"
CODED = '"code":{"coding":[{"system":"s","code":"c"}]}'
PARENT = '"patient":{"reference":"x"}'


ANSWERS = '{"resourceType":"QuestionnaireResponse","item":[%s]}'
PLAN = '{"resourceType":"CarePlan","activity":[{"detail":%s}]}'


def patient(text):
    return '{"resourceType":"Patient",' + text + "}"


# key: a resource that breaks it, one that does not
CASES = {
    "ait-1": (ALLERGY % (VERIFIED % "confirmed"), ALLERGY % (VERIFIED % "entered-in-error")),
    "ait-2": (
        ALLERGY % (VERIFIED % "entered-in-error" + "," + ACTIVE),
        ALLERGY % (VERIFIED % "confirmed" + "," + ACTIVE),
    ),
    "app-1": (
        '{"resourceType":"Appointment","status":"proposed","participant":[{"status":"accepted"}]}',
        '{"resourceType":"Appointment","status":"proposed","participant":[{"actor":{"reference":"x"}}]}',
    ),
    "app-2": (
        '{"resourceType":"Appointment","status":"proposed","start":"2024"}',
        '{"resourceType":"Appointment","status":"proposed","start":"2024","end":"2024"}',
    ),
    "app-3": (
        '{"resourceType":"Appointment","status":"booked"}',
        '{"resourceType":"Appointment","status":"cancelled"}',
    ),
    "app-4": (
        '{"resourceType":"Appointment","status":"proposed","cancelationReason":{"text":"x"}}',
        '{"resourceType":"Appointment","status":"cancelled","cancelationReason":{"text":"x"}}',
    ),
    "con-1": (CONDITION % '"stage":[{"type":{"text":"x"}}]', CONDITION % '"stage":[{"summary":{"text":"x"}}]'),
    "con-2": (CONDITION % '"evidence":[{"id":"x"}]', CONDITION % '"evidence":[{"detail":[{"reference":"x"}]}]'),
    "con-3": (CONDITION % LISTED, CONDITION % (LISTED + "," + ERROR)),
    "con-4": (CONDITION % (ACTIVE + ',"abatementString":"x"'), CONDITION % (RESOLVED + ',"abatementString":"x"')),
    "con-5": (CONDITION % (ACTIVE + "," + ERROR), CONDITION % ERROR),
    "cpl-3": (
        '{"resourceType":"CarePlan","activity":[{"reference":{"reference":"x"},"detail":{"status":"x"}}]}',
        '{"resourceType":"CarePlan","activity":[{"reference":{"reference":"x"}}]}',
    ),
    "qrs-1": (
        ANSWERS % '{"linkId":"1","answer":[{"item":[{"linkId":"2","answer":[{}],"item":[{"linkId":"3"}]}]}]}',
        ANSWERS % '{"linkId":"1","item":[{"linkId":"2","answer":[{"item":[{"linkId":"3"}]}]}]}',
    ),
    "ppc-1": ('{"resourceType":"Consent"}', '{"resourceType":"Consent","policy":[{"uri":"x"}]}'),
    "ppc-2": (CONSENT % ("patient-privacy", ""), CONSENT % ("patient-privacy", "," + PARENT)),
    "ppc-3": (CONSENT % ("research", ""), CONSENT % ("research", "," + PARENT)),
    "ppc-4": (CONSENT % ("adr", ""), CONSENT % ("adr", "," + PARENT)),
    "ppc-5": (CONSENT % ("treatment", ""), CONSENT % ("other", "")),
    "fhs-1": (
        '{"resourceType":"FamilyMemberHistory","ageString":"x","bornDate":"2024"}',
        '{"resourceType":"FamilyMemberHistory","ageString":"x"}',
    ),
    "fhs-2": (
        '{"resourceType":"FamilyMemberHistory","estimatedAge":true}',
        '{"resourceType":"FamilyMemberHistory","estimatedAge":true,"ageString":"x"}',
    ),
    "grp-1": (
        '{"resourceType":"Group","actual":false,"member":[{}]}',
        '{"resourceType":"Group","actual":true,"member":[{}]}',
    ),
    "imm-1": (
        '{"resourceType":"Immunization","education":[{"publicationDate":"2024"}]}',
        '{"resourceType":"Immunization","education":[{"reference":"x"}]}',
    ),
    "lst-1": (
        '{"resourceType":"List","emptyReason":{"text":"x"},"entry":[{}]}',
        '{"resourceType":"List","emptyReason":{"text":"x"}}',
    ),
    "lst-2": (
        '{"resourceType":"List","mode":"working","entry":[{"deleted":true}]}',
        '{"resourceType":"List","mode":"changes","entry":[{"deleted":true}]}',
    ),
    "lst-3": (
        '{"resourceType":"List","mode":"snapshot","entry":[{"date":"2024"}]}',
        '{"resourceType":"List","mode":"working","entry":[{"date":"2024"}]}',
    ),
    "mdd-1": (
        '{"resourceType":"MedicationDispense","whenPrepared":"2024-02","whenHandedOver":"2024-01"}',
        '{"resourceType":"MedicationDispense","whenPrepared":"2024","whenHandedOver":"2024-01"}',
    ),
    "obs-3": (
        '{"resourceType":"Observation","referenceRange":[{"type":{"text":"x"}}]}',
        '{"resourceType":"Observation","referenceRange":[{"text":"x"}]}',
    ),
    "obs-6": (
        '{"resourceType":"Observation","dataAbsentReason":{"text":"x"},"valueString":"x"}',
        '{"resourceType":"Observation","dataAbsentReason":{"text":"x"}}',
    ),
    "obs-7": (
        '{"resourceType":"Observation","valueString":"x",' + CODED + ',"component":[{' + CODED + "}]}",
        '{"resourceType":"Observation",' + CODED + ',"component":[{' + CODED + "}]}",
    ),
    "org-1": ('{"resourceType":"Organization"}', '{"resourceType":"Organization","name":"x"}'),
    "pat-1": (patient('"contact":[{"gender":"male"}]'), patient('"contact":[{"name":{"text":"x"}}]')),
    "prr-1": (
        '{"resourceType":"ServiceRequest","orderDetail":[{"text":"x"}]}',
        '{"resourceType":"ServiceRequest","orderDetail":[{"text":"x"}],"code":{"text":"x"}}',
    ),
    "inv-1": (
        '{"resourceType":"Task","authoredOn":"2024","lastModified":"2023"}',
        '{"resourceType":"Task","authoredOn":"2024","lastModified":"2024"}',
    ),
    "att-1": (patient('"photo":[{"data":"eA=="}]'), patient('"photo":[{"data":"eA==","contentType":"image/png"}]')),
    "cpt-2": (patient('"telecom":[{"value":"x"}]'), patient('"telecom":[{"value":"x","system":"phone"}]')),
    "ext-1": (
        patient('"extension":[{"url":"x","valueString":"x","extension":[{"url":"y","valueString":"y"}]}]'),
        patient('"extension":[{"url":"x","extension":[{"url":"y","_valueString":{"id":"x"}}]}]'),
    ),
    "per-1": (
        patient('"name":[{"period":{"start":"2024-03-02","end":"2024-03-01"}}]'),
        patient('"name":[{"period":{"start":"2024-03-02","end":"2024-03"}}]'),
    ),
    "qty-3": (
        '{"resourceType":"Observation","valueQuantity":{"value":1,"code":"kg"}}',
        '{"resourceType":"Observation","valueQuantity":{"value":1,"unit":"kg"}}',
    ),
    "rat-1": (
        '{"resourceType":"Observation","valueRatio":{"numerator":{"value":1}}}',
        '{"resourceType":"Observation","valueRatio":{"numerator":{"value":1},"denominator":{"value":2}}}',
    ),
    "rng-2": (
        '{"resourceType":"Observation","valueRange":{"low":{"value":10},"high":{"value":9.5}}}',
        '{"resourceType":"Observation","valueRange":{"low":{"value":1e1},"high":{"value":1E999999999999999999999}}}',
    ),
    "sqty-1": (
        PLAN % '{"dailyAmount":{"value":1,"comparator":"<"}}',
        '{"resourceType":"Observation","valueQuantity":{"value":1,"comparator":"<"}}',
    ),
    "tim-1": (
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"duration":1}}}',
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"duration":1,"durationUnit":"h"}}}',
    ),
    "tim-2": (
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"period":1}}}',
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"period":1,"periodUnit":"d"}}}',
    ),
    "tim-4": (
        '{"resourceType":"DeviceUseStatement","timingTiming":{"repeat":{"duration":-0.5,"durationUnit":"h"}}}',
        '{"resourceType":"DeviceUseStatement","timingTiming":{"repeat":{"duration":0,"durationUnit":"h"}}}',
    ),
    "tim-5": (
        '{"resourceType":"DeviceUseStatement","timingTiming":{"repeat":{"period":-1,"periodUnit":"d"}}}',
        '{"resourceType":"DeviceUseStatement","timingTiming":{"repeat":{"period":1,"periodUnit":"d"}}}',
    ),
    "tim-6": (
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"periodMax":1}}}',
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"periodMax":1,"period":1,"periodUnit":"d"}}}',
    ),
    "tim-7": (
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"durationMax":1}}}',
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"durationMax":1,"duration":1,"durationUnit":"h"}}}',
    ),
    "tim-8": (
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"countMax":1}}}',
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"countMax":1,"count":1}}}',
    ),
    "tim-9": (
        '{"resourceType":"DeviceUseStatement","timingTiming":{"repeat":{"offset":30,"when":["CM"]}}}',
        '{"resourceType":"DeviceUseStatement","timingTiming":{"repeat":{"offset":30,"when":["ACM"]}}}',
    ),
    "tim-10": (
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"timeOfDay":["10:00:00"],"when":["HS"]}}}',
        '{"resourceType":"Observation","effectiveTiming":{"repeat":{"when":["HS"]}}}',
    ),
    "dom-2": (patient('"contained":[{"id":"x","contained":[]}]'), patient('"contained":[{"id":"x"}]')),
    "dom-3": (
        patient('"contained":[{"id":"x"}]'),
        patient('"contained":[{"id":"x"}],"managingOrganization":{"reference":"#x"}'),
    ),
    "dom-4": (patient('"contained":[{"meta":{"versionId":"1"}}]'), patient('"contained":[{"meta":{"tag":[]}}]')),
    "dom-5": (patient('"contained":[{"meta":{"security":[]}}]'), patient('"contained":[{"meta":{}}]')),
    "dom-6": (patient('"active":true'), patient('"text":{"status":"empty"}')),
    "ref-1": (patient('"link":[{"other":{"reference":"#x"}}]'), patient('"link":[{"other":{"reference":"#"}}]')),
}


def test_every_checked_invariant_has_a_case():
    assert set(CASES) == {invariant.key for invariant in invariants() if invariant.checked}


@pytest.mark.parametrize("key", CASES)
def test_an_invariant_is_found_where_it_is_broken_and_nowhere_else(key):
    breaks, holds = map(loads, CASES[key])
    assert key in {found for found, _ in broken(breaks)}
    assert key not in {found for found, _ in broken(holds)}


def test_what_a_narrative_lacks_is_reported_and_never_refused():
    assert not refused("dom-6")
    assert not refused("ref-1")
    assert refused("ait-1")


def test_each_place_counts():
    twice = loads('{"resourceType":"Patient","contact":[{},{"gender":"male"}],"text":{}}')
    assert [key for key, _ in broken(twice)] == ["pat-1", "pat-1"]
    assert all(words for _, words in broken(twice))


def parts_of(resource, elements):
    table = registers_of(resource["resourceType"])
    named = {name: value for name, value in resource.items() if table.element_of(name) in elements}
    return {"resourceType": resource["resourceType"], **named}


@pytest.mark.parametrize("invariant", [i for i in invariants() if i.checked and i.type != "*"], ids=lambda i: i.key)
def test_a_check_reads_no_element_that_the_table_does_not_name(invariant):
    """FHI-39: else the law that no invariant spans two registers would hold of the table alone."""
    breaks, holds = map(loads, CASES[invariant.key])
    alone = parts_of(breaks, invariant.elements)
    assert invariant.key in {key for key, _ in broken(alone)}
    # What else a record holds, contained records too, makes no difference.
    beside = {name: value for name, value in breaks.items() if name not in alone}
    inside = {"contained": [breaks], "extension": [{"url": "x", "valueString": "x"}]}
    assert invariant.key not in {key for key, _ in broken({**holds, **beside, **inside})}


def test_nested_items_are_checked_at_every_depth_and_each_place_counts():
    both = '{"linkId":"%s","answer":[{"valueBoolean":true%s}],"item":[{"linkId":"x"%s}]}'
    deep = both % ("1", ',"item":[' + both % ("2", "", "") + "]", ',"item":[' + both % ("3", "", "") + "]")
    assert [key for key, _ in broken(loads(ANSWERS % deep)) if key == "qrs-1"] == ["qrs-1"] * 3


def test_a_plan_with_two_ambiguous_activities_breaks_the_invariant_twice():
    plan = loads('{"resourceType":"CarePlan","activity":[{"reference":{"reference":"x"},"detail":{"status":"x"}},{}]}')
    plan["activity"] += plan["activity"][:1]
    assert [key for key, _ in broken(plan) if key == "cpl-3"] == ["cpl-3"] * 2


def test_the_quantity_of_a_planned_activity_is_a_plain_number_too():
    assert "sqty-1" in {key for key, _ in broken(loads(PLAN % '{"quantity":{"value":1,"comparator":">"}}'))}
    assert "sqty-1" not in {key for key, _ in broken(loads(PLAN % '{"quantity":{"value":1}}'))}


def valid(type_):
    """Valid records of a type: those of CASES in which nothing that is refused is broken, and a few more."""
    found = [resource for case in CASES.values() for resource in map(loads, case)]
    found += map(loads, MORE_VALID)
    return [one for one in found if one["resourceType"] == type_ and valid_record(one)]


def valid_record(resource):
    return not any(refused(key) for key, _ in broken(resource))


MORE_VALID = [
    CONSENT % ("adr", "," + PARENT),
    '{"resourceType":"Consent","policy":[{"uri":"x"}],"scope":{"text":"x"}}',
    PLAN % '{"status":"scheduled","quantity":{"value":1}}',
    '{"resourceType":"CarePlan","activity":[{"reference":{"reference":"x"}},{"detail":{"status":"completed"}}]}',
    ANSWERS % '{"linkId":"1","answer":[{"valueString":"x","item":[{"linkId":"2"}]}]}',
    ANSWERS % '{"linkId":"1","item":[{"linkId":"2","answer":[{"valueBoolean":false}]}]}',
    ALLERGY % ACTIVE,
    CONDITION % (LISTED + "," + ACTIVE),
    CONDITION % (RESOLVED + ',"abatementString":"x"'),
    '{"resourceType":"Observation","valueString":"x"}',
    '{"resourceType":"DeviceUseStatement","timingPeriod":{"start":"2019"},"status":"active"}',
]
VALID = {type_: [split(one) for one in valid(type_)] for type_ in detailed_types()}


@given(st.data())
@settings(max_examples=300)
def test_whatever_registers_of_two_valid_records_stand_together_the_record_is_valid(data):
    """FHI-9, as a merge makes it: register by register from one or the other."""
    records = st.sampled_from(data.draw(st.sampled_from([held for held in VALID.values() if len(held) > 1])))
    one, other = data.draw(records), data.draw(records)
    keys = sorted({*one, *other})
    choices = data.draw(st.lists(st.booleans(), min_size=len(keys), max_size=len(keys)))
    mixed = {key: (one if first else other).get(key) for key, first in zip(keys, choices, strict=True)}
    assert valid_record(join({key: text for key, text in mixed.items() if text is not None}))
