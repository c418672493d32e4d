"""Makes openapi/vectors/membership/*.json: `python -m tests.vectors.generate_membership`, and the difference is read.

Outcomes are written here by hand; hashes and what the log stands at are computed, so that an implementation that makes
other bytes notices.
"""

import json
from pathlib import Path

from tests.vectors.generate_membership_rules import epoch_cases, limit_cases, recovery_cases, role_cases
from tests.vectors.log_steps import CHILD, DROPPED, FAMILY, FOUND, UNTIL, add, case, drop, entry, founding, new_epoch
from tests.vectors.log_story import cast

VECTORS = Path(__file__).parents[2] / "openapi" / "vectors" / "membership"


def founding_cases():
    mum, code = add("mum 1", "owner"), add("mum code", "owner")
    yield case("a vault about its founder, with her recovery card", "MEM-2", [FOUND])
    yield case("a vault about somebody else, without a recovery card", "MEM-2", [founding(mum, subject=False)])
    yield case("without an epoch", "MEM-2 MEM-12", [founding(epoch=None)], "epoch")
    yield case("with epoch number 2", "MEM-2 MEM-12", [founding(epoch=new_epoch(2))], "epoch")
    yield case("in an unknown suite", "MEM-2 MEM-12", [founding(epoch=new_epoch(1, suite=2))], "epoch")
    yield case(
        "without an edit",
        "MEM-2",
        [entry("mum 1", epoch=new_epoch(1), genesis={"person": "mum", "subject": True})],
        "unverified",
    )
    yield case("the recovery card comes first", "MEM-2", [founding(code, mum)], "rights")
    yield case("two phones", "MEM-2", [founding(mum, add("mum 2", "owner"))], "rights")
    yield case("a third card", "MEM-2", [founding(mum, code, add("mum 2", "owner"))], "rights")
    yield case("another person's recovery card", "MEM-2", [founding(mum, add("dad code", "owner"))], "rights")
    yield case("another person than genesis names", "MEM-2", [founding(add("mum 1", "owner", person="dad"))], "rights")
    yield case("the founder is an editor", "MEM-2", [founding(add("mum 1", "editor"))], "rights")
    yield case("the founder has an end date", "MEM-2", [founding(add("mum 1", "owner", until=UNTIL))], "rights")
    yield case("another kind of edit", "MEM-2", [founding(mum, ("version", 2))], "rights")
    theirs = {"person": "mum", "subject": True, "creator": "dad 1"}
    yield case("genesis names another creator than the author", "MEM-2", [founding(mum, genesis=theirs)], "rights")
    by_code = entry("mum code", mum, code, epoch=new_epoch(1), genesis=theirs | {"creator": "mum 1"})
    yield case("the recovery card signs in the creator's place", "MEM-2", [by_code], "rights")
    yield case(
        "the recovery card was signed by another",
        "MEM-2 MEM-4",
        [founding(mum, ("add unproved", "mum code", "mum 1", "mum", "owner", None))],
        "rights",
    )
    yield case(
        "a later entry brings genesis",
        "MEM-3",
        [FOUND, entry("mum 1", add("dad 1", "owner"), genesis={"person": "mum", "subject": True})],
        "rights",
    )


def adding_cases():
    yield case("an owner adds new persons, one card each", "MEM-5", FAMILY)
    yield case(
        "an owner adds a second card of a new person in the same entry",
        "MEM-4",
        [FOUND, entry("mum 1", add("dad 1", "owner"), add("dad 2", "owner"))],
        "rights",
    )
    yield case("an owner adds a further phone of her own", "MEM-4", [*FAMILY, entry("mum 1", add("mum 2", "owner"))])
    yield case("a viewer adds a further phone of her own", "MEM-4", [*FAMILY, entry("aunt 1", add("aunt 2", "viewer"))])
    yield case("an editor adds her recovery card", "MEM-4", [*FAMILY, entry("carer 1", add("carer code", "editor"))])
    yield case(
        "co-owner-as-mum: an owner adds his card as hers",
        "MEM-4",
        [*FAMILY, entry("dad 1", add("dad 2", "owner", person="mum"))],
        "rights",
    )
    yield case(
        "an owner adds a further phone of an editor",
        "MEM-4",
        [*FAMILY, entry("mum 1", add("carer 2", "editor"))],
        "rights",
    )
    yield case(
        "an owner adds a phone of a person whose cards are all gone",
        "MEM-4",
        [*DROPPED, entry("mum 1", add("carer 2", "editor"))],
        "rights",
    )
    yield case(
        "an editor gives her new phone a higher role",
        "MEM-4",
        [*FAMILY, entry("carer 1", add("carer 2", "owner"))],
        "rights",
    )
    yield case(
        "an editor gives her new phone a lower role",
        "MEM-4",
        [*FAMILY, entry("carer 1", add("carer 2", "viewer"))],
        "rights",
    )
    yield case(
        "a proxy's second card repeats her end date",
        "MEM-4",
        [*FAMILY, entry("nurse 1", add("nurse 2", "editor", until=UNTIL))],
    )
    yield case(
        "proxy-second-card: without her end date",
        "MEM-4",
        [*FAMILY, entry("nurse 1", add("nurse 2", "editor"))],
        "rights",
    )
    yield case(
        "a proxy's second card has a later end date",
        "MEM-4",
        [*FAMILY, entry("nurse 1", add("nurse 2", "editor", until=UNTIL + 1))],
        "rights",
    )
    yield case("an editor adds a new person", "MEM-5", [*FAMILY, entry("carer 1", add("sam 1", "viewer"))], "rights")
    yield case(
        "an owner adds an owner with an end date",
        "MEM-5",
        [*FAMILY, entry("mum 1", add("sam 1", "owner", until=UNTIL))],
        "rights",
    )
    yield case("a card that is in the vault", "MEM-4", [*FAMILY, entry("mum 1", add("mum 1", "owner"))], "rights")
    yield case(
        "a dropped card returns under its person",
        "MEM-4",
        [
            *FAMILY,
            entry("mum 1", add("mum 2", "owner")),
            entry("mum 1", drop("mum 2"), epoch=new_epoch(2)),
            entry("mum 1", add("mum 2", "owner")),
        ],
        "rights",
    )
    yield case(
        "a dropped card returns under a new person",
        "MEM-4",
        [*DROPPED, entry("mum 1", add("carer 1", "editor", person="sam"))],
        "rights",
    )
    yield case(
        "a card signed by another",
        "MEM-4",
        [*FAMILY, entry("mum 1", ("add unproved", "sam 1", "mum 1", "sam", "viewer", None))],
        "rights",
    )
    yield case(
        "an ES256 card, which then adds another",
        "MEM-4",
        [*FAMILY, entry("mum 1", add("mum es256", "owner")), entry("mum es256", add("mum 2", "owner"))],
    )
    yield case(
        "whom the log never listed as author has no key in it; who was dropped has, and no right",
        "MEM-3",
        [*DROPPED, entry("carer 1", add("carer 2", "editor"))],
        "rights",
    )


def dropping_cases():
    e2 = new_epoch(2)
    yield case("an owner drops an editor and starts an epoch", "MEM-6 MEM-12 MEM-17", DROPPED)
    yield case("an owner's drop without an epoch", "MEM-12", [*FAMILY, entry("mum 1", drop("carer 1"))], "epoch")
    yield case("an owner drops another owner", "MEM-6", [*FAMILY, entry("mum 1", drop("dad 1"), epoch=e2)])
    yield case(
        "an editor drops her own second phone: an owner has to rotate",
        "MEM-6 MEM-16",
        [*FAMILY, entry("carer 1", add("carer 2", "editor")), entry("carer 1", drop("carer 2"))],
    )
    yield case(
        "the rotation that was due",
        "MEM-16",
        [
            *FAMILY,
            entry("carer 1", add("carer 2", "editor")),
            entry("carer 1", drop("carer 2")),
            entry("dad 1", epoch=e2),
        ],
    )
    leaves = entry("dad 1", drop("dad 1"), epoch=e2)
    yield case("an owner's phone leaves with the key that it drew: an owner has to rotate", "MEM-16", [*FAMILY, leaves])
    yield case(
        "the rotation after an owner's phone has left",
        "MEM-16",
        [*FAMILY, leaves, entry("mum 1", epoch=new_epoch(3))],
    )
    yield case("a viewer drops herself", "MEM-6 MEM-16", [*FAMILY, entry("aunt 1", drop("aunt 1"))])
    yield case("an editor drops a viewer", "MEM-6", [*FAMILY, entry("carer 1", drop("aunt 1"))], "rights")
    yield case(
        "a co-owner drops the subject's phone", "MEM-6", [*FAMILY, entry("dad 1", drop("mum 1"), epoch=e2)], "rights"
    )
    yield case(
        "a co-owner drops the subject's recovery card",
        "MEM-6",
        [*FAMILY, entry("dad 1", drop("mum code"), epoch=e2)],
        "rights",
    )
    yield case(
        "the subject drops her own phone",
        "MEM-6",
        [*FAMILY, entry("mum 1", add("mum 2", "owner")), entry("mum 2", drop("mum 1"), epoch=e2)],
    )
    yield case(
        "without a subject a co-owner may drop the founder", "MEM-6", [*CHILD, entry("dad 1", drop("mum 1"), epoch=e2)]
    )
    yield case(
        "a card that was never in the vault", "MEM-6", [*FAMILY, entry("mum 1", drop("sam 1"), epoch=e2)], "rights"
    )
    yield case(
        "a card that is dropped already",
        "MEM-6",
        [*DROPPED, entry("mum 1", drop("carer 1"), epoch=new_epoch(3))],
        "rights",
    )
    yield case(
        "the same card twice in one entry",
        "MEM-6",
        [*FAMILY, entry("mum 1", drop("carer 1"), drop("carer 1"), epoch=e2)],
        "rights",
    )
    yield case(
        "one of two edits may not be: nothing of the entry holds",
        "MEM-15",
        [*FAMILY, entry("dad 1", add("sam 1", "viewer"), drop("mum 1"), epoch=e2)],
        "rights",
    )
    yield case(
        "the author drops herself and adds her new phone in one entry",
        "MEM-15",
        [*FAMILY, entry("dad 1", drop("dad 1"), add("dad 2", "owner"), epoch=e2)],
    )
    yield case(
        "the last owner's phone goes",
        "MEM-14",
        [founding(add("mum 1", "owner")), entry("mum 1", drop("mum 1"), epoch=e2)],
        "owner",
    )
    yield case(
        "only a recovery card of an owner is left", "MEM-14", [FOUND, entry("mum 1", drop("mum 1"), epoch=e2)], "owner"
    )
    yield case("the last owner lowers herself", "MEM-14", [FOUND, entry("mum 1", ("role", "mum", "editor"))], "owner")


FILES = {
    "founding.json": ("The first entry of a log.", founding_cases),
    "adding.json": ("Who may add which card.", adding_cases),
    "dropping.json": ("Who may drop which card, and what follows.", dropping_cases),
    "roles.json": ("Roles, the subject, purge and version.", role_cases),
    "recovery.json": ("What a recovery card may sign.", recovery_cases),
    "epochs.json": ("Who may start which epoch, and who must.", epoch_cases),
    "limits.json": ("Limits, counted after the whole entry.", limit_cases),
}


def made(name, chapter="membership", files=FILES):
    """One file's content."""
    description, cases = files[name]
    all_cases = list(cases())
    stories = [c["input"]["steps"] for c in all_cases if "steps" in c["input"]]
    return {"chapter": chapter, "description": description, **cast(stories), "cases": all_cases}


def main():
    VECTORS.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (VECTORS / name).write_text(json.dumps(made(name), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
