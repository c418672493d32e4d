"""Cases of chapter log about the bytes of entries and frames, each malformed one with one fault. Expected by hand."""

import msgspec

from sync.wire.codec import encode
from sync.wire.item import (
    ENTRY_LABEL,
    FRAME_LABEL,
    Add,
    Drop,
    Entry,
    Epoch,
    Frame,
    FrameHeader,
    Genesis,
    Purge,
    SetRole,
    SetSubject,
    SetVersion,
    first_log_hash,
    item_hash,
    vault_id,
)
from tests.vectors.log_story import epoch, keys_of, person, seeded

MUM, ES256 = keys_of("mum 1"), keys_of("mum es256")
GENESIS = Genesis(MUM.id, person("mum"), True, seeded("nonce", 16))
VAULT = vault_id(GENESIS)
INTEGER_MAX = 2**53 - 1


def simple(name, must, op, given, output=None, outcome="ok"):
    """A case of one operation; bytes become hex."""
    row = {"name": name, "must": must.split(), "input": {"op": op} | hexed(given), "outcome": outcome}
    return row | ({"output": hexed(output)} if output is not None else {})


def hexed(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: hexed(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [hexed(member) for member in value]
    return value


def plain(struct):
    """A struct as the lists that it is on the wire."""
    return msgspec.msgpack.decode(encode(struct))


def changed(struct, *path, to):
    """The encoding of a struct with the field at `path` replaced."""
    value = plain(struct)
    place = value
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return msgspec.msgpack.encode(value)


def longer_integer(signed, at):
    """The same value with its integer at `at`, which stands as one byte, in two."""
    assert signed[at] < 0x80
    return signed[:at] + b"\xcc" + signed[at:]


def first_entry(**fields):
    say = {
        "v": 1,
        "vault": VAULT,
        "prev": bytes(VAULT),
        "seen_seq": 0,
        "seen_L": first_log_hash(VAULT),
        "author": MUM.id,
        "edits": (Add(MUM.signed, person("mum"), 2, None),),
        "epoch": Epoch(1, 1, epoch("epoch 1")),
        "genesis": GENESIS,
    }
    return Entry(**say | fields)


def later(*edits, **fields):
    return first_entry(
        **{
            "prev": seeded("previous entry"),
            "seen_seq": 7,
            "seen_L": seeded("log 7"),
            "edits": edits,
            "epoch": None,
            "genesis": None,
            **fields,
        }
    )


def entries():
    def good(name, must, item):
        signed = encode(item)
        given = {"key_type": 1, "signing_seed": MUM.signing_seed, "signed": signed}
        output = {
            "hash": item_hash(signed),
            "signature": MUM.signing.sign(ENTRY_LABEL, signed),
            "fields": hexed(plain(item)),
        }
        return simple(name, must, "read_entry", given, output)

    def bad(name, must, signed):
        return simple(name, must, "read_entry", {"signed": signed}, outcome="malformed")

    dad, sam = keys_of("dad 1"), person("sam")
    add_dad = Add(dad.signed, person("dad"), 1, 1_800_000_000_000)
    yield good("the first entry", "LOG-8", first_entry())
    yield good(
        "every kind of edit",
        "LOG-8",
        later(
            add_dad, Drop(dad.id), SetRole(sam, 0), SetSubject(sam), Purge(3, seeded("claim")), SetVersion(INTEGER_MAX)
        ),
    )
    yield good("an epoch and nothing else", "LOG-8", later(epoch=Epoch(INTEGER_MAX, 1, epoch("epoch 2"))))
    yield good("64 edits", "LOG-12", later(*[SetRole(sam, 0)] * 64))

    yield bad("65 edits", "LOG-12", encode(later(*[SetRole(sam, 0)] * 65)))
    yield bad("bytes after the end", "LOG-2", encode(later()) + b"\xc0")
    yield bad("a tenth field", "LOG-2", msgspec.msgpack.encode([*plain(later()), None]))
    yield bad("the last field is missing", "LOG-2", msgspec.msgpack.encode(plain(later())[:-1]))
    yield bad("the version in two bytes", "LOG-2", longer_integer(encode(later()), 1))
    yield bad("the array's length in three bytes", "LOG-2", b"\xdc\x00\x09" + encode(later())[1:])
    yield bad("the version as a float", "LOG-2", changed(later(), 0, to=1.0))
    yield bad("the author as text", "LOG-2", changed(later(), 5, to="a" * 32))
    yield bad("cut short", "LOG-2", encode(later())[:-1])
    yield bad("an edit that does not exist", "LOG-8", changed(later(Drop(dad.id)), 6, 0, 0, to="exile"))
    yield bad(
        "an edit with a field too many", "LOG-2", changed(later(Drop(dad.id)), 6, 0, to=["drop", bytes(dad.id), 0])
    )
    yield bad("a vault id of 31 bytes", "LOG-1", changed(later(), 1, to=bytes(31)))
    yield bad("a previous hash of 33 bytes", "LOG-1", changed(later(), 2, to=bytes(33)))
    yield bad("a seen hash of 16 bytes", "LOG-1", changed(later(), 4, to=bytes(16)))
    yield bad("an author of 0 bytes", "LOG-1", changed(later(), 5, to=b""))
    yield bad("a person of 32 bytes", "LOG-1", changed(later(SetRole(sam, 0)), 6, 0, 1, to=bytes(32)))
    yield bad("an added person of 15 bytes", "LOG-1", changed(later(add_dad), 6, 0, 2, to=bytes(15)))
    yield bad("a dropped id of 31 bytes", "LOG-1", changed(later(Drop(dad.id)), 6, 0, 1, to=bytes(31)))
    yield bad("a claim's hash of 31 bytes", "LOG-1", changed(later(Purge(1, bytes(32))), 6, 0, 2, to=bytes(31)))
    yield bad("an epoch id of 31 bytes", "LOG-1", changed(first_entry(), 7, 2, to=bytes(31)))
    yield bad("a nonce of 32 bytes", "LOG-1", changed(first_entry(), 8, 3, to=bytes(32)))
    yield bad("role 3", "LOG-8", changed(later(SetRole(sam, 0)), 6, 0, 2, to=3))
    yield bad("an added role below 0", "LOG-8", changed(later(add_dad), 6, 0, 3, to=-1))
    yield bad("a negative seq seen", "LOG-3", changed(later(), 3, to=-1))
    yield bad("a seq seen of 2^53", "LOG-3", changed(later(), 3, to=INTEGER_MAX + 1))
    yield bad("an end date before 1970", "LOG-3", changed(later(add_dad), 6, 0, 4, to=-1))
    yield bad("a negative purge", "LOG-3", changed(later(Purge(1, bytes(32))), 6, 0, 1, to=-1))
    yield bad("an epoch number of 2^53", "LOG-3", changed(first_entry(), 7, 0, to=INTEGER_MAX + 1))
    yield bad("a version of 2^53", "LOG-3", changed(later(SetVersion(2)), 6, 0, 1, to=INTEGER_MAX + 1))
    yield bad("the subject as a number", "LOG-2", changed(first_entry(), 8, 2, to=1))


def header(**fields):
    say = {
        "v": 1,
        "vault": VAULT,
        "device": MUM.id,
        "fseq": 1,
        "prev": bytes(32),
        "epoch": epoch("epoch 1"),
        "seen_seq": 7,
        "seen_L": seeded("log 7"),
    }
    return FrameHeader(**say | fields)


def frames():
    right = Frame(header(), seeded("salt"), seeded("sealed", 272))

    def good(name, must, keys, item):
        signed = encode(item)
        given = {"key_type": keys.key_type, "signing_seed": keys.signing_seed, "signed": signed}
        output = {
            "hash": item_hash(signed),
            "signature": keys.signing.sign(FRAME_LABEL, signed),
            "fields": hexed(plain(item)),
        }
        return simple(name, must, "read_frame", given, output)

    def bad(name, must, signed):
        return simple(name, must, "read_frame", {"signed": signed}, outcome="malformed")

    yield good("a device's first frame", "LOG-9", MUM, right)
    second = header(device=ES256.id, fseq=2, prev=seeded("frame before"), seen_seq=INTEGER_MAX)
    yield good(
        "a later frame, of an ES256 device", "LOG-9", ES256, Frame(second, seeded("salt"), seeded("sealed", 400))
    )
    yield bad("a fourth field", "LOG-2", msgspec.msgpack.encode([*plain(right), None]))
    yield bad("a ninth header field", "LOG-2", changed(right, 0, to=[*plain(right)[0], 0]))
    yield bad("a number in two bytes", "LOG-2", longer_integer(encode(right), 2))
    yield bad("the ciphertext's length in four bytes", "LOG-2", long_ciphertext(encode(right)))
    yield bad("bytes after the end", "LOG-2", encode(right) + b"\x00")
    yield bad("a salt of 31 bytes", "LOG-1", changed(right, 1, to=bytes(31)))
    yield bad("a device id of 31 bytes", "LOG-1", changed(right, 0, 2, to=bytes(31)))
    yield bad("a previous hash that is nil", "LOG-2", changed(right, 0, 4, to=None))
    yield bad("an epoch id of 33 bytes", "LOG-1", changed(right, 0, 5, to=bytes(33)))
    yield bad("fseq 0", "LOG-9", changed(right, 0, 3, to=0))
    yield bad("fseq 2^53", "LOG-3", changed(right, 0, 3, to=INTEGER_MAX + 1))
    yield bad("a negative seq seen", "LOG-3", changed(right, 0, 6, to=-1))
    yield bad("a ciphertext of 271 bytes", "LOG-9", changed(right, 2, to=bytes(271)))


def long_ciphertext(signed):
    """The same frame with the length of its last field as bin 32 instead of bin 16."""
    head, body = signed[: -272 - 3], signed[-272:]
    assert signed[-272 - 3 : -272] == b"\xc5\x01\x10"
    return head + b"\xc6\x00\x00\x01\x10" + body
