"""The exit: what a phone shows of one vault as the first changes of another, which nobody but its founder is in.

Records keep their ids. Everything that stands is written again, by the founder, with `via` naming the vault left: what
conflicted still conflicts, what had seen what still has, what was deleted stays deleted. Who wrote a word, and what had
stood before it, stays behind in the old log. Pure. Spec: openapi/protocol/people.md, "The exit".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sync.merge.change import LANES, LIFE, VAULT_RECORD, Change, Dot, Via, make_dot
from sync.merge.record import Record
from sync.wire.ids import VaultId


class _Word(NamedTuple):
    """What one old dot still says in one lane of a record.

    `seen`: what its author had seen. `drops`: births that do not stand on the registers it sets. A dot that sets
    registers on which other births stand is several words: one for each such set of births.
    """

    dot: Dot
    lane: int
    birth: bool
    seen: frozenset[Dot]
    drops: frozenset[Dot]
    sets: dict[str, bytes | None]
    at: int


def carried_over(records: Iterable[Record], left: VaultId, author: int, last_n: int) -> list[Change]:
    """The changes that bring these records into a new log, numbered after `last_n`.

    `author`: the founder's ordinal in the new log. The vault's own record of names is not among them.
    """
    out: list[Change] = []
    via = Via("vault", left)
    for record in sorted(records, key=lambda one: one.id):
        if record.id == VAULT_RECORD:
            continue
        births: dict[Dot, Dot] = {}
        new: dict[Dot, set[Dot]] = {}
        for word in _in_order(_words(record)):
            last_n += 1
            dot = make_dot(author, last_n)
            preds = {births[old] for old in word.drops}.union(*(new.get(old, ()) for old in word.seen))
            new.setdefault(word.dot, set()).add(dot)
            if word.birth:
                births[word.dot] = dot
            sets = tuple(sorted(word.sets.items()))
            out.append(Change(dot, record.id, word.birth, word.lane, via, tuple(sorted(preds)), sets, word.at))
    return out


def _words(record: Record) -> list[_Word]:
    """Every dot that stands somewhere, with all that it says there."""
    words: dict[tuple[Dot, bool, frozenset[Dot]], _Word] = {}
    for birth in record.births:
        body: dict[str, bytes | None] = dict(birth.body)
        word = _Word(birth.dot, birth.lane, True, frozenset(birth.seen), frozenset(), body, birth.at)
        words[birth.dot, True, word.drops] = word
    for lane in LANES:
        births = {birth.dot for birth in record.births if birth.lane == lane}
        for key, standing in record.overlay(lane):
            # A birth stands on every register of its lane, but for `@life`, unless who wrote there has dropped it.
            gone = births - {sibling.dot for sibling in standing} if key != LIFE else set()
            written = [sibling for sibling in standing if sibling.dot not in births]
            for sibling in written or standing:
                # Where births alone are left of several, each says its value again: nothing else could drop the rest.
                drops = frozenset(gone if written else gone | {sibling.dot})
                held = words.get((sibling.dot, False, drops))
                if held is None:
                    seen = frozenset(sibling.seen) - births if not written else frozenset(sibling.seen)
                    held = words[sibling.dot, False, drops] = _Word(
                        sibling.dot, lane, False, seen, drops, {}, sibling.at
                    )
                held.sets[key] = sibling.value
                if key == LIFE:  # who deletes has seen what the same change says besides
                    words[sibling.dot, False, drops] = held._replace(seen=held.seen | {sibling.dot})
    return list(words.values())


def _in_order(words: list[_Word]) -> Iterator[_Word]:
    """Each after the births that it drops, and after what it had seen as far as that goes without a circle.

    Dots of several devices do not tell that by themselves. In a circle a deletion comes last: it has to name every word
    that it had seen, or the record would come back.
    """
    waiting = sorted(words, key=lambda word: (LIFE in word.sets, word.dot, not word.birth, sorted(word.sets)))
    dots = Counter(word.dot for word in waiting)
    births = {word.dot for word in waiting if word.birth}
    while waiting:
        free = [word for word in waiting if not word.drops & births]
        word = next((w for w in free if all(dots[dot] <= (dot == w.dot) for dot in w.seen)), free[0])
        waiting.remove(word)
        dots[word.dot] -= 1
        if word.birth:
            births.remove(word.dot)
        yield word
