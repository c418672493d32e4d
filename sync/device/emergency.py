"""Emergency access: one long-term link without passcode over the critical sections, given in advance.

What it is: a share like others, with one word more: every opening is told to all owners of the vault at once. What it
is not: a way in for anybody who lacks the link; a blind server cannot break glass, the citizen can.
Spec: openapi/protocol/shares.md, SHR-40 to SHR-42.
"""

from __future__ import annotations

from sync.device.phone import Phone
from sync.device.reading import choose_vault, identity_of
from sync.device.refused import Refused
from sync.device.share_register import is_of
from sync.device.sharing import Held, Share, Wish, create, revoke, shares
from sync.fhir.summary.sections import CRITICAL

LABEL = "Emergency"


async def emergency_share(phone: Phone, vault: str | None) -> Share | None:
    """The emergency link of a vault and how it stands; None if there is none. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity, number = await identity_of(rows), await choose_vault(rows, vault)
    for share in await shares(phone, vault):
        word = share.held.word
        mine = is_of(word, identity.account, identity.server)
        if share.held.number == number and word.emergency and not word.revoked and mine:
            return share
    return None


async def switch_on(phone: Phone, vault: str | None) -> Share:
    """The emergency link, made if there is none. Raises: Refused."""
    standing = await emergency_share(phone, vault)
    if standing is not None:
        return standing
    return await create(
        phone, Wish(vault=vault, label=LABEL, long_term=True, sections=(*CRITICAL, "alerts", "devices"), emergency=True)
    )


async def switch_off(phone: Phone, vault: str | None) -> Share:
    """Ends it for good; another `on` makes another link. Raises: Refused(no_emergency)."""
    standing = await emergency_share(phone, vault)
    if standing is None:
        raise Refused("no_emergency")
    held: Held = standing.held
    return await revoke(phone, held.share.hex(), vault)
