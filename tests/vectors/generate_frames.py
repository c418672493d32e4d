"""Writes openapi/vectors/frames/*.json and openapi/vectors/keys/*.json: one fault each, closed outcomes.

Run by hand from the repository: `python -m tests.vectors.generate_frames`. Wraps draw their own randomness (HPKE), so
keys/wraps.json is written once and only opened afterwards; delete it to have it written anew.
"""

import hashlib
import json
import zlib
from pathlib import Path

import msgspec

from crypto.secret import aead
from crypto.secret.kdf import epoch_id
from crypto.secret.kem import KemKey
from crypto.secret.padding import compress_and_pad, padded_size
from crypto.secret.secret import Secret
from sync.merge.change import Change, RecordId, Via, make_dot
from sync.vault.content import encode_inside
from sync.vault.keyring import seal_keybox, wrap_for
from sync.wire.codec import encode
from sync.wire.item import Epoch, Frame, FrameHeader

VECTORS = Path(__file__).parents[2] / "openapi" / "vectors"


def seeded(name, length=32):
    """Bytes that look random and are the same everywhere."""
    return hashlib.shake_256(b"carnet vectors " + name.encode()).digest(length)


VAULT, ME, OTHER = seeded("vault"), seeded("device me"), seeded("device other")
RECORD, HELD = seeded("record"), seeded("held record")
KEY, SALT = Secret(seeded("epoch key")), seeded("salt")
AT = 1_700_000_000_000
DEVICES = [OTHER, ME]  # by ordinal in the log
BIRTHS = {RecordId(HELD): make_dot(0, 3)}  # held was born by the other device's third change
VECTOR = {OTHER: 9, ME: 4}


def change(
    n, record=RECORD, birth=False, lane=1, via=None, preds=(), sets=(("status", b'{"status":"active"}'),), at=AT
):
    return Change(make_dot(1, n), RecordId(record), birth, lane, via, tuple(sorted(preds)), tuple(sets), at)


def header(epoch=None):
    return FrameHeader(1, VAULT, ME, 3, seeded("frame before"), epoch or epoch_id(KEY), 17, seeded("log 17"))


def frame(inside=None, padded=None, **changed):
    """A frame's signed bytes; `changed` may take another key, salt, label or header for sealing than it says."""
    head = changed.get("header", header())
    plain = padded if padded is not None else compress_and_pad(inside)
    sealed_under = changed.get("sealed_header", head)
    sealed = aead.seal(changed.get("key", KEY), changed.get("label", "frame"), encode(sealed_under), plain, SALT)
    return encode(Frame(head, changed.get("salt", SALT), sealed))


def described(changes):
    """Changes in terms of the log, language-neutral: dots as [device, n]."""

    def dot(value):
        return [DEVICES[value & 1023].hex(), value >> 10]

    return [
        {
            "dot": dot(c.dot),
            "record": c.record.hex(),
            "birth": c.birth,
            "lane": ["source", "person"][c.lane],
            "via": c.via and [c.via.kind, c.via.ref.hex(), c.via.n],
            "preds": [dot(p) for p in c.preds],
            "sets": [[key, None if value is None else value.decode()] for key, value in c.sets],
            "at": c.at,
        }
        for c in changes
    ]


def good(name, must, changes):
    signed = frame(encode_inside(changes, 1, DEVICES, BIRTHS))
    return {"name": name, "must": must, "frame": signed.hex(), "outcome": "good", "changes": described(changes)}


def void(name, must, outcome, signed):
    return {"name": name, "must": must, "frame": signed.hex(), "outcome": outcome}


def good_cases():
    return [
        good("one change of a record by its id", ["FRM-1", "FRM-5"], [change(5)]),
        good("a birth and a later change of it", ["FRM-5"], [change(5, birth=True), change(6, preds=[make_dot(1, 5)])]),
        good("a record named by a birth that the log holds", ["FRM-5"], [change(5, HELD, preds=[make_dot(0, 9)])]),
        good("numbers jump", ["FRM-7"], [change(40), change(1_000_000)]),
        good(
            "the source lane, by an import",
            ["FRM-5"],
            [change(5, birth=True, lane=0, via=Via("import", seeded("env")))],
        ),
        good(
            "adopted, rebased, left",
            ["FRM-5"],
            [
                change(5, via=Via("frame", seeded("frame"))),
                change(6, via=Via("dot", OTHER, 7)),
                change(7, via=Via("vault", seeded("old vault"))),
            ],
        ),
        good("an element removed", ["FRM-5"], [change(5, sets=[("note/0.a", None)])]),
        good("a clock that ran backwards", ["FRM-5"], [change(5), change(6, at=-62_135_596_800_000)]),
        good("preds of one's own and of another", ["FRM-9"], [change(5, preds=[make_dot(1, 4), make_dot(0, 1)])]),
        good("a deletion", ["FRM-5"], [change(5, HELD, preds=[make_dot(0, 3)], sets=[("@life", b'"gone"')])]),
        good("nothing at all", ["FRM-5"], []),
    ]


def sealing_faults():
    inside = encode_inside([change(5)], 1, DEVICES, BIRTHS)
    whole = frame(inside)
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    stream = zlib.compressobj(wbits=-15)
    deflated = stream.compress(inside) + stream.flush()
    size = padded_size(len(deflated))
    bomb = compress_and_pad(b"\0" * 5_000_000)
    return [
        void("a bit of the tag flipped", ["FRM-4"], "open", bytes(flipped)),
        void("another key", ["FRM-4"], "open", frame(inside, key=Secret(seeded("other key")))),
        void("another label", ["FRM-1"], "open", frame(inside, label="keybox")),
        void("another salt than it was sealed with", ["FRM-1"], "open", frame(inside, salt=seeded("other salt"))),
        void(
            "a header that was changed after sealing",
            ["FRM-1"],
            "open",
            frame(inside, sealed_header=msgspec.structs.replace(header(), fseq=4)),
        ),
        void(
            "padding that is not zero",
            ["FRM-3", "FRM-4"],
            "decode",
            frame(padded=deflated.ljust(size - 1, b"\0") + b"\1"),
        ),
        void("padding longer than the rule", ["FRM-3"], "decode", frame(padded=deflated.ljust(size + 16, b"\0"))),
        void("no deflate stream", ["FRM-3"], "decode", frame(padded=b"\xff" * 256)),
        void("inflates beyond the limit", ["FRM-4"], "limits", frame(padded=bomb)),
    ]


def raw(**changed):
    """A good inside as plain lists, some of its parts replaced."""
    parts = {
        "devices": [OTHER],
        "records": [RECORD],
        "keys": ["status"],
        "vias": [[0, seeded("env")]],
        "n": [5],
        "at": [AT],
        "record": [0],
        "flags": [1],
        "via": [0],
        "preds": [[1, 9]],
        "sets": [[0, b'{"status":"active"}']],
    } | changed
    return list(parts.values())


def inside_faults():
    def case(name, outcome, must, inside):
        return void(name, must, outcome, frame(inside))

    def packed(**changed):
        return msgspec.msgpack.encode(raw(**changed))

    plain = packed()
    longer = plain.replace(b"\x91\x05\x91\xcf", b"\x91\xcd\x00\x05\x91\xcf")
    assert longer != plain
    return [
        case("an integer longer than needed", "decode", ["FRM-5"], longer),
        case("one field too many", "decode", ["FRM-5"], msgspec.msgpack.encode([*raw(), 0])),
        case("not msgpack", "decode", ["FRM-5"], b"\xc1"),
        case("columns of different length", "decode", ["FRM-5"], packed(at=[AT, 0])),
        case("a record outside its table", "decode", ["FRM-5"], packed(record=[1])),
        case("a negative place", "decode", ["FRM-5"], packed(record=[-1])),
        case("a device outside its table", "decode", ["FRM-5"], packed(preds=[[2, 9]])),
        case("a dot without number", "decode", ["FRM-5"], packed(preds=[[1]])),
        case("an id of 31 bytes", "decode", ["FRM-5"], packed(records=[RECORD[:31]])),
        case("a device id of 31 bytes", "decode", ["FRM-5"], packed(devices=[OTHER[:31]])),
        case("the author in the table of devices", "decode", ["FRM-5"], packed(devices=[OTHER, ME])),
        case("a flag that does not exist", "decode", ["FRM-5"], packed(flags=[4])),
        case("a via that does not exist", "decode", ["FRM-5"], packed(via=[1], vias=[[4, seeded("env")]])),
        case("a register set twice", "decode", ["FRM-5"], packed(sets=[[0, b"1", 0, b"2"]])),
        case("a value that is a number", "decode", ["FRM-5"], packed(sets=[[0, 7]])),
        case("a key of 513 bytes", "limits", ["FRM-6"], packed(keys=["k" * 513])),
        case("a value of 2 MiB and a byte", "limits", ["FRM-6"], packed(sets=[[0, b"0" * 2_097_153]])),
        case("a number already used", "dots", ["FRM-7"], packed(n=[4])),
        case("a number used twice in one frame", "dots", ["FRM-7"], _twice()),
        case("a pred beyond the vector", "preds", ["FRM-9"], packed(preds=[[1, 10]])),
        case("a pred of a device unknown to the log", "preds", ["FRM-9"], packed(devices=[seeded("stranger")])),
        case("a pred on itself", "preds", ["FRM-9"], packed(preds=[[0, 5]])),
        case("a pred number 0", "preds", ["FRM-9"], packed(preds=[[1, 0]])),
        case("a birth dot that is none", "preds", ["FRM-9"], packed(records=[[1, 4]])),
        case("a birth dot beyond the vector", "preds", ["FRM-9"], packed(records=[[1, 10]])),
        case("the vault's names, by an editor", "rights", ["FRM-8"], packed(records=[b"@vault".ljust(32, b"\0")])),
        case(
            "another person's device name, by an editor",
            "rights",
            ["FRM-8"],
            packed(records=[b"@vault".ljust(32, b"\0")], keys=[f"device/{OTHER.hex()}"]),
        ),
        case(
            "a change of the vault's names that sets nothing, by an editor",
            "rights",
            ["FRM-8"],
            packed(records=[b"@vault".ljust(32, b"\0")], keys=[], sets=[[]]),
        ),
    ]


def _twice():
    both = {name: value * 2 for name, value in zip(_COLUMNS, raw()[4:], strict=True)}
    return msgspec.msgpack.encode(raw(**both | {"n": [5, 0], "at": [AT, 0]}))


_COLUMNS = ("n", "at", "record", "flags", "via", "preds", "sets")


def frames_file():
    return {
        "chapter": "frames",
        "description": "Frames to be judged at a log that lists the devices in this order, with this vector; the author"
        " is an editor, the second device; the record `held` was born by the dot given.",
        "epoch_key": KEY.reveal().hex(),
        "devices": [device.hex() for device in DEVICES],
        "vector": {device.hex(): n for device, n in VECTOR.items()},
        "births": [{"dot": [OTHER.hex(), 3], "record": HELD.hex()}],
        "outcomes": ["good", "open", "decode", "limits", "dots", "rights", "preds"],
        "cases": [*good_cases(), *sealing_faults(), *inside_faults()],
    }


def keybox_file():
    epoch, old = epoch_id(KEY), [Secret(seeded("old 1")), Secret(seeded("old 2"))]
    box = seal_keybox(VAULT, epoch, KEY, old, SALT)
    flipped = bytes([box.sealed[0] ^ 1]) + box.sealed[1:]
    other_vault = seal_keybox(seeded("vault 2"), epoch, KEY, old, SALT)
    cases = [
        {
            "name": "two older keys",
            "must": ["KEY-3"],
            "sealed": box.sealed.hex(),
            "keys": [k.reveal().hex() for k in old],
        },
        {"name": "a bit flipped", "must": ["KEY-4"], "sealed": flipped.hex(), "keys": []},
        {"name": "of another vault", "must": ["KEY-3"], "sealed": other_vault.sealed.hex(), "keys": []},
        {"name": "noise", "must": ["KEY-4"], "sealed": seeded("noise", 272).hex(), "keys": []},
    ]
    return {
        "chapter": "keys",
        "description": "Keyboxes under one epoch key; `keys` is what they give, nothing for an unreadable one.",
        "vault": VAULT.hex(),
        "epoch_key": KEY.reveal().hex(),
        "epoch_id": epoch.hex(),
        "salt": SALT.hex(),
        "cases": cases,
    }


def wraps_file():
    kem = KemKey.from_seed(Secret(seeded("kem")))
    epoch = Epoch(7, 1, epoch_id(KEY))

    def sealed(vault=VAULT, epoch=epoch, device=ME, key=KEY):
        return wrap_for(key, vault, epoch, {device: kem.public_key})[0].sealed.hex()

    right = sealed()
    cases = [
        {"name": "for this card", "must": ["KEY-1", "KEY-2"], "wraps": [right], "opens": True},
        {
            "name": "noise beside the good one",
            "must": ["KEY-4"],
            "wraps": [seeded("noise", 1168).hex(), right],
            "opens": True,
        },
        {"name": "of another vault", "must": ["KEY-2"], "wraps": [sealed(vault=OTHER)], "opens": False},
        {"name": "for another card", "must": ["KEY-2"], "wraps": [sealed(device=OTHER)], "opens": False},
        {
            "name": "of another number",
            "must": ["KEY-2"],
            "wraps": [sealed(epoch=Epoch(8, 1, epoch.id))],
            "opens": False,
        },
        {"name": "of another suite", "must": ["KEY-2"], "wraps": [sealed(epoch=Epoch(7, 2, epoch.id))], "opens": False},
        {
            "name": "another key under the right name",
            "must": ["KEY-1"],
            "wraps": [sealed(key=Secret(seeded("wrong key")))],
            "opens": False,
        },
        {"name": "none at all", "must": ["KEY-4"], "wraps": [], "opens": False},
    ]
    return {
        "chapter": "keys",
        "description": "Wraps of one epoch key; `opens` says whether trying all of them gives the key.",
        "vault": VAULT.hex(),
        "device": ME.hex(),
        "kem_seed": seeded("kem").hex(),
        "epoch": {"number": 7, "suite": 1, "id": epoch.id.hex()},
        "epoch_key": KEY.reveal().hex(),
        "cases": cases,
    }


FILES = {"frames/frames.json": frames_file, "keys/keyboxes.json": keybox_file}


def write(name, content):
    path = VECTORS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    for name, make in FILES.items():
        write(name, make())
    if not (VECTORS / "keys/wraps.json").exists():
        write("keys/wraps.json", wraps_file())


if __name__ == "__main__":
    main()
