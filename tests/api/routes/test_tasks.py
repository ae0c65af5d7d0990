"""Tasks over HTTP, with real guests and an agent that is a real program."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from api.auth import Target
from api.schema import View
from api.tasks.attempts import RESULT_MAX, Attempt
from api.tasks.records import Outcome, TaskStatus
from api.tasks.runner import TaskRunner
from api.tasks.views import TaskView
from shared.ids import new_session_id, new_task_id, new_worktree_id
from shared.settings import Tasks as Settings
from shared.turns import PROMPT_MAX
from tests.api.rooms import Room, Rooms
from tests.api.ssestream import following

ENDED = {"succeeded", "failed", "cancelled"}


@asynccontextmanager
async def running(rooms: Rooms) -> AsyncIterator[TaskRunner]:
    """A process's runner, with nothing in its memory."""
    made = rooms.services
    runner = TaskRunner(made.tasks, guests=made.guests, sweeper=made.sweeper, secrets=made.secrets, workspaces=made.workspaces)
    loop = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


@pytest.fixture
async def runner(rooms: Rooms) -> AsyncIterator[TaskRunner]:
    """That of the server itself."""
    loop = asyncio.create_task(rooms.services.runner.run())
    yield rooms.services.runner
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop


@pytest.fixture
def told(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, View, Target]]:
    """What webhooks are told."""
    events: list[tuple[str, View, Target]] = []

    async def emit(event: str, view: View, target: Target) -> None:
        events.append((event, view, target))

    monkeypatch.setattr(rooms.services.webhooks, "emit", emit)
    return events


def settings(rooms: Rooms, **values: float) -> None:
    given: Any = {"retry_pause": 0.01, **values}
    rooms.services.tasks.settings = Settings(**given)


async def queue(room: Room, prompt: str, *, status: int = 201, **body: object) -> Any:  # noqa: ANN401  # JSON
    return await room.call("POST", f"{room.base}/tasks", {"prompt": prompt, **body}, status=status)


async def shown(room: Room, task: str) -> Any:  # noqa: ANN401  # JSON
    return await room.call("GET", f"{room.base}/tasks/{task}", status=200)


async def until(room: Room, task: str, happened: Callable[[Any], object]) -> Any:  # noqa: ANN401  # JSON
    async with asyncio.timeout(30):
        while not happened(found := await shown(room, task)):
            await asyncio.sleep(0.02)
    return found


async def over(room: Room, task: str) -> Any:  # noqa: ANN401  # JSON
    return await until(room, task, lambda found: found["status"] in ENDED)


async def when(happened: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(30):
        while not await happened():
            await asyncio.sleep(0.02)


async def prompts(room: Room, session: str) -> int:
    """How many turns a session has seen begin."""
    page = await room.call("GET", f"{room.base}/sessions/{session}/events?limit=500", status=200)
    return sum(event["type"] == "turnStarted" for event in page["items"])


@pytest.mark.usefixtures("runner")
async def test_a_task_runs_in_a_session_of_its_own(room: Room, told: list[tuple[str, View, Target]]) -> None:
    made = await queue(room, "say first\ntool read x\nsay the\nsay  answer\nusage 10 5", mode="code", permissions="deny")
    assert ("queued", 0, 1, None) == (made["status"], made["attempt"], made["attempts"], made["turnId"])
    done = await over(room, made["taskId"])
    assert ("succeeded", 1, "the answer", "end_turn", 10) == (
        *(done[name] for name in ("status", "attempt", "result", "stopReason")),
        done["usage"]["input"],
    )
    assert room.workspace == done["createdBy"]
    session = await room.call("GET", f"{room.base}/sessions/{done['sessionId']}", status=200)
    assert "task: say first tool read x" in session["name"]
    log = await room.call("GET", f"{room.base}/tasks/{made['taskId']}/log", status=200)
    assert ["turnStarted", "turnEnded"] == [log["items"][0]["type"], log["items"][-1]["type"]]
    assert [("task.succeeded", made["taskId"])] == [
        (event, view.task_id) for event, view, _ in told if isinstance(view, TaskView)
    ]
    assert Target(room.workspace) == told[0][2]
    assert b"first" not in b"".join(path.read_bytes() for path in (room.rooms.folder / "api").glob("store.sqlite*"))
    await room.call("DELETE", f"{room.base}/tasks/{made['taskId']}", status=204)
    await room.call("GET", f"{room.base}/tasks/{made['taskId']}", status=404)


@pytest.mark.usefixtures("runner")
async def test_a_task_runs_where_it_is_told_to(room: Room) -> None:
    session = await room.session()
    commit = "run git -c user.name=x -c user.email=x@y commit --allow-empty -m x"
    assert "succeeded" == (await over(room, (await queue(room, commit, sessionId=session))["taskId"]))["status"]
    tree = (await room.call("POST", f"{room.base}/sessions/{session}/worktrees", {"name": "tree"}, status=201))["worktreeId"]
    made = await queue(room, "cwd", sessionId=session, worktreeId=tree)
    done = await over(room, made["taskId"])
    assert ("succeeded", session, tree) == (done["status"], done["sessionId"], done["worktreeId"])
    assert tree in done["result"]


@pytest.mark.parametrize(("policy", "words"), [("allow", "allowed by yes"), ("deny", "denied by no")])
@pytest.mark.usefixtures("runner")
async def test_questions_are_answered_by_policy_at_once(room: Room, policy: str, words: str) -> None:
    made = await queue(room, "ask touch made.txt\nask true", permissions=policy)
    done = await over(room, made["taskId"])
    assert "succeeded" == done["status"], done
    assert words == done["result"]
    path = room.rooms.folder / room.workspace / "vibecoder_workspace/sessions" / done["sessionId"] / "repo/made.txt"
    assert path.exists() is (policy == "allow")


@pytest.mark.usefixtures("runner")
async def test_its_own_session_goes_when_it_is_not_kept(room: Room) -> None:
    made = await queue(room, "say hello", keepSession=False)
    done = await over(room, made["taskId"])
    assert "hello" == done["result"]

    async def gone() -> bool:
        return not (await room.call("GET", f"{room.base}/sessions", status=200))["items"]

    await when(gone)


@pytest.mark.usefixtures("runner")
async def test_so_many_run_and_the_rest_wait_in_order(rooms: Rooms, room: Room) -> None:
    settings(rooms, running=2)
    go = rooms.folder / "go"
    tasks = [(await queue(room, f"wait {go}\ntimes 1"))["taskId"] for _ in range(5)]
    for task in tasks[:2]:
        await until(room, task, lambda found: found["status"] == "running")
    other = await rooms.room()
    assert "succeeded" == (await over(other, (await queue(other, "say x"))["taskId"]))["status"], "each workspace has its own"
    states = [(await shown(room, task))["status"] for task in tasks]
    assert ["running"] * 2 + ["queued"] * 3 == states
    listed = await room.call("GET", f"{room.base}/tasks?status=queued&limit=2", status=200)
    assert tasks[:2:-1] == [item["taskId"] for item in listed["items"]]
    rest = await room.call("GET", f"{room.base}/tasks?status=queued&limit=2&cursor={listed['nextCursor']}", status=200)
    assert ([tasks[2]], None) == ([item["taskId"] for item in rest["items"]], rest["nextCursor"])
    go.touch()
    began = [(await over(room, task))["startedAt"] for task in tasks]
    assert sorted(began) == began


async def test_the_queue_has_an_end(rooms: Rooms, room: Room) -> None:
    settings(rooms, queued=2)
    first = await queue(room, "x")
    await queue(room, "x")
    assert "limit" == (await queue(room, "x", status=409))["code"]
    await room.call("POST", f"{room.base}/tasks/{first['taskId']}/cancel", status=200)
    await queue(room, "x")
    problem = await room.call("POST", f"{room.base}/tasks/{first['taskId']}/retry", status=409)
    assert "limit" == problem["code"]


@pytest.mark.usefixtures("runner")
async def test_one_that_fails_is_tried_again_so_often(rooms: Rooms, room: Room, told: list[tuple[str, View, Target]]) -> None:
    settings(rooms, attempts=3)
    made = await queue(room, "pid\ndie 3", attempts=3)
    done = await over(room, made["taskId"])
    assert ("failed", 3) == (done["status"], done["attempt"])
    assert "the agent ended with status 3" in done["error"]
    assert 3 == await prompts(room, done["sessionId"])
    again = await room.call("POST", f"{room.base}/tasks/{made['taskId']}/retry", status=200)
    assert ("queued", 0, None) == (again["status"], again["attempt"], again["error"])
    assert "failed" == (await over(room, made["taskId"]))["status"]
    assert ["task.failed"] * 2 == [event for event, _, _ in told]


@pytest.mark.usefixtures("runner")
async def test_one_that_succeeds_at_last_has_succeeded(rooms: Rooms, room: Room) -> None:
    settings(rooms, attempts=2)
    mark = rooms.folder / "mark"
    made = await queue(room, f"run test -e {mark} || (touch {mark}; kill -9 $PPID)\nsay fine", attempts=2)
    done = await over(room, made["taskId"])
    assert ("succeeded", 2, "fine", None) == tuple(done[name] for name in ("status", "attempt", "result", "error"))
    problem = await room.call("POST", f"{room.base}/tasks/{made['taskId']}/retry", status=409)
    assert "conflict" == problem["code"]


@pytest.mark.usefixtures("runner")
async def test_one_that_takes_too_long_is_cancelled_and_fails(room: Room) -> None:
    made = await queue(room, "say so far\ndelay 60", timeout=2)
    done = await over(room, made["taskId"])
    assert ("failed", "it took more than 2 s", 1) == tuple(done[name] for name in ("status", "error", "attempt"))
    turn = await room.call("GET", f"{room.base}/sessions/{done['sessionId']}/turns/{done['turnId']}", status=200)
    assert "cancelled" == turn["status"]


@pytest.mark.usefixtures("runner")
async def test_one_that_runs_or_waits_is_cancelled(rooms: Rooms, room: Room, told: list[tuple[str, View, Target]]) -> None:
    settings(rooms, running=1, attempts=3)
    first = (await queue(room, "say begun\ndelay 60", attempts=3))["taskId"]
    second = (await queue(room, "say x"))["taskId"]
    await until(room, first, lambda found: found["status"] == "running")
    assert "conflict" == (await room.call("DELETE", f"{room.base}/tasks/{first}", status=409))["code"]
    assert "cancelled" == (await room.call("POST", f"{room.base}/tasks/{second}/cancel", status=200))["status"]
    await room.call("POST", f"{room.base}/tasks/{first}/cancel", status=200)
    done = await over(room, first)
    assert ("cancelled", 1) == (done["status"], done["attempt"])
    assert done["endedAt"] == (await room.call("POST", f"{room.base}/tasks/{first}/cancel", status=200))["endedAt"]
    assert ["task.cancelled"] * 2 == [event for event, _, _ in told]


@pytest.mark.usefixtures("runner")
async def test_a_task_whose_turn_somebody_cancels_is_cancelled(room: Room) -> None:
    made = await queue(room, "say begun\ndelay 60")
    found = await until(room, made["taskId"], lambda found: found["turnId"])

    async def began() -> bool:
        page = await room.call("GET", f"{room.base}/sessions/{found['sessionId']}/turns", status=200)
        return bool(page["items"])

    await until(room, made["taskId"], lambda found: found["status"] == "running")
    await when(lambda: _exists(room, found["sessionId"]))
    await when(began)
    await room.call("POST", f"{room.base}/sessions/{found['sessionId']}/turns/{found['turnId']}/cancel", status=200)
    assert "cancelled" == (await over(room, made["taskId"]))["status"]


async def _exists(room: Room, session: str) -> bool:
    page = await room.call("GET", f"{room.base}/sessions", status=200)
    return session in {item["sessionId"] for item in page["items"]}


@pytest.mark.usefixtures("runner")
async def test_one_waits_while_another_turn_of_the_agent_runs_in_its_session(rooms: Rooms, room: Room) -> None:
    session, go = await room.session(), rooms.folder / "go"
    await room.call("POST", f"{room.base}/sessions/{session}/prompt", {"text": f"wait {go}"}, status=201)
    made = await queue(room, "say x", sessionId=session, timeout=20)
    late = await queue(room, "say x", sessionId=session, timeout=2)
    assert "a turn" not in str(await shown(room, made["taskId"]))
    failed = await over(room, late["taskId"])
    assert failed["error"].startswith("it took more than 2 s: the turn tn")
    go.touch()
    assert "succeeded" == (await over(room, made["taskId"]))["status"]


@pytest.mark.usefixtures("runner")
async def test_one_that_is_put_off_waits_for_its_time(room: Room) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=1.5)
    made = await queue(room, "say x", notBefore=moment.isoformat())
    later = await queue(room, "say x", notBefore=(moment + timedelta(days=300)).isoformat())
    done = await over(room, made["taskId"])
    assert datetime.fromisoformat(done["startedAt"]) >= moment
    assert "queued" == (await shown(room, later["taskId"]))["status"]


@pytest.mark.usefixtures("runner")
async def test_budget_and_what_is_not_there_fail_at_once(rooms: Rooms, room: Room) -> None:
    settings(rooms, attempts=3)
    async with rooms.services.workspaces.lock(room.workspace):
        await rooms.services.workspaces.change(room.workspace, budget_day=0.0)
    done = await over(room, (await queue(room, "say x", attempts=3))["taskId"])
    assert ("failed", 1) == (done["status"], done["attempt"])
    assert "has spent" in done["error"]
    async with rooms.services.workspaces.lock(room.workspace):
        await rooms.services.workspaces.change(room.workspace, budget_day=None)
    bodies: list[dict[str, Any]] = [
        {"sessionId": new_session_id()},
        {"agent": "nobody"},
        {"sessionId": await room.session(), "worktreeId": new_worktree_id()},
    ]
    for body in bodies:
        done = await over(room, (await queue(room, "say x", attempts=3, **body))["taskId"])
        assert ("failed", 1) == (done["status"], done["attempt"]), body
        assert "no such" in done["error"] or "no agent" in done["error"]


@pytest.mark.usefixtures("runner")
async def test_a_clone_that_fails_is_tried_again_in_a_fresh_session(rooms: Rooms, room: Room) -> None:
    settings(rooms, attempts=2)
    made = await queue(room, "say x", attempts=2, repoUrl="https://127.0.0.1:1/none.git", keepSession=False)
    done = await over(room, made["taskId"])
    assert ("failed", 2) == (done["status"], done["attempt"])
    assert "could not be cloned" in done["error"]

    async def gone() -> bool:
        return not (await room.call("GET", f"{room.base}/sessions", status=200))["items"]

    await when(gone)


@pytest.mark.usefixtures("runner")
async def test_what_stops_an_agent_early_is_no_success(room: Room) -> None:
    for step, reason in (("refuse", "refusal"), ("stop max_tokens", "max_tokens")):
        done = await over(room, (await queue(room, f"say x\n{step}"))["taskId"])
        assert ("failed", reason) == (done["status"], done["stopReason"])
        assert reason in done["error"]


@pytest.mark.usefixtures("runner")
async def test_a_result_has_a_length(room: Room) -> None:
    done = await over(room, (await queue(room, f"say é\nhuge {RESULT_MAX}"))["taskId"])
    assert done["resultTruncated"] is True
    assert len(done["result"].encode()) in {RESULT_MAX, RESULT_MAX - 1}
    assert (await over(room, (await queue(room, f"huge {RESULT_MAX}"))["taskId"]))["resultTruncated"] is False


async def test_a_runner_takes_up_what_another_one_left(rooms: Rooms, room: Room) -> None:
    """Its turn went on meanwhile, and is not begun again; a question that came meanwhile is answered."""
    go, asked = rooms.folder / "go", rooms.folder / "asked"
    async with running(rooms) as first:
        made = await queue(room, f"say a\nwait {go}\nask touch {asked}\nsay b", permissions="allow")
        first.wake()
        found = await until(room, made["taskId"], lambda found: found["status"] == "running")
        await when(lambda: _exists(room, found["sessionId"]))
        path = f"{room.base}/sessions/{found['sessionId']}"

        async def begun() -> bool:
            return "a" in str((await room.call("GET", f"{path}/events", status=200))["items"])

        await when(begun)
    go.touch()

    async def waiting() -> bool:
        return bool((await room.call("GET", f"{path}/permissions", status=200))["items"])

    await when(waiting)
    assert "running" == (await shown(room, made["taskId"]))["status"]
    async with running(rooms):
        done = await over(room, made["taskId"])
    assert ("succeeded", 1, found["turnId"]) == (done["status"], done["attempt"], done["turnId"])
    assert asked.exists()
    assert 1 == await prompts(room, done["sessionId"])


async def test_one_that_was_claimed_and_not_begun_is_begun_once(rooms: Rooms, room: Room) -> None:
    made = await queue(room, "say x")
    (claimed,) = await rooms.services.tasks.claim()
    async with running(rooms), running(rooms):
        done = await over(room, made["taskId"])
    assert ("succeeded", 1, claimed.turn) == (done["status"], done["attempt"], done["turnId"])
    assert 1 == await prompts(room, done["sessionId"])


async def test_what_a_process_leaves_is_taken_up_by_one_that_runs_already(rooms: Rooms, room: Room) -> None:
    async with running(rooms) as runner:
        await over(room, await _queued(room, runner))
        made = await queue(room, "say x")
        while not (claimed := await rooms.services.tasks.claim()):  # and then that process is killed
            await over(room, made["taskId"])  # the runner was still awake, and quicker
            made = await queue(room, "say x")
        runner.wake()
        done = await over(room, made["taskId"])
    assert ("succeeded", 1, claimed[0].turn) == (done["status"], done["attempt"], done["turnId"])
    assert 1 == await prompts(room, done["sessionId"])


async def _queued(room: Room, runner: TaskRunner) -> str:
    made = await queue(room, "say x")
    runner.wake()
    return str(made["taskId"])


async def test_what_another_process_has_ended_is_not_begun_once_more(rooms: Rooms, room: Room) -> None:
    """Two followed it, and one has ended it and deleted its session."""
    services = rooms.services
    made = await queue(room, "say x", keepSession=False)
    (claimed,) = await services.tasks.claim()
    await services.tasks.settle(claimed, Outcome(status=TaskStatus.SUCCEEDED))
    attempt = Attempt(
        claimed,
        tasks=services.tasks,
        guests=services.guests,
        sweeper=services.sweeper,
        secrets=services.secrets,
        workspaces=services.workspaces,
    )
    assert "another process has ended it" == (await attempt.run()).error
    assert "succeeded" == (await shown(room, made["taskId"]))["status"]
    assert not await _exists(room, claimed.session or "")


async def test_two_runners_run_no_task_twice(rooms: Rooms, room: Room, told: list[tuple[str, View, Target]]) -> None:
    settings(rooms, running=4)
    tasks = [(await queue(room, "say x"))["taskId"] for _ in range(8)]
    async with running(rooms) as one, running(rooms) as two:
        one.wake()
        two.wake()
        done = [await over(room, task) for task in tasks]
    assert {("succeeded", 1)} == {(found["status"], found["attempt"]) for found in done}
    assert [1] * 8 == [await prompts(room, found["sessionId"]) for found in done]
    assert 8 == len(told)


async def test_one_that_was_to_be_cancelled_is_when_a_runner_takes_it_up(rooms: Rooms, room: Room) -> None:
    async with running(rooms) as first:
        made = await queue(room, "say a\ndelay 60")
        first.wake()
        found = await until(room, made["taskId"], lambda found: found["status"] == "running")
        await when(lambda: _exists(room, found["sessionId"]))
    await room.call("POST", f"{room.base}/tasks/{made['taskId']}/cancel", status=200)
    assert "running" == (await shown(room, made["taskId"]))["status"]
    async with running(rooms):
        assert "cancelled" == (await over(room, made["taskId"]))["status"]


@pytest.mark.usefixtures("runner")
async def test_a_guest_that_is_killed_fails_the_attempt_and_not_the_task(rooms: Rooms, room: Room) -> None:
    settings(rooms, attempts=2)
    mark, pid = rooms.folder / "mark", rooms.folder / "pid"
    made = await queue(room, f"run test -e {mark} || echo > {pid}\nrun test -e {mark} || sleep 60\nsay fine", attempts=2)

    async def works() -> bool:
        return pid.exists()

    await when(works)
    mark.touch()
    await rooms.guests[room.workspace].stop(signal.SIGKILL)
    del rooms.hostd.guests[room.workspace]
    done = await over(room, made["taskId"])
    assert ("succeeded", 2, "fine") == (done["status"], done["attempt"], done["result"])


async def test_a_task_of_a_deleted_workspace_fails_and_says_so(rooms: Rooms, room: Room) -> None:
    made = await queue(room, "say x")
    async with rooms.services.workspaces.lock(room.workspace):
        await rooms.services.workspaces.change(room.workspace, deleted=1.0)
    async with running(rooms):

        async def ended() -> bool:
            return (await rooms.services.tasks.find(room.workspace, made["taskId"])).ended is not None

        await when(ended)
    found = await rooms.services.tasks.find(room.workspace, made["taskId"])
    assert ("failed", "the workspace was deleted") == (found.status, found.error)
    assert room.workspace not in rooms.guests
    await rooms.services.workspaces.remove(room.workspace)
    assert [] == await rooms.services.tasks.running()


@pytest.mark.usefixtures("runner")
async def test_followers_of_the_workspace_are_told(room: Room) -> None:
    async with following(room) as stream:
        await stream.until("ready")
        made = await queue(room, "say x")
        seen: list[str] = []
        while not seen or seen[-1] not in ENDED:
            name, data = await stream.next()
            if name == "task":
                assert made["taskId"] == data["taskId"]
                assert "result" not in data
                seen.append(data["status"])
    assert ["queued", "running", "succeeded"] == seen


@pytest.mark.usefixtures("runner")
async def test_a_log_is_followed_as_a_stream(room: Room) -> None:
    session = await room.session()
    await room.call("POST", f"{room.base}/sessions/{session}/prompt", {"text": "say before"}, status=201, Prefer="wait=20")
    made = await queue(room, "say now", sessionId=session, notBefore=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    path = f"{room.base}/tasks/{made['taskId']}/log"
    assert "not_ready" == (await room.call("GET", path, status=409))["code"]
    again = await queue(room, "say now", sessionId=session)
    await over(room, again["taskId"])
    async with following(room, f"{room.base}/tasks/{again['taskId']}/log") as stream:
        _, first = await stream.next()
    assert ("turnStarted", "say now") == (first["type"], first["text"])


async def test_the_same_idempotency_key_is_one_task(room: Room) -> None:
    body = {"prompt": "say x"}
    made = [await room.call("POST", f"{room.base}/tasks", body, status=201, Idempotency_Key="k") for _ in range(2)]
    assert made[0] == made[1]
    assert 1 == len((await room.call("GET", f"{room.base}/tasks", status=200))["items"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, None),
        ({"prompt": ""}, "/prompt"),
        ({"prompt": "x", "agent": "../x"}, "/agent"),
        ({"prompt": "x", "sessionId": "s" + "0" * 24, "repoUrl": "https://x/y"}, "/repoUrl"),
        ({"prompt": "x", "sessionId": "s" + "0" * 24, "keepSession": False}, "/keepSession"),
        ({"prompt": "x", "worktreeId": "wt" + "0" * 24}, "/worktreeId"),
        ({"prompt": "x", "ref": "main"}, "/ref"),
        ({"prompt": "x", "timeout": 0.5}, "/timeout"),
        ({"prompt": "x", "timeout": 3601}, "/timeout"),
        ({"prompt": "x", "attempts": 0}, "/attempts"),
        ({"prompt": "x", "attempts": 4}, "/attempts"),
        ({"prompt": "x", "permissions": "ask"}, "/permissions"),
        ({"prompt": "x", "notBefore": "2026-01-01T00:00:00"}, "/notBefore"),
        ({"prompt": "x", "notBefore": "soon"}, "/notBefore"),
        ({"prompt": "x", "notBefore": "2999-01-01T00:00:00Z"}, "/notBefore"),
        ({"prompt": "x", "nope": 1}, "/nope"),
    ],
    ids=str,
)
async def test_a_task_that_cannot_be_is_refused(room: Room, body: dict[str, object], pointer: str | None) -> None:
    problem = await room.call("POST", f"{room.base}/tasks", body, status=422)
    assert pointer == problem["errors"][0].get("pointer") or pointer is None


async def test_limits_hold_at_their_edges(room: Room) -> None:
    await queue(room, "x", timeout=3600, attempts=3)
    await queue(room, "x", timeout=1)
    body = msgspec.json.encode({"prompt": "é" * PROMPT_MAX})
    headers = {**room.headers, "Content-Type": "application/json"}
    async with room.rooms.http.post(f"{room.base}/tasks", data=body, headers=headers) as reply:
        assert 201 == reply.status
    for text in ("x" * (PROMPT_MAX + 1), "€" * (PROMPT_MAX - 1)):
        async with room.rooms.http.post(
            f"{room.base}/tasks", data=msgspec.json.encode({"prompt": text}), headers=headers
        ) as reply:
            assert 413 == reply.status
    async with room.rooms.http.post(f"{room.base}/tasks", data=rb'{"prompt": "\ud800"}', headers=headers) as reply:
        assert reply.status in {400, 422}
    for query in ("limit=0", "limit=101", "status=nope", "cursor=%00", "cursor=YQ", "nope=1"):
        await room.call("GET", f"{room.base}/tasks?{query}", status=422)


async def test_anothers_are_not_there(rooms: Rooms, room: Room) -> None:
    task = (await queue(room, "x"))["taskId"]
    other = await rooms.room()
    for method, path in (
        ("GET", f"{room.base}/tasks"),
        ("POST", f"{room.base}/tasks"),
        *((method, f"{base}/tasks/{task}") for base in (room.base, other.base) for method in ("GET", "DELETE")),
        *(("POST", f"{base}/tasks/{task}/{verb}") for base in (room.base, other.base) for verb in ("cancel", "retry")),
        ("GET", f"{other.base}/tasks/{task}/log"),
        ("GET", f"{other.base}/tasks/{new_task_id()}"),
    ):
        body = {"prompt": "x"} if path.endswith("tasks") and method == "POST" else None
        assert "not_found" == (await other.call(method, path, body, status=404))["code"]
    assert "queued" == (await shown(room, task))["status"]
