"""Commands about what waits for a person: conflicts, resolve."""

from __future__ import annotations

import argparse

from sync.device.cli.context import DONE, Context, read_value
from sync.device.cli.waiting import exit_code
from sync.device.questions import list_conflicts, resolve
from sync.fhir import exact

_WORDS = {
    "value": "Two people wrote something different. Which is right?",
    "deleted_while_edited": "One deleted this while another changed it. Keep it or delete it?",
    "source_changed": "A newer copy from the source says something else than what a person wrote.",
    "duplicate": "These two look like the same thing.",
}
_ANSWERS = {
    "value": "--take N, or --value JSON",
    "deleted_while_edited": "--keep or --delete",
    "source_changed": "--take N, or --value JSON",
    "duplicate": "--merge ID (the one that stays) or --not-same",
}


async def conflicts(context: Context, options: argparse.Namespace) -> int:
    """What waits for a person, one question a record."""
    async with context.phone() as phone:
        found = await list_conflicts(phone, options.vault)
        code = await exit_code(phone, asked=bool(found) if options.vault is None else (True if found else None))
    context.result([question._asdict() for question in found])
    if not context.json:
        if not found:
            context.say("Nothing waits for you.")
        for question in found:
            context.say(f"\n{question.id}  {question.label}\n  {_WORDS[question.kind]}")
            for number, value in enumerate(question.values, 1):
                said = [value["words"], exact.canonical(value["value"]).decode()]
                by = ", ".join(str(part) for part in (value["person"], value["device"], value["at"]) if part)
                context.say("\n      ".join([f"   {number}  {by}", *(part for part in said if part)]))
            context.say(f"  Answer with: carnet resolve {question.id} {_ANSWERS[question.kind]}")
    return code


async def settle(context: Context, options: argparse.Namespace) -> int:
    """Settles one question."""
    value = read_value(options.value) if options.value is not None else None
    async with context.phone() as phone:
        record, dot = await resolve(
            phone,
            options.conflict,
            options.vault,
            take=options.take,
            value=value,
            keep=options.keep,
            delete=options.delete,
            merge=options.merge,
            not_same=options.not_same,
        )
    context.result({"record": record.hex(), "dot": dot})
    if not context.json:
        context.say("Settled. It is sent with the next sync.")
    return DONE
