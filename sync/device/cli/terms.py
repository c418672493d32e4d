"""Commands about words for codes: `terms list | install | remove | import | build`, and `codes TEXT`."""

from __future__ import annotations

import argparse
import locale
import os
from pathlib import Path
from typing import Any

import msgspec

from crypto.public.keys import ED25519
from crypto.secret.secret import Secret
from crypto.secret.signing import SEED_BYTES, SigningKey
from sync.device.cli.context import DONE, Context, cell, read_file
from sync.device.cli.files import write_whole
from sync.device.refused import Refused
from sync.device.terms import Held, held_packs, install, lexicon_of, uninstall
from sync.terms.importing import NotUnderstood, body_of, rows_of
from sync.terms.lexicon import Found
from sync.terms.pack import Body, Origin, make_pack


async def run(context: Context, options: argparse.Namespace) -> int:
    """One action; without one, the list."""
    actions = {"list": _list, "install": _install, "remove": _remove, "import": _import, "build": _build}
    return await actions[options.action or "list"](context, options)


async def _list(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        held = await held_packs(phone, context.folder)
    _show(context, held)
    return DONE


def _show(context: Context, held: list[Held]) -> None:
    context.result([_document(one) for one in held])
    if context.json:
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("id", "language", "what", "terms", "signed by", "reviewed by"):
        table.add_column(column, overflow="fold")
    for one in held:
        body = one.pack.body
        reviewed = ", ".join(sorted({origin.reviewed for origin in body.origins}))
        what = f"{body.name} {body.version}"
        by = one.signed_by if not one.shipped else f"{one.signed_by} (came with the phone)"
        table.add_row(one.pack.id.hex()[:8], body.language, cell(what), str(len(body.terms)), cell(by), cell(reviewed))
    context.console.print(table)


def _document(one: Held) -> dict[str, Any]:
    body = one.pack.body
    return {
        "id": one.pack.id.hex(),
        "language": body.language,
        "name": body.name,
        "version": body.version,
        "terms": len(body.terms),
        "signer": one.pack.signer.hex(),
        "signed_by": one.signed_by,
        "shipped": one.shipped,
        "origins": [msgspec.to_builtins(origin) for origin in body.origins],
    }


async def _install(context: Context, options: argparse.Namespace) -> int:
    data = read_file(options.file)
    async with context.phone() as phone:
        held = await install(phone, context.folder, data, options.trust)
    context.result(_document(held))
    if not context.json:
        context.say(f"{len(held.pack.body.terms)} terms in {held.pack.body.language}, signed by {held.signed_by}.")
    return DONE


async def _remove(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        await uninstall(phone, context.folder, options.id)
        held = await held_packs(phone, context.folder)
    _show(context, held)
    return DONE


async def _import(context: Context, options: argparse.Namespace) -> int:
    """Terms out of somebody's file, as a body that `build` signs."""
    text, preferences = _text(options.file), _text(options.preferences) if options.preferences else None
    try:
        rows = rows_of(text, options.lang, preferences)
    except NotUnderstood as error:
        raise Refused("bad_terms", str(error)) from error
    origin = Origin(options.source, options.licence, options.reviewed)
    body = body_of(rows, options.lang, options.name, options.version, origin)
    write_whole(options.out, msgspec.json.encode(body))
    context.result({"language": body.language, "terms": len(body.terms), "rows": len(rows)})
    if not context.json:
        context.say(f"{len(body.terms)} codes with words in {body.language}, in {options.out}: sign it with")
        context.say(f"  carnet terms build {options.out} --key-file KEY --out FILE.pack")
    return DONE


async def _build(context: Context, options: argparse.Namespace) -> int:
    """Signs a body. The key is a file of 32 bytes in hex; one that is not there is made."""
    try:
        seed = _seed(options.key_file)
        body = msgspec.json.decode(read_file(options.file), type=Body)
        key = SigningKey.from_seed(ED25519, Secret(seed))
        data = make_pack(body, key)
    except (msgspec.DecodeError, ValueError) as error:
        raise Refused("bad_terms", "the body or the key is not in order") from error
    write_whole(options.out, data)
    context.result({"terms": len(body.terms), "bytes": len(data), "signer": key.public_key.hex()})
    if not context.json:
        context.say(f"Signed: {options.out}, {len(data)} bytes. Signer: {key.public_key.hex()}")
    return DONE


def _seed(name: str) -> bytes:
    """32 bytes out of a file, which is made if it is not there. Raises: ValueError, Refused."""
    if not Path(name).exists():
        write_whole(name, os.urandom(SEED_BYTES).hex().encode() + b"\n")
    seed = bytes.fromhex(read_file(name).decode("ascii").strip())
    if len(seed) != SEED_BYTES:
        raise ValueError("not 32 bytes")
    return seed


async def search(context: Context, options: argparse.Namespace) -> int:
    """Codes whose words hold this text."""
    async with context.phone() as phone:
        found = await find_codes(context, phone, options.text, options.lang)
    rows = [{"text": text, "codes": [{"system": o.system, "code": o.code} for o in codes]} for text, codes in found]
    context.result(rows)
    if context.json:
        return DONE
    if not found:
        context.hint("No code is known for that. In words alone it is kept, and shown abroad as you wrote it.")
    for text, codes in found:
        context.say(f"{text}   {', '.join(f'{short_system(one.system)} {one.code}' for one in codes)}")
    return DONE


async def find_codes(context: Context, phone: Any, text: str, lang: str | None) -> list[tuple[str, list[Found]]]:
    """What a search finds in one language, or in all that the packs have (the person's own first), things with the
    same name as one."""
    held = await held_packs(phone, context.folder)
    languages = [lang] if lang else sorted({one.pack.body.language for one in held}, key=lambda one: one != own_lang())
    grouped: dict[str, list[Found]] = {}
    seen: set[tuple[str, str]] = set()
    for language in languages:
        for one in lexicon_of(held, language).search(text):
            if (one.system, one.code) not in seen:
                seen.add((one.system, one.code))
                grouped.setdefault(one.text, []).append(one)
    return list(grouped.items())


async def coded(context: Context, phone: Any, text: str, lang: str | None) -> dict[str, Any]:
    """The CodeableConcept that a text names alone. Raises: Refused(no_code, which_code)."""
    found = await find_codes(context, phone, text, lang)
    exact = [one for one in found if one[0].casefold() == text.casefold() or any(c.code == text for c in one[1])]
    fitting = exact if len(exact) == 1 else found
    if not fitting:
        raise Refused("no_code")
    if len(fitting) > 1:
        raise Refused("which_code", "; ".join(name for name, _ in fitting[:8]))
    name, codes = fitting[0]
    return {
        "coding": [{"system": one.system, "code": one.code, "display": one.text} for one in codes],
        "text": name,
    }


def own_lang() -> str:
    """The language of this terminal, two letters."""
    named = os.environ.get("LANGUAGE") or os.environ.get("LANG") or (locale.getlocale()[0] or "")
    return named[:2].lower() if len(named) >= 2 and named[:2].isalpha() else "en"


def short_system(system: str) -> str:
    """A code system as people call it."""
    names = {"http://snomed.info/sct": "SNOMED CT", "http://www.whocc.no/atc": "ATC", "http://loinc.org": "LOINC"}
    return names.get(system, "ICD-10" if system.startswith("http://hl7.org/fhir/sid/icd-10") else system)


def _text(name: str) -> str:
    try:
        return read_file(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("bad_terms", "not UTF-8") from error
