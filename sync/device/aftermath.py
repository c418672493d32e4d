"""What a phone that came from a recovery code still has to see to, after each sync.

It keeps the used code for some days: a server that was restored to before the recovery knows neither this phone nor its
entry, and gets both again from the old card. And it looks for the item by which another phone bears out what the server
showed it. Spec: openapi/protocol/recovery.md.
"""

from __future__ import annotations

from crypto.secret.secret import Secret
from sync.device.access import access_token, ask_once, enrol, enrolment_signature, open_account, refusal
from sync.device.identity import Identity, Recovery, get_recovery, put_identity, put_recovery
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.recovering import card_identity
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.device.syncing import SyncReport, Watch, sync
from sync.device.transport import Answered, Transport, Unreachable
from sync.log.reading import read_item
from sync.log.state import LogState
from sync.vault.entries import build_entry
from sync.vault.keyring import Keyring
from sync.vault.recovery import Recover, bears_out, fold, recovery_edits
from sync.vault.state import VaultState
from sync.wire.exchange import Items, VaultAnswer, VaultAsk
from sync.wire.ids import DeviceId
from sync.wire.item import OWNER, Item

KEPT_DAYS = 30  # how long the used code is kept, as long as a server stores frames of those who lost their rights
_KEPT_MS = KEPT_DAYS * 86_400_000
_TRIES = 40  # of an entry that others overtake; a bot's quota does not last as long
_PAGES = 10_000


async def sync_and_see_to(phone: Phone, only: list[int] | None = None, *, watch: Watch = lambda *_: None) -> SyncReport:
    """A sync, and what a recovered phone owes besides. Raises: as `sync`."""
    async with phone.store.transaction() as rows:
        recovery = await get_recovery(rows)
    if recovery is None:
        return await sync(phone, only, watch=watch)
    try:
        report = await sync(phone, only, watch=watch)
    except Refused as refused:
        if "assertion_invalid" not in refused.detail or not await _enrolled_again(phone, recovery):
            raise
        report = await sync(phone, only, watch=watch)
    if await _repeat(phone, recovery, report):
        report = await sync(phone, only, watch=watch)
    async with phone.store.transaction() as rows:
        await _look_for_witnesses(rows)
        if recovery.old and phone.now_ms() - recovery.begun_ms > _KEPT_MS:
            await put_recovery(rows, _forgotten(await get_recovery(rows) or recovery))
    return report


def _forgotten(recovery: Recovery) -> Recovery:
    recovery.old = Secret(b"")
    return recovery


def _is_kept(phone: Phone, recovery: Recovery) -> bool:
    return bool(len(recovery.old)) and phone.now_ms() - recovery.begun_ms <= _KEPT_MS


async def _enrolled_again(phone: Phone, recovery: Recovery) -> bool:
    """The server has never heard of this phone: the old card enrols it again. False if the old card is gone, too."""
    if not _is_kept(phone, recovery):
        return False
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    card = card_identity(identity.server, recovery.old)
    transport = phone.connect(identity.server)
    try:
        await access_token(phone, transport, card, renew=True)
        account = await open_account(transport, identity.server, card.keys)
        signature = enrolment_signature(card.keys, identity.device, account)
        await enrol(transport, account, card.device, signature, identity.keys)
    except Answered:
        return False
    except Unreachable as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        identity.account = account
        await put_identity(rows, identity)
    return True


async def _repeat(phone: Phone, recovery: Recovery, report: SyncReport) -> bool:
    """Where a log without the entry was met, the old card signs it again; True if it did somewhere."""
    strange = {vault.id for vault in report.vaults if vault.code in ("removed", "diverged", "halted")}
    if not strange or not _is_kept(phone, recovery):
        return False
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        states = [await rows.get_vault(number) for number in recovery.met]
    lost = [state for state in states if state.vault.hex() in strange]
    card = card_identity(identity.server, recovery.old)
    transport = phone.connect(identity.server)
    try:
        token = await access_token(phone, transport, card, renew=True) if lost else ""
        repeated = [await _sign_again(phone, transport, token, card, identity, recovery, state) for state in lost]
    except Answered:
        return False  # the old card is no longer heard: whoever dropped this phone meant it
    except Unreachable as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    return any(repeated)


async def _sign_again(
    phone: Phone,
    transport: Transport,
    token: str,
    card: Identity,
    identity: Identity,
    recovery: Recovery,
    state: VaultState,
) -> bool:
    """Reads the server's log blindly as the old card, and has it sign its entry there."""
    log, keyring, kem_keys = LogState.empty(state.vault), Keyring(state.keyring.raw()), dict(state.kem_keys)
    recover = Recover(card.device, identity.card, recovery.card, recovery.lost)
    for _ in range(_TRIES):
        if not await _read_on(transport, token, card, log, keyring, kem_keys):
            return False
        edits = recovery_edits(recover, log.table)
        if not edits:
            return False
        owner = log.table.role(card.device) == OWNER
        fresh = Secret(phone.draw(32)) if owner else None
        try:
            built = build_entry(
                log, card.keys, edits, keyring=keyring, kem_keys=kem_keys, fresh_key=fresh, salt=phone.draw(32)
            )
        except LookupError:
            return False
        ask = VaultAsk(state.vault, log.seq, log.log_hash, 0, (built.item,), built.wraps, built.keybox)
        answers = [m for m in await ask_once(transport, token, [ask]) if isinstance(m, VaultAnswer)]
        if any(answer.acks for answer in answers):
            return True
        if not answers or answers[0].code != "cas":
            return False
    return False


async def _read_on(
    transport: Transport,
    token: str,
    card: Identity,
    log: LogState,
    keyring: Keyring,
    kem_keys: dict[DeviceId, bytes],
) -> bool:
    """Takes in what follows `log`, page by page; False if the server gives no log to this card."""
    for _ in range(_PAGES):
        ask = VaultAsk(log.vault, log.seq, log.log_hash, 0)
        answer, items = None, list[Item]()
        for message in await ask_once(transport, token, [ask]):
            if isinstance(message, VaultAnswer):
                answer = message
            elif isinstance(message, Items):
                items += [item for item in message.items if isinstance(item, Item)]
        if answer is None or answer.code in ("removed", "behind", "diverged"):
            return False
        if not fold(log, items, kem_keys):
            return False
        if answer.key and log.epoch:
            keyring.learn(answer.key, log.epoch.suite, log.vault, card.device, card.keys.kem)
        if not answer.more:
            return True
    return False


async def _look_for_witnesses(rows: Rows) -> None:
    """Ends `unproved` where a phone that was there before this one has read the log as this one met it."""
    recovery = await get_recovery(rows)
    if recovery is None:
        return
    me = (await identity_of(rows)).device
    for number, met in recovery.met.items():
        state = await rows.get_vault(number)
        if not state.unproved or me not in state.log.table.cards:
            continue
        checked = recovery.checked.get(number, met)
        items = await rows.get_items(number, checked if checked <= state.log.seq else met)
        reads = [read_item(item) for _, item, void in items if void is None]
        reads = [read for read in reads if bears_out(read, state.log.table, me, met)]
        heads = await rows.get_heads(number, {read.seen_seq for read in reads})
        if any(heads.get(read.seen_seq) == read.seen_L for read in reads):
            state.unproved = False
            await rows.put_vault(number, state)
        recovery.checked[number] = state.log.seq
    await put_recovery(rows, recovery)
