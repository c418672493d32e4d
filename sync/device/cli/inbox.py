"""The command `inbox`: notes back from whoever had a link: list, show, accept, decline, answer, on, off."""

from __future__ import annotations

import argparse
from typing import Any

from sync.device import inbox, sharing
from sync.device.cli.context import DONE, WAITS, Context, cell
from sync.device.cli.files import write_whole
from sync.device.cli.sharing import document_of
from sync.device.refused import Refused

_STATES = {
    "new": "new",
    "opened": "seen, not decided",
    "accepted": "accepted into your records",
    "declined": "declined",
}


async def run(context: Context, options: argparse.Namespace) -> int:
    """One action; without one, the list."""
    actions = {"show": _show, "accept": _accept, "decline": _decline, "answer": _answer, "on": _switch, "off": _switch}
    return await actions.get(options.action or "list", _list)(context, options)


async def _list(context: Context, options: argparse.Namespace) -> int:
    offline = None
    async with context.phone() as phone:
        try:
            await inbox.fetch_notes(phone)
        except Refused as refused:
            if refused.code != "unreachable":
                raise
            offline = refused
        found = await inbox.listed(phone)
    context.result(found)
    if not context.json:
        if offline is not None:
            context.hint(f"{offline.title}: what is here already.")
        if not found:
            context.hint(
                "No note has come back. Whoever opens a link of yours can send one, unless it is switched off."
            )
        for one in found:
            context.say(f"{one['number']}  {_line(one)}: {_STATES[one['state']]}")
    undecided = any(one["state"] in ("new", "opened") for one in found)
    return WAITS if undecided else DONE


async def _show(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        told, content = await inbox.look(phone, options.number)
    paper = None if content is None else content.document
    if options.save:
        if paper is None:
            raise Refused("no_such_document")
        write_whole(options.save, paper.data)
    context.result(told)
    if not context.json:
        context.say(f"{_line(told)}: {_STATES[told['state']]}")
        context.say("The name is what the sender typed. Everybody who had this link could have sent it.")
        if told["text"]:
            context.say(f"\n{told['text']}\n")
        if paper is not None:
            context.say(f"With it: {paper.name} ({paper.type}, {len(paper.data)} bytes); --save FILE writes it out.")
        if told["answer"]:
            context.say(f"Your answer: {told['answer']}")
    return DONE


async def _accept(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        told = await inbox.accept(phone, options.number)
    return _decided(context, told, "It stands in your records and in your next summary, with who it is from.")


async def _decline(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        told = await inbox.decline(phone, options.number)
    return _decided(context, told, "It is gone, here and on the server. The sender is not told.")


async def _answer(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        told = await inbox.answer(phone, options.number, options.text)
    return _decided(context, told, "Whoever opens the link again can read your answer: everybody who has it.")


async def _switch(context: Context, options: argparse.Namespace) -> int:
    on = options.action == "on"
    async with context.phone() as phone:
        share = await sharing.switch_inbox(phone, options.share, on)
    context.result(document_of(share))
    if not context.json:
        name = share.held.word.label or "The share"
        context.say(f"{name}: {'notes can be sent back' if on else 'no note can be sent back any more'}.")
    return DONE


def _decided(context: Context, told: dict[str, Any], words: str) -> int:
    context.result(told)
    if not context.json:
        context.say(words)
    return DONE


def _line(one: dict[str, Any]) -> str:
    who = cell(one["from"]) if one["readable"] and one["from"] else "a note that cannot be read"
    at = (one["sent_at"] or "")[:16].replace("T", " ")
    return f"{who}, who had the link {one['share']['label'] or one['share']['id'][:8]}, {at} UTC"
