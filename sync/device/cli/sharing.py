"""Commands about shares: `share create | list | show | change | pause | resume | revoke | log`."""

from __future__ import annotations

import argparse
import io
import re
import sys
from typing import Any

from sync.device import sharing
from sync.device.cli.context import DONE, Context, cell
from sync.device.cli.files import write_whole
from sync.device.cli.passcodes import read_passcode
from sync.device.cli.summary import section_names
from sync.device.moments import when
from sync.device.people import end_of_day
from sync.device.phone import Phone
from sync.device.reading import read_vault
from sync.device.records import Labels
from sync.device.refused import Refused
from sync.device.sharing import Held, Share, Wish
from sync.merge.change import RecordId
from sync.vault.share import DIRECT, LONG_TERM, PASSCODE

_PASSCODE_DIGITS = 6
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hd])\Z")
_SPAN_MS = {"h": 3_600_000, "d": 86_400_000}
_STATES = {
    sharing.LIVE: "open",
    sharing.PAUSED: "paused: nobody can open it",
    sharing.REVOKED: "revoked, for good",
    sharing.ENDED: "ended",
    sharing.USED_UP: "opened as often as it may be",
    sharing.LOCKED: "closed: too many wrong passcodes",
    sharing.NOT_LAID: "not on the server yet: it opens after the next sync",
    sharing.ELSEWHERE: "made with another account: its state is not known here",
    sharing.NOT_KNOWN: "not known offline",
    sharing.NO_OWNER: "closed: you are no owner of these records any more",
}
_OF_OTHERS = {
    sharing.ELSEWHERE: "made by {}: how it stands is not known here",
    sharing.NO_OWNER: "closed: {}, who made it, is no owner of these records any more",
}
_OUTCOMES = {"opened": "opened", "wrong_passcode": "wrong passcode"}


async def run(context: Context, options: argparse.Namespace) -> int:
    """One action; without one, the list."""
    actions = {
        "create": _create,
        "list": _list,
        "show": _show,
        "change": _change,
        "pause": _pause,
        "resume": _pause,
        "revoke": _revoke,
        "log": _log,
    }
    return await actions[options.action or "list"](context, options)


async def _create(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        wish = Wish(
            options.vault,
            options.label,
            options.long_term,
            options.direct,
            _passcode(phone, options),
            _end(options.expires, phone.now_ms()) if options.expires else None,
            options.max_opens,
            section_names(options.sections),
            _names(options.records),
            _names(options.without) or (),
            options.eu,
            options.viewer,
            not options.no_inbox,
        )
        made = await sharing.create(phone, wish)
    link, word = sharing.link_of(made.held), made.held.word
    write_pictures(made.held, link, options)
    context.result(document_of(made) | {"link": link, "passcode": word.passcode})
    if not context.json:
        _tell_link(context, made.held, link)
        if word.expires_at is None and word.opens_max is None:
            context.say("It has no end: `carnet share revoke` ends it.")
        if made.state != sharing.LIVE:
            context.say(f"{made.why}. The link opens nothing until the next sync: `carnet sync`.")
    return DONE


async def _show(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        held = await sharing.find(phone, options.id, options.vault)
    if held.word.revoked:
        raise Refused("share_revoked")
    link = sharing.link_of(held)
    write_pictures(held, link, options)
    context.result(document_of(Share(held, sharing.NOT_KNOWN)) | {"link": link, "passcode": held.word.passcode})
    if not context.json:
        _tell_link(context, held, link)
    return DONE


async def _change(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        wish = sharing.Change()
        if options.expires:
            wish = wish._replace(expires_at=_end(options.expires, phone.now_ms()))
        if options.max_opens is not None:
            wish = wish._replace(opens_max=options.max_opens)
        if (passcode := _passcode(phone, options)) is not None:
            wish = wish._replace(passcode=passcode)
        no = options.no or ()
        wish = wish._replace(
            expires_at=None if "end" in no else wish.expires_at,
            opens_max=None if "max-opens" in no else wish.opens_max,
            passcode=None if "passcode" in no else wish.passcode,
        )
        if wish == sharing.Change():
            raise Refused("bad_value", "nothing to change: name an end, a maximum of opens or a passcode")
        before = sharing.link_of(await sharing.find(phone, options.id, options.vault))
        share = await sharing.change(phone, options.id, wish, options.vault)
    link, word = sharing.link_of(share.held), share.held.word
    write_pictures(share.held, link, options)
    context.result(document_of(share) | {"link": link, "passcode": word.passcode})
    if not context.json:
        _tell_link(context, share.held, link)
        if link != before:
            context.say("The old link and code still lead there; the new ones also say what has changed.")
        _tell_if_waiting(context, share)
    return DONE


def _tell_if_waiting(context: Context, share: Share) -> None:
    if share.why is not None:
        context.say(f"{share.why}. Until the next sync it stands as before: `carnet sync`.")


def _tell_link(context: Context, held: Held, link: str) -> None:
    """The link as text and as a picture, the passcode, and what to do with them."""
    context.say("Whoever has this link can read what you share. Show the code, or send the link:")
    context.say(f"\n    {link}\n")
    draw(context, link)
    if held.word.passcode is not None:
        context.say(
            f"Passcode: {held.word.passcode}   (tell it apart from the link; also: carnet share list --secrets)"
        )
    if held.word.expires_at is not None:
        context.say(f"It ends {_moment(held.word.expires_at)}.")
    handle = held.share.hex()[:8]
    context.say(f"Who opened it:  carnet share log {handle}      End it:  carnet share revoke {handle}")


async def _list(context: Context, options: argparse.Namespace) -> int:
    secrets_too = getattr(options, "secrets", False)
    async with context.phone() as phone:
        found = await sharing.shares(phone, options.vault)
        labels = await _labels(phone, [share.held for share in found]) if not context.json else {}
    shown = []
    for share in found:
        more = {"link": sharing.link_of(share.held), "passcode": share.held.word.passcode} if secrets_too else {}
        shown.append(document_of(share) | more)
    context.result(shown)
    if context.json:
        return DONE
    if not found:
        context.hint("Nothing is shared. Share your summary with `carnet share create`.")
    for share in found:
        word = share.held.word
        context.say(f"{share.held.share.hex()[:8]}  {word.label or 'Patient summary'}: {_stands(share)}")
        for line in _details(share, labels):
            context.say(f"          {line}")
        if secrets_too and not word.revoked:
            context.say(f"          {sharing.link_of(share.held)}")
            context.say(f"          passcode: {word.passcode or 'none'}")
    return DONE


async def _labels(phone: Phone, held: list[Held]) -> dict[str, str]:
    """The lines of the records that shares name."""
    out: dict[str, str] = {}
    named = [one for one in held if one.word.records or one.word.without]
    async with phone.store.transaction() as rows:
        for one in named:
            vault = await read_vault(rows, one.number)
            lines = Labels(vault)
            for id_ in (*(one.word.records or ()), *one.word.without):
                record = vault.record(RecordId(bytes.fromhex(id_)))
                out[id_] = lines.of(record) if record is not None else id_[:8]
    return out


def _details(share: Share, labels: dict[str, str]) -> list[str]:
    word, found = share.held.word, share.found
    kinds = []
    if LONG_TERM in word.flags:
        kinds.append("follows your records")
    if PASSCODE in word.flags:
        kinds.append("asks a passcode")
    if DIRECT in word.flags:
        kinds.append("direct")
    if word.expires_at is not None:
        kinds.append(f"ends {_moment(word.expires_at)}")
    if found is not None:
        kinds.append(f"opened {found.opens}" + (f" of {found.opens_max}" if found.opens_max else "") + " times")
        if found.attempts_left is not None:
            kinds.append(f"{found.attempts_left} tries of the passcode left")
    lines = [" · ".join(kinds)] if kinds else []
    if word.sections is not None:
        lines.append(
            "with the sections: " + ", ".join(word.sections) + " (allergies, problems, medicines always stand)"
        )
    if word.records is not None:
        lines.append("only: " + "; ".join(labels.get(id_, id_[:8]) for id_ in word.records))
    if word.without:
        lines.append("without: " + "; ".join(labels.get(id_, id_[:8]) for id_ in word.without))
    return lines


async def _pause(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        wish = sharing.Change(paused=options.action == "pause")
        share = await sharing.change(phone, options.id, wish, options.vault)
    context.result(document_of(share))
    if not context.json:
        if share.why is None:
            context.say(f"{share.held.word.label or 'The share'}: {_stands(share)}.")
        _tell_if_waiting(context, share)
    return DONE


def _stands(share: Share) -> str:
    return _OF_OTHERS[share.state].format(share.maker) if share.maker else _STATES[share.state]


async def _revoke(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        share = await sharing.revoke(phone, options.id, options.vault)
    context.result(document_of(share))
    if not context.json:
        if share.state == sharing.REVOKED:
            context.say("Revoked: the link opens nothing any more.")
        elif share.state == sharing.ELSEWHERE:
            context.say("Kept. A phone of whoever made it ends it with its next sync; until then it may still open.")
        elif share.state == sharing.NO_OWNER:
            context.say(f"Kept. It opens nothing as it is: {share.maker}, who made it, is no owner here any more.")
        else:
            context.say(f"{share.why}. It may still open until the next sync: `carnet sync`.")
    return DONE


async def _log(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        found = await sharing.openings(phone, options.id, options.vault)
    context.result(found)
    if context.json:
        return DONE
    if not found:
        context.hint("Nobody has opened it.")
        return DONE
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("when (UTC)", "who, in their own words", "what", "from"):
        table.add_column(column, overflow="fold")
    for one in found:
        at = (one["at"] or "")[:19].replace("T", " ")
        who = one["recipient"] if one["readable"] else "cannot be read"
        table.add_row(at, cell(who), cell(_OUTCOMES.get(one["outcome"], one["outcome"])), cell(one["address"]))
    context.console.print(table)
    return DONE


def document_of(share: Share) -> dict[str, Any]:
    """The JSON of a share, as cli.md has it, without what opens it."""
    held, found = share.held, share.found
    word = held.word
    return {
        "id": held.share.hex(),
        "label": word.label,
        "state": share.state,
        "made_by": share.maker,
        "made_at": when(word.made_at),
        "expires_at": when(word.expires_at),
        "long_term": LONG_TERM in word.flags,
        "direct": DIRECT in word.flags,
        "asks_passcode": PASSCODE in word.flags,
        "opens": None if found is None else found.opens,
        "opens_max": word.opens_max,
        "attempts_left": None if found is None else found.attempts_left,
        "inbox": word.takes_notes() if found is None else found.inbox,
        "sections": None if word.sections is None else list(word.sections),
        "records": None if word.records is None else list(word.records),
        "without": list(word.without),
    }


def _passcode(phone: Phone, options: argparse.Namespace) -> str | None:
    """What was typed, read from a file, or drawn. Raises: Refused."""
    if options.passcode == "new":
        # 8 bytes over a million: the bias is far below what five tries could use.
        return f"{int.from_bytes(phone.draw(8), 'big') % 10**_PASSCODE_DIGITS:0{_PASSCODE_DIGITS}}"
    if options.passcode_file or options.passcode == "ask":
        return read_passcode(options.passcode_file, "Passcode for this share")
    return None


def _end(text: str, now_ms: int) -> int:
    """An end as people write it: hours, days, or a day. Raises: Refused(bad_expiry)."""
    if span := _SPAN.match(text.strip().lower()):
        return now_ms + int(span.group(1)) * _SPAN_MS[span.group(2)]
    try:
        return end_of_day(text, now_ms)
    except Refused as refused:
        raise Refused("bad_expiry", refused.detail) from refused


def _names(text: list[str] | None) -> list[str] | None:
    return None if text is None else [name.strip() for part in text for name in part.split(",") if name.strip()]


def states() -> dict[str, str]:
    """How a share stands, in words."""
    return _STATES


def _moment(ms: int) -> str:
    return (when(ms) or "")[:16].replace("T", " ") + " UTC"


def link_code(link: str) -> Any:
    import segno

    return segno.make(link, error="m", boost_error=False, micro=False)


def draw(context: Context, link: str) -> None:
    """The link as a picture, for a camera; on a terminal alone."""
    if not context.quiet and sys.stdout.isatty():
        link_code(link).terminal(out=sys.stdout, compact=True)


def write_pictures(held: Held, link: str, options: argparse.Namespace) -> None:
    """The link as SVG, as PNG, and as a page to print, where asked for."""
    for kind, name in (("svg", options.svg), ("png", options.png)):
        if name:
            picture = io.BytesIO()
            link_code(link).save(picture, kind=kind, scale=6, border=4, dark="black", light="white")
            write_whole(name, picture.getvalue())
    if options.page:
        from sync.device.cli.share_page import page

        word = held.word
        end = None if word.expires_at is None else _moment(word.expires_at)
        svg = link_code(link).svg_inline(scale=6, border=4, dark="black", light="white", omitsize=True)
        write_whole(options.page, page(word.label, link, svg, end, asks_passcode=word.passcode is not None))
