"""The lines of a list: nothing of a text is lost where it is folded, and columns stand where wide letters are."""

from __future__ import annotations

import pytest

from sync.device.cli.lines import Line, cells, laid_out

ROWS = [
    Line("", "Medicines", ""),
    Line("aaaaaaaa", "Ramipril 5 mg, mornings, since 2019", "Example Hospital, 10 Jan 2026 · changed by Testa"),
    Line("bbbbbbbb", "ラミプリル 5 mg 朝食後に一錠を服用すること", "1 to settle: carnet conflicts", True),
    Line("cccccccc", "x" * 70, ""),
]


def test_where_output_is_no_terminal_one_line_is_one_record() -> None:
    told = list(laid_out(ROWS, None))
    assert len(told) == len(ROWS)
    assert [line.split()[0] for line in told[1:]] == ["aaaaaaaa", "bbbbbbbb", "cccccccc"]
    assert "Ramipril 5 mg, mornings, since 2019  " in told[1]
    assert not any("\x1b" in line for line in told)


@pytest.mark.parametrize("width", [20, 48, 60, 80, 200])
def test_a_folded_line_keeps_to_the_width_and_loses_no_letter(width: int) -> None:
    told = list(laid_out(ROWS, width))
    assert max(map(cells, told)) <= max(width, 44)  # a name, two gaps and the least that a cell has
    for row in ROWS:
        letters = sorted("".join((row.name + row.what + row.remark).split()))
        began = next(place for place, line in enumerate(told) if row.name in line and row.what[:5] in line)
        ended = next((p for p in range(began + 1, len(told)) if not told[p].startswith(" ")), len(told))
        shown = "".join(told[began:ended]) if row.name else told[began]
        assert sorted("".join(shown.split())) == letters


def test_remarks_begin_in_one_column_whatever_letters_stand_before_them() -> None:
    told = list(laid_out(ROWS, None))
    places = {cells(line[: line.index(row.remark)]) for row, line in zip(ROWS, told, strict=True) if row.remark}
    assert len(places) == 1


def test_only_a_terminal_gets_colours_and_an_open_question_is_seen() -> None:
    plain, told = list(laid_out(ROWS, None)), list(laid_out(ROWS, None, style=True))
    assert "\x1b[31m1 to settle" in told[2]
    assert told[0].strip() == "\x1b[1mMedicines\x1b[0m"
    assert "\x1b[31m" not in told[1]
    assert len(told) == len(plain)


def test_a_wide_letter_takes_two_columns_and_a_combining_mark_none() -> None:
    assert [cells(text) for text in ("ab", "ラ", "e\u0301", "é")] == [2, 2, 1, 1]
