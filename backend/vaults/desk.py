"""One sync, from body to answer, without HTTP: what the route wraps and a simulator drives.

Order: decode and bound the request; read the heads of every vault that lists the device (which also gives the
invitations); check where the phone stands; read items and their signatures; commit every push of the request; see to
notices; answer vault by vault. All that can fail the request as a whole fails before the first byte. Spec:
openapi/protocol/sync.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from backend.http.metrics import NOTICES, REFUSALS
from backend.notices.store import drop_seen, read_notices
from backend.push.store import WakeSeen
from backend.storage.engine import Engine
from backend.vaults import store
from backend.vaults.append import Outcome, Push
from backend.vaults.committer import AppendAll
from backend.vaults.pull import answer_vault, no_standing, pieces, standing_answer
from backend.vaults.signed import breathless, check_items
from backend.vaults.store import Standing, Vault
from sync.log.membership import Table
from sync.wire import limits
from sync.wire.exchange import (
    AnswerEnd,
    AnswerHead,
    Notice,
    SyncRequest,
    VaultAnswer,
    VaultAsk,
    decode_request,
    encode_message,
)
from sync.wire.ids import HASH_BYTES, AccountId, DeviceId, VaultId

SEQ_MAX = 2**32 - 1  # what a log may grow to


def uncounted(_name: str, _word: str) -> None:
    """Counts nothing: for a caller that shows no figures."""


def unheard(_wake: WakeSeen) -> None:
    """Tells nobody: for a caller that pushes to no phone."""


class RequestMalformed(Exception):
    """The body is no sync request, or exceeds a number of limits.py. Says no more."""


class SyncDesk:
    """Answers syncs over a database. `commit` makes pushes durable; `breathe` is awaited during long calculations.

    `count`: told the name of a counter and a word, for every refusal and notice that goes into an answer. `synced`:
    told of a wish to wake the device when all that it was for has been answered.
    """

    def __init__(
        self,
        engine: Engine,
        commit: AppendAll,
        breathe: Callable[[], Awaitable[None]] = breathless,
        count: Callable[[str, str], None] = uncounted,
        synced: Callable[[WakeSeen], None] = unheard,
    ) -> None:
        self._engine, self._commit, self._breathe, self._count = engine, commit, breathe, count
        self._synced = synced

    async def answer(
        self,
        device: DeviceId,
        account: AccountId,
        body: bytes,
        now_ms: int,
        first_notice: int | None = None,
        heads: dict[VaultId, Vault] | None = None,
        wake: WakeSeen | None = None,
    ) -> AsyncIterator[bytes]:
        """The answer's bytes, in pieces. `now_ms`: milliseconds since 1970 UTC. `first_notice`: that waits, if any.

        `heads`: of every vault that lists the device, if they were read since the body came; `wake`: the wish to
        wake it that was read with them.

        Raises: RequestMalformed, StorageError, before the first piece; StorageError later cuts the answer short.
        """
        request = read_request(body)
        db = self._engine.reading()
        if heads is None:
            heads = await store.heads_of_device(db, device)
        named = {ask.vault for ask in request.vaults}
        invitations = tuple(vault for vault in heads if vault not in named)
        stands: list[tuple[VaultAsk, Vault | None, Standing | None, VaultAnswer | None]] = []
        pushes: dict[VaultId, Push] = {}
        for ask in request.vaults:
            vault = heads.get(ask.vault) or await store.read_head(db, ask.vault)
            if vault is None:
                standing = no_standing(ask)
            elif ask.cursor > vault.state.seq:
                standing = None
            else:
                standing = await store.standing_at(db, vault, ask.cursor)
            elsewhere = standing_answer(ask, vault, standing, device)
            stands.append((ask, vault, standing, elsewhere))
            if elsewhere is None and _changes(ask, vault, device):
                table = vault.state.table if vault else Table()
                items = await check_items(ask.items, table, self._breathe)
                lost = await check_items(ask.lost_entries, table, self._breathe)
                pushes[ask.vault] = Push(device, account, ask, items, lost, now_ms)
        outcomes: dict[VaultId, Outcome] = {}
        if pushes:
            for vault_id, outcome in zip(pushes, await self._commit(list(pushes.values())), strict=True):
                if isinstance(outcome, Exception):
                    raise outcome
                outcomes[vault_id] = outcome
        notices = () if first_notice is None else await self._notices(device, request.notices_seen, first_notice)
        yield encode_message(AnswerHead(notices, invitations))
        for ask, vault, standing, elsewhere in stands:
            if elsewhere is not None or standing is None:
                assert elsewhere is not None
                self._note(elsewhere)
                yield encode_message(elsewhere)
                continue
            own = outcomes.get(ask.vault)
            now = own.vault if own is not None else vault
            answer, page = await answer_vault(db, ask, now, standing, own, device)
            self._note(answer)
            yield encode_message(answer)
            if page is not None:
                async for piece in pieces(db, page):
                    yield encode_message(piece)
        yield encode_message(AnswerEnd())
        if wake is not None and not invitations:  # who did not ask for every vault may need to be woken for another
            self._synced(wake)

    async def _notices(self, device: DeviceId, seen: int, first: int) -> tuple[Notice, ...]:
        """What waits for a device, without what it has acknowledged: most requests come here never."""
        if seen >= first:
            async with self._engine.transaction() as tx:
                await drop_seen(tx, device, seen)
        notices = await read_notices(self._engine.reading(), device)
        for notice in notices:
            self._count(NOTICES, notice.kind)
        return notices

    def _note(self, answer: VaultAnswer) -> None:
        if answer.code is not None:
            self._count(REFUSALS, answer.code)


def read_request(body: bytes) -> SyncRequest:
    """A sync request within its limits. Raises: RequestMalformed."""
    try:
        request = decode_request(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RequestMalformed from None
    asks = request.vaults
    if not 0 <= request.notices_seen <= limits.INTEGER_MAX:
        raise RequestMalformed
    if len(asks) > limits.VAULTS_A_REQUEST_MAX or len({ask.vault for ask in asks}) < len(asks):
        raise RequestMalformed
    if sum(len(ask.items) for ask in asks) > limits.ITEMS_A_REQUEST_MAX:
        raise RequestMalformed
    for ask in asks:
        if len(ask.vault) != HASH_BYTES or len(ask.log_hash) != HASH_BYTES or not 0 <= ask.cursor <= SEQ_MAX:
            raise RequestMalformed
        if len(ask.lost_entries) > limits.LOST_ENTRIES_MAX:
            raise RequestMalformed
    return request


def _changes(ask: VaultAsk, vault: Vault | None, device: DeviceId) -> bool:
    """True if answering needs a transaction: most syncs only read."""
    if ask.items or ask.wraps or ask.keybox is not None or ask.lost_entries:
        return True
    if vault is None or vault.state.table.role(device) is None:
        return False
    return ask.key_missing != (device in vault.facts.wishes)
