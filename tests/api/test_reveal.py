"""`carnet-server reveal`: every stored row about an account or a device, and that the server cannot read it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from backend.operate.reveal import RevealError, as_words, reveal
from crypto.public.keys import ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.wire.card import RECOVERY
from sync.wire.inbox import TICKET_HEADER, NewNote
from sync.wire.issuer import NewIssuer
from sync.wire.item import SetRole
from tests.api.family_kit import join, removed
from tests.api.phone_kit import JSON, CardKeys, keybox_for, make_entry, make_frames, wraps_for
from tests.api.server_kit import Served
from tests.api.share_kit import Share
from tests.push.push_kit import register

MIGRATIONS = Path(__file__).parents[2] / "backend" / "storage" / "migrations"


async def busy(server: Served):
    """An account of which something lies in every table that can hold it."""
    mum = await server.registered("mum")
    book = await mum.found(recovery=CardKeys("sheet", RECOVERY))
    dad, theirs = await join(server, mum, book, "dad", "editor")
    frames = make_frames(theirs, dad.card, 3)
    await dad.push(theirs, *frames)
    epoch = book.state.epoch.id
    branch = theirs.copy()
    lost = make_entry(branch, mum.card, (SetRole(dad.person, 0),))
    extra = {"wraps": wraps_for(epoch, [mum.card.id], giver=1), "keybox": keybox_for(epoch), "lost_entries": (lost,)}
    await dad.sync(dad.ask(theirs, key_missing=True, **extra))
    await register(dad, "dad", "local", muted=("removed",))
    tablet = CardKeys("dads tablet")
    await dad.post_json("/v1/devices", dad.card.enrolment(dad.account, tablet))
    await dad.client.delete(f"/v1/devices/{tablet.id.hex()}", headers=dad.headers)
    laptop = CardKeys("dads laptop")
    await dad.post_json("/v1/devices", dad.card.enrolment(dad.account, laptop))
    await dad.post_json("/v1/devices", laptop.enrolment(dad.account, CardKeys("dads watch")))
    await dad.found()
    key = SigningKey.from_seed(ES256, Secret(bytes(range(32)))).public_key
    published = msgspec.json.encode(NewIssuer(key))
    await dad.client.put(f"/v1/issuers/{'ab' * 16}", content=published, headers=dad.headers | JSON)
    share = await Share(dad, inbox=True).made()
    opened = await share.open(embeddedLengthMax=1)
    note = NewNote(bytes(16), b"sealed")
    await dad.post_json(f"/s/notes/{opened.headers[TICKET_HEADER]}", note)
    return mum, book, dad


async def test_an_account_sees_all_of_its_rows(server):
    mum, _, dad = await busy(server)
    found = await reveal(server.engine.reading(), dad.account.hex())
    assert set(found.sections) == {
        "accounts",
        "vaults founded",
        "health card keys",
        "shares",
        "share files",
        "share openings",
        "share notes",
        "share tickets",
        "ledger",
        "ledger entries",
        "devices",
        "revoked enrolments",
        "tokens",
        "used once",
        "notices waiting",
        "push target",
        "push kinds muted",
        "pushes wished",
        "memberships",
        "items written",
        "wraps for the device",
        "wraps laid",
        "keyboxes laid",
        "lost entries handed in",
    }
    assert len(found.sections["devices"]) == 4
    assert len([row for row in found.sections["items written"] if row["kind"] == 1]) == 3
    text = msgspec.json.encode(found).decode()
    assert mum.account.hex() not in text
    assert dad.token not in text
    assert "dad-address" not in text  # PSH-2


async def test_every_table_that_can_hold_a_row_about_a_device_is_asked():
    """A new table has to be revealed, or be named here with its reason."""
    from backend.operate import store

    asked = " ".join(value for name, value in vars(store).items() if name.isupper())
    tables = {
        line.split()[2]
        for path in MIGRATIONS.iterdir()
        for line in path.read_text().splitlines()
        if line.startswith("CREATE TABLE")
    }
    assert {table for table in tables if f" {table} " not in asked} == {"links"}


async def test_a_device_that_was_removed_still_sees_its_rows(server):
    mum, book, dad = await busy(server)
    await mum.push(book)
    await removed(mum, book, dad.card.id)
    found = await reveal(server.engine.reading(), dad.card.id.hex())
    rows = {row["vault"]: row for row in found.sections["memberships"]}
    assert rows[book.vault.hex()]["listed"] is False
    assert rows[book.vault.hex()]["frames_written"] == 3


async def test_sealed_bytes_are_sizes_and_beginnings(server):
    _, _, dad = await busy(server)
    found = await reveal(server.engine.reading(), dad.card.id.hex())
    for row in found.sections["items written"]:
        assert len(row["begins"]) == 16
        assert row["sealed_bytes"] > 300
    words = as_words(found)
    assert "role editor" in words
    assert "are sealed by the devices" in words


@pytest.mark.parametrize("text", ["", "zz", "ab", "ab" * 16, "ab" * 32])
async def test_an_id_of_nobody_reveals_nothing(server, text):
    with pytest.raises(RevealError):
        await reveal(server.engine.reading(), text)
