"""Schedules by a clock that a test sets: each time has one run, whatever happens to the clock and to the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from api.tables import schedules as table
from api.tables import tasks as task_table
from api.tasks.records import Plan, Task, TaskStatus
from api.tasks.runner import TaskRunner
from api.tasks.scheduler import Scheduler
from api.tasks.schedules import Missed, Schedule, Schedules
from api.tasks.tasks import Tasks
from api.workspaces import WorkspaceStatus
from shared.errors import Code, Fault
from shared.ids import new_schedule_id
from shared.settings import Tasks as Settings
from tests.api.tasks.test_tasks import rows, workspace

HOUR = 3600.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class Bench:
    """Two processes on one store, whose clock is set by hand."""

    def __init__(self, processes: list[Tasks], home: str) -> None:
        self.now = at("2026-03-02T10:00:30")
        self.home = home
        self.processes = [Schedules(tasks._store, tasks._keys, tasks, 3, lambda: self.now) for tasks in processes]

    @property
    def one(self) -> Schedules:
        return self.processes[0]

    @property
    def tasks(self) -> Tasks:
        return self.one._tasks

    async def make(
        self, cron: str = "0 * * * *", zone: str = "UTC", missed: Missed = Missed.SKIP, *, enabled: bool = True
    ) -> Schedule:
        return await self.one.create(
            self.home,
            new_schedule_id(),
            Plan(prompt="x", attempts=2, timeout=9),
            by="me",
            name="n",
            cron=cron,
            timezone=zone,
            missed=missed,
            enabled=enabled,
        )

    async def at(self, text: str) -> list[str]:
        """The moments of the runs that there are, once all processes have looked at that time."""
        self.now = at(text)
        await asyncio.gather(*(process.fire() for process in self.processes * 3))
        return await self.moments()

    async def moments(self) -> list[str]:
        fires = [task.fire for task in await self.queued()]
        return sorted(datetime.fromtimestamp(fire, UTC).strftime("%dT%H:%M") for fire in fires if fire is not None)

    async def queued(self) -> list[Task]:
        return await self.tasks.page(self.home, None, 100)

    async def shown(self, schedule: Schedule) -> tuple[str | None, str | None]:
        """When it runs next, and has run last."""
        found = await self.one.find(self.home, schedule.id)
        moments = (found.next, found.last)
        return tuple(m and datetime.fromtimestamp(m, UTC).strftime("%dT%H:%M") for m in moments)  # type: ignore[return-value]  # two


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with rows(tmp_path, 2, queued=4, missed=3 * HOUR, attempts=3) as processes:
        home = await workspace(processes[0])
        known = processes[0]._workspaces
        async with known.lock(home):
            await known.change(home, status=WorkspaceStatus.READY, sealed=None)
        yield Bench(processes, home)


async def test_each_time_has_one_run_by_whichever_process(bench: Bench) -> None:
    made = await bench.make()
    assert [] == await bench.at("2026-03-02T10:59:59")
    assert ["02T11:00"] == await bench.at("2026-03-02T11:00:00")
    assert ["02T11:00"] == await bench.at("2026-03-02T11:59:59")
    assert ["02T11:00", "02T12:00"] == await bench.at("2026-03-02T12:00:01")
    assert ("02T13:00", "02T12:00") == await bench.shown(made)
    (task, _) = await bench.queued()
    assert (TaskStatus.QUEUED, made.id, "me", 2, 9) == (
        task.status,
        task.schedule,
        task.created_by,
        task.attempts,
        task.timeout,
    )


async def test_what_fails_between_the_two_changes_neither(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the process is killed there."""
    made = await bench.make()
    bench.now = at("2026-03-02T11:00:00")
    with monkeypatch.context() as patch:
        patch.setattr(Schedules, "_queue", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await bench.one.fire()
    assert ("02T11:00", None) == await bench.shown(made)
    assert ["02T11:00"] == await bench.at("2026-03-02T11:00:05")


@pytest.mark.parametrize(
    ("missed", "back", "expected"),
    [
        # A minute is not missed, more is.
        (Missed.SKIP, "2026-03-02T11:00:59", ["02T11:00"]),
        (Missed.SKIP, "2026-03-02T11:01:00", []),
        (Missed.SKIP, "2026-03-02T15:30:00", []),
        (Missed.SKIP, "2026-03-02T15:00:10", ["02T15:00"]),
        (Missed.ONCE, "2026-03-02T11:01:00", ["02T11:00"]),
        (Missed.ONCE, "2026-03-02T13:59:59", ["02T11:00"]),
        # What is older than `[tasks].missed` does not count.
        (Missed.ONCE, "2026-03-02T15:30:00", ["02T13:00"]),
        (Missed.ONCE, "2026-06-02T15:30:00", ["02T13:00"]),
    ],
)
async def test_what_was_missed(bench: Bench, missed: Missed, back: str, expected: list[str]) -> None:
    made = await bench.make(missed=missed)
    assert expected == await bench.at(back)
    after = await bench.one.find(bench.home, made.id)
    assert after.next is not None
    assert bench.now < after.next <= bench.now + HOUR
    assert expected == await bench.at(back), "once"


async def test_a_run_that_is_missed_by_too_much_is_not_made_up_for(bench: Bench) -> None:
    await bench.make("0 11 * * *", missed=Missed.ONCE)
    assert [] == await bench.at("2026-03-02T14:00:01")
    for process in bench.processes:
        process._tasks.settings = Settings(missed=0)
    assert [] == await bench.at("2026-03-03T11:05:00")


async def test_a_clock_that_is_set_back_makes_no_second_run(bench: Bench) -> None:
    made = await bench.make()
    assert ["02T11:00"] == await bench.at("2026-03-02T11:00:00")
    assert ["02T11:00"] == await bench.at("2026-03-02T10:30:00")
    assert ["02T11:00"] == await bench.at("2026-03-02T11:00:00")
    assert ("02T12:00", "02T11:00") == await bench.shown(made)


async def test_a_clock_that_was_far_ahead_stops_nothing_for_long(bench: Bench) -> None:
    made = await bench.make()
    await bench.at("2026-03-02T11:00:00")
    await bench.at("2040-01-01T00:00:00")
    assert ("01T01:00", "01T00:00") == await bench.shown(made)
    assert ["01T00:00", "02T11:00"] == await bench.at("2026-03-02T10:30:00")
    assert "02T11:00" == (await bench.shown(made))[0]
    assert ["01T00:00", "02T11:00"] == await bench.at("2026-03-02T11:00:00"), "it was run before"
    assert ["01T00:00", "02T11:00", "02T12:00"] == await bench.at("2026-03-02T12:00:00")


async def test_one_that_is_switched_off_or_changed_begins_anew(bench: Bench) -> None:
    made = await bench.make(enabled=False)
    assert made.next is None
    assert [] == await bench.at("2026-03-02T11:00:00")
    on = await bench.one.change(made, enabled=True)
    assert at("2026-03-02T12:00:00") == on.next
    other = await bench.one.change(on, cron="30 * * * *")
    assert at("2026-03-02T11:30:00") == other.next
    named = await bench.one.change(other, name="m", plan=Plan(prompt="y"))
    assert (other.next, "y", 4) == (named.next, named.plan.prompt, named.version)
    assert None is (await bench.one.change(named, enabled=False)).next
    with pytest.raises(Fault) as caught:
        await bench.one.change(named, name="late")
    assert Code.STALE is caught.value.code


@pytest.mark.parametrize("broken", [{"sealed": b"x" * 60}, {"timezone": "Europe/Atlantis"}], ids=str)
async def test_one_that_cannot_be_read_is_switched_off_and_stops_no_other(bench: Bench, broken: dict[str, object]) -> None:
    """As when a store was restored without its keys, or a time zone has left the database."""
    first, _ = await bench.make(), await bench.make()
    statement = update(table).where(table.c.id == first.id).values(broken)
    await bench.one._store.write(lambda connection: connection.execute(statement))
    assert ["02T11:00"] == await bench.at("2026-03-02T11:00:00")
    assert ["02T11:00", "02T12:00"] == await bench.at("2026-03-02T12:00:00")
    query = select(table.c.enabled, table.c.next).where(table.c.id == first.id)
    assert (0, None) == await bench.one._store.read(lambda connection: tuple(connection.execute(query).one()))


async def test_a_full_queue_is_told_by_a_task_that_failed(bench: Bench) -> None:
    for _ in range(4):
        await bench.tasks.create(bench.home, f"ta{_:024}", Plan(prompt="x"), by="me")
    await bench.make()
    assert ["02T11:00"] == await bench.at("2026-03-02T11:00:00")
    (failed,) = [task for task in await bench.queued() if task.fire is not None]
    assert (TaskStatus.FAILED, "as many tasks wait in the workspace as may") == (failed.status, failed.error)
    assert failed.ended is not None


async def test_a_deleted_workspace_is_left_alone_until_it_is_restored(bench: Bench) -> None:
    made = await bench.make()
    known = bench.tasks._workspaces
    async with known.lock(bench.home):
        await known.change(bench.home, deleted=1.0)
    assert [] == await bench.at("2026-03-02T11:00:00")
    async with known.lock(bench.home):
        await known.change(bench.home, deleted=None)
    assert ["02T12:00"] == await bench.at("2026-03-02T12:00:00")
    await known.remove(bench.home)
    assert (0, []) == await bench.one.fire()
    with pytest.raises(Fault):
        await bench.one.find(bench.home, made.id)


async def test_clocks_that_are_set_forward_and_back_for_the_summer(bench: Bench) -> None:
    made = await bench.make("30 2 * * *", "Europe/Berlin")
    bench.now = at("2026-03-28T12:00:00")
    await bench.one.change(made, cron="31 2 * * *")
    assert ["29T01:31"] == await bench.at("2026-03-29T01:31:00"), "03:31 in Berlin, where there is no 02:31"
    found = await bench.one.find(bench.home, made.id)
    bench.now = at("2026-10-24T12:00:00")
    await bench.one.change(found, cron="30 2 * * *")
    assert ["25T00:30", "29T01:31"] == await bench.at("2026-10-25T00:30:00")
    assert ["25T00:30", "29T01:31"] == await bench.at("2026-10-25T01:30:30"), "the second 02:30"


async def test_the_scheduler_waits_for_the_next_time_and_not_longer(bench: Bench) -> None:
    """By the wall clock, and woken when a schedule is made."""
    woken = asyncio.Event()

    class Runner(TaskRunner):
        def __init__(self) -> None:
            pass

        def wake(self) -> None:
            woken.set()

    scheduler = Scheduler(bench.one, bench.tasks, Runner())
    loop = asyncio.create_task(scheduler.run())
    try:
        bench.now = at("2026-03-02T10:59:59.800")
        await bench.make("* * * * *")
        offset = bench.now - asyncio.get_running_loop().time()
        bench.one.clock = lambda: asyncio.get_running_loop().time() + offset
        scheduler.wake()
        async with asyncio.timeout(5):
            await woken.wait()
        assert ["02T11:00"] == await bench.moments()
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


async def test_a_prompt_is_sealed_in_the_store(bench: Bench, tmp_path: Path) -> None:
    made = await bench.make()
    sealed = await bench.one.change(made, plan=Plan(prompt="a-prompt-that-nobody-reads"))
    await bench.at("2026-03-02T11:00:00")
    assert "a-prompt-that-nobody-reads" == (await bench.queued())[0].plan.prompt == sealed.plan.prompt
    files = list(tmp_path.glob("store.sqlite*"))
    assert files
    assert not any(b"a-prompt-that-nobody-reads" in path.read_bytes() for path in files)


async def test_one_fire_is_one_row_by_the_stores_own_rule(bench: Bench) -> None:
    made = await bench.make()
    await bench.at("2026-03-02T11:00:00")
    values = bench.tasks.values(bench.home, "ta" + "0" * 24, Plan(prompt="x"), by="me")
    values |= {"schedule": made.id, "fire": at("2026-03-02T11:00:00")}
    with pytest.raises(Fault):
        await bench.tasks._store.write(lambda connection: connection.execute(task_table.insert(), values))
    query = select(task_table.c.id).where(task_table.c.schedule == made.id)
    found = await bench.tasks._store.read(lambda connection: connection.execute(query).all())
    assert 1 == len(found)
