"""Devices that write and meet in whatever order Hypothesis finds worst, each with a live replica of one record.

Beside merge_worlds.py, which builds a world first and replays it: here every replica is an engine's record from the
first change on, kept as encoded bytes between two meetings, as a phone keeps it.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sync.merge.record import Record
from sync.merge.snapshot import canonical_record
from tests.property.merge_checks import Vector, equals_the_rival
from tests.property.merge_worlds import KEYS, RECORD, World

DEVICES = 4
device = st.integers(0, DEVICES - 1)
lane = st.integers(0, 1)
keys = st.sets(st.sampled_from(KEYS), min_size=1, max_size=2)


class Family(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.dice = [0]
        self.world = World(self.below, DEVICES)
        self.replicas = [Record(RECORD).encode()] * DEVICES
        self.vectors = [Vector() for _ in range(DEVICES)]

    def below(self, n):
        self.dice.append((self.dice[-1] * 1_103_515_245 + 12_345) % (1 << 31))
        return (self.dice[-1] >> 8) % n

    def bring_up_to_date(self, device):
        record = Record.decode(RECORD, self.replicas[device])
        for change in self.world.view(device):
            if self.vectors[device].take(change.dot):
                assert record.apply(change)
        self.replicas[device] = record.encode()

    @rule(device=device, lane=lane, keys=keys, seed=st.integers(0, 99))
    def edit(self, device, lane, keys, seed):
        self.dice.append(seed)
        self.world.edit(device, lane, sorted(keys))
        self.bring_up_to_date(device)

    @rule(device=device)
    def add_repetitions(self, device):
        self.world.add_repetitions(device)
        self.bring_up_to_date(device)

    @rule(device=device, lane=lane, seed=st.integers(0, 99))
    def be_born(self, device, lane, seed):
        self.dice.append(seed)
        self.world.be_born(device, lane)
        self.bring_up_to_date(device)

    @rule(device=device, seed=st.integers(0, 99))
    def delete(self, device, seed):
        self.dice.append(seed)
        self.world.delete(device)
        for each in range(DEVICES):
            self.bring_up_to_date(each)

    @rule(device=device)
    def restore(self, device):
        self.world.restore(device)
        self.bring_up_to_date(device)

    @rule(device=device, other=device, part=st.sampled_from((100, 100, 50)))
    def meet(self, device, other, part):
        self.world.pull(device, other, part)
        self.bring_up_to_date(device)

    @invariant()
    def each_replica_is_what_the_rival_makes_of_what_it_saw(self):
        for each in range(DEVICES):
            equals_the_rival(Record.decode(RECORD, self.replicas[each]), self.world.view(each))

    def teardown(self):
        for _ in range(2):
            for each in range(DEVICES):
                self.world.pull(each, (each + 1) % DEVICES)
                self.world.pull(each, (each + 2) % DEVICES)
                self.bring_up_to_date(each)
        states = {canonical_record(Record.decode(RECORD, replica)) for replica in self.replicas}
        assert len(states) == 1, "all have seen everything, and hold different states"


TestFamily = Family.TestCase
TestFamily.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
