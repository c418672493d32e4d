"""Makes openapi/vectors/ledger/*.json: `python -m tests.vectors.generate_ledger`, by hand, and the difference is read.

Hashes are made here by hashlib and entries by a second msgpack encoder below, not by the code under test.
"""

import hashlib
import json
from pathlib import Path

from tests.vectors.vector_case import case, drawn, flip

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors" / "ledger"
ACCOUNT, HANDLE, DEVICE, VAULT = (drawn(name) for name in ("account", "handle", "device", "vault"))
ACCOUNT, HANDLE = ACCOUNT[:16], HANDLE[:16]
START_MS = 1_900_000_000_000
DAY_MS = 86_400_000
THREE_YEARS = 1_096 * DAY_MS


def number_bytes(value):
    if value < 128:
        return bytes([value])
    for first, width in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
        if value < 1 << 8 * width:
            return bytes([first]) + value.to_bytes(width, "big")
    raise ValueError


def packed(value):
    """msgpack of what an entry holds, by its specification."""
    if isinstance(value, int):
        return number_bytes(value)
    if isinstance(value, bytes):
        return bytes([0xC4, len(value)]) + value
    if isinstance(value, str):
        return bytes([0xA0 + len(value)]) + value.encode()
    return bytes([0x90 + len(value)]) + b"".join(packed(one) for one in value)


def hashed(label, *parts):
    return hashlib.sha256(b"carnet/1/" + label + b"\0" + b"".join(parts)).digest()


def entry(number, kind, subject=HANDLE, by=b"", place=0, digest=b"", at_ms=None, v=1):
    return [v, number, START_MS + number if at_ms is None else at_ms, kind, subject, by, place, digest]


def opened(number, opener, kind="share_opened", **more):
    return packed(entry(number, kind, place=number, digest=hashed(b"ledger opener", opener), **more))


OPENER = b"a sealed opener would be 2,160 bytes long"
STORY = [
    (packed(entry(1, "share_made", by=DEVICE)), None),
    (opened(2, OPENER), OPENER),
    (opened(3, OPENER, "passcode_wrong"), OPENER),
    (packed(entry(4, "device_added", subject=drawn("tablet"), by=DEVICE)), None),
    (packed(entry(5, "membership", subject=VAULT, by=DEVICE, place=7, digest=drawn("an entry of a log"))), None),
]


def chain(account, rows, base=None):
    """L of base and of every entry after it."""
    hashes = [hashed(b"ledger start", account) if base is None else base]
    for bytes_, _ in rows:
        hashes.append(hashed(b"ledger", hashes[-1], bytes_))
    return hashes


def entries():
    names = ("v", "number", "at_ms", "kind", "subject", "by", "place", "digest")

    def read(name, data, fields=None, known=True):
        output = None if fields is None else dict(zip(names, fields, strict=True)) | {"known": known}
        return case(name, "LED-1", "read_entry", {"entry": data}, output, None if output else "malformed")

    shares = ("share_made", "share_changed", "share_paused", "share_resumed", "share_revoked")
    devices = ("device_added", "recovery_added", "device_revoked")
    right = [entry(1, kind, by=DEVICE) for kind in shares]
    right += [entry(1, kind, place=9, digest=drawn("digest")) for kind in ("share_opened", "passcode_wrong")]
    right += [entry(1, kind, subject=drawn("tablet"), by=DEVICE) for kind in devices]
    right += [entry(1, "recovery_used", subject=drawn("sheet"))]
    right += [entry(1, "membership", subject=VAULT, by=DEVICE, place=7, digest=drawn("digest"))]
    for fields in right:
        yield read(fields[3], packed(fields), fields)
    newer = entry(1, "something_newer", subject=b"?")
    yield read("a kind that is not known", packed(newer), newer, known=False)
    yield read("another version", packed(entry(1, "share_made", v=2)))
    yield read("number 0", packed(entry(0, "share_made")))
    yield read("a handle of 15 bytes", packed(entry(1, "share_made", subject=HANDLE[:15])))
    yield read("an opening without a digest", packed(entry(1, "share_opened", place=1)))
    yield read("a share made with a digest", packed(entry(1, "share_made", digest=drawn("digest"))))
    yield read("a device id of 16 bytes", packed(entry(1, "device_added", subject=HANDLE)))
    yield read("a membership of 31 bytes of hash", packed(entry(1, "membership", VAULT, digest=drawn("digest")[:31])))
    yield read("one byte more", packed(entry(1, "share_made")) + b"\0")
    yield read(
        "a number written longer than it must be",
        packed(entry(1, "share_made")).replace(b"\x98\x01\x01", b"\x98\x01\xcc\x01"),
    )
    yield read("a member too few", packed(entry(1, "share_made")[:-1]))


def chains():
    rows = [bytes_ for bytes_, _ in STORY]
    for name, account, given in (
        ("nothing yet", ACCOUNT, []),
        ("five entries", ACCOUNT, rows),
        ("the same under another account", drawn("another account")[:16], rows),
    ):
        output = {"hashes": chain(account, [(row, None) for row in given])}
        yield case(name, "LED-2", "chain", {"account": account, "entries": given}, output)


def readings():
    now = START_MS + 10_000

    def read(name, rows, finding=None, number=None, *, kept=None, base=None, head=None, now_ms=now, others=None):
        start = (0, hashed(b"ledger start", ACCOUNT)) if base is None else base
        hashes = chain(ACCOUNT, rows, start[1])
        at = (start[0] + len(rows), hashes[-1]) if head is None else head
        given = {
            "account": ACCOUNT,
            "base": {"number": start[0], "hash": start[1]},
            "head": {"number": at[0], "hash": at[1]},
            "rows": [{"entry": bytes_, "opener": opener} for bytes_, opener in rows],
            "kept": None if kept is None else {"number": kept[0], "hash": kept[1], "at_ms": START_MS + kept[0]},
            "now_ms": now_ms,
        }
        if others is not None:
            given["others"] = [{"number": n, "hash": hash_, "at_ms": START_MS + n} for n, hash_ in others]
        output = {"number": number} if finding else {"entries": len(rows)}
        must = "LED-8" if others is None else "LED-10"
        return case(name, must, "read_ledger", given, output, finding)

    hashes = chain(ACCOUNT, STORY)
    other = [(packed(entry(1, "share_made", by=drawn("other"))), None), *STORY[1:]]
    yield read("the first time", STORY)
    yield read("an empty one", [])
    yield read("nothing new", STORY, kept=(5, hashes[5]))
    yield read("three new", STORY, kept=(2, hashes[2]))
    yield read("an altered entry", other, "altered", 5, head=(5, hashes[5]))
    yield read("an entry taken out of the middle", STORY[:1] + STORY[2:], "altered", 2)
    yield read("an entry taken out of the end, the head left", STORY[:4], "altered", 4, head=(5, hashes[5]))
    back = [*STORY[:4], (packed(entry(5, "share_made", at_ms=START_MS)), None)]
    yield read("a time before the entry before it", back, "altered", 5)
    yield read("an opener that is another's", [STORY[0], (STORY[1][0], flip(OPENER))], "altered", 2)
    yield read("an opener that is missing", [STORY[0], (STORY[1][0], None)], "altered", 2)
    yield read("an opener where none belongs", [(STORY[0][0], OPENER)], "altered", 1)
    yield read("bytes that are no entry", [STORY[0], (b"\xc0", None)], "altered", 2)
    yield read("another account's beginning", STORY, "altered", 1, base=(0, drawn("another L_0")))
    yield read("cut at the end", STORY[:3], "cut", 3, kept=(5, hashes[5]))
    yield read("all gone", [], "cut", 0, kept=(5, hashes[5]))
    yield read("cut at the beginning", STORY[2:], "cut", 2, base=(2, hashes[2]))
    yield read("a base without entries", [], "cut", 5, base=(5, hashes[5]))
    yield read("rebuilt", other, "rebuilt", 5, kept=(5, hashes[5]))
    yield read(
        "rebuilt and longer",
        [*other, (packed(entry(6, "share_paused", by=DEVICE)), None)],
        "rebuilt",
        3,
        kept=(3, hashes[3]),
    )
    later = START_MS + THREE_YEARS + 4
    trimmed = [(STORY[3][0], None), STORY[4]]
    yield read(
        "begun late because the others are three years old",
        trimmed,
        base=(3, hashes[3]),
        kept=(4, hashes[4]),
        now_ms=later,
    )
    yield read(
        "an old opener that went with them", [(STORY[2][0], None), *STORY[3:]], base=(2, hashes[2]), now_ms=later
    )
    yield read("trimmed a day too early", trimmed, "cut", 3, base=(3, hashes[3]), now_ms=later - DAY_MS)
    young = [(packed(entry(9, "share_made", at_ms=START_MS - 1)), None)]
    late = START_MS + THREE_YEARS
    yield read(
        "begun behind an entry that was read and is young",
        young,
        "cut",
        5,
        base=(8, drawn("L_8")),
        kept=(5, hashes[5]),
        now_ms=late,
    )
    yield read("two other phones have read the same", STORY, others=[(2, hashes[2]), (5, hashes[5])])
    yield read("another phone has read something else", STORY, "forked", 3, others=[(5, hashes[5]), (3, drawn("L_3"))])
    yield read("another phone has read more", STORY[:4], "forked", 5, others=[(5, hashes[5])])
    yield read(
        "cut, and another phone has read more", STORY[:3], "cut", 3, kept=(5, hashes[5]), others=[(5, hashes[5])]
    )
    yield read(
        "another phone's head is older than three years",
        trimmed,
        base=(3, hashes[3]),
        now_ms=later,
        others=[(2, drawn("L_2"))],
    )


FILES = {
    "entries": ("Bytes of one entry; `known`: whether its kind is.", entries),
    "chain": ("L_0 of an account and L_n of each entry.", chains),
    "reading": ("A whole ledger against the head that was kept; `number` of a finding: where it shows.", readings),
}


def files():
    """Every file of the chapter: its name and its text."""
    return {
        f"{name}.json": json.dumps(
            {"chapter": "ledger", "description": words, "cases": list(cases())}, indent=1, ensure_ascii=False
        )
        + "\n"
        for name, (words, cases) in FILES.items()
    }


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
