"""Writes openapi/vectors/registers/*.json: exact JSON, the register table, repetitions, sameness, edits, invariants.

Run by hand, from the repository: `python -m tests.vectors.generate_registers`. Inputs and outcomes that a person can
check are written by hand here; keys and canonical texts come from the code and are compared by a test.
Format: openapi/protocol/fhir.md, "Vectors".
"""

import json
from pathlib import Path

from sync.fhir import editing
from sync.fhir.exact import ExactJsonError, canonical, loads
from sync.fhir.invariants import broken
from sync.fhir.quiet import same
from sync.fhir.registers import resplit, split
from sync.fhir.table import ODD_KEY, registers_of, types
from sync.merge.change import SOURCE, Change, RecordId, Via, make_dot
from sync.merge.record import Record

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors" / "registers"
RECORD = RecordId(b"synthetic record".ljust(32, b"."))

JSON_TEXTS = {
    "a decimal keeps its digits": b"5.40",
    "an exponent stays as written": b"[1e2,1E+400,-0,0.0]",
    "an integer of any length": b"123456789012345678901234567890",
    "keys by code point": '{"\U00010000":1,"\uffff":2,"é":3,"a":4,"Z":5,"":6}'.encode(),
    "escapes that are not needed go": b'"\\u0041\\/\\ud83d\\ude00\\u00e9\\u2028\\u007f"',
    "escapes that are needed stay": b'"\\u0008\\u000c\\n\\r\\t\\u001f\\u0000\\"\\\\"',
    "a byte order mark is passed over": b"\xef\xbb\xbf [ ] ",
    "sixty-four levels": b"[" * 64 + b"]" * 64,
    "sixty-five levels": b"[" * 65 + b"]" * 65,
    "brackets in a text are no levels": b'["' + b"[" * 70 + b'"]',
    "bytes that are not UTF-8": b'"\xff"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "a lone surrogate in an escape": b'"\\ud83d"',
    "two members of one name": b'{"a":1,"\\u0061":1}',
    "NaN": b"[NaN]",
    "a second value": b"1 2",
    "a leading zero": b"[01]",
    "a raw tab in a text": b'"\t"',
    "nothing": b"",
}

RESOURCES = {
    "a statement with ties, sets and digits": """{"resourceType":"MedicationStatement","id":"s1","status":"active",
      "statusReason":[{"text":"x"}],"medicationReference":{"reference":"#m"},"effectivePeriod":{"start":"2019"},
      "dosage":[{"doseAndRate":[{"doseQuantity":{"value":5.40,"unit":"mg"}}]}],"note":[{"text":"a"},{"text":"b"}],
      "contained":[{"resourceType":"Medication","id":"m"}]}""",
    "an observation is one register but for a few": """{"resourceType":"Observation","status":"final",
      "code":{"text":"x"},"valueQuantity":{"value":1.0},"interpretation":[{"text":"high"}],"method":{"text":"m"}}""",
    "a primitive and its sibling": '{"resourceType":"Patient","birthDate":"1970","_birthDate":{"id":"x"}}',
    "a sibling alone": '{"resourceType":"Patient","_birthDate":{"id":"x"}}',
    "two choices at once": '{"resourceType":"Condition","onsetString":"x","_onsetAge":{"id":"x"}}',
    "an ending the type does not have": '{"resourceType":"Condition","onsetQuantity":{"value":1}}',
    "equal repetitions": '{"resourceType":"Patient","identifier":[{"value":"1"},{"value":"1"},{"value":"2"}]}',
    "an empty list": '{"resourceType":"Patient","identifier":[]}',
    "a list with null": '{"resourceType":"Patient","identifier":[{"value":"1"},null]}',
    "a list with a sibling": '{"resourceType":"Patient","name":[{"text":"x"}],"_name":[null]}',
    "a set's name in a type where it does not repeat": '{"resourceType":"Location","address":{"text":"x"}}',
    "a type that R4 does not know": """{"resourceType":"FromALaterVersion","identifier":[{"value":"1"}],
      "valueQuantity":{"value":1},"list":[{"a":1}]}""",
    "no type": '{"status":"active","onsetString":"x"}',
    "names that no element can have": '{"resourceType":"Patient","@life":"gone","a/b":1,"onset[x]":2,"":3,"_":4}',
    "nothing": "{}",
    "a device is one thing": """{"resourceType":"Device","type":{"text":"Pacemaker"},"serialNumber":"1",
      "udiCarrier":[{"deviceIdentifier":"d"}],"status":"active","statusReason":[{"text":"x"}],"safety":[{"text":"s"}],
      "version":[{"value":"1.0"}]}""",
    "a device where it is used": """{"resourceType":"DeviceUseStatement","status":"active","device":{"display":"x"},
      "bodySite":{"text":"left"},"timingPeriod":{"start":"2019"},"reasonCode":[{"text":"r"}]}""",
    "a document with who vouches for it": """{"resourceType":"DocumentReference","status":"current",
      "docStatus":"final","masterIdentifier":{"value":"1"},"authenticator":{"display":"x"},"author":[{"display":"y"}],
      "content":[{"attachment":{"title":"a"}},{"attachment":{"title":"b"}}]}""",
    "a report with what it concludes": """{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},
      "effectiveDateTime":"2024","conclusion":"c","conclusionCode":[{"text":"k"}],"presentedForm":[{"title":"p"}],
      "result":[{"reference":"a"},{"reference":"b"}]}""",
    "a plan and its activities": """{"resourceType":"CarePlan","status":"active","intent":"plan",
      "category":[{"text":"x"}],"activity":[{"reference":{"reference":"a"}},{"detail":{"status":"scheduled"}}],"goal":[{"reference":"g"}]}""",
    "a consent and what it decides": """{"resourceType":"Consent","status":"active","scope":{"text":"x"},
      "category":[{"text":"c"}],"patient":{"reference":"p"},"policy":[{"uri":"u"}],"policyRule":{"text":"r"},
      "provision":{"type":"deny"},"verification":[{"verified":true}],"performer":[{"display":"y"}],"dateTime":"2024"}""",
    "answers and the questionnaire": """{"resourceType":"QuestionnaireResponse","status":"completed",
      "questionnaire":"https://example.org/q","_questionnaire":{"id":"x"},"authored":"2024","identifier":{"value":"1"},
      "item":[{"linkId":"1","answer":[{"valueDecimal":5.40}]},{"linkId":"2"}]}""",
    "a message and who said it": """{"resourceType":"Communication","status":"not-done","statusReason":{"text":"x"},
      "topic":{"text":"t"},"sender":{"display":"s"},"recipient":[{"display":"r"}],"sent":"2024","received":"2025",
      "payload":[{"contentString":"a"},{"contentString":"b"}],"note":[{"text":"n"}]}""",
    "an origin is one statement": """{"resourceType":"Provenance","target":[{"reference":"a"}],
      "occurredDateTime":"2024","recorded":"2024-03-01T10:00:00Z","agent":[{"who":{"display":"x"}}],"signature":[{"data":"eA=="}],
      "extension":[{"url":"u","valueString":"v"}]}""",
    "a relative and what they are": """{"resourceType":"RelatedPerson","active":true,"patient":{"reference":"p"},
      "relationship":[{"text":"mother"}],"period":{"start":"2019"},"name":[{"text":"x"}],"gender":"female"}""",
}

COPIES = {
    "one went": ("123", "23"),
    "one came at the end": ("12", "123"),
    "one went and one came": ("123", "234"),
    "another order": ("12", "21"),
    "one came first": ("12", "312"),
}

MEANINGS = [
    ("another display", '{"system":"s","code":"c","display":"x"}', '{"system":"s","code":"c","display":"y"}'),
    ("another code", '{"system":"s","code":"c"}', '{"system":"s","code":"d"}'),
    ("another zone", '{"x":"2024-03-01T10:00:00+01:00"}', '{"x":"2024-03-01T09:00:00Z"}'),
    ("another second", '{"x":"2024-03-01T10:00:00Z"}', '{"x":"2024-03-01T10:00:01Z"}'),
    ("a local time and an instant", '{"x":"2024-03-01T10:00:00"}', '{"x":"2024-03-01T10:00:00Z"}'),
    ("a day and its month", '{"x":"2024-03-01"}', '{"x":"2024-03"}'),
    ("white space in free text", '{"text":" 5  mg\\n"}', '{"text":"5 mg"}'),
    ("white space in an identifier", '{"value":"1  2"}', '{"value":"1 2"}'),
    ("a space that parts words", '{"text":"no pain"}', '{"text":"nopain"}'),
    ("another precision", '{"value":5.40}', '{"value":5.4}'),
    (
        "another unit",
        '{"value":5,"unit":"mg","system":"u","code":"mg"}',
        '{"value":5,"unit":"g","system":"u","code":"g"}',
    ),
    ("another order", '{"x":["a","b"]}', '{"x":["b","a"]}'),
    ("absent", '{"x":null}', None),
]

ALLERGY = """{"resourceType":"AllergyIntolerance","patient":{"reference":"x"},"clinicalStatus":{"coding":[
 {"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]}}"""
IN_ERROR = """{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
 "code":"entered-in-error"}]}"""
STATEMENT = RESOURCES["a statement with ties, sets and digits"]
SEED = "73656564"

PLAN = RESOURCES["a plan and its activities"]
ANSWERS = RESOURCES["answers and the questionnaire"]
CONSENT = RESOURCES["a consent and what it decides"]
BOTH = '{"reference":{"reference":"a"},"detail":{"status":"scheduled"}}'
NESTED = '{"linkId":"1","answer":[{"item":[{"linkId":"2","answer":[{"valueBoolean":true}],"item":[{"linkId":"3"}]}]}]}'

EDITS = [
    ("one element of a tie", STATEMENT, ["set", "effectiveDateTime", '"2024"']),
    ("a choice by its standing datatype", STATEMENT, ["set", "effective[x]", '{"start":"2020"}']),
    ("a choice with no datatype", STATEMENT, ["set", "effective[x]", '"2020"']),
    ("a new list keeps what stays", STATEMENT, ["set", "note", '[{"text":"a"},{"text":"c"}]']),
    ("a list in another order is new", STATEMENT, ["set", "note", '[{"text":"b"},{"text":"a"}]']),
    ("removing one element of a tie", STATEMENT, ["unset", "dosage"]),
    ("removing a set", STATEMENT, ["unset", "note"]),
    ("removing what is not there", STATEMENT, ["unset", "reasonCode"]),
    ("adding a repetition", STATEMENT, ["add", "note", '{"text":"c"}', SEED]),
    ("adding to a list that is one register", STATEMENT, ["add", "dosage", '{"text":"c"}', SEED]),
    ("adding to what does not repeat", STATEMENT, ["add", "status", '"x"', SEED]),
    ("changing a repetition by place", STATEMENT, ["change", "note", "2", '{"text":"c"}']),
    ("removing a repetition by place", STATEMENT, ["remove", "note", "1"]),
    ("removing a repetition that is not there", STATEMENT, ["remove", "note", "3"]),
    ("an element that R4 does not have", STATEMENT, ["set", "colour", '"x"']),
    ("which resource it is", STATEMENT, ["set", "id", '"x"']),
    ("an object where a text belongs", STATEMENT, ["set", "status", '{"text":"x"}']),
    ("a status that needs another", ALLERGY, ["set", "verificationStatus", IN_ERROR]),
    (
        "both statuses as one register",
        ALLERGY,
        ["set", "verificationStatus", '{"verificationStatus":' + IN_ERROR + "}"],
    ),
    ("a new activity of a plan", PLAN, ["add", "activity", '{"detail":{"status":"completed"}}', SEED]),
    ("an activity with reference and detail", PLAN, ["add", "activity", BOTH, SEED]),
    ("an activity made ambiguous", PLAN, ["change", "activity", "2", BOTH]),
    ("one answer changed", ANSWERS, ["change", "item", "2", '{"linkId":"2","answer":[{"valueBoolean":true}]}']),
    ("items below an item and below its answers", ANSWERS, ["change", "item", "2", NESTED]),
    ("taking one policy away of two", CONSENT, ["unset", "policy"]),
    ("taking both policies away", CONSENT, ["set", "status", '{"status":"active"}']),
    ("a decision turned round", CONSENT, ["set", "provision", '{"type":"permit"}']),
    ("removing from a list that is tied", CONSENT, ["remove", "category", "1"]),
    ("a serial number", RESOURCES["a device is one thing"], ["set", "serialNumber", '"2"']),
    ("another agent", RESOURCES["an origin is one statement"], ["add", "agent", '{"who":{"display":"y"}}', SEED]),
]

BROKEN = [
    '{"resourceType":"AllergyIntolerance","text":{}}',
    ALLERGY,
    '{"resourceType":"Condition","abatementString":"x","text":{}}',
    '{"resourceType":"Observation","valueString":"x","dataAbsentReason":{"text":"x"},"text":{}}',
    '{"resourceType":"Patient","contact":[{"gender":"female"}],"text":{}}',
    '{"resourceType":"Patient","name":[{"period":{"start":"2024","end":"2023"}}],"extension":[{"url":"x"}],"text":{}}',
    '{"resourceType":"Observation","valueQuantity":{"value":1,"code":"kg"},"text":{}}',
    '{"resourceType":"Consent","text":{}}',
    '{"resourceType":"CarePlan","activity":[' + BOTH + ",{}," + BOTH + '],"text":{}}',
    '{"resourceType":"QuestionnaireResponse","item":[' + NESTED + '],"text":{}}',
    '{"resourceType":"QuestionnaireResponse","contained":[{"id":"x"}],"item":[{"answer":[{}]},{"item":[{}]}],"text":{}}',
    """{"resourceType":"DeviceUseStatement","timingTiming":{"repeat":{"period":-1,"periodUnit":"d","offset":5}},"text":{}}""",
    '{"resourceType":"CarePlan","activity":[{"detail":{"dailyAmount":{"value":1,"comparator":"<"}}}],"text":{}}',
    """{"resourceType":"Consent","policyRule":{"text":"x"},"scope":{"coding":[{"code":"research",
     "system":"http://terminology.hl7.org/CodeSystem/consentscope"}]},"text":{}}""",
]


def imported(text):
    record = Record(RECORD)
    sets = tuple(sorted(split(loads(text)).items()))
    record.apply(Change(make_dot(0, 1), RECORD, True, SOURCE, Via("import", b"e" * 32), (), sets, 0))
    return record


def told(registers):
    return [[key, None if text is None else text.decode()] for key, text in sorted(registers.items())]


def json_case(name, data):
    try:
        outcome = {"canonical": canonical(loads(data)).decode()}
    except ExactJsonError as error:
        outcome = {"refused": error.code}
    return {"name": name, "musts": ["FHI-1", "FHI-2", "FHI-3"], "text": data.hex(), **outcome}


def apply_edit(record, how):
    """The edit that `how` names, as [verb, element, …]."""
    verb, element, *rest = how
    if verb == "set":
        return editing.set_element(record, element, loads(rest[0]))
    if verb == "unset":
        return editing.unset(record, element)
    if verb == "add":
        return editing.add(record, element, loads(rest[0]), bytes.fromhex(rest[1]))[0]
    if verb == "change":
        return editing.change_repetition(record, element, rest[0], loads(rest[1]))
    return editing.remove_repetition(record, element, rest[0])


def edit_case(name, text, how):
    try:
        outcome = {"sets": told(dict(apply_edit(imported(text), how).sets))}
    except editing.EditRefused as error:
        outcome = {"refused": error.code}
    return {"name": name, "musts": ["FHI-23", "FHI-24", "FHI-25"], "resource": text, "edit": how, **outcome}


def identifiers(numbers):
    return loads(json.dumps({"resourceType": "Patient", "identifier": [{"value": number} for number in numbers]}))


def copy_case(name, before, after):
    held = split(identifiers(before))
    newer = identifiers(after)
    case = {"name": name, "musts": ["FHI-18"], "held": told(held), "copy": canonical(newer).decode()}
    return {**case, "registers": told(resplit(newer, held))}


def table_case(type_):
    """What each key of a type covers, those that cover their own element alone left out; and which are sets.

    A published key covers the same for ever: a difference here is a new protocol and no correction.
    """
    registers = registers_of(type_).registers()
    ties = {r.key: list(r.elements) for r in registers if r.elements != (r.key,) and r.key != ODD_KEY}
    sets = sorted(r.key for r in registers if r.repeating)
    return {"name": type_, "musts": ["FHI-12"], "ties": ties, "sets": sets}


def files():
    """Each file's name and its cases."""
    return {
        "json": [json_case(name, data) for name, data in JSON_TEXTS.items()],
        "split": [
            {"name": name, "musts": ["FHI-6", "FHI-7", "FHI-8", "FHI-13", "FHI-14"], "resource": text,
             "registers": told(split(loads(text)))}
            for name, text in RESOURCES.items()
        ],
        "resplit": [copy_case(name, *numbers) for name, numbers in COPIES.items()],
        "same": [
            {"name": name, "musts": ["FHI-29"], "one": one, "other": other,
             "same": same(one.encode(), None if other is None else other.encode())}
            for name, one, other in MEANINGS
        ],
        "edits": [edit_case(*case) for case in EDITS],
        "broken": [
            {"name": f"resource {place}", "musts": ["FHI-25"], "resource": text,
             "broken": sorted(key for key, _ in broken(loads(text)))}
            for place, text in enumerate(BROKEN)
        ],
        "table": [table_case(type_) for type_ in types()],
    }  # fmt: skip


def text_of(cases):
    """One case a line, so that a difference shows which."""
    lines = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in cases)
    return '{"cases":[\n' + lines + "\n]}\n"


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, cases in files().items():
        (FOLDER / f"{name}.json").write_text(text_of(cases))


if __name__ == "__main__":
    main()
