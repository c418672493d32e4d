"""A family on one server: who is in the vault, and entries that let people in and out."""

from __future__ import annotations

from sync.wire.ids import DeviceId, PersonId
from sync.wire.item import EDITOR, OWNER, VIEWER, Add, Drop, EntryEdit, Epoch, SetRole
from tests.api.phone_kit import (
    CardKeys,
    LogBook,
    Phone,
    VaultAnswered,
    epoch_of,
    keybox_for,
    make_entry,
    take_answer,
    wraps_for,
)
from tests.api.server_kit import Served

ROLES = {"owner": OWNER, "editor": EDITOR, "viewer": VIEWER}


async def enter(
    phone: Phone, book: LogBook, *edits: EntryEdit, epoch: Epoch | None = None, **fields: object
) -> VaultAnswered:
    """Pushes an entry with the wraps it needs."""
    item = make_entry(book, phone.card, edits, epoch=epoch)
    if "wraps" not in fields:
        after = set(book.state.table.live()) if epoch else set()
        after |= {card_id(edit) for edit in edits if isinstance(edit, Add)}
        after -= {edit.device for edit in edits if isinstance(edit, Drop)}
        under = epoch.id if epoch else book.state.epoch.id  # type: ignore[union-attr]
        fields["wraps"] = wraps_for(under, sorted(after))
    if epoch and "keybox" not in fields:
        fields["keybox"] = keybox_for(epoch.id)
    return await phone.push(book, item, **fields)


def card_id(edit: Add) -> DeviceId:
    from sync.wire.card import device_id

    return device_id(edit.card.card)


def add(card: CardKeys, person: PersonId, role: int, until: int | None = None) -> Add:
    return Add(card.signed, person, role, until)


async def join(
    server: Served, owner: Phone, book: LogBook, name: str, role: str, until: int | None = None
) -> tuple[Phone, LogBook]:
    """Another person's first phone, in the vault, with a book of its own."""
    phone = await server.registered(name)
    answered = await enter(owner, book, add(phone.card, phone.person, ROLES[role], until))
    assert answered.code is None, answered.code
    return phone, await pulled(phone, book)


async def second_phone(server: Served, phone: Phone, book: LogBook, name: str) -> tuple[Phone, LogBook]:
    """A further phone of the same person."""
    other = await server.registered(name)
    other.person = phone.person
    role = book.state.table.people[phone.person]
    answered = await enter(phone, book, add(other.card, phone.person, role.role, role.until))
    assert answered.code is None, answered.code
    return other, await pulled(other, book)


async def pulled(phone: Phone, of: LogBook) -> LogBook:
    """What the server shows this phone of a vault, from the beginning."""
    book = LogBook(of.vault)
    answered = (await phone.sync(phone.ask(book))).one
    take_answer(book, answered)
    return book


async def removed(owner: Phone, book: LogBook, *devices: DeviceId) -> VaultAnswered:
    """An owner drops cards and starts an epoch."""
    number = book.state.epoch.number + 1  # type: ignore[union-attr]
    return await enter(owner, book, *(Drop(d) for d in devices), epoch=epoch_of(number, tag=book.vault + devices[0]))


async def set_role(owner: Phone, book: LogBook, person: PersonId, role: str) -> VaultAnswered:
    return await enter(owner, book, SetRole(person, ROLES[role]), wraps=())
