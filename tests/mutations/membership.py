"""Rules of the membership table dropped one by one. Rules: openapi/protocol/membership.md."""

from tests.mutations.checks import LOG_VECTORS
from tests.mutations.mutation import Mutation

TABLE = "sync/log/membership.py"


def _dropped(name: str, rule: str, before: str, after: str, check: str = LOG_VECTORS) -> Mutation:
    return Mutation(name, rule, TABLE, before, after, (check,))


MEMBERSHIP = [
    _dropped("a co-owner adds a card as mum", "MEM-4", "if edit.person != me or known != Person", "if known != Person"),
    _dropped(
        "a further card has a role or end date of its own",
        "MEM-4",
        "            if edit.person != me or known != PersonRow(edit.role, edit.until):",
        "            if edit.person != me:",
    ),
    _dropped(
        "an editor adds a person", "MEM-5", "elif not owner or (edit.role == OWNER and", "elif (edit.role == OWNER and"
    ),
    _dropped(
        "an added owner has an end date",
        "MEM-5",
        "elif not owner or (edit.role == OWNER and edit.until is not None):",
        "elif not owner:",
    ),
    _dropped("a dropped card returns", "MEM-4", "    if device in table.cards:\n", "    if device in table.live():\n"),
    _dropped(
        "a card that does not prove itself is added",
        "MEM-4",
        '        return "rights"  # a card that does',
        "        return None  # a card that does",
    ),
    _dropped(
        "anybody drops others' cards",
        "MEM-6",
        "row.person != me and (not owner or row.person == table.subject)",
        "row.person != me and row.person == table.subject",
    ),
    _dropped("an owner drops the subject's cards", "MEM-6", "(not owner or row.person == table.subject)", "not owner"),
    _dropped(
        "a card is dropped twice",
        "MEM-6",
        '        if row is None or not row.live:\n            return "rights"\n        if row.person',
        '        if row is None:\n            return "rights"\n        if row.person',
    ),
    _dropped(
        "an editor changes roles, subject, version and purges",
        "MEM-7 to MEM-10",
        '    if not owner:\n        return "rights"\n    if isinstance(edit, SetRole)',
        "    if isinstance(edit, SetRole)",
    ),
    _dropped(
        "a role for a person who has left",
        "MEM-7",
        "if not table.cards_of(edit.person) or lowers_subject:",
        "if lowers_subject:",
    ),
    _dropped(
        "the subject is lowered by others",
        "MEM-7",
        "if not table.cards_of(edit.person) or lowers_subject:",
        "if not table.cards_of(edit.person):",
    ),
    _dropped(
        "who becomes owner keeps her end date",
        "MEM-7",
        "until = None if edit.role == OWNER else table",
        "until = table",
    ),
    _dropped(
        "the subject is passed on",
        "MEM-8",
        "if (table.subject is not None and table.cards_of(table.subject)) or not",
        "if not",
    ),
    _dropped(
        "the subject has no card",
        "MEM-8",
        ' or not table.cards_of(edit.person):\n            return "rights"\n        table.subject',
        ':\n            return "rights"\n        table.subject',
    ),
    _dropped(
        "the subject does not become owner", "MEM-8", "        table.people[edit.person] = PersonRow(OWNER, None)\n", ""
    ),
    _dropped(
        "another owner purges the subject's vault", "MEM-9", "if table.subject not in (None, me) or not", "if not"
    ),
    _dropped(
        "a purge of what is not there yet", "MEM-9", "not table.purged < edit.seq < seq", "not table.purged < edit.seq"
    ),
    _dropped("a purge behind the last one", "MEM-9", "not table.purged < edit.seq < seq", "not edit.seq < seq"),
    _dropped("the version falls or stays", "MEM-10", "if edit.version <= table.version:", "if not edit.version:"),
    _dropped("an editor starts an epoch", "MEM-12", "if not owner or not 1 <= step", "if not 1 <= step"),
    _dropped("an epoch's number jumps as far as it likes", "MEM-12", "not 1 <= step <= steps_max", "not 1 <= step"),
    _dropped("an epoch's number falls", "MEM-12", "not 1 <= step <= steps_max", "not step <= steps_max"),
    _dropped("a suite that the judge does not know", "MEM-12", "entry.epoch.suite in limits.SUITES_KNOWN and ", ""),
    _dropped("an epoch id is used again", "MEM-12", " or entry.epoch.id in epochs_seen:", ":"),
    _dropped(
        "an owner drops a card without a new epoch",
        "MEM-12",
        "    elif first or (owner and any(isinstance(edit, Drop) for edit in entry.edits)):",
        "    elif first:",
    ),
    _dropped("a vault is founded without an epoch", "MEM-12", "    elif first or (owner", "    elif (owner"),
    _dropped("cards are counted before the entry", "MEM-13", "if after.crowded():", "if table.crowded():"),
    _dropped(
        "more than eight cards of a person",
        "MEM-13",
        "or max(live.values(), default=0) > limits.CARDS_A_PERSON_MAX",
        "or False",
    ),
    _dropped("more than thirty-two cards", "MEM-13", "live.total() > limits.CARDS_MAX", "False"),
    _dropped("the last owner's phone goes", "MEM-14", "    if not after.owner_phones():", "    if not after.live():"),
    _dropped("a recovery card counts as an owner's phone", "MEM-14", "if row.kind != RECOVERY and self", "if self"),
    _dropped(
        "a recovery card signs any entry",
        "MEM-11",
        "if row.kind == RECOVERY and not _is_farewell(table, me, entry):",
        "if row.kind > RECOVERY:",
    ),
    _dropped(
        "a recovery card stays after its entry",
        "MEM-11",
        "return Drop(entry.author) in entry.edits and all(",
        "return all(",
    ),
    _dropped(
        "a recovery card's entry drops others",
        "MEM-11",
        " and all(is_hers(edit) for edit in entry.edits)",
        " and all(map(bool, map(type, entry.edits)))",
    ),
    _dropped(
        "a vault id that is not the hash of its genesis",
        "MEM-2",
        "        or vault_id(genesis) != entry.vault\n",
        "",
        "tests/conformance/test_membership_law.py",
    ),
    _dropped("somebody else founds in the creator's name", "MEM-2", "        or genesis.creator != entry.author\n", ""),
    _dropped(
        "a founder who is no owner, or has an end date",
        "MEM-2",
        "(edit.person, edit.role, edit.until) != (genesis.person, OWNER, None)",
        "edit.person != genesis.person",
    ),
    _dropped("a second genesis", "MEM-3", "if entry.genesis is not None or row is None or", "if row is None or"),
    _dropped(
        "a dropped card signs entries",
        "MEM-3",
        'or row is None or not row.live:\n            return "rights", table',
        'or row is None:\n            return "rights", table',
    ),
]
