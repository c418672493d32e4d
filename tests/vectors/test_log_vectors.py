"""Log, membership and checkpoint against openapi/vectors, and those files against what writes them."""

import json

import msgspec
import pytest

from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.log.reading import read_item
from sync.wire.card import SignedCard, device_id, read_card
from sync.wire.checkpoint import CLAIM_LABEL, claim_hash, read_claim
from sync.wire.codec import Malformed, encode
from sync.wire.item import (
    ENTRY_LABEL,
    FRAME_LABEL,
    Genesis,
    Item,
    first_log_hash,
    item_hash,
    next_log_hash,
    read_entry,
    read_frame,
    vault_id,
)
from tests.vectors import generate_log, generate_membership
from tests.vectors.generate_log import hexed
from tests.vectors.log_story import Keys, Story, epoch, keys_of, person, seeded

VECTORS = generate_log.VECTORS
FILES = [("log", name) for name in generate_log.LOG_FILES]
FILES += [("checkpoint", name) for name in generate_log.CHECKPOINT_FILES]
FILES += [("membership", name) for name in generate_membership.FILES]
OUTCOMES = {
    "ok",
    "malformed",
    "unverified",
    "needs_newer",
    "version",
    "chain",
    "cas",
    "rights",
    "epoch",
    "limits",
    "owner",
}


def load(chapter, name):
    return json.loads((VECTORS / chapter / name).read_text())


CASES = [
    pytest.param(case, id=f"{chapter}/{name}: {case['name']}")
    for chapter, name in FILES
    for case in load(chapter, name)["cases"]
]


def seeds_to_keys(told):
    """The card of these seeds, whatever its name."""
    keys = Keys.__new__(Keys)
    keys.kind, keys.key_type = told["kind"], told["key_type"]
    keys.signing_seed, keys.kem_seed = bytes.fromhex(told["signing_seed"]), bytes.fromhex(told["kem_seed"])
    keys.make()
    return keys


def make_card(given):
    keys = seeds_to_keys(given)
    return {"card": keys.card, "signature": keys.signed.signature, "id": keys.id}


def read_card_op(given):
    signed = SignedCard(bytes.fromhex(given["card"]), bytes.fromhex(given["signature"]))
    card = read_card(signed)
    return {"id": device_id(signed.card)} | msgspec.structs.asdict(card)


def vault_id_op(given):
    creator, whose, nonce = (bytes.fromhex(given[name]) for name in ("creator", "person", "nonce"))
    genesis = Genesis(creator, whose, given["subject"], nonce)
    return {"genesis": encode(genesis), "vault": vault_id(genesis)}


def log_hashes_op(given):
    hashes = [first_log_hash(bytes.fromhex(given["vault"]))]
    for seq, item in enumerate(given["items"], 1):
        hashes.append(next_log_hash(hashes[-1], seq, bytes.fromhex(item)))
    return {"log_hashes": hashes}


def reader(read, label, hash_):
    """An operation that reads signed bytes, names them, and signs them with the seed that is given."""

    def op(given):
        signed = bytes.fromhex(given["signed"])
        fields = msgspec.msgpack.decode(encode(read(signed)))
        signing = SigningKey.from_seed(given["key_type"], Secret(bytes.fromhex(given["signing_seed"])))
        return {"hash": hash_(signed), "signature": signing.sign(label, signed), "fields": fields}

    def op_of_bad(given):
        read(bytes.fromhex(given["signed"]))

    return lambda given: op(given) if "signing_seed" in given else op_of_bad(given)


def read_item_op(given):
    read = read_item(Item(given["kind"], bytes.fromhex(given["signed"]), bytes.fromhex(given["signature"])))
    told = {name: getattr(read, name) for name in ("version", "vault", "author", "seen_seq", "seen_L")}
    return told | {"layout": "known" if read.body else "unknown"}


OPERATIONS = {
    "make_card": make_card,
    "read_card": read_card_op,
    "vault_id": vault_id_op,
    "item_hash": lambda given: {"hash": item_hash(bytes.fromhex(given["signed"]))},
    "log_hashes": log_hashes_op,
    "read_entry": reader(read_entry, ENTRY_LABEL, item_hash),
    "read_frame": reader(read_frame, FRAME_LABEL, item_hash),
    "read_claim": reader(read_claim, CLAIM_LABEL, claim_hash),
    "read_item": read_item_op,
}


@pytest.mark.parametrize("case", CASES)
def test_a_case_comes_out_as_its_vector_says(case):
    given, expected = dict(case["input"]), (case["outcome"], case.get("output"))
    op = given.pop("op")
    if op == "judge":
        story = Story()
        came = story.play(given["steps"])
        assert came[:-1] == [step.get("verdict", "ok") for step in given["steps"][:-1]]
        assert (came[-1], story.told() if came[-1] == "ok" else None) == expected
        return
    try:
        outcome, output = "ok", hexed(OPERATIONS[op](given))
    except Malformed:
        outcome, output = "malformed", None
    assert (outcome, output) == expected


@pytest.mark.parametrize(("chapter", "name"), FILES)
def test_the_committed_file_is_what_its_generator_gives(chapter, name):
    made = generate_membership.made(name) if chapter == "membership" else generate_log.content(chapter, name)
    assert load(chapter, name) == json.loads(json.dumps(made))


@pytest.mark.parametrize(("chapter", "name"), FILES)
def test_a_file_names_each_case_once_and_only_known_outcomes(chapter, name):
    cases = load(chapter, name)["cases"]
    assert len({case["name"] for case in cases}) == len(cases)
    assert {case["outcome"] for case in cases} <= OUTCOMES
    assert all(case["must"] for case in cases)


def test_every_outcome_has_a_vector():
    assert {case.values[0]["outcome"] for case in CASES} == OUTCOMES


@pytest.mark.parametrize(("chapter", "name"), [file for file in FILES if "cards" in load(*file)])
def test_the_cast_of_a_file_can_be_made_from_what_the_file_says(chapter, name):
    file = load(chapter, name)
    for card, told in file["cards"].items():
        assert seeds_to_keys(told).id.hex() == told["id"] == keys_of(card).id.hex()
    assert all(person(name).hex() == id_ for name, id_ in file["people"].items())
    assert all(epoch(name).hex() == id_ for name, id_ in file["epochs"].items())
    assert (file["nonce"], file["claim"]) == (seeded("nonce", 16).hex(), seeded("claim").hex())
