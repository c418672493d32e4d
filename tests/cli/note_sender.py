"""A reader in Python who opens a link and sends a note back, as the page does."""

from __future__ import annotations

import base64
import json
import os
from typing import Any, NamedTuple

import httpx

from crypto.secret import jwe
from crypto.secret.notes import open_answer, seal_note
from sync.fhir.notes import INBOX_KEY_URL
from sync.vault.note import Note, write_note
from sync.vault.share import read_link
from sync.wire.inbox import TICKET_HEADER


class Visit(NamedTuple):
    """What whoever opened a link holds. `key`: the note key in the share's files, None without one."""

    link: Any
    ticket: str | None
    key: bytes | None
    document: dict[str, Any]

    @property
    def url(self) -> str:
        return f"{self.link.url.rpartition('/s/')[0]}/s/notes/{self.ticket}"

    def send(self, note: Note | bytes, *, id_: bytes | None = None, sealed: bytes | None = None) -> httpx.Response:
        """Sends a note, or bytes in the place of one."""
        id_ = id_ or os.urandom(16)
        if sealed is None:
            assert self.key is not None
            plain = note if isinstance(note, bytes) else write_note(note)
            sealed = seal_note(self.key, self.link.key, id_, os.urandom(12), plain)
        body = {"id": base64.b64encode(id_).decode(), "note": base64.b64encode(sealed).decode()}
        return httpx.post(self.url, json=body)

    def marks(self) -> list[dict[str, Any]]:
        """How far the notes have come, answers opened."""
        answer = httpx.get(self.url)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        for one in found:
            if one["answer"] is not None:
                id_ = base64.b64decode(one["id"])
                one["answer"] = open_answer(self.link.key, id_, base64.b64decode(one["answer"]))
        return found


def visited(text: str, recipient: str = "Dr. Reader") -> Visit:
    """Opens a link."""
    link = read_link(text)
    if "U" in link.flags:
        answer = httpx.get(link.url, params={"recipient": recipient})
        sealed = answer.text
    else:
        answer = httpx.post(link.url, json={"recipient": recipient, "embeddedLengthMax": 10_000_000})
        sealed = answer.json()["files"][0]["embedded"]
    document = json.loads(jwe.open_(link.key, sealed, 10_000_000).plaintext)
    keys = [
        base64.b64decode(one["valueBase64Binary"])
        for one in document["meta"].get("extension", ())
        if one["url"] == INBOX_KEY_URL
    ]
    return Visit(link, answer.headers.get(TICKET_HEADER), keys[0] if keys else None, document)
