"""The laws at length: `python -m tests.property.prove_laws`, a line of `make prove`. Red at the first one broken."""

import random
import time

from sync.fhir.table import detailed_types
from tests.property.laws_convergence import law_convergence, law_crowded
from tests.property.laws_no_blend import law_no_blend
from tests.property.merge_worlds import make_world

WORLDS = 3_000


def main():
    started = time.process_time()
    for seed in range(WORLDS):
        below = random.Random(seed).randrange
        law_convergence(make_world(below))
        law_crowded(below)
    print(f"{WORLDS} worlds: one state, one view, one question, in any order and any batches", flush=True)
    pairs = 0
    for type_ in detailed_types():
        found = law_no_blend(type_)
        pairs += found
        print(f"{type_}: {found} pairs of deeds, none lost, blended or decided in silence", flush=True)
    print(f"{pairs} pairs in {time.process_time() - started:.0f} s")


if __name__ == "__main__":
    main()
