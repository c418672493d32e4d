"""Notes back from whoever had a link, end to end: INB-1 to INB-4 and INB-12 to INB-14 of inbox.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sync.vault.note import Note, Paper, write_note
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, WAITS, Inside, Server, link_phone, make_phone
from tests.cli.note_sender import visited
from tests.fhir.summary_checks import allergy

PDF = Paper("letter.pdf", "application/pdf", b"%PDF-1.7\nnothing to see\n%%EOF")
TEXT = "Please lower the evening dose, and see me in May."


class World(NamedTuple):
    folder: Path
    server: Server
    phone: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("inbox")
    server = Server(folder / "server").start()
    phone = make_phone(folder / "phone", server.url)
    phone("new", "AllergyIntolerance", bundles.dumps(allergy("Penicillin")))
    yield World(folder, server, phone)
    server.kill()


def made(phone: Inside, label: str, *options: str) -> Any:
    return phone("share", "create", "--label", label, *options)


def last(phone: Inside) -> Any:
    return phone("inbox")[-1]


def plan_of_care(phone: Inside) -> list[Any]:
    [section] = [one for one in phone("summary")["sections"] if one["name"] == "plan_of_care"] or [{"entries": []}]
    return section["entries"]


def test_a_note_arrives_is_accepted_and_stands_in_the_summary_with_who_it_is_from(world: World, tmp_path: Path):
    """INB-12, INB-13."""
    visit = visited(made(world.phone, "For Dr. Example")["link"])
    assert visit.send(Note("Dr. Reader", TEXT, PDF)).status_code == 201
    one = last(world.phone)
    assert (one["from"], one["text"], one["state"], one["readable"]) == ("Dr. Reader", TEXT, "new", True)
    assert one["document"] == {"name": "letter.pdf", "type": "application/pdf", "bytes": len(PDF.data)}
    assert one["share"]["label"] == "For Dr. Example"
    assert plan_of_care(world.phone) == []  # nothing enters by itself
    number = str(one["number"])
    assert world.phone("inbox", "show", number, "--save", str(tmp_path / "out.pdf"))["state"] == "opened"
    assert (tmp_path / "out.pdf").read_bytes() == PDF.data
    accepted = world.phone("inbox", "accept", number)
    assert accepted["state"] == "accepted"
    entries = plan_of_care(world.phone)
    assert len(entries) == 2
    assert {said["name"] for entry in entries for said in entry["said"]} == {
        "Dr. Reader, who had the link For Dr. Example"
    }
    world.phone("summary", "--fhir", str(tmp_path / "summary.json"))
    document = json.loads((tmp_path / "summary.json").read_text())
    papers = {e["fullUrl"] for e in document["entry"] if e["resource"]["resourceType"] == "DocumentReference"}
    origins = [e["resource"] for e in document["entry"] if e["resource"]["resourceType"] == "Provenance"]
    about = [one for one in origins if one["target"][0]["reference"] in papers]
    assert len(about) == 2
    assert "who had the link For Dr. Example" in json.dumps(about)


def test_accepting_twice_or_on_two_phones_makes_one_record(world: World, tmp_path: Path):
    """INB-12: the records' ids follow from the note."""
    visit = visited(made(world.phone, "Twice")["link"])
    world.phone("sync")
    other = link_phone(tmp_path / "other", world.phone, world.server.url)
    visit.send(Note("Dr. Twice", "Once only."))
    here, there = last(world.phone), last(other)
    assert here["text"] == there["text"] == "Once only."
    for phone, one in ((world.phone, here), (other, there), (world.phone, here)):
        phone("inbox", "accept", str(one["number"]))
    for phone in (world.phone, other, world.phone):
        phone("sync")
    assert [entry["label"] for entry in plan_of_care(world.phone) if "Once only" in entry["label"]] != []
    assert len([entry for entry in plan_of_care(world.phone) if "Once only" in entry["label"]]) == 1
    assert world.phone("conflicts") == []


def test_a_declined_note_leaves_nothing(world: World):
    """INB-14."""
    visit = visited(made(world.phone, "Declined")["link"])
    visit.send(Note("Dr. No", "Not this."))
    number = str(last(world.phone)["number"])
    assert world.phone("inbox", "decline", number)["text"] is None
    assert (last(world.phone)["state"], last(world.phone)["from"]) == ("declined", None)
    assert world.phone.run("inbox", "accept", number).json["code"] == "note_unreadable"
    assert not any("Not this" in entry["label"] for entry in plan_of_care(world.phone))


def test_both_sides_see_how_far_a_note_has_come_and_the_answer(world: World):
    """INB-4, INB-8: sent, fetched, opened; the answer for whoever opens the link again."""
    link = made(world.phone, "Marks")["link"]
    visit = visited(link)
    visit.send(Note("Dr. Mark", "A question?"))
    [mark] = visit.marks()
    assert (mark["fetched_at"], mark["opened_at"], mark["answer"]) == (None, None, None)
    number = str(last(world.phone)["number"])
    [mark] = visit.marks()
    assert (mark["fetched_at"] is None, mark["opened_at"]) == (False, None)
    world.phone("inbox", "show", number)
    [mark] = visit.marks()
    assert mark["opened_at"] is not None
    world.phone("inbox", "answer", number, "An answer: ναι.")
    again = visited(link, "Dr. Mark, again")
    assert [one["answer"] for one in again.marks()] == ["An answer: ναι."]
    assert last(world.phone)["answer"] == "An answer: ναι."


def test_what_is_decided_without_network_is_said_later(world: World, tmp_path: Path):
    visit = visited(made(world.phone, "Offline")["link"])
    visit.send(Note("Dr. Off", "For later."))
    number = str(last(world.phone)["number"])
    world.server.stop()
    assert world.phone("inbox", "accept", number)["state"] == "accepted"
    assert world.phone.run("inbox", "answer", number, "Thanks.").json["code"] == "unreachable"
    assert world.phone.run("inbox").code in (DONE, WAITS)
    world.server.start()
    world.phone("sync")
    [mark] = visit.marks()
    assert (mark["answer"], mark["opened_at"] is None) == ("Thanks.", False)


def test_a_note_is_told_of_and_a_sync_fetches_it(world: World):
    """INB-9: a notice, and an entry of the ledger that names nobody."""
    visit = visited(made(world.phone, "Told")["link"])
    visit.send(Note("Dr. Told", "Look here."))
    world.phone("sync")
    assert next(one["kind"] for one in world.phone("status")["notices"]) == "note_received"
    ledger = world.phone("ledger")
    entry = ledger["entries"][-1]
    assert (entry["kind"], entry["share"]["label"], entry["reader"]) == ("note_received", "Told", None)
    world.server.stop()
    assert last(world.phone)["text"] == "Look here."  # it is here already
    world.server.start()


def test_an_inbox_that_is_off_takes_nothing_and_one_that_never_was_has_no_key(world: World):
    """INB-1, INB-11."""
    share = made(world.phone, "Off")
    visit = visited(share["link"])
    assert world.phone("inbox", "off", share["id"])["inbox"] is False
    assert visit.send(Note("Dr. Off", "Too late.")).status_code == 404
    assert visited(share["link"]).ticket is None
    assert world.phone("inbox", "on", share["id"])["inbox"] is True
    assert visited(share["link"]).send(Note("Dr. On", "Again.")).status_code == 201
    without = made(world.phone, "Never", "--no-inbox")
    visit = visited(without["link"])
    assert (visit.ticket, visit.key, without["inbox"]) == (None, None, False)
    assert world.phone.run("inbox", "on", without["id"]).json["code"] == "no_inbox"


def test_an_inbox_is_closed_without_network_and_stays_closed(world: World):
    """INB-16: the wish stands in the vault, and goes to the server with the next sync."""
    share = made(world.phone, "Closed offline")
    world.server.stop()
    assert world.phone("inbox", "off", share["id"])["inbox"] is False
    world.server.start()
    assert visited(share["link"]).ticket is not None, "nobody has told the server yet"
    world.phone("sync")
    assert visited(share["link"]).ticket is None


def test_a_direct_link_takes_notes_too(world: World):
    """INB-5."""
    visit = visited(made(world.phone, "Direct", "--direct")["link"])
    assert visit.send(Note("Dr. Direct", "By the short way.")).status_code == 201
    assert last(world.phone)["text"] == "By the short way."


BAD = {
    "no JSON": b"{".ljust(4096),
    "not filled": b'{"v": 1, "from": "x", "text": "y"}',
    "another version": b'{"v": 2, "from": "x", "text": "y"}'.ljust(4096),
    "from nobody": write_note(Note(" ", "y")),
    "a name too long": write_note(Note("x" * 257, "y")),
    "nothing said": write_note(Note("x", " ")),
    "a text too long": write_note(Note("x", "y" * 4_001)),
    "a document of another type": write_note(Note("x", "", Paper("a.html", "text/html", b"<script>"))),
    "a document that is another": write_note(Note("x", "", Paper("a.pdf", "application/pdf", b"MZ"))),
    "a document too large": write_note(Note("x", "", Paper("a.pdf", "application/pdf", b"%PDF-" + bytes(524_288)))),
}


def test_what_is_no_note_is_shown_as_unreadable_and_never_taken_in(world: World):
    """INB-3."""
    visit = visited(made(world.phone, "Bad")["link"])
    before = len(world.phone("inbox"))
    for why, plain in BAD.items():
        if len(plain) <= 720_896:
            assert visit.send(plain).status_code == 201, why
    visit.send(b"", sealed=b"noise" * 50)
    found = world.phone("inbox")[before:]
    assert len(found) >= len(BAD)
    assert [(one["readable"], one["from"], one["text"]) for one in found] == [(False, None, None)] * len(found)
    done = world.phone.run("inbox", "accept", str(found[0]["number"]))
    assert (done.code, done.json["code"]) == (REFUSED, "note_unreadable")
    assert "cannot be read" in world.phone.run("inbox", json=False).stdout


def test_a_sender_who_writes_as_somebody_else_touches_nothing(world: World):
    """INB-12: forged-copy. Names, ids and FHIR in a note are text; who says so stays whoever had the link."""
    [allergy_row] = world.phone("list", "AllergyIntolerance")
    before = world.phone("show", allergy_row["id"])["resource"]
    forged = json.dumps(
        {"resourceType": "AllergyIntolerance", "id": allergy_row["id"], "verificationStatus": "refuted"}
    )
    visit = visited(made(world.phone, "Forged")["link"])
    visit.send(Note("Example Hospital", forged, Paper(allergy_row["id"], "application/pdf", b"%PDF- x")))
    world.phone("inbox", "accept", str(last(world.phone)["number"]))
    assert world.phone("show", allergy_row["id"])["resource"] == before
    assert [one["id"] for one in world.phone("list", "AllergyIntolerance")] == [allergy_row["id"]]
    names = {said["name"] for entry in plan_of_care(world.phone) for said in entry["said"]}
    assert "Example Hospital, who had the link Forged" in names
    assert "Example Hospital" not in names
    assert world.phone("conflicts") == []


def test_the_words_of_the_inbox_are_for_people(world: World):
    visit = visited(made(world.phone, "Words")["link"])
    visit.send(Note("Dr. [bold]Words", "Hello.", PDF))
    number = str(last(world.phone)["number"])
    shown = world.phone.run("inbox", "show", number, json=False).stdout
    assert "Everybody who had this link could have sent it" in shown
    assert "letter.pdf (application/pdf" in shown
    assert "next summary" in world.phone.run("inbox", "accept", number, json=False).stdout
    assert world.phone.run("inbox", "show", "999").json["code"] == "no_such_note"
    assert world.phone.run("inbox", "decline", number).json["code"] == "note_accepted"
