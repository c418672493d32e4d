"""The command's contract (openapi/protocol/cli.md): names, JSON keys, exit codes, streams, passphrases, help.

Tables and words are free; what stands here is what programs may build on.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sync.device.cli.main import parser
from sync.vault.note import Note
from tests.cli import bundles
from tests.cli.kit import (
    DONE,
    REFUSED,
    ROOT,
    USAGE,
    WAITS,
    Carnet,
    Inside,
    Server,
    id_of,
    link_phone,
    make_phone,
    settle,
    vault_of,
)
from tests.cli.note_sender import visited
from tests.cli.share_reader import opened

CHAPTER = ROOT / "openapi" / "protocol" / "cli.md"
HEX = re.compile(r"[0-9a-f]+\Z")
DOT = re.compile(r"[0-9a-f]+:[1-9][0-9]*\Z")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")


def commands() -> list[str]:
    """Every command that the parser knows."""
    [choices] = [action.choices for action in parser()._actions if action.dest == "command"]
    return sorted(choices)


class World(NamedTuple):
    """Two linked phones over a running server; A has one question of each kind that two phones can make."""

    folder: Path
    server: Server
    a: Inside
    b: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("contract")
    server = Server(folder / "server").start()
    a = make_phone(folder / "a", server.url)
    a("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
    b = link_phone(folder / "b", a, server.url)
    settle(a, b, rounds=1)
    medication, condition = id_of(a, "MedicationStatement"), id_of(a, "Condition")
    a("set", medication, "dosage", bundles.dumps(bundles.dosage("10", "mg", "10 mg")))
    b("set", medication, "dosage", bundles.dumps(bundles.dosage("20", "mg", "20 mg")))
    link = a("share", "create", "--label", "contract")["link"]
    opened(link)
    visited(link).send(Note("Dr. Contract", "a note"))
    a("delete", condition)
    b("set", condition, "onsetDateTime", '"2017"')
    settle(a, b)
    yield World(folder, server, a, b)
    server.kill()


@pytest.fixture
def own(world: World, tmp_path: Path) -> Inside:
    """A copy of phone A that a test may change and never syncs."""
    return Inside(shutil.copytree(world.a.store, tmp_path / "own"))


def keys(value: Any) -> set[str]:
    return set(value if isinstance(value, dict) else value[0])


def one_document(phone: Carnet, *arguments: str, code: int = DONE, stdin: str = "") -> Any:
    """The one JSON document that a command writes on stdout."""
    done = phone.run(*arguments, stdin=stdin)
    assert done.code == code, done
    return done.json  # refuses anything that stands beside it


LISTS = {
    ("vaults",): "id name role records cursor state_root pending unproved",
    ("members",): "person name role until subject devices",
    ("sources",): "id name newest records",
    ("list",): "id type label status source conflicts deleted",
    ("find", "ramipril"): "id type label status source conflicts deleted",
    ("conflicts",): "id record kind element values",
    ("share", "list"): "id label state made_by made_at expires_at long_term direct asks_passcode opens opens_max "
    "attempts_left inbox sections records without",
    ("inbox",): "number from share sent_at state readable text document answer record",
    ("share", "log", "contract"): "number at outcome readable recipient address agent files",
}
OBJECTS = {
    ("show", "ramipril"): "id resource conflicts provenance history",
    ("sync",): "sent received requests bytes_up bytes_down waiting vaults shares",
    ("share", "show", "contract"): "id label state link passcode",
    ("summary",): "at patient sections left_out",
    ("ledger", "--since", "1h"): "entries base head read_before finding",
    ("restrict",): "restricted gives_away dot",
    ("status",): "account server last_sync pending intents quarantined findings halted shut_out notices devices",
}
# Of these, what answers 3 while a question is open.
WAITING = {"conflicts", "status", "sync", "inbox", "quarantine", "export"}


@pytest.mark.parametrize("arguments", [*LISTS, *OBJECTS], ids=" ".join)
def test_a_command_writes_one_document_with_the_keys_of_the_contract(arguments: tuple[str, ...], world: World) -> None:
    """MUST CLI-2; 3 is answered by those commands alone that may (MUST CLI-3)."""
    found = one_document(world.a, *arguments, code=WAITS if arguments[0] in WAITING else DONE)
    wanted = LISTS.get(arguments) or OBJECTS[arguments]
    assert isinstance(found, list) == (arguments in LISTS)
    assert set(wanted.split()) <= keys(found)


def test_what_stands_inside_the_documents_has_the_form_of_the_contract(world: World) -> None:
    vault = vault_of(world.a)
    assert HEX.match(vault["state_root"])
    assert HEX.match(vault["id"])
    assert (vault["name"], vault["role"], vault["unproved"]) == ("records of a test", "owner", False)
    [member] = one_document(world.a, "members")
    assert (member["name"], member["role"], member["subject"]) == ("Testa Testperson", "owner", True)
    assert {device["name"] for device in member["devices"]} == {"phone A", "phone B"}
    assert all({"id", "name", "last_heard"} <= set(device) for device in member["devices"])
    assert all(RFC3339.match(device["last_heard"]) for device in member["devices"] if device["last_heard"])
    status = one_document(world.a, "status", code=WAITS)
    assert RFC3339.match(status["last_sync"])
    assert (status["server"], status["findings"], status["halted"]) == (world.server.url, 0, [])
    assert {notice["kind"] for notice in status["notices"]} == {"share_opened", "note_received"}
    assert all(RFC3339.match(notice["at"]) and notice["words"] for notice in status["notices"])
    asked = one_document(world.a, "conflicts", code=WAITS)
    for question in asked:
        assert HEX.match(question["id"])
        assert HEX.match(question["record"])
        for side in question["values"]:
            assert {"value", "person", "device", "at"} <= set(side)
            assert isinstance(side["value"], dict)
            assert RFC3339.match(side["at"])
    report = one_document(world.a, "sync", code=WAITS)
    assert [set(one) for one in report["vaults"]] == [{"id", "code", "next"}]
    [row] = [row for row in one_document(world.a, "list") if row["type"] == "MedicationStatement"]
    assert (row["conflicts"], row["deleted"]) == (1, False)
    assert "Ramipril" in row["label"]


def test_a_shown_record_tells_who_wrote_what_and_its_history_when_asked(world: World) -> None:
    shown = one_document(world.a, "show", "ramipril", "--history")
    assert shown["resource"]["resourceType"] == "MedicationStatement"
    assert len(shown["conflicts"]) == 1
    assert {one["device"] for one in shown["provenance"] if one["element"] == "dosage"} == {"phone A", "phone B"}
    dates = [step["at"] for step in shown["history"]]
    assert all(map(RFC3339.match, dates))
    assert one_document(world.a, "show", "ramipril")["history"] is None


EDITS: list[tuple[tuple[str, ...], str]] = [
    (("set", "penicillin", "criticality", '"low"'), "id dot"),
    (("unset", "penicillin", "criticality"), "id dot"),
    (("add", "penicillin", "note", '{"text": "a note"}'), "id repetition dot offers"),
    (("change", "penicillin", "reaction", "1", '{"manifestation": [{"text": "Rash"}]}'), "id repetition dot"),
    (("remove", "penicillin", "reaction", "1"), "id repetition dot"),
    (("annotate", "penicillin", "a word of mine"), "id dot"),
    (("dispute", "penicillin", "this is not so"), "id dot"),
    (("delete", "penicillin"), "id dot"),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit[0][0])
def test_an_edit_gives_the_record_and_its_dot(edit: tuple[tuple[str, ...], str], own: Inside) -> None:
    arguments, wanted = edit
    made = one_document(own, *arguments)
    assert set(made) == set(wanted.split())
    assert HEX.match(made["id"])
    assert DOT.match(made["dot"])
    assert vault_of(own)["pending"] == 1
    if arguments[0] == "delete":
        assert one_document(own, "restore", made["id"]).keys() == {"id", "dot"}


def test_what_was_added_is_named_by_its_repetition_from_then_on(own: Inside) -> None:
    # A name may begin with a dash: what stands behind two of them is never an option.
    made = own("add", "penicillin", "note", '{"text": "first"}')
    own("change", "penicillin", "note", "--", made["repetition"], '{"text": "second"}')
    assert [note["text"] for note in own("show", "penicillin")["resource"]["note"]] == ["second"]
    own("remove", "penicillin", "note", "--", made["repetition"])
    assert "note" not in own("show", "penicillin")["resource"]


def test_a_new_record_gives_its_id_and_can_come_from_a_file(own: Inside, tmp_path: Path) -> None:
    file = bundles.written(tmp_path, "new.json", bundles.own_immunization())
    for value in (bundles.dumps(bundles.own_immunization()), f"@{file}"):
        made = one_document(own, "new", "Immunization", value)
        assert set(made) == {"id", "offers"}
        assert HEX.match(made["id"])
        assert own("show", made["id"])["resource"]["resourceType"] == "Immunization"


def test_import_and_export_give_their_counts(own: Inside, tmp_path: Path) -> None:
    took = one_document(own, "import", bundles.written(tmp_path, "o.json", bundles.observation(8)), code=WAITS)
    assert set(took) == {"added", "updated", "unchanged", "held", "not_understood"}
    assert (took["added"], took["updated"], took["unchanged"]) >= (1, 0, 0)
    out = tmp_path / "all.json"
    gave = one_document(own, "export", str(out), code=WAITS)
    assert set(gave) == {"records", "bytes", "unsent"}
    assert gave["bytes"] == out.stat().st_size
    assert len(json.loads(out.read_text())["entry"]) == gave["records"]


def test_each_kind_of_question_is_settled_by_the_answers_that_are_offered(own: Inside) -> None:
    """`resolve` gives the record and the dot; a question that is settled, or an answer not offered, is refused."""
    asked = {one["kind"]: one["id"] for one in own.run("conflicts").json}
    assert own.run("resolve", asked["value"], "--keep").code == REFUSED
    assert own.run("resolve", asked["value"], "--take", "9").code == REFUSED
    assert own.run("resolve", asked["deleted_while_edited"], "--not-same").code == REFUSED
    settled = one_document(own, "resolve", asked["value"], "--take", "1")
    assert set(settled) == {"record", "dot"}
    assert DOT.match(settled["dot"])
    one_document(own, "resolve", asked["deleted_while_edited"], "--delete")
    assert own.run("conflicts").json == []
    done = own.run("resolve", asked["value"], "--take", "1")
    assert (done.code, done.json["code"]) == (REFUSED, "no_such_conflict")


def test_an_edit_over_an_open_question_is_refused_and_names_what_to_do(own: Inside) -> None:
    done = own.run("set", "ramipril", "dosage", bundles.dumps(bundles.dosage("1", "mg", "1 mg")))
    assert (done.code, done.json["code"]) == (REFUSED, "conflict_open")
    assert done.json["next"]


def test_another_value_than_those_offered_settles_a_question(own: Inside) -> None:
    [asked] = [one for one in own.run("conflicts").json if one["kind"] == "value"]
    value = {"dosage": bundles.dosage("15", "mg", "15 mg"), "effectivePeriod": {"start": "2020"}}
    one_document(own, "resolve", asked["id"], "--value", bundles.dumps(value))
    assert own("show", "ramipril")["resource"]["dosage"][0]["text"] == "15 mg"


def test_quarantine_and_findings_are_empty_lists_when_there_is_nothing(world: World) -> None:
    assert one_document(world.a, "quarantine", code=WAITS) == []
    assert one_document(world.a, "findings") == []


def test_an_id_may_be_a_part_of_it_or_of_the_label(world: World) -> None:
    """MUST CLI-4."""
    whole = id_of(world.a, "MedicationStatement")
    for part in (whole, whole[:12], whole[20:40], "ramipril", "RAMIPRIL", "ipri"):
        assert world.a("show", part)["id"] == whole


WRONG_USES = (
    ["no-such-command"],
    [],
    ["init"],
    ["show"],
    ["set", "x", "dosage"],
    ["resolve", "x"],
    ["resolve", "x", "--keep", "--delete"],
    ["resolve", "x", "--take", "one"],
    ["list", "--no-such-option"],
    ["recovery", "forget"],
)


@pytest.mark.parametrize("arguments", WRONG_USES, ids=" ".join)
def test_wrong_usage_exits_with_two_and_says_how_on_stderr(arguments: list[str], own: Inside) -> None:
    done = own.run(*arguments)
    assert (done.code, done.stdout) == (USAGE, "")
    assert "usage: carnet" in done.stderr


LOCAL = [
    ["list"],
    ["find", "ramipril"],
    ["show", "ramipril"],
    ["set", "penicillin", "criticality", '"low"'],
    ["new", "Immunization", bundles.dumps(bundles.own_immunization())],
    ["annotate", "penicillin", "a word"],
    ["conflicts"],
    ["vaults"],
    ["members"],
    ["sources"],
    ["status"],
    ["findings"],
    ["quarantine"],
    ["export", "FILE"],
    ["import", "IMPORT"],
]


def test_without_a_server_every_local_command_works(own: Inside, tmp_path: Path) -> None:
    """MUST CLI-5; nothing of these opens a connection."""
    import socket

    file = bundles.written(tmp_path, "o.json", bundles.observation(9))
    named = {"FILE": str(tmp_path / "out.json"), "IMPORT": file}

    def refuse(*_: Any) -> None:
        raise AssertionError("a local command opened a connection")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        for arguments in LOCAL:
            done = own.run(*[named.get(argument, argument) for argument in arguments])
            assert done.code in (DONE, WAITS), (arguments, done)


def test_without_json_there_are_words_for_people_and_no_document(own: Inside) -> None:
    for arguments in (["list"], ["status"], ["conflicts"], ["vaults"], ["members"], ["show", "penicillin"]):
        done = own.run(*arguments, json=False)
        assert done.code in (DONE, WAITS)
        assert done.stdout.strip()
    assert "Ramipril" in own.run("list", json=False).stdout
    assert own.run("--quiet", "annotate", "penicillin", "a word", json=False).stdout == ""


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help_with_its_usage(command: str, own: Inside) -> None:
    done = own.run(command, "--help", json=False)
    assert done.code == DONE
    assert f"carnet {command}" in done.stdout
    if command in (
        "import",
        "export",
        "list",
        "find",
        "show",
        "new",
        "set",
        "add",
        "change",
        "resolve",
        "approve",
        "summary",
        "review",
        "restrict",
    ):
        assert "Example: carnet" in done.stdout


def test_the_help_of_the_whole_names_each_command_and_the_exit_codes(own: Inside) -> None:
    shown = own.run("--help", json=False).stdout
    assert all(re.search(rf"^ +{command}\b", shown, re.MULTILINE) for command in commands())
    assert all(f"{code} " in shown for code in (0, 1, 2, 3))


def test_the_chapter_and_the_command_name_the_same_commands() -> None:
    table = [
        re.split(r"(?<!\\)\|", line)[1] for line in CHAPTER.read_text("utf-8").splitlines() if line.startswith("| `")
    ]
    named = {name for row in table for name in re.findall(r"`([a-z]+)", row)}
    assert named == set(commands())


@pytest.mark.parametrize("arguments", [["list"], ["vaults"], ["show", "ramipril"]], ids=" ".join)
def test_a_document_is_the_same_from_a_process_and_has_nothing_beside_it(arguments: list[str], world: World) -> None:
    done = Carnet(world.a.store).run(*arguments)
    assert (done.code, done.stderr) == (DONE, "")
    assert done.json == world.a(*arguments)
