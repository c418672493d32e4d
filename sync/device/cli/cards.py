"""Commands about what is carried in a pocket: `card`, `card --contact`, `card list`, `card withdraw`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import Any

from sync.device.cli.context import DONE, Context
from sync.device.cli.files import write_whole
from sync.device.cli.terms import own_lang
from sync.device.contact_card import contact_card
from sync.device.emergency import emergency_share
from sync.device.health_cards import MadeCard, issued_cards, make_card, withdraw_card
from sync.device.languages import LANGUAGES, language, reader_of
from sync.device.moments import when
from sync.device.refused import Refused
from sync.device.sharing import LIVE, NOT_KNOWN, link_of
from sync.device.summaries import summarize
from sync.device.terms import held_packs
from sync.fhir.summary.translating import Reader
from sync.vault.health_card import NUMERIC, file_of, numeric
from sync.wire.issuer import IssuerId, issuer_text, issuer_url

_LANGUAGES_MAX = 2


async def run(context: Context, options: argparse.Namespace) -> int:
    """One action; without one, a card is made."""
    if options.action == "list":
        return await _list(context)
    if options.action == "withdraw":
        return await _withdraw(context, options)
    return await (_contact if options.contact else _health_card)(context, options)


async def _health_card(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        made = await make_card(phone, options.vault)
        readers = await _readers(context, phone, options)
        if options.pdf:
            await _print(context, phone, options, readers, made)
    code = card_code(made.jws)
    if options.file:
        write_whole(options.file, file_of(made.jws))
    _pictures(code, options)
    issuer = IssuerId(made.issued.issuer)
    told = {
        "kind": "health_card",
        "issuer": issuer_url(made.issued.server, issuer),
        "text": numeric(made.jws),
        "characters": len(made.jws),
        "code": code.designator,
        "kept": [one.label for one in made.pocket.kept],
        "left_out": [one.label for one in made.pocket.left_out],
        "published": made.why is None,
    }
    context.result(told)
    if not context.json:
        _draw(context, code)
        context.say(f"A SMART Health Card with {len(made.pocket.kept)} entries ({code.designator} code).")
        _tell_left_out(context, told["left_out"])
        context.say("Readers are told: carried by the patient, unaltered since today. Nobody has certified it.")
        if made.why is not None:
            context.say(f"{made.why}. Nobody can check it until the next sync: `carnet sync`.")
        context.say(f"Lost it? `carnet card withdraw {issuer_text(issuer)[:8]}`.")
    return DONE


async def _contact(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        made, _ = await summarize(phone, options.vault)
        readers = await _readers(context, phone, options)
        if options.pdf:
            await _print(context, phone, options, readers, None)
    card = contact_card(made, readers)
    code = contact_code(card.text)
    _pictures(code, options)
    told = {
        "kind": "contact",
        "text": card.text,
        "bytes": len(card.text.encode()),
        "code": code.designator,
        "kept": [one.text for one in card.kept],
        "left_out": [one.text for one in card.left_out],
    }
    context.result(told)
    if not context.json:
        _draw(context, code)
        context.say(f"A contact with {len(card.kept)} lines, {told['bytes']} bytes ({code.designator} code).")
        _tell_left_out(context, told["left_out"])
        context.say("Any phone's camera opens it, without network. Whoever scans it reads it.")
    return DONE


async def _print(
    context: Context, phone: Any, options: argparse.Namespace, readers: Sequence[Reader], health: MadeCard | None
) -> None:
    from sync.device.cli.wallet_pdf import wallet

    made, at = await summarize(phone, options.vault)
    lang = own_lang() if own_lang() in LANGUAGES else "en"
    own = reader_of(lang, await held_packs(phone, context.folder))
    on = await emergency_share(phone, options.vault)
    link = link_of(on.held) if on is not None and on.state in (LIVE, NOT_KNOWN) else None
    carried = None if health is None else (health.jws, [one.label for one in health.pocket.left_out])
    write_whole(options.pdf, wallet(made, at, readers, own, carried, link))


async def _list(context: Context) -> int:
    async with context.phone() as phone:
        found = await issued_cards(phone)
    rows = [
        {
            "issuer": issuer_url(one.server, IssuerId(one.issuer)),
            "made_at": when(one.made_at),
            "state": "withdrawn" if one.withdrawn else "published" if one.published else "waiting",
        }
        for one in found
    ]
    context.result(rows)
    if not context.json:
        for row in rows:
            context.say(f"{str(row['issuer']).rpartition('/')[2][:8]}  {str(row['made_at'])[:16]}  {row['state']}")
        if not rows:
            context.hint("No health card was made on this phone. `carnet card` makes one.")
    return DONE


async def _withdraw(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        why = await withdraw_card(phone, options.id)
    context.result({"withdrawn": True, "known": why is None})
    if not context.json:
        context.say("Withdrawn: nobody can check it any more." if why is None else f"{why}. Kept for the next sync.")
    return DONE


async def _readers(context: Context, phone: Any, options: argparse.Namespace) -> list[Reader]:
    """Who is to read it. Raises: Refused."""
    langs = [language(one) for one in (options.lang or "en").split(",") if one.strip()]
    if not 1 <= len(langs) <= _LANGUAGES_MAX:
        raise Refused("bad_value", "one language or two")
    held = await held_packs(phone, context.folder)
    return [reader_of(lang, held) for lang in dict.fromkeys(langs)]


def card_code(jws: str) -> Any:
    """The QR of a health card: its scheme as bytes, the rest as digits, level L ("Creating a QR code")."""
    import segno
    from segno import consts

    digits = numeric(jws)[len(NUMERIC) :]
    parts: Any = [(NUMERIC, consts.MODE_BYTE), (digits, consts.MODE_NUMERIC)]
    return segno.make(parts, error="l", boost_error=False, micro=False)


def contact_code(text: str) -> Any:
    """The QR of a vCard, level M."""
    import segno

    return segno.make(text, error="m", boost_error=False, micro=False, encoding="utf-8")


def _tell_left_out(context: Context, left_out: list[str]) -> None:
    if left_out:
        context.say(f"NOT on it, for lack of room: {'; '.join(left_out)}")


def _draw(context: Context, code: Any) -> None:
    if not context.quiet and sys.stdout.isatty():
        code.terminal(out=sys.stdout, compact=True)


def _pictures(code: Any, options: argparse.Namespace) -> None:
    for kind, name in (("svg", options.svg), ("png", options.png)):
        if name:
            picture = io.BytesIO()
            code.save(picture, kind=kind, scale=5, border=4, dark="black", light="white")
            write_whole(name, picture.getvalue())
