"""member-flood: one person's cards fill the vault, an editor's siblings a register, a bot's entries the owner's day."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sync.device.access import access_token, ask_once
from sync.device.people import remove
from sync.device.reading import identity_of
from sync.device.syncing import sync
from sync.device.transport import HttpTransport
from sync.merge.change import PERSON, Change, RecordId, Via, make_dot
from sync.merge.record import Record
from sync.vault.entries import build_entry
from sync.wire.exchange import VaultAnswer, VaultAsk
from sync.wire.item import EDITOR
from sync.wire.limits import CARDS_A_PERSON_MAX, CARDS_MAX, ENTRIES_A_DAY_MAX, SIBLINGS_A_DEVICE_MAX
from tests.cli.kit import Inside, Server, join_phone, make_phone
from tests.hostile.family_log import SAM, FamilyLog, add, card


def test_one_person_has_eight_cards_and_a_vault_thirty_two() -> None:
    family, sam = FamilyLog(), card(100)
    assert family.entry(family.mum, add(sam, SAM, EDITOR)) is None
    more = [add(card(101 + place), SAM, EDITOR) for place in range(CARDS_A_PERSON_MAX)]
    assert family.entry(sam, *more) == "limits"
    assert family.entry(sam, *more[1:]) is None
    strangers = [
        add(card(200 + place), type(SAM)(bytes([place + 1]) * 16), EDITOR)
        for place in range(CARDS_MAX + 1 - len(family.log.table.live()))
    ]
    assert family.entry(family.mum, *strangers) == "limits"
    assert family.entry(family.mum, *strangers[1:]) is None


def test_one_device_leaves_sixteen_siblings_on_a_register_and_nobody_elses_goes() -> None:
    record = Record(RecordId(bytes(32)))
    record.apply(Change(make_dot(0, 1), record.id, True, PERSON, None, (), (("a", b"0"),), 0))
    for n in range(1, 3 * SIBLINGS_A_DEVICE_MAX):
        via = Via("frame", bytes(32))  # what carries a frame drops only its preds, so siblings pile up
        record.apply(Change(make_dot(1, n), record.id, False, PERSON, via, (), (("a", str(n).encode()),), 0))
    standing = record.siblings("a", PERSON)
    assert len(standing) == SIBLINGS_A_DEVICE_MAX + 1
    assert standing[0].value == b"0", "the first of the owner's stays"


class _Raced(HttpTransport):
    """A way to the server on which a bot's entry is always quicker than whoever uses it."""

    bot: Inside
    stored = 0
    refused = 0

    @asynccontextmanager
    async def stream(
        self, path: str, body: bytes, token: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Any]:
        code = await _push_an_empty_entry(_Raced.bot)
        _Raced.stored, _Raced.refused = _Raced.stored + (code is None), _Raced.refused + (code == "quota")
        more = {} if headers is None else {"headers": headers}
        async with super().stream(path, body, token, **more) as pieces:
            yield pieces


async def _push_an_empty_entry(bot: Inside) -> str | None:
    async with bot.phone() as phone:
        await sync(phone)
        async with phone.store.transaction() as rows:
            identity, state = await identity_of(rows), await rows.get_vault(1)
        built = build_entry(
            state.log, identity.keys, (), keyring=state.keyring, kem_keys={}, fresh_key=None, salt=bytes(32)
        )
        transport = phone.connect(identity.server)
        token = await access_token(phone, transport, identity)
        ask = VaultAsk(state.vault, state.log.seq, state.log.log_hash, state.epoch_held, (built.item,))
        answers = await ask_once(transport, token, [ask])
        await transport.close()
    return next(answer.code for answer in answers if isinstance(answer, VaultAnswer))


def test_a_bot_of_entries_does_not_outlast_the_owner_who_removes_it(tmp_path: Path) -> None:
    server = Server(tmp_path / "server").start()
    try:
        mum = make_phone(tmp_path / "mum", server.url)
        bot, _ = join_phone(tmp_path / "bot", mum, server.url, "--role", "editor", person="Bo Testbot", device="bot")
        mum("sync")
        _Raced.bot = bot

        async def remove_it() -> bool:
            async with mum.phone() as phone:
                return await remove(phone._replace(connect=_Raced), 1, "Bo Testbot")

        assert asyncio.run(remove_it())
        assert _Raced.stored <= ENTRIES_A_DAY_MAX
        assert _Raced.refused > 0, "the bot was quicker until its day was used up"
        assert [person["name"] for person in mum("members")] == ["Testa Testperson"]
    finally:
        server.kill()
