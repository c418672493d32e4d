"""The lines of what is used, reported, written down, planned, agreed, answered, said and vouched for.

What it is: the labels of Device, DeviceUseStatement, DocumentReference, DiagnosticReport, CarePlan, Consent,
QuestionnaireResponse, Communication, Provenance and RelatedPerson. What it is not: the status of any (labels.py), or a
summary: a text that is too long for a line is left out, never cut, for the rest of it may say the opposite.

Invariants: as labels.py; a consent that forbids never reads as one that allows, and one that speaks of some data or
people never as if it spoke of all; no signature is called good. Spec: openapi/protocol/import.md, "Labels".
"""

from __future__ import annotations

from typing import Any

from sync.fhir.datatype_words import (
    Resolve,
    Resource,
    code_of,
    concept_words,
    date_words,
    display_of,
    items_of,
    name_words,
    objects_of,
    period_words,
)
from sync.fhir.doses import TEXT_MAX
from sync.fhir.label_words import ABSENT_WORDS, DEVICE_NAME_ORDER, POLICY_WORDS

_DISPLAY_OF_CANONICAL = "http://hl7.org/fhir/StructureDefinition/display"
_NAMES_MAX = 3  # of what a plan addresses or who did something, in one line
_SCOPES_OF_DATA = frozenset(("patient-privacy", "research"))  # consents that allow something, or do not
# What makes a consent's rule speak of a part only: the members of Consent.provision, but for type and period.
_PART = frozenset(
    ("actor", "action", "securityLabel", "purpose", "class", "code", "dataPeriod", "data", "modifierExtension")
)


def device(resource: Resource, _: Resolve) -> str:
    """`Hip prosthesis, serial number 12`."""
    serial = _short(resource.get("serialNumber"))
    name = device_name(resource) or ("A device" if serial else "")
    return f"{name}, serial number {serial}" if serial else name


def device_name(resource: Resource) -> str:
    """What a Device is called: by people first, then by its type, its makers and its label."""
    kind = concept_words(resource.get("type"))
    if code_of(resource.get("type")) in ABSENT_WORDS:
        return kind
    names = [one for one in objects_of(resource.get("deviceName")) if _short(one.get("name"))]
    order = {name: place for place, name in enumerate(DEVICE_NAME_ORDER)}
    names.sort(key=lambda one: order.get(str(one.get("type")), len(order)))
    if names:
        return _short(names[0]["name"])
    made = " ".join(filter(None, (_short(resource.get("manufacturer")), _short(resource.get("modelNumber")))))
    return kind or made


def device_use(resource: Resource, find: Resolve) -> str:
    """`Hip prosthesis, left hip, since 2019`."""
    reference = resource.get("device")
    target = find(reference) if isinstance(reference, dict) else None
    name = (device_name(target) if target else "") or display_of(reference) or "A device"
    timing = resource.get("timingTiming")
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    when = date_words(resource.get("timingDateTime")) or period_words(resource.get("timingPeriod") or bounds)
    recorded = date_words(resource.get("recordedOn"))
    return _joined(name, concept_words(resource.get("bodySite")), when or (recorded and f"recorded {recorded}"))


def document(resource: Resource, find: Resolve) -> str:
    """`Discharge letter: Hip operation, Example Hospital, 12 Mar 2024`."""
    files = [
        one["attachment"] for one in objects_of(resource.get("content")) if isinstance(one.get("attachment"), dict)
    ]
    name = concept_words(resource.get("type")) or _concepts(resource.get("category"))
    about = _short(resource.get("description")) or next((words for f in files if (words := _short(f.get("title")))), "")
    if about.casefold() == name.casefold():
        about = ""
    made = next((when for one in files if (when := date_words(one.get("creation")))), "")
    context = resource.get("context")
    of = period_words(context.get("period")) if isinstance(context, dict) else ""
    line = f"{name}: {about}" if name and about else name or about or "A document"
    return _joined(line, _names(resource.get("author"), find), made or date_words(resource.get("date")) or of)


def report(resource: Resource, _: Resolve) -> str:
    """`Blood count: No sign of infection, 12 Mar 2024`."""
    name = concept_words(resource.get("code")) or _concepts(resource.get("category")) or "A report"
    says = _short(resource.get("conclusion"))
    if not says and "conclusion" not in resource:
        says = _concepts(resource.get("conclusionCode"))
    when = date_words(resource.get("effectiveDateTime")) or period_words(resource.get("effectivePeriod"))
    issued = date_words(resource.get("issued"))
    return _joined(f"{name}: {says}" if says else name, when or (issued and f"issued {issued}"))


def care_plan(resource: Resource, find: Resolve) -> str:
    """`Diabetes care for Diabetes, since 2024`."""
    name = _short(resource.get("title")) or _concepts(resource.get("category")) or _short(resource.get("description"))
    aims = _names(resource.get("addresses"), find)
    line = name or "A care plan"
    if aims and aims.casefold() not in line.casefold():
        line = f"{line} for {aims}"
    created = date_words(resource.get("created"))
    return _joined(line, period_words(resource.get("period")) or created)


def consent(resource: Resource, _: Resolve) -> str:
    """`Research: not agreed, 12 Mar 2024`; what is agreed in part only is called so."""
    name = _concepts(resource.get("category")) or concept_words(resource.get("scope")) or "A decision"
    words = _decision(resource)
    return _joined(f"{name}: {words}" if words else name, date_words(resource.get("dateTime")))


def answers(resource: Resource, find: Resolve) -> str:
    """`Pain diary: 5 answers, 12 Mar 2024`."""
    name = _questionnaire(resource, find) or "A questionnaire"
    n = _answered(resource.get("item"))
    words = "no answers" if n == 0 else "1 answer" if n == 1 else f"{n} answers"
    return _joined(f"{name}: {words}", date_words(resource.get("authored")))


def message(resource: Resource, find: Resolve) -> str:
    """`Appointment from Example Clinic to Testa Testperson: Please call back, 12 Mar 2024`."""
    name = concept_words(resource.get("topic")) or _concepts(resource.get("category")) or "A message"
    sender, recipients = _names(resource.get("sender"), find), _names(resource.get("recipient"), find)
    name += f" from {sender}" if sender else ""
    name += f" to {recipients}" if recipients else ""
    says = ""
    for part in objects_of(resource.get("payload")):
        attached = part.get("contentAttachment")
        title = attached.get("title") if isinstance(attached, dict) else None
        says = _short(part.get("contentString")) or _short(title) or display_of(part.get("contentReference"))
        if says or "contentString" in part:
            break
    sent, received = date_words(resource.get("sent")), date_words(resource.get("received"))
    return _joined(f"{name}: {says}" if says else name, sent or (received and f"received {received}"))


def origin(resource: Resource, find: Resolve) -> str:
    """`Creation by Testa Testperson, 12 Mar 2024`, of a Provenance."""
    name = concept_words(resource.get("activity")) or "Origin of a record"
    agents = _names([one.get("who") for one in objects_of(resource.get("agent"))], find)
    when = date_words(resource.get("occurredDateTime")) or period_words(resource.get("occurredPeriod"))
    recorded = date_words(resource.get("recorded"))
    return _joined(f"{name} by {agents}" if agents else name, when or (recorded and f"recorded {recorded}"))


def related_person(resource: Resource, _: Resolve) -> str:
    """`Testa Testperson, mother, until 2021`."""
    name = name_words(resource.get("name")) or "A person without a name"
    birth = date_words(resource.get("birthDate"))
    relation = _concepts(resource.get("relationship"))
    return _joined(name, relation, birth and f"born {birth}", period_words(resource.get("period")))


def _decision(resource: Resource) -> str:
    """What a consent decides. Its policy rule is the base, its provision the exception; alone, that is the rule."""
    rule = resource.get("provision")
    provision: Resource = rule if isinstance(rule, dict) else {}
    base = POLICY_WORDS.get(code_of(resource.get("policyRule")) or "", "")
    says = {"permit": "agreed", "deny": "not agreed"}.get(str(provision.get("type")), "")
    in_part, within = not _PART.isdisjoint(provision), bool(provision.get("provision"))
    if code_of(resource.get("scope")) not in _SCOPES_OF_DATA:
        # "Do not resuscitate: not agreed" would turn an advance directive round: its own words say what is wanted.
        return "with a refusal" if "not agreed" in (base, says) else ""
    if base:
        return f"{base}, with exceptions" if in_part or within or says not in ("", base) else base
    if not says:
        return "as described" if within else ""
    words = f"{says} in part" if in_part else says
    return f"{words}, with exceptions" if within else words


def _questionnaire(resource: Resource, find: Resolve) -> str:
    """The title of a questionnaire: as the answers name it, or where its address leads."""
    sibling = resource.get("_questionnaire")
    for extension in objects_of(sibling.get("extension")) if isinstance(sibling, dict) else ():
        if extension.get("url") == _DISPLAY_OF_CANONICAL and _short(extension.get("valueString")):
            return _short(extension["valueString"])
    address = resource.get("questionnaire")
    target = find({"reference": address.partition("|")[0]}) if isinstance(address, str) and address else None
    if not target or target.get("resourceType") != "Questionnaire":
        return ""
    return _short(target.get("title")) or _short(target.get("name"))


def _answered(items: Any) -> int:
    """How many questions have an answer, at every depth."""
    n = 0
    stack = objects_of(items)
    while stack:
        item = stack.pop()
        given = objects_of(item.get("answer"))
        n += any(name.startswith("value") for one in given for name in one)
        stack.extend(objects_of(item.get("item")))
        stack.extend(below for one in given for below in objects_of(one.get("item")))
    return n


def _names(references: Any, find: Resolve) -> str:
    """Who or what some References lead to, by name; empty if no name is known of one of them."""
    told = []
    for reference in objects_of(references):
        target = find(reference)
        told.append((_name(target) if target else "") or display_of(reference))
    names = list(dict.fromkeys(filter(None, told)))
    more = f" and {len(names) - _NAMES_MAX} more" if len(names) > _NAMES_MAX else ""
    return ", ".join(names[:_NAMES_MAX]) + more


def _name(target: Resource) -> str:
    name = target.get("name")
    if target.get("resourceType") == "Device":
        return device_name(target)
    return _short(name) or name_words(name) or concept_words(target.get("code"))


def _concepts(concepts: Any) -> str:
    words = dict.fromkeys(filter(None, (concept_words(one) for one in items_of(concepts))))
    return ", ".join(words)


def _short(text: Any) -> str:
    """A text that fits a line; empty for a longer one, whose beginning alone could say something else."""
    return " ".join(text.split()) if isinstance(text, str) and len(text.strip()) <= TEXT_MAX else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
