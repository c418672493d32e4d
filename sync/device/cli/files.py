"""Commands about files: import, sources, export."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from sync.device.cli.card_reading import HEALTH_CARD, bundle_of, card_texts, card_words, check_cards
from sync.device.cli.context import DONE, WAITS, Context, read_file
from sync.device.cli.passcodes import read_passcode
from sync.device.cli.waiting import exit_code
from sync.device.files import export_collection, export_document, import_files, sources
from sync.device.foreign_links import follow, parse_link
from sync.device.health_cards import Checked
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.share_laying import FHIR_JSON
from sync.fhir import exact
from sync.vault.health_card import NUMERIC
from sync.vault.share import LINK_SCHEME

_OTHERS = {
    "application/smart-api-access": "a way into another system, which carnet does not use",
}


async def take_files(context: Context, options: argparse.Namespace) -> int:
    """Takes FHIR R4 files in."""
    async with context.phone() as phone:
        read, passed_over, cards = await _read_all(context, phone, options)
        with context.watching() as watch:
            total = await import_files(
                phone,
                read,
                options.vault,
                source=options.source,
                same_person=options.same_person,
                watch=watch,
            )
        code = await exit_code(phone)
    total["not_understood"] += passed_over
    if cards:
        total["cards"] = [card.document() for card in cards]
    context.result(total)
    if not context.json:
        context.say(f"{total['added']} new, {total['updated']} newer, {total['unchanged']} as before.")
        for card in cards:
            context.say(card_words(card))
        for row in total["held"]:
            context.say(f"Held, nothing taken: {row['why']} ({row['where']})")
            context.say("If it is the same person: the same command with --same-person.")
        for row in total["not_understood"]:
            context.say(f"Kept but not understood: {row['where']}: {row['why']}")
    return WAITS if total["held"] else code


async def _read_all(
    context: Context, phone: Phone, options: argparse.Namespace
) -> tuple[list[tuple[str, bytes]], list[dict[str, str]], list[Checked]]:
    """Every named file, every file behind a named link, what is behind one and not for carnet, and the health cards
    that were among them. Raises: Refused."""
    read: list[tuple[str, bytes]] = []
    passed_over: list[dict[str, str]] = []
    linked: list[Checked] = []
    codes: list[str] = []  # texts of health cards; one card may stand in several
    for name in options.files:
        if NUMERIC in name:
            codes.append(name)
            continue
        if LINK_SCHEME not in name:
            data = read_file(name)
            if (texts := card_texts(data)) is not None:
                codes += texts
            else:
                read.append((name, data))
            continue
        link = parse_link(name, phone.now_ms())
        recipient = options.recipient or context.ask("Your name, as whoever shared this will read it:")
        if not recipient:
            raise Refused("bad_value", "a name is needed to open a link")
        for file in await follow(link, recipient, lambda: read_passcode(options.passcode_file)):
            if file.content_type == FHIR_JSON:
                read.append((file.name, file.data))
            elif file.content_type == HEALTH_CARD:
                try:  # one bad card keeps nothing else out
                    found = await check_cards(
                        [file.data.decode("utf-8", errors="replace")], options, phone, context.folder
                    )
                except Refused as refused:
                    passed_over.append({"where": file.name, "why": refused.title})
                else:
                    linked += found
            else:
                passed_over.append(
                    {"where": file.name, "why": _OTHERS.get(file.content_type, "an unknown kind of file")}
                )
    cards = linked + await check_cards(codes, options, phone, context.folder)
    read += [(f"health card of {card.card.issuer}", bundle_of(card)) for card in cards]
    if not read:
        raise Refused("link_nothing", "; ".join(row["why"] for row in passed_over))
    return read, passed_over, cards


async def list_sources(context: Context, options: argparse.Namespace) -> int:
    """Where records came from."""
    async with context.phone() as phone:
        rows = await sources(phone, options.vault)
    context.result(rows)
    if not context.json:
        for row in rows:
            context.say(f"{row['id'][:8]}  {row['name']}, {row['newest'] or 'undated'}: {row['records']} records")
    return DONE


async def export(context: Context, options: argparse.Namespace) -> int:
    """Everything as one FHIR Bundle, or one imported document given back."""
    unsent: list[dict[str, Any]] = []
    async with context.phone() as phone:
        if options.document:
            bundle, records = await export_document(phone, options.document, options.vault)
        else:
            bundle, records, unsent = await export_collection(phone, options.vault)
        code = await exit_code(phone)
    data = exact.pretty(bundle) + b"\n"
    write_whole(options.file, data)
    context.result({"records": records, "bytes": len(data), "unsent": unsent})
    if not context.json:
        context.say(f"{records} records, {len(data)} bytes, in {options.file}.")
        if unsent:
            context.say("With changes that nobody else has yet:")
        for row in unsent:
            where = "deleted on this phone, so not in the file" if row["deleted"] else "marked in the file"
            context.say(f"  {row['id'][:8]}  {row['label']} ({where})")
    return code


def write_whole(name: str, data: bytes) -> None:
    """The whole file or none, for its owner alone to read; a full disk leaves an older one as it was. Raises: Refused.

    What is no file of its own (a pipe, `/dev/stdout`) is written into, never replaced.
    """
    beside: str | None = None
    try:
        target = Path(name).resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        number, beside = tempfile.mkstemp(prefix=target.name + ".", suffix=".part", dir=target.parent)  # mode 0600
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
        beside = None
    except OSError as error:
        raise Refused("not_written") from error
    finally:
        if beside is not None:
            os.unlink(beside)
