"""Seeded random worlds: what people, networks and operators do, step by step, and what must hold at the end.

The driver knows its actors through ports.py alone. Here the actors are the model's (fake crypto, one round trip a
sync); other actors can stand behind the same ports. At the end everyone syncs until nothing moves; then no edit is
lost, all members hold the same, none is stuck, and no value has left a register unless someone who had seen it named
it.

    python -m tests.simulation.worlds run SECONDS [FIRST_SEED]     thousands of worlds; prints every seed that fails
    python -m tests.simulation.worlds one SEED
    python -m tests.simulation.worlds rules [WORLDS_MAX]           how many worlds notice each rule's absence
"""

import asyncio
import collections
import random
import sys
import time
from typing import NamedTuple

from tests.simulation.model_family import ModelFamily
from tests.simulation.model_rules import EDITOR, OWNER, VIEWER, Rules

STEPS = 70
TURNS_MAX = 80  # of the end, in each of which everyone syncs
PHONES_MAX = 7  # with the recovery card as many as one person may have
FAILURES_MAX = 5  # a run ends early: the first few tell enough


class Mix(NamedTuple):
    """What may happen in a world besides edits, syncs and lost answers."""

    people: int = 1
    restores: bool = False
    races: bool = False  # others may push before a restored server has got back what it lost
    hostile: tuple = ()
    roles: bool = False  # every wish changes a role


MIXES = {
    "alone": Mix(),
    "family": Mix(people=3),
    "alone, restores": Mix(restores=True),
    "family, restores": Mix(people=3, restores=True),
    "alone, races": Mix(restores=True, races=True),
    "hostile members": Mix(people=3, hostile=("members",)),
    "alone, lying server": Mix(hostile=("liar",)),
    "family, lying server": Mix(people=3, hostile=("liar",)),
    "noise and restores": Mix(people=2, restores=True, hostile=("noise",)),
    "noise": Mix(people=2, hostile=("noise",)),
    "roles": Mix(people=3, roles=True),
    "alone, long": Mix(),
    "alone, long, restores": Mix(restores=True),
    "family, races": Mix(people=3, restores=True, races=True),
}
NAMES = list(MIXES)


class Wrong(Exception):
    """A law did not hold in this world."""


class World:
    """One random world. `stat` counts what happened, so that a run can show that it happened at all."""

    def __init__(self, seed, mix=None, rules=None, make_family=ModelFamily):
        self.rng = random.Random(seed)
        self.name = mix or NAMES[seed % len(NAMES)]
        self.mix, self.stat = MIXES[self.name], collections.Counter()
        small = bool(seed // len(NAMES) % 2)
        self.family = make_family(self.rng, self.mix.hostile, small, rules or Rules())
        self.phones = {}  # card -> phone
        self.made, self.screens, self.values = {}, {}, 0  # value -> (record, key); value -> values on the screen
        self.let_in = {}  # card -> card of the phone that was to let it in
        self.backups = []

    async def run(self):
        await self._begin()
        for _ in range(STEPS * (3 if "long" in self.name else 1)):
            await self._step()
        await self._settle()
        await self._audit()
        return self.stat

    async def _begin(self):
        server_people = [("mum", OWNER), ("dad", OWNER), ("carer", EDITOR)][: self.mix.people]
        first = await self.family.found("mum")
        self.phones[(await first.look()).card] = first
        for person, role in server_people[1:]:
            await self._join(first, person, role)
        for _ in range(12):
            for phone in self.phones.values():
                await phone.sync()

    async def _join(self, by, person, role):
        phone = await self.family.new_phone(person)
        card, adder = (await phone.look()).card, (await by.look()).card
        await by.let_in(phone, person, role)
        self.phones[card], self.let_in[card] = phone, adder

    # One step.

    async def _step(self):
        rng, draw = self.rng, self.rng.random()
        phone = rng.choice([*self.phones.values()])
        if draw < 0.40:
            await self._edit(phone)
        elif draw < 0.84:
            await phone.sync(lost_answer=rng.random() < 0.25)
        elif draw < 0.92:
            await self._wish(phone)
        elif draw < 0.96 and self.mix.restores:
            await self._operate()
        else:
            await self.family.trouble(self.phones)

    async def _edit(self, phone):
        look = await phone.look()
        if look.role is None or look.role < EDITOR or look.removed:
            return
        self.values += 1
        record, key = self.rng.choice("xy"), self.rng.choice("ab")
        self.screens[self.values] = await phone.edit(record, key, self.values)
        self.made[self.values] = (record, key)
        self.stat["edits"] += 1

    async def _wish(self, phone):
        """A person decides something about who is in the vault."""
        rng, look = self.rng, await phone.look()
        if look.role is None or look.removed or look.halted:
            return
        draw, looks = 0.9 if self.mix.roles else rng.random(), [await p.look() for p in self.phones.values()]
        mine = [o.card for o in looks if o.person == look.person and o.card != look.card and o.role is not None]
        if draw < 0.35 and look.role == OWNER:
            self.stat["rotations"] += 1
            await phone.rotate()
        elif draw < 0.65 and len(self.phones) < PHONES_MAX and len(mine) < 4:
            self.stat["phones let in"] += 1
            await self._join(phone, look.person, look.role)
        elif draw < 0.75 and mine:
            self.stat["own phones dropped"] += 1
            await phone.drop(rng.choice(mine))
        elif look.role == OWNER and self.mix.people > 1:
            others = [o for o in looks if o.person not in ("mum", look.person) and o.role is not None]
            if others and draw < 0.87:
                self.stat["others' phones dropped"] += 1
                await phone.drop(rng.choice(others).card)
            elif any(o.person == "carer" for o in others):
                self.stat["roles changed"] += 1
                await phone.set_role("carer", rng.choice([VIEWER, EDITOR]))

    async def _operate(self):
        """Someone backs the server up, or restores it."""
        server, rng = self.family.server, self.rng
        if not self.backups or rng.random() < 0.5:
            self.backups.append((await server.length(), await server.backup()))
            return
        await self.family.trouble(self.phones)
        longest = await server.length()
        await server.restore(rng.choice(self.backups)[1])
        now = await server.length()
        self.stat["restores that lost items"] += now < longest
        await self.family.trouble(self.phones)
        if self.mix.races:
            # What is younger than the state that is back may stand on another branch soon.
            self.backups = [(length, backup) for length, backup in self.backups if length <= now]
            return
        lengths = {card: (await phone.look()).log_length for card, phone in self.phones.items()}
        holder, held = max(lengths.items(), key=lambda pair: pair[1])
        for _ in range(40):
            if await server.length() < held:
                await self.phones[holder].sync()
        if await server.length() < held:
            raise Wrong("a restored server did not get back what a phone held", held, await server.length())
        held = max(held, now)
        self.backups = [(length, backup) for length, backup in self.backups if length <= held]

    # The end.

    async def _settle(self):
        await self.family.honest_again()
        for turn in range(TURNS_MAX):
            cards = [*self.phones]
            self.rng.shuffle(cards)
            for card in cards:
                await self.phones[card].sync()
            if turn > 3 and not await self._unsettled():
                self.stat["turns to settle"] += turn
                return
        raise Wrong("stuck", (await self._unsettled())[:4])

    async def _unsettled(self):
        """Who is not done, and why."""
        length, why = await self.family.server.length(), []
        for phone in self.phones.values():
            look = await phone.look()
            if look.halted or look.removed:
                continue
            why += [(look.card, word) for word in look.open]
            if look.log_length != length:
                why.append((look.card, "not at the head"))
            if look.waiting and look.role is not None and look.role >= EDITOR:
                why.append((look.card, "edits wait"))
        halted = [look for look in [await p.look() for p in self.phones.values()] if look.halted]
        if halted and self.mix.races:
            return []  # whom the others wait for may be the one that halted; what must hold then is in the audit
        return why

    async def _audit(self):
        looks = [await phone.look() for phone in self.phones.values()]
        members = [look for look in looks if not look.removed and not look.halted]
        halted = [look.halted for look in looks if look.halted]
        self.stat["phones that halted"] += len(halted)
        if halted and (not self.mix.races or set(halted) != {"diverged"}):
            raise Wrong("halted without cause", halted)
        same = {look.log_length: look for look in members}
        for look in members:
            other = same[look.log_length]
            if look.verdicts != other.verdicts:
                raise Wrong("verdicts differ", look.card, other.card)
            if look.state_root != other.state_root:
                raise Wrong("members hold different states", look.card, other.card)
        held = set()
        for look in looks:
            held |= look.values | look.waiting | look.shown | {value for value, _ in look.aside}
            if not {why for _, why in look.aside} <= {"rights"}:
                raise Wrong("set aside without need", look.card, look.aside)
            if set(look.findings) - self._findings_with_cause():
                raise Wrong("a finding without cause", look.card, look.findings)
            self.stat["set aside"] += len(look.aside)
            self.stat["void values shown"] += len(look.shown)
        if lost := self.made.keys() - held:
            raise Wrong("an edit is lost", sorted(lost)[:3])
        self._audit_dots(looks)
        for look in members:
            self._audit_replaced(look)
        self._audit_wishes({look.card: look for look in looks})
        if wrong := await self.family.audit(self.phones):
            raise Wrong(*wrong[:3])

    def _findings_with_cause(self):
        """What a phone may say of the server of this world."""
        lies = {"signature"} if "liar" in self.mix.hostile else set()
        return lies | ({"diverged", "rolled_back"} if self.mix.races else set())

    def _audit_dots(self, looks):
        """A dot names one change for ever."""
        named = {}
        for dot, value in [pair for look in looks for pair in look.dots]:
            if named.setdefault(dot, value) != value:
                raise Wrong("a dot names two changes", dot)

    def _audit_replaced(self, look):
        """What no longer stands was on the screen of someone whose later word is in the log.

        Or on hers when she wrote a word that came to nothing, and that she saw when she wrote the later one.
        """
        seen = set()  # by whoever wrote a word that is in the log, of the same register
        for word in look.values:
            unread = [word]
            while unread:
                new = self.screens[unread.pop()] - seen
                unread += new
                seen |= new
        if unseen := look.values - look.standing - seen:
            raise Wrong("a value was replaced that nobody had seen", look.card, sorted(unseen)[:3])

    def _audit_wishes(self, looks):
        """Who was to be let in is in the vault, unless who wished it cannot any more."""
        for card, adder in self.let_in.items():
            look, by = looks[card], looks[adder]
            gone = by.removed or by.halted or by.role is None
            if look.role is None and not look.log_length and not gone and not self.mix.races:
                raise Wrong("a phone was never let in", card, adder)


RULES = {  # rule that can be taken out -> the mix that is to notice; None: all in turn
    "kept until read in the log": "alone, restores",
    "an acknowledgement only pauses the resending": "alone, restores",
    "sealed bytes are sent again, not sealed again": None,
    "exactly the unacknowledged tail is dropped": None,
    "set aside only under the same entry head": None,
    "a dot is never reused": "roles",
    "the head's key, whatever the page": None,
    "the key also when one is missing": "noise and restores",
    "what came with the entry stays": "noise",
    "one place a person": "noise and restores",
    "the keybox holds every older key": None,
    "wraps only by one's own applied log": "family, lying server",
    "a frame whose key is missing is waited for": "noise and restores",
    "a bad signature is no part of a log": "alone, lying server",
    "removed erases nothing": "family",
    "on cas the wish is kept": None,
    "an owner completes a drop": "family",
    "only owners start epochs": "hostile members",
    "a person gets cards only from her own": "hostile members",
    "the subject is safe": "hostile members",
    "a recovery card signs one entry": "hostile members",
}


def attempt(seed, mix=None, rules=None, make_family=ModelFamily):
    """What happened in a world, and what went wrong (None: nothing)."""
    world = World(seed, mix, rules, make_family)
    try:
        asyncio.run(world.run())
    except Wrong as wrong:
        return world.stat, wrong.args
    except (ArithmeticError, AssertionError, LookupError, TypeError) as error:
        return world.stat, (type(error).__name__, str(error))  # without one of its rules a model may also break down
    return world.stat, None


def worlds_to_notice(rule, worlds_max):
    """How many worlds it takes until one shows that a rule is missing, and how; None if none of them does."""
    for seed in range(worlds_max):
        _, wrong = attempt(seed, RULES[rule], Rules(rule))
        if wrong:
            return seed + 1, wrong
    return None


def run(seconds, seed):
    """Worlds until the time is over; gives the seeds that failed."""
    end, total, failed, first = time.monotonic() + seconds, collections.Counter(), [], seed
    while time.monotonic() < end and len(failed) < FAILURES_MAX:
        stat, wrong = attempt(seed)
        total.update(stat)
        if wrong:
            failed.append(seed)
            print("FAILED", seed, NAMES[seed % len(NAMES)], wrong, flush=True)
        seed += 1
    print(f"{seed - first} worlds from seed {first}, {len(failed)} failed; {dict(sorted(total.items()))}")
    return failed


def main(arguments):
    what, *rest = arguments
    if what == "run":
        sys.exit(bool(run(float(rest[0]), int(rest[1]) if len(rest) > 1 else 0)))
    elif what == "one":
        print(*attempt(int(rest[0])))
    else:
        for rule in RULES:
            print(f"{rule:50}", worlds_to_notice(rule, int(rest[0]) if rest else 300), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
