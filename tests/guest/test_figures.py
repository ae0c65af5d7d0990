"""Figures, over the wire: what runs is counted, and to ask keeps nothing alive."""

import asyncio
import os
import resource
import statistics
import time

import pytest

from shared import guestwire as wire
from shared.guestwire.figures import Figures, GetFigures
from tests.guest.conftest import MakeGuest
from tests.guest.harness import DEADLINE, Guest
from tests.guest.work import Worker


async def test_what_runs_is_counted(worker: Worker) -> None:
    session = await worker.made()
    before: Figures = await worker.call(GetFigures())
    assert (0, 0, None, None) == (before.terminals, before.turns, before.disk, before.disk_limit)
    disk = os.statvfs(worker.home)
    assert disk.f_blocks * disk.f_frsize == before.disk_total
    assert 0 < (before.disk_free or 0) <= (before.disk_total or 0)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before.open_files_limit
    await worker.terminal("sleep", "1000", session=session)
    ended = await worker.terminal("true", session=session)
    await (await worker.attach(ended.terminal)).until_exit()
    turn = await worker.prompt(session, "delay 100")
    after: Figures = await worker.call(GetFigures())
    assert (1, 1) == (after.terminals, after.turns)
    assert after.processes >= 2
    assert after.memory > 0
    await worker.call(wire.turns.CancelTurn(session=session, turn=turn.turn))


async def test_the_home_is_told_where_it_is_measured(make_guest: MakeGuest) -> None:
    guest = make_guest(workspace_bytes=10**9)
    client = await guest.client()
    assert (None, 10**9) == ((figures := await client.call(GetFigures())).disk, figures.disk_limit)
    await guest.session()
    assert 0 < (await client.call(GetFigures())).disk < 10**9


@pytest.mark.parametrize("request_", [GetFigures(), wire.deadlines.GetDeadlines()], ids=lambda r: type(r).__name__)
async def test_a_guest_that_is_only_looked_at_leaves(make_guest: MakeGuest, request_: GetFigures) -> None:
    guest = make_guest(idle_timeout=0.5)
    client = await guest.client()
    looking = asyncio.create_task(_look(guest, request_))
    assert 0 == await guest.exited()
    looking.cancel()
    client.close()


async def _look(guest: Guest, request: GetFigures) -> None:
    client = await guest.client()
    while True:
        await client.ask(request)
        await asyncio.sleep(0.02)


async def test_it_moves_no_deadline_and_is_cheap(make_guest: MakeGuest) -> None:
    guest = make_guest(session_idle=100)
    terminal = await guest.terminal("bash", "-c", "for i in {1..50}; do sleep 1000 & done; echo begun; wait")
    await (await guest.attach(terminal.terminal)).until(b"begun")
    client = await guest.client()
    before = await client.call(wire.sessions.GetSession(session=terminal.session))
    took: list[float] = []
    found: Figures = await client.call(GetFigures())
    async with asyncio.timeout(DEADLINE):
        for _ in range(50):
            began = time.perf_counter()
            found = await client.call(GetFigures())
            took.append(time.perf_counter() - began)
    assert found.processes > 50
    assert statistics.median(took) < 0.05
    assert before.deadline == (await client.call(wire.sessions.GetSession(session=terminal.session))).deadline
