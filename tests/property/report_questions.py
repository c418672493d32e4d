"""Questions per 1,000 realistic edits, by kind: `python -m tests.property.report_questions [families]`."""

import sys
from collections import Counter

from tests.property.family_years import KINDS, years


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"{'family':>8} {'edits':>6} {'files':>6} {'meetings':>9} " + " ".join(f"{kind:>20}" for kind in KINDS))
    edits, asked = 0, Counter()
    for seed in range(count):
        told, _ = years(seed)
        edits += told.edits
        asked += told.asked
        row = " ".join(f"{told.asked[kind]:6} ({told.per_thousand[kind]:5.1f} ‰)    " for kind in KINDS)
        print(f"{seed:8} {told.edits:6} {told.imports:6} {told.meetings:9} {row}", flush=True)
    per_thousand = {kind: round(1_000 * asked[kind] / edits, 1) for kind in KINDS}
    print(f"in 1,000 edits: {per_thousand}, together {1_000 * sum(asked.values()) / edits:.1f}")


if __name__ == "__main__":
    main()
