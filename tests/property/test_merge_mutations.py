"""Known ways to be wrong, put in on purpose: the checks of the property tests must find each within few worlds.

A way to be wrong is either another law of the register (in place of sync.merge.register.written), another record, or
another writer of the worlds. Named in openapi/protocol/merge.md, "Ways to be wrong".
"""

import itertools
import random

import pytest
from msgspec.structs import replace

from sync.merge import record as record_module
from sync.merge import snapshot
from sync.merge.change import LIFE, ORDINAL_MASK, PERSON, SOURCE
from sync.merge.record import Record
from sync.merge.register import written
from tests.property.merge_checks import check_world
from tests.property.merge_worlds import make_world

WORLDS_MAX = 150  # the slowest of these takes about a sixth of it


def worlds_until_found(record_class=Record, **options):
    """The number of random worlds until a check fails, or None if none does."""
    for seed in range(WORLDS_MAX):
        world = make_world(random.Random(seed).randrange, **options)
        try:
            check_world(world, record_class)
        except (AssertionError, KeyError):
            return seed + 1
    return None


# Other laws of one register: (what stands, the new sibling, does its change carry an older view) -> what stands.


def equal_values_collapse(standing, new, carries):
    after = written(standing, new, carries)
    return tuple(next(group) for _, group in itertools.groupby(sorted(after, key=str), key=lambda s: s.value))


def the_last_writer_wins(standing, new, carries):
    return (max((*standing, new), key=lambda sibling: (sibling.at, sibling.dot)),)


def the_highest_dot_wins(standing, new, carries):
    return (max((*standing, new), key=lambda sibling: sibling.dot),)


def every_write_drops_all(standing, new, carries):
    return (new,)


def a_carried_change_drops_its_carriers_own(standing, new, carries):
    return written(standing, new, False)


def ones_own_earlier_stays(standing, new, carries):
    return written(standing, new, True)


def seen_is_forgotten(standing, new, carries):
    after = written(standing, new, carries)
    return tuple(replace(sibling, seen=()) if sibling.dot == new.dot else sibling for sibling in after)


def seen_is_cut_to_what_was_dropped(standing, new, carries):
    there = {sibling.dot for sibling in standing}
    short = tuple(dot for dot in new.seen if dot in there)
    return tuple(replace(s, seen=short) if s.dot == new.dot else s for s in written(standing, new, carries))


def siblings_stand_in_order_of_arrival(standing, new, carries):
    kept = [sibling for sibling in written(standing, new, carries) if sibling.dot != new.dot]
    return (*sorted(kept, key=standing.index), new)


def the_via_is_lost(standing, new, carries):
    return written(standing, replace(new, via=None), carries)


@pytest.mark.parametrize(
    "law",
    [
        equal_values_collapse,
        the_last_writer_wins,
        the_highest_dot_wins,
        every_write_drops_all,
        a_carried_change_drops_its_carriers_own,
        ones_own_earlier_stays,
        seen_is_forgotten,
        seen_is_cut_to_what_was_dropped,
        siblings_stand_in_order_of_arrival,
        the_via_is_lost,
    ],
    ids=lambda law: law.__name__,
)
def test_another_law_of_the_register_is_found(law, monkeypatch):
    monkeypatch.setattr(record_module, "written", law)
    assert worlds_until_found()


# Other records.


class ADeletionDropsRegisters(Record):
    def apply(self, change):
        new = super().apply(change)
        if new and (LIFE, b'"gone"') in change.sets:
            for overlay in self._overlays:
                for key in [key for key in overlay if key != LIFE]:
                    del overlay[key]
        return new


class APersonsEditDropsTheSource(Record):
    def apply(self, change):
        new = super().apply(change)
        for key, _ in change.sets if change.lane == PERSON else ():
            kept = tuple(s for s in self.siblings(key, SOURCE) if s.dot not in change.preds)
            if kept != self.siblings(key, SOURCE):
                self._own_overlays()[SOURCE][key] = kept
        return new


class ASecondBirthOverwrites(Record):
    def _apply_birth(self, change, carries):
        self.births = ()
        return super()._apply_birth(change, carries)


class ASecondBirthIsIgnored(Record):
    def _apply_birth(self, change, carries):
        return True if self.births else super()._apply_birth(change, carries)


class ABirthLeavesAbsentRegistersAlone(Record):
    def siblings(self, key, lane):
        return tuple(s for s in super().siblings(key, lane) if s.value is not None or not self._is_birth(s.dot))

    def _is_birth(self, dot):
        return any(birth.dot == dot for birth in self.births)


class ASecondBirthPassesEditedRegistersBy(Record):
    def _apply_birth(self, change, carries):
        overlay = dict(self._overlays[change.lane])
        new = super()._apply_birth(change, carries)
        self._overlays[change.lane].update(overlay)
        return new


class ASourcesBirthStandsInThePersonLane(Record):
    def siblings(self, key, lane):
        if key == LIFE or key in self._overlays[lane]:
            return super().siblings(key, lane)
        return tuple(birth.on(key) for birth in self.births)


class ABirthStandsOnLife(Record):
    def siblings(self, key, lane):
        return super().siblings(key, lane) or tuple(b.on(key) for b in self.births if b.lane == lane == PERSON)


class OneDeletionMustHaveSeenAll(Record):
    """Two deletions that together saw everything count as nothing."""

    def unseen_by_deletion(self):
        gone = [s for s in self.siblings(LIFE, PERSON) if s.value == b'"gone"']
        missed = [tuple(d for d in self.live_dots() if d not in (s.dot, *s.seen)) for s in gone]
        return min(missed, key=len, default=())


class ADeletionIsFinal(Record):
    def life(self):
        gone = any(sibling.value == b'"gone"' for sibling in self.siblings(LIFE, PERSON))
        return record_module.Life.GONE if gone else record_module.Life.HERE


class TheOverlayKeepsWhatOnlyBirthsHold(Record):
    """The same state reached another way has other bytes."""

    def _apply_birth(self, change, carries):
        before = {key: self.siblings(key, change.lane) for key in self._overlays[change.lane]}
        new = super()._apply_birth(change, carries)
        for key in before:
            self._overlays[change.lane].setdefault(key, self.siblings(key, change.lane))
        return new


class LayingOverWritesThrough(Record):
    def overlaid(self, changes):
        for change in changes:
            self.apply(change)
        return self


class OneLaneForAll(Record):
    def apply(self, change):
        return super().apply(record_module.msgspec.structs.replace(change, lane=PERSON))


class PredsAreReadByAuthor(Record):
    """To have seen one change of a device is taken for having seen all of its changes."""

    def apply(self, change):
        authors = {dot & ORDINAL_MASK for dot in change.preds}
        standing = {s.dot for key in self.keys() for s in self.siblings(key, change.lane)}
        more = {dot for dot in standing if dot & ORDINAL_MASK in authors}
        preds = tuple(sorted({*change.preds, *more}))
        return super().apply(record_module.msgspec.structs.replace(change, preds=preds))


@pytest.mark.parametrize(
    "wrong",
    [
        ADeletionDropsRegisters,
        APersonsEditDropsTheSource,
        ASecondBirthOverwrites,
        ASecondBirthIsIgnored,
        ABirthLeavesAbsentRegistersAlone,
        ASecondBirthPassesEditedRegistersBy,
        ASourcesBirthStandsInThePersonLane,
        ABirthStandsOnLife,
        OneDeletionMustHaveSeenAll,
        ADeletionIsFinal,
        TheOverlayKeepsWhatOnlyBirthsHold,
        LayingOverWritesThrough,
        OneLaneForAll,
        PredsAreReadByAuthor,
    ],
    ids=lambda wrong: wrong.__name__,
)
def test_another_record_is_found(wrong):
    assert worlds_until_found(wrong)


def test_a_canonical_form_that_leaves_out_what_was_seen_is_found(monkeypatch):
    monkeypatch.setattr(snapshot, "_sibling", lambda s: ([s.dot & ORDINAL_MASK, s.dot >> 10], s.value, [], s.via, s.at))
    assert worlds_until_found()


def test_a_replica_that_does_not_know_what_it_applied_is_found(monkeypatch):
    monkeypatch.setattr("tests.property.merge_checks.Vector.take", lambda vector, dot: True)
    assert worlds_until_found()


def test_a_writer_that_shares_a_repetition_key_within_one_change_is_found():
    assert worlds_until_found(repetition_key=lambda ordinal, n, index: f"note#{ordinal}.{n}")


def test_the_engine_as_it_is_passes_the_worlds_that_find_all_of_these():
    assert worlds_until_found() is None
