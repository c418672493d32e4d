"""A person with a vault on a server in this process, made by shipped code."""

from __future__ import annotations

from sync.device.founding import found
from sync.device.phone import Phone
from sync.device.syncing import sync
from tests.faults.phone_killing import ORIGIN


async def founded(phone: Phone, person: str = "Testa Testperson") -> str:
    """Founds a vault on a phone and brings it to the server; gives the recovery code."""
    made = await found(phone, ORIGIN, person, "phone A", "records of a test", subject=True)
    await sync(phone)
    return made.recovery_code
