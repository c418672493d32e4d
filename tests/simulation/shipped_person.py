"""A shipped phone with the words of the driver: what its person does, and what can be seen on it.

Everything a person does goes through the code that the `carnet` command calls; wishes alone are put into the store as
they are, for the judge of the log has to hold also against those that a phone would refuse at once.
"""

import msgspec

from sync.device.adopting import adopt_kept, decline_kept, is_grace
from sync.device.aftermath import sync_and_see_to
from sync.device.founding import recovery_card
from sync.device.identity import get_forked, get_identity, get_next_identity, get_recovery
from sync.device.overview import findings, read_finding
from sync.device.reading import read_vault, root_of
from sync.device.rebasing import REBASES
from sync.device.recovering import code_was_shown, recover
from sync.device.refused import Refused
from sync.log.state import LogState
from sync.merge.change import PERSON, VAULT_RECORD, number_of, ordinal_of
from sync.vault.content import resolve
from sync.vault.intents import AddCard, ChangeRole, DropCards, DropPerson
from sync.vault.keyring import Keyring
from sync.vault.replay import names_needed, open_items
from sync.vault.rollback import held_back
from sync.vault.state import VaultState
from sync.wire.item import EDITOR, OWNER
from tests.simulation.ports import Look
from tests.simulation.shipped import SERVER, VAULT, ShippedPhone, record_id, value_of
from tests.simulation.shipped_accounts import AccountsTransport

SYNC_MS = 600_000  # how much time goes by with a sync
WAITS = {"not_now", "recovery_waits"}  # a recovery goes on by running it again


class Phone(ShippedPhone):
    """`code`: what the recovery code says that this phone is still coming back by, and `lost` the cards it drops."""

    def __init__(self, family, person, name, code=None, lost=()):
        super().__init__(family, family.shipped, name)
        self.family, self.person, self.code, self.lost = family, person, code, lost
        self.dead = False  # no vault knows the code

    async def open(self):
        await super().open()
        self.phone = self.phone._replace(connect=lambda origin: AccountsTransport(self))
        identity = await self._identity()
        if identity is not None:
            self.device, self.card = identity.device, identity.card

    async def _identity(self):
        async with self.phone.store.transaction() as rows:
            return await get_identity(rows)

    async def clone(self):
        """The same store once more, opened by another app."""
        copy = Phone(self.family, self.person, self.name, self.code, self.lost)
        copy.engine.restore(self.engine.backup())
        await copy.open()
        return copy

    # What its person does.

    async def edit(self, record, key, value):
        shown = await super().edit(record_id(record), key, value_of(value))
        return frozenset(msgspec.json.decode(v) for k, v in shown if v is not None and k == key)

    async def sync(self, lost_answer=False):
        self.family.now += SYNC_MS
        self.fates = ["lost"] if lost_answer else []
        try:
            if self.code is not None:
                await self._come_back()
            if self.code is None and not self.dead:
                await sync_and_see_to(self.phone)
        except Refused as refused:
            assert refused.code == "unreachable", (refused.code, refused.detail)
        identity = await self._identity()
        if identity is not None:
            self.device, self.card = identity.device, identity.card

    async def _come_back(self):
        """Runs the recovery, and notes the new code once it is shown."""

        def choose(phones):
            return [phone.device for phone in phones if phone.device.hex() in self.lost]

        try:
            done = await recover(self.phone, SERVER, self.name, self.code, choose)
        except Refused as refused:
            self.dead = refused.code == "code_dead" and await self._identity() is None
            if refused.code not in WAITS | {"code_dead"}:
                raise
            return
        async with self.phone.store.transaction() as rows:
            self.family.code[self.person] = (await get_recovery(rows)).fresh
        assert done.recovery_code, "the new code is shown once"
        await code_was_shown(self.phone)
        self.code = None

    async def let_in(self, phone, person, role, until=None):
        theirs = self.family.people.setdefault(person, self.family.rng.randbytes(16))
        await self._wish(AddCard(phone.card, theirs, role, until))
        async with self.phone.store.transaction() as rows:
            vault = (await rows.get_vault(VAULT)).vault
        async with phone.phone.store.transaction() as rows:
            await rows.put_vault(VAULT, VaultState(LogState.empty(vault), theirs, Keyring()))

    async def _wish(self, intent):
        async with self.phone.store.transaction() as rows:
            state = await rows.get_vault(VAULT)
            state.intents = [*state.intents, intent]
            await rows.put_vault(VAULT, state)

    async def drop(self, card):
        await self._wish(DropCards((bytes.fromhex(card),)))

    async def set_role(self, person, role):
        await self._wish(ChangeRole(self.family.people[person], role))

    async def drop_person(self, person):
        await self._wish(DropPerson(self.family.people[person]))

    async def adopt(self, decline=False):
        async with self.phone.store.transaction() as rows:
            offers = await self._offers(rows) if await rows.vaults() else []
        if not offers:
            return ()
        id_, values = offers[0]
        await (decline_kept if decline else adopt_kept)(self.phone, str(id_))
        return tuple(sorted(values))

    async def accept(self):
        for finding in await findings(self.phone):
            await read_finding(self.phone, finding["id"])

    # What can be seen.

    async def _offers(self, rows):
        """What may be taken over here: the number it is kept under, and its values."""
        state = await rows.get_vault(VAULT)
        role, found = state.log.table.role(self.device), []
        if state.removed or role is None or role < EDITOR:
            return []
        void = await self._void(rows, state)
        for id_, row in await rows.get_quarantined(VAULT):
            if row.frame is None or (is_grace(state, row) and role < OWNER):
                continue
            values = values_in(row.carried or (void.get(row.seq, ()) if is_grace(state, row) else ()))
            found += [(id_, values)] if values else []
        return found

    async def look(self):
        async with self.phone.store.transaction() as rows:
            if not await rows.vaults():
                return self._nobody()
            vault = await read_vault(rows, VAULT)
            pending, flying = await rows.get_pending(VAULT), await rows.get_flying(VAULT)
            kept = [row for _, row in await rows.get_quarantined(VAULT)]
            found = tuple(f.kind for _, _, f in await rows.get_findings(VAULT))
            good, verdicts = await self._good(rows, vault.state)
            void = await self._void(rows, vault.state)
            offered = [values for _, values in await self._offers(rows)]
            next_card, rebuilds = await get_next_identity(rows), await rows.rebuilds()
        state, table = vault.state, vault.state.log.table
        own = [row for row in kept if row.frame is None]
        devices = [device.hex() for device in state.devices]
        dots = [(devices[ordinal_of(c.dot)], number_of(c.dot), c) for c in [*good, *pending]]
        rebases = bool(rebuilds) or state.halted in REBASES
        waits = {
            "a wish waits": state.intents,
            "a key is missing": state.key_missing,
            "frames are unread": flying,
            "a rotation is due": state.log.rotation_due and table.role(self.device) == OWNER,
            "a log is read anew": rebases,
            "a new card": next_card,
            "rollback": held_back(state),
            "a recovery": self.code is not None,
        }
        return Look(
            card=self.device.hex(),
            person=self.person,
            role=table.role(self.device),
            removed=state.removed,
            log_length=state.log.seq,
            state_root=root_of(vault) or "",
            verdicts=tuple(verdicts),
            values=values_in(good),
            standing=frozenset(
                msgspec.json.decode(s.value)
                for record in vault.settled.values()
                if record.id != VAULT_RECORD
                for key in record.keys()
                for s in record.siblings(key, PERSON)
                if s.value is not None
            ),
            waiting=values_in(pending),
            aside=frozenset((v, row.why) for row in own for v in values_in([*row.changes, *row.carried])),
            shown=values_in(
                [*(c for changes in void.values() for c in changes), *(c for row in kept for c in row.carried)]
            ),
            dots=tuple(((device, n), (c.record, c.sets)) for device, n, c in dots),
            halted=None if rebases else state.halted,
            open=tuple(word for word, is_so in waits.items() if is_so),
            findings=found,
            offered=frozenset().union(*offered),
            live=frozenset(device.hex() for device in table.live()),
            dropped=frozenset(
                device.hex() for device, row in table.cards.items() if not row.live and row.person != table.subject
            ),
        )

    async def is_left_out(self, table):
        """True if the server's log has never named this phone's card, though one that it keeps is live there."""
        async with self.phone.store.transaction() as rows:
            if not await rows.vaults():
                return False
            state, forked, recovery = await rows.get_vault(VAULT), await get_forked(rows), await get_recovery(rows)
        old = {one.was.device for one in forked}
        old |= {recovery_card(recovery.old).device} if recovery and len(recovery.old) else set()
        lost = state.removed and self.device not in table.cards and self.device not in state.dropped_ever
        return lost and bool(old & table.live().keys())

    def _nobody(self):
        none, card = frozenset(), self.device.hex() if self.device else self.name
        return Look(card, self.person, None, self.dead, 0, "", (), none, none, none, none, none, (), None, (), ())

    async def _good(self, rows, state):
        """Changes of good frames, and every verdict."""
        items = await rows.get_items(VAULT, 0)
        opened = open_items([item for _, item, _ in items], state)
        _, dots = names_needed(opened, state)
        births, good = (await rows.get_births(VAULT, dots))[0], []
        for frame, (_, _, verdict) in zip(opened, items, strict=True):
            if verdict is None and frame.content:
                good += resolve(frame.content, 0, state.ordinals, state.vector, births.get, lambda _: True)
        return good, [verdict for _, _, verdict in items]

    async def _void(self, rows, state):
        """Changes of void frames that can be opened, by seq."""
        items = [(seq, item) for seq, item, verdict in await rows.get_items(VAULT, 0) if verdict is not None]
        opened = open_items([item for _, item in items], state)
        return {seq: frame.content.named() for (seq, _), frame in zip(items, opened, strict=True) if frame.content}


def values_in(changes):
    """The values that the driver gave; the vault's own names are not among them."""
    told = [c for c in changes if c.record != VAULT_RECORD]
    return frozenset(msgspec.json.decode(v) for c in told for _, v in c.sets if v is not None)
