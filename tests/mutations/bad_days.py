"""Ways to be wrong on bad days: rolled-back membership, rebase, adoption. Rules: openapi/protocol/bad-days.md."""

from tests.mutations.checks import worlds
from tests.mutations.mutation import Mutation

REPLAY, ROLLBACK, REBASE, ADOPT = (f"sync/vault/{name}.py" for name in ("replay", "rollback", "rebase", "adopt"))
BAD_DAYS = worlds("bad-days", 80)
CARRIED = "tests/conformance/test_carried_law.py"
REBASES = "tests/property/test_rebase_laws.py"
ATTACK = "tests/hostile/test_attack_"

BAD_DAYS_RULES = [
    Mutation(
        "lost entries hold nobody back",
        "BAD-50",
        ROLLBACK,
        "    return bool(undone(state)) or bool(state.lost and not state.spoken)",
        "    return bool(undone(state))",
        (f"{ATTACK}rolled_back_membership.py",),
    ),
    Mutation(
        "a dropped card that is listed again holds nobody back",
        "BAD-51",
        ROLLBACK,
        "    return bool(undone(state)) or bool(state.lost and not state.spoken)",
        "    return bool(state.lost and not state.spoken)",
        (f"{ATTACK}half_repeated.py",),
    ),
    Mutation(
        "a dropped card is forgotten",
        "BAD-51",
        REPLAY,
        "                    state.dropped_ever.add(edit.device)",
        "                    state.dropped_ever.discard(edit.device)",
        (f"{ATTACK}half_repeated.py",),
    ),
    Mutation(
        "an owner of the restored log alone ends the halt",
        "BAD-53",
        ROLLBACK,
        "return now if state.owners_before is None else now & state.owners_before",
        "return now",
        (f"{ATTACK}rolled_back_membership.py",),
    ),
    Mutation(
        "a signed wish is an order",
        "BAD-52",
        ROLLBACK,
        "            if ruling.reason is None:\n                branch",
        '            if ruling.reason != "cas":\n                branch',
        (f"{ATTACK}signed_wish.py",),
    ),
    Mutation(
        "a lowered role stays raised",
        "BAD-53",
        ROLLBACK,
        "            edits += [edit] if edit.person",
        "            edits += [edit] if edit.person and not edit.person",
        (f"{ATTACK}rolled_back_membership.py",),
    ),
    Mutation(
        "an own card that was lost is not wished again",
        "BAD-54",
        ROLLBACK,
        "    state.intents = [*state.intents, *(wish for wish in wishes if wish not in state.intents)]\n",
        "",
        (f"{ATTACK}rolled_back_membership.py",),
    ),
    Mutation(
        "a rebase looks at dots and not at what they say",
        "BAD-21",
        REBASE,
        "        if new.changes.get(Name(device, change.n)) != change and Name",
        "        if Name(device, change.n) not in new.changes and Name",
        (CARRIED, REBASES),
    ),
    Mutation(
        "a rebase repeats what the log has",
        "BAD-21",
        REBASE,
        "        if new.changes.get(Name(device, change.n)) != change and Name",
        "        if Name",
        (CARRIED, REBASES),
    ),
    Mutation(
        "a rebase sends again what a copy has brought",
        "BAD-21",
        REBASE,
        " and Name(device, change.n) not in names\n",
        "\n",
        (CARRIED, BAD_DAYS),
    ),
    Mutation(
        "a rebased pred survives though it says another thing now",
        "BAD-2",
        REBASE,
        "        if held is None or elsewhere.get(name) != held:",
        "        if held is None:",
        (CARRIED, REBASES),
    ),
    Mutation(
        "others' changes are not offered",
        "BAD-22",
        REBASE,
        "        if author == mine or frame in new.frames:",
        "        if author or frame in new.frames:",
        (CARRIED,),
    ),
    Mutation(
        "others' changes are offered though their values are there",
        "BAD-22",
        REBASE,
        " and (c.record, c.sets) not in values]",
        "]",
        (CARRIED,),
    ),
    Mutation(
        "a via is replaced when a change is carried again",
        "BAD-21",
        ADOPT,
        '    return change.via or Via("dot", device, change.n)',
        '    return Via("dot", device, change.n)',
        (CARRIED,),
    ),
    Mutation(
        "an adopted change does not say what it was",
        "BAD-11",
        ADOPT,
        "                via(device, change),",
        "                change.via,",
        (CARRIED, f"{ATTACK}adopted_over_own.py"),
    ),
    Mutation(
        "a carried change keeps its number",
        "BAD-1",
        ADOPT,
        "        dot = make_dot(ordinal, after)",
        "        dot = make_dot(ordinal, change.n)",
        (CARRIED, REBASES),
    ),
    Mutation(
        "a pred that was carried along is left out",
        "BAD-2",
        ADOPT,
        "renamed.get(name) or here(name)",
        "here(name)",
        (CARRIED,),
    ),
    Mutation(
        "what was adopted is offered again",
        "BAD-12",
        "sync/device/adopting.py",
        "        if row.frame in state.adopted or (row.carried and not left):",
        "        if row.carried and not left:",
        (f"{ATTACK}double_adoption.py",),
    ),
]
