"""Real files of eight countries go in, travel sealed to another phone, and come out as they were, to the last digit.

With CARNET_EXAMPLES set, each file of its folder `ips`; else two small synthetic ones. openapi/protocol/import.md.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from sync.fhir import exact
from tests.cli import bundles
from tests.cli.kit import (
    DONE,
    WAITS,
    Carnet,
    Inside,
    Server,
    link_phone,
    make_phone,
    settle,
    store_hash,
    together,
    vault_of,
)

OF_SEVERAL_PATIENTS = "cy-ips-1x-absent-unknown.json"  # ten Patient resources; clinical entries point to several
BROKEN = "dk-broken-missing-sections.json"


def several_patients() -> Any:
    """A file whose measured value belongs to another Patient resource than its composition."""
    made = bundles.summary()
    other = {**bundles.patient("Otherperson", "1950-05-05"), "id": "q"}
    made["entry"].insert(2, {"fullUrl": f"{bundles.HOSPITAL}/Patient/q", "resource": other})
    made["entry"][-1]["resource"]["subject"] = {"reference": f"{bundles.HOSPITAL}/Patient/q"}
    return made


def broken() -> Any:
    """A file with entries that are no records, and a section that leads nowhere."""
    made = bundles.summary()
    made["entry"][1:1] = [{"fullUrl": "urn:uuid:none"}, {"resource": {"id": "no type"}}]
    made["entry"][0]["resource"]["section"][0]["entry"].append({"reference": "Condition/nowhere"})
    return made


OWN = {"small.json": bundles.summary, OF_SEVERAL_PATIENTS: several_patients, BROKEN: broken}
EXAMPLES = os.environ.get("CARNET_EXAMPLES")
FILES = sorted(path.name for path in (Path(EXAMPLES) / "ips").glob("*.json")) if EXAMPLES else sorted(OWN)


def path_of(name: str, folder: Path) -> str:
    if EXAMPLES:
        return str(Path(EXAMPLES) / "ips" / name)
    return bundles.written(folder, name, OWN[name]())


def resources_in(bundle: Any) -> list[bytes]:
    """The resources of a bundle as canonical JSON, sorted."""
    entries = [entry for entry in bundle["entry"] if "resourceType" in entry.get("resource", {})]
    return sorted(exact.canonical(entry["resource"]) for entry in entries)


def check_nothing_is_asked(*phones: Carnet) -> None:
    for phone in phones:
        done = phone.run("conflicts")
        assert (done.code, done.json) == (DONE, [])


def check_given_back(phone: Carnet, file: str, folder: Path) -> None:
    """Every resource equal, and the document whole."""
    original = exact.loads(Path(file).read_bytes())
    phone("export", str(folder / "all.json"))
    collection = exact.loads((folder / "all.json").read_bytes())
    assert (collection["resourceType"], collection["type"]) == ("Bundle", "collection")
    assert resources_in(collection) == resources_in(original)
    [envelope] = phone("sources")
    phone("export", str(folder / "document.json"), "--document", envelope["id"])
    assert exact.canonical(exact.loads((folder / "document.json").read_bytes())) == exact.canonical(original)


@pytest.mark.parametrize("name", FILES)
def test_a_file_imported_twice_on_two_phones_offline_travels_and_comes_out_equal(
    name: str, server: Server, tmp_path: Path
) -> None:
    file = path_of(name, tmp_path)
    a = make_phone(tmp_path / "a", server.url, person="Testa Testperson")
    b = link_phone(tmp_path / "b", a, server.url)
    for phone in (a, b):
        first = phone.run("import", file)
        if name == OF_SEVERAL_PATIENTS:
            assert first.code == WAITS
            assert len(first.json["held"]) == 1
            assert first.json["added"] == 0
            assert phone("list", "--all") == []
            first = phone.run("import", file, "--same-person")
        assert first.code == DONE, first
        assert first.json["added"] > 0
        assert first.json["updated"] == 0
        assert first.json["held"] == []
        assert first.json["not_understood"] or name != BROKEN
        assert all(row["where"] and row["why"] for row in first.json["not_understood"])
        before = store_hash(phone.store)
        second = phone.run("import", file, "--same-person")
        assert second.code == DONE
        assert (second.json["added"], second.json["updated"]) == (0, 0)
        assert second.json["unchanged"] == first.json["added"]
        assert store_hash(phone.store) == before
    settle(a, b)
    check_nothing_is_asked(a, b)
    one, other = vault_of(a), vault_of(b)
    assert one["state_root"] == other["state_root"] is not None
    assert one["pending"] == other["pending"] == 0
    for phone in (a, b):
        again = phone("import", file, "--same-person")
        assert (again["added"], again["updated"]) == (0, 0)
        check_given_back(phone, file, tmp_path)
        assert phone.run("list").code == DONE


def test_a_file_that_only_one_phone_imported_comes_out_equal_on_the_other(server: Server, tmp_path: Path) -> None:
    """Each step a process of its own."""
    name = "minimal.json" if "minimal.json" in FILES else "small.json"
    file = path_of(name, tmp_path)
    maker = make_phone(tmp_path / "a", server.url)
    a, b = Carnet(maker.store), Carnet(link_phone(tmp_path / "b", maker, server.url).store)
    assert a("import", file, codes=(DONE,))["added"] > 0
    again = a("import", file, codes=(DONE,))
    assert (again["added"], again["updated"]) == (0, 0)
    a("sync", codes=(DONE,))
    assert b("sync", codes=(DONE,))["received"] > 0
    check_given_back(b, file, tmp_path)
    ended = together(a.start("vaults"), b.start("vaults"))
    assert len({done.json[0]["state_root"] for done in ended}) == 1


def test_a_held_file_changes_nothing_and_names_the_question(server: Server, tmp_path: Path) -> None:
    phone = make_phone(tmp_path / "a", server.url)
    phone("import", bundles.written(tmp_path, "mine.json", bundles.summary()))
    other = bundles.summary(identifier="someone-else")
    for entry in other["entry"]:
        entry["fullUrl"] = entry["fullUrl"].replace("hospital.example", "clinic.example")
        if entry["resource"]["resourceType"] == "Patient":
            entry["resource"] = bundles.patient("Otherperson", "1950-05-05")
    file = bundles.written(tmp_path, "other.json", other)
    before = store_hash(phone.store)
    done = phone.run("import", file)
    assert done.code == WAITS
    [held] = done.json["held"]
    assert held["where"]
    assert held["why"]
    assert "Otherperson" not in held["why"]
    assert store_hash(phone.store) == before


@pytest.mark.parametrize("digits", ["5.40", "1e2", "0.10", "-0", "100000000000000000000000.1", "1E-7"])
def test_digits_come_out_as_they_went_in(digits: str, server: Server, tmp_path: Path) -> None:
    phone: Inside = make_phone(tmp_path / "a", server.url)
    file = bundles.written(tmp_path, "one.json", bundles.observation(1, digits))
    phone("import", file)
    phone("export", str(tmp_path / "out.json"))
    assert re.search(rf'"value": {re.escape(digits)}\s*[,}}]', (tmp_path / "out.json").read_text())
    [row] = phone("list", "Observation")
    assert phone.run("show", row["id"]).exact["resource"]["valueQuantity"]["value"] == exact.number(digits)
