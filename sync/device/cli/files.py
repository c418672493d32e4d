"""Commands about files: import, sources, export."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from sync.device.cli.context import DONE, WAITS, Context, read_file
from sync.device.cli.waiting import exit_code
from sync.device.files import export_collection, export_document, import_files, sources
from sync.device.refused import Refused
from sync.fhir import exact


async def take_files(context: Context, options: argparse.Namespace) -> int:
    """Takes FHIR R4 files in."""
    async with context.phone() as phone:
        read = [(name, read_file(name)) for name in options.files]
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
    context.result(total)
    if not context.json:
        context.say(f"{total['added']} new, {total['updated']} newer, {total['unchanged']} as before.")
        for row in total["held"]:
            context.say(f"Held, nothing taken: {row['why']} ({row['where']})")
            context.say("If it is the same person: the same command with --same-person.")
        for row in total["not_understood"]:
            context.say(f"Kept but not understood: {row['where']}: {row['why']}")
    return WAITS if total["held"] else code


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
