"""Turns over HTTP with a real guest and an agent that is a real program."""

import asyncio
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.api.rooms import Room, Rooms
from tests.api.ssestream import Stream, following


class Work:
    """A session in which an agent works."""

    def __init__(self, room: Room, session: str) -> None:
        self.room = room
        self.base = f"{room.base}/sessions/{session}"

    async def prompt(self, *script: str, wait: int = 0, **body: object) -> Any:  # noqa: ANN401  # JSON
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        return await self.room.call("POST", f"{self.base}/prompt", {"text": "\n".join(script), **body}, status=201, **headers)

    async def page(self, after: int = 0) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        while True:
            page = await self.room.call("GET", f"{self.base}/events?limit=500&after={after}", status=200)
            items += page["items"]
            if not page["items"]:
                assert after == page["last"]
                return items
            after = items[-1]["seq"]


@pytest.fixture
async def work(room: Room) -> Work:
    return Work(room, await room.session())


def text_of(events: list[dict[str, Any]], turn: str) -> str:
    return "".join(event["text"] for event in events if event["type"] == "message" and event["turnId"] == turn)


async def until_end(stream: Stream, turn: str) -> list[dict[str, Any]]:
    while True:
        _, event = await stream.next()
        if event["type"] == "turnEnded" and event["turnId"] == turn:
            return [data for _, data in stream.seen]


async def test_a_turn_tells_what_it_has_changed(work: Work) -> None:
    made = await work.prompt("edit new.py one", "edit other x", wait=30)
    path = f"{work.base}/turns/{made['turnId']}/diff"
    found = await work.room.call("GET", path, status=200)
    assert ["new.py", "other"] == [file["path"] for file in found["files"]]
    assert {"path": "other", "original": None, "added": 1, "removed": 0} == found["files"][1]
    assert not found["truncated"]
    scoped = await work.room.call("GET", f"{path}?path=new.py&context=0", status=200)
    assert ["new.py"] == [file["path"] for file in scoped["files"]]
    assert "+one" in scoped["patch"]
    for query in ("context=101", "context=-1", "path=%00", "worktree=x"):
        await work.room.call("GET", f"{path}?{query}", status=422)
    await work.room.call("GET", f"{work.base}/turns/tn{'0' * 24}/diff", status=404)


async def test_without_a_snapshot_the_diff_is_a_conflict(rooms: Rooms, work: Work) -> None:
    made = await work.prompt("say hello", wait=30)
    session = work.base.rpartition("/")[2]
    folder = rooms.guests[work.room.workspace].home / "vibecoder_workspace" / "sessions" / session / "snapshots"
    shutil.rmtree(folder)
    problem = await work.room.call("GET", f"{work.base}/turns/{made['turnId']}/diff", status=409)
    assert "conflict" == problem["code"]
    assert "snapshot" in problem["detail"]


async def test_a_prompt_is_answered_and_all_of_it_is_in_the_log(work: Work) -> None:
    made = await work.prompt("say hello", "tool read Look", "usage 10 5", wait=30)
    assert (made["status"], made["stopReason"], made["agent"]) == ("completed", "end_turn", "fake")
    events = await work.page()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {"turnStarted", "message", "toolCall", "turnEnded"} <= {event["type"] for event in events}
    assert text_of(events, made["turnId"]).startswith("hello")
    listed = await work.room.call("GET", f"{work.base}/turns", status=200)
    assert [turn["turnId"] for turn in listed["items"]] == [made["turnId"]]
    (agent,) = (await work.room.call("GET", f"{work.base}/agents", status=200))["items"]
    assert (agent["agent"], agent["running"], agent["turnId"]) == ("fake", True, None)
    usage = await work.room.call("GET", f"{work.room.base}/usage", status=200)
    assert (usage["total"]["input"], usage["total"]["turns"]) == (10, 1)
    (session,) = (await work.room.call("GET", f"{work.room.base}/sessions", status=200))["items"]
    assert (session["usage"]["input"], session["usage"]["output"], session["usage"]["cost"]) == (10, 5, None)
    await work.room.rooms.guests[work.room.workspace].stop()
    del work.room.rooms.hostd.guests[work.room.workspace]
    assert (await work.room.call("GET", work.base, status=200))["usage"] == session["usage"]


async def test_a_permission_is_asked_over_both_streams_and_answered_once(work: Work) -> None:
    async with following(work.room) as feed, following(work.room, f"{work.base}/events") as log:
        await feed.until("ready")
        made = await work.prompt("ask echo done")
        asked = await feed.until("permission", waiting=True)
        assert asked["turnId"] == made["turnId"]
        allow = next(option["id"] for option in asked["options"] if option["kind"] == "allow_once")
        path = f"{work.base}/permissions/{asked['permissionId']}"
        await work.room.call("POST", path, {"optionId": allow}, status=200)
        await work.room.call("POST", path, {"outcome": "deny"}, status=409)
        await feed.until("permission", permissionId=asked["permissionId"], waiting=False, answeredBy="user")
        await feed.until("turn", turnId=made["turnId"], status="completed")
        kinds = [event["type"] for event in await until_end(log, made["turnId"])]
        assert kinds.index("permissionAsked") < kinds.index("permissionAnswered") < kinds.index("turnEnded")


async def test_a_cancel_ends_the_turn(work: Work) -> None:
    made = await work.prompt("say begun", "delay 600")
    cancelled = await work.room.call("POST", f"{work.base}/cancel", status=200)
    assert [turn["turnId"] for turn in cancelled["items"]] == [made["turnId"]]
    ended = await work.room.call("GET", f"{work.base}/turns/{made['turnId']}", status=200, Prefer="wait=30")
    assert ended["status"] == "cancelled"


async def test_a_guest_killed_in_mid_turn_loses_and_doubles_nothing_and_is_started_by_who_follows(
    rooms: Rooms, work: Work
) -> None:
    async with following(work.room) as feed, following(work.room, f"{work.base}/events") as log:
        await feed.until("ready")
        made = await work.prompt("count 20", "delay 600")
        waiting = asyncio.create_task(
            work.room.call("GET", f"{work.base}/turns/{made['turnId']}", status=200, Prefer="wait=30")
        )
        while not any(data["type"] == "message" for _, data in log.seen):
            await log.next()
        await rooms.guests[work.room.workspace].stop(signal.SIGKILL)
        del rooms.hostd.guests[work.room.workspace]
        events = await until_end(log, made["turnId"])
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert events[-1]["status"] == "failed"
        assert (await waiting)["status"] == "failed"
        await feed.until("turn", turnId=made["turnId"], status="failed")
    assert events == await work.page()
    again = await work.prompt("history", wait=30)
    assert again["status"] == "completed"
    assert "count 20" in text_of(await work.page(), again["turnId"])


async def test_fifty_turns_at_once_lose_nothing(room: Room) -> None:
    works = [Work(room, await room.session()) for _ in range(50)]

    async def one(work: Work) -> None:
        async with following(work.room, f"{work.base}/events") as stream:
            made = await work.prompt("count 100")
            events = await until_end(stream, made["turnId"])
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            assert text_of(events, made["turnId"]).split() == [str(number) for number in range(1, 101)]

    await asyncio.gather(*(one(work) for work in works))


async def test_a_budget_that_is_used_up_refuses_a_turn(work: Work) -> None:
    services = work.room.rooms.services
    await services.workspaces.limit(work.room.workspace, 1.0, None)
    assert (await work.prompt("cost 2.5", wait=30))["usage"]["cost"] == 2.5
    problem = await work.room.call("POST", f"{work.base}/prompt", {"text": "more"}, status=402)
    assert (problem["code"], problem["type"]) == ("budget", "urn:hostel:problem:budget")
    await services.workspaces.limit(work.room.workspace, 100.0, 100.0)
    await work.prompt("say again", wait=30)


async def test_an_event_of_an_agent_reaches_a_follower_quickly(work: Work, tmp_path: Path) -> None:
    async with following(work.room, f"{work.base}/events") as stream:
        files = [tmp_path / f"go{number}" for number in range(40)]
        made = await work.prompt(*(line for file in files for line in (f"wait {file}", f"say {file.name}")))
        took = []
        for file in files:
            began = time.perf_counter()
            file.touch()
            while stream.seen[-1:] == [] or stream.seen[-1][1].get("text") != file.name:
                await stream.next()
            took.append(time.perf_counter() - began)
        await until_end(stream, made["turnId"])
    assert sorted(took)[len(took) // 2] < 0.25, took


async def test_an_agent_is_ended_by_who_wants_its_conversation_elsewhere(work: Work) -> None:
    path = f"{work.base}/agents/fake"
    await work.room.call("DELETE", path, status=404)
    go = work.room.rooms.folder / "go"
    made = await work.prompt("say one", f"wait {go}")
    await work.room.call("DELETE", path, status=409)
    go.touch()
    assert (await work.room.call("GET", f"{work.base}/turns/{made['turnId']}", status=200, Prefer="wait=20"))[
        "status"
    ] == "completed"
    await work.room.call("DELETE", path, status=204)
    (agent,) = (await work.room.call("GET", f"{work.base}/agents", status=200))["items"]
    assert not agent["running"]
    after = await work.prompt("history", wait=20)
    assert "say one" in text_of(await work.page(), after["turnId"])
