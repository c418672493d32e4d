"""Numbers after a rebase: no number that a phone ever gave is given again, whatever became of what it was given to.

Shipped phones and server in one thread. Spec: openapi/protocol/bad-days.md, BAD-1.
"""

from __future__ import annotations

from sync.merge.change import number_of, ordinal_of
from tests.hostile.shipped_pair import Pair, X, run
from tests.simulation.shipped import VAULT, value_of


async def numbers_of_b(pair: Pair) -> list[int]:
    """The numbers of what phone b wrote into record x, as phone a reads them, in the order of the log."""
    (state, _), changes = await pair.state(pair.a), (await pair.a.look())["changes"]
    [ordinal] = [place for place, device in enumerate(state.devices) if device == pair.b.device]
    return [number_of(c.dot) for c in changes if c.record == X and ordinal_of(c.dot) == ordinal]


def test_a_rebase_gives_no_number_again_that_something_put_away_has_had() -> None:
    """BAD-1: else one dot means two things to whoever was shown the first."""
    put_away = 40  # the last of some numbers whose changes were refused and then declined

    async def story(pair: Pair) -> None:
        copy = pair.server.engine.backup()
        await pair.writes(pair.b)
        await pair.b.sync()
        state, _ = await pair.state(pair.b)
        state.n = put_away
        async with pair.b.phone.store.transaction() as rows:
            await rows.put_vault(VAULT, state)
        pair.server.engine.restore(copy)
        await pair.writes(pair.a)
        for phone in (pair.a, pair.b, pair.b, pair.a, pair.b, pair.a):
            await phone.sync()
        await pair.writes(pair.b)
        for phone in (pair.b, pair.a, pair.b, pair.a):
            await phone.sync()
        assert await numbers_of_b(pair) == [put_away + 1, put_away + 2]

    run(story)


def test_a_rebase_of_an_old_copy_of_a_phone_gives_no_number_again_that_the_phone_gave_since() -> None:
    """BAD-1: the phone's own later frames stand in the log that the copy reads anew."""

    async def story(pair: Pair) -> None:
        server = pair.server.engine.backup()
        await pair.writes(pair.b)
        await pair.b.sync()
        phone = pair.b.engine.backup()
        pair.server.engine.restore(server)
        await pair.writes(pair.a)
        for each in (pair.a, pair.b, pair.b, pair.a):
            await each.sync()
        for _ in range(3):
            await pair.writes(pair.b)
            await pair.b.sync()
        pair.b.engine.restore(phone)
        await pair.b.open()
        await pair.writes(pair.b)
        for each in (pair.b, pair.b, pair.a, pair.b, pair.a):
            await each.sync()
        numbers = await numbers_of_b(pair)
        assert numbers == sorted(set(numbers))
        assert sorted(set(await pair.values(pair.a))) == sorted(value_of(n + 1) for n in range(pair.words))
        assert not any((await pair.a.look())["verdicts"])

    run(story)
