import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from api.bus import Event
from api.routes import events as module
from api.workspaces import WorkspaceStatus
from shared.guestwire.terminals import Output
from shared.link import Link
from shared.messages import Done
from shared.rooms import Sessions, Terminals
from tests.api.peers import requests, welcome
from tests.api.rooms import Room, Rooms


class Stream:
    """The events that a client gets."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply
        self.seen: list[tuple[str, dict[str, Any]]] = []

    async def next(self) -> tuple[str, dict[str, Any]]:
        name = data = ""
        async with asyncio.timeout(20):
            while True:
                raw = await self._reply.content.readline()
                if not raw:
                    raise ConnectionError("the stream has ended")
                field, _, value = raw.decode().strip().partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data += value
                elif name and not field:
                    self.seen.append((name, json.loads(data)))
                    return self.seen[-1]

    async def until(self, event: str, **fields: object) -> dict[str, Any]:
        """The next event of that name with these fields."""
        while True:
            got, data = await self.next()
            if got == event and all(data[field] == value for field, value in fields.items()):
                return data


@asynccontextmanager
async def following(room: Room) -> AsyncIterator[Stream]:
    async with room.rooms.http.get("/api/events", headers=room.headers) as reply:
        assert (reply.status, reply.content_type) == (200, "text/event-stream")
        yield Stream(reply)


async def test_what_happens_in_a_workspace_is_told_from_the_first_start_of_its_guest(rooms: Rooms, room: Room) -> None:
    async with following(room) as stream:
        await asyncio.sleep(0.1)
        assert rooms.guests == {}
        session = await room.session(name="first")
        await stream.until("session", sessionId=session, status="ready")
        terminal = await room.terminal(session, "/bin/cat")
        assert (await stream.until("terminal", terminalId=terminal))["workspaceId"] == room.workspace
        await room.call("DELETE", f"/api/terminals/{terminal}", status=204)
        await stream.until("terminalClosed", terminalId=terminal, workspaceId=room.workspace)
        await room.call("DELETE", f"{room.base}/sessions/{session}", status=204)
        await stream.until("sessionDeleted", sessionId=session, workspaceId=room.workspace)


async def test_a_stream_begins_with_what_there_is(room: Room) -> None:
    session = await room.session()
    terminal = await room.terminal(session, "/bin/cat")
    async with following(room) as stream:
        await stream.until("session", sessionId=session)
        await stream.until("terminal", terminalId=terminal)


async def test_a_stream_goes_on_over_the_lives_of_a_guest(rooms: Rooms, room: Room) -> None:
    session = await room.session(name="before")
    async with following(room) as stream:
        await stream.until("session", sessionId=session)
        await rooms.guests[room.workspace].stop(signal.SIGTERM)
        del rooms.hostd.guests[room.workspace]
        await room.call("PATCH", f"{room.base}/sessions/{session}", {"name": "after"}, status=200)
        await stream.until("session", name="after")


async def test_nothing_of_another_workspace_is_told(rooms: Rooms, room: Room) -> None:
    other = await rooms.room()
    async with following(room) as mine, following(other) as theirs:
        bus = rooms.services.bus
        session = await other.session(name="secret")
        await theirs.until("session", sessionId=session)
        bus.publish(Event(other.workspace, "workspace", {"workspaceId": other.workspace}))
        bus.publish(Event(room.workspace, "workspace", {"workspaceId": room.workspace}))
        await theirs.until("workspace")
        await mine.until("workspace")
        assert mine.seen == [("workspace", {"workspaceId": room.workspace})]
        assert all(data["workspaceId"] == other.workspace for _, data in theirs.seen)


async def test_a_token_that_is_revoked_ends_the_stream(rooms: Rooms, room: Room) -> None:
    async with following(room) as stream:
        rooms.services.live.revoke_workspace(room.workspace)
        try:
            await stream.next()
        except ConnectionError:
            return
        raise AssertionError("the stream went on")


async def test_a_stream_needs_the_token_of_a_workspace(rooms: Rooms) -> None:
    async with rooms.http.get("/api/events") as reply:
        assert reply.status == 401
    grant = await rooms.services.tokens.grant_admin()
    async with rooms.http.get("/api/events", headers={"Authorization": f"Bearer {grant.access.reveal()}"}) as reply:
        assert reply.status == 403


async def test_a_guest_that_sends_nonsense_is_left_alone_for_a_while_and_the_stream_stays(rooms: Rooms) -> None:
    watched = 0

    async def talk(link: Link) -> None:
        nonlocal watched
        await welcome(link)
        async for request in requests(link):
            match type(request).__name__:
                case "Watch":
                    watched += 1
                    await link.send(Done(id=request.id))
                    await link.send(Output(seq=0, data=b"x"))
                case "ListSessions":
                    await link.send(Sessions(id=request.id, items=[]))
                case _:
                    await link.send(Terminals(id=request.id, items=[]))

    room = await rooms.hostile(talk)
    async with following(room) as stream:
        await asyncio.sleep(2.5 * module._FIRST_PAUSE)
        rooms.services.bus.publish(Event(room.workspace, "workspace", {}))
        await stream.until("workspace")
    assert 1 <= watched <= 3


async def test_the_status_of_the_workspace_is_told(rooms: Rooms, room: Room) -> None:
    rows = rooms.services.workspaces
    async with rows.lock(room.workspace):
        await rows.change(room.workspace, status=WorkspaceStatus.ERROR, error_reason="no")
    async with following(room) as stream:
        await rooms.services.provisioner.retry(room.workspace)
        told = await stream.until("workspace")
        assert told == {"workspaceId": room.workspace, "status": "provisioning", "errorReason": None}
        assert (await stream.until("workspace", status="error"))["errorReason"]
