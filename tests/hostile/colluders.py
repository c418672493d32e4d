"""A family on a server in league with one of them, and what that one signs and hands in past her own phone's rules."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sync.device.access import access_token, ask_once
from sync.device.reading import identity_of
from sync.log.state import LogState
from sync.vault.entries import CardKeys
from sync.wire.codec import encode
from sync.wire.exchange import Keybox, VaultAnswer, VaultAsk, Wrap
from sync.wire.ids import DeviceId
from sync.wire.item import ENTRY, ENTRY_LABEL, Entry, EntryEdit, Epoch, Item
from sync.wire.limits import WRAP_BYTES
from tests.cli.kit import Inside, Server, join_phone, link_phone, make_phone, settle, vault_of

NOISE = b"\x5a" * WRAP_BYTES
MUM, AL = "Mum Testperson", "Al Testmember"


class Colluding(Server):
    """The server of colluding_server.py."""

    def __init__(self, folder: Path, how: str) -> None:
        super().__init__(folder)
        self.module = ("tests.hostile.colluding_server", how)

    def wrapped_for(self, epoch: bytes) -> set[bytes]:
        """The cards for which it holds a wrap of an epoch's key."""
        with closing(sqlite3.connect(self.data / "carnet.sqlite3")) as database:
            return {row[0] for row in database.execute("SELECT device FROM wraps WHERE epoch = ?", (epoch,))}


class Collusion:
    """Mum's phone and tablet, and Al with a phone and a role; the server `keeps` or `believes` what Al hands in."""

    def __init__(self, folder: Path, how: str, role: str, *more: str) -> None:
        self.folder = folder
        self.server = Colluding(folder / "server", how).start()
        self.mum = make_phone(folder / "mum", self.server.url, person=MUM, device="mum's phone")
        self.tablet = link_phone(folder / "tablet", self.mum, self.server.url, device="tablet")
        self.al, _ = join_phone(
            folder / "al", self.mum, self.server.url, "--role", role, *more, person=AL, device="al's"
        )
        self.record = self.mum("new", "Condition", '{"code": {"text": "Asthma"}}')["id"]
        settle(self.mum, self.tablet, self.al)
        self.people = who_is_in(self.mum)

    def stands(self, said: str) -> None:
        """Mum's phones show the same people as before, were told nothing, and carry on with one another."""
        self.mum("annotate", self.record, said)
        settle(self.mum, self.tablet, rounds=1)
        for phone in (self.mum, self.tablet):
            done = phone.run("sync")
            assert [vault["code"] for vault in done.json["vaults"]] == [None], done
            assert who_is_in(phone) == self.people
            assert phone("findings") == phone("quarantine") == phone("status")["halted"] == []
            assert vault_of(phone)["pending"] == 0
        assert vault_of(self.mum)["state_root"] == vault_of(self.tablet)["state_root"]
        history = self.tablet("show", self.record, "--history")["history"]
        assert sum(step["value"].get("text") == said for step in history if "@note" in step["element"]) == 1


def who_is_in(phone: Inside) -> list[tuple[str, str, str | None, bool, list[str]]]:
    """The people and phones that `members` shows."""
    return [
        (p["name"], p["role"], p["until"], p["subject"], [device["name"] for device in p["devices"]])
        for p in phone("members")
    ]


def state_of(phone: Inside) -> tuple[LogState, CardKeys]:
    """The log of a phone's one vault as the phone has it, and its card."""

    async def read() -> tuple[LogState, CardKeys]:
        async with phone.phone() as opened, opened.store.transaction() as rows:
            return (await rows.get_vault(1)).log, (await identity_of(rows)).keys

    return asyncio.run(read())


def voids(phone: Inside) -> list[str]:
    """Why items of this phone's log are void, in their order."""

    async def read() -> list[str]:
        async with phone.phone() as opened, opened.store.transaction() as rows:
            return [verdict for _, _, verdict in await rows.get_items(1, 0) if verdict]

    return asyncio.run(read())


def signed(log: LogState, author: CardKeys, *edits: EntryEdit, epoch: Epoch | None = None, version: int = 1) -> Item:
    """An entry on top of a log, which no rule was asked about."""
    body = Entry(version, log.vault, log.entry_head, log.seq, log.log_hash, author.device, edits, epoch, None)
    data = encode(body)
    return Item(ENTRY, data, author.signing.sign(ENTRY_LABEL, data))


def noise_for(epoch: Epoch, log: LogState) -> tuple[tuple[Wrap, ...], Keybox]:
    """Noise for every card of a log, and for a keybox."""
    wraps = tuple(Wrap(epoch.id, DeviceId(device), NOISE) for device in log.table.live())
    return wraps, Keybox(epoch.id, os.urandom(32), NOISE[:272])


def hand_in(
    phone: Inside, items: Sequence[Item], wraps: tuple[Wrap, ...] = (), keybox: Keybox | None = None
) -> str | None:
    """Hands items in from the head of this phone's log; gives the server's code for them."""

    async def ask() -> str | None:
        async with phone.phone() as opened:
            async with opened.store.transaction() as rows:
                identity, state = await identity_of(rows), await rows.get_vault(1)
            transport = opened.connect(identity.server)
            token = await access_token(opened, transport, identity)
            log = state.log
            asked = VaultAsk(state.vault, log.seq, log.log_hash, state.epoch_held, tuple(items), wraps, keybox)
            answers = await ask_once(transport, token, [asked])
            await transport.close()
        return next(answer.code for answer in answers if isinstance(answer, VaultAnswer))

    return asyncio.run(ask())
