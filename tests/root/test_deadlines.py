"""Deadlines on a whole hostel: warnings over SSE, use that extends, turns in peace, and deletion while no guest runs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.stack import Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

IDLE = 4
WITHIN = 40.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """Sessions end soon; nothing is deleted yet."""
    async with Stack({"guest": {"session_idle": IDLE, "deadline_warning": 2, "idle_timeout": 1}}) as running:
        yield running


class Events:
    """`GET /api/events`."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply

    async def until(self, name: str, session: str) -> Any:  # noqa: ANN401  # JSON
        """The data of the next event of that name about that session."""
        event = ""
        async with asyncio.timeout(WITHIN):
            async for line in self._reply.content:
                field, _, value = line.decode().rstrip("\r\n").partition(": ")
                if field == "event":
                    event = value
                elif field == "data" and event == name and (data := json.loads(value)).get("sessionId") == session:
                    return data
        raise AssertionError("the stream ended")


@asynccontextmanager
async def following(tenant: Tenant) -> AsyncIterator[Events]:
    async with tenant.stack.http.get("/api/events", headers=tenant.headers) as reply:
        assert 200 == reply.status
        yield Events(reply)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def guest_is_gone(tenant: Tenant) -> None:
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                _ = tenant.guest_pid
            except AssertionError:
                return
            await asyncio.sleep(0.05)


async def is_gone(path: Path) -> None:
    async with asyncio.timeout(WITHIN):
        while path.exists():
            await asyncio.sleep(0.05)


async def test_an_idle_session_is_warned_over_sse_and_its_terminals_end(alice: Tenant) -> None:
    session = await alice.session()
    async with following(alice) as events:
        terminal = await alice.terminal(session)
        view = await alice.call("GET", f"{alice.base}/sessions/{session}")
        near = await events.until("deadline", session)
        assert ("idle", view["shutdownDeadline"]) == (near["kind"], near["deadline"])
        ended = await events.until("session", session)
        assert None is ended["shutdownDeadline"]
        assert datetime.now(UTC) >= moment(near["deadline"])
    await alice.call("GET", f"/api/terminals/{terminal}", status=404)
    await guest_is_gone(alice)
    assert None is (await alice.call("GET", alice.base))["shutdownDeadline"]
    assert "ready" == (await alice.call("GET", f"{alice.base}/sessions/{session}"))["status"]


async def test_input_extends_and_a_ping_does_not(alice: Tenant) -> None:
    session = await alice.session()
    terminal = await alice.terminal(session, command=["cat"])

    async def told() -> datetime:
        await view.say(type="ping")
        pongs = sum(control["type"] == "pong" for control in view.control)
        await view.until(lambda: sum(control["type"] == "pong" for control in view.control) > pongs)
        return moment(view.control[-1]["shutdownDeadline"])

    async with alice.attach(terminal) as view:
        first = await told()
        async with following(alice) as events:
            near = await events.until("deadline", session)
        assert first == moment(near["deadline"])
        await view.type("x\n")
        await view.see("x")
        with pytest.raises(ConnectionError):
            while True:
                latest = await told()
                await asyncio.sleep(0.2)
    assert latest > first
    assert (datetime.now(UTC) - latest).total_seconds() < 3


async def test_who_only_watches_extends_nothing(alice: Tenant) -> None:
    key = (await alice.call("POST", f"{alice.base}/keys", {"name": "watcher", "rank": "viewer"}, status=201))["key"]
    watcher = Tenant(alice.stack, key, alice.workspace, "", "")
    session = await alice.session()
    async with following(alice) as events:
        terminal = await alice.terminal(session, command=["cat"])
        first = (await alice.call("GET", f"{alice.base}/sessions/{session}"))["shutdownDeadline"]
        async with watcher.attach(terminal) as view:
            await view.type("x\n")
            await view.until(lambda: view.control[-1]["type"] == "error")
            assert "forbidden" == view.control[-1]["code"]
            assert first == (await events.until("deadline", session))["deadline"]
            with pytest.raises(ConnectionError):
                await view.until(lambda: False, WITHIN)


async def test_a_turn_is_not_disturbed_and_then_the_warning_s_time_is_given(alice: Tenant) -> None:
    session = await alice.session()
    body = {"text": f"delay {IDLE + 3}\nsay done"}
    async with following(alice) as events:
        turn = await alice.call("POST", f"{alice.base}/sessions/{session}/prompt", body, status=201)
        near = await events.until("deadline", session)
    path = f"{alice.base}/sessions/{session}/turns/{turn['turnId']}"
    done = await alice.call("GET", path)
    assert "completed" == done["status"]
    assert (moment(near["deadline"]) - moment(done["endedAt"])).total_seconds() >= IDLE - 0.5


async def test_sessions_are_deleted_while_no_guest_runs_also_over_a_restart_of_api(alice: Tenant, stack: Stack) -> None:
    """The settings change: sessions that were made before them go as well."""
    old = await alice.session()
    await guest_is_gone(alice)
    stack.configure(guest={"session_retention": 3, "deadline_warning": 1, "idle_timeout": 0.5})
    await stack.hostd.restart()
    await stack.api.restart()
    sessions = alice.home / "vibecoder_workspace/sessions"
    await is_gone(sessions / old)
    await guest_is_gone(alice)
    new = await alice.session()
    await guest_is_gone(alice)
    assert (sessions / new).exists()
    await stack.api.kill()
    await is_gone(sessions / new)
    await guest_is_gone(alice)
    assert [] == await alice.items(f"{alice.base}/sessions")
