"""Schedules over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest

from shared.ids import new_schedule_id
from shared.turns import PROMPT_MAX
from tests.api.rooms import Room, Rooms

TASK = {"prompt": "say x"}


async def make(room: Room, *, status: int = 201, **body: object) -> Any:  # noqa: ANN401  # JSON
    given = {"name": "nightly", "cron": "30 2 * * *", "task": TASK, **body}
    return await room.call("POST", f"{room.base}/schedules", given, status=status)


@pytest.fixture
async def loops(rooms: Rooms) -> AsyncIterator[None]:
    """What the server runs beside its requests."""
    tasks = [asyncio.create_task(rooms.services.runner.run()), asyncio.create_task(rooms.services.scheduler.run())]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_schedule_is_made_shown_changed_and_deleted(rooms: Rooms, room: Room) -> None:
    made = await make(room, timezone="Europe/Berlin", missed="once")
    path = f"{room.base}/schedules/{made['scheduleId']}"
    assert ("nightly", "Europe/Berlin", "once", True, None) == tuple(
        made[name] for name in ("name", "timezone", "missed", "enabled", "lastRunAt")
    )
    assert datetime.fromisoformat(made["nextRunAt"]).minute == 30
    assert "say x" == made["task"]["prompt"]
    async with rooms.http.get(path, headers=room.headers) as reply:
        assert made == await reply.json()
        etag = reply.headers["ETag"]
    changed = await room.call("PATCH", path, {"enabled": False, "name": "off"}, status=200, If_Match=etag)
    assert (False, None, "off", "30 2 * * *") == tuple(changed[name] for name in ("enabled", "nextRunAt", "name", "cron"))
    await room.call("PATCH", path, {"name": "late"}, status=412, If_Match=etag)
    assert {"items": [changed]} == await room.call("GET", f"{room.base}/schedules", status=200)
    await room.call("DELETE", path, status=204)
    for method in ("GET", "DELETE"):
        await room.call(method, path, status=404)


async def test_two_who_change_it_at_once_do_not_undo_each_other(room: Room) -> None:
    made = await make(room)
    path = f"{room.base}/schedules/{made['scheduleId']}"
    replies = await asyncio.gather(*(_patch(room, path, {"name": str(number)}) for number in range(10)))
    assert {200, 412} >= set(replies)
    assert replies.count(200) >= 1


async def _patch(room: Room, path: str, body: object) -> int:
    async with room.rooms.http.patch(path, json=body, headers={**room.headers, "If-Match": '"1"'}) as reply:
        return reply.status


@pytest.mark.usefixtures("loops")
async def test_it_is_run_by_hand_and_by_the_clock(rooms: Rooms, room: Room) -> None:
    made = await make(room, enabled=False)
    path = f"{room.base}/schedules/{made['scheduleId']}"
    ran = [await room.call("POST", f"{path}/run", status=201, Idempotency_Key="k") for _ in range(2)]
    assert ran[0] == ran[1]
    assert (made["scheduleId"], None) == (ran[0]["scheduleId"], ran[0]["fireAt"])
    rooms.services.schedules.clock = lambda: datetime.fromisoformat("2026-01-01T00:00:00+00:00").timestamp()
    await room.call("PATCH", path, {"cron": "0 0 1 1 *", "enabled": True}, status=200)
    rooms.services.schedules.clock = lambda: datetime.fromisoformat("2027-01-01T00:00:01+00:00").timestamp()
    rooms.services.scheduler.wake()
    async with asyncio.timeout(20):
        while ["succeeded"] * 2 != [task["status"] for task in await _tasks(room)]:
            await asyncio.sleep(0.02)
    tasks = await _tasks(room)
    assert ["2027-01-01T00:00:00Z", None] == [task["fireAt"] for task in tasks]
    shown = await room.call("GET", path, status=200)
    assert ("2028-01-01T00:00:00Z", "2027-01-01T00:00:00Z") == (shown["nextRunAt"], shown["lastRunAt"])
    await room.call("DELETE", path, status=204)
    assert 2 == len(await _tasks(room)), "its tasks stay"


async def _tasks(room: Room) -> list[Any]:
    return list((await room.call("GET", f"{room.base}/tasks", status=200))["items"])


@pytest.mark.usefixtures("loops")
async def test_no_guest_is_started_for_a_schedule_that_waits(rooms: Rooms, room: Room) -> None:
    await make(room)
    assert {} == rooms.guests
    assert [] == rooms.hostd.entered


async def test_a_workspace_has_so_many(rooms: Rooms, room: Room) -> None:
    rooms.services.schedules._limit = 2
    await make(room)
    await make(room)
    assert "at most 2" in (await make(room, status=409))["detail"]
    await make(await rooms.room())


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"cron": "x"}, "/cron"),
        ({"cron": "0 0 31 2 *"}, "/cron"),
        ({"cron": "* * * * * *"}, "/cron"),
        ({"cron": "*" * 201}, "/cron"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"name": ""}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"missed": "all"}, "/missed"),
        ({"task": {}}, "/task"),
        ({"task": {"prompt": "x", "notBefore": "2026-01-01T00:00:00Z"}}, "/task/notBefore"),
        ({"task": {"prompt": "x", "ref": "main"}}, "/task/ref"),
        ({"task": {"prompt": "x", "timeout": 1e9}}, "/task/timeout"),
        ({"enabled": 1}, "/enabled"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_is_refused_when_it_is_made_and_when_it_is_changed(
    room: Room, body: dict[str, object], pointer: str
) -> None:
    made = await make(room)
    problem = await make(room, status=422, **body)
    assert pointer == problem["errors"][0]["pointer"], problem
    path = f"{room.base}/schedules/{made['scheduleId']}"
    problem = await room.call("PATCH", path, body, status=422)
    assert pointer == problem["errors"][0]["pointer"], problem
    assert made == await room.call("GET", path, status=200)


async def test_a_prompt_that_is_too_long_is_refused(room: Room) -> None:
    assert "too_large" == (await make(room, status=413, task={"prompt": "x" * (PROMPT_MAX + 1)}))["code"]


async def test_anothers_are_not_there(rooms: Rooms, room: Room) -> None:
    made = (await make(room))["scheduleId"]
    other = await rooms.room()
    for base in (room.base, other.base):
        for method, verb in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/run")):
            body: object = {} if method == "PATCH" else None
            await other.call(method, f"{base}/schedules/{made}{verb}", body, status=404)
    await other.call("GET", f"{room.base}/schedules", status=404)
    await other.call("POST", f"{room.base}/schedules", {"name": "x", "cron": "* * * * *", "task": TASK}, status=404)
    await other.call("GET", f"{other.base}/schedules/{new_schedule_id()}", status=404)
