"""Logging out: this phone's keys and records leave its store, once nothing is lost by it that nobody else has.

First the others are told as far as there is network (the card leaves the vaults it may leave, and the account), then
the store is emptied in one transaction: a phone that dies on the way is a phone as before, or none. Spec:
openapi/protocol/phone.md, "Logging out".
"""

from __future__ import annotations

from typing import NamedTuple

from sync.device.access import access_token, revoke
from sync.device.outlook import outlook
from sync.device.people import OFFLINE, names_of
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record
from sync.device.refused import Refused
from sync.device.share_register import is_of, share_words
from sync.device.store.rows import Rows
from sync.device.syncing import sync
from sync.device.transport import Answered, Unreachable
from sync.device.wishes import own_vaults, wish
from sync.merge.change import VAULT_RECORD
from sync.vault.intents import DropCards
from sync.wire.item import OWNER


class Unsent(NamedTuple):
    """What one vault has that nobody else does: changes (those set aside among them) and wishes about its members."""

    vault: str
    changes: int
    wishes: int


class LoggedOut(NamedTuple):
    """Who has heard of it: the account, and in how many vaults the log says so."""

    account: bool
    vaults: int


async def log_out(phone: Phone, discard: int = 0) -> LoggedOut:
    """Empties the store. `discard`: how many unsent things a person has agreed to lose; exactly so many as there are.

    Raises: Refused (unsent, no_store); then nothing here has changed.
    """
    await refuse_if_unsent(phone, discard)
    vaults = await _leave_vaults(phone)
    account = await _leave_account(phone)
    async with phone.store.transaction() as rows:
        _check(await unsent(rows), discard, at_most=True)
        await rows.erase()
    return LoggedOut(account, vaults)


async def refuse_if_unsent(phone: Phone, discard: int) -> None:
    """Raises: Refused(unsent), naming what and what to do, unless exactly so much is to be lost."""
    async with phone.store.transaction() as rows:
        _check(await unsent(rows), discard)


async def warnings(phone: Phone) -> list[str]:
    """What a person has to know before: shares that stay open, vaults in which this is her only phone."""
    async with phone.store.transaction() as rows:
        told = await outlook(rows)
        shares = await _open_shares(rows, phone.now_ms())
    words = []
    if shares:
        words.append(
            f"What you share may still be opened then ({shares} of your links). Only a phone of yours can end that:"
            " `carnet share revoke`, here now or on another one later."
        )
    for vault in told["vaults"]:
        if vault["phones"] > 1:
            continue
        if told["confirmed"] and vault["recovery_cards"]:
            words.append(f"In “{vault['vault']}” this is your only phone. Only the recovery code brings you back.")
        else:
            words.append(
                f"In “{vault['vault']}” this is your only phone, and no recovery code of yours has been confirmed"
                f"{'' if vault['recovery_cards'] else ' (you have none)'}. Nobody can let you in as yourself again."
                " Export first (`carnet export`), or make and confirm a code (`carnet recovery new`)."
            )
    return words


async def _open_shares(rows: Rows, now_ms: int) -> int:
    """How many shares of this phone's account nobody has revoked, no time has ended and no lost place has closed."""
    me, count = await identity_of(rows), 0
    for number in await rows.vaults():
        state = await rows.get_vault(number)
        if state.removed or state.log.table.role(me.device) != OWNER:
            continue
        for word in share_words(await read_record(rows, number, VAULT_RECORD)).values():
            over = word.revoked or (word.expires_at is not None and word.expires_at <= now_ms)
            count += is_of(word, me.account, me.server) and not over
    return count


async def unsent(rows: Rows) -> list[Unsent]:
    """What no other phone has, by vault."""
    me = (await identity_of(rows)).device
    found = []
    for number in await rows.vaults():
        state = await rows.get_vault(number)
        kept = await rows.get_quarantined(number)
        aside = sum(row.count for _, row in kept if row.frame is None)
        wishes = sum(intent != DropCards((me,)) for intent in state.intents)
        changes = await rows.count_pending(number) + aside
        if changes or wishes:
            found.append(Unsent((await names_of(rows, number)).vault(), changes, wishes))
    return found


def _check(found: list[Unsent], discard: int, *, at_most: bool = False) -> None:
    total = sum(one.changes + one.wishes for one in found)
    if total == discard or (at_most and total < discard):
        return
    told = "; ".join(f"“{one.vault}”: {one.changes} changes, {one.wishes} membership wishes" for one in found)
    raise Refused(
        "unsent",
        told or "nothing is unsent",
        next=f"`carnet sync` sends it, `carnet export` writes it out; `carnet logout --discard {total}` gives it up."
        if total
        else "Leave --discard away.",
    )


async def _leave_vaults(phone: Phone) -> int:
    """This card leaves the vaults that it may leave: not one whose last owner's phone it is."""
    wanted = []
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        for number in await own_vaults(rows, identity):
            state = await rows.get_vault(number)
            try:
                if wish(state, identity, DropCards((identity.device,))):
                    await rows.put_vault(number, state)
                    wanted.append(number)
            except Refused:
                continue
    try:
        if wanted:
            await sync(phone, wanted)
    except Refused as refused:
        if refused.code not in OFFLINE:
            raise
    async with phone.store.transaction() as rows:
        left = 0
        for number in wanted:
            state = await rows.get_vault(number)
            left += state.removed or identity.device not in state.log.table.live()
            state.intents = [intent for intent in state.intents if intent != DropCards((identity.device,))]
            await rows.put_vault(number, state)
    return left


async def _leave_account(phone: Phone) -> bool:
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    if identity.account is None:
        return False
    transport = phone.connect(identity.server)
    try:
        await revoke(transport, identity.device, await access_token(phone, transport, identity))
    except (Answered, Unreachable):
        return False
    finally:
        await transport.close()
    return True
