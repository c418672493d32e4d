"""A kept glance says what one made anew would say, whatever has happened to the rest of the vault since.

Two phones import versions of a file whose medicine is named by reference alone, edit, delete, note and meet, in random
order. What a `Look` made and says stands alone is kept until its own record changes, as the phone's store keeps it.
"""

import random

import pytest

from sync.fhir import conflicts, duplicates, editing, resolving
from sync.fhir.sources import newer_in
from sync.fhir.view import values
from sync.merge.snapshot import canonical_record
from tests.fhir.import_phones import Phone
from tests.vectors.import_resources import allergy, concept, document, vaccination


def medicine(name, reference):
    return [
        {"resourceType": "Medication", "id": "m", "code": concept("1", name)},
        {
            "resourceType": "MedicationStatement",
            "id": "s",
            "status": "active",
            "subject": {"reference": "Patient/p"},
            "medicationReference": {"reference": reference},
        },
    ]


def a_file(pick):
    return document(
        f"2026-0{pick.randrange(1, 9)}-01T08:00:00Z",
        allergy(pick.choice(("high", "low")), id=pick.choice(("a", "b"))),
        vaccination(f"2024-05-0{pick.randrange(1, 4)}", id=pick.choice(("v", "w"))),
        *medicine(pick.choice(("Ramipril", "Ramipril 5 mg")), pick.choice(("Medication/m", "Medication/none"))),
        identifier=pick.choice(("summary", "another")),
    )


def edited(pick, phone, record):
    seed = pick.randbytes(32)
    makers = (
        lambda: editing.set_element(record, "code", concept("3", pick.choice("xyz")), newer=newer_in(phone)),
        lambda: editing.annotate(record, pick.choice("ab"), seed),
        lambda: editing.dispute(record, "not so", seed),
        lambda: editing.delete(record),
        lambda: editing.restore(record),
        lambda: editing.set_element(record, "code", concept("2", pick.choice("xy")), newer=newer_in(phone)),
        lambda: editing.set_element(record, "status", pick.choice(("active", "completed")), newer=newer_in(phone)),
        lambda: resolving.not_same(record, pick.choice(list(phone.by_id))),
        lambda: resolving.merge(record, pick.choice(list(phone.by_id))),
    )
    try:
        return [pick.choice(makers)()]
    except editing.EditRefused:
        return []


class Keeper:
    """Glances by the state of their record, as a store keeps them by its rows."""

    def __init__(self):
        self.kept = {}

    def look(self, phone):
        states = {record.id: canonical_record(record) for record in phone.records()}
        holding = {id_: glance for id_, (state, glance) in self.kept.items() if states.get(id_) == state}
        others = [record for record in phone.records() if record.id not in holding]
        look = duplicates.Look(phone, holding, others)
        self.kept = {id_: self.kept[id_] for id_ in holding}
        self.kept.update((glance.id, (states[glance.id], glance)) for glance in look.made)
        return look, len(holding)


def told(look):
    """All that a look says."""
    glances = {id_: (glance, glance.facts()) for id_, glance in look.glances.items()}
    plain = {id_: (dict.fromkeys(("told",)), facts, *_fields(glance)) for id_, (glance, facts) in glances.items()}
    return plain, duplicates.same(look), duplicates.propose(look), look.persons


def _fields(glance):
    return tuple(getattr(glance, name) for name in glance.__struct_fields__ if name != "told")


def check_history(seed, steps=30):
    """How many glances were used again; every look equals one made anew, and asks what the records ask."""
    pick = random.Random(seed)
    phones, keepers, again = [Phone(0), Phone(1)], [Keeper(), Keeper()], 0
    for _ in range(steps):
        phone = pick.choice(phones)
        choice = pick.randrange(10)
        if choice < 2 or not phone.by_id:
            phone.imports(a_file(pick))
        elif choice < 4:
            # What others refer to changes: their lines do, although nobody writes on them.
            named = [record for record in phone.records() if b"Medication" in values(record).get("resourceType", b"")]
            phone.write(edited(pick, phone, pick.choice(named)))
        elif choice < 8:
            phone.write(edited(pick, phone, pick.choice(list(phone.by_id.values()))))
        else:
            sent = [list(one.sent) for one in phones]
            phones[0].take(sent[1])
            phones[1].take(sent[0])
        for phone, keeper in zip(phones, keepers, strict=True):
            look, used = keeper.look(phone)
            again += used
            assert told(look) == told(duplicates.Look(phone)), f"seed {seed}"
            newer = newer_in(phone)
            asked = {record.id: found.id for record in phone.records() if (found := conflicts.find(record, newer))}
            assert {id_: glance.question for id_, glance in look.glances.items() if glance.question} == asked
    return again


@pytest.mark.parametrize("seed", range(6))
def test_a_kept_glance_is_what_one_made_anew_would_be(seed):
    assert check_history(seed) > 50, "glances that are never kept prove nothing"


def test_a_record_whose_line_lies_elsewhere_has_no_glance_of_its_own():
    phone = Phone()
    phone.imports(document("2026-01-01T08:00:00Z", *medicine("Ramipril", "Medication/m")))
    look = duplicates.Look(phone)
    alone = {glance.type for glance in look.made}
    assert "Medication" in alone
    assert "MedicationStatement" not in alone
    assert "Ramipril" in next(g.line for g in look.glances.values() if g.type == "MedicationStatement")
