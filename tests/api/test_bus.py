import asyncio

import pytest

from api.bus import QUEUE_MAX, Bus, Event
from shared.errors import Code, Fault


async def test_events_of_another_workspace_reach_nobody() -> None:
    bus = Bus()
    with bus.subscribe("a") as mine, bus.subscribe("b") as theirs:
        bus.publish(Event("a", "workspace", 1))
        bus.publish(Event("b", "workspace", 2))
        bus.publish(Event("a", "workspace", 3))
        mine_seen, theirs_seen = aiter(mine), aiter(theirs)
        assert [(await anext(mine_seen)).data, (await anext(mine_seen)).data] == [1, 3]
        assert (await anext(theirs_seen)).data == 2
        waiting = asyncio.ensure_future(anext(theirs_seen))
        done, _ = await asyncio.wait({waiting}, timeout=0.01)
        assert not done
        waiting.cancel()


async def test_a_subscriber_that_falls_behind_is_dropped_and_the_others_are_not() -> None:
    bus = Bus()
    with bus.subscribe("a") as slow, bus.subscribe("a") as quick:
        seen = aiter(quick)
        for number in range(QUEUE_MAX + 10):
            bus.publish(Event("a", "workspace", number))
            assert (await anext(seen)).data == number
        got = []
        with pytest.raises(Fault) as caught:
            async for event in slow:
                got.append(event.data)  # noqa: PERF401  # the list is wanted up to the fault
        assert caught.value.code == Code.LIMIT
        assert got == list(range(QUEUE_MAX))


async def test_nothing_is_kept_for_one_who_has_left() -> None:
    bus = Bus()
    with bus.subscribe("a"):
        pass
    bus.publish(Event("a", "workspace", 1))
    assert not bus._subscriptions
