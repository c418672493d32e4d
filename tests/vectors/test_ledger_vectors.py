"""Entries, chains and findings against openapi/vectors/ledger/*.json, and those against their generator."""

import json

import msgspec
import pytest

from sync.vault.ledger import Kept, read_ledger
from sync.wire.codec import Malformed
from sync.wire.ledger import LedgerHead, LedgerRow, entry_bytes, first_hash, is_known, next_hash, read_entry
from tests.vectors import generate_ledger

FOLDER = generate_ledger.FOLDER
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_bytes())["cases"]
]


def entry_read(given):
    data = bytes.fromhex(given["entry"])
    try:
        entry = read_entry(data)
    except Malformed:
        return "malformed", None
    assert entry_bytes(entry) == data
    fields = zip(entry.__struct_fields__, msgspec.structs.astuple(entry), strict=True)
    plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in fields}
    return "ok", plain | {"known": is_known(entry.kind)}


def chained(given):
    hashes = [first_hash(bytes.fromhex(given["account"]))]
    for entry in given["entries"]:
        hashes.append(next_hash(hashes[-1], bytes.fromhex(entry)))
    return "ok", {"hashes": [one.hex() for one in hashes]}


def ledger_read(given):
    base, head = (LedgerHead(given[name]["number"], bytes.fromhex(given[name]["hash"])) for name in ("base", "head"))
    rows = [
        LedgerRow(bytes.fromhex(row["entry"]), None if row["opener"] is None else bytes.fromhex(row["opener"]))
        for row in given["rows"]
    ]
    kept = given["kept"]
    mine = None if kept is None else Kept(kept["number"], bytes.fromhex(kept["hash"]), kept["at_ms"])
    others = [Kept(one["number"], bytes.fromhex(one["hash"]), one["at_ms"]) for one in given.get("others", [])]
    read = read_ledger(bytes.fromhex(given["account"]), base, head, rows, mine, given["now_ms"], others)
    if read.found is None:
        return "ok", {"entries": len(read.entries)}
    return read.found.code, {"number": read.found.number}


OPS = {"read_entry": entry_read, "chain": chained, "read_ledger": ledger_read}


def test_the_committed_files_of_the_ledger_are_what_the_generator_writes():
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == generate_ledger.files()


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_ledger_comes_out_as_it_says(case):
    outcome, output = OPS[case["input"]["op"]](case["input"])
    assert outcome == case["outcome"]
    assert output == case.get("output")
