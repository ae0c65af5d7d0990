import asyncio

import pytest

from guest.idle import Idle


async def _is_idle(idle: Idle, within: float) -> bool:
    try:
        await asyncio.wait_for(idle.wait(), within)
    except TimeoutError:
        return False
    return True


async def test_without_work_it_is_idle_after_the_timeout() -> None:
    began = asyncio.get_running_loop().time()
    assert await _is_idle(Idle(0.05), 5)
    assert asyncio.get_running_loop().time() - began >= 0.05


async def test_work_keeps_it_from_being_idle() -> None:
    idle = Idle(0.01)
    with idle:
        assert not await _is_idle(idle, 0.1)
    assert await _is_idle(idle, 5)


async def test_all_holds_must_be_released() -> None:
    idle = Idle(0.01)
    idle.hold()
    idle.hold()
    idle.release()
    assert not await _is_idle(idle, 0.1)
    idle.release()
    assert await _is_idle(idle, 5)


async def test_the_time_begins_anew_with_the_end_of_work() -> None:
    idle = Idle(0.2)
    waiting = asyncio.create_task(idle.wait())
    await asyncio.sleep(0.15)
    with idle:
        pass
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.12)
    await asyncio.wait_for(waiting, 5)
