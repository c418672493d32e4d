"""Random worlds of one record: up to five devices that write offline, meet, and have seen this or that of each other.

What each device saw is asked of the naive rival, never of the engine, so that a wrong engine cannot hide behind changes
that it wrote itself. All choices come from one function `below(n)`, a number from 0 to n - 1: Hypothesis shrinks it, a
seed repeats it, a vector pins it.
"""

from typing import NamedTuple

from sync.merge.change import Change, RecordId, Via, make_dot
from tests.property import naive_merge as naive

RECORD = RecordId(b"synthetic record".ljust(32, b"."))
KEYS = ("code", "dosage", "status", "note", "@note/1", "ä")
VALUES = (b"1", b"2", b'"x"', None)
CARRYING = (Via("frame", b"f" * 32), Via("dot", b"d" * 32, 7), Via("vault", b"v" * 32))
IMPORT = Via("import", b"i" * 32)


class Intended(NamedTuple):
    """One value that a device meant to write on a register."""

    dot: int
    lane: int
    key: str
    value: bytes | None


def repetition_key(ordinal, n, index):
    """The key of a fresh repetition: its change's dot and its place in it, so that no two ever meet."""
    return f"note#{ordinal}.{n}.{index}"


class World:
    """The changes so far, in the order they were written, and which of them each device has seen."""

    def __init__(self, below, devices=5, repetition_key=repetition_key):
        self.below = below
        self.changes: list[Change] = []
        self.intended: list[Intended] = []
        self.seen = [[] for _ in range(devices)]  # by device: positions in `changes`, ascending, causally closed
        self.numbers = [0] * devices
        self.repetition_key = repetition_key

    def view(self, device):
        return [self.changes[position] for position in self.seen[device]]

    def chance(self, percent):
        return self.below(100) < percent

    def some(self, dots, percent):
        """Mostly all of them; sometimes each or not, as when a writer's app had not shown one."""
        return [dot for dot in dots if not self.chance(percent)] if self.chance(percent) else list(dots)

    def write(self, device, lane, sets, preds, *, birth=False, carried=0):
        via = IMPORT if lane == 0 else None
        if self.chance(carried):
            via = CARRYING[self.below(len(CARRYING))]
        self.numbers[device] += 1 + (self.below(8) == 0)
        dot = make_dot(device, self.numbers[device])
        self.intended += [Intended(dot, lane, key, value) for key, value in sets]
        change = Change(dot, RECORD, birth, lane, via, tuple(sorted(set(preds))), tuple(sets), self.below(50))
        self.seen[device].append(len(self.changes))
        self.changes.append(change)
        return change

    def pull(self, device, other, part=100):
        """Take what the other has seen; or, like a short page, only the first part of it."""
        theirs = self.seen[other]
        theirs = theirs[: len(theirs) * part // 100]
        self.seen[device] = sorted({*self.seen[device], *theirs})

    def edit(self, device, lane, keys):
        view = self.view(device)
        preds = [s[0] for key in keys for each in {lane, 0} for s in naive.standing(view, key, each)]
        preds = self.some(preds, 25)
        if self.chance(10):
            preds += naive.live(view)  # a form that showed the whole record
        self.write(device, lane, [(key, VALUES[self.below(len(VALUES))]) for key in keys], preds, carried=20)

    def add_repetitions(self, device):
        """Two repetitions in one change, each on a register of its own."""
        view = self.view(device)
        n = self.numbers[device]
        keys = [self.repetition_key(device, n + 1, index) for index in (0, 1)]
        births = [s[0] for s in naive.standing(view, naive.NOBODY_NAMED, 1)]
        values = [f'"repetition {len(self.changes)}.{index}"'.encode() for index in (0, 1)]
        self.write(device, 1, list(zip(keys, values, strict=True)), births)

    def be_born(self, device, lane):
        view = self.view(device)
        body = [(key, VALUES[self.below(len(VALUES))]) for key in KEYS if self.chance(50)]
        before = [s[0] for s in naive.standing(view, naive.NOBODY_NAMED, lane)] if self.chance(60) else naive.live(view)
        self.write(device, lane, body, self.some(before, 40), birth=True, carried=15)

    def delete(self, device):
        if self.chance(50):  # Else hardly any deletion would have seen everything.
            for other in range(len(self.seen)):
                self.pull(device, other)
        view = self.view(device)
        also = [("@into", b'"another"')] if self.chance(10) else []
        preds = naive.live(view) + [s[0] for s in naive.standing(view, "@life", 1)]
        self.write(device, 1, [("@life", b'"gone"'), *also], self.some(preds, 15), carried=10)

    def restore(self, device):
        preds = [s[0] for s in naive.standing(self.view(device), "@life", 1)]
        self.write(device, 1, [("@life", b'"here"')], self.some(preds, 15))

    def step(self):
        """One thing happens somewhere."""
        device = self.below(len(self.seen))
        dice = self.below(100)
        if dice < 30:
            self.pull(device, self.below(len(self.seen)), 100 if self.chance(70) else self.below(101))
        elif dice < 62:
            first = self.below(len(KEYS))
            keys = [KEYS[first]] if self.chance(75) else sorted({KEYS[first], KEYS[self.below(len(KEYS))]})
            self.edit(device, 0 if self.chance(15) else 1, keys)
        elif dice < 72:
            self.add_repetitions(device)
        elif dice < 84:
            self.be_born(device, 0 if self.chance(60) else 1)
        elif dice < 94:
            self.delete(device)
        else:
            self.restore(device)


def make_world(below, steps=18, **options):
    """A world after some steps, the first of them usually the birth of the record in the source lane."""
    world = World(below, devices=2 + below(4), **options)
    if world.chance(80):
        world.be_born(0, 0)
        for device in range(1, len(world.seen)):
            if world.chance(60):
                world.pull(device, 0)
    for _ in range(4 + below(steps)):
        world.step()
    return world


def causal_order(changes, below):
    """A random order in which each change comes after its author's earlier ones and after its preds."""
    waiting, known, order = list(changes), set(), []
    while waiting:
        ready, authors = [], set()
        for change in waiting:  # `changes` lists each author's own in order, so only the first waiting one may go.
            author = naive.device(change.dot)
            if author not in authors and known.issuperset(change.preds):
                ready.append(change)
            authors.add(author)
        chosen = ready[below(len(ready))]
        waiting.remove(chosen)
        known.add(chosen.dot)
        order.append(chosen)
    return order
