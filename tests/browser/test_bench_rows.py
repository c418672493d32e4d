"""The rows of `make bench` about shares and the page, at their smallest. No figure is judged here."""

from __future__ import annotations

import json
from pathlib import Path

from infra.bench.__main__ import main


def test_the_rows_about_shares_are_measured_and_written(tmp_path: Path) -> None:
    main(["shares", "--small", "--alone", "--runs", "1", "--out", str(tmp_path)])
    rows = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert len(rows) >= 7
    assert all(row["ours"] is not None and row["ours"] >= 0 for row in rows)
