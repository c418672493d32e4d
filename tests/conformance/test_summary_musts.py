"""Every numbered sentence of openapi/protocol/summary.md is held by a test or a vector that names it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = (
    *("tests/fhir/test_summary_document.py", "tests/fhir/test_summary_disputes.py"),
    *("tests/fhir/test_summary_restriction.py", "tests/cli/test_summary.py", "tests/vectors/test_summary_vectors.py"),
    "openapi/vectors/summary/summaries.json",
)


def test_every_must_of_the_summary_is_cited() -> None:
    chapter = (ROOT / "openapi/protocol/summary.md").read_text("utf-8")
    musts = re.findall(r"\*\*MUST (SUM-\d+)\*\*", chapter)
    assert musts == [f"SUM-{n}" for n in range(1, len(musts) + 1)]
    cited = {id_ for place in PLACES for id_ in re.findall(r"SUM-\d+", (ROOT / place).read_text("utf-8"))}
    assert cited == set(musts)
