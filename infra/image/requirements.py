"""Prints what the server's image installs: pyproject's dependencies and those of the extras that are named.

One line a requirement, for `pip install -r`. Run by build.sh; versions are constraints.txt's.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirements(pyproject: Path, extras: list[str]) -> list[str]:
    """The requirements, in order. Raises: KeyError for an extra that pyproject does not have."""
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in extras for line in optional[extra])]


if __name__ == "__main__":
    print("\n".join(requirements(Path(sys.argv[1]), sys.argv[2:])))
