"""Being shut out: why the server takes nothing from this phone, or nothing in one vault, said in plain words.

What it is: the last word of a server about the whole phone, kept until a sync goes through, and readings of what a
vault knows. What it is not: a reason to refuse an edit. Whatever stands here, records are read, edited and exported as
before, and what waits goes out by itself once it may. Spec: openapi/protocol/people.md, "Shut out".
"""

from __future__ import annotations

from typing import Any

from sync.device.names import Names
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record
from sync.device.store.rows import Rows
from sync.merge.change import VAULT_RECORD
from sync.vault.state import VaultState

_SHUT_OUT = 12  # number of the store's singleton
PHONE_WORDS = {
    "revoked": "This phone has been taken out of its account.",
    "account_gone": "The server does not know this phone any more: its account is gone, or the server began anew.",
    "forbidden": "The server does not let this phone in.",
}
_HERE = "What is on this phone can be read, edited and exported as before (`carnet export`)."
_LINK = "To go on syncing, link this phone anew in another store: `carnet link`, and import the exported file there."


async def keep(rows: Rows, code: str | None) -> None:
    """Keeps why the server turned this whole phone away, by its code; None once it was let in again."""
    if (await rows.get_single(_SHUT_OUT) or b"") != (new := (code or "").encode()):
        await rows.put_single(_SHUT_OUT, new)


async def shut_out(phone: Phone, rows: Rows) -> list[dict[str, Any]]:
    """One row for the phone as a whole (`vault` null) and one for each vault that takes nothing from it."""
    found: list[dict[str, Any]] = []
    numbers = await rows.vaults()
    waiting = {number: await rows.count_pending(number) for number in numbers}
    code = (await rows.get_single(_SHUT_OUT) or b"").decode()
    if code in PHONE_WORDS:
        words = f"{PHONE_WORDS[code]} {_HERE} {_kept(sum(waiting.values()))} {_LINK}"
        found.append({"vault": None, "code": code, "words": words})
    for number in numbers:
        state = await rows.get_vault(number)
        name = Names({VAULT_RECORD: await read_record(rows, number, VAULT_RECORD)}).vault()
        why = await _why(phone, rows, state)
        if why:
            words = _WORDS[why].format(name=name, kept=_kept(waiting[number]))
            found.append({"vault": state.vault.hex(), "code": why, "words": words})
    return found


async def _why(phone: Phone, rows: Rows, state: VaultState) -> str | None:
    if state.removed:
        return "removed"
    until = state.log.table.until((await identity_of(rows)).device)
    if until is not None and until <= phone.now_ms():
        return "until"
    return "quota" if state.refusal is not None and state.refusal[0] == "quota" else None


def _kept(waiting: int) -> str:
    if not waiting:
        return "Nothing waits to be sent."
    return f"{waiting} change{'s' * (waiting != 1)} that nobody else has wait{'s' * (waiting == 1)} here."


_WORDS = {
    "removed": "The server says that you are not in “{name}” any more. Its records stay on this phone: read, edit and"
    " export them. {kept} It is sent only if this phone is let in again. To go on in a vault of your own, with all of"
    " it: `carnet vaults new NAME --from V`. If this was not meant, ask an owner.",
    "until": "Your end date in “{name}” has passed. Its records stay on this phone: read, edit and export them. {kept}"
    " An owner can let you in for longer, and sees what you had sent.",
    "quota": "The room for “{name}” on the server is used up. Go on as before. {kept} It is sent when there is room:"
    " another day, or when who runs the server gives more.",
}
