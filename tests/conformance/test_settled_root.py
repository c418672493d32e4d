"""A state root tells what the log has settled: two phones compare it, and a checkpoint will claim it."""

from tests.hostile.shipped_pair import Pair, run


def test_mrg_21_what_waits_in_the_outbox_is_in_no_state_root() -> None:
    async def story(pair: Pair) -> None:
        before = (await pair.a.look())["root"]
        await pair.writes(pair.a)
        look = await pair.a.look()
        assert (look["pending"], look["root"]) == (1, before)
        await pair.a.sync()
        assert (await pair.a.look())["root"] != before

    run(story)
