"""What must hold at the end of a random world: the closed list of laws, looked at through the ports alone.

No edit is lost: it is in the log, or its author's phone keeps and shows it, or, where she is not in the vault any more,
somebody is offered it. Who reads the same log holds the same. Nobody halts for ever, nor accuses without cause. No
value has left a register unless someone who had seen it named it. A dot names one change. Who was to be let in is in;
who was seen dropped is out. What a frame brought is not offered once it has been taken over.
"""


class Wrong(Exception):
    """A law did not hold in this world."""


async def audit(world):
    """Every law. Raises: Wrong."""
    looks = {name: await phone.look() for name, phone in world.phones.items()}
    members = {name: look for name, look in looks.items() if not look.removed and not look.halted}
    if halted := [look.halted for look in looks.values() if look.halted]:
        raise Wrong("halted without cause", halted)
    _audit_states(members.values())
    for look in looks.values():
        if not {why for _, why in look.aside} <= {"rights"}:
            raise Wrong("set aside without need", look.card, look.aside)
        if set(look.findings) - _findings_with_cause(world.mix):
            raise Wrong("a finding without cause", look.card, look.findings)
        world.stat["set aside"] += len(look.aside)
        world.stat["void values shown"] += len(look.shown)
        world.stat["told"] += bool(look.findings)
    _audit_edits(world, looks, members)
    if not world.mix.clones:
        _audit_dots(looks.values())
    for look in members.values():
        _audit_replaced(world, look)
    _audit_members(world, looks, members)
    if wrong := await world.family.audit(world.phones):
        raise Wrong(*wrong[:3])


def _audit_states(members):
    same = {look.log_length: look for look in members}
    for look in members:
        other = same[look.log_length]
        if look.verdicts != other.verdicts:
            raise Wrong("verdicts differ", look.card, other.card)
        if look.state_root != other.state_root:
            raise Wrong("members hold different states", look.card, other.card)


def _findings_with_cause(mix):
    """What a phone may say of the server of this world."""
    lies = {"signature"} if "liar" in mix.hostile else set()
    races = {"diverged", "rolled_back"} if mix.races else set()
    return lies | races | ({"cloned", "device_forked"} if mix.clones else set())


def _audit_edits(world, looks, members):
    held, offered = set(world.excused), set(world.declined)
    for look in looks.values():
        held |= look.values | look.waiting | look.shown | {value for value, _ in look.aside}
        offered |= look.offered
    for value in world.made.keys() - held:
        if world.author[value] in members or value not in offered:
            raise Wrong("an edit is lost", value, world.author[value])
    if not world.mix.races:
        for look in members.values():
            if again := look.offered & look.values & world.adopted:
                raise Wrong("offered again", look.card, sorted(again)[:3])


def _audit_dots(looks):
    """A dot names one change for ever."""
    named = {}
    for dot, value in [pair for look in looks for pair in look.dots]:
        if named.setdefault(dot, value) != value:
            raise Wrong("a dot names two changes", dot)


def _audit_replaced(world, look):
    """What no longer stands was on the screen of someone whose later word is in the log.

    Or on hers when she wrote a word that came to nothing, and that she saw when she wrote the later one.
    """
    seen = set()  # by whoever wrote a word that is in the log, of the same register
    for word in look.values:
        unread = [word]
        while unread:
            new = world.screens[unread.pop()] - seen
            unread += new
            seen |= new
    if unseen := look.values - look.standing - seen:
        raise Wrong("a value was replaced that nobody had seen", look.card, sorted(unseen)[:3])


def _audit_members(world, looks, members):
    """Who was to be let in is in the vault, unless who wished it cannot any more; no removal is undone."""
    for name, adder in world.let_in.items():
        if name not in looks or adder not in looks:
            continue  # a phone that was lost
        look, by = looks[name], looks[adder]
        gone = by.removed or by.halted or by.role is None
        if look.role is None and not look.log_length and not gone:
            raise Wrong("a phone was never let in", look.card, by.card)
    for name, look in members.items():
        back = look.live & world.seen_dropped.get(name, set())
        if back and not world.stat["asked their own person"]:
            raise Wrong("a removal that was read is undone", look.card, sorted(back))
