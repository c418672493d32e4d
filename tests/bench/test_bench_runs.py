"""`make bench` at its smallest: every row is measured and written. No figure is judged here."""

import json

import pytest

from infra.bench.__main__ import SECTIONS, main


@pytest.mark.parametrize("section", [name for name in SECTIONS if name != "shares"])  # that one needs a browser
def test_a_section_measures_every_row_and_writes_it(section, tmp_path):
    main([section, "--small", "--alone", "--runs", "1", "--out", str(tmp_path)])
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert len(rows) >= 4
    assert all(row["ours"] is not None and row["ours"] >= 0 for row in rows if "over" not in row["what"])
    assert all(row["ours"] > 0 for row in rows if row["unit"] == "s CPU"), "a command of which nothing was measured"
    assert (tmp_path / "growth.svg").exists() == (section == "growth")


def test_conflicts_found_are_the_generators_list(tmp_path):
    main(["engine", "--small", "--alone", "--runs", "1", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "figures.json").read_text())["rows"][-1]
    assert found["ours"] == found["target"] > 0
    assert "missed 0, invented 0" in found["said"]
