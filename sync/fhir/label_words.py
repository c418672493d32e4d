"""English words for types, statuses, months and negations, as data. Not a translation: sync.terms has other languages.

TYPE_WORDS is also the order in which a list is read. Spec: openapi/protocol/import.md, "Labels".
"""

from __future__ import annotations

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

TYPE_WORDS = {
    "Patient": "Person",
    "AllergyIntolerance": "Allergies",
    "Condition": "Conditions",
    "MedicationStatement": "Medicines",
    "MedicationRequest": "Prescriptions",
    "MedicationDispense": "Medicines handed out",
    "MedicationAdministration": "Medicines given",
    "Immunization": "Vaccinations",
    "Procedure": "Operations and procedures",
    "DeviceUseStatement": "Devices and implants",
    "Observation": "Measured values",
    "DiagnosticReport": "Reports",
    "DocumentReference": "Documents",
    "Flag": "Alerts",
    "FamilyMemberHistory": "Family history",
    "CarePlan": "Care plans",
    "CareTeam": "Care teams",
    "Goal": "Goals",
    "Encounter": "Visits",
    "Appointment": "Appointments",
    "ServiceRequest": "Referrals",
    "ClinicalImpression": "Assessments",
    "Consent": "Decisions and consents",
    "QuestionnaireResponse": "Answered questionnaires",
    "Communication": "Messages",
    "Coverage": "Insurance",
    "ImagingStudy": "Images",
    "Composition": "Document contents",
    "Medication": "Medicines by themselves",
    "Device": "Devices",
    "Organization": "Organizations",
    "Practitioner": "Practitioners",
    "PractitionerRole": "Practitioners' roles",
    "RelatedPerson": "Related persons",
    "Provenance": "Where records come from",
    "Location": "Places",
    "Bundle": "Files",
}

STATUS_WORDS = {
    "active": "active",
    "recurrence": "back again",
    "relapse": "relapsed",
    "inactive": "no longer active",
    "remission": "in remission",
    "resolved": "over",
    "refuted": "ruled out",
    "entered-in-error": "entered in error",
    "unconfirmed": "not confirmed",
    "provisional": "provisional",
    "differential": "one of several possible",
    "completed": "finished",
    "stopped": "stopped",
    "on-hold": "paused",
    "intended": "intended",
    "not-taken": "not taken",
    "not-done": "not done",
    "in-progress": "under way",
    "preparation": "being prepared",
    "cancelled": "cancelled",
    "draft": "draft",
    "preliminary": "preliminary",
    "registered": "result awaited",
    "amended": "amended",
    "corrected": "corrected",
    "superseded": "replaced by a newer one",
    "unknown": "not known whether it still holds",
}

# Where a code means another thing for a type than for most; an empty word: said by being there.
STATUS_WORDS_OF = {
    "Immunization": {"not-done": "not given"},
    "Device": {"active": "in use", "inactive": "no longer in use", "unknown": "not known whether it is in use"},
    "DeviceUseStatement": {"active": "in use", "completed": "no longer in use"},
    "DiagnosticReport": {"partial": "not complete yet", "appended": "added to", "unknown": "not known how final it is"},
    "CarePlan": {"revoked": "called off", "completed": "finished", "unknown": "not known whether it still holds"},
    "Consent": {"proposed": "only proposed", "active": "in force", "inactive": "no longer in force"},
    "QuestionnaireResponse": {"in-progress": "not finished", "stopped": "left unfinished"},
    "Communication": {
        "not-done": "not sent",
        "stopped": "not sent to the end",
        "unknown": "not known whether it was sent",
    },
}

# Of requests and plans: what is only proposed never reads as if it were decided.
INTENT_WORDS = {"proposal": "only proposed", "option": "one of several options"}

# The base of a consent, of the code system v3-ActCode.
POLICY_WORDS = {"OPTIN": "agreed", "OPTOUT": "not agreed"}

# Device.deviceName.type, what people call it first.
DEVICE_NAME_ORDER = (
    "user-friendly-name",
    "patient-reported-name",
    "model-name",
    "udi-label-name",
    "manufacturer-name",
    "other",
)

# Codes of the absent-unknown-uv-ips system of IPS 1.x, whose displays are often missing.
ABSENT_WORDS = {
    "no-allergy-info": "No information about allergies",
    "no-known-allergies": "No known allergies",
    "no-known-medication-allergies": "No known allergies to medicines",
    "no-known-environmental-allergies": "No known allergies to the environment",
    "no-known-food-allergies": "No known allergies to food",
    "no-medication-info": "No information about medicines",
    "no-known-medications": "No known medicines",
    "no-problem-info": "No information about conditions",
    "no-known-problems": "No known conditions",
    "no-procedure-info": "No information about procedures",
    "no-known-procedures": "No known procedures",
    "no-immunization-info": "No information about vaccinations",
    "no-known-immunizations": "No known vaccinations",
    "no-device-info": "No information about devices",
    "no-known-devices": "No known devices",
}
