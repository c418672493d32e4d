"""What has been acknowledged, kept by the phones themselves, and a fresh reader that looks whether it stands.

A ledger notes an operation before it is sent (`sent`) and when it is answered. Looking, from the first byte on, with
nothing kept: everything acknowledged stands, once, in the order of its author, in an unbroken chain; nothing stands
that nobody sent; what was read before is read again. Each ledger counts what it has looked at.
"""

from __future__ import annotations

import time
from collections import Counter

import httpx
import msgspec

from sync.wire.account import DeviceInfo
from sync.wire.exchange import VaultAsk
from sync.wire.ids import DeviceId, ItemHash, VaultId
from sync.wire.item import Item, item_hash
from sync.wire.limits import LINK_SECONDS
from tests.api.phone_kit import LogBook, Phone, take_answer
from tests.api.share_kit import Share
from tests.durability.machine import ORIGIN

LINK_SAFE_SECONDS = LINK_SECONDS - 60


class Found(msgspec.Struct):
    """What looking found. `checked`: acknowledged operations that were looked for, by kind."""

    checked: Counter[str] = msgspec.field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    strange: int = 0  # in the wrong order, broken, or sent by nobody

    @property
    def is_whole(self) -> bool:
        return self.lost == self.doubled == self.strange == 0


class _ColdBook(LogBook):
    """A log read from its beginning. `void`: items that the judge does not let in, as one that breaks a chain."""

    def __init__(self, vault: VaultId) -> None:
        super().__init__(vault)
        self.void = 0

    def take(self, item: Item) -> str | None:
        reason = super().take(item)
        self.void += reason is not None
        return reason


class LogLedger:
    """One vault: what each card has handed in, and what was acknowledged."""

    def __init__(self, reader: Phone, vault: VaultId) -> None:
        self.reader, self.vault = reader, vault
        self.acked: dict[DeviceId, list[ItemHash]] = {}
        self._kinds: dict[ItemHash, str] = {}
        self._sent: set[ItemHash] = set()
        self._L: list[bytes] = []

    def sent(self, *items: Item) -> None:
        self._sent |= {item_hash(item.signed) for item in items}

    def acknowledged(self, *hashes: ItemHash, kind: str, author: DeviceId) -> None:
        self.acked.setdefault(author, []).extend(hashes)
        self._kinds |= dict.fromkeys(hashes, kind)

    async def look(self, fresh: httpx.AsyncClient, found: Found) -> None:
        """Reads the log from its beginning, as a phone that holds nothing."""
        cold = _ColdBook(self.vault)
        try:
            await self._read(await Phone(self.reader.card.name, fresh, ORIGIN).log_in(), cold)
        except AssertionError:  # the account is gone, or the log is not what its hash says
            found.strange += 1
        stands = {item_hash(item.signed): place for place, item in enumerate(cold.items)}
        found.doubled += len(cold.items) - len(stands)
        found.strange += cold.void + len(stands.keys() - self._sent)
        for hashes in self.acked.values():
            places = [stands[hash_] for hash_ in hashes if hash_ in stands]
            found.lost += len(hashes) - len(places)
            found.strange += places != sorted(places)
            found.checked.update(self._kinds[hash_] for hash_ in hashes)
        found.strange += cold.L[: len(self._L)] != self._L  # what was read once is read again
        self._L = list(cold.L)

    async def _read(self, phone: Phone, cold: LogBook) -> None:
        more = True
        while more:
            answered = (await phone.sync(VaultAsk(self.vault, cold.state.seq, cold.state.log_hash, 0))).one
            if answered.code is not None:  # the server does not know this vault: all of it is lost
                return
            take_answer(cold, answered)
            more = answered.answer.more and bool(answered.items)


class ShareLedger:
    """One share: what its owner did, and how often it was opened."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self.done: Counter[str] = Counter()
        self.opens_unsure = 0  # opens that were not answered, each of which may have counted
        self.sizes: list[list[int]] = []  # what its files may be: as acknowledged, and as sent since
        self.may_be_revoked = self.is_revoked = self.is_made = False

    async def look(self, fresh: httpx.AsyncClient, found: Found) -> None:
        """Asks how the share stands, and for every record of an opening."""
        if not self.is_made:
            return
        answer = await fresh.get(self.share.path, headers=self.share.headers)
        found.checked.update(self.done)
        if answer.status_code != 200:
            found.lost += sum(self.done.values())
            return
        state = msgspec.json.decode(answer.content)
        opened = self.done["share opened"]
        found.lost += max(opened - state["opens"], 0) + (self.is_revoked and not state["revoked"])
        found.doubled += state["opens"] > opened + self.opens_unsure
        if self.may_be_revoked:
            return
        found.strange += bool(state["revoked"])
        found.lost += state["files"] not in self.sizes
        records = await fresh.get(f"{self.share.path}/openings?after=0", headers=self.share.headers)
        numbers = [record["number"] for record in msgspec.json.decode(records.content)]
        found.strange += numbers != list(range(1, state["opens"] + 1))


class LinkLedger:
    """Posts laid at the rendezvous, which live for ten minutes."""

    def __init__(self) -> None:
        self._laid: list[tuple[float, str, object]] = []

    def acknowledged(self, path: str, body: object) -> None:
        self._laid.append((time.monotonic(), path, body))

    async def look(self, fresh: httpx.AsyncClient, found: Found) -> None:
        young = time.monotonic() - LINK_SAFE_SECONDS
        self._laid = [laid for laid in self._laid if laid[0] > young]
        for _, path, body in self._laid:
            answer = await fresh.get(path)
            found.checked["link post"] += 1
            found.lost += answer.status_code != 200 or msgspec.json.decode(answer.content) != body


class DeviceLedger:
    """The devices of one account: enrolled, and revoked again."""

    def __init__(self, owner: Phone) -> None:
        self.owner = owner
        self.is_revoked: dict[DeviceId, bool] = {}  # as acknowledged
        self.unsure: set[DeviceId] = set()  # about which a request is under way

    async def look(self, fresh: httpx.AsyncClient, found: Found) -> None:
        answer = await fresh.get("/v1/devices", headers=self.owner.headers)
        if answer.status_code != 200:
            found.lost += 1 + len(self.is_revoked)
            return
        listed = msgspec.json.decode(answer.content, type=list[DeviceInfo])
        states = {info.device: info.revoked for info in listed}
        found.doubled += len(listed) - len(states)
        found.strange += len(states.keys() - self.is_revoked.keys() - self.unsure - {self.owner.card.id})
        for device, is_revoked in self.is_revoked.items():
            found.checked["device"] += 1
            if device not in states:
                found.lost += 1
            elif device not in self.unsure:
                found.lost += is_revoked > states[device]
                found.strange += is_revoked < states[device]


Ledger = LogLedger | ShareLedger | LinkLedger | DeviceLedger
