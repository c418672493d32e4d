"""proxy-second-card: somebody with an end date gives herself a second card that has none."""

from sync.log.membership import PersonRow
from sync.wire.item import EDITOR, OWNER
from tests.hostile.family_log import ANN, SAM, FamilyLog, add, card

END = 1_900_000_000_000  # milliseconds since 1970 UTC


def test_a_proxys_second_card_has_her_end_date_and_her_role() -> None:
    family, sam = FamilyLog(), card(10)
    assert family.entry(family.mum, add(sam, SAM, EDITOR, END)) is None
    for role, until in ((EDITOR, None), (EDITOR, END + 1), (OWNER, END), (OWNER, None)):
        assert family.entry(sam, add(card(11), SAM, role, until)) == "rights"
    assert family.entry(sam, add(card(11), SAM, EDITOR, END)) is None
    assert family.log.table.people[SAM] == PersonRow(EDITOR, END)


def test_an_owner_has_no_end_date() -> None:
    family = FamilyLog()
    assert family.entry(family.mum, add(card(10), ANN, OWNER, END)) == "rights"
