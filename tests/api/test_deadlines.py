"""What views and heartbeats tell of deadlines, whatever a guest says."""

import asyncio
from pathlib import Path

import pytest

from api.deadlines import FRESH
from shared.config import Guests as Settings
from shared.guestwire.deadlines import Deadlines, GetDeadlines
from shared.guestwire.terminals import Attached, AttachTerminal, GetTerminal
from shared.ids import new_session_id, new_terminal_id
from shared.link import Link
from shared.rooms import TerminalInfo, TerminalStatus
from tests.api.peers import Conversation, requests, welcome
from tests.api.rooms import Room, serving_rooms


async def test_a_workspace_tells_when_it_is_shut_down_and_starts_no_guest_for_that(tmp_path: Path) -> None:
    async with serving_rooms(tmp_path, Settings(session_idle=1000)) as rooms:
        room = await rooms.room()
        assert None is (await room.call("GET", room.base, status=200))["shutdownDeadline"]
        assert {} == rooms.guests
        session = await room.session()
        path = f"{room.base}/sessions/{session}"
        assert None is (await room.call("GET", path, status=200))["shutdownDeadline"]
        terminal = await room.terminal(session, "sleep", "1000")
        told = [
            (await room.call("GET", where, status=200))["shutdownDeadline"] for where in (path, f"/api/terminals/{terminal}")
        ]
        assert told[0] == told[1]
        async with asyncio.timeout(10):  # that nothing runs is remembered for a moment
            while not (shown := (await room.call("GET", room.base, status=200))["shutdownDeadline"]):
                await asyncio.sleep(0.1)
        assert told[0] == shown
        async with room.connect(terminal) as ws:
            await ws.send_json({"type": "ping"})
            async with asyncio.timeout(10):
                while (pong := await ws.receive_json())["type"] != "pong":
                    pass
            assert pong["shutdownDeadline"] >= told[0]
            again = await room.call("GET", path, status=200)
            assert again["shutdownDeadline"] == pong["shutdownDeadline"], "a ping is no use"


@pytest.mark.parametrize("told", ["nonsense", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00"])
async def test_a_guest_that_tells_nonsense_does_not_spoil_the_workspace_s_view(tmp_path: Path, told: str) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            assert isinstance(request, GetDeadlines)
            await link.send(Deadlines(id=request.id, running=told, deletion=None))

    async with serving_rooms(tmp_path) as rooms:
        room: Room = await rooms.hostile(talk)
        assert None is (await room.call("GET", room.base, status=200))["shutdownDeadline"]


async def test_a_guest_that_is_silent_does_not_hold_the_workspace_s_view_up(tmp_path: Path) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for _ in requests(link):
            pass

    async with serving_rooms(tmp_path) as rooms:
        room = await rooms.hostile(talk)
        async with asyncio.timeout(5):
            assert None is (await room.call("GET", room.base, status=200))["shutdownDeadline"]


async def test_a_workspace_s_guest_is_asked_once_in_a_while(tmp_path: Path) -> None:
    asked = []

    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            asked.append(request)
            await link.send(Deadlines(id=request.id, running="2126-01-01T00:00:00.000Z", deletion=None))

    async with serving_rooms(tmp_path) as rooms:
        room = await rooms.hostile(talk)
        clock = asyncio.get_running_loop().time
        began = clock()
        shown = await asyncio.gather(*(room.call("GET", room.base, status=200) for _ in range(50)))
        assert {"2126-01-01T00:00:00Z"} == {view["shutdownDeadline"] for view in shown}
        assert len(asked) <= 1 + (clock() - began) / FRESH


def terminal(told: str | None) -> Conversation:
    """A guest with one terminal that ends when it says; None: it does not say."""

    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            if isinstance(request, AttachTerminal):
                await link.send(Attached(id=request.id, seq=0, columns=80, rows=24, viewers=1))
            elif isinstance(request, GetTerminal) and told:
                info = TerminalInfo(
                    id=request.id,
                    terminal=request.terminal,
                    session=new_session_id(),
                    worktree=None,
                    status=TerminalStatus.RUNNING,
                    pid=1,
                    columns=80,
                    rows=24,
                    viewers=1,
                    created="2026-01-01T00:00:00.000Z",
                    command=[],
                    seq=0,
                    deadline=told,
                )
                await link.send(info)

    return talk


@pytest.mark.parametrize(
    ("told", "shown"), [("2126-01-01T00:00:00.000Z", "2126-01-01T00:00:00Z"), ("nonsense", None), (None, None)]
)
async def test_a_ping_is_answered_whatever_the_guest_says(tmp_path: Path, told: str | None, shown: str | None) -> None:
    async with serving_rooms(tmp_path) as rooms:
        room = await rooms.hostile(terminal(told))
        async with room.connect(new_terminal_id()) as ws, asyncio.timeout(5):
            assert "ready" == (await ws.receive_json())["type"]
            for _ in range(3):
                await ws.send_json({"type": "ping"})
                assert (await ws.receive_json())["shutdownDeadline"] == shown
