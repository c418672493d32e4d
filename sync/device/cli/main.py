"""The `carnet` command: the reference phone. Reads arguments, runs one command, says how it went.

Spec: openapi/protocol/cli.md. Modules are loaded by the command that needs them, so that a small one starts quickly.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import sys
from collections.abc import Callable, Sequence

from sync.device.cli import counter, push_arguments, watch_arguments
from sync.device.cli.afterwards import add_afterwards
from sync.device.cli.context import REFUSED, Context
from sync.device.cli.later import (
    Command,
    files,
    leaving,
    network,
    people,
    questions,
    records,
    recovery,
    setup,
    sharing,
)
from sync.device.refused import Refused
from sync.fhir import exact

_ABOUT = """Your health records on this phone: edited without network, synced so that the server can read nothing.

First time:        carnet init --server URL --name "Your name" --device "This phone"
A second phone:    carnet link --server URL --device "Tablet"   then, on the first:  carnet approve CODE
Somebody else:     carnet join --server URL --name "Her name" --device "Her phone" · carnet approve CODE --role editor
A lost phone:      carnet recover --server URL --device "New phone" --code-file F --lost all
At a counter:      carnet summary · carnet review · carnet share create --passcode --expires 2h
A journey:         carnet trip --lang el,it · carnet card --pdf card.pdf · carnet emergency on
Every day:         carnet list · carnet set ID dosage JSON · carnet sync · carnet conflicts · carnet watch
A file of yours:   carnet import summary.json · carnet export everything.json
"""
_EXITS = "Exit codes: 0 done, 1 refused or failed, 2 usage, 3 done but something waits for you."


@functools.cache
def parser() -> argparse.ArgumentParser:
    """Every command with its arguments; built once a process, which may run many."""
    top = argparse.ArgumentParser(
        prog="carnet",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--store", metavar="DIR", help="this phone's folder (default: CARNET_STORE or the data folder)")
    top.add_argument("--json", action="store_true", help="one JSON document on stdout")
    top.add_argument("--quiet", action="store_true", help="no words beside the result")
    top.add_argument("--no-keyring", action="store_true", help="lock the store with a passphrase")
    top.add_argument("--passphrase-file", metavar="F", help="read the passphrase from a file")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Command, text: str, example: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"Example: carnet {example}" if example else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        made.set_defaults(run=run)
        return made

    _setup(command)
    _people(command)
    _recovery(command)
    _files(command)
    _records(command)
    _questions(command)
    counter.add_commands(command)
    _shares(command)
    add_afterwards(command)
    _network(command)
    push_arguments.add(command)
    watch_arguments.add(command)
    return top


def _with_vault(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    made.add_argument("--vault", metavar="V", help="which vault, by name or part of its id")
    return made


def _setup(command: Callable[..., argparse.ArgumentParser]) -> None:
    init = command("init", setup.init, "keys, account, first vault; shows the recovery code once")
    init.add_argument("--server", required=True, metavar="URL")
    init.add_argument("--name", required=True, metavar="PERSON")
    init.add_argument("--device", required=True, metavar="NAME")
    init.add_argument("--vault", metavar="NAME", help="the vault's name")
    init.add_argument("--subject", choices=("self", "none"), default="self", help="is the vault about you?")
    link = command("link", setup.link, "a further phone of yours: shows a code and waits")
    link.add_argument("--server", required=True, metavar="URL")
    link.add_argument("--device", required=True, metavar="NAME")
    logout = command(
        "logout", leaving.logout, "remove keys and records of this phone; refused while something is unsent"
    )
    logout.add_argument("--discard", type=int, default=0, metavar="N", help="give up N unsent things, all there are")
    _with_signing(init)
    _with_signing(link)


def _with_signing(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--signing",
        choices=("ed25519", "es256"),
        help="this phone's kind of signing key, for good. ed25519 (the usual) unless the key is to be one that secure "
        "hardware can hold (Secure Enclave, StrongBox, smart card): es256. Phones of both kinds share one vault",
    )


def _people(command: Callable[..., argparse.ArgumentParser]) -> None:
    roles = ("owner", "editor", "viewer")
    join = command("join", people.join, "your first phone, let in by somebody else: shows a code and waits")
    join.add_argument("--server", required=True, metavar="URL")
    join.add_argument("--name", required=True, metavar="PERSON", help="your name")
    join.add_argument("--device", required=True, metavar="NAME")
    _with_signing(join)
    approve = command(
        "approve", people.approve_code, "let in the phone that shows this code", "approve ABCD-EFGH-… --role editor"
    )
    approve.add_argument("code", nargs="+", metavar="CODE")
    approve.add_argument("--vault", dest="vaults", action="append", metavar="V", help="only this vault (repeatable)")
    approve.add_argument("--role", choices=roles, help="for another person's phone")
    approve.add_argument("--until", metavar="DATE", help="her last day, as 2030-12-31 (UTC)")
    # One parser an action, below a plain `vaults` and `members` that list.
    _vaults(command)
    members = command(
        "members", people.run_members, "who is in the vault, and who is not to be any more", "members remove Sam"
    )
    _with_vault(members)
    members.set_defaults(action=None)
    actions = members.add_subparsers(dest="action", metavar="ACTION")
    texts = {
        "remove": "somebody with all her phones, or one phone",
        "role": "give a person another role",
        "handover": "the vault is about this person from now on",
        "add": "let in somebody who is in another vault on this phone",
    }
    for name, text in texts.items():
        made = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        made.add_argument("who", metavar="PERSON|DEVICE" if name == "remove" else "PERSON")
        if name == "role":
            made.add_argument("role", choices=roles, metavar="ROLE")
        if name == "add":
            made.add_argument("--role", choices=roles, required=True)
            made.add_argument("--until", metavar="DATE", help="her last day, as 2030-12-31 (UTC)")
        made.add_argument("--vault", metavar="V", default=argparse.SUPPRESS, help="which vault")


def _vaults(command: Callable[..., argparse.ArgumentParser]) -> None:
    vaults = command("vaults", people.run_vaults, "the vaults on this phone", 'vaults new "Ben’s records"')
    vaults.set_defaults(action=None)
    actions = vaults.add_subparsers(dest="action", metavar="ACTION")
    new = actions.add_parser("new", help="a further vault of yours", allow_abbrev=False)
    new.add_argument("vault_or_name", metavar="NAME")
    new.add_argument("--subject", choices=("self", "none"), default="none", help="is the vault about you?")
    new.add_argument("--from", dest="left", metavar="V", help="with all that this phone holds of V; you alone in it")
    for name, text in (("accept", "enter a vault that somebody has let you into"), ("leave", "leave a vault")):
        made = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        made.add_argument("vault_or_name", metavar="V")


def _recovery(command: Callable[..., argparse.ArgumentParser]) -> None:
    confirm = command(
        "recovery", recovery.recovery, "the recovery code: type two groups back, show it again, make a new one"
    )
    confirm.add_argument("action", choices=("confirm", "show", "new"))
    recover = command(
        "recover",
        recovery.recover_now,
        "a new phone from the recovery code, or a rehearsal of the code on a phone that is in",
        'recover --server URL --device "New phone" --code-file code.txt --lost all',
    )
    recover.add_argument("--code-file", required=True, metavar="F", help="the code, in a file (- for standard input)")
    recover.add_argument("--server", metavar="URL")
    recover.add_argument("--device", metavar="NAME")
    recover.add_argument(
        "--lost", action="append", metavar="DEVICE|all", help="a phone of yours that is lost (repeatable)"
    )
    _with_signing(recover)
    recover.add_argument("--rehearse", action="store_true", help="prove the code without using it")
    recover.set_defaults(wrong=recover.error)


def _files(command: Callable[..., argparse.ArgumentParser]) -> None:
    imports = command(
        "import",
        files.take_files,
        "take FHIR R4 JSON files in, or what a link leads to",
        "import summary.json --source Clinic",
    )
    imports.add_argument(
        "files",
        nargs="+",
        metavar="FILE|shlink:/…|shc:/…",
        help="a file, a picture of a health card, a link, a card's text",
    )
    imports.add_argument("--source", metavar="NAME", help="where it comes from, in your words")
    imports.add_argument(
        "--same-person", action="store_true", help="it is about the same person, although it looks not"
    )
    imports.add_argument("--recipient", metavar="NAME", help="of a link: your name, as whoever shared it will read it")
    imports.add_argument("--passcode-file", metavar="F", help="of a link: its passcode, in a file")
    counter.add_card_options(imports)
    _with_vault(imports)
    _with_vault(command("sources", files.list_sources, "where records came from"))
    export = command("export", files.export, "everything as one FHIR Bundle", "export everything.json")
    export.add_argument("file", metavar="FILE")
    export.add_argument("--document", metavar="ENVELOPE", help="give an imported document back (see `carnet sources`)")
    _with_vault(export)


def _with_code(made: argparse.ArgumentParser) -> None:
    made.add_argument("--code", metavar="TEXT", help="with the code of what this names, as `carnet codes` finds it")


def _records(command: Callable[..., argparse.ArgumentParser]) -> None:
    listing = _with_vault(command("list", records.list_records, "one line a record", "list MedicationStatement"))
    listing.add_argument("type", nargs="?", metavar="TYPE")
    listing.add_argument("--all", action="store_true", help="deleted ones and what others only refer to, too")
    find = _with_vault(command("find", records.find_records, "records that hold a text", "find ramipril"))
    find.add_argument("text", metavar="TEXT")
    show = _with_vault(command("show", records.show, "one record whole", "show ramipril --history"))
    show.add_argument("id", metavar="ID")
    show.add_argument("--history", action="store_true", help="who wrote what, from the beginning")
    new = command(
        "new", records.new, "a record of your own", 'new AllergyIntolerance \'{"code": {"text": "Latex"}, …}\''
    )
    new.add_argument("type", metavar="TYPE")
    new.add_argument("value", metavar="JSON|@FILE")
    _with_code(_with_vault(new))
    shapes: dict[str, tuple[str, tuple[str, ...], str]] = {
        "set": (
            "give one element another value",
            ("element", "value"),
            """ramipril dosage '[{"text": "10 mg, mornings"}]'""",
        ),
        "unset": ("remove one element", ("element",), "ramipril reasonCode"),
        "add": (
            "add one repetition of a repeating element",
            ("element", "value"),
            """penicillin reaction '{"manifestation": [{"text": "Cough"}]}'""",
        ),
        "change": (
            "change one repetition, by its place as shown or its name",
            ("element", "repetition", "value"),
            """penicillin reaction 1 '{"manifestation": [{"text": "Rash"}]}'""",
        ),
        "remove": ("remove one repetition", ("element", "repetition"), "penicillin reaction 2"),
        "delete": ("delete a record", (), "ramipril"),
        "restore": ("bring a deleted record back", (), "c9e9775f"),
        "annotate": ("append a note of yours", ("text",), "ramipril 'makes me cough'"),
        "dispute": ("say that something in it is wrong", ("text",), "latex 'was never tested'"),
    }
    for verb, (text, arguments, example) in shapes.items():
        made = _with_vault(command(verb, records.edit, text, f"{verb} {example}"))
        made.add_argument("id", metavar="ID")
        for name in arguments:
            made.add_argument(name, metavar="JSON|@FILE" if name == "value" else name.upper())
        if verb in ("set", "add", "change"):
            _with_code(made)


def _questions(command: Callable[..., argparse.ArgumentParser]) -> None:
    _with_vault(command("conflicts", questions.conflicts, "what waits for you to decide"))
    resolve = command("resolve", questions.settle, "settle a question", "resolve 3f2a --take 2")
    resolve.add_argument("conflict", metavar="CONFLICT")
    how = resolve.add_mutually_exclusive_group(required=True)
    how.add_argument("--take", type=int, metavar="N", help="the value with this number is right")
    how.add_argument("--value", metavar="JSON|@FILE", help="another value is right")
    how.add_argument("--keep", action="store_true", help="keep the record")
    how.add_argument("--delete", action="store_true", help="delete the record")
    how.add_argument("--merge", metavar="ID", help="they are the same; this one stays")
    how.add_argument("--not-same", action="store_true", help="they are not the same")
    _with_vault(resolve)


def _passcode_options(parser: argparse.ArgumentParser) -> None:
    code = parser.add_mutually_exclusive_group()
    code.add_argument(
        "--passcode",
        nargs="?",
        const="new",
        choices=("new", "ask"),
        help="ask readers for a passcode: six digits drawn for you, or with `ask` one that you type",
    )
    code.add_argument("--passcode-file", metavar="F", help="ask readers for the passcode in this file")


def _shares(command: Callable[..., argparse.ArgumentParser]) -> None:
    share = command(
        "share",
        sharing.run,
        "hand your summary to somebody outside, behind a link that only its holder can read",
        "share create --passcode --expires 2h --label 'For Dr. Example'",
    )
    _with_vault(share).set_defaults(action=None)
    actions = share.add_subparsers(dest="action", metavar="ACTION")

    def action(name: str, text: str, *, one: bool = True, pictures: bool = False) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        if one:
            made.add_argument("id", metavar="SHARE", help="the beginning of its id, or part of its label")
        if pictures:
            made.add_argument("--svg", metavar="FILE", help="write the code as a picture (SVG)")
            made.add_argument("--png", metavar="FILE", help="write the code as a picture (PNG)")
            made.add_argument("--page", metavar="FILE", help="write a page to print (HTML)")
        made.add_argument("--vault", metavar="V", default=argparse.SUPPRESS, help="which vault")
        return made

    create = action("create", "make a share; shows its link and code", one=False, pictures=True)
    create.add_argument("--label", metavar="TEXT", help="what readers see it called, at most 80 characters")
    _passcode_options(create)
    create.add_argument("--expires", metavar="2h|7d|DATE", help="when it ends; a day ends at midnight UTC")
    create.add_argument("--max-opens", type=int, metavar="N", help="how often it may be opened")
    create.add_argument("--long-term", action="store_true", help="it follows your records: laid anew after each sync")
    create.add_argument("--direct", action="store_true", help="one file fetched directly, for simple readers")
    create.add_argument("--sections", metavar="NAME,…", help="only these and the required ones, as allergies,devices")
    create.add_argument("--records", action="append", metavar="ID,…", help="only these records (repeatable)")
    create.add_argument("--without", action="append", metavar="ID,…", help="without these records (repeatable)")
    create.add_argument("--eu", action="store_true", help="with the sections that the European summary asks for")
    create.add_argument("--no-inbox", action="store_true", help="readers can send no note back")
    create.add_argument("--viewer", metavar="URL", help="the page that opens it (default: your server's); '' for none")
    listing = action("list", "every share, and how it stands", one=False)
    listing.add_argument("--secrets", action="store_true", help="with links and passcodes")
    action("show", "the link and the code of a share again", pictures=True)
    change = action("change", "give it another end, maximum of opens or passcode", pictures=True)
    _passcode_options(change)
    change.add_argument("--expires", metavar="2h|7d|DATE", help="when it ends from now on")
    change.add_argument("--max-opens", type=int, metavar="N", help="how often it may be opened, in all")
    change.add_argument(
        "--no", action="append", choices=("end", "max-opens", "passcode"), help="take that away (repeatable)"
    )
    action("pause", "nobody can open it until you resume it")
    action("resume", "it can be opened again")
    action("revoke", "end it for good")
    action("log", "who opened it, and when")


def _network(command: Callable[..., argparse.ArgumentParser]) -> None:
    _with_vault(command("sync", network.sync_now, "send what waits, take in what is new"))
    findings = command("findings", network.show_findings, "what the server or a member was caught at")
    findings.add_argument("action", nargs="?", choices=("read",))
    findings.add_argument("id", nargs="?", metavar="ID")
    quarantine = command("quarantine", network.show_quarantine, "what is kept outside the vault's state")
    quarantine.add_argument("action", nargs="?", choices=("adopt", "decline"))
    quarantine.add_argument("id", nargs="?", metavar="ID")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; gives its exit code."""
    options = parser().parse_args(arguments)
    context = Context(options)
    try:
        code = asyncio.run(options.run(context, options))
        sys.stdout.flush()  # here, where a reader that has gone away is no surprise
        return code
    except Refused as refused:
        if context.json:
            sys.stdout.write(exact.pretty(refused.document()).decode() + "\n")
        else:
            detail = f" ({refused.detail})" if refused.detail else ""
            print(f"{refused.title}{detail}. {refused.next}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("Stopped; nothing was lost.", file=sys.stderr)
        return REFUSED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for the interpreter's own last flush
        return REFUSED


if __name__ == "__main__":
    sys.exit(main())
