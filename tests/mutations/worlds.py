"""Random worlds in turn until one goes wrong: `python -m tests.mutations.worlds KIND COUNT [FIRST]`.

Says, in the words of pytest's last lines, which world failed and how many ran; exit code 3 then, so that a module that
could not even be imported (1) is nothing that was caught.
"""

import random
import sys

from tests.property.laws_convergence import law_convergence, law_crowded
from tests.property.merge_checks import check_world
from tests.property.merge_worlds import make_world
from tests.simulation import shipped_bad_days, shipped_family, shipped_worlds

CAUGHT = 3


def _merge(seed):
    check_world(make_world(random.Random(seed).randrange))


def _convergence(seed):
    law_convergence(make_world(random.Random(seed).randrange))
    law_crowded(random.Random(seed).randrange)


def _family(mix):
    def run(seed):
        _, wrong = shipped_family.run_world(seed, mix)
        assert wrong is None, wrong

    return run


KINDS = {
    "merge": _merge,
    "convergence": _convergence,
    "shipped": shipped_worlds.run_world,
    "bad-days": shipped_bad_days.run_world,
    **{f"family/{mix}": _family(mix) for mix in shipped_family.MIXES},
}


def main(kind, count, first=0):
    """The exit code: 3 if one of so many worlds went wrong, else 0."""
    for seed in range(first, first + count):
        try:
            KINDS[kind](seed)
        except Exception as error:
            print(f"FAILED {kind} world {seed} - {type(error).__name__}: {str(error)[:200]}")
            print(f"1 failed, {seed - first} passed")
            return CAUGHT
    print(f"{count} passed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0))
