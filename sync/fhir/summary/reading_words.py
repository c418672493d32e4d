"""Codes that the page's own words name: FHIR's statuses and severities, routes, moments of a day → keys of the words.

What it is: closed tables, the same that the viewer has (backend/web/viewer/codes.js; a test compares). What it is not:
names of allergies, problems or medicines: those are in term packs.
"""

from __future__ import annotations

# Section names of summary.md → keys of the words, where these are others.
SECTION_KEYS = {
    "advance_directives": "s_directives",
    "vital_signs": "s_vitals",
    "functional_status": "s_functional",
    "past_problems": "s_past",
    "social_history": "s_social",
    "plan_of_care": "s_plan",
    "patient_story": "s_story",
}

STATUSES = {
    **{one: one for one in ("active", "inactive", "resolved", "remission", "recurrence", "relapse", "stopped")},
    **{one: one for one in ("completed", "cancelled", "refuted", "confirmed", "unconfirmed", "provisional")},
    **{one: one for one in ("preliminary", "severe", "moderate", "mild", "allergy", "intolerance", "food", "biologic")},
    "on-hold": "on_hold",
    "intended": "planned",
    "planned": "planned",
    "preparation": "planned",
    "not-taken": "not_taken",
    "not-done": "not_done",
    "entered-in-error": "entered_in_error",
    "differential": "provisional",
    "unknown": "sex_unknown",
    "medication": "medicine",
    "environment": "environment",
}

_ROUTES = {
    "http://snomed.info/sct": {
        "r_oral": "26643006",
        "r_iv": "47625008",
        "r_im": "78421000",
        "r_sc": "34206005",
        "r_skin": "6064005 448598008",
        "r_rectal": "37161004",
        "r_nasal": "46713006",
        "r_eye": "54485002",
        "r_sublingual": "37839007",
        "r_patch": "45890007",
        "severe": "24484000",
        "moderate": "6736007",
        "mild": "255604002",
    },
    "http://standardterms.edqm.eu": {
        "r_oral": "20053000",
        "r_iv": "20045000",
        "r_im": "20035000",
        "r_sc": "20066000",
        "r_inhaled": "20020000",
        "r_skin": "20003000",
        "r_rectal": "20061000",
        "r_nasal": "20049000",
        "r_eye": "20051000",
        "r_sublingual": "20067000",
        "r_patch": "20070000",
    },
    "http://loinc.org": {"severe": "LA6750-9", "moderate": "LA6751-7", "mild": "LA6752-5"},
}
CODED = {
    (system, code): key for system, keys in _ROUTES.items() for key, codes in keys.items() for code in codes.split()
}

_MEALS = {"M": "w_morning", "D": "w_noon", "V": "w_evening"}
WHEN = {
    "MORN": ("w_morning",),
    "NOON": ("w_noon",),
    "AFT": ("w_afternoon",),
    "EVE": ("w_evening",),
    "NIGHT": ("w_night",),
    "HS": ("w_bedtime",),
    **{
        code + meal: (key, moment) if moment else (key,)
        for code, key in (("AC", "w_before_meals"), ("PC", "w_after_meals"), ("C", "w_with_meals"))
        for meal, moment in (("", None), *_MEALS.items())
    },
}

# What the phone's pages, cards and prints say; `python -m infra.viewer.build` takes these out of the viewer's words.
WORDS = frozenset(
    (
        *STATUSES.values(),
        *CODED.values(),
        *(key for keys in WHEN.values() for key in keys),
        *("none_known", "not_known", "not_asked", "not_shown", "crit_high", "crit_low", "crit_unknown"),
        *("f_daily", "f_times_daily", "f_as_needed", "u_hours", "u_days", "u_weeks", "u_months", "l_since"),
        *("born", "age", "sex", "sex_female", "sex_male", "sex_other", "as_of", "said_by", "recorded", "confirmed_by"),
        *("still_true", "unsure", "s_patient", "s_carer", "by_patient", "disputed", "disputed_of", "do_not_give"),
        *("has_modifier", "over", "stale", "w_unsigned", "warnings", "coverage", "title", "unreviewed", "as_written"),
        *("terms_unreviewed", "emergency", "blood_group", "contact", "left_out", "s_travel", "s_allergies"),
        *("qr_contact", "qr_online", "told_at_once"),
        *("s_problems", "s_medications", "s_immunizations", "s_alerts", "s_pregnancy", "s_devices", "s_procedures"),
        *("s_results", *SECTION_KEYS.values()),
    )
)
