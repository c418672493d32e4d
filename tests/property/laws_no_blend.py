"""No blend, no loss, no silence: every register of the detailed types, every pair of deeds that two people do apart.

Generated from the register table, through the real editing, merging and asking. For each pair: both orders give the
same bytes; what stands under a dot is what its author wrote; what is shown is one whole written value; where two wrote
differently there is a question whose answers hold both whole, and where they did not there is none; each answer writes
only written values and settles; no invariant is broken that neither had broken.

`law_no_blend(type_)` checks one type and answers how many pairs it looked at; it raises AssertionError.
"""

import functools
import itertools
from typing import NamedTuple

from sync.fhir import conflicts, editing, resolving
from sync.fhir.conflicts import DELETED_WHILE_EDITED
from sync.fhir.editable import EditRefused
from sync.fhir.exact import canonical
from sync.fhir.invariants import broken, refused
from sync.fhir.quiet import same
from sync.fhir.registers import join
from sync.fhir.table import registers_of
from sync.fhir.view import is_deleted, values
from sync.merge.change import GONE, LIFE, PERSON, SOURCE, Change, make_dot, number_of
from sync.merge.record import Record
from sync.merge.snapshot import canonical_record
from tests.fhir.fhir_family import Family, newer_copy
from tests.property.table_values import item_of, resource_of, value_of

NEVER_ASKED = ("meta", "id", "text", "resourceType")
MARKS = ("b", "c")


class Base(NamedTuple):
    """What two people know before they act apart; `shown` and `question` are read of it once."""

    record: Record
    shown: dict
    question: object


class Deed(NamedTuple):
    """Something one person does to a record. `make`: from the record to the edit; may raise EditRefused."""

    name: str
    make: object


def deeds_on(type_, register, whole=True):
    """Every single thing that can be done to one register; not `whole`: of a tie's later elements one value each."""
    table = registers_of(type_)
    for element in register.elements:
        marks = MARKS if whole or element == register.key else MARKS[:1]
        for mark in marks:
            name, value = value_of(type_, element, mark)
            yield Deed(f"set {name} {mark}", lambda r, n=name, v=value: editing.set_element(r, n, v))
        yield Deed(f"unset {element}", lambda r, e=element: editing.unset(r, e))
        if table.repeats(element):
            for mark in marks:
                item = item_of(type_, element, mark)
                yield Deed(f"add {element} {mark}", lambda r, e=element, i=item, m=mark: _add(r, e, i, m))
                yield Deed(
                    f"change {element} {mark}", lambda r, e=element, i=item: editing.change_repetition(r, e, "1", i)
                )
            yield Deed(f"remove {element}", lambda r, e=element: editing.remove_repetition(r, e, "1"))
    if len(register.elements) > 1:
        told = whole_register(type_, register, "b")
        first = next(iter(told))
        yield Deed("set the whole register", lambda r: editing.set_element(r, first, told))
    if "dataAbsentReason" in register.elements:
        name, why = value_of(type_, "dataAbsentReason", "b")
        told_why = {name: why, "code": value_of(type_, "code", "a")[1]}
        yield Deed("say why there is no value", lambda r: editing.set_element(r, name, told_why))


def whole_register(type_, register, mark):
    """The elements of a tie as one value."""
    table = registers_of(type_)
    made = resource_of(type_, register.elements, mark)
    return {name: value for name, value in made.items() if table.element_of(name) in register.elements}


def deeds_beside(type_, register):
    """What is done to the record as a whole, or to another register."""
    yield Deed("delete", editing.delete)
    yield Deed("annotate", lambda r: editing.annotate(r, "a note", b"seed" + canonical_record(r)))
    yield Deed("dispute", lambda r: editing.dispute(r, "not so", b"seed" + canonical_record(r)))


def deeds_of_the_source(type_, register):
    """A newer copy that says something else on this register, or no longer has it."""
    for mark in MARKS:
        copy = canonical(resource_of(type_, register.elements, mark))
        yield Deed(f"newer copy {mark}", lambda r, t=copy: newer_copy(r, t))
    without = canonical(resource_of(type_, ()))
    yield Deed("newer copy without", lambda r: newer_copy(r, without))


def law_no_blend(type_, registers=None, *, whole=True):
    """Every pair of deeds on every register of one type, on a typed, an imported and a disputed record.

    `whole` False, for the quick run: on the imported one only pairs in which the source has a part (those of people are
    on the typed one), and of a tie's later elements one value each.
    """
    count = 0
    for register in registers or registers_of(type_).registers():
        text = canonical(resource_of(type_, register.elements))
        typed, imported = Family(), Family()
        typed.born("A", text)
        imported.imported("A", text)
        people = [*deeds_on(type_, register, whole), *deeds_beside(type_, register)]
        count += check_pairs(typed.record, people)
        count += check_pairs(imported.record, [*deeds_of_the_source(type_, register), *people], whole)
        count += check_resolutions(typed.record, people)
    return count


def check_pairs(base, deeds, people_too=True):
    """Every pair of these deeds, each beside itself too, done apart on this base; answers how many there are."""
    mine, theirs = _written(base, deeds, "B"), _written(base, deeds, "C")
    known = Base(base, values(base), conflicts.find(base))
    pairs = [(mine[place], other) for place in range(len(mine)) for other in theirs[place:]]
    if not people_too:
        pairs = [pair for pair in pairs if SOURCE in (pair[0][1].lane, pair[1][1].lane)]
    for (first, ours), (second, yours) in pairs:
        check_pair(known, ours, yours, f"{first.name} | {second.name}")
    return len(pairs)


def check_resolutions(base, deeds):
    """The first two deeds that make a question; every pair of its answers, deletion and note beside them."""
    for first, second in itertools.combinations(deeds, 2):
        mine, theirs = _written(base, [first], "B"), _written(base, [second], "C")
        if not mine or not theirs:
            continue
        record = _after(base, mine[0][1], theirs[0][1])
        question = conflicts.find(record)
        if question is not None and question.registers != (LIFE,):
            takes = [
                Deed(f"take {n}", lambda r, n=n, q=question: resolving.resolve_take(r, q, n))
                for n in range(1, len(question.values) + 1)
            ]
            beside = [deed for deed in deeds if deed.name in ("delete", "annotate")]
            return check_pairs(record, [*takes, *beside])
    return 0


def check_pair(base, ours, yours, name):
    """Two changes of people who know the base and not each other."""
    record = _after(base.record, ours, yours)
    assert canonical_record(record) == canonical_record(_after(base.record, yours, ours)), f"{name}: the order decided"
    _both_stand(record, ours, yours, name)
    shown = values(record)
    _shown_is_written(base, record, shown, ours, yours, name)
    question = conflicts.find(record)
    if _deletes(ours) or _deletes(yours):
        _deletion(record, question, ours, yours, name)
        return
    _valid(base, shown, ours, yours, name)
    _asked_where_they_differ(base, question, ours, yours, name)
    if question is not None:
        _each_answer_settles(record, question, name)


def _written(base, deeds, phone):
    """The deeds that can be done, as changes of one phone; a deed that is refused is not done."""
    found = []
    for deed in deeds:
        try:
            edit = deed.make(base)
        except EditRefused as error:
            assert error.code in ("invariant", "not_editable", "nothing_there", "conflict_open"), (
                deed.name,
                str(error),
            )
            continue
        if edit.sets:
            dot = make_dot(ord(phone) - ord("A"), _later(base))
            found.append((deed, Change(dot, *edit, 1_000 * dot)))
    return found


def _after(base, *changes):
    record = Record.decode(base.id, base.encode())
    for change in changes:
        assert record.apply(change)
    return record


def _deletes(change):
    return (LIFE, GONE) in change.sets


def _both_stand(record, ours, yours, name):
    for change in (ours, yours):
        for key, value in change.sets:
            standing = {sibling.dot: sibling.value for sibling in record.siblings(key, change.lane)}
            assert standing.get(change.dot, "lost") == value, f"{name}: {key} was lost"


def _shown_is_written(base, record, shown, ours, yours, name):
    mine, theirs = dict(ours.sets), dict(yours.sets)
    for key in record.keys():
        if not key.startswith("@"):
            told = {base.shown.get(key)} | {sets[key] for sets in (mine, theirs) if key in sets}
            # A dispute may show any sibling that stood before.
            told |= {s.value for lane in (SOURCE, PERSON) for s in base.record.siblings(key, lane)}
            assert shown.get(key) in told, f"{name}: {key} is a value that nobody wrote"


def _deletion(record, question, ours, yours, name):
    if _deletes(ours) and _deletes(yours):
        assert is_deleted(record), name
        assert question is None, name
        return
    edit = yours if _deletes(ours) else ours
    assert question is not None, f"{name}: deleted in silence"
    assert question.kind == DELETED_WHILE_EDITED, name
    told = [value for value in question.values if edit.dot in value.dots]
    assert told, f"{name}: the edit is no answer"
    elements = {key: value for key, value in edit.sets if value is not None and not key.startswith("@")}
    assert told[0].value == join(elements) or any(key.startswith("@") for key, _ in edit.sets), name
    assert is_deleted(_resolved(record, question, 1)), name
    assert not is_deleted(_resolved(record, question, 2)), name


def _valid(base, shown, ours, yours, name):
    apart = {key for change in (ours, yours) for key in _broken_in(values(_after(base.record, change)))}
    together = {key for key in _broken_in(shown) if refused(key)}
    assert together <= apart, f"{name}: a merge of two valid records is not valid"


def _broken_in(shown):
    return _broken_keys(tuple(sorted(shown.items())))


@functools.lru_cache(maxsize=2_000)
def _broken_keys(registers):
    return {key for key, _ in broken(join(dict(registers)))}


def _differ(ours, yours):
    """The registers on which the two wrote what does not mean the same, and somebody has to be asked."""
    mine, theirs = dict(ours.sets), dict(yours.sets)
    passed_over = NEVER_ASKED if SOURCE in (ours.lane, yours.lane) else ()
    return {key for key in mine.keys() & theirs.keys() if not same(mine[key], theirs[key])} - set(passed_over)


def _asked_where_they_differ(base, question, ours, yours, name):
    open_before = set() if base.question is None else set(base.question.registers)
    settled = {key for change in (ours, yours) for key, _ in change.sets} & open_before
    asked = set() if question is None else set(question.registers)
    differ = _differ(ours, yours)
    assert differ <= asked, f"{name}: decided in silence on {differ - asked}"
    for key in differ:
        answers = [dict(answer).get(key, "nothing") for answer in question.answers]
        for change in (ours, yours):
            value = dict(change.sets)[key]
            assert any(answer != "nothing" and same(answer, value) for answer in answers), f"{name}: {key} no answer"
    unasked = {key for key in asked - differ - (open_before - settled) if key not in _source_words(ours, yours)}
    assert not unasked, f"{name}: asked without need on {unasked}"


def _source_words(ours, yours):
    """Where a source's newer copy alone may ask: it changed what a thing is, or another imported it."""
    return {key for change in (ours, yours) if change.lane == SOURCE for key, _ in change.sets}


def _each_answer_settles(record, question, name):
    standing = {s.value for key in question.registers for lane in (SOURCE, PERSON) for s in record.siblings(key, lane)}
    standing |= {birth.body.get(key) for birth in record.births for key in question.registers} | {None}
    for n, answer in enumerate(question.answers, 1):
        assert {value for _, value in answer} <= standing, f"{name}: answer {n} holds what nobody wrote"
        settled = _resolved(record, question, n)
        assert conflicts.find(settled) is None, f"{name}: answer {n} settles nothing"


def _resolved(record, question, n):
    edit = resolving.resolve_take(record, question, n)
    return _after(record, Change(make_dot(3, _later(record)), *edit, 9))


def _later(record):
    """A number that no device has used yet."""
    return 1 + max(number_of(dot) for dot in record.live_dots())


def _add(record, element, item, mark):
    edit, _ = editing.add(record, element, item, f"{mark}{len(record.live_dots())}".encode())
    return edit
