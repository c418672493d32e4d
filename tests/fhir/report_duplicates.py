"""False offers and misses over the labelled set, by class: `python -m tests.fhir.report_duplicates`.

Each pair is entered on two phones that then meet. An offer: the two are proposed as duplicates, or shown as one. False:
offered, and labelled two. Missed: not offered, and labelled one.
"""

from collections import defaultdict
from typing import NamedTuple

from sync.fhir import duplicates
from tests.fhir.import_phones import Phone, merged
from tests.fhir.labelled_set import pairs
from tests.vectors.import_resources import bundle, entry


class Row(NamedTuple):
    """One class: how many pairs, and the names of the false offers and the misses."""

    pairs: int
    false: list
    missed: list


def offered(a, b):
    """True if the two are proposed or shown as one; each is the first entry of a file of its own."""
    phones = [Phone(0), Phone(1)]
    records = []
    for number, (phone, given) in enumerate(zip(phones, (a, b), strict=True)):
        entries = given if isinstance(given, list) else [given]
        plan = phone.imports(bundle(*map(entry, entries), identifier={"value": str(number)}))
        records.append(plan.edits[0].record)
    met = merged(*phones)
    asked = {frozenset((pair.a, pair.b)) for pair in duplicates.propose(met)}
    return frozenset(records) in asked or any(set(records) <= set(group) for group in duplicates.same(met))


def report():
    """Rows by class, in the order of the set."""
    counts, false, missed = defaultdict(int), defaultdict(list), defaultdict(list)
    for pair in pairs():
        counts[pair.kind] += 1
        offer = offered(pair.a, pair.b)
        if offer and not pair.one:
            false[pair.kind].append(pair.name)
        if pair.one and not offer:
            missed[pair.kind].append(pair.name)
    return {kind: Row(counts[kind], false[kind], missed[kind]) for kind in counts}


def main():
    rows = report()
    print(f"{'class':32} {'pairs':>6} {'false offers':>13} {'misses':>7}")
    for kind, row in rows.items():
        print(f"{kind:32} {row.pairs:6} {len(row.false):13} {len(row.missed):7}")
    every = [sum(len(row[place]) for row in rows.values()) for place in (1, 2)]
    print(f"{'all':32} {sum(row.pairs for row in rows.values()):6} {every[0]:13} {every[1]:7}")
    for word, place in (("false offer", 1), ("missed", 2)):
        for kind, row in rows.items():
            for name in row[place]:
                print(f"{word}: {kind}: {name}")


if __name__ == "__main__":
    main()
