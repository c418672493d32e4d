"""Makes openapi/vectors/{log,checkpoint}/*.json: `python -m tests.vectors.generate_log`, and the difference is read.

Cards, genesis, entries and frames byte by byte; the hash of an item and the chain of the log; what is read of an item
of an unknown version; stories whose last item the judge finds void, or good; claims. What is expected is written by
hand; bytes of right cases are computed.
"""

import json
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sync.wire.card import CARD_LABEL, Card, SignedCard
from sync.wire.checkpoint import CLAIM_LABEL, ChainHead, Claim, Segment, claim_hash
from sync.wire.codec import encode
from sync.wire.item import ENTRY_LABEL, Frame, Genesis, first_log_hash, item_hash, next_log_hash, vault_id
from tests.vectors.generate_crypto_keys import K1_BASE, N
from tests.vectors.generate_log_items import (
    ES256,
    MUM,
    VAULT,
    changed,
    entries,
    frames,
    header,
    hexed,
    later,
    longer_integer,
    plain,
    simple,
)
from tests.vectors.generate_membership import made
from tests.vectors.log_steps import DROPPED, FAMILY, FOUND, add, case, drop, entry, founding, new_epoch
from tests.vectors.log_story import epoch, keys_of, person, seeded

VECTORS = Path(__file__).parents[2] / "openapi" / "vectors"


# Cards.


def cards():
    for keys, what in ((MUM, "an Ed25519 card"), (keys_of("mum code"), "a recovery card"), (ES256, "an ES256 card")):
        told = {k: v for k, v in keys.told().items() if k != "id"}
        yield simple(
            f"{what} from its seeds",
            "LOG-4 LOG-5",
            "make_card",
            told,
            {"card": keys.card, "signature": keys.signed.signature, "id": keys.id},
        )
        yield simple(f"{what} is read", "LOG-4 LOG-5", "read_card", signed_card(keys.signed), described_card(keys))
    right = Card(0, 1, MUM.signing.public_key, MUM.kem.public_key)

    def fault(name, must, card, keys=MUM):
        signed = SignedCard(card, keys.signing.sign(CARD_LABEL, card))
        return simple(name, must, "read_card", signed_card(signed), outcome="malformed")

    yield fault("a kind that does not exist", "LOG-4", changed(right, 0, to=2))
    yield fault("a key type that does not exist", "LOG-4", changed(right, 1, to=3))
    yield fault("a key of another type's length", "LOG-4", changed(right, 1, to=2))
    yield fault("a signing key of 31 bytes", "LOG-4", changed(right, 2, to=MUM.signing.public_key[:31]))
    yield fault("a KEM key one byte short", "LOG-4", changed(right, 3, to=MUM.kem.public_key[:-1]))
    yield fault("an X25519 half of zeros", "LOG-4", changed(right, 3, to=MUM.kem.public_key[:-32] + bytes(32)))
    yield fault("a fifth field", "LOG-2", msgspec.msgpack.encode([*plain(right), 0]))
    yield fault("a field is missing", "LOG-2", msgspec.msgpack.encode(plain(right)[:3]))
    yield fault("the kind in two bytes", "LOG-2", longer_integer(encode(right), 1))
    yield fault("a map instead of an array", "LOG-2", msgspec.msgpack.encode(dict(enumerate(plain(right)))))
    yield fault("bytes after the end", "LOG-2", encode(right) + b"\xc0")
    yield fault("the key as text", "LOG-2", changed(right, 2, to="a" * 32))
    yield fault("signed by another card", "LOG-5", encode(right), keys_of("dad 1"))
    # Under the identity point anyone signs anything: R = the identity, S = 0.
    small = changed(right, 2, to=(1).to_bytes(32, "little"))
    forged = SignedCard(small, (1).to_bytes(32, "little") + bytes(32))
    yield simple(
        "a key of small order, with a forgery that some libraries take",
        "LOG-4",
        "read_card",
        signed_card(forged),
        outcome="malformed",
    )
    entry_label = SignedCard(MUM.card, MUM.signing.sign(ENTRY_LABEL, MUM.card))
    yield simple("signed under another label", "LOG-5", "read_card", signed_card(entry_label), outcome="malformed")
    yield from es256_cards()
    short = SignedCard(MUM.card, MUM.signed.signature[:63])
    yield simple("a signature of 63 bytes", "LOG-5", "read_card", signed_card(short), outcome="malformed")


def es256_cards():
    """Faults that only a card of this kind can have."""
    right, signature = Card(0, 2, ES256.signing.public_key, ES256.kem.public_key), ES256.signed.signature
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")

    def read(name, must, card, signature, output=None):
        told = signed_card(SignedCard(card, signature))
        return simple(f"ES256, {name}", must, "read_card", told, output, "ok" if output else "malformed")

    def big(first, second):
        return first.to_bytes(32, "big") + second.to_bytes(32, "big")

    yield read("the other good s names the same card", "LOG-5", ES256.card, big(r, N - s), described_card(ES256))
    yield read("a signature in DER", "LOG-5", ES256.card, encode_dss_signature(r, s))
    yield read("r = 0", "LOG-5", ES256.card, big(0, s))
    yield read("s = 0", "LOG-5", ES256.card, big(r, 0))
    yield read("s = n", "LOG-5", ES256.card, big(r, N))
    yield read("signed with an Ed25519 key", "LOG-5", ES256.card, MUM.signing.sign(CARD_LABEL, ES256.card))
    yield read("an Ed25519 card signed with its key", "LOG-5", MUM.card, ES256.signing.sign(CARD_LABEL, MUM.card))
    for name, key in {
        "the point at infinity": b"\0",
        "the point at infinity, filled up": b"\4" + bytes(64),
        "a point of another curve": K1_BASE,
        "a compressed key": bytes([2 + (right.signing_key[64] & 1)]) + right.signing_key[1:33],
        "its key called Ed25519": right.signing_key,
    }.items():
        card = encode(msgspec.structs.replace(right, key_type=1 if "called" in name else 2, signing_key=key))
        yield read(name, "LOG-4", card, ES256.signing.sign(CARD_LABEL, card))


def signed_card(signed):
    return {"card": signed.card, "signature": signed.signature}


def described_card(keys):
    """What a reader finds in a card."""
    return {
        "id": keys.id,
        "kind": keys.kind,
        "key_type": keys.key_type,
        "signing_key": keys.signing.public_key,
        "kem_key": keys.kem.public_key,
    }


# Genesis, item hashes, the chain.


def chain():
    for subject in (True, False):
        genesis = Genesis(MUM.id, person("mum"), subject, seeded("nonce", 16))
        given = {"creator": MUM.id, "person": person("mum"), "subject": subject, "nonce": seeded("nonce", 16)}
        name = "a vault about its creator" if subject else "a vault about somebody else"
        yield simple(name, "LOG-6", "vault_id", given, {"genesis": encode(genesis), "vault": vault_id(genesis)})
    yield simple("the hash of an item", "LOG-10", "item_hash", {"signed": b"\x90"}, {"hash": item_hash(b"\x90")})
    hashes = [seeded(f"item {i}") for i in range(3)]
    log = [first_log_hash(VAULT)]
    for seq, hash_ in enumerate(hashes, 1):
        log.append(next_log_hash(log[-1], seq, hash_))
    yield simple("an empty log", "LOG-11", "log_hashes", {"vault": VAULT, "items": []}, {"log_hashes": log[:1]})
    yield simple("three items", "LOG-11", "log_hashes", {"vault": VAULT, "items": hashes}, {"log_hashes": log})
    twice = [log[0], next_log_hash(log[0], 1, hashes[0])]
    twice.append(next_log_hash(twice[1], 2, hashes[0]))
    yield simple(
        "the same item twice gives another hash each time",
        "LOG-11",
        "log_hashes",
        {"vault": VAULT, "items": hashes[:1] * 2},
        {"log_hashes": twice},
    )


# Items, read as far as they can be.


def reading():
    def item(name, must, kind, signed, output=None, outcome="ok", signature=bytes(64)):
        given = {"kind": kind, "signed": signed, "signature": signature}
        return simple(name, must, "read_item", given, output, outcome)

    entry_signed, frame_signed = encode(later()), encode(Frame(header(), seeded("salt"), bytes(272)))
    told = {"vault": VAULT, "author": MUM.id}
    saw, nothing = {"seen_seq": 7, "seen_L": seeded("log 7")}, {"seen_seq": 0, "seen_L": first_log_hash(VAULT)}
    known = {"version": 1, **told, **saw, "layout": "known"}
    unknown = {"version": 2, **told, "layout": "unknown"}
    yield item("an entry", "LOG-13", 0, entry_signed, known)
    yield item("a frame", "LOG-13", 1, frame_signed, known)
    yield item(
        "an entry of version 2 with other fields after the author",
        "LOG-13",
        0,
        msgspec.msgpack.encode([2, *plain(later())[1:6], {"more": 1}]),
        unknown | saw,
    )
    yield item(
        "an entry of version 2 that ends with the author",
        "LOG-13",
        0,
        msgspec.msgpack.encode([2, *plain(later())[1:6]]),
        unknown | saw,
    )
    yield item(
        "a frame of version 2 with other fields after the device",
        "LOG-13",
        1,
        msgspec.msgpack.encode([[2, bytes(VAULT), bytes(MUM.id), "else"], None]),
        unknown | nothing,
    )
    yield item(
        "an entry of version 2 without an author",
        "LOG-13",
        0,
        msgspec.msgpack.encode([2, *plain(later())[1:5]]),
        outcome="malformed",
    )
    yield item(
        "an entry of version 2 whose author has 31 bytes",
        "LOG-13",
        0,
        msgspec.msgpack.encode([2, *plain(later())[1:5], bytes(31), 0]),
        outcome="malformed",
    )
    yield item(
        "an entry of version 1 with a tenth field",
        "LOG-13",
        0,
        msgspec.msgpack.encode([*plain(later()), None]),
        outcome="malformed",
    )
    yield item("a kind that does not exist", "LOG-7", 2, entry_signed, outcome="malformed")
    yield item("an entry called a frame", "LOG-7", 1, entry_signed, outcome="malformed")
    yield item("a signature of 63 bytes", "LOG-7", 0, entry_signed, outcome="malformed", signature=bytes(63))


# Stories whose last item is judged.


def verdicts():
    def frame(author, **more):
        return {"frame": {"author": author, **more}}

    two = [*FAMILY, frame("carer 1"), frame("carer 1")]
    rotated = [*FAMILY, entry("dad 1", epoch=new_epoch(2))]
    lowered = [*FAMILY, frame("carer 1"), entry("mum 1", ("role", "carer", "viewer"))]
    yield case("frames of several devices", "LOG-18 LOG-20 LOG-21", [*two, frame("mum 1"), frame("carer 1")])
    yield case("a frame of another version", "LOG-17", [*two, frame("carer 1", v=2)], "version")
    yield case("an entry of another version", "LOG-17", [*FAMILY, entry("mum 1", v=2)], "version")
    yield case("an entry of another vault", "LOG-17", [*FAMILY, entry("mum 1", vault=seeded("vault").hex())], "version")
    yield case("a frame's number is the last one again", "LOG-18", [*two, frame("carer 1", fseq=2)], "chain")
    yield case("a frame's number skips one", "LOG-18", [*two, frame("carer 1", fseq=4)], "chain")
    yield case(
        "a frame names another frame before it", "LOG-18", [*two, frame("carer 1", prev=seeded("frame").hex())], "chain"
    )
    yield case(
        "a first frame names a frame before it", "LOG-18", [*two, frame("dad 1", prev=seeded("frame").hex())], "chain"
    )
    yield case(
        "an entry names another entry before it", "LOG-19", [*FAMILY, entry("mum 1", prev=seeded("entry").hex())], "cas"
    )
    yield case("frames between two entries are no hindrance", "LOG-19", [*two, entry("mum 1", epoch=new_epoch(2))])
    yield case(
        "an entry after a void one follows the last good one",
        "LOG-19 LOG-22",
        [*FAMILY, {**entry("carer 1", drop("aunt 1")), "verdict": "rights"}, entry("mum 1", epoch=new_epoch(2))],
    )
    yield case("a viewer's frame", "LOG-20", [*FAMILY, frame("aunt 1")], "rights")
    yield case("a recovery card's frame", "LOG-20", [*FAMILY, frame("mum code")], "rights")
    yield case("a dropped card's frame", "LOG-20", [*DROPPED, frame("carer 1", epoch="epoch 2")], "rights")
    yield case("a frame of who became viewer", "LOG-20", [*lowered, frame("carer 1")], "rights")
    yield case(
        "a frame of a device that the log never listed is no part of it",
        "LOG-15",
        [*FAMILY, frame("sam 1")],
        "unverified",
    )
    yield case("a frame under an older epoch", "LOG-21", [*rotated, frame("carer 1", epoch="epoch 1")], "epoch")
    yield case(
        "a frame under an epoch that does not exist", "LOG-21", [*FAMILY, frame("carer 1", epoch="epoch 9")], "epoch"
    )
    yield case(
        "a void frame counts in its device's chain",
        "LOG-22",
        [*rotated, {**frame("carer 1", epoch="epoch 1"), "verdict": "epoch"}, frame("carer 1")],
    )
    yield case(
        "a frame that does not extend the chain does not count in it",
        "LOG-22",
        [*two, {**frame("carer 1", fseq=4), "verdict": "chain"}, frame("carer 1")],
    )
    yield case(
        "a frame of another version does not count in its chain",
        "LOG-22",
        [*two, {**frame("carer 1", v=2), "verdict": "version"}, frame("carer 1")],
    )
    yield case("version comes before chain", "LOG-16", [*two, frame("carer 1", v=2, fseq=9)], "version")
    yield case("chain comes before rights", "LOG-16", [*FAMILY, frame("aunt 1", fseq=2)], "chain")
    yield case("rights come before epoch", "LOG-16", [*DROPPED, frame("carer 1", epoch="epoch 1")], "rights")
    yield case(
        "cas comes before rights",
        "LOG-16",
        [*FAMILY, entry("carer 1", drop("aunt 1"), prev=seeded("entry").hex())],
        "cas",
    )
    stranger = founding(add("sam 1", "owner", person="mum"), vault=VAULT.hex())
    stranger["entry"]["author"] = "sam 1"
    yield case(
        "a stranger's founding entry in a log that has one is no part of it", "LOG-15", [FOUND, stranger], "unverified"
    )


# Checkpoints: the claim alone.


def claims():
    heads = sorted(
        (ChainHead(keys_of(n).id, 3, 17, seeded(f"{n} head")) for n in ("mum 1", "dad 1")), key=lambda head: head.device
    )
    blobs = tuple(sorted(seeded(f"blob {i}") for i in range(2)))
    segments = (Segment(seeded("segment 0"), 4_096), Segment(seeded("segment 1"), 262_144))
    right = Claim(
        VAULT,
        40,
        seeded("log 40"),
        seeded("entry head"),
        epoch("epoch 1"),
        tuple(heads),
        seeded("root"),
        segments,
        blobs,
    )
    empty = Claim(VAULT, 1, seeded("log 1"), seeded("entry head"), epoch("epoch 1"), (), seeded("root"), (), ())

    def good(name, claim):
        signed = encode(claim)
        output = {
            "hash": claim_hash(signed),
            "signature": MUM.signing.sign(CLAIM_LABEL, signed),
            "fields": hexed(plain(claim)),
        }
        given = {"key_type": 1, "signing_seed": MUM.signing_seed, "signed": signed}
        return simple(name, "CHK-1 CHK-3", "read_claim", given, output)

    def bad(name, must, signed):
        return simple(name, must, "read_claim", {"signed": signed}, outcome="malformed")

    yield good("a claim", right)
    yield good("a claim of an empty state", empty)
    yield bad("devices in another order", "CHK-2", changed(right, 5, to=[*reversed(plain(right)[5])]))
    yield bad("a device twice", "CHK-2", changed(right, 5, to=plain(right)[5][:1] * 2))
    yield bad("blobs in another order", "CHK-2", changed(right, 8, to=[*reversed(plain(right)[8])]))
    yield bad("a segment of 262,145 bytes", "CHK-2", changed(right, 7, 1, 1, to=262_145))
    yield bad("a segment of no bytes", "CHK-2", changed(right, 7, 0, 1, to=0))
    yield bad("a root of 16 bytes", "CHK-2", changed(right, 6, to=bytes(16)))
    yield bad("a negative seq", "CHK-2", changed(right, 1, to=-1))
    yield bad("a tenth field", "CHK-1", msgspec.msgpack.encode([*plain(right), None]))


LOG_FILES = {
    "cards.json": ("Cards: their bytes, ids and own signatures.", cards),
    "chain.json": ("Genesis and vault id; the hash of an item; the hashes of a log.", chain),
    "entries.json": ("Entries, read from their signed bytes.", entries),
    "frames.json": ("Frames, read from their signed bytes; nothing is opened.", frames),
    "reading.json": ("Items, read as far as they can be.", reading),
    "verdicts.json": ("Logs whose last item is judged, without keys.", verdicts),
}
CHECKPOINT_FILES = {"claims.json": ("Claims of checkpoints, read from their signed bytes.", claims)}


def content(chapter, name):
    """One file's content."""
    files = LOG_FILES if chapter == "log" else CHECKPOINT_FILES
    if name == "verdicts.json":
        return made(name, chapter, files)
    description, cases = files[name]
    return {"chapter": chapter, "description": description, "cases": list(cases())}


def main():
    for chapter, files in (("log", LOG_FILES), ("checkpoint", CHECKPOINT_FILES)):
        (VECTORS / chapter).mkdir(parents=True, exist_ok=True)
        for name in files:
            text = json.dumps(content(chapter, name), indent=1, ensure_ascii=False)
            (VECTORS / chapter / name).write_text(text + "\n")


if __name__ == "__main__":
    main()
