"""Keys, notes and answers against openapi/vectors/inbox/*.json, and those against their generator."""

import base64
import json

import pytest

from crypto.public.errors import CannotOpen
from crypto.secret.notes import open_answer, seal_answer, seal_note
from crypto.secret.secret import Secret
from sync.vault.note import Note, NoteUnreadable, read_note, write_note
from sync.vault.share import share_secrets
from tests.vectors import generate_inbox

FOLDER = generate_inbox.FOLDER
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_bytes())["cases"]
]


def bytes_of(given, *names):
    return [bytes.fromhex(given[name]) for name in names]


def note_key(given):
    secret, share = bytes_of(given, "secret", "share")
    return {"public_key": share_secrets(Secret(secret), share).note_key.public_key.hex()}


def note_opened(given):
    secret, share, link_key, note, sealed = bytes_of(given, "secret", "share", "link_key", "note", "sealed")
    return {"plain": share_secrets(Secret(secret), share).note_key.open(Secret(link_key), note, sealed).hex()}


def note_read(given):
    note = read_note(bytes.fromhex(given["plain"]))
    paper = note.document
    told = None
    if paper is not None:
        told = {"name": paper.name, "type": paper.type, "data": base64.b64encode(paper.data).decode()}
    assert read_note(write_note(note)) == note
    return {"from": note.sender, "text": note.text, "document": told}


def answer_sealed(given):
    link_key, note, nonce = bytes_of(given, "link_key", "note", "nonce")
    return {"sealed": seal_answer(Secret(link_key), note, nonce, given["text"]).hex()}


def answer_opened(given):
    link_key, note, sealed = bytes_of(given, "link_key", "note", "sealed")
    return {"text": open_answer(Secret(link_key), note, sealed)}


OPS = {
    "note_key": note_key,
    "open_note": note_opened,
    "read_note": note_read,
    "seal_answer": answer_sealed,
    "open_answer": answer_opened,
}


def test_the_committed_files_of_the_inbox_are_what_the_generator_writes():
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == generate_inbox.files()


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_inbox_comes_out_as_it_says(case):
    outcome = output = None
    try:
        output = OPS[case["input"]["op"]](case["input"])
        outcome = "ok"
    except CannotOpen:
        outcome = "cannot_open"
    except NoteUnreadable:
        outcome = "unreadable"
    assert outcome == case["outcome"]
    assert output == case.get("output")


def test_what_is_sealed_here_opens_here_and_shows_in_no_repr():
    """INB-2; CRY-23."""
    secrets = share_secrets(Secret(b"s" * 32), bytes(16))
    note = Note("hidden sender", "hidden text")
    sealed = seal_note(secrets.note_key.public_key, secrets.link_key, bytes(16), bytes(12), write_note(note))
    assert read_note(secrets.note_key.open(secrets.link_key, bytes(16), sealed)) == note
    assert "hidden" not in f"{note!r} {note} {secrets.note_key!r}"
