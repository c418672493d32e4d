"""`make bench` at its smallest: every row is measured and written. No figure is judged here.

CARNET_BENCH=all: every section, as `make prove` has it; those with servers, thousands of lines or a browser take a
minute together.
"""

import json
import os

import pytest

from infra.bench.__main__ import SECTIONS, main

TRIED = SECTIONS if os.environ.get("CARNET_BENCH") == "all" else ("engine", "phone", "growth")


@pytest.fixture(scope="module", params=TRIED)
def measured(request, tmp_path_factory):
    """A section's name, its rows, and the folder that they were written to."""
    folder = tmp_path_factory.mktemp(request.param)
    main([request.param, "--small", "--alone", "--runs", "1", "--out", str(folder)])
    return request.param, json.loads((folder / "figures.json").read_text())["rows"], folder


def test_a_section_measures_every_row_and_writes_it(measured):
    section, rows, folder = measured
    assert len(rows) >= 4
    assert all(row["ours"] is not None and row["ours"] >= 0 for row in rows if "over" not in row["what"])
    assert all(row["ours"] > 0 for row in rows if row["unit"] == "s CPU"), "a command of which nothing was measured"
    assert (folder / "growth.svg").exists() == (section == "growth")


def test_conflicts_found_are_the_generators_list(measured):
    _, rows, _ = measured
    for found in (row for row in rows if row["what"].startswith("conflicts found")):
        assert found["ours"] == found["target"] > 0
        assert "missed 0, invented 0" in found["said"]
