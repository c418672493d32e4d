"""The merge engine against openapi/vectors/merge/*.json, and those files against the function that wrote them."""

import json
from itertools import product

import pytest

from sync.merge.change import LIFE, Change, RecordId, Via, make_dot, number_of, ordinal_of
from sync.merge.record import Record
from sync.merge.snapshot import canonical_record, digests, record_digest, state_root
from sync.merge.view import shown
from tests.vectors import generate_merge, generate_merge_pairs

FOLDER = generate_merge.FOLDER
LANES = ("source", "person")


def cases():
    for path in sorted(FOLDER.glob("*.json")):
        if path.name != "roots.json":
            for case in json.loads(path.read_bytes())["cases"]:
                yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def read_change(record, fields):
    return Change(
        make_dot(*fields["dot"]),
        record,
        fields["birth"],
        LANES.index(fields["lane"]),
        fields["via"] and Via(fields["via"][0], bytes.fromhex(fields["via"][1]), fields["via"][2]),
        tuple(sorted(make_dot(*pred) for pred in fields["preds"])),
        tuple((key, None if text is None else text.encode()) for key, text in fields["sets"]),
        fields["at"],
    )


def pair(dot):
    return [ordinal_of(dot), number_of(dot)]


def text(value):
    return None if value is None else value.decode()


def apply_in(order, record_id, changes):
    record, vector = Record(record_id), {}
    for position in order:
        change = changes[position]
        author, n = ordinal_of(change.dot), number_of(change.dot)
        if n > vector.get(author, 0):
            vector[author] = n
            record.apply(change)
    return record


def said(record, keys, with_canonical):
    """What a case expects, of a record of the engine."""
    registers = [(lane, key, record.siblings(key, lane)) for lane, key in product((0, 1), keys)]
    views = {key: shown(record, key) for key in keys if key != LIFE}
    out = {
        "standing": [
            [LANES[lane], key, [[pair(s.dot), text(s.value), [pair(pred) for pred in s.seen]] for s in there]]
            for lane, key, there in registers
            if there
        ],
        "everywhere": {
            name: [pair(s.dot) for s in record.siblings("nobody named this", i)] for i, name in enumerate(LANES)
        },
        "live": [pair(dot) for dot in record.live_dots()],
        "life": record.life().value,
        "unseen_by_deletion": [pair(dot) for dot in record.unseen_by_deletion()],
        "shown": [[key, LANES[v.lane], text(v.value), v.disputed] for key, v in views.items() if v],
        "digest": record_digest(record).hex(),
    }
    return {**out, "canonical": canonical_record(record).hex()} if with_canonical else out


@pytest.mark.parametrize("case", list(cases()))
def test_every_order_of_the_case_gives_what_it_expects(case):
    record_id = RecordId(bytes.fromhex(case["record"]))
    changes = [read_change(record_id, fields) for fields in case["changes"]]
    keys = sorted({key for change in changes for key, _ in change.sets}, key=str.encode)
    for order in case["orders"]:
        record = apply_in(order, record_id, changes)
        assert said(record, keys, "canonical" in case["expect"]) == case["expect"]


@pytest.mark.parametrize(
    "case", json.loads((FOLDER / "roots.json").read_bytes())["cases"], ids=lambda case: case["name"]
)
def test_the_root_of_the_case_is_what_it_expects(case):
    records = []
    for hexadecimal, changes in case["records"]:
        record_id = RecordId(bytes.fromhex(hexadecimal))
        records.append(apply_in(range(len(changes)), record_id, [read_change(record_id, each) for each in changes]))
    assert state_root(bytes.fromhex(case["key"]), digests(records)).hex() == case["root"]


def test_the_committed_files_are_what_the_generator_writes():
    for name, cases in (generate_merge.files() | generate_merge_pairs.files()).items():
        assert (FOLDER / name).read_text(encoding="ascii") == generate_merge.rendered(cases), name


def test_every_case_has_a_name_of_its_own():
    names = [param.id for param in cases()]
    assert len(names) == len(set(names)) >= 400


def test_no_two_cases_tell_the_same_story():
    """A case more that behaves as another is no proof more."""
    stories = [json.dumps(param.values[0]["changes"]) for param in cases()]
    assert len(stories) == len(set(stories))


def test_every_must_that_a_state_can_show_has_a_case():
    named = {must for param in cases() for must in param.values[0]["musts"]} | {"MRG-27", "MRG-28"}
    writers_alone = {"MRG-21", "MRG-22"}  # what waits, and how a change is written: frames.md has their cases
    assert named == {f"MRG-{number}" for number in range(1, 29)} - writers_alone
