"""Ways to spoil a body: of bytes, of msgpack trees, of JSON. Each gives bytes that differ from what was valid.

Everything is drawn from one seeded generator, so that a run can be had again. Not here: what is sent, and whose.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from typing import Any

import msgspec

Mutation = Callable[[random.Random, bytes], bytes]

HUGE = (2**31, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)
STRANGE = (None, True, False, -1, -(2**63), *HUGE, 1.5, float("nan"), float("inf"), "", "\x00", "é" * 40, b"", b"\xff")
LONGEST = b"\xff\xff\xff\xff"


class Twice(list[Any]):
    """A map given as pairs, so that a key can stand in it twice."""


class Lax:
    """Writes msgpack as no canonical writer would: `odds` says how often a longer form than needed is chosen."""

    def __init__(self, rng: random.Random, odds: float) -> None:
        self._rng, self._odds = rng, odds

    def write(self, value: Any) -> bytes:
        long = self._rng.random() < self._odds
        if isinstance(value, bytes):
            size = len(value)
            if long or size >= 2**16:
                return b"\xc6" + struct.pack(">I", size) + value
            return (b"\xc4" + bytes([size]) if size < 256 else b"\xc5" + struct.pack(">H", size)) + value
        if isinstance(value, Twice):
            return b"\xdf" + struct.pack(">I", len(value)) + b"".join(self.write(k) + self.write(v) for k, v in value)
        if isinstance(value, list):
            inner = b"".join(self.write(part) for part in value)
            if long or len(value) > 15:
                return b"\xdd" + struct.pack(">I", len(value)) + inner  # nothing here has so many parts
            return bytes([0x90 | len(value)]) + inner
        if long and type(value) is int and 0 <= value < 2**64:
            return b"\xcf" + struct.pack(">Q", value)
        if long and isinstance(value, str):
            raw = value.encode()
            return b"\xdb" + struct.pack(">I", len(raw)) + raw
        return msgspec.msgpack.encode(value)


# Of bytes


def truncated(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def extended(rng: random.Random, data: bytes) -> bytes:
    return data + rng.choice([b"\x00", b"\xc0", b" ", data[:9], rng.randbytes(rng.randrange(1, 300))])


def bits_flipped(rng: random.Random, data: bytes) -> bytes:
    flipped = bytearray(data)
    for place in rng.sample(range(len(data) * 8), rng.choice([1, 1, 1, 2, 7])):
        flipped[place // 8] ^= 1 << place % 8
    return bytes(flipped)


def spliced(rng: random.Random, data: bytes) -> bytes:
    start, end = sorted(rng.choices(range(len(data) + 1), k=2))
    at = rng.randrange(len(data) + 1)
    return data[:at] + (data[start:end] or b"\x00") + data[at:]


def length_bomb(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(min(len(data), 64))
    return data[:at] + rng.choice([b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"]) + LONGEST + data[at:]


def nested(rng: random.Random, data: bytes) -> bytes:
    opening = rng.choice([b"\x91", b"\x81\xa1k", b"\xdd\x00\x10\x00\x00", b"[", b'{"k":'])
    return rng.choice([b"", data[:1], data[:40]]) + opening * rng.choice([40, 1_100, 12_000]) + data


def replaced(rng: random.Random, data: bytes) -> bytes:
    return rng.randbytes(rng.choice([1, 7, 64, 2_000]))


BYTES: dict[str, Mutation] = {
    m.__name__: m for m in (truncated, extended, bits_flipped, spliced, length_bomb, nested, replaced)
}


# Of trees


def _places(tree: Any) -> list[tuple[Any, int | str]]:
    """Every place in a tree that holds a value, as its container and key."""
    found: list[tuple[Any, int | str]] = []
    keys = tree if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        found.append((tree, key))
        if isinstance(tree[key], list | dict):
            found += _places(tree[key])
    return found


def another(rng: random.Random, tree: Any) -> None:
    """One value becomes one of another type or size."""
    container, key = rng.choice(_places(tree))
    old = container[key]
    choices = [value for value in (*STRANGE, [], [old], Twice([(1, 2)])) if repr(value) != repr(old)]
    if isinstance(old, bytes) and old:
        choices += [old[:-1], old + b"\x00", bytes(len(old)), old.hex()] * 3
    if type(old) is int:
        choices += [old + 1, old - 1, float(old), str(old)] * 3
    container[key] = rng.choice(choices)


def swapped(rng: random.Random, tree: Any) -> None:
    """Two values change places."""
    places = _places(tree)
    for _ in range(20):
        (one, k), (two, m) = rng.choices(places, k=2)
        if repr(one[k]) != repr(two[m]) and not isinstance(one[k], list) and not isinstance(two[m], list):
            one[k], two[m] = two[m], one[k]
            return


def missing(rng: random.Random, tree: Any) -> None:
    """A field is left out."""
    container, key = rng.choice(_places(tree))
    del container[key]


def added(rng: random.Random, tree: Any) -> None:
    """A field too many."""
    container, key = rng.choice(_places(tree))
    if isinstance(container, list):
        container.insert(rng.choice([key, len(container)]), rng.choice(STRANGE))  # type: ignore[arg-type]
    else:
        container["more"] = rng.choice(STRANGE[:9])


def doubled(rng: random.Random, tree: Any) -> None:
    """An array becomes a map in which a key stands twice."""
    lists = [(c, k) for c, k in _places(tree) if isinstance(c[k], list)] or [([tree], 0)]
    container, key = rng.choice(lists)
    container[key] = Twice([(0, part) for part in container[key]] or [(0, 1), (0, 2)])


def plausible(rng: random.Random, tree: Any) -> None:
    """One value becomes another of its own type and size: it decodes, and what it says is not so."""
    for _ in range(rng.choice([1, 1, 2])):
        container, key = rng.choice([(c, k) for c, k in _places(tree) if not isinstance(c[k], list)] or [([0], 0)])
        old = container[key]
        if isinstance(old, bytes):
            others = [c[k] for c, k in _places(tree) if isinstance(c[k], bytes) and len(c[k]) == len(old)]
            container[key] = rng.choice([bytes(len(old)), rng.randbytes(len(old)), *others])
        elif type(old) is int:
            container[key] = rng.choice([0, 1, 2, 3, old + 1, max(0, old - 1), 2**32, 2**53 - 1])
        elif isinstance(old, bool):
            container[key] = not old


TREES = {m.__name__: m for m in (another, swapped, missing, added, doubled, plausible)}


def of_msgpack(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """A mutation of canonical msgpack: its name, and bytes that are not `data`."""
    while True:
        name = rng.choice([*BYTES, *TREES, *["plausible"] * 6, "non_canonical"])
        if name in BYTES:
            made = BYTES[name](rng, data)
        else:
            tree = msgspec.msgpack.decode(data)
            if name in TREES:
                TREES[name](rng, tree)
            made = Lax(rng, 0.3 if name == "non_canonical" else 0).write(tree)
        if made != data:
            return name, made


def of_json(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """A mutation of a JSON object: its name, and bytes that are not `data`."""
    while True:
        name = rng.choice([*BYTES, "another", "swapped", "missing", "added", "name_twice", "huge_number", "odd_text"])
        if name in BYTES:
            made = BYTES[name](rng, data)
        else:
            tree = json.loads(data)
            container, key = rng.choice(_places(tree))
            if name in TREES:
                TREES[name](rng, tree)
            elif name != "name_twice":
                container[key] = name
            made = json.dumps(tree, default=lambda value: value.hex()).encode()
            if name == "name_twice":
                made = b"{" + json.dumps(key).encode() + b":" + rng.choice([b"1", b"null", b'"AA=="']) + b"," + made[1:]
            digits = rng.choice([b"1" + b"0" * 400, b"1e999", b"-0.0", b"18446744073709551616", b"NaN"])
            made = made.replace(b'"huge_number"', digits)
            made = made.replace(b'"odd_text"', rng.choice([b'"\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"']))
        if made != data:
            return name, made
