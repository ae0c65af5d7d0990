"""The sweeper: guests in which something is due are started, and only those, over restarts of api."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api import sweeper as module
from api.store import Store
from api.sweeper import Sweeper
from api.tables import sweeps
from api.workspaces import Workspaces, WorkspaceStatus
from shared.config import Guests as Settings
from shared.errors import Code, Fault
from shared.guestwire.deadlines import Deadlines
from shared.ids import new_workspace_id
from tests.api.serving import migrated


class Bench:
    """A store with workspaces, and guests that say when they are due."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.says: dict[str, int | Fault | None] = {}
        self.asked: list[str] = []
        self.at_once = 0
        self.most = 0
        self.go = asyncio.Event()
        self.go.set()

    async def get_deadlines(self, workspace: str, *, start: bool) -> Deadlines:
        """As `Guests.get_deadlines`."""
        assert start
        self.asked.append(workspace)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.go.wait()
        self.at_once -= 1
        said = self.says.get(workspace)
        if isinstance(said, Fault):
            raise said
        return Deadlines(running=None, deletion=said)

    def sweeper(self, **settings: float) -> Sweeper:
        return Sweeper(self.store, self, Settings(**settings))  # type: ignore[arg-type]  # as guests answer

    async def workspace(self) -> str:
        rows, workspace = Workspaces(self.store), new_workspace_id()
        await rows.create(workspace, "x", b"")
        async with rows.lock(workspace):
            await rows.change(workspace, status=WorkspaceStatus.READY, sealed=None)
        return workspace

    async def due(self) -> dict[str, float | None]:
        """Seconds from now until each is due."""
        query = sa.select(sweeps.c.workspace, sweeps.c.due)
        rows = await self.store.read(lambda connection: connection.execute(query).all())
        return {row.workspace: None if row.due is None else row.due - time.time() for row in rows}

    async def when(self, happened: Any) -> None:  # noqa: ANN401  # a predicate
        async with asyncio.timeout(10):
            while not await happened():
                await asyncio.sleep(0.01)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    (tmp_path / "store.sqlite").write_bytes(migrated())
    store = Store(tmp_path / "store.sqlite")
    yield Bench(store)
    await store.close()


@asynccontextmanager
async def running(sweeper: Sweeper) -> AsyncIterator[None]:
    task = asyncio.create_task(sweeper.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_while_sessions_may_stay_for_ever_nothing_is_done(bench: Bench) -> None:
    sweeper = bench.sweeper()
    await sweeper.expect(await bench.workspace())
    await asyncio.wait_for(sweeper.run(), 5)
    assert {} == await bench.due()


async def test_a_new_session_is_due_after_the_shortest_term(bench: Bench) -> None:
    workspace = await bench.workspace()
    sweeper = bench.sweeper(session_retention=500, session_lifetime=300)
    await sweeper.expect(workspace)
    first = await bench.due()
    assert first[workspace] == pytest.approx(300, abs=2)
    await sweeper.expect(workspace)
    await bench.sweeper(session_retention=500, session_lifetime=300).expect(workspace)
    assert first[workspace] == pytest.approx(await _only(bench, workspace), abs=1)


async def _only(bench: Bench, workspace: str) -> float:
    due = (await bench.due())[workspace]
    assert due is not None
    return due


async def test_what_is_due_is_looked_at_once_and_again_when_the_guest_says(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SOONEST", 0.0)
    workspace = await bench.workspace()
    bench.says[workspace] = 1000
    sweeper = bench.sweeper(session_retention=0.2)
    await sweeper.expect(workspace)
    async with running(sweeper):
        await bench.when(lambda: _is(bench, workspace, lambda due: due is not None and due > 900))
    assert [workspace] == bench.asked
    assert 1000 * (1 + module.JITTER) >= await _only(bench, workspace)


async def _is(bench: Bench, workspace: str, right: Any) -> bool:  # noqa: ANN401  # a predicate
    return bool(right((await bench.due()).get(workspace, -1)))


async def test_a_workspace_without_sessions_is_left_alone_until_one_is_made(bench: Bench) -> None:
    workspace = await bench.workspace()
    bench.says[workspace] = None
    sweeper = bench.sweeper(session_retention=0.2)
    await sweeper.expect(workspace)
    async with running(sweeper):
        await bench.when(lambda: _is(bench, workspace, lambda due: due is None))
        bench.asked.clear()
        await sweeper.expect(workspace)
        await bench.when(lambda: _is(bench, workspace, lambda due: due is None))
    assert [workspace] == bench.asked


async def test_a_session_that_is_made_while_its_guest_is_asked_is_not_forgotten(bench: Bench) -> None:
    workspace = await bench.workspace()
    bench.says[workspace] = None
    sweeper = bench.sweeper(session_retention=0.3)
    await sweeper.expect(workspace)
    bench.go.clear()
    async with running(sweeper):
        await bench.when(lambda: _true(workspace in bench.asked))
        await sweeper.expect(workspace)
        bench.go.set()
        await bench.when(lambda: _true(len(bench.asked) > 1))


async def _true(value: bool) -> bool:
    return value


async def test_the_times_outlive_api(bench: Bench) -> None:
    workspace = await bench.workspace()
    await bench.sweeper(session_retention=0.3).expect(workspace)
    async with running(bench.sweeper(session_retention=0.3)):
        await bench.when(lambda: _true(workspace in bench.asked))


async def test_under_other_settings_every_workspace_is_looked_at(bench: Bench) -> None:
    made = [await bench.workspace() for _ in range(20)]
    for workspace in made:
        bench.says[workspace] = None
    async with running(bench.sweeper(session_retention=0.2)):
        await bench.when(lambda: _true(set(made) == set(bench.asked)))
        await bench.when(lambda: _all_none(bench))
    bench.asked.clear()
    async with running(bench.sweeper(session_retention=0.2)):
        assert 20 == len(await bench.due())
    async with running(bench.sweeper(session_lifetime=0.2)):
        await bench.when(lambda: _true(set(made) == set(bench.asked)))
    assert bench.most <= module.AT_ONCE


async def _all_none(bench: Bench) -> bool:
    return {None} == set((await bench.due()).values())


async def test_only_so_many_guests_are_started_at_once(bench: Bench) -> None:
    for _ in range(3 * module.AT_ONCE):
        await bench.workspace()
    bench.go.clear()
    async with running(bench.sweeper(session_retention=0.01)):
        await bench.when(lambda: _true(bench.at_once >= module.AT_ONCE))
        bench.go.set()
        await bench.when(lambda: _true(len(set(bench.asked)) == 3 * module.AT_ONCE))
    assert module.AT_ONCE == bench.most


async def test_a_guest_that_cannot_be_asked_is_asked_later_and_harms_no_other(bench: Bench) -> None:
    bad, good = await bench.workspace(), await bench.workspace()
    bench.says |= {bad: Fault(Code.GUEST_MISBEHAVED, "nonsense"), good: None}
    sweeper = bench.sweeper(session_retention=600)
    statement = sa.insert(sweeps)
    rows = [{"workspace": one, "due": time.time() - 1, "policy": sweeper._policy} for one in (bad, good)]
    await bench.store.write(lambda connection: connection.execute(statement, rows))
    async with running(sweeper):
        await bench.when(lambda: _is(bench, good, lambda due: due is None))
        await bench.when(lambda: _is(bench, bad, lambda due: due is not None and due > 3))
    assert sorted((bad, good)) == sorted(bench.asked)


async def test_a_guest_that_is_always_due_is_not_asked_all_the_time(bench: Bench) -> None:
    workspace = await bench.workspace()
    bench.says[workspace] = 0
    sweeper = bench.sweeper(session_retention=3600)
    row = {"workspace": workspace, "due": time.time() - 1, "policy": sweeper._policy}
    await bench.store.write(lambda connection: connection.execute(sa.insert(sweeps), row))
    async with running(sweeper):
        await bench.when(lambda: _is(bench, workspace, lambda due: due is not None and due > module.SOONEST - 5))
    assert [workspace] == bench.asked


async def test_a_deleted_workspace_is_forgotten(bench: Bench) -> None:
    workspace = await bench.workspace()
    await bench.sweeper(session_retention=300).expect(workspace)
    await Workspaces(bench.store).remove(workspace)
    assert {} == await bench.due()
