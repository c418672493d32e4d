"""What a phone will not take: it says why and what to do, and its store is as it was. MUST CLI-3.

The files are made by hand: a download cut short, what a portal hands out in a file's place, older and other formats.
"""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, Carnet, Inside, Server, id_of, make_phone, store_hash

WHOLE = bundles.dumps(bundles.summary())
DSTU2 = {
    "resourceType": "Bundle",
    "type": "searchset",
    "base": "https://hospital.example/dstu2",
    "entry": [
        {
            "resource": {
                "resourceType": "MedicationOrder",
                "id": "1",
                "status": "active",
                "patient": {"reference": "Patient/p"},
            }
        },
        {
            "resource": {
                "resourceType": "AllergyIntolerance",
                "substance": {"text": "Latex"},
                "patient": {"reference": "Patient/p"},
            }
        },
        {"resource": {"resourceType": "Condition", "patient": {"reference": "Patient/p"}, "code": {"text": "Fever"}}},
    ],
}
FILES: dict[str, tuple[bytes, str]] = {
    "a file cut short": (WHOLE.encode()[: len(WHOLE) * 2 // 3], "not_json"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n", "is_pdf"),
    "an HTML page": (b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>", "is_html"),
    "a DSTU2 bundle": (json.dumps(DSTU2).encode(), "old_fhir"),
    "an XML bundle": (
        b'<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"><type value="document"/></Bundle>',
        "is_xml",
    ),
    "an empty file": (b"", "empty_file"),
    "a bare list": (b"[]", "not_fhir"),
    "a number": (b"5", "not_fhir"),
    "text in another encoding": (WHOLE.encode("utf-16"), "not_json"),
    "two documents in one file": ((WHOLE + WHOLE).encode(), "not_json"),
    "a thousand brackets": (b"[" * 1_000 + b"]" * 1_000, "not_json"),
    "a million brackets": (b'{"a":' * 1_000_000, "not_json"),
    "one thing said twice": (b'{"resourceType": "Patient", "id": "1", "id": "2"}', "not_json"),
    "noise": (bytes(range(128, 256)) * 10, "not_json"),
}


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """A phone with records whose server is gone: nothing here needs one."""
    folder = tmp_path_factory.mktemp("bad-input")
    server = Server(folder / "server").start()
    made = make_phone(folder / "a", server.url)
    made("import", bundles.written(folder, "summary.json", bundles.summary()))
    made("sync")
    server.kill()
    return made


def refused(phone: Carnet, *arguments: str) -> dict[str, Any]:
    """The problem document of a command that is refused and leaves the store as it was, every row of it."""
    before = store_hash(phone.store), len(phone.inside()("list", "--all"))
    done = phone.run(*arguments)
    assert done.code == REFUSED, done
    told = json.loads(done.stdout)
    assert set(told) == {"code", "title", "detail", "next"}
    assert told["code"]
    assert told["title"]
    assert told["next"]
    assert "Traceback" not in done.stderr
    assert (store_hash(phone.store), len(phone.inside()("list", "--all"))) == before
    return told


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_fhir_r4_in_json_is_refused_by_name(name: str, phone: Inside, tmp_path: Path) -> None:
    data, code = FILES[name]
    file = tmp_path / "file"
    file.write_bytes(data)
    assert refused(phone, "import", str(file))["code"] == code


def test_a_refusal_is_the_same_from_a_process_of_its_own_with_words_on_stderr(phone: Inside, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(FILES["a PDF"][0])
    outside = Carnet(phone.store)
    told = refused(outside, "import", str(file))
    assert told["code"] == "is_pdf"
    in_words = outside.run("import", str(file), json=False)
    assert (in_words.code, in_words.stdout) == (REFUSED, "")
    assert told["title"].rstrip(".") in in_words.stderr
    assert told["next"] in in_words.stderr
    assert "Traceback" not in in_words.stderr


def test_a_bad_file_beside_a_good_one_takes_nothing_in(phone: Inside, tmp_path: Path) -> None:
    mine = Inside(shutil.copytree(phone.store, tmp_path / "mine"))
    good = bundles.written(tmp_path, "good.json", bundles.observation(77))
    bad = tmp_path / "bad.json"
    bad.write_bytes(FILES["a file cut short"][0])
    refused(mine, "import", good, str(bad))


def test_a_file_that_is_not_there_and_a_folder_are_refused(phone: Inside, tmp_path: Path) -> None:
    assert refused(phone, "import", str(tmp_path / "nothing.json"))["code"] == "no_such_file"
    assert refused(phone, "import", str(tmp_path))["code"] == "no_such_file"


def test_an_export_that_cannot_be_written_leaves_an_older_one_as_it_was(phone: Inside, tmp_path: Path) -> None:
    refused(phone, "export", str(tmp_path / "no such folder" / "all.json"))
    refused(phone, "export", str(tmp_path))
    older = tmp_path / "all.json"
    older.write_text("an older export")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", _no_room)
        refused(phone, "export", str(older))
    assert older.read_text() == "an older export"
    assert [path.name for path in tmp_path.iterdir()] == ["all.json"]


def test_a_wrong_passphrase_opens_nothing_and_changes_nothing(phone: Inside) -> None:
    for run in (Inside, Carnet):
        wrong = run(phone.store, "not the passphrase")
        before = store_hash(phone.store)
        for command in (["list"], ["import", "x.json"], ["sync"], ["status"]):
            done = wrong.run(*command)
            assert done.code == REFUSED
            assert (done.json["code"], bool(done.json["next"])) == ("passphrase_wrong", True)
            if run is Carnet:
                break
        assert store_hash(phone.store) == before


def test_a_store_of_a_newer_version_is_left_untouched(phone: Inside, tmp_path: Path) -> None:
    newer = Inside(shutil.copytree(phone.store, tmp_path / "newer"))
    with contextlib.closing(sqlite3.connect(newer.store / "carnet.db")) as database:
        [version] = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version + 1}")
    before = store_hash(newer.store)
    for command in (["list"], ["sync"], ["new", "Observation", bundles.dumps(bundles.observation())]):
        done = newer.run(*command)
        assert (done.code, done.json["code"], bool(done.json["next"])) == (REFUSED, "store_newer", True)
    assert store_hash(newer.store) == before


def test_a_store_that_is_no_database_or_has_swapped_rows_is_named_as_damaged(phone: Inside, tmp_path: Path) -> None:
    noise = Inside(tmp_path / "noise")
    noise.store.mkdir()
    (noise.store / "carnet.db").write_bytes(b"this is no database, and long enough to be looked at as one" * 100)
    done = noise.run("list")
    assert (done.code, done.json["code"]) == (REFUSED, "store_damaged")
    mixed = Inside(shutil.copytree(phone.store, tmp_path / "mixed"))
    with contextlib.closing(sqlite3.connect(mixed.store / "carnet.db", isolation_level=None)) as database:
        (one, first), (other, second) = database.execute("SELECT handle, body FROM record LIMIT 2").fetchall()
        database.execute("UPDATE record SET body = ? WHERE handle = ?", (second, one))
        database.execute("UPDATE record SET body = ? WHERE handle = ?", (first, other))
    done = mixed.run("list")
    assert (done.code, done.json["code"]) == (REFUSED, "store_damaged")


def test_a_folder_without_a_phone_says_how_to_begin(tmp_path: Path) -> None:
    done = Inside(tmp_path / "nothing").run("list")
    assert (done.code, done.json["code"]) == (REFUSED, "no_store")
    assert "init" in done.json["next"]
    assert not (tmp_path / "nothing").exists()


def test_a_resource_of_five_megabytes_is_left_out_by_name_and_the_rest_comes_in(phone: Inside, tmp_path: Path) -> None:
    mine = Inside(shutil.copytree(phone.store, tmp_path / "mine"))
    huge = bundles.observation(5, id="huge", note=[{"text": "x" * 5_000_000}])
    whole = bundles.document([bundles.observation(6), huge, bundles.observation(7)], identifier="summary-huge")
    done = mine.run("import", bundles.written(tmp_path, "huge.json", whole))
    assert done.code == DONE
    [left_out] = [row for row in done.json["not_understood"] if "Observation/huge" in row["where"]]
    assert "2 MiB" in left_out["why"]
    listed = mine("list", "Observation")
    shown = [mine("show", row["id"])["resource"]["id"] for row in listed]
    assert sorted(shown) == ["o1", "o6", "o7"]


def _no_room(_: int) -> None:
    raise OSError(errno.ENOSPC, "no room left")


BAD_EDITS = {
    "no JSON": ("set", "dosage", "five milligrams"),
    "another datatype": ("set", "dosage", '"five milligrams"'),
    "an element that is not there": ("set", "dosing", "[]"),
    "a repetition that is not there": ("remove", "note", "9"),
    "an element that does not repeat": ("add", "status", '"active"'),
    "nothing there to remove": ("unset", "dateAsserted", None),
    "what says which record it is": ("set", "resourceType", '"Patient"'),
    "a value of three megabytes": ("set", "note", json.dumps([{"text": "x" * 3_000_000}])),
}


@pytest.mark.parametrize("name", BAD_EDITS)
def test_an_edit_that_cannot_be_made_is_refused(name: str, phone: Inside, tmp_path: Path) -> None:
    verb, element, value = BAD_EDITS[name]
    if value is not None and len(value) > 1_000:
        value = "@" + bundles.written(tmp_path, "value.json", value)
    medication = id_of(phone, "MedicationStatement")
    refused(phone, verb, medication, element, *([value] if value is not None else []))


def test_an_edit_that_breaks_an_invariant_names_it(phone: Inside) -> None:
    """ait-1 of R4: without a verification status of entered-in-error, an allergy has a clinical status."""
    told = refused(phone, "unset", id_of(phone, "AllergyIntolerance"), "clinicalStatus")
    assert told["code"] == "invariant"
    assert "ait-1" in told["detail"]


def test_a_record_or_a_question_that_is_not_there_or_fits_twice_is_refused(phone: Inside) -> None:
    assert refused(phone, "show", "nothing like it")["code"] == "no_such_record"
    assert refused(phone, "show", "n")["code"] == "ambiguous"
    assert refused(phone, "resolve", "0123456789ab", "--keep")["code"] == "no_such_conflict"
    assert refused(phone, "restore", id_of(phone, "Condition"))["code"] == "not_deleted"
    assert refused(phone, "findings", "read", "1")["code"] == "no_such_finding"
    assert refused(phone, "list", "--vault", "no such vault")["code"] == "unknown_vault"


def test_no_refusal_repeats_what_stood_in_the_file(phone: Inside, tmp_path: Path) -> None:
    secret = "a-very-private-diagnosis"
    for text in ('{"resourceType": "Patient", "x": "%s", "x": 1}', '{"%s"', '[{"%s": 1}]'):
        file = bundles.written(tmp_path, "private.json", text % secret)
        done = phone.run("import", file)
        assert done.code == REFUSED
        assert secret not in done.stdout + done.stderr
