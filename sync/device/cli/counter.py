"""Arguments of the commands for a counter abroad: summary, review, restrict, card, emergency, trip, terms, codes."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sync.device.cli.later import cards, emergency, issuers, summary, terms, trip


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds them to the parser."""
    _summary(command)
    _cards(command)
    _emergency(command)
    _trip(command)
    _terms(command)
    _issuers(command)


def _summary(command: Callable[..., argparse.ArgumentParser]) -> None:
    shown = command(
        "summary", summary.show_summary, "what a doctor reads in thirty seconds", "summary --pdf summary.pdf"
    )
    shown.add_argument("--fhir", metavar="FILE", help="write it as an International Patient Summary (FHIR R4)")
    shown.add_argument("--pdf", metavar="FILE", help="write it as pages to print")
    shown.add_argument(
        "--lang", metavar="XX", help="in the reader's language, as el: with --html, and how much is in it"
    )
    shown.add_argument("--html", metavar="FILE", help="write it as one page for any browser, without network")
    shown.add_argument("--eu", action="store_true", help="with the sections that the European summary asks for")
    shown.add_argument("--sections", metavar="NAME,…", help="only these and the required ones, as allergies,devices")
    _with_vault(shown)
    review = command(
        "review",
        summary.review,
        "say of each allergy, problem and medicine whether it still holds",
        "review ramipril still-true",
    )
    review.add_argument("id", nargs="?", metavar="ID", help="only this one")
    review.add_argument("answer", nargs="?", choices=("still-true", "stopped", "unsure"), metavar="ANSWER")
    _with_vault(review)
    restrict = command(
        "restrict", summary.hide, "hide a record or a section from every summary", "restrict social_history"
    )
    restrict.add_argument("what", nargs="?", metavar="RECORD|CATEGORY", help="without it: what is hidden")
    restrict.add_argument("--off", action="store_true", help="show it again")
    _with_vault(restrict)


def _cards(command: Callable[..., argparse.ArgumentParser]) -> None:
    card = command(
        "card", cards.run, "a card for the wallet: a health card's code, or a contact's", "card --contact --lang el"
    )
    card.set_defaults(action=None)
    card.add_argument("--contact", action="store_true", help="a contact that any phone's camera opens, without network")
    card.add_argument("--lang", metavar="XX[,YY]", help="in this language, or these two: of a contact and of the print")
    card.add_argument("--svg", metavar="FILE", help="write the code as a picture (SVG)")
    card.add_argument("--png", metavar="FILE", help="write the code as a picture (PNG)")
    card.add_argument(
        "--pdf", metavar="FILE", help="write a page to print: codes, the critical lines, what is left out"
    )
    card.add_argument("--file", metavar="FILE", help="write the health card as a .smart-health-card file")
    _with_vault(card)
    actions = card.add_subparsers(dest="action", metavar="ACTION")
    text = "the health cards that this phone made"
    actions.add_parser("list", help=text, description=text, allow_abbrev=False)
    text = "take the key of a card off the server: nobody can check it any more"
    withdraw = actions.add_parser("withdraw", help=text, description=text, allow_abbrev=False)
    withdraw.add_argument("id", metavar="CARD", help="the beginning of its id")


def _emergency(command: Callable[..., argparse.ArgumentParser]) -> None:
    made = command(
        "emergency",
        emergency.run,
        "a link to your critical records for whoever finds you: in your wallet, on your lock screen",
        "emergency on --png lockscreen.png",
    )
    made.add_argument("action", nargs="?", choices=("on", "off"), metavar="on|off", help="without it: how it stands")
    made.add_argument("--svg", metavar="FILE", help="write the code as a picture (SVG)")
    made.add_argument("--png", metavar="FILE", help="write the code as a picture (PNG)")
    made.add_argument("--page", metavar="FILE", help="write a page to print (HTML)")
    _with_vault(made)


def _trip(command: Callable[..., argparse.ArgumentParser]) -> None:
    made = command("trip", trip.run, "what is ready for a journey, and a command for each gap", "trip --lang el,it")
    made.add_argument("--lang", required=True, metavar="XX,…", help="what is read where you go, as el,it")
    _with_vault(made)


def add_card_options(imports: argparse.ArgumentParser) -> None:
    """What `import` may be told of a health card's issuer."""
    imports.add_argument("--issuer-keys", metavar="FILE", help="of a health card: its issuer's jwks.json")
    imports.add_argument("--revoked", metavar="FILE", help="of a health card: its issuer's revocation list")
    imports.add_argument(
        "--trusted-issuers", metavar="FILE", help="issuers whom you trust, as the VCI directory has them"
    )


def _terms(command: Callable[..., argparse.ArgumentParser]) -> None:
    codes = command("codes", terms.search, "codes for what you type, so that it can be translated", "codes peni")
    codes.add_argument("text", metavar="TEXT")
    codes.add_argument("--lang", metavar="XX", help="only in this language, as de")
    top = command("terms", terms.run, "what codes are called in each language: term packs", "terms list")
    top.set_defaults(action=None)
    actions = top.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text, allow_abbrev=False)

    action("list", "every pack on this phone")
    install = action("install", "keep a pack; its signature is checked")
    install.add_argument("file", metavar="FILE")
    install.add_argument("--trust", metavar="NAME", help="let its signer in, and call it this from now on")
    action("available", "what the server has, and which of it is on this phone")
    fetch = action("fetch", "packs from the server, each whole; their signature is checked")
    fetch.add_argument("wanted", nargs="?", metavar="XX|ID", help="of this language, or this one; without it all")
    fetch.add_argument("--trust", metavar="NAME", help="let their signer in, and call him this from now on")
    action("remove", "remove an installed pack").add_argument("id", metavar="ID", help="the beginning of its id")
    take = action("import", "terms out of a FHIR CodeSystem or ValueSet, or of SNOMED CT RF2 descriptions")
    take.add_argument("file", metavar="FILE")
    take.add_argument("--lang", required=True, metavar="XX", help="the language to take, as el")
    take.add_argument("--name", required=True, metavar="TEXT", help="what the pack is called")
    take.add_argument("--version", required=True, metavar="TEXT", help="the edition, as 2026-11")
    take.add_argument("--source", required=True, metavar="TEXT", help="whose terms they are")
    take.add_argument("--licence", required=True, metavar="TEXT", help="under which they may be used")
    take.add_argument("--reviewed", default="no", metavar="WHO", help="by whom they were reviewed (default: no)")
    take.add_argument("--preferences", metavar="FILE", help="an RF2 language reference set: which terms are preferred")
    take.add_argument("--out", required=True, metavar="FILE", help="where to write what `build` signs")
    build = action("build", "sign what `import` wrote, as a pack")
    build.add_argument("file", metavar="FILE")
    build.add_argument("--key-file", required=True, metavar="F", help="32 bytes in hex; made if it is not there")
    build.add_argument("--out", required=True, metavar="FILE")


def _issuers(command: Callable[..., argparse.ArgumentParser]) -> None:
    text = "whose health cards are ticked: lists of issuers that somebody has signed"
    top = command("issuers", issuers.run, text, "issuers install national.issuers --trust 'Ministry of Health'")
    top.set_defaults(action=None)
    actions = top.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text, allow_abbrev=False)

    action("list", "every list on this phone")
    install = action("install", "keep a list; its signature is checked")
    install.add_argument("file", metavar="FILE")
    install.add_argument("--trust", metavar="NAME", help="let its signer in, and call it this from now on")
    action("remove", "remove a list").add_argument("id", metavar="ID", help="the beginning of its id")
    sign = action("sign", "sign a directory of issuers, in the form of the VCI directory, as a list")
    sign.add_argument("file", metavar="FILE")
    sign.add_argument("--name", required=True, metavar="TEXT", help="what the list is called")
    sign.add_argument("--version", required=True, metavar="TEXT", help="the edition, as 2026-11")
    sign.add_argument("--key-file", required=True, metavar="F", help="32 bytes in hex; made if it is not there")
    sign.add_argument("--out", required=True, metavar="FILE")


def _with_vault(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    made.add_argument("--vault", metavar="V", help="which vault, by name or part of its id")
    return made
