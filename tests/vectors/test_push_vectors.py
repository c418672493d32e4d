"""What an app does at a push, against openapi/vectors/push/pushes.json, and that against its generator."""

import json

import pytest

from sync.wire.push import NotForUs, read_push
from tests.vectors import generate_push

FILE = generate_push.FOLDER / "pushes.json"
CASES = [pytest.param(case, id=case["name"]) for case in json.loads(FILE.read_bytes())["cases"]]


@pytest.mark.parametrize("case", CASES)
def test_an_app_does_what_the_vector_says(case):
    """PSH-20, PSH-21."""
    given = case["input"]
    try:
        acts = list(read_push(given["data"], given["class"], given["topic"]))
    except NotForUs:
        assert case["outcome"] == "ignored"
    else:
        assert (case["outcome"], case["output"]) == ("ok", {"acts": acts})


def test_the_file_is_what_its_generator_makes():
    assert json.loads(FILE.read_bytes()) == generate_push.document()
