"""Writes every vector file anew: `make vectors`. Look at the difference before committing it.

A difference is a change of the protocol. What a library seals with randomness of its own stays as it is in the file.
"""

from tests.vectors import (
    generate_crypto,
    generate_frames,
    generate_import,
    generate_inbox,
    generate_ledger,
    generate_log,
    generate_membership,
    generate_merge,
    generate_merge_pairs,
    generate_push,
    generate_registers,
    generate_shares,
    generate_summary,
    generate_terms,
)

GENERATORS = (
    generate_crypto,
    generate_frames,
    generate_import,
    generate_inbox,
    generate_ledger,
    generate_log,
    generate_membership,
    generate_merge,
    generate_merge_pairs,
    generate_push,
    generate_registers,
    generate_shares,
    generate_summary,
    generate_terms,
)


def main():
    for generator in GENERATORS:
        generator.main()
        print(generator.__name__)


if __name__ == "__main__":
    main()
