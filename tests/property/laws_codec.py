"""Codec laws: what is written is read again equal, what is read writes the same bytes, and no other bytes are read.

Values are made from the types themselves, so that a Struct that is new is looked at without being named here.
`law_round_trip(type_, value)` and `law_one_form(type_, value, below)` raise AssertionError.
"""

import importlib
import pkgutil

import msgspec
from hypothesis import strategies as st

import sync.wire
from sync.vault.content import Inside, decode_inside, encode_inside
from sync.wire.codec import Exact, Malformed, encode
from sync.wire.ids import DeviceId

INTEGERS = st.one_of(st.integers(0, 300), st.sampled_from([0, 127, 128, 255, 256, 65_535, 65_536, 2**32, 2**53 - 1]))
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
BYTES = st.one_of(st.binary(max_size=40), st.sampled_from([bytes(31), bytes(32), bytes(255), bytes(256)]))


def structs():
    """Every Struct of the wire, by its name; the inside of a frame among them."""
    found = {"Inside": Inside}
    for module in pkgutil.iter_modules(sync.wire.__path__):
        for value in vars(importlib.import_module(f"sync.wire.{module.name}")).values():
            if (
                isinstance(value, type)
                and issubclass(value, msgspec.Struct)
                and value.__module__.startswith("sync.wire")
            ):
                found[value.__name__] = value
    return found


def values_of(type_):
    """A strategy for a Struct, from what it says of its fields."""
    return _made(msgspec.inspect.type_info(type_))


def _made(info):
    kind = type(info).__name__
    if kind == "LiteralType":
        return st.sampled_from(info.values)
    if kind == "IntType" and info.ge is not None:
        most = info.le if info.lt is None else info.lt - 1
        return INTEGERS.filter(lambda n: info.ge <= n and (most is None or n <= most))
    if kind == "StrType" and info.pattern is not None:
        return st.from_regex(info.pattern.rstrip("$") + r"\Z")
    if kind == "BytesType" and info.min_length is not None:
        return st.binary(min_size=info.min_length, max_size=info.max_length)
    simple = {
        "IntType": INTEGERS, "StrType": TEXTS, "BytesType": BYTES, "BoolType": st.booleans(), "NoneType": st.none(),
        "AnyType": st.one_of(INTEGERS, TEXTS, BYTES, st.none()),
    }  # fmt: skip
    if kind in simple:
        return simple[kind]
    if kind == "UnionType":
        return st.one_of([_made(one) for one in info.types])
    if kind in ("ListType", "VarTupleType"):
        items = st.lists(_made(info.item_type), max_size=3)
        return items if kind == "ListType" else items.map(tuple)
    if kind == "TupleType":
        return st.tuples(*map(_made, info.item_types))
    if kind == "DictType":
        return st.dictionaries(_made(info.key_type), _made(info.value_type), max_size=3)
    if kind == "StructType":
        fields = {field.name: _made(field.type) for field in info.fields}
        return st.builds(info.cls, **fields)
    raise AssertionError(f"no values for {kind}")


def law_round_trip(type_, value, exact=Exact):
    """decode(encode(x)) == x, encode(decode(b)) == b; in JSON too, where a Struct is an object with names."""
    data = encode(value)
    read = exact(type_).read(data)
    assert read == value
    assert encode(read) == data
    if not type_.__struct_config__.array_like:
        assert msgspec.json.decode(msgspec.json.encode(value), type=type_) == value


def law_one_form(type_, value, below, exact=Exact):
    """Every other way to write the same, and what is cut or longer, is refused."""
    data = encode(value)
    plain = msgspec.msgpack.decode(data)
    heads = _count(plain)
    assert packed(plain, heads) == data, "the packer of this law is another"
    wrong = [*([packed(plain, below(heads))] if heads else []), data + b"\xc0", data[:-1], data[: below(len(data))]]
    if isinstance(plain, list):
        wrong.append(packed([*plain, None], heads + 1))
    for bad in wrong:
        try:
            read = exact(type_).read(bad)
        except Malformed:
            continue
        raise AssertionError(f"read as {type(read).__name__} what is not canonical")


def law_frame_inside(changes, ordinal, devices):
    """What one device wrote comes out of the inside of its frame as it went in."""
    inside = encode_inside(changes, ordinal, devices, {})
    read = decode_inside(inside, devices[ordinal]).named()
    assert len(read) == len(changes)
    for change, told in zip(changes, read, strict=True):
        preds = {(devices[pred & 1023], pred >> 10) for pred in change.preds}
        assert (told.n, told.birth, told.lane, told.at) == (change.dot >> 10, change.birth, change.lane, change.at)
        assert (told.via, tuple(told.sets)) == (change.via, change.sets)
        assert {(DeviceId(device), n) for device, n in told.preds} == preds


def packed(value, long):
    """MessagePack in the shortest form, but for the head number `long`, in the order of writing, which is longer."""
    counter = iter(range(1 << 30))
    return _pack(value, counter, long)


def _count(value):
    """How many heads there are that could be longer."""
    if value is None or isinstance(value, bool):
        return 0
    if isinstance(value, list):
        return 1 + sum(map(_count, value))
    if isinstance(value, dict):
        return 1 + sum(_count(key) + _count(member) for key, member in value.items())
    return 1


def _pack(value, counter, long):
    if value is None or isinstance(value, bool):
        return encode(value)  # MessagePack has one form of these
    longer = next(counter) == long
    if isinstance(value, int):
        return b"\xd3" + value.to_bytes(8, "big", signed=True) if longer and value >= 0 else encode(value)
    if isinstance(value, bytes):
        return b"\xc6" + len(value).to_bytes(4, "big") + value if longer else encode(value)
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + len(text).to_bytes(4, "big") + text if longer else encode(value)
    if isinstance(value, dict):
        head = b"\xdf" + len(value).to_bytes(4, "big") if longer else bytes([0x80 | len(value)])
        return head + b"".join(_pack(part, counter, long) for pair in value.items() for part in pair)
    short = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + len(value).to_bytes(2, "big")
    head = b"\xdd" + len(value).to_bytes(4, "big") if longer else short
    return head + b"".join(_pack(part, counter, long) for part in value)
