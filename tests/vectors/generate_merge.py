"""Writes openapi/vectors/merge/*.json: cases by hand, one thought each, and random worlds.

What is expected comes from the naive rival, not from the engine that the vectors are to test. Run by hand, from the
repository: `python -m tests.vectors.generate_merge`. Format: openapi/protocol/merge.md, "Vectors".
"""

import hashlib
import hmac
import json
from pathlib import Path

from sync.merge.change import Change, RecordId, Via, make_dot
from tests.property import naive_merge as naive
from tests.property.merge_worlds import causal_order, make_world

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors" / "merge"
WORLDS = 40  # may grow: world number i stays the same whatever the count
LANE = {"source": 0, "person": 1}
LANE_NAMES = {0: "source", 1: "person"}
RECORD = RecordId(b"synthetic record".ljust(32, b"."))

IMPORT = Via("import", b"e" * 32)
ADOPTED = Via("frame", b"f" * 32)
REBASED = Via("dot", b"d" * 32, 9)
LEFT = Via("vault", b"v" * 32)


def dot(text):
    """`B3` is the third change of the second device."""
    return make_dot(ord(text[0]) - ord("A"), int(text[1:]))


def word(name, sets, preds="", lane="person", birth=False, via=None, at=None):
    """One change; preds as `A1 B2`."""
    dots = tuple(sorted(dot(pred) for pred in preds.split()))
    when = 1_700_000_000_000 + 1_000 * dot(name) if at is None else at
    encoded = tuple((key, None if value is None else value.encode()) for key, value in sets.items())
    return Change(dot(name), RECORD, birth, LANE[lane], via, dots, encoded, when)


def born(name, body, preds="", lane="source", via=IMPORT, **rest):
    """A birth, by default an imported one."""
    return word(name, body, preds, lane, birth=True, via=via, **rest)


def typed(name, body, preds="", **rest):
    """A birth in the person lane: a record that somebody typed in."""
    return born(name, body, preds, lane="person", via=None, **rest)


def gone(name, preds, **rest):
    return word(name, {"@life": '"gone"'}, preds, **rest)


def here(name, preds, **rest):
    return word(name, {"@life": '"here"'}, preds, **rest)


TEN, FIVE, AT_HOME = '"10 mg"', '"5 mg"', '"at home"'

REGISTERS = [
    ("a first word stands alone", "MRG-5", [word("A1", {"dosage": FIVE})]),
    ("nothing is known of a record without changes", "MRG-12", []),
    ("a named sibling leaves", "MRG-5", [word("A1", {"dosage": FIVE}), word("B1", {"dosage": TEN}, "A1")]),
    ("a sibling that was not named stays", "MRG-5", [word("A1", {"dosage": FIVE}), word("B1", {"dosage": TEN})]),
    ("one's own earlier word leaves unnamed", "MRG-5", [word("A1", {"dosage": FIVE}), word("A2", {"dosage": TEN})]),
    ("numbers of a device may have gaps", "MRG-2", [word("A1", {"dosage": FIVE}), word("A9", {"dosage": TEN})]),
    ("an own earlier word on another register stays", "MRG-5",
     [word("A1", {"dosage": FIVE}), word("A2", {"status": '"active"'})]),
    ("a pred is dropped only where the change writes", "MRG-5",
     [word("A1", {"dosage": FIVE, "status": '"active"'}), word("B1", {"dosage": TEN}, "A1")]),
    ("equal values stay two siblings", "MRG-8", [word("A1", {"dosage": FIVE}), word("B1", {"dosage": FIVE})]),
    ("who saw one of two equal values drops one", "MRG-8",
     [word("A1", {"dosage": FIVE}), word("B1", {"dosage": FIVE}), word("C1", {"dosage": TEN}, "A1")]),
    ("a resolution names every sibling", "MRG-18",
     [word("A1", {"dosage": FIVE}), word("B1", {"dosage": TEN}), word("C1", {"dosage": FIVE}, "A1 B1")]),
    ("two resolutions apart stand beside each other", "MRG-5",
     [word("A1", {"dosage": FIVE}), word("B1", {"dosage": TEN}), word("C1", {"dosage": FIVE}, "A1 B1"),
      word("D1", {"dosage": TEN}, "A1 B1")]),
    ("a later clock wins nothing", "MRG-4",
     [word("A1", {"dosage": FIVE}, at=4_102_444_800_000), word("B1", {"dosage": TEN}, at=0),
      word("C1", {"dosage": AT_HOME}, "A1", at=-1)]),
    ("dots order by number, then by device", "MRG-1",
     [word("B1", {"dosage": FIVE}), word("A2", {"dosage": TEN}), word("C1", {"dosage": AT_HOME})]),
    ("removing an element is a value like others", "MRG-5",
     [word("A1", {"dosage": FIVE}), word("B1", {"dosage": None}, "A1"), word("C1", {"dosage": TEN}, "A1")]),
    ("absent is not null", "MRG-10", [word("A1", {"dosage": None}), word("B1", {"dosage": "null"})]),
    ("one change sets several registers under one dot", "MRG-5",
     [word("A1", {"code": '"x"', "value": "5.4"}), word("B1", {"code": '"y"', "value": "6"}, "A1"),
      word("C1", {"value": "7"}, "A1")]),
    ("preds that dropped nothing are kept as seen", "MRG-7",
     [word("A1", {"dosage": FIVE}), word("B1", {"status": '"active"'}), word("C1", {"dosage": TEN}, "A1 B1")]),
    ("what was seen is kept in ascending order", "MRG-7",
     [word("C1", {"dosage": FIVE}), word("B2", {"dosage": TEN}), word("A2", {"dosage": AT_HOME}, "B2 C1")]),
    ("a change may name its author's earlier one", "MRG-5",
     [word("A1", {"dosage": FIVE}), word("A2", {"dosage": TEN}, "A1"), word("B1", {"dosage": AT_HOME}, "A1")]),
    ("a chain of edits leaves the last", "MRG-5",
     [word("A1", {"n": "1"}), word("B1", {"n": "2"}, "A1"), word("A2", {"n": "3"}, "B1"),
      word("B2", {"n": "4"}, "A2")]),
    ("two repetitions of one change have two registers", "MRG-20",
     [word("A1", {"note#A.1.0": '"first"', "note#A.1.1": '"second"'}),
      word("B1", {"note#B.1.0": '"first"'}), word("B2", {"note#A.1.0": None}, "A1")]),
    ("unknown keys are carried like known ones", "MRG-10",
     [word("A1", {"zukunft": "true", "": "1", "@x": "2"}), word("B1", {"zukunft": "false"}, "A1")]),
]  # fmt: skip

VALUES = [
    ("decimals keep their digits", "MRG-10", [word("A1", {"value": "5.40"}), word("B1", {"value": "5.4"})]),
    ("an exponent stays as written", "MRG-10", [word("A1", {"value": "1e2"}), word("B1", {"value": "100"})]),
    ("a long integer stays whole", "MRG-10", [word("A1", {"value": "12345678901234567890123"})]),
    ("two spellings of one letter are two values and two keys", "MRG-10",
     [word("A1", {"text": '"\u00e4"', "\u00e4": "1"}), word("B1", {"text": '"a\u0308"', "a\u0308": "2"})]),
    ("keys order by their UTF-8 bytes", "MRG-26",
     [word("A1", {"\uffff": "1", "\U0001f600": "2", "z": "3", "Z": "4", "\u00e9": "5", "zz": "6"})]),
    ("a birth's keys order likewise", "MRG-26",
     [born("A1", {"\uffff": "1", "\U0001f600": "2", "z": "3", "Z": "4", "gone": None})]),
    ("a value of 255 bytes", "MRG-26", [word("A1", {"text": '"' + "a" * 253 + '"'})]),
    ("a value of 256 bytes", "MRG-26", [word("A1", {"text": '"' + "a" * 254 + '"'})]),
    ("a key of 32 bytes, one of 255 and one of 256", "MRG-26",
     [word("A1", {"k" * 31: "1", "k" * 32: "2", "k" * 255: "3", "k" * 256: "4"})]),
    ("large numbers and ordinals", "MRG-26",
     [Change(make_dot(1023, 1), RECORD, False, 1, None, (), (("n", b"1"),), 0),
      Change(make_dot(1, 4_294_967_296), RECORD, False, 1, None, (), (("n", b"2"),), 253_402_300_799_999),
      Change(make_dot(200, 65_536), RECORD, False, 1, None, (make_dot(1023, 1),), (("m", b"3"),), -40_000)]),
    ("sixteen registers need a longer head", "MRG-26", [word("A1", {f"k{i:02}": str(i) for i in range(16)})]),
]  # fmt: skip

IMPORTED = born("A1", {"code": '"x"', "dosage": FIVE})

BIRTHS = [
    ("a birth stands on what it names and on what it does not", "MRG-12", [IMPORTED]),
    ("an edit names the birth's dot", "MRG-12",
     [typed("A1", {"dosage": FIVE}), word("B1", {"dosage": TEN}, "A1")]),
    ("a birth that was not named stands beside the edit", "MRG-12",
     [typed("A1", {"dosage": FIVE}), word("B1", {"dosage": TEN})]),
    ("a birth stands as absent beside a value that did not name it", "MRG-12",
     [typed("A1", {"code": '"x"'}), word("B1", {"dosage": TEN})]),
    ("two phones that import one file give two births", "MRG-13",
     [IMPORTED, born("B1", {"code": '"x"', "dosage": FIVE})]),
    ("two births differ on one register", "MRG-13", [IMPORTED, born("B1", {"code": '"x"', "dosage": TEN})]),
    ("a register that one of two births lacks is absent there", "MRG-13", [IMPORTED, born("B1", {"code": '"x"'})]),
    ("a second birth reaches registers already written", "MRG-13",
     [typed("A1", {"dosage": FIVE}), word("A2", {"dosage": TEN}), typed("B1", {"dosage": AT_HOME})]),
    ("a second birth reaches a written register that it does not name", "MRG-13",
     [typed("A1", {"dosage": FIVE}), word("A2", {"status": '"active"'}, "A1"), typed("B1", {"dosage": FIVE})]),
    ("a newer copy that names the older replaces it everywhere", "MRG-13",
     [IMPORTED, born("B1", {"code": '"y"', "text": '"t"'}, "A1")]),
    ("one's own newer copy replaces the older unnamed", "MRG-13", [IMPORTED, born("A2", {"code": '"y"'})]),
    ("a newer copy leaves an edit it had not seen", "MRG-13",
     [typed("A1", {"dosage": FIVE}), word("B1", {"dosage": TEN}, "A1"), typed("C1", {"dosage": AT_HOME}, "A1")]),
    ("a newer copy that names all leaves nothing apart", "MRG-26",
     [typed("A1", {"dosage": FIVE}), word("B1", {"dosage": TEN}, "A1"), typed("C1", {"dosage": AT_HOME}, "A1 B1")]),
    ("an edit that had seen one of two births leaves the other", "MRG-12",
     [typed("A1", {"dosage": FIVE}), typed("B1", {"dosage": FIVE}), word("C1", {"dosage": TEN}, "A1")]),
    ("an edit that names both births settles", "MRG-18",
     [typed("A1", {"dosage": FIVE}), typed("B1", {"dosage": TEN}), word("C1", {"dosage": TEN}, "A1 B1")]),
    ("a birth may name absence", "MRG-12", [typed("A1", {"dosage": None, "code": '"x"'})]),
    ("an empty birth is a birth", "MRG-12", [born("A1", {})]),
    ("a birth passes over life", "MRG-15", [typed("A1", {"@life": '"gone"', "code": '"x"'})]),
    ("a birth does not touch a deletion", "MRG-12", [gone("A1", ""), typed("A2", {"code": '"x"'}, "A1")]),
    ("an adopted birth leaves its carrier's own", "MRG-6",
     [typed("A1", {"code": '"x"'}), born("A2", {"code": '"y"'}, lane="person", via=ADOPTED)]),
]  # fmt: skip

LANES = [
    ("a source's birth gives the person lane nothing", "MRG-14", [IMPORTED, word("B1", {"status": '"active"'}, "A1")]),
    ("a person's edit leaves the source's value", "MRG-11", [IMPORTED, word("B1", {"dosage": TEN}, "A1")]),
    ("a person's absence hides the source's value", "MRG-23", [IMPORTED, word("B1", {"dosage": None}, "A1")]),
    ("a newer source does not overwrite a person", "MRG-11",
     [IMPORTED, word("B1", {"dosage": TEN}, "A1"), born("A2", {"code": '"x"', "dosage": AT_HOME}, "A1")]),
    ("a source's birth that names a person's dot leaves it", "MRG-11",
     [IMPORTED, word("B1", {"dosage": TEN}, "A1"), born("C1", {"dosage": AT_HOME}, "A1 B1")]),
    ("one's own source lane and person lane are apart", "MRG-11", [IMPORTED, word("A2", {"dosage": TEN})]),
    ("two copies of a source: the higher dot is shown", "MRG-25",
     [IMPORTED, born("B1", {"code": '"y"', "dosage": TEN})]),
    ("an import may edit a single register of its lane", "MRG-5",
     [IMPORTED, word("A2", {"dosage": TEN}, "A1", lane="source", via=IMPORT)]),
    ("a person's birth beside a source's hides it", "MRG-23", [IMPORTED, typed("B1", {"code": '"y"'}, "A1")]),
    ("people's differing values are disputed, the lowest dot is given", "MRG-24",
     [IMPORTED, word("C1", {"dosage": TEN}, "A1"), word("B2", {"dosage": AT_HOME}, "A1")]),
    ("people's equal values are not disputed", "MRG-24",
     [IMPORTED, word("B1", {"dosage": TEN}, "A1"), word("C1", {"dosage": TEN}, "A1")]),
    ("removed by one, changed by another is disputed", "MRG-24",
     [IMPORTED, word("B1", {"dosage": None}, "A1"), word("C1", {"dosage": TEN}, "A1")]),
]  # fmt: skip

DELETION = [
    ("deleted by one who saw all", "MRG-17", [IMPORTED, gone("B1", "A1")]),
    ("a deletion leaves every register", "MRG-16",
     [IMPORTED, word("B1", {"dosage": TEN}, "A1"), gone("B2", "A1 B1")]),
    ("deleted while another edited", "MRG-17", [IMPORTED, gone("B1", "A1"), word("C1", {"dosage": TEN}, "A1")]),
    ("an edit after the deletion brings the question", "MRG-17",
     [IMPORTED, gone("B1", "A1"), word("B2", {"dosage": TEN}, "A1")]),
    ("deleted again with the edit seen", "MRG-17",
     [IMPORTED, gone("B1", "A1"), word("C1", {"dosage": TEN}, "A1"), gone("D1", "A1 B1 C1")]),
    ("two deletions that together saw all", "MRG-17",
     [IMPORTED, word("B1", {"dosage": TEN}, "A1"), word("C1", {"status": '"x"'}, "A1"), gone("B2", "A1 B1"),
      gone("C2", "A1 C1")]),
    ("a deletion that saw a dot since dropped", "MRG-17",
     [typed("A1", {"n": "1"}), word("B1", {"n": "2"}, "A1"), gone("C1", "A1 B1"), word("B2", {"n": "3"}, "B1")]),
    ("what was not seen has left since", "MRG-17",
     [word("A1", {"n": "1"}), gone("C1", ""), word("A2", {"n": None}, "A1"), gone("D1", "A2 C1")]),
    ("restored by one who saw the deletion", "MRG-17", [IMPORTED, gone("B1", "A1"), here("C1", "B1")]),
    ("restored and deleted apart", "MRG-17",
     [IMPORTED, gone("B1", "A1"), here("C1", "B1"), gone("D1", "A1 B1")]),
    ("deleted after a restoration", "MRG-17",
     [IMPORTED, gone("B1", "A1"), here("C1", "B1"), gone("B2", "A1 C1")]),
    ("a newer copy of a deleted record", "MRG-17", [IMPORTED, gone("B1", "A1"), born("C1", {"dosage": TEN}, "A1")]),
    ("a second birth that the deletion had not seen", "MRG-17",
     [IMPORTED, gone("C1", "A1"), born("B1", {"code": '"x"', "dosage": FIVE})]),
    ("an import cannot delete", "MRG-15",
     [IMPORTED, word("B1", {"@life": '"gone"', "code": '"y"'}, "A1", lane="source", via=IMPORT)]),
    ("a deletion that says what it was merged into has seen itself", "MRG-17",
     [IMPORTED, word("B1", {"@life": '"gone"', "into": '"another"'}, "A1")]),
    ("an annotation made meanwhile is an edit", "MRG-17",
     [IMPORTED, gone("B1", "A1"), word("C1", {"@note/1": '"n"'})]),
    ("another word than gone counts as here", "MRG-17", [IMPORTED, word("B1", {"@life": '"later"'}, "A1")]),
    ("a deletion of nothing", "MRG-17", [gone("A1", "")]),
    ("one's later deletion replaces one's own", "MRG-5",
     [IMPORTED, gone("B1", ""), word("C1", {"n": "1"}), gone("B2", "C1")]),
]  # fmt: skip

CARRIED = [
    ("an adopted change leaves its carrier's own", "MRG-6",
     [word("A1", {"dosage": FIVE}), word("A2", {"dosage": TEN}, via=ADOPTED)]),
    ("a rebased change leaves its carrier's own", "MRG-6",
     [word("A1", {"dosage": FIVE}), word("A2", {"dosage": TEN}, via=REBASED)]),
    ("a change brought from another vault leaves its carrier's own", "MRG-6",
     [word("A1", {"dosage": FIVE}), word("A2", {"dosage": TEN}, via=LEFT)]),
    ("an import drops its importer's own", "MRG-6",
     [word("A1", {"dosage": FIVE}, lane="source", via=IMPORT), word("A2", {"dosage": TEN}, lane="source", via=IMPORT)]),
    ("a carried change drops its preds, its carrier's own among them", "MRG-6",
     [word("A1", {"dosage": FIVE}), word("A2", {"dosage": TEN}, "A1", via=ADOPTED)]),
    ("one's own later word drops what one carried", "MRG-6",
     [word("A1", {"dosage": FIVE}), word("A2", {"dosage": TEN}, via=ADOPTED), word("A3", {"dosage": AT_HOME})]),
    ("an adopted deletion leaves its carrier's restoration", "MRG-6",
     [IMPORTED, here("B1", ""), gone("B2", "A1", via=ADOPTED)]),
]  # fmt: skip

CROWDED = [
    ("of one device sixteen stand", "MRG-9",
     [word(f"A{n}", {"n": str(n)}, via=ADOPTED) for n in range(1, 17)] + [word("B1", {"n": "0"})]),
    ("the seventeenth drives out the lowest", "MRG-9",
     [word("B1", {"n": "0"})] + [word(f"A{n}", {"n": str(n)}, via=ADOPTED) for n in range(1, 19)]),
    ("births count among the sixteen", "MRG-9",
     [born("A1", {"n": "1"}, lane="person", via=LEFT)]
     + [word(f"A{n}", {"n": str(n)}, via=LEFT) for n in range(2, 18)]),
    ("seventeen carried births", "MRG-9",
     [born(f"A{n}", {"n": str(n)}, lane="person", via=LEFT) for n in range(1, 18)]),
]  # fmt: skip


def picks(seed):
    """A `below` that depends on the seed alone, in any language: 8 bytes of a hash a number."""
    count = 0

    def below(n):
        nonlocal count
        count += 1
        return int.from_bytes(hashlib.sha256(f"{seed}/{count}".encode()).digest()[:8], "big") % n

    return below


def expected(changes, canonical=True):
    """What the rival says of these changes, as the JSON of a case."""
    keys = sorted(naive.named(changes), key=str.encode)

    def text(value):
        return None if value is None else value.decode()

    def row(sibling):
        return [naive.wire(sibling[0]), text(sibling[1]), [naive.wire(pred) for pred in sibling[2]]]

    registers = [(lane, key, naive.standing(changes, key, lane)) for lane in (0, 1) for key in keys]
    everywhere = {
        name: [naive.wire(s[0]) for s in naive.standing(changes, naive.NOBODY_NAMED, lane)]
        for name, lane in LANE.items()
    }
    views = {key: naive.shown(changes, key) for key in keys if key != "@life"}
    data = naive.canonical(RECORD, changes)
    expect = {
        "standing": [[LANE_NAMES[lane], key, [row(s) for s in there]] for lane, key, there in registers if there],
        "everywhere": everywhere,
        "live": [naive.wire(d) for d in naive.live(changes)],
        "life": naive.life(changes),
        "unseen_by_deletion": [naive.wire(d) for d in naive.unseen(changes)],
        "shown": [[key, LANE_NAMES[v[0]], text(v[1]), v[2]] for key, v in views.items() if v],
        "digest": hashlib.sha256(b"carnet/1/record\0" + data).hexdigest(),
    }
    return {**expect, "canonical": data.hex()} if canonical else expect


def change_json(change):
    return {
        "dot": naive.wire(change.dot),
        "birth": change.birth,
        "lane": LANE_NAMES[change.lane],
        "via": change.via and [change.via.kind, change.via.ref.hex(), change.via.n],
        "preds": [naive.wire(pred) for pred in change.preds],
        "sets": [[key, None if value is None else value.decode()] for key, value in change.sets],
        "at": change.at,
    }


def orders_of(changes, below):
    """As listed; two other causal orders; and one in which some changes come again, late."""
    place = {change.dot: position for position, change in enumerate(changes)}
    orders = [[place[change.dot] for change in causal_order(changes, below)] for _ in range(3)]
    if changes:
        repeated = orders[-1]
        orders[-1] = repeated + [repeated[below(len(repeated))] for _ in range(2)]
    out = [list(range(len(changes)))]
    return out + [order for index, order in enumerate(orders) if order not in (out + orders[:index])]


def case(name, musts, changes, canonical=True, orders=None):
    return {
        "name": name,
        "musts": musts.split(),
        "record": RECORD.hex(),
        "changes": [change_json(change) for change in changes],
        "orders": orders or orders_of(changes, picks(name)),
        "expect": expected(changes, canonical),
    }


def worlds(count):
    """Random worlds, by number; the digest alone, for their canonical bytes would fill the file."""
    for index in range(count):
        world = make_world(picks(f"world {index}"), steps=14)
        musts = "MRG-3 MRG-5 MRG-7 MRG-8 MRG-13 MRG-17"
        yield case(f"world {index}", musts, world.changes, canonical=False)


def roots():
    """States of several records."""
    other, empty = RecordId(b"\xff" * 32), RecordId(b"\0" * 32)
    groups = [
        ("a state of nothing", [], b"k" * 32),
        ("one record", [(RECORD, [IMPORTED])], b"k" * 32),
        ("another key, another root", [(RECORD, [IMPORTED])], b"l" * 32),
        ("an edited record", [(RECORD, [IMPORTED, word("B1", {"dosage": TEN}, "A1")])], b"k" * 32),
        ("two records ascend by id", [(other, [word("A2", {"n": "1"})]), (RECORD, [IMPORTED])], b"k" * 32),
        ("a record of which nothing is known is left out", [(empty, []), (RECORD, [IMPORTED])], b"k" * 32),
    ]
    for name, records, key in groups:
        rows = sorted(
            id + hashlib.sha256(b"carnet/1/record\0" + naive.canonical(id, changes)).digest()
            for id, changes in records
            if changes
        )
        yield {
            "name": name,
            "musts": ["MRG-27", "MRG-28"],
            "key": key.hex(),
            "records": [[id.hex(), [change_json(change) for change in changes]] for id, changes in records],
            "root": hmac.digest(key, b"carnet/1/state\0" + b"".join(rows), "sha256").hex(),
        }


def files():
    """Every file of the chapter by name, as lists of cases."""
    by_hand = {
        "registers.json": REGISTERS,
        "values.json": VALUES,
        "births.json": BIRTHS,
        "lanes.json": LANES,
        "deletion.json": DELETION,
        "carried.json": CARRIED,
    }
    out = {name: [case(*each) for each in cases] for name, cases in by_hand.items()}
    # Beyond sixteen siblings of one device only the log's order counts: these cases have no other.
    out["crowded.json"] = [case(*each, orders=[list(range(len(each[2])))]) for each in CROWDED]
    out["worlds.json"] = list(worlds(WORLDS))
    out["roots.json"] = list(roots())
    return out


def rendered(cases):
    """One case a line, so that a change of one case is a change of one line."""
    lines = ",\n".join(json.dumps(each, ensure_ascii=True, separators=(",", ":")) for each in cases)
    return f'{{"cases":[\n{lines}\n]}}\n'


def main():
    """Write every file. What the files say is reviewed as a change of the contract."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, cases in files().items():
        (FOLDER / name).write_text(rendered(cases), encoding="ascii")


if __name__ == "__main__":
    main()
