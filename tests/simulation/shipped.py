"""The shipped phone and server in one thread: real crypto, real stores, no network, killable at every statement.

The server is the desk that the HTTP route wraps, over SQLite in memory; a phone is what the `carnet` command drives,
over its own SQLite in memory. The transport between them hands bytes over, and may lose a request or an answer, or
cut it short.
"""

import sqlite3
from contextlib import asynccontextmanager

import msgspec

from backend.storage.dialect import sqlite_text
from backend.storage.migrate import migrate
from backend.vaults.append import append_all
from backend.vaults.desk import SyncDesk
from backend.vaults.ruling import Bounds
from crypto.public.keys import ED25519, ES256
from crypto.secret.secret import Secret
from sync.device.founding import recovery_card, store_vault
from sync.device.identity import CachedToken, get_identity, new_identity, put_identity, put_token
from sync.device.phone import Phone
from sync.device.reading import read_record, read_vault, root_of
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.store.lock import Unlocking
from sync.device.store.store import Store
from sync.device.syncing import sync
from sync.device.transport import Unreachable
from sync.log.state import LogState
from sync.merge.change import LIFE, PERSON, Edit, RecordId
from sync.merge.view import delete_preds, edit_preds
from sync.vault.content import resolve
from sync.vault.intents import AddCard, Rotate
from sync.vault.keyring import Keyring
from sync.vault.replay import names_needed, open_items
from sync.vault.state import VaultState
from sync.wire.item import OWNER

VAULT = 1  # the local number of the one vault
SERVER = "https://simulated.invalid"
ACCOUNT = b"a" * 16
YEAR_BYTES = 2**40


class Killed(BaseException):
    """The process ends here."""


class MemoryEngine:
    """SQLite in memory behind both storage ports. `before_statement` is called before each statement and may raise."""

    def __init__(self):
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self.before_statement = lambda: None

    async def fetch(self, statement, *args):
        self.before_statement()
        return self._db.execute(sqlite_text(statement), args).fetchall()

    scan = fetch

    async def execute(self, statement, *args):
        self.before_statement()
        self._db.execute(sqlite_text(statement), args)

    async def execute_many(self, statement, rows):
        self.before_statement()
        self._db.executemany(sqlite_text(statement), rows)

    def announce(self, topic, by):
        """Nobody listens in these worlds: phones sync when the world lets them."""

    def reading(self):
        return self

    @asynccontextmanager
    async def transaction(self):
        self._db.execute("BEGIN")
        try:
            yield self
            self.before_statement()
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def backup(self):
        return self._db.serialize()

    def restore(self, data):
        self._db.deserialize(data)

    async def close(self):
        """The database lives on: a phone that was killed opens it again."""


class ShippedServer:
    """The blind server, without HTTP and without accounts: a request says which device it is from."""

    def __init__(self, world):
        self._world = world
        self.engine = MemoryEngine()

    async def start(self):
        await migrate(self.engine, 0)
        bounds = Bounds(YEAR_BYTES, YEAR_BYTES, 1_000)

        async def append(pushes):
            return await append_all(self.engine, pushes, bounds)

        self._desk = SyncDesk(self.engine, append)

    async def answer(self, device, body):
        """The whole answer to one request."""
        return b"".join([piece async for piece in self._desk.answer(device, ACCOUNT, body, self._world.now)])


class SimulatedTransport:
    """Bytes handed over; `fate` of the next request: whole, unsent, lost, or the share of the answer that arrives."""

    def __init__(self, phone):
        self._phone = phone

    async def call(self, method, path, body=None, token=None):
        raise AssertionError("the simulated phones have an account and a token")

    @asynccontextmanager
    async def stream(self, path, body, token):
        fate = self._phone.draw_fate()
        if fate == "unsent":
            raise Unreachable("the request did not arrive")
        answer = await self._phone.server.answer(self._phone.device, body)
        if fate == "lost":
            raise Unreachable("the answer did not arrive")
        kept = answer if fate == "whole" else answer[: int(len(answer) * fate)]

        async def pieces():
            for start in range(0, len(kept), 700):
                yield kept[start : start + 700]

        yield pieces()

    async def close(self):
        """There is no connection."""


class ShippedPhone:
    """One phone of the shipped code, and what its person does with it."""

    def __init__(self, world, server, name):
        self._world, self.server, self.name = world, server, name
        self.engine = MemoryEngine()
        self.fates = []
        self.device = None

    def draw_fate(self):
        return self.fates.pop() if self.fates else "whole"

    async def open(self):
        """Starts the app: the store as it lies there."""
        store = await Store.on(self.engine, Unlocking(lambda: "synthetic", None))
        self.phone = Phone(
            store, lambda origin: SimulatedTransport(self), lambda: self._world.now, self._world.rng.randbytes
        )

    async def begin(self):
        await self.open()
        draw = self._world.rng.randbytes
        seeds = draw(32), draw(32)
        kind = (ED25519, ES256)[seeds[0][0] % 2]  # drawn with the seed: families of both kinds
        identity = new_identity(SERVER, self.name, "Synthetic Person", *seeds, key_type=kind)
        identity.account = ACCOUNT
        self.device, self.card = identity.device, identity.card
        async with self.phone.store.transaction() as rows:
            await put_identity(rows, identity)
            await put_token(rows, CachedToken("simulated", 2**60, identity.device))

    async def found(self):
        """This phone's person founds the vault, with a recovery card; gives what the code of that says."""
        code = Secret(self._world.rng.randbytes(20))
        recovery = recovery_card(code)
        async with self.phone.store.transaction() as rows:
            identity = await get_identity(rows)
            person = self._world.rng.randbytes(16)
            await store_vault(self.phone, rows, identity, person, "Vault", subject=True, recovery=recovery)
        return code

    async def let_in(self, other):
        """Adds another phone of the same person; it is told the vault's id and head."""
        async with self.phone.store.transaction() as rows:
            state = await rows.get_vault(VAULT)
            state.intents = [*state.intents, AddCard(other.card, state.person, OWNER, None)]
            await rows.put_vault(VAULT, state)
            head, person, vault = (state.log.seq, state.log.log_hash), state.person, state.vault
        async with other.phone.store.transaction() as rows:
            theirs = VaultState(LogState.empty(vault), person, Keyring())
            theirs.expected = head
            await rows.put_vault(VAULT, theirs)

    async def rotate(self):
        """Wishes for a new epoch."""
        async with self.phone.store.transaction() as rows:
            state = await rows.get_vault(VAULT)
            if state.log.epoch is not None:
                state.intents = [*state.intents, Rotate(state.log.epoch.number)]
            await rows.put_vault(VAULT, state)

    async def is_member(self):
        async with self.phone.store.transaction() as rows:
            return (await rows.get_vault(VAULT)).log.table.role(self.device) is not None

    async def edit(self, record, key, value):
        """A person sets one register of a record, which is born if nobody here knows it; gives what was on the
        screen."""
        async with self.phone.store.transaction() as rows:
            identity = await get_identity(rows)
            held = await read_record(rows, VAULT, record)
            shown = {(k, s.value) for k in held.keys() for s in held.siblings(k, PERSON)}
            if key == LIFE:
                edit = Edit(record, False, PERSON, None, delete_preds(held), ((LIFE, value),))
            elif held.unknown:
                edit = Edit(record, True, PERSON, None, (), ((key, value),))
            else:
                edit = Edit(record, False, PERSON, None, edit_preds(held, key, PERSON), ((key, value),))
            await stage(self.phone, rows, identity, VAULT, [edit])
        return shown

    async def sync(self):
        """One sync of the shipped code; the network may fail on the way."""
        try:
            return await sync(self.phone)
        except Refused as refused:
            assert refused.code == "unreachable", refused.code
            return None

    async def look(self):
        """Everything that the checks compare."""
        async with self.phone.store.transaction() as rows:
            vault = await read_vault(rows, VAULT)
            state = vault.state
            items = await rows.get_items(VAULT, 0)
            opened = open_items([item for _, item, _ in items], state)
            _, dots = names_needed(opened, state)
            births = (await rows.get_births(VAULT, dots))[0]
            changes = []
            for frame, (_, _, verdict) in zip(opened, items, strict=True):
                if verdict is None and frame.content:
                    changes += resolve(frame.content, 0, state.ordinals, state.vector, births.get, lambda _: True)
            return {
                "root": root_of(vault),
                "verdicts": [verdict for _, _, verdict in items],
                "changes": changes,
                "pending": await rows.count_pending(VAULT),
                "flying": len(await rows.get_flying(VAULT)),
                "quarantined": [kept.why for _, kept in await rows.get_quarantined(VAULT)],
                "findings": [finding.kind for _, _, finding in await rows.get_findings(VAULT)],
                "intents": len(state.intents),
                "halted": state.halted,
                "records": vault.settled,
                "seq": state.log.seq,
            }


def record_id(name):
    """A record's id for a name."""
    return RecordId(name.encode().ljust(32, b"\0"))


def value_of(number):
    """A value that nobody else writes."""
    return msgspec.json.encode(number)
