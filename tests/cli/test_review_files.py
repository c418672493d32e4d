"""What a careful reader of the phone would try with its files: modes, places where none can be, what is left beside."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from tests.cli.imported_phone import World
from tests.cli.kit import DONE, REFUSED, Inside, make_phone


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_store_is_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        made = make_phone(tmp_path / "new", world.server.url)
    finally:
        os.umask(before)
    assert mode(made.store) == 0o700
    assert {mode(file) for file in made.store.iterdir()} == {0o600}


def test_an_exported_file_is_for_its_owner_alone_and_nothing_is_left_beside_it(own: Inside, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "all.json.part").mkdir(parents=True)
    assert own.run("export", str(folder / "all.json")).code == DONE
    assert mode(folder / "all.json") == 0o600
    assert sorted(file.name for file in folder.iterdir()) == ["all.json", "all.json.part"]


def test_an_export_where_no_file_can_be_is_refused_and_leaves_nothing(own: Inside, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = own.run("export", str(tmp_path / "out"))
    assert (done.code, done.json["code"]) == (REFUSED, "not_written")
    done = own.run("export", str(tmp_path / "no such folder" / "all.json"))
    assert (done.code, done.json["code"]) == (REFUSED, "not_written")
    assert not [file for file in tmp_path.iterdir() if "part" in file.name]


def test_an_export_into_what_is_no_file_of_its_own_goes_through_it(own: Inside, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        import threading

        got = bytearray()

        def drain() -> None:
            os.set_blocking(reading, True)
            while piece := os.read(reading, 65_536):
                got.extend(piece)

        done: list[Any] = []
        writer = threading.Thread(target=drain)
        with pipe.open("wb"):  # held open until the command has begun to write
            writer.start()
            done.append(own.run("export", str(pipe)))
        writer.join(10)
    finally:
        os.close(reading)
    assert done[0].code == DONE
    assert json.loads(got)["resourceType"] == "Bundle"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_store_that_is_a_file_is_refused_in_words(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = Inside(tmp_path / "file").run(
        "init", "--server", world.server.url, "--name", "Testa Testperson", "--device", "phone"
    )
    assert (done.code, done.json["code"]) == (REFUSED, "bad_store")


def test_a_document_whose_envelope_was_deleted_is_given_back_all_the_same(own: Inside, tmp_path: Path) -> None:
    [source] = own("sources")
    own("delete", source["id"])
    assert own("sources") == []
    out = tmp_path / "document.json"
    gave = own("export", str(out), "--document", source["id"])
    assert len(json.loads(out.read_text())["entry"]) == gave["records"] > 0
    done = own.run("export", str(out), "--document", "ffffffffffff")
    assert (done.code, done.json["code"]) == (REFUSED, "no_such_document")
