"""future-delete: an editor deletes what does not exist yet, by naming dots of the future; or takes the id under which
next week's import will come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest

from sync.device.identity import get_identity
from sync.device.reading import read_record
from sync.device.staging import stage
from sync.fhir import conflicts
from sync.fhir.registers import split
from sync.merge.change import GONE, LIFE, PERSON, SOURCE, Edit, make_dot
from sync.merge.life import Life
from sync.merge.view import delete_preds
from sync.vault import replay
from sync.vault.content import resolve
from sync.wire.ids import DeviceId
from tests.fhir.import_phones import Phone, merged, url_id
from tests.hostile.shipped_pair import Pair, X, run
from tests.simulation.shipped import VAULT
from tests.vectors.import_resources import HOSPITAL, document

AHEAD = 50  # numbers of the victim's that are named before they are used
CONDITION = {"resourceType": "Condition", "id": "n", "code": {"text": "Asthma"}}
NEXT_WEEK = url_id("Condition", f"{HOSPITAL}/Condition/n")


async def deletes_the_future(pair: Pair) -> None:
    """Phone b deletes record x, and with it whatever phone a will write to it; past what the command would say."""
    async with pair.b.phone.store.transaction() as rows:
        identity = await get_identity(rows)
        state = await rows.get_vault(VAULT)
        assert identity is not None
        ordinal, n = state.ordinals[DeviceId(pair.a.device)], state.vector.get(DeviceId(pair.a.device), 0)  # type: ignore[arg-type]
        coming = tuple(make_dot(ordinal, n + k) for k in range(1, AHEAD))
        preds = (*delete_preds(await read_record(rows, VAULT, X)), *coming)
        await stage(pair.b.phone, rows, identity, VAULT, [Edit(X, False, PERSON, None, preds, ((LIFE, GONE),))])


async def story(pair: Pair) -> None:
    await pair.writes(pair.a)
    for phone in (pair.a, pair.b):
        await phone.sync()
    await deletes_the_future(pair)
    await pair.b.sync()
    await pair.a.sync()
    await pair.writes(pair.a)
    for phone in (pair.a, pair.b):
        await phone.sync()
    for phone in (pair.a, pair.b):
        async with phone.phone.store.transaction() as rows:
            assert (await read_record(rows, VAULT, X)).life() is Life.HERE, "nothing unseen is hidden"
    look = await pair.a.look()
    assert [word for word in look["verdicts"] if word] == ["preds"]
    assert look["quarantined"] == ["preds"], "and it is shown"


def test_a_deletion_that_names_what_nobody_wrote_yet_is_void() -> None:
    run(story)


def test_it_is_seen_without_the_rule() -> None:
    class Prophetic(dict):  # type: ignore[type-arg]
        def get(self, key: object, default: object = None) -> int:
            return 1_000_000

    def lenient(content: Any, last_n: int, ordinals: Any, vector: Mapping[DeviceId, int], *rest: Any) -> Any:
        return resolve(content, last_n, ordinals, Prophetic(vector), *rest)

    with patch.object(replay, "resolve", lenient), pytest.raises(AssertionError, match="nothing unseen"):
        run(story)


def taken_beforehand(lane: int) -> list[str]:
    """What is asked after an import whose record an editor has made before, refuted, in one of the lanes."""
    mum, editor = Phone(0), Phone(1)
    forged = split(CONDITION | {"verificationStatus": {"text": "refuted"}})
    editor.write([Edit(NEXT_WEEK, True, lane, None, (), tuple(forged.items()))])
    merged(mum, editor)
    mum.imports(document("2024-03-12", CONDITION | {"verificationStatus": {"text": "confirmed"}}))
    return [question.kind for question in mum.questions()]


@pytest.mark.parametrize("lane", [SOURCE, PERSON])
def test_who_takes_the_id_of_an_import_beforehand_settles_nothing(lane: int) -> None:
    assert taken_beforehand(lane) == ["source_changed"]


def test_it_would_pass_in_silence_without_the_question() -> None:
    with patch.object(conflicts, "_copies", lambda record, place: []):
        assert taken_beforehand(SOURCE) == []
