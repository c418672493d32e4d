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

from tests.simulation import laws
from tests.simulation.laws import Wrong
from tests.simulation.model_family import ModelFamily
from tests.simulation.model_rules import EDITOR, OWNER, VIEWER, Rules

STEPS = 70
TURNS_MAX = 80  # of the end, in each of which everyone syncs
CODES_MAX, CLONES_MAX = 3, 2
PHONES_MAX = 7  # with the recovery card as many as one person may have
FAILURES_MAX = 5  # a run ends early: the first few tell enough


class Mix(NamedTuple):
    """What may happen in a world besides edits, syncs and lost answers."""

    people: int = 1
    restores: bool = False
    races: bool = False  # others may push before a restored server has got back what it lost
    hostile: tuple = ()
    roles: bool = False  # every wish changes a role
    clones: bool = False  # stores are copied, and both are in use
    codes: bool = False  # phones are lost, and people come back by their recovery code
    adopts: bool = False  # owners take over, or decline, what others wrote in vain
    until: bool = False  # the carer has an end date, and days go by

    @property
    def strange(self):
        """True where a phone may meet another log than its own, or its own card in other hands."""
        return self.races or self.clones


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
    "clones": Mix(people=2, clones=True),
    "clones and restores": Mix(people=3, clones=True, restores=True),
    "clones and races": Mix(people=2, clones=True, restores=True, races=True),
    "two owners adopt": Mix(people=3, adopts=True),
    "adoption and races": Mix(people=3, restores=True, races=True, adopts=True),
    "roles and races": Mix(people=3, restores=True, races=True, roles=True, until=True, adopts=True),
    "end dates": Mix(people=3, until=True, restores=True, races=True, adopts=True),
    "recovery": Mix(people=2, codes=True),
    "recovery and restores": Mix(people=2, codes=True, restores=True),
    "recovery and races": Mix(people=2, codes=True, restores=True, races=True),
    "keyless owner": Mix(people=3, hostile=("keyless owner",)),
    "everything": Mix(3, True, True, (), False, True, True, True, True),
}
NAMES = list(MIXES)


class World:
    """One random world. `stat` counts what happened, so that a run can show that it happened at all."""

    def __init__(self, seed, mix=None, rules=None, make_family=ModelFamily):
        self.rng = random.Random(seed)
        self.name = mix or NAMES[seed % len(NAMES)]
        self.mix, self.stat = MIXES[self.name], collections.Counter()
        small = bool(seed // len(NAMES) % 2)
        self.family = make_family(self.rng, self.mix.hostile, small, rules or Rules())
        self.phones = {}  # name (its first card) -> phone
        self.made, self.screens, self.values = {}, {}, 0  # value -> (record, key); value -> values on the screen
        self.let_in = {}  # name of a phone -> name of the one that was to let it in
        self.backups = []
        self.author = {}  # value -> name of the phone that it was written on
        self.excused, self.declined, self.adopted = (
            set(),
            set(),
            set(),
        )  # values: gone with a phone, put away, taken over
        self.seen_dropped = collections.defaultdict(set)  # name of a phone -> cards that it read the removal of

    async def run(self):
        await self._begin()
        for _ in range(STEPS * (3 if "long" in self.name else 1)):
            await self._step()
        await self._settle()
        await laws.audit(self)
        return self.stat

    async def _begin(self):
        server_people = [("mum", OWNER), ("dad", OWNER), ("carer", EDITOR)][: self.mix.people]
        first = await self.family.found("mum")
        self.phones[(await first.look()).card] = first
        for person, role in server_people[1:]:
            until = await self.family.date(1) if self.mix.until and person == "carer" else None
            await self._join(first, person, role, until)
        for _ in range(12):
            for phone in self.phones.values():
                await phone.sync()

    async def _join(self, by, person, role, until=None):
        phone = await self.family.new_phone(person)
        card = (await phone.look()).card
        await by.let_in(phone, person, role, until)
        self.phones[card], self.let_in[card] = phone, self._name(by)

    def _name(self, phone):
        return next(name for name, one in self.phones.items() if one is phone)

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
        elif draw < 0.95 and self.mix.restores:
            await self._operate()
        elif draw < 0.97:
            await self._misfortune(phone)
        else:
            await self.family.trouble(self.phones)

    async def _misfortune(self, phone):
        """What befalls a phone or its person; whether a kind of it may is the mix's."""
        mix, look, draw = self.mix, await phone.look(), self.rng.random()
        if mix.until and draw < 0.5:
            self.stat["days gone by"] += 1
            await self.family.later()
        elif mix.clones and self.stat["stores copied"] < CLONES_MAX and look.role and not look.removed:
            self.stat["stores copied"] += 1
            self.phones[f"{look.card} copy {len(self.phones)}"] = await self.family.clone(phone)
        elif mix.codes and self.stat["codes used"] < CODES_MAX and await self.family.has_code("mum"):
            await self._recover()
        elif mix.adopts:
            await self._decide(phone, self.rng.random() < 0.4)

    async def _decide(self, phone, decline):
        values = await phone.adopt(decline)
        self.stat["declined" if decline else "adopted"] += len(values)
        (self.declined if decline else self.adopted).update(values)

    async def _recover(self):
        """Mum loses one phone, or all, and comes back by her code; what stood on those alone is lost with them."""
        hers = {
            name: look for name, look in [(n, await p.look()) for n, p in self.phones.items()] if look.person == "mum"
        }
        if not hers or any(look.role is None for look in hers.values()):
            return  # one comes back already
        gone = hers if self.rng.random() < 0.5 else {name: hers[name] for name in [self.rng.choice([*hers])]}
        for name in gone:
            del self.phones[name]
        others = [await phone.look() for phone in self.phones.values()]
        for look in gone.values():
            on_it = look.values | look.waiting | look.shown | {value for value, _ in look.aside}
            self.excused |= on_it.difference(*(other.values for other in others))
        self.stat["codes used"] += 1
        phone = await self.family.recover("mum", tuple(dict.fromkeys(look.card for look in gone.values())))
        self.phones[f"mum by code {self.stat['codes used']}"] = phone

    async def _edit(self, phone):
        look = await phone.look()
        if look.role is None or look.role < EDITOR or look.removed:
            return
        self.values += 1
        record, key = self.rng.choice("xy"), self.rng.choice("ab")
        self.screens[self.values] = await phone.edit(record, key, self.values)
        self.made[self.values], self.author[self.values] = (record, key), self._name(phone)
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
        elif draw < 0.65 and len(self.phones) < PHONES_MAX and len(mine) < (3 if self.mix.clones else 4):
            self.stat["phones let in"] += 1
            await self._join(phone, look.person, look.role)
        elif draw < 0.75 and mine:
            self.stat["own phones dropped"] += 1
            other, leaves = rng.choice(mine), draw < 0.68
            self.stat["left by themselves"] += leaves
            await phone.drop(look.card if leaves else other)
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
        await self._remember_removals()
        await server.restore(rng.choice(self.backups)[1])
        now = await server.length()
        self.stat["restores that lost items"] += now < longest
        await self.family.trouble(self.phones)
        if self.mix.races:
            # What is younger than the state that is back may stand on another branch soon.
            self.backups = [(length, backup) for length, backup in self.backups if length <= now]
            return
        looks = {name: await phone.look() for name, phone in self.phones.items()}
        lengths = {name: look.log_length for name, look in looks.items()}
        holder, held = max(lengths.items(), key=lambda pair: pair[1])
        for _ in range(40):
            if await server.length() < held:
                await self.phones[holder].sync()
        if await server.length() < held:
            raise Wrong("a restored server did not get back what a phone held", held, await server.length())
        held = max(held, now)
        self.backups = [(length, backup) for length, backup in self.backups if length <= held]

    async def _remember_removals(self):
        for name, phone in self.phones.items():
            look = await phone.look()
            if not look.removed:
                self.seen_dropped[name] |= look.dropped

    # The end.

    async def _settle(self):
        await self.family.honest_again()
        for turn in range(TURNS_MAX):
            names = [*self.phones]
            self.rng.shuffle(names)
            for name in names:
                await self.phones[name].sync()
                if self.mix.adopts and turn < TURNS_MAX / 2:
                    await self._decide(self.phones[name], self.rng.random() < 0.2)
            if turn > TURNS_MAX / 2:
                await self._ask_people()
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
        return why

    async def _ask_people(self):
        """Whose phone waits for an owner who is not there any more reads the finding, and takes the log as it is."""
        for phone in self.phones.values():
            if "rollback" in (await phone.look()).open:
                await phone.accept()
                self.stat["asked their own person"] += "rollback" not in (await phone.look()).open


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
    "a rebase takes along what a log had": "alone, races",
    "a rebase takes what waits along": "alone, races",
    "a rebase compares what a dot says": "clones",
    "a rebase repeats one's own alone": "family, races",
    "preds are compared by content": "clones",
    "what the log holds under a via is not sent again": "clones",
    "a carried change drops only what it names": "two owners adopt",
    "what an owner's word names is offered no more": "two owners adopt",
    "a card that is used twice is found out": "clones",
    "a frame of a log that was left is no clone's": "family, races",
    "an old card brings the new one back": "clones and races",
    "no rollback of membership": "family, races",
    "removed cards are dropped again": "family, races",
    "lowered roles are lowered again": "roles and races",
    "lost entries are judged where they stood": "hostile members",
    "one's own lost cards are wished again": "family, races",
    "an end date is refused by": "end dates",
    "an end date is acted on": "end dates",
    "a wish means what the table says now": "roles and races",
    "who starts an epoch on leaving knows its key": "family",
}
RARE = {  # rule -> the first world to look at, shortly before one that shows it
    "a frame of a log that was left is no clone's": 4_100,
    "an acknowledgement only pauses the resending": 130,
    "exactly the unacknowledged tail is dropped": 84,
    "what an owner's word names is offered no more": 237,
    "an old card brings the new one back": 198,
    "no rollback of membership": 45,
    "removed cards are dropped again": 45,
    "a wish means what the table says now": 106,
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
    """The number of the first world that shows that a rule is missing, and how; None if none of them does."""
    for seed in range(RARE.get(rule, 0), RARE.get(rule, 0) + worlds_max):
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
