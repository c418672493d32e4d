"""adopted-over-own: an adopted or rebased change drops a value that its carrier wrote meanwhile."""

from __future__ import annotations

import pytest

from sync.merge.change import PERSON, Change, RecordId, Via, make_dot
from sync.merge.record import Record
from sync.vault.adopt import Name, adopt, old_dot, stage_again
from sync.vault.content import WireChange
from sync.wire.ids import DeviceId, ItemHash

X = RecordId(b"x".ljust(32, b"\0"))
OWNER, REMOVED = DeviceId(b"o" * 32), DeviceId(b"r" * 32)
FRAME = ItemHash(b"f" * 32)
BORN, MEANWHILE = make_dot(0, 1), make_dot(0, 2)
OLD = WireChange(5, X, False, PERSON, None, ((OWNER, 1),), (("dose", b'"hers"'),), 0)


def record() -> Record:
    """The owner has made the record, and has written another dose since the removed person saw it."""
    made = Record(X)
    made.apply(Change(BORN, X, True, PERSON, None, (), (("dose", b'"first"'),), 0))
    made.apply(Change(MEANWHILE, X, False, PERSON, None, (BORN,), (("dose", b'"meanwhile"'),), 0))
    return made


def standing(change: Change) -> set[bytes | None]:
    made = record()
    made.apply(change)
    return {sibling.value for sibling in made.siblings("dose", PERSON)}


def here(name: Name) -> int | None:
    return make_dot(0, name.n) if name.device == OWNER and name.n <= 2 else None


@pytest.mark.parametrize("carry", [adopt, None], ids=["adopted", "rebased"])
def test_what_the_carrier_wrote_meanwhile_stands_beside_it(carry) -> None:  # type: ignore[no-untyped-def]
    """BAD-13."""
    if carry:
        [change] = adopt(FRAME, REMOVED, [OLD], 0, 2, here)
        assert change.via == Via("frame", FRAME)
    else:
        [change] = stage_again(REMOVED, [OLD], 0, 2, here)
        assert change.via == old_dot(REMOVED, OLD) == Via("dot", REMOVED, 5)
    assert change.preds == (BORN,)
    assert standing(change) == {b'"meanwhile"', b'"hers"'}


def test_without_its_via_it_would_drop_the_owners_word() -> None:
    [change] = adopt(FRAME, REMOVED, [OLD], 0, 2, here)
    plain = Change(change.dot, X, False, PERSON, None, change.preds, change.sets, 0)
    assert standing(plain) == {b'"hers"'}
