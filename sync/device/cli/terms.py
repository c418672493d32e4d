"""Commands about words for codes: `terms list | available | fetch | install | remove | import | build`, and `codes`."""

from __future__ import annotations

import argparse
import locale
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from crypto.public.keys import ED25519
from crypto.secret.secret import Secret
from crypto.secret.signing import SEED_BYTES, SigningKey
from sync.device.cli.context import DONE, Context, cell, read_file
from sync.device.cli.files import write_whole
from sync.device.fetched_terms import fetch, offered
from sync.device.refused import Refused
from sync.device.terms import Held, held_packs, install, lexicon_of, uninstall
from sync.terms.importing import NotUnderstood, body_of, rows_of
from sync.terms.lexicon import Found, Lexicon
from sync.terms.pack import Body, Origin, make_pack


async def run(context: Context, options: argparse.Namespace) -> int:
    """One action; without one, the list."""
    actions = {"list": _list, "available": _available, "fetch": _fetch, "install": _install, "remove": _remove}
    actions |= {"import": _import, "build": _build}
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


async def _available(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        found = await offered(phone, context.folder)
    context.result([msgspec.to_builtins(one.listed) | {"held": one.held} for one in found])
    if context.json:
        return DONE
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("id", "language", "what", "bytes", ""):
        table.add_column(column, overflow="fold")
    for listed, held in found:
        what = cell(f"{listed.name} {listed.version}")
        table.add_row(listed.id[:8], cell(listed.language), what, str(listed.bytes), "on this phone" if held else "")
    context.console.print(table)
    context.say("`carnet terms fetch XX` fetches one language; without XX all, so that nobody learns which you need.")
    return DONE


async def _fetch(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        done = await fetch(phone, context.folder, options.wanted, options.trust)
    refused = [msgspec.to_builtins(listed) | {"code": code} for listed, code in done.refused]
    context.result({"kept": [_document(one) for one in done.kept], "refused": refused})
    if not context.json:
        for one in done.kept:
            context.say(f"{len(one.pack.body.terms)} terms in {one.pack.body.language}, signed by {one.signed_by}.")
        for listed, code in done.refused:
            context.say(f"Not kept: {listed.name} in {listed.language} ({listed.id[:8]}): {Refused(code).title}.")
        if not done.kept and not done.refused:
            context.say("This phone has all of that already.")
    return DONE


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
        seed = seed_of(options.key_file)
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


def seed_of(name: str) -> bytes:
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
    return grouped(lexicon.search(text) for lexicon in lexicons(held, lang))


def lexicons(held: Sequence[Held], lang: str | None = None) -> list[Lexicon]:
    """What the packs say in one language, or in each that they have, the person's own first."""
    languages = [lang] if lang else sorted({one.pack.body.language for one in held}, key=lambda one: one != own_lang())
    return [lexicon_of(held, language) for language in languages]


def grouped(answers: Iterable[Sequence[Found]]) -> list[tuple[str, list[Found]]]:
    """Answers of several languages as one, things with the same name together, each code once."""
    named: dict[str, list[Found]] = {}
    seen: set[tuple[str, str]] = set()
    for answer in answers:
        for one in answer:
            if (one.system, one.code) not in seen:
                seen.add((one.system, one.code))
                named.setdefault(one.text, []).append(one)
    return list(named.items())


async def coded(context: Context, phone: Any, text: str, lang: str | None) -> dict[str, Any]:
    """The CodeableConcept that a text names alone. Raises: Refused(no_code, which_code)."""
    fitting = fitting_alone(await find_codes(context, phone, text, lang), text)
    if not fitting:
        raise Refused("no_code")
    if len(fitting) > 1:
        raise Refused("which_code", "; ".join(name for name, _ in fitting[:8]))
    return concept_of(*fitting[0])


def fitting_alone(found: list[tuple[str, list[Found]]], text: str) -> list[tuple[str, list[Found]]]:
    """Of what was found, the one thing that is called just so, or has just this code; else all of it."""
    exact = [one for one in found if one[0].casefold() == text.casefold() or any(c.code == text for c in one[1])]
    return exact if len(exact) == 1 else found


def concept_of(name: str, codes: Sequence[Found]) -> dict[str, Any]:
    """A CodeableConcept with these codes."""
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
