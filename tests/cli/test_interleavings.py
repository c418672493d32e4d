"""Two phones edit the same records offline and sync in every order: what is asked, kept, and said by both at the end.

All edits are made before the first sync, so that they are concurrent in every order; the orders differ in who is first,
who hears what when, and where the server is killed. MUST CLI-3 and openapi/protocol/merge.md.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sync.fhir import exact
from tests.cli import bundles
from tests.cli.kit import (
    DONE,
    WAITS,
    Carnet,
    Inside,
    Server,
    id_of,
    link_phone,
    make_phone,
    notes_of,
    settle,
    together,
    vault_of,
)

DOSE_A = bundles.dosage("500.0", "ug", "500 µg, mornings")
DOSE_B = bundles.dosage("10", "mg", "10 mg, at bedtime")
CORRECTED = bundles.reaction("Swelling of the lips", "699376004", "severe")
SECOND = bundles.reaction("Shortness of breath", "267036007", "severe")


def orders(each: int) -> list[str]:
    """Every order of so many syncs of A and as many of B."""
    places = itertools.combinations(range(2 * each), each)
    return ["".join("A" if place in chosen else "B" for place in range(2 * each)) for chosen in map(set, places)]


class Prepared(NamedTuple):
    """Two linked phones with the same imported records and edits that neither has sent."""

    folder: Path
    server: Server
    medication: str
    condition: str
    allergy: str

    def again(self, folder: Path) -> tuple[Server, Path, Path]:
        """All of it copied, the server started on its port."""
        for name in ("a", "b"):
            shutil.copytree(self.folder / name, folder / name)
        return self.server.copied(folder / "server").start(), folder / "a", folder / "b"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    server = Server(folder / "server").start()
    try:
        a = make_phone(folder / "a", server.url)
        a("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
        b = link_phone(folder / "b", a, server.url)
        settle(a, b, rounds=1)
    finally:
        server.kill()
    medication, condition, allergy = (
        id_of(b, type_) for type_ in ("MedicationStatement", "Condition", "AllergyIntolerance")
    )
    by_a = [
        ("set", medication, "dosage", bundles.dumps(DOSE_A)),
        ("delete", condition),
        ("new", "AllergyIntolerance", bundles.dumps(bundles.own_allergy("high"))),
        ("new", "Immunization", bundles.dumps(bundles.own_immunization())),
        ("change", allergy, "reaction", "1", bundles.dumps(CORRECTED)),
    ]
    by_b = [
        ("set", medication, "dosage", bundles.dumps(DOSE_B)),
        ("set", condition, "onsetDateTime", '"2017-02"'),
        ("new", "AllergyIntolerance", bundles.dumps(bundles.own_allergy("low"))),
        ("new", "Immunization", bundles.dumps(bundles.own_immunization())),
        ("add", allergy, "reaction", bundles.dumps(SECOND)),
    ]
    for one, other in zip(by_a, by_b, strict=True):
        for done in together(Carnet(a.store).start(*one), Carnet(b.store).start(*other)):
            assert done.code == DONE, done
    return Prepared(folder, server, medication, condition, allergy)


def same_words(value: object) -> bytes:
    return exact.canonical(value)


def check_what_is_asked(prepared: Prepared, a: Carnet, b: Carnet, *, outside: bool = False) -> dict[str, dict]:
    """Exactly three questions, the same on both phones; gives them by kind."""
    ended = together(a.start("conflicts"), b.start("conflicts")) if outside else [p.run("conflicts") for p in (a, b)]
    assert [done.code for done in ended] == [WAITS, WAITS]
    on_a, on_b = (done.exact for done in ended)
    assert same_words(on_a) == same_words(on_b)
    assert sorted(one["kind"] for one in on_a) == ["deleted_while_edited", "duplicate", "value"]
    asked = {one["kind"]: one for one in on_a}

    value = asked["value"]
    assert (value["record"], value["element"]) == (prepared.medication, "dosage")
    assert sorted(same_words(side["value"]["dosage"]) for side in value["values"]) == sorted(
        map(same_words, (DOSE_A, DOSE_B))
    )
    assert all(side["value"]["effectivePeriod"] == {"start": "2019-03"} for side in value["values"])
    assert {side["device"] for side in value["values"]} == {"phone A", "phone B"}
    assert {side["person"] for side in value["values"]} == {"Testa Testperson"}

    deleted = asked["deleted_while_edited"]
    assert deleted["record"] == prepared.condition
    assert [side["value"].get("onsetDateTime") for side in deleted["values"]] == [None, "2017-02"]

    pair = asked["duplicate"]
    found = sorted(side["value"]["resource"]["criticality"] for side in pair["values"])
    assert found == ["high", "low"]
    return asked


def check_what_is_there(prepared: Prepared, a: Carnet, b: Carnet) -> None:
    """Both reactions right, one immunization shown, and one state, byte for byte."""
    for phone in (a, b):
        reactions = phone.run("show", prepared.allergy).exact["resource"]["reaction"]
        assert [same_words(one) for one in reactions] == [same_words(CORRECTED), same_words(SECOND)]
        assert len(phone("list", "Immunization")) == 1
        assert len(phone("list", "Condition")) == 1
    check_same_state(a, b)


def check_same_state(a: Carnet, b: Carnet) -> None:
    one, other = vault_of(a), vault_of(b)
    assert one["state_root"] == other["state_root"] is not None
    assert (one["cursor"], one["pending"], one["records"]) == (other["cursor"], 0, other["records"])
    assert other["pending"] == 0


def settle_on(prepared: Prepared, phone: Carnet, asked: dict[str, dict], *, merge: bool) -> None:
    """Answers the three questions: B's dose, the condition stays, the allergies are two or one."""
    doses = [same_words(side["value"]["dosage"]) for side in asked["value"]["values"]]
    phone("resolve", asked["value"]["id"], "--take", str(doses.index(same_words(DOSE_B)) + 1), codes=(DONE,))
    phone("resolve", asked["deleted_while_edited"]["id"], "--keep", codes=(DONE,))
    pair = asked["duplicate"]
    stays = pair["values"][0]["value"]["id"]
    phone("resolve", pair["id"], *(("--merge", stays) if merge else ("--not-same",)), codes=(DONE,))


def check_it_is_settled(prepared: Prepared, phone: Carnet, *, allergies: int) -> None:
    done = phone.run("conflicts")
    assert (done.code, done.json) == (DONE, [])
    shown = phone.run("show", prepared.medication).exact["resource"]
    assert same_words(shown["dosage"]) == same_words(DOSE_B)
    assert shown["effectivePeriod"] == {"start": "2019-03"}
    assert phone("show", prepared.condition)["resource"]["onsetDateTime"] == "2017-02"
    assert len(phone("list", "AllergyIntolerance")) == allergies


def check_a_newer_copy_asks_once(prepared: Prepared, a: Carnet, b: Carnet, folder: Path) -> None:
    """The hospital's newer copy, imported on both phones: one question, nothing overwritten."""
    newer = bundles.written(folder, "newer.json", bundles.newer_summary())
    before = [len(phone("list", "--all")) for phone in (a, b)]
    took = a.run("import", newer, "--source", "Example Hospital")
    assert took.code == WAITS
    assert took.json["held"] == took.json["not_understood"] == []
    b("import", newer, "--source", "Example Hospital")
    settle(a, b)
    asked = [phone.run("conflicts").exact for phone in (a, b)]
    assert same_words(asked[0]) == same_words(asked[1])
    [question] = asked[0]
    assert (question["kind"], question["record"], question["element"]) == (
        "source_changed",
        prepared.medication,
        "dosage",
    )
    theirs = bundles.dosage("7.50", "mg", "7.5 mg, mornings")
    told = sorted(same_words(side["value"]["dosage"]) for side in question["values"])
    assert told == sorted(map(same_words, (DOSE_B, theirs)))
    for phone, count in zip((a, b), before, strict=True):
        shown = phone.run("show", prepared.medication).exact["resource"]["dosage"]
        assert same_words(shown) == same_words(DOSE_B)
        assert len(phone("list", "MedicationStatement")) == 1
        assert len(phone("list", "--all")) == count + 1  # the envelope of the newer document
    check_same_state(a, b)


@pytest.fixture
def again(prepared: Prepared, tmp_path: Path) -> Iterator[tuple[Server, Carnet, Carnet]]:
    server, a, b = prepared.again(tmp_path)
    yield server, Carnet(a), Carnet(b)
    server.kill()


@pytest.mark.parametrize("order", orders(2))
def test_two_syncs_each_in_any_order_with_the_server_killed_between_ask_three_questions_and_lose_nothing(
    order: str, again: tuple[Server, Carnet, Carnet], prepared: Prepared, tmp_path: Path
) -> None:
    server, a, b = again
    number = orders(2).index(order)
    if number:  # one order by processes, as a person runs them; the others by the same command in this process
        a, b = a.inside(), b.inside()
    for place, who in enumerate(order):
        if place == 1 + number % 3:
            server.killed_and_started()
        {"A": a, "B": b}[who]("sync")
    settle(a.inside(), b.inside())
    asked = check_what_is_asked(prepared, a, b, outside=not number)
    check_what_is_there(prepared, a.inside(), b.inside())
    settle_on(prepared, a, asked, merge=number % 2 == 1)
    a("sync")
    settle(b.inside(), a.inside(), rounds=1)
    for phone in (a.inside(), b.inside()):
        check_it_is_settled(prepared, phone, allergies=2 if number % 2 == 1 else 3)
    check_what_is_there(prepared, a.inside(), b.inside())
    check_a_newer_copy_asks_once(prepared, a.inside(), b.inside(), tmp_path)


@pytest.mark.parametrize("order", orders(3))
def test_three_syncs_each_in_any_order_with_edits_between_them_ask_the_same_and_keep_every_note(
    order: str, prepared: Prepared, tmp_path: Path
) -> None:
    server, folder_a, folder_b = prepared.again(tmp_path)
    a, b = Inside(folder_a), Inside(folder_b)
    try:
        for place, who in enumerate(order):
            phone = {"A": a, "B": b}[who]
            phone("annotate", prepared.allergy, f"note {place}")
            phone("sync")
        settle(a, b)
        check_what_is_asked(prepared, a, b)
        check_what_is_there(prepared, a, b)
        for phone in (a, b):
            assert sorted(notes_of(phone, prepared.allergy)) == [f"note {place}" for place in range(6)]
    finally:
        server.kill()
