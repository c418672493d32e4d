"""What would become of a person if this phone were lost today, said before it happens.

One phone and no confirmed code is how most people begin, and nobody but themselves can help them afterwards: neither
the server nor who runs it holds a key. Spec: openapi/protocol/recovery.md, "Told before it happens".
"""

from __future__ import annotations

from typing import Any

from sync.device.names import Names
from sync.device.reading import identity_of, read_record
from sync.device.store.rows import Rows
from sync.merge.change import VAULT_RECORD
from sync.vault.recovery import own_phones, recovery_cards
from sync.wire.card import DEVICE

_NOTHING_LEFT = (
    ", nobody can open these records again, neither the server nor who runs it: what is left is"
    " a file that was exported before."
)
_OTHERS_LEFT = (
    ", nobody can let you in as yourself again: the records stay on the other members' phones, an"
    " owner can let you in as a new person, and any member can start a new vault from what her phone holds."
)
_LINK = "Make a code (`carnet recovery new`), link a second phone (`carnet link`), or `carnet export` everything."
_CONFIRM = (
    "Look for the paper and type two groups of it back: `carnet recovery confirm`. Without the paper: `carnet recovery"
    " show`, or `carnet recovery new` for another code."
)


async def outlook(rows: Rows) -> dict[str, Any]:
    """By vault: one's own phones, recovery cards and the other people's phones; and in words what is not well."""
    identity = await identity_of(rows)
    confirmed = not identity.recovery_check
    vaults, words = [], []
    for number in await rows.vaults():
        table = (await rows.get_vault(number)).log.table
        if identity.device not in table.live():
            continue
        person = table.cards[identity.device].person
        phones, cards = len(own_phones(table, person)), len(recovery_cards(table, person))
        others = sum(row.kind == DEVICE and row.person != person for row in table.live().values())
        name = Names({VAULT_RECORD: await read_record(rows, number, VAULT_RECORD)}).vault()
        vaults.append({"vault": name, "phones": phones, "recovery_cards": cards, "others": others})
        if phones == 1 and not (cards and confirmed):
            lacks = "a recovery code that nobody has confirmed" if cards else "no recovery card"
            lost = "If this phone is lost, and that code with it" if cards else "If this phone is lost"
            words.append(
                f"In “{name}” you have one phone and {lacks}. {lost}{_OTHERS_LEFT if others else _NOTHING_LEFT}"
                f" {_CONFIRM if cards else _LINK}"
            )
        elif not cards:
            words.append(
                f"In “{name}” you have no recovery card: only another phone of yours can let a new one in."
                " `carnet recovery new` makes a code."
            )
    return {
        "confirmed": confirmed and any(vault["recovery_cards"] for vault in vaults),
        "vaults": vaults,
        "words": words,
    }
