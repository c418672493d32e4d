"""The checklist before a journey: is the link live and fresh, the passcode known, a card made, the language covered?

What it is: what a phone knows by itself, each gap with the one command that closes it. What it is not: it closes none.
Spec: openapi/protocol/cli.md, `trip`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sync.device import sharing
from sync.device.emergency import emergency_share
from sync.device.health_cards import issued_cards
from sync.device.languages import LANGUAGES, coverage_of, reader_of
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.sharing import Share
from sync.device.summaries import summarize
from sync.device.terms import held_packs
from sync.fhir.summary.sections import CRITICAL
from sync.vault.share import LONG_TERM

OK, GAP, LOOK = "ok", "gap", "look"  # LOOK: nothing is missing, and somebody should know
_STALE_MS = 7 * 86_400_000
_SOON_MS = 30 * 86_400_000


class Item(NamedTuple):
    """One line of the checklist. `command`: what closes the gap, without `carnet`; None if there is none."""

    what: str
    state: str
    words: str
    command: str | None = None


async def checklist(phone: Phone, folder: Path, langs: Sequence[str], vault: str | None) -> list[Item]:
    """Everything to look at before a journey to where these languages are read. Raises: Refused."""
    made, _ = await summarize(phone, vault)
    held = await held_packs(phone, folder)
    found = await sharing.shares(phone, vault)
    items = [*_link(phone, found), _emergency(await emergency_share(phone, vault)), await _card(phone)]
    for lang in langs:
        covered = coverage_of(made, reader_of(lang, held))
        name = LANGUAGES[lang][0]
        page = f"summary --lang {lang} --html summary-{lang}.html"
        if covered.missing:
            missing = ", ".join(covered.missing)
            words = f"{covered.words()}. As you wrote it stays: {missing}"
            items.append(Item(f"In {name}", LOOK, words, page))
        else:
            items.append(Item(f"In {name}", OK, f"all {covered.of} critical entries", page))
    lines = [line for told in made.sections if told.section.name in CRITICAL for line in told.lines]
    old = sum(line.old and line.active for line in lines)
    disputed = len({line.record for line in lines if line.disputed})
    if old:
        items.append(Item("Confirmed", GAP, f"{old} entries that nobody has confirmed within a year", "review"))
    else:
        items.append(Item("Confirmed", OK, "every critical entry within a year"))
    if disputed:
        items.append(Item("Settled", GAP, f"{disputed} critical entries are disputed", "conflicts"))
    async with phone.store.transaction() as rows:
        last = (await identity_of(rows)).last_sync
    if last is None or phone.now_ms() - last > _STALE_MS:
        items.append(Item("Synced", GAP, "not within a week", "sync"))
    else:
        items.append(Item("Synced", OK, "within a week"))
    return items


def _link(phone: Phone, found: Sequence[Share]) -> list[Item]:
    """A link to show: live, following the records, its passcode known, not about to end."""
    create = "share create --long-term --passcode --label Trip"
    fitting = [one for one in found if LONG_TERM in one.held.word.flags and not one.held.word.emergency]
    live = [one for one in fitting if one.state in (sharing.LIVE, sharing.NOT_KNOWN)]
    if not live:
        waiting = [one for one in fitting if one.state == sharing.NOT_LAID]
        if waiting:
            return [Item("A link to show", GAP, "it is not on the server yet", "sync")]
        return [Item("A link to show", GAP, "there is none that follows your records", create)]
    share = live[0]
    word = share.held.word
    items = []
    if share.state == sharing.NOT_KNOWN:
        items.append(Item("A link to show", LOOK, "whether it is live cannot be asked offline", "sync"))
    else:
        items.append(Item("A link to show", OK, f"{word.label or 'Patient summary'} is live and follows your records"))
    if word.passcode is not None:
        items.append(Item("Its passcode", LOOK, "do you know it by heart?", "share list --secrets"))
    if word.expires_at is not None and word.expires_at - phone.now_ms() < _SOON_MS:
        items.append(Item("Its end", GAP, "it ends within 30 days", create))
    return items


def _emergency(share: Share | None) -> Item:
    what = "Emergency access"
    if share is None:
        return Item(what, GAP, "off: nobody can help who finds you unconscious", "emergency on")
    if share.state == sharing.NOT_LAID:
        return Item(what, GAP, "not on the server yet", "sync")
    if share.state == sharing.NOT_KNOWN:
        return Item(what, LOOK, "on; whether it is live cannot be asked offline", "sync")
    return Item(what, OK, "on: print it, or put it on your lock screen", "emergency on --page emergency.html")


async def _card(phone: Phone) -> Item:
    what, command = "A card for the wallet", "card --lang {} --pdf card.pdf"  # {}: the first two languages
    cards = [one for one in await issued_cards(phone) if not one.withdrawn]
    if not cards:
        return Item(what, GAP, "none was made on this phone", command)
    if not cards[0].published:
        return Item(what, GAP, "nobody can check it before the next sync", "sync")
    return Item(what, OK, "made; made anew it holds what you changed since", command)
