"""The rows of tasks: their states, and who may change them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Insert, Update, insert, select, update

from api.guests import Guests
from api.serverkeys.keys import Keys
from api.store import Store
from api.streams.watches import Watches
from api.tables import tasks as table
from api.tasks.attempts import RESULT_MAX, Words, chosen
from api.tasks.records import ENDED, Outcome, Plan, Policy, Task, TaskStatus
from api.tasks.tasks import BATCH, PAUSE_MAX, Tasks
from api.webhooks import Webhooks
from api.workspaces import Workspaces
from shared.errors import Code, Fault
from shared.ids import new_task_id, new_workspace_id
from shared.settings import Tasks as Settings
from shared.turns import Event, Message, Option, OptionKind, Thought
from tests.api.serving import migrated

FOLLOWING: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.QUEUED: frozenset({TaskStatus.RUNNING, TaskStatus.CANCELLED}),
    TaskStatus.RUNNING: frozenset({TaskStatus.QUEUED, *ENDED}),
    TaskStatus.SUCCEEDED: frozenset(),
    TaskStatus.FAILED: frozenset({TaskStatus.QUEUED}),
    TaskStatus.CANCELLED: frozenset({TaskStatus.QUEUED}),
}
"""What can come after each."""


class Quiet(Webhooks):
    """Webhooks that nobody has."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def emit(self, event: str, *_: object) -> None:
        self.told.append(event)


@asynccontextmanager
async def rows(folder: Path, number: int = 1, **values: float) -> AsyncIterator[list[Tasks]]:
    """What so many processes have on one store."""
    path = folder / "store.sqlite"
    path.write_bytes(migrated())
    stores = [Store(path) for _ in range(number)]
    keys = Keys(folder / "keys")
    limits = Settings(**{"retry_pause": 1e-6, **values})  # type: ignore[arg-type]  # of its fields
    nobody: Any = None
    watches = Watches(Guests(nobody))
    made = [Tasks(store, keys, limits, watches=watches, webhooks=Quiet(), workspaces=Workspaces(store)) for store in stores]
    yield made
    for store in stores:
        await store.close()


async def workspace(tasks: Tasks) -> str:
    made = new_workspace_id()
    await tasks._workspaces.create(made, "x", b"")
    return made


async def execute(tasks: Tasks, statement: Update | Insert) -> None:
    await tasks._store.write(lambda connection: connection.execute(statement))


async def queue(tasks: Tasks, where: str, **plan: object) -> Task:
    return await tasks.create(where, new_task_id(), Plan(prompt="x", **plan), by="me")  # type: ignore[arg-type]  # of its fields


FAILED = Outcome(status=TaskStatus.FAILED, error="e", again=True)
STEPS = ("queue", "claim", "succeed", "fail", "fail for good", "be cancelled", "cancel", "retry", "remove", "settle again")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.integers(0, 1)), max_size=25))
def test_a_task_only_ever_does_what_its_state_allows(steps: list[tuple[str, int, int]]) -> None:
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        async with rows(Path(folder), 2, running=2, queued=3, attempts=2) as processes:
            home = await workspace(processes[0])
            seen: dict[str, Task] = {}
            attempts: list[Task] = []
            for step, which, process in steps:
                tasks = processes[process]
                known = list(seen)[which] if which < len(seen) else None
                try:
                    await _step(tasks, step, home, known, attempts)
                except Fault as fault:
                    assert fault.code in {Code.CONFLICT, Code.LIMIT, Code.NOT_FOUND}, fault
                now = {task.id: task for task in await tasks.page(home, None, 100)}
                for task, after in now.items():
                    before = seen.get(task)
                    if before is None:
                        assert after.status is TaskStatus.QUEUED
                    elif before.status is not after.status:
                        assert after.status in FOLLOWING[before.status]
                    assert (after.ended is not None) == (after.status in ENDED)
                    assert after.attempt <= after.attempts == 2
                    assert (after.status is TaskStatus.RUNNING) <= (after.turn is not None and after.session is not None)
                assert all(seen[task].status in ENDED for task in set(seen) - set(now)), "what has not ended is not forgotten"
                states = [task.status for task in now.values()]
                assert states.count(TaskStatus.RUNNING) <= 2
                seen = now


async def _step(tasks: Tasks, step: str, home: str, known: str | None, attempts: list[Task]) -> None:
    outcomes = {
        "succeed": Outcome(status=TaskStatus.SUCCEEDED),
        "fail": FAILED,
        "fail for good": Outcome(status=TaskStatus.FAILED, error="e"),
        "be cancelled": Outcome(status=TaskStatus.CANCELLED),
    }
    if step == "queue":
        await queue(tasks, home, attempts=2)
    elif step == "claim":
        attempts += await tasks.claim()
    elif step in outcomes and attempts:
        assert await tasks.settle(attempts[-1], outcomes[step]) is not None
        assert await tasks.settle(attempts.pop(), outcomes[step]) is None, "an attempt ends once"
    elif known is not None and step in {"cancel", "retry", "remove"}:
        await getattr(tasks, step)(home, known)


async def test_each_task_is_claimed_by_one_alone_and_each_workspace_runs_so_many(tmp_path: Path) -> None:
    async with rows(tmp_path, 2, running=3) as (one, two):
        homes = [await workspace(one) for _ in range(3)]
        made = [(await queue(one, home)).id for home in homes for _ in range(5)]
        claims = await asyncio.gather(*(process.claim() for _ in range(10) for process in (one, two)))
        claimed = [task for claim in claims for task in claim]
        assert 9 == len({task.id for task in claimed}) == len(claimed) == len({task.turn for task in claimed})
        for home, ids in zip(homes, (made[:5], made[5:10], made[10:]), strict=True):
            assert ids[:3] == [task.id for task in claimed if task.workspace == home], "in order"
        assert await one.settle(claimed[0], Outcome(status=TaskStatus.SUCCEEDED))
        assert [made[3]] == [task.id for task in await two.claim()]


async def test_an_attempt_of_before_ends_nothing(tmp_path: Path) -> None:
    async with rows(tmp_path, 2) as (one, two):
        home = await workspace(one)
        await queue(one, home, attempts=2)
        (first,) = await one.claim()
        assert (await one.settle(first, FAILED)) is not None
        await asyncio.sleep(0.001)
        (second,) = await two.claim()
        assert (first.session, 2) == (second.session, second.attempt)
        assert None is await one.settle(first, Outcome(status=TaskStatus.SUCCEEDED))
        assert TaskStatus.RUNNING is (await two.find(home, second.id)).status


async def test_pauses_grow_to_a_most_and_what_needs_another_session_gets_one(tmp_path: Path) -> None:
    async with rows(tmp_path, retry_pause=10, attempts=100) as (tasks,):
        home = await workspace(tasks)
        task = await queue(tasks, home, attempts=100)
        sessions, settled = set(), None
        for attempt, pause in ((1, 10), (2, 20), (3, 40), (60, PAUSE_MAX)):
            values = {"attempt": attempt - 1, "not_before": 0.0}
            statement = update(table).values(values)
            await execute(tasks, statement)
            (claimed,) = await tasks.claim()
            sessions.add(claimed.session)
            settled = await tasks.settle(claimed, Outcome(status=TaskStatus.FAILED, again=True, fresh=attempt == 2))
            assert settled
            assert pause - 5 < settled.not_before - time.time() <= pause
            assert (settled.session is None) is (attempt == 2)
        assert settled
        assert 2 == len(sessions)
        assert settled.not_before == await tasks.next_due(time.time())
        assert task.id == settled.id


async def test_a_long_queue_of_one_workspace_is_in_nobodys_way(tmp_path: Path) -> None:
    async with rows(tmp_path, running=1) as (tasks,):
        first, second = await workspace(tasks), await workspace(tasks)
        waiting = [tasks.values(first, new_task_id(), Plan(prompt="x"), by="me") for _ in range(BATCH + 1)]
        await execute(tasks, insert(table).values(waiting))
        last = await queue(tasks, second)
        assert [first] == [task.workspace for task in await tasks.claim()]
        assert [last.id] == [task.id for task in await tasks.claim()]
        assert [] == await tasks.claim()


async def test_what_becomes_due_while_others_are_begun_is_not_forgotten(tmp_path: Path) -> None:
    async with rows(tmp_path) as (tasks,):
        home = await workspace(tasks)
        moment = time.time()
        made = await queue(tasks, home)
        assert [] == await tasks.claim(moment)
        assert made.not_before == await tasks.next_due(moment)
        assert None is await tasks.next_due(time.time())
        assert [made.id] == [task.id for task in await tasks.claim()]


async def test_what_has_ended_is_kept_for_some_time(tmp_path: Path) -> None:
    async with rows(tmp_path, retention=100) as (tasks,):
        home = await workspace(tasks)
        for ended in (time.time() - 101, time.time() - 90, None):
            task = await queue(tasks, home)
            status = TaskStatus.QUEUED if ended is None else TaskStatus.FAILED
            statement = update(table).where(table.c.id == task.id).values(ended=ended, status=status)
            await execute(tasks, statement)
        await tasks.purge()
        assert 2 == len(await tasks.page(home, None, 10))
        tasks.settings = Settings(retention=0)
        await tasks.purge()
        assert 2 == len(await tasks.page(home, None, 10))


async def test_a_flood_of_tasks_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.tasks.tasks.KEPT_BYTES", 5000)
    monkeypatch.setattr("api.tasks.tasks.SLACK", 2000)
    async with rows(tmp_path) as (tasks,):
        home, other = await workspace(tasks), await workspace(tasks)
        kept = await tasks.create(other, new_task_id(), Plan(prompt="x" * 4000), by="me")
        waiting = await queue(tasks, home)
        made = []
        for _ in range(12):
            made.append(await tasks.create(home, new_task_id(), Plan(prompt="x" * 1000), by="me"))
            await tasks.cancel(home, made[-1].id)
        await tasks.purge()
        left = [task.id for task in await tasks.page(home, None, 100)]
        stay = [task.id for task in made if task.id in left]
        assert stay == [task.id for task in made[-len(stay) :]]
        assert 3 <= len(stay) <= 6
        assert waiting.id in left
        assert [kept.id] == [task.id for task in await tasks.page(other, None, 10)]


async def test_one_that_cannot_be_read_fails_and_stops_nobody_elses(tmp_path: Path) -> None:
    """As when a store was restored without its keys."""
    async with rows(tmp_path) as (tasks,):
        home, other = await workspace(tasks), await workspace(tasks)
        broken = [await queue(tasks, home), await queue(tasks, home)]
        fine = await queue(tasks, other)
        await execute(tasks, update(table).where(table.c.id == broken[0].id).values(sealed=b"x" * 60))
        assert {broken[1].id, fine.id} == {task.id for task in await tasks.claim()}
        await execute(tasks, update(table).where(table.c.id == broken[1].id).values(sealed=b"x" * 60))
        assert [fine.id] == [task.id for task in await tasks.running()]
        states = select(table.c.status, table.c.error).where(table.c.workspace == home)
        found = await tasks._store.read(lambda connection: connection.execute(states).all())
        assert {("failed", True)} == {(row.status, "does not open" in row.error) for row in found}


async def test_an_end_is_told_once(tmp_path: Path) -> None:
    async with rows(tmp_path) as (tasks,):
        home = await workspace(tasks)
        await queue(tasks, home)
        (claimed,) = await tasks.claim()
        await asyncio.gather(*(tasks.settle(claimed, Outcome(status=TaskStatus.SUCCEEDED)) for _ in range(10)))
        assert isinstance(tasks._webhooks, Quiet)
        assert ["task.succeeded"] == tasks._webhooks.told


OPTIONS = [
    Option("no", "", OptionKind.REJECT_ONCE),
    Option("ever", "", OptionKind.ALLOW_ALWAYS),
    Option("yes", "", OptionKind.ALLOW_ONCE),
]


@pytest.mark.parametrize(
    ("policy", "options", "answer"),
    [
        (Policy.ALLOW, OPTIONS, "yes"),
        (Policy.ALLOW, OPTIONS[:2], "ever"),
        (Policy.ALLOW, OPTIONS[:1], None),
        (Policy.DENY, OPTIONS, "no"),
        (Policy.DENY, OPTIONS[1:], None),
        (Policy.DENY, [], None),
    ],
)
def test_a_policy_takes_the_least_that_does(policy: Policy, options: list[Option], answer: str | None) -> None:
    assert answer == chosen(policy, options)


def test_only_the_last_message_counts_and_so_much_of_it() -> None:
    words = Words()

    def take(body: Message | Thought) -> None:
        words.take(Event(seq=1, at="", agent="a", turn=None, body=body))

    take(Message("x" * RESULT_MAX))
    assert ("x" * RESULT_MAX, False) == (words.text, words.truncated)
    take(Message("y"))
    assert ("x" * RESULT_MAX, True) == (words.text, words.truncated)
    take(Thought("hm"))
    assert "x" == words.text[0], "until there is another"
    take(Message("a"))
    take(Message("é" * RESULT_MAX))
    assert (True, RESULT_MAX - 1) == (words.truncated, len(words.text.encode()))
