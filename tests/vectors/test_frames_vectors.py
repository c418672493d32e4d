"""Frames, wraps and keyboxes against openapi/vectors/{frames,keys}, and those files against what writes them."""

import json

import pytest

from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from sync.merge.change import RecordId, make_dot
from sync.vault.content import ContentVoid, decode_inside, resolve
from sync.vault.frames import open_frame
from sync.vault.keyring import Keyring, open_keybox
from sync.wire.exchange import Key, Keybox
from sync.wire.item import read_frame
from tests.vectors import generate_frames
from tests.vectors.generate_frames import FILES, VECTORS, described


def load(name):
    return json.loads((VECTORS / name).read_text())


FRAMES, KEYBOXES, WRAPS = load("frames/frames.json"), load("keys/keyboxes.json"), load("keys/wraps.json")


def named(file):
    return [pytest.param(case, id=case["name"]) for case in file["cases"]]


def judge(case):
    """What a phone says of a frame: good and its changes, or why it is void."""
    devices = [bytes.fromhex(device) for device in FRAMES["devices"]]
    ordinals = {device: ordinal for ordinal, device in enumerate(devices)}
    vector = {bytes.fromhex(device): n for device, n in FRAMES["vector"].items()}
    births = {
        make_dot(ordinals[bytes.fromhex(b["dot"][0])], b["dot"][1]): RecordId(bytes.fromhex(b["record"]))
        for b in FRAMES["births"]
    }
    frame = read_frame(bytes.fromhex(case["frame"]))
    author = frame.header.device
    try:
        inside = open_frame(frame, Secret(bytes.fromhex(FRAMES["epoch_key"])))
        content = decode_inside(inside, author)
        editor = lambda keys: keys == [f"device/{author.hex()}"]  # noqa: E731
        return "good", resolve(content, vector[author], ordinals, vector, births.get, editor)
    except ContentVoid as why:
        return why.reason, None


@pytest.mark.parametrize("case", named(FRAMES))
def test_a_frame_is_judged_as_its_vector_says(case):
    outcome, changes = judge(case)
    assert outcome == case["outcome"]
    assert outcome in FRAMES["outcomes"]
    if changes is not None:
        assert described(changes) == case["changes"]


def test_every_outcome_has_a_vector():
    assert {case["outcome"] for case in FRAMES["cases"]} == set(FRAMES["outcomes"])


@pytest.mark.parametrize("case", named(KEYBOXES))
def test_a_keybox_gives_what_its_vector_says(case):
    box = Keybox(bytes.fromhex(KEYBOXES["epoch_id"]), bytes.fromhex(KEYBOXES["salt"]), bytes.fromhex(case["sealed"]))
    keys = open_keybox(bytes.fromhex(KEYBOXES["vault"]), box, Secret(bytes.fromhex(KEYBOXES["epoch_key"])))
    assert [key.reveal().hex() for key in keys] == case["keys"]


@pytest.mark.parametrize("case", named(WRAPS))
def test_wraps_open_as_their_vector_says(case):
    ring = Keyring()
    epoch = WRAPS["epoch"]
    answer = Key(epoch["number"], bytes.fromhex(epoch["id"]), tuple(bytes.fromhex(w) for w in case["wraps"]), ())
    kem = KemKey.from_seed(Secret(bytes.fromhex(WRAPS["kem_seed"])))
    opened = ring.learn(answer, epoch["suite"], bytes.fromhex(WRAPS["vault"]), bytes.fromhex(WRAPS["device"]), kem)
    assert opened == case["opens"]
    assert [key.hex() for key in ring.raw()] == ([WRAPS["epoch_key"]] if case["opens"] else [])


@pytest.mark.parametrize("name", FILES)
def test_the_committed_file_is_what_its_generator_gives(name):
    assert load(name) == json.loads(json.dumps(generate_frames.FILES[name]()))
