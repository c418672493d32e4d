"""The load: families, owners of shares, links and accounts, all writing at once, each noting what was acknowledged.

Everything a writer sends is the same bytes when it is sent again, so that a repetition must be known again (SYN-31),
but an opening of a share, which may then count more than once. `Lost` is what a phone says that finds the server behind
what it had acknowledged.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random

import httpx
import msgspec

from sync.wire.item import EDITOR, VIEWER, Item, SetRole, item_hash
from sync.wire.link import SealedPost
from sync.wire.share import ShareFile
from tests.api.family_kit import add
from tests.api.phone_kit import (
    JSON,
    CardKeys,
    LogBook,
    Phone,
    founding,
    make_entry,
    make_frames,
    noise,
    read_answer,
    take_answer,
    wraps_for,
)
from tests.api.share_kit import FHIR, Share, jwe
from tests.durability.ledger import DeviceLedger, Ledger, LinkLedger, LogLedger, ShareLedger
from tests.durability.machine import ORIGIN
from tests.durability.patient import Line, Traffic

FAMILY = 3  # phones that write to one log
PEOPLE = 24  # in a log that one owner writes entries to
SHARES_HELD = 12  # live shares of the owner at a time
PAUSE_SECONDS = 0.01  # of those whose tables are bounded or whose lists grow
_serial = itertools.count(1)


class Lost(AssertionError):
    """A phone was shown less than what had been acknowledged to it."""


class Load:
    """Writers, and the ledgers of what they wrote."""

    def __init__(self, clients: list[httpx.AsyncClient], rng: random.Random) -> None:
        self.clients, self.rng = clients, rng
        self.traffic = Traffic()
        self.ledgers: list[Ledger] = []  # of what is being written
        self.finished: list[Ledger] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._end = False

    async def phone(self) -> Phone:
        """A phone with an account of its own."""
        serial = next(_serial)
        line = Line(self.clients, self.traffic, serial)
        return await Phone(f"phone {serial} {os.getpid()}", line, ORIGIN).register()  # type: ignore[arg-type]

    async def start(self) -> None:
        """New phones, new vaults, and everybody begins to write."""
        self._end = False
        mum, shared = await self._family()
        single, single_log = await self._family(1)
        writers = [self._frames(phone, book.copy(), shared) for phone, book in mum]
        writers += [self._entries(*single[0], single_log)]
        writers += [self._shares(await self.phone()), self._links(await self.phone()), self._devices()]
        self._tasks = [asyncio.create_task(writer) for writer in writers]

    async def stop(self) -> None:
        """Lets every writer finish what it is doing. Raises: what one of them ended with."""
        self._end = True
        self.traffic.resume()
        await asyncio.gather(*self._tasks)
        self._tasks = []

    async def renew(self) -> None:
        """Everybody ends, and others begin."""
        await self.stop()
        self.finished += self.ledgers
        self.ledgers = []
        await self.start()

    async def abandon(self) -> None:
        """Ends every writer where it stands."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def complaints(self) -> list[str]:
        """What writers that have ended with Lost found. Raises: what another ended with."""
        said = []
        for task in self._tasks:
            error = task.exception() if task.done() and not task.cancelled() else None
            if isinstance(error, Lost):
                said.append(str(error))
            elif error is not None:
                raise error
        return said

    async def _push(self, phone: Phone, book: LogBook, ledger: LogLedger, kind: str, *items: Item, **more: object):
        """Hands items in until they are acknowledged."""
        ledger.sent(*items)
        answer = await phone.send(phone.ask(book, *items, **more))
        if answer.status_code != 200:
            raise Lost(f"{kind}: {answer.status_code}")
        answered = read_answer(answer.content).one
        hashes = tuple(item_hash(item.signed) for item in items)
        if answered.code is not None or answered.answer.acks != hashes:
            raise Lost(f"{kind}: {answered.code}")
        ledger.acknowledged(*hashes, kind=kind, author=phone.card.id)
        take_answer(book, answered, items)

    async def _family(self, count: int = FAMILY) -> tuple[list[tuple[Phone, LogBook]], LogLedger]:
        """Phones in one vault, each with the log as it stands."""
        phones = [await self.phone() for _ in range(count)]
        book, first, epoch, live = founding(phones[0].card, phones[0].person)
        ledger = LogLedger(phones[0], book.vault)
        self.ledgers.append(ledger)
        await self._push(phones[0], book, ledger, "entry", first, wraps=wraps_for(epoch.id, live))
        adds = [add(phone.card, phone.person, EDITOR) for phone in phones[1:]]
        if adds:
            entry = make_entry(book, phones[0].card, tuple(adds))
            wraps = wraps_for(epoch.id, [phone.card.id for phone in phones[1:]])
            await self._push(phones[0], book, ledger, "entry", entry, wraps=wraps)
        return [(phone, book) for phone in phones], ledger

    async def _frames(self, phone: Phone, book: LogBook, ledger: LogLedger) -> None:
        while not self._end:
            frames = make_frames(book, phone.card, self.rng.randint(1, 6))
            await self._push(phone, book, ledger, "frame", *frames)

    async def _entries(self, phone: Phone, book: LogBook, ledger: LogLedger) -> None:
        """An owner lets people in, with wraps, and changes what they may."""
        epoch = book.state.epoch
        assert epoch is not None
        while not self._end:
            if len(book.state.table.people) < PEOPLE:
                guest = CardKeys(f"guest {next(_serial)} {os.getpid()}")
                entry = make_entry(book, phone.card, (add(guest, noise("person", guest.name, length=16), VIEWER),))
                await self._push(phone, book, ledger, "entry", entry, wraps=wraps_for(epoch.id, [guest.id]))
            others = sorted(book.state.table.people.keys() - {phone.person})
            role = SetRole(self.rng.choice(others), self.rng.choice((EDITOR, VIEWER)))
            await self._push(phone, book, ledger, "entry", make_entry(book, phone.card, (role,)))

    async def _shares(self, phone: Phone) -> None:
        """Makes shares, opens them, replaces their files; revokes the oldest."""
        held: list[ShareLedger] = []
        while not self._end:
            share = Share(phone, f"share {next(_serial)} {os.getpid()}")
            ledger = ShareLedger(share)
            ledger.sizes = [[len(file.jwe) for file in share.new.files]]
            self.ledgers.append(ledger)
            await self._do(ledger, "share made", share.make())
            ledger.is_made = True
            for _ in range(self.rng.randint(0, 2)):
                await self._open(ledger)
            files = [ShareFile(FHIR, jwe(noise(n, length=self.rng.randint(100, 900)))) for n in range(2)]
            ledger.sizes.append([len(file.jwe) for file in files])
            await self._do(ledger, "share files replaced", share.replace(*files))
            ledger.sizes = ledger.sizes[-1:]
            held.append(ledger)
            if len(held) > SHARES_HELD:
                oldest = held.pop(0)
                oldest.may_be_revoked = True
                await self._do(oldest, "share revoked", oldest.share.revoke())
                oldest.is_revoked = True
            await asyncio.sleep(PAUSE_SECONDS)

    async def _open(self, ledger: ShareLedger) -> None:
        ledger.opens_unsure += 1
        answer = await ledger.share.open()
        if answer.status_code != 200:
            raise Lost(f"share opened: {answer.status_code}")
        ledger.opens_unsure += ledger.share.client.again - 1  # type: ignore[attr-defined]  # a Line
        ledger.done["share opened"] += 1

    async def _do(self, ledger: ShareLedger, what: str, call) -> None:
        answer = await call
        if answer.status_code != 204:
            raise Lost(f"{what}: {answer.status_code}")
        ledger.done[what] += 1

    async def _links(self, phone: Phone) -> None:
        ledger = LinkLedger()
        self.ledgers.append(ledger)
        while not self._end:
            serial = (next(_serial), os.getpid())
            post = SealedPost(noise("salt", serial), noise("sealed", serial, length=200))
            path = f"/v1/links/{noise('link', serial, length=16).hex()}/{self.rng.choice(('hello', 'welcome'))}"
            answer = await phone.client.put(path, content=msgspec.json.encode(post), headers=JSON)
            if answer.status_code != 204:
                raise Lost(f"link post: {answer.status_code}")
            ledger.acknowledged(path, msgspec.json.decode(msgspec.json.encode(post)))
            await asyncio.sleep(PAUSE_SECONDS)

    async def _devices(self) -> None:
        """Enrols a device, and revokes the one before."""
        owner = await self.phone()
        assert owner.account is not None
        ledger = DeviceLedger(owner)
        self.ledgers.append(ledger)
        before = None
        while not self._end:
            card = CardKeys(f"device {next(_serial)} {os.getpid()}")
            ledger.unsure = {card.id}
            answer = await owner.post_json("/v1/devices", owner.card.enrolment(owner.account, card))
            if answer.status_code != 201:
                raise Lost(f"device enrolled: {answer.status_code}")
            ledger.is_revoked[card.id] = False
            if before is not None:
                ledger.unsure = {before}
                answer = await owner.client.delete(f"/v1/devices/{before.hex()}", headers=owner.headers)
                if answer.status_code not in (204, 404 if owner.client.again else 204):  # type: ignore[attr-defined]
                    raise Lost(f"device revoked: {answer.status_code}")
                ledger.is_revoked[before] = True
            ledger.unsure = set()
            before = card.id
            await asyncio.sleep(PAUSE_SECONDS)
