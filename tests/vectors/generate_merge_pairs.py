"""Writes openapi/vectors/merge/pair_*.json and view_*.json: every pair of things two people can do apart, and what a
third makes of it who saw one of them, or both.

A case is a base, two acts by B and C who know the base and not each other, and, in view_*.json, an act by D. What is
expected comes from the naive rival. Run by hand: `python -m tests.vectors.generate_merge_pairs`.
Format: openapi/protocol/merge.md, "Vectors".
"""

import itertools
from typing import NamedTuple

from tests.property import naive_merge as naive
from tests.vectors.generate_merge import (
    ADOPTED,
    AT_HOME,
    FIVE,
    FOLDER,
    IMPORT,
    LEFT,
    TEN,
    born,
    case,
    gone,
    here,
    rendered,
    typed,
    word,
)

NOTE = "note/0.first"  # one repetition of the base, and one register of its own
BODY = {"code": '"x"', "dosage": FIVE, NOTE: '"taken at night"'}

BASES = {
    "nothing": [],
    "typed": [typed("A1", BODY)],
    "imported": [born("A1", BODY)],
    "edited": [born("A1", BODY), word("A2", {"dosage": AT_HOME}, "A1")],
    "disputed": [typed("A1", BODY), word("E1", {"dosage": TEN}, "A1"), word("F1", {"dosage": AT_HOME}, "A1")],
    "deleted": [typed("A1", BODY), gone("A2", "A1")],
}
BASE_WORDS = {
    "nothing": "nothing known",
    "typed": "a record typed in",
    "imported": "an imported record",
    "edited": "an imported record that a person edited",
    "disputed": "a dosage in conflict",
    "deleted": "a deleted record",
}


def told(dots):
    return " ".join(chr(ord("A") + naive.device(dot)) + str(naive.number(dot)) for dot in dots)


def edit_preds(seen, keys, lane=1):
    """MRG-18: what stands on the registers, in the lane and, for a person, in the source lane."""
    lanes = {lane, 0}
    return told(sorted({s[0] for key in keys for each in lanes for s in naive.standing(seen, key, each)}))


def delete_preds(seen):
    return told(sorted({*naive.live(seen), *(s[0] for s in naive.standing(seen, "@life", 1))}))


def life_preds(seen):
    return told(s[0] for s in naive.standing(seen, "@life", 1))


def sets(**values):
    def act(seen, dot):
        told_ = {key.replace("NOTE", NOTE): value for key, value in values.items()}
        return word(dot, told_, edit_preds(seen, told_))

    return act


def adds_a_note(seen, dot):
    key = f"note/1.{dot}"
    return word(dot, {key: f'"note of {dot[0]}"'}, edit_preds(seen, [key]))


def annotates(seen, dot):
    key = f"@note/{dot}"
    return word(dot, {key: '"seen by me"'}, edit_preds(seen, [key]))


def deletes(seen, dot):
    return gone(dot, delete_preds(seen))


def merges_away(seen, dot):
    return word(dot, {"@into": '"another"', "@life": '"gone"'}, delete_preds(seen))


def restores(seen, dot):
    return here(dot, life_preds(seen))


def imports_the_file(seen, dot):
    return born(dot, BODY, told(s[0] for s in naive.standing(seen, naive.NOBODY_NAMED, 0)))


def imports_another_copy(seen, dot):
    body = {**BODY, "dosage": '"20 mg"', "status": '"stopped"'}
    return born(dot, body, told(s[0] for s in naive.standing(seen, naive.NOBODY_NAMED, 0)))


def brings_one_newer_value(seen, dot):
    return word(dot, {"dosage": '"20 mg"'}, edit_preds(seen, ["dosage"], 0), lane="source", via=IMPORT)


def types_it_in(seen, dot):
    return typed(dot, {"code": '"x"', "dosage": TEN}, told(s[0] for s in naive.standing(seen, naive.NOBODY_NAMED, 1)))


def carries_an_older_word(seen, dot):
    return word(dot, {"dosage": '"1 mg"'}, "", via=ADOPTED)


def carries_a_deletion(seen, dot):
    return gone(dot, told(naive.live(seen)[:1]), via=LEFT)


class Act(NamedTuple):
    """Something that a device does. `words`: for the name. `musts`: what it leans on."""

    words: str
    musts: str
    make: object


TEN_MG = Act("sets 10 mg", "MRG-5 MRG-18", sets(dosage=TEN))
FIVE_MG = Act("sets 5 mg", "MRG-5 MRG-8", sets(dosage=FIVE))
UNSETS = Act("removes the dosage", "MRG-5 MRG-10", sets(dosage=None))
TWO = Act("sets dosage and status at once", "MRG-5", sets(dosage='"2 mg"', status='"active"'))
STATUS = Act("sets the status", "MRG-5", sets(status='"active"'))
ADDS = Act("adds a repetition", "MRG-20", adds_a_note)
CHANGES = Act("changes a repetition", "MRG-5", sets(NOTE='"taken at noon"'))
REMOVES = Act("removes a repetition", "MRG-5 MRG-10", sets(NOTE=None))
ANNOTATES = Act("annotates", "MRG-10", annotates)
DELETES = Act("deletes", "MRG-16 MRG-17 MRG-19", deletes)
MERGES = Act("merges it into another", "MRG-16 MRG-17", merges_away)
RESTORES = Act("restores", "MRG-17 MRG-19", restores)
FILE = Act("imports the same file", "MRG-12 MRG-13 MRG-14", imports_the_file)
COPY = Act("imports another copy", "MRG-13 MRG-25", imports_another_copy)
NEWER = Act("brings one newer value of the source", "MRG-11 MRG-25", brings_one_newer_value)
TYPES = Act("types it in", "MRG-12 MRG-13", types_it_in)
CARRIES = Act("carries an older word", "MRG-6", carries_an_older_word)
CARRIES_GONE = Act("carries a deletion", "MRG-6 MRG-17", carries_a_deletion)

PAIRED = {
    "nothing": (TEN_MG, UNSETS, ADDS, ANNOTATES, DELETES, FILE, COPY, TYPES, CARRIES),
    "typed": (TEN_MG, FIVE_MG, UNSETS, TWO, ADDS, CHANGES, REMOVES, ANNOTATES, DELETES, MERGES, TYPES, CARRIES),
    "imported": (TEN_MG, UNSETS, TWO, ADDS, CHANGES, REMOVES, DELETES, FILE, COPY, NEWER, TYPES, CARRIES),
    "edited": (TEN_MG, FIVE_MG, UNSETS, STATUS, REMOVES, DELETES, COPY, NEWER, CARRIES),
    "disputed": (TEN_MG, FIVE_MG, UNSETS, TWO, STATUS, REMOVES, DELETES, NEWER, CARRIES),
    "deleted": (RESTORES, DELETES, ADDS, TEN_MG, ANNOTATES, TYPES, FILE, CARRIES, CARRIES_GONE),
}

# What D does after a pair met, for each part of it that D may have seen.
AFTER = (TEN_MG, UNSETS, DELETES, RESTORES)
SEEN_PAIRS = {
    "typed": ((TEN_MG, FIVE_MG), (TEN_MG, TEN_MG), (UNSETS, TWO), (DELETES, TWO)),
    "imported": ((TEN_MG, NEWER), (COPY, TWO), (DELETES, FILE), (CARRIES, UNSETS)),
    "deleted": ((RESTORES, DELETES), (RESTORES, TEN_MG)),
}


def outcome(changes):
    """What came of it, in words that the name ends with."""
    keys = sorted(naive.named(changes) - {"@life"}, key=str.encode)
    disputed = [key for key in keys if (view := naive.shown(changes, key)) and view[2]]
    life = naive.life(changes)
    words = [f"{' and '.join(disputed)} disputed"] if disputed else []
    if life != "here":
        words.append(life.replace("_", " "))
    copies = [key for key in keys if len(naive.standing(changes, key, 0)) > 1]
    if copies:
        words.append("two copies of the source")
    return ", ".join(words) or "nothing to ask"


def pairs(base):
    """Two acts apart; each pair once, and each act beside itself."""
    start = BASES[base]
    for first, second in itertools.combinations_with_replacement(PAIRED[base], 2):
        changes = [*start, first.make(start, "B1"), second.make(start, "C1")]
        name = f"{BASE_WORDS[base]}: one {first.words}, another {second.words}: {outcome(changes)}"
        yield case(name, musts(first, second), changes)


def views(base):
    """A third act by somebody who saw one of two, the other, or both."""
    start = BASES[base]
    told_already = []  # where seeing one or the other makes no difference there is one case
    for first, second in SEEN_PAIRS[base]:
        ours, theirs = first.make(start, "B1"), second.make(start, "C1")
        for words, seen in (("the first", [ours]), ("the second", [theirs]), ("both", [ours, theirs])):
            for after in AFTER:
                changes = [*start, ours, theirs, after.make([*start, *seen], "D1")]
                if changes in told_already:
                    continue
                told_already.append(changes)
                what = f"one {first.words}, another {second.words}, and who saw {words} {after.words}"
                yield case(f"{BASE_WORDS[base]}: {what}: {outcome(changes)}", musts(first, second, after), changes)


def musts(*acts):
    found = {must for act in acts for must in act.musts.split()} | {"MRG-3"}
    return " ".join(sorted(found, key=lambda must: int(must.removeprefix("MRG-"))))


def files():
    """Every file by name, as lists of cases."""
    out = {f"pair_{base}.json": list(pairs(base)) for base in PAIRED}
    return out | {f"view_{base}.json": list(views(base)) for base in SEEN_PAIRS}


def main():
    """Write every file. What the files say is reviewed as a change of the contract."""
    for name, cases in files().items():
        (FOLDER / name).write_text(rendered(cases), encoding="ascii")


if __name__ == "__main__":
    main()
