"""Steps of stories (log_story.py) in few words, the logs that most cases start from, and a case around a story.

The last step of a case is what is looked at; the steps before are good unless they say so.
"""

from tests.vectors.log_story import Story

UNTIL = 1_800_000_000_000


def entry(author, *edits, epoch=None, **more):
    """A step: an entry by `author`."""
    return {"entry": {"author": author, "edits": [list(edit) for edit in edits], "epoch": epoch, **more}}


def new_epoch(number, name=None, suite=1):
    return [number, suite, name or f"epoch {number}"]


def add(card, role, person=None, until=None):
    """An edit that adds a card to the person whom its name begins with."""
    return ("add", card, person or card.split(" ")[0], role, until)


def drop(card):
    return ("drop", card)


def founding(*edits, subject=True, epoch=True, **more):
    """The first step: mum founds a vault, with whatever else the case is about."""
    edits = edits or (add("mum 1", "owner"), add("mum code", "owner"))
    genesis = {"person": "mum", "subject": subject}
    return entry("mum 1", *edits, **{"epoch": new_epoch(1) if epoch is True else epoch, "genesis": genesis, **more})


FOUND = founding()
FAMILY = [
    FOUND,
    entry(
        "mum 1",
        add("dad 1", "owner"),
        add("carer 1", "editor"),
        add("aunt 1", "viewer"),
        add("nurse 1", "editor", until=UNTIL),
    ),
]
CHILD = [founding(subject=False), entry("mum 1", add("dad 1", "owner"), add("sam 1", "viewer"))]
DROPPED = [*FAMILY, entry("mum 1", drop("carer 1"), epoch=new_epoch(2))]


def case(name, must, steps, outcome="ok"):
    """A case as openapi/vectors/README.md describes it."""
    story = Story()
    came = story.play(steps)
    assert came == [step.get("verdict", "ok") for step in steps[:-1]] + [outcome], (name, came)
    made = {"name": name, "must": must.split(), "input": {"op": "judge", "steps": steps}, "outcome": outcome}
    return made | ({"output": story.told()} if outcome == "ok" else {})
