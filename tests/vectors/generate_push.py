"""Makes openapi/vectors/push/pushes.json: `python -m tests.vectors.generate_push`, by hand, and the difference is read.

Outcomes are written here by hand.
"""

import json
from pathlib import Path

from tests.vectors.vector_case import case

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors" / "push"
TOPIC, OTHER = "AbCdEfGhIjKlMnOpQrStUv", "AbCdEfGhIjKlMnOpQrStUw"
GOOD = {"v": "1", "t": TOPIC}


def reads():
    yield case("a wake", "PSH-21", "read_push", {"data": GOOD, "class": "wake", "topic": TOPIC}, {"acts": ["sync"]})
    notice = {"data": GOOD, "class": "notice", "topic": TOPIC}
    yield case("a notice", "PSH-21", "read_push", notice, {"acts": ["sync", "show"]})
    faults = {
        "the topic of an earlier registration": {**GOOD, "t": OTHER},
        "a topic cut short": {**GOOD, "t": TOPIC[:-1]},
        "no topic": {"v": "1"},
        "another version": {**GOOD, "v": "2"},
        "a version that is a number": {**GOOD, "v": 1},
        "something besides": {**GOOD, "url": "https://carnet.example"},
        "nothing": {},
    }
    for name, data in faults.items():
        for class_ in ("wake", "notice"):
            given = {"data": data, "class": class_, "topic": TOPIC}
            yield case(f"{class_}: {name}", "PSH-20", "read_push", given, outcome="ignored")


def document():
    described = "Data of a push as it comes to an app, of a class; `topic`: what the app has registered last."
    return {"chapter": "push", "description": described, "cases": list(reads())}


def main():
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    (FOLDER / "pushes.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
