"""Tasks and schedules through `kill -9` of api, with real daemons and a real tenant."""

import asyncio
import contextlib
import signal
import sqlite3
import time
from typing import Any

import pytest

from tests.stack import Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]


async def until(alice: Tenant, task: str, *states: str) -> Any:  # noqa: ANN401  # JSON
    """The task, once it is in one of these states."""
    async with asyncio.timeout(60):
        while (found := await alice.call("GET", f"{alice.base}/tasks/{task}"))["status"] not in states:
            await asyncio.sleep(0.1)
    return found


async def test_tasks_go_on_through_a_killed_api_and_none_is_run_twice(stack: Stack, alice: Tenant) -> None:
    await alice.call("PUT", f"{alice.base}/secrets/TASK_TOKEN", {"value": "a-secret-of-tasks"})
    ran, go = alice.home / "ran", alice.home / "go"
    script = f"run id -u; echo ran >> {ran}\nwait {go}\nenv TASK_TOKEN"
    first = (await alice.call("POST", f"{alice.base}/tasks", {"prompt": script}))["taskId"]
    others = [
        (await alice.call("POST", f"{alice.base}/tasks", {"prompt": f"run echo {n} >> {ran}\nsay {n}"})) for n in range(8)
    ]
    async with asyncio.timeout(60):
        while not ran.exists() or "ran" not in ran.read_text():
            await asyncio.sleep(0.1)
    await stack.api.kill()
    assert "running" == (await alice.call("GET", f"{alice.base}/tasks/{first}"))["status"]
    go.touch()
    done = await until(alice, first, "succeeded", "failed", "cancelled")
    assert ("succeeded", 1, "TASK_TOKEN=a-secret-of-tasks") == (done["status"], done["attempt"], done["result"]), done
    for number, other in enumerate(others):
        found = await until(alice, other["taskId"], "succeeded", "failed", "cancelled")
        assert ("succeeded", 1, str(number)) == (found["status"], found["attempt"], found["result"]), found
    assert sorted(["ran", *map(str, range(8))]) == sorted(ran.read_text().split())
    assert alice.uid == ran.stat().st_uid
    for daemon in (stack.api, stack.hostd):
        assert "a-secret-of-tasks" not in daemon.log.read_text()


async def test_a_schedule_that_was_due_while_api_was_away_runs_once(stack: Stack, alice: Tenant) -> None:
    body = {"name": "yearly", "cron": "0 0 1 1 *", "task": {"prompt": "say hello"}, "missed": "once"}
    made = await alice.call("POST", f"{alice.base}/schedules", body)
    stack.api.stop(signal.SIGKILL)
    due = time.time() - 3600  # as if it had been away since then
    with contextlib.closing(sqlite3.connect(stack.state / "api/store.sqlite")) as store, store:
        store.execute("UPDATE schedules SET next = ? WHERE id = ?", (due, made["scheduleId"]))
    await stack.api.start()

    async def tasks() -> list[Any]:
        return [task for task in await alice.items(f"{alice.base}/tasks") if task["scheduleId"] == made["scheduleId"]]

    async with asyncio.timeout(30):
        while not (found := await tasks()):
            await asyncio.sleep(0.1)
    assert "succeeded" == (await until(alice, found[0]["taskId"], "succeeded", "failed"))["status"]
    await stack.api.kill()
    shown = await alice.call("GET", f"{alice.base}/schedules/{made['scheduleId']}")
    assert made["nextRunAt"] == shown["nextRunAt"]
    assert found[0]["fireAt"] == shown["lastRunAt"]
    assert 1 == len(await tasks())
