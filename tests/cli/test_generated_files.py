"""Files that generators write, huge or odd: each comes in or says why, and nothing of it is lost. MUST CLI-3."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sync.fhir import exact
from tests.cli import bundles, generated
from tests.cli.kit import DONE, ROOT, WAITS, Carnet, Inside, Server, clean_environment, make_phone, store_hash
from tests.cli.large_import import comes_back

PEAK_MIB_MAX = 400  # for some thousand entries; twenty thousand are `make prove`'s
ENTRIES = 3_000


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """A phone whose vault holds nothing yet, and whose server is gone: nothing here needs one."""
    folder = tmp_path_factory.mktemp("generated")
    server = Server(folder / "server").start()
    made = make_phone(folder / "a", server.url)
    server.kill()
    return made


@pytest.fixture
def phone(empty: Inside, tmp_path: Path) -> Inside:
    return Inside(shutil.copytree(empty.store, tmp_path / "phone"))


def given_back(phone: Carnet, folder: Path) -> bytes:
    """The one imported file as the phone gives it back, as canonical JSON."""
    [source] = phone("sources")
    phone("export", str(folder / "back.json"), "--document", source["id"])
    return exact.canonical(exact.loads((folder / "back.json").read_bytes()))


@pytest.mark.parametrize("name", generated.FILES)
def test_an_odd_file_comes_in_or_says_why_and_comes_out_equal(name: str, phone: Inside, tmp_path: Path) -> None:
    whole = generated.FILES[name]()
    file = bundles.written(tmp_path, "odd.json", whole)
    before = store_hash(phone.store)
    told = phone("import", file)
    if told["held"]:
        assert all(row["why"] and row["where"] for row in told["held"])
        assert store_hash(phone.store) == before, "what is held is not taken in part"
        told = phone("import", file, "--same-person")
    assert told["held"] == []
    odd = len(whole["entry"]) - told["added"]
    assert len(told["not_understood"]) >= odd
    assert all(row["why"] and row["where"] for row in told["not_understood"])
    assert given_back(phone, tmp_path) == exact.canonical(whole)
    phone("export", str(tmp_path / "all.json"))
    out = [exact.canonical(entry["resource"]) for entry in exact.loads((tmp_path / "all.json").read_bytes())["entry"]]
    assert len(out) == told["added"]
    for verb in ("list", "conflicts", "status"):
        assert phone.run(verb).code in (DONE, WAITS)
    done = phone.run("import", file, "--same-person")
    assert (done.json["added"], done.json["updated"]) == (0, 0), "the same file again is nothing new"


def test_two_people_in_one_file_are_held_until_a_person_says_otherwise(phone: Inside, tmp_path: Path) -> None:
    done = phone.run("import", bundles.written(tmp_path, "two.json", generated.two_patients()))
    assert done.code == WAITS
    assert done.json["held"]
    assert phone("list", "--all") == []


def test_numbers_keep_their_digits_in_what_is_shown_and_exported(phone: Inside, tmp_path: Path) -> None:
    phone("import", bundles.written(tmp_path, "numbers.json", generated.odd_numbers()))
    phone("export", str(tmp_path / "all.json"))
    text = (tmp_path / "all.json").read_text("utf-8")
    shown = "".join(phone.run("show", row["id"]).stdout for row in phone("list", "Observation"))
    for number in generated.NUMBERS:
        told = re.compile(rf'"value": {re.escape(number)}[,\n]')
        assert told.search(text)
        assert told.search(shown)


def test_a_byte_order_mark_is_passed_over(phone: Inside, tmp_path: Path) -> None:
    whole = bundles.summary()
    file = tmp_path / "marked.json"
    file.write_bytes(generated.BYTE_ORDER_MARK + bundles.dumps(whole).encode())
    assert phone("import", str(file))["added"] == len(whole["entry"])
    assert given_back(phone, tmp_path) == exact.canonical(whole)


def test_thousands_of_entries_come_in_within_bounded_memory_and_come_out_equal(phone: Inside, tmp_path: Path) -> None:
    taken = comes_back(Carnet(phone.store), tmp_path, ENTRIES)
    assert taken.peak_mib < PEAK_MIB_MAX


def test_an_import_shows_how_it_goes_on_a_terminal_and_stdout_stays_one_document(phone: Inside, tmp_path: Path) -> None:
    """`phone.run` elsewhere in this file has no terminal: stderr stays empty there."""
    file = bundles.written(tmp_path, "many.json", generated.many(300))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sync.device.cli.main", "--store", str(phone.store), "--json", "import", file]
    environment = clean_environment(CARNET_PASSPHRASE=phone.passphrase, TERM="xterm", COLUMNS="240")
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, cwd=ROOT, env=environment
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    seen = os.read(ours, 65_536)
    os.close(ours)
    assert process.returncode == DONE
    assert b"many.json" in seen
    assert json.loads(out)["added"] == 300
