"""The sections of a patient summary: their codes, their order, and which kinds of record may stand in them.

What it is: a table (HL7 IPS 2.0, Composition slices; HL7 Europe patient summary). What it is not: a choice of records
(selection.py) or words for people (narrative.py). The order is that of reading at a counter: what can kill first.
Spec: openapi/protocol/summary.md, "Sections".
"""

from __future__ import annotations

from typing import NamedTuple

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ABSENT_UNKNOWN = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
EMPTY_REASON = "http://terminology.hl7.org/CodeSystem/list-empty-reason"

UNAVAILABLE, NIL_KNOWN = "unavailable", "nilknown"
EMPTY_DISPLAYS = {
    "nilknown": "Nil Known",
    "notasked": "Not Asked",
    "unavailable": "Unavailable",
    "notstarted": "Not Started",
    "closed": "Closed",
}


class Section(NamedTuple):
    """One section. `name`: for commands and registers. `required`, `eu_required`: stands there even when empty."""

    name: str
    code: str
    title: str
    display: str
    required: bool = False
    eu_required: bool = False
    eu_only: bool = False


SECTIONS = (
    Section("allergies", "48765-2", "Allergies and Intolerances", "Allergies and adverse reactions Document", True),
    Section("problems", "11450-4", "Problems", "Problem list - Reported", True),
    Section("medications", "10160-0", "Medicines", "History of Medication use Narrative", True),
    Section("immunizations", "11369-6", "Vaccinations", "History of Immunization note"),
    Section("alerts", "104605-1", "Alerts", "Alert"),
    Section("advance_directives", "42348-3", "Advance Directives", "Advance healthcare directives"),
    Section("devices", "46264-8", "Medical Devices", "History of medical device use", eu_required=True),
    Section("procedures", "47519-4", "Procedures", "History of Procedures Document", eu_required=True),
    Section("pregnancy", "10162-6", "Pregnancy", "History of pregnancies Narrative"),
    Section("results", "30954-2", "Results", "Relevant diagnostic tests/laboratory data note"),
    Section("vital_signs", "8716-3", "Vital Signs", "Vital signs note"),
    Section("functional_status", "47420-5", "Functional Status", "Functional status assessment note"),
    Section("past_problems", "11348-0", "Past Problems", "History of Past illness note"),
    Section("social_history", "29762-2", "Social History", "Social history note"),
    Section("plan_of_care", "18776-5", "Plan of Care", "Plan of care note"),
    Section("patient_story", "81338-6", "Patient Story", "Patient Goals, preferences, and priorities for care"),
    Section("travel", "10182-4", "Travel History", "History of Travel Narrative", eu_only=True),
)
BY_NAME = {section.name: section for section in SECTIONS}
BY_CODE = {section.code: section for section in SECTIONS} | {
    "11362-0": BY_NAME["pregnancy"],  # IPS 1.x
}
CRITICAL = ("allergies", "problems", "medications")

MEDICINES = ("MedicationStatement", "MedicationRequest", "MedicationDispense", "MedicationAdministration")

# Where records of a type stand if nothing else is known of them.
DEFAULT = {
    "AllergyIntolerance": "allergies",
    "Condition": "problems",
    **dict.fromkeys(MEDICINES, "medications"),
    "Immunization": "immunizations",
    "Flag": "alerts",
    "DetectedIssue": "alerts",
    "DeviceUseStatement": "devices",
    "Procedure": "procedures",
    "Observation": "results",
    "DiagnosticReport": "results",
    "ClinicalImpression": "functional_status",
    "CarePlan": "plan_of_care",
}
# Types that a file may place; of the others the type alone decides, so that a file cannot call an allergy a story.
PLACED_BY_FILES = {
    "Condition": ("functional_status", "pregnancy"),
    "Observation": ("results", "vital_signs", "social_history", "pregnancy", "functional_status", "alerts", "travel"),
    "Consent": ("advance_directives", "patient_story"),
    "DocumentReference": ("advance_directives", "patient_story", "results", "plan_of_care"),
    "QuestionnaireResponse": ("functional_status", "patient_story", "social_history"),
    "Device": ("devices",),
    "ImmunizationRecommendation": ("plan_of_care",),
    "Goal": ("plan_of_care",),
    "ServiceRequest": ("plan_of_care",),
    "RiskAssessment": ("alerts",),
}
CATEGORIES = {
    "vital-signs": "vital_signs",
    "social-history": "social_history",
    "laboratory": "results",
    "imaging": "results",
    "functional-status": "functional_status",
}
# Of Observations: what their LOINC code alone tells.
CODES = {
    **dict.fromkeys(("82810-3", "11778-8", "11779-6", "11780-4", "11636-8", "11637-6", "11638-4"), "pregnancy"),
    **dict.fromkeys(("11639-2", "11640-0", "11612-9", "11613-7", "11614-5", "33065-4"), "pregnancy"),
    **dict.fromkeys(("72166-2", "74013-4"), "social_history"),
    "94651-7": "travel",
    "42348-3": "advance_directives",
    "81338-6": "patient_story",
    "note-from-a-link": "plan_of_care",  # what the citizen accepted from whoever had a link (inbox.md)
}
DIRECTIVE_CODES = frozenset(("adr", "acd", "dnr", "polst", "hcd", "42348-3", "75320-2", "59284-0"))

# Codes by which a record says that there is nothing, and those of IPS 1.x by which it says that nothing is known.
NONE_KNOWN = {
    (SNOMED, "716186003"): "allergies",
    (SNOMED, "787481004"): "medications",
    (SNOMED, "160245001"): "problems",
    (ABSENT_UNKNOWN, "no-known-allergies"): "allergies",
    (ABSENT_UNKNOWN, "no-known-medications"): "medications",
    (ABSENT_UNKNOWN, "no-known-problems"): "problems",
    (ABSENT_UNKNOWN, "no-known-immunizations"): "immunizations",
    (ABSENT_UNKNOWN, "no-known-procedures"): "procedures",
    (ABSENT_UNKNOWN, "no-known-devices"): "devices",
}
NOTHING_SAID = {
    (ABSENT_UNKNOWN, "no-allergy-info"),
    (ABSENT_UNKNOWN, "no-medication-info"),
    (ABSENT_UNKNOWN, "no-problem-info"),
    (ABSENT_UNKNOWN, "no-immunization-info"),
    (ABSENT_UNKNOWN, "no-procedure-info"),
    (ABSENT_UNKNOWN, "no-device-info"),
}
