"""What a phone can tell about itself: vaults, members, status, findings, quarantine, what waits for a person."""

from __future__ import annotations

from typing import Any

from sync.device.glancing import Fetched, fetch, keep, see
from sync.device.intake import TWO_HISTORIES
from sync.device.moments import when
from sync.device.names import Names
from sync.device.notices import shown_notices
from sync.device.outlook import outlook
from sync.device.phone import Phone
from sync.device.questions import count_questions
from sync.device.reading import Vault, identity_of, read_vault, root_of
from sync.device.refused import Refused
from sync.device.shut_out import shut_out
from sync.fhir.envelope import is_envelope
from sync.merge.life import Life
from sync.vault.rollback import accept, held_back
from sync.vault.state import VaultState
from sync.wire.card import RECOVERY
from sync.wire.item import ROLE_WORDS

_FINDING_WORDS = {
    "signature": "The server handed out an item that its author did not sign. This phone took nothing from there on.",
    "seen": "A member's phone was shown another history of this vault than this one.",
    "two_histories": "The server's log is not the one that another phone vouched for. Where this phone was just let in,"
    " it reads and sends nothing more: compare with the phone that let it in, and link this one anew in a new store if"
    " that one has other records. Marking this as read accepts the log as it is.",
    "diverged": "The server's log is another than the one that this phone had read: it was put back to an older copy,"
    " or it shows different histories. This phone has read it anew and sends again what it lacked.",
    "device_forked": "This phone's store was copied, and the other copy has written to the vault under the same card."
    " This one goes on under a new card; nothing is lost. Remove the old card if nobody should use it any more.",
    "cloned": "The vault holds something that another copy of this phone's store has written. This one goes on under a"
    " new card; nothing is lost. Remove the old card if nobody should use it any more.",
    "rolled_back": "The server was put back to a copy that lacks changes of who is in the vault. Removals that this"
    " phone knew of are not undone: it writes nothing until an owner's phone that knew of them has repeated them.",
    "groundless": "The server said that another copy of this phone had written, and could not prove it.",
}


def records_in(vault: Vault) -> int:
    """How many records a person would count: those that are not deleted, files as such aside."""
    return sum(record.life() is not Life.GONE and not is_envelope(record) for record in vault.records())


async def vaults(phone: Phone) -> list[dict[str, Any]]:
    """Every vault on this phone, as cli.md has them."""
    out = []
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        for number in await rows.vaults():
            vault = await read_vault(rows, number)
            findings = await rows.get_findings(number)
            role = vault.state.log.table.role(identity.device)
            out.append(
                {
                    "id": vault.state.vault.hex(),
                    "name": vault.names.vault(),
                    "role": ROLE_WORDS[role] if role is not None and not vault.state.removed else None,
                    "records": records_in(vault),
                    "cursor": vault.state.log.seq,
                    "state_root": root_of(vault),
                    "pending": await rows.count_pending(number),
                    "unproved": _unproved(vault.state) or any(unread for _, unread, _ in findings),
                }
            )
    return out


def _unproved(state: VaultState) -> bool:
    return state.unproved or state.expected is not None


async def members(phone: Phone, number: int) -> list[dict[str, Any]]:
    """Who is in a vault, with their phones; recovery cards have no name and are not phones."""
    async with phone.store.transaction() as rows:
        vault = await read_vault(rows, number)
    table = vault.state.log.table
    out = []
    for person, row in table.people.items():
        cards = [device for device in table.cards_of(person) if table.cards[device].kind != RECOVERY]
        if not table.cards_of(person):
            continue
        devices = [
            {"id": device.hex(), "name": vault.names.device(device), "last_heard": when(vault.state.heard.get(device))}
            for device in cards
        ]
        out.append(
            {
                "person": person.hex(),
                "name": vault.names.person(person),
                "role": ROLE_WORDS[row.role],
                "until": when(row.until),
                "subject": person == table.subject,
                "devices": devices,
            }
        )
    return out


async def status(phone: Phone) -> dict[str, Any]:
    """What is queued, kept and heard, over all vaults."""
    devices: dict[bytes, dict[str, Any]] = {}
    halted = []
    fetched: list[Fetched] = []
    pending = intents = kept = unread = 0
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        for number in await rows.vaults():
            fetched.append(await fetch(rows, number))
            vault = fetched[-1].vault
            pending += await rows.count_pending(number)
            intents += len(vault.state.intents)
            kept += len(await rows.get_quarantined(number))
            unread += sum(unread for _, unread, _ in await rows.get_findings(number))
            why = vault.state.halted or ("rolled_back" if held_back(vault.state) else None)
            if why:
                halted.append({"vault": vault.state.vault.hex(), "why": why})
            _hear(vault, vault.names, devices)
        recovery = await outlook(rows)
        notices = await shown_notices(rows)
        out = await shut_out(phone, rows)
    sights = [see(one) for one in fetched]
    await keep(phone, sights)
    return {
        "account": identity.account.hex() if identity.account else None,
        "server": identity.server,
        "last_sync": when(identity.last_sync),
        "pending": pending,
        "intents": intents,
        "conflicts": sum(count_questions(sight.look) for sight in sights),
        "quarantined": kept,
        "findings": unread,
        "halted": halted,
        "shut_out": out,
        "notices": notices,
        "recovery_unconfirmed": bool(identity.recovery_check),
        "recovery": recovery,
        "devices": list(devices.values()),
    }


def _hear(vault: Vault, names: Names, devices: dict[bytes, dict[str, Any]]) -> None:
    for device, row in vault.state.log.table.live().items():
        if row.kind == RECOVERY:
            continue
        heard = when(vault.state.heard.get(device))
        known = devices.setdefault(device, {"id": device.hex(), "name": names.device(device), "last_heard": heard})
        if heard and (known["last_heard"] is None or heard > known["last_heard"]):
            known["last_heard"] = heard


async def findings(phone: Phone) -> list[dict[str, Any]]:
    """What the server or a member was caught at, oldest first."""
    out = []
    async with phone.store.transaction() as rows:
        for number in await rows.vaults():
            vault = (await rows.get_vault(number)).vault.hex()
            out += [
                {
                    "id": str(id_),
                    "kind": finding.kind,
                    "words": _FINDING_WORDS[finding.kind],
                    "vault": vault,
                    "seq": finding.seq,
                    "unread": unread,
                    "proof": finding.proof.signed.hex() if finding.proof else None,
                }
                for id_, unread, finding in await rows.get_findings(number)
            ]
    return out


async def read_finding(phone: Phone, id_: str) -> None:
    """Marks a finding as read. Raises: Refused(no_such_finding)."""
    known = {finding["id"] for finding in await findings(phone)}
    if id_ not in known:
        raise Refused("no_such_finding")
    async with phone.store.transaction() as rows:
        await rows.read_finding(int(id_))
        for number in await rows.vaults():
            state = await rows.get_vault(number)
            kinds = {finding.kind for found, _, finding in await rows.get_findings(number) if str(found) == id_}
            accepted = "rolled_back" in kinds and accept(state)
            if TWO_HISTORIES in kinds and state.halted == TWO_HISTORIES:
                state.halted, accepted = None, True
            if accepted:
                await rows.put_vault(number, state)


async def quarantined(phone: Phone) -> list[dict[str, Any]]:
    """What is kept outside the state: void frames and one's own changes set aside."""
    out = []
    async with phone.store.transaction() as rows:
        for number in await rows.vaults():
            vault = await read_vault(rows, number)
            for id_, kept in await rows.get_quarantined(number):
                row = vault.state.log.table.cards.get(kept.device)
                person = vault.names.person(row.person) if row else "nobody known"
                out.append({"id": str(id_), "person": person, "why": kept.why, "changes": kept.count})
    return out


async def waits_for_a_person(
    phone: Phone, numbers: list[int] | None = None, *, look_for_questions: bool = True
) -> bool:
    """True if a question, a quarantined change, an unread finding or an unproved vault waits in these vaults.

    Questions are looked for last, once nothing else waits.
    """
    fetched: list[Fetched] = []
    async with phone.store.transaction() as rows:
        for number in await rows.vaults() if numbers is None else numbers:
            if await rows.get_quarantined(number) or any(unread for _, unread, _ in await rows.get_findings(number)):
                return True
            if _unproved(await rows.get_vault(number)):
                return True
            if look_for_questions:
                fetched.append(await fetch(rows, number))
    sights = [see(one) for one in fetched]
    await keep(phone, sights)
    return any(count_questions(sight.look) for sight in sights)
