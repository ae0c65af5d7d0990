import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.windows import Window

SIZE = 100


async def _has_room(window: Window, seq: int) -> bool:
    try:
        async with asyncio.timeout(0):
            await window.room(seq)
    except TimeoutError:
        return False
    return True


async def test_what_fills_the_window_waits_for_an_acknowledgement() -> None:
    window = Window(SIZE)
    window.begin(1000)
    assert [await _has_room(window, seq) for seq in (1000, 1099, 1100)] == [True, True, False]
    window.ack(1001)
    assert [await _has_room(window, seq) for seq in (1100, 1101)] == [True, False]
    window.ack(1000)
    assert await _has_room(window, 1100)


async def test_a_stream_that_begins_anew_has_a_window_of_its_own() -> None:
    window = Window(SIZE)
    window.ack(5000)
    window.begin(10)
    assert [await _has_room(window, seq) for seq in (109, 110)] == [True, False]


@pytest.mark.parametrize("free", [Window.waive, lambda window: window.ack(1), lambda window: window.begin(1)])
async def test_who_waits_goes_on_when_there_is_room(free: Callable[[Window], None]) -> None:
    window = Window(SIZE)
    waiting = asyncio.create_task(window.room(SIZE))
    await asyncio.sleep(0)
    assert not waiting.done()
    free(window)
    async with asyncio.timeout(5):
        await waiting


async def test_a_window_counts_again_when_all_waivers_have_ended() -> None:
    window = Window(SIZE)
    window.waive()
    window.waive()
    window.enforce()
    assert await _has_room(window, 10 * SIZE)
    window.enforce()
    assert not await _has_room(window, 10 * SIZE)


@given(st.lists(st.integers(0, 1000)))
def test_late_acknowledgements_never_take_room_away(acks: list[int]) -> None:
    async def run() -> None:
        window = Window(SIZE)
        for ack in acks:
            window.ack(ack)
        most = max(acks, default=0)
        assert await _has_room(window, most + SIZE - 1)
        assert not await _has_room(window, most + SIZE)

    asyncio.run(run())
