"""Exit code 3: done, but something waits for a person (questions, quarantine, findings, an unproved vault)."""

from __future__ import annotations

from sync.device.cli.context import DONE, WAITS
from sync.device.overview import waits_for_a_person
from sync.device.phone import Phone


async def exit_code(phone: Phone, numbers: list[int] | None = None, *, asked: bool | None = None) -> int:
    """3 if anything waits in these vaults, or in any; else 0. `asked`: whether a question is open, if that is known."""
    return WAITS if asked or await waits_for_a_person(phone, numbers, look_for_questions=asked is None) else DONE
