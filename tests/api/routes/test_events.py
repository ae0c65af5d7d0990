import asyncio
import signal
from typing import Any

import pytest
from msgspec.structs import replace

from api.auth import Target
from api.schema import View
from api.streams import watches as module
from api.streams.feeds import EVENTS_MAX
from api.streams.followers import RUNNING_MAX
from api.streams.news import DeletedSessionView
from api.views import workspace_status_view
from api.workspaces import WorkspaceStatus
from shared.guestwire.terminals import Output
from shared.guestwire.watch import (
    DeadlineKind,
    DeadlineNear,
    PermissionChanged,
    SessionChanged,
    SessionDeleted,
    TerminalChanged,
    TerminalClosed,
    TranscriptChanged,
    TurnChanged,
)
from shared.ids import new_session_id, new_terminal_id, new_turn_id
from shared.link import Link
from shared.messages import Done, Message
from shared.rooms import Sessions, TerminalInfo, Terminals, TerminalStatus
from shared.transcripts import TranscriptInfo
from shared.turns import TurnInfo, TurnStatus, Usage
from tests.api.peers import requests, welcome
from tests.api.rooms import Room, Rooms
from tests.api.ssestream import following
from tests.api.turnguest import MOMENT, TurnGuest


@pytest.fixture
async def guest(rooms: Rooms) -> TurnGuest:
    made = TurnGuest()
    await made.serve(rooms)
    return made


class Word(View, frozen=True):
    """Something about a workspace."""

    workspace_id: str


def turn(guest: TurnGuest, status: TurnStatus = TurnStatus.RUNNING) -> TurnInfo:
    info = TurnInfo(
        turn=new_turn_id(),
        session=guest.session,
        agent="claude",
        worktree=None,
        status=status,
        excerpt="x",
        started=MOMENT,
        first=1,
    )
    guest.turns[info.turn] = info
    return info


def terminal(session: str, terminal_id: str = "") -> TerminalInfo:
    return TerminalInfo(
        terminal=terminal_id or new_terminal_id(),
        session=session,
        worktree=None,
        status=TerminalStatus.RUNNING,
        pid=1,
        columns=80,
        rows=24,
        viewers=0,
        created=MOMENT,
        command=[],
        seq=0,
    )


async def watched(guest: TurnGuest) -> None:
    """Wait until the guest is watched."""
    async with asyncio.timeout(10):
        while not guest.watchers:
            await asyncio.sleep(0.01)


async def test_what_happens_in_a_workspace_is_told_from_the_first_start_of_its_guest(rooms: Rooms, room: Room) -> None:
    async with following(room) as stream:
        await stream.until("ready")
        assert rooms.guests == {}
        session = await room.session(name="first")
        await stream.until("session", sessionId=session, status="ready")
        made = await room.terminal(session, "/bin/cat")
        assert (await stream.until("terminal", terminalId=made))["workspaceId"] == room.workspace
        await room.call("DELETE", f"/api/terminals/{made}", status=204)
        await stream.until("terminalClosed", terminalId=made, workspaceId=room.workspace)
        await room.call("DELETE", f"{room.base}/sessions/{session}", status=204)
        await stream.until("sessionDeleted", sessionId=session, workspaceId=room.workspace)


async def test_a_stream_goes_on_over_the_lives_of_a_guest(rooms: Rooms, room: Room) -> None:
    session = await room.session(name="before")
    made = await room.terminal(session, "/bin/cat")
    async with following(room) as stream:
        await stream.until("session", sessionId=session)
        await rooms.guests[room.workspace].stop(signal.SIGTERM)
        del rooms.hostd.guests[room.workspace]
        await stream.until("terminalClosed", terminalId=made)
        await room.call("PATCH", f"{room.base}/sessions/{session}", {"name": "after"}, status=200)
        await stream.until("session", name="after")


async def test_a_stream_begins_with_how_things_are(guest: TurnGuest) -> None:
    running, _ = turn(guest), turn(guest, TurnStatus.COMPLETED)
    asked = guest.ask(running.turn)
    guest.terminals = [terminal(guest.session)]
    async with following(guest.room) as early:
        await early.until("permission", permissionId=asked.permission, waiting=True)
        async with following(guest.room) as stream:
            await stream.until("ready")
            assert [name for name, _ in stream.seen] == ["workspace", "session", "terminal", "turn", "permission", "ready"]
            assert stream.seen[3][1]["turnId"] == running.turn
        assert len(guest.watchers) == 1


async def test_every_kind_of_change_is_told(guest: TurnGuest) -> None:
    running = turn(guest)
    asked = guest.ask(running.turn)
    closed = new_terminal_id()
    grown = TranscriptInfo(
        transcript=f"tr{'0' * 24}",
        agent="claude",
        native="n",
        title="what",
        started=MOMENT,
        updated=MOMENT,
        size=1,
        usage=Usage(),
    )
    changes: list[tuple[Message, str, dict[str, Any]]] = [
        (SessionChanged(guest.info()), "session", {"sessionId": guest.session}),
        (TerminalChanged(terminal(guest.session, closed)), "terminal", {"terminalId": closed}),
        (TerminalClosed(closed), "terminalClosed", {"terminalId": closed}),
        (TurnChanged(running), "turn", {"turnId": running.turn, "status": "running"}),
        (PermissionChanged(asked), "permission", {"permissionId": asked.permission, "waiting": True}),
        (TurnChanged(replace(running, status=TurnStatus.FAILED)), "turn", {"turnId": running.turn, "status": "failed"}),
        (DeadlineNear(guest.session, DeadlineKind.IDLE, MOMENT), "deadline", {"sessionId": guest.session, "kind": "idle"}),
        (DeadlineNear(None, DeadlineKind.LIFETIME, MOMENT), "deadline", {"sessionId": None}),
        (TranscriptChanged(grown), "transcript", {"transcriptId": grown.transcript, "title": "what"}),
        (SessionDeleted(guest.session), "sessionDeleted", {"sessionId": guest.session}),
    ]
    guest.turns, guest.permissions = {}, {}
    async with following(guest.room) as stream:
        await stream.until("ready")
        await watched(guest)
        for message, name, fields in changes:
            if not (isinstance(message, SessionChanged)):  # it is known to be so
                await guest.tell(message)
                assert (await stream.until(name, **fields))["workspaceId"] == guest.room.workspace


async def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(guest: TurnGuest) -> None:
    async with following(guest.room) as stream:
        await stream.until("ready")
        await watched(guest)
        await guest.tell(TerminalClosed(new_terminal_id()))
        await stream.until("terminalClosed")
        last = stream.id
    gone = [new_terminal_id() for _ in range(3)]
    for name in gone:
        await guest.tell(TerminalClosed(name))
    async with following(guest.room, Last_Event_ID=last) as stream:
        assert [data["terminalId"] for data in await stream.take(3)] == gone
        assert {name for name, _ in stream.seen} == {"terminalClosed"}


async def test_an_id_of_another_life_or_workspace_begins_anew(rooms: Rooms, guest: TurnGuest) -> None:
    other = TurnGuest()
    await other.serve(rooms)
    async with following(guest.room) as stream, following(other.room) as theirs:
        await stream.until("ready")
        await theirs.until("ready")
        for wrong in (theirs.id, "nonsense", "0-0", stream.id + "9"):
            async with following(guest.room, Last_Event_ID=wrong) as again:
                await again.until("ready")
                assert [name for name, _ in again.seen] == ["reset", "workspace", "session", "ready"]
        feed = rooms.services.watches._rooms[guest.room.workspace][0]
        for _ in range(EVENTS_MAX + 1):
            feed.tell("x", b"{}")
        async with following(guest.room, Last_Event_ID=stream.id) as again:
            await again.until("ready")
            assert again.seen[0] == ("reset", {})


async def test_a_guest_that_dies_in_a_turn_is_started_to_tell_how_it_ended(rooms: Rooms, guest: TurnGuest) -> None:
    running = turn(guest)
    asked = guest.ask(running.turn)

    async def start(_workspace: str) -> Any:  # noqa: ANN401  # a path
        guest.turns[running.turn] = replace(running, status=TurnStatus.FAILED)
        guest.permissions[asked.permission] = replace(asked, by="cancel")
        return guest.path

    rooms.hostd.on_start = start
    async with following(guest.room) as stream:
        await stream.until("permission", permissionId=asked.permission, waiting=True)
        guest.leave()
        await stream.until("turn", turnId=running.turn, status="failed")
        await stream.until("permission", permissionId=asked.permission, waiting=False)


async def test_a_turn_of_which_a_new_guest_knows_nothing_is_forgotten(guest: TurnGuest) -> None:
    turn(guest)
    async with following(guest.room) as stream:
        await stream.until("turn")
        guest.turns = {}
        guest.leave()
        guest.come()
        await asyncio.sleep(0)
        await watched_again(guest)
        async with following(guest.room) as later:
            await later.until("ready")
            assert "turn" not in [name for name, _ in later.seen]


async def watched_again(guest: TurnGuest) -> None:
    async with asyncio.timeout(10):
        while guest.watchers:
            await asyncio.sleep(0.01)
    await watched(guest)
    await asyncio.sleep(0.05)


async def test_one_watch_serves_all_and_ends_some_time_after_the_last(
    monkeypatch: pytest.MonkeyPatch, rooms: Rooms, guest: TurnGuest
) -> None:
    monkeypatch.setattr("api.streams.responses.KEEP_ALIVE", 0.1)
    rooms.services.watches._linger = 0.1
    async with following(guest.room) as one, following(guest.room) as two:
        await one.until("ready")
        await two.until("ready")
        assert len(guest.watchers) == 1
    async with asyncio.timeout(10):
        while guest.watchers:
            await asyncio.sleep(0.01)
    assert rooms.services.watches._rooms == {}


async def test_nothing_of_another_workspace_is_told(rooms: Rooms, guest: TurnGuest) -> None:
    victim = TurnGuest()
    await victim.serve(rooms)
    running = turn(victim)
    asked = victim.ask(running.turn)
    stranger = replace(guest.info(), session=victim.session, name="SENTINEL")
    claims: list[Message] = [
        SessionChanged(stranger),
        TurnChanged(replace(running, excerpt="SENTINEL")),
        TurnChanged(replace(running, excerpt="SENTINEL", status=TurnStatus.FAILED)),
        PermissionChanged(replace(asked, title="SENTINEL\n\nevent: workspace\ndata: {}\n\n")),
        TerminalChanged(replace(terminal(victim.session), command=["SENTINEL\r\n\r\nid: 1"])),
        TerminalClosed(new_terminal_id()),
        DeadlineNear(victim.session, DeadlineKind.LIFETIME, MOMENT),
        SessionDeleted(victim.session),
    ]
    grant = await rooms.services.tokens.grant_admin()
    admin = Room(rooms, "", grant.access.reveal())
    async with following(victim.room) as theirs, following(admin) as all_rows, following(guest.room) as own:
        for stream in (theirs, all_rows, own):
            await stream.until("ready")
        await watched(guest)
        await watched(victim)
        before = len(theirs.seen)
        for claim in claims:
            await guest.tell(claim)
        await own.until("sessionDeleted", sessionId=victim.session)
        assert {data["workspaceId"] for name, data in own.seen if name != "ready"} == {guest.room.workspace}
        for room in (guest.room, victim.room):
            rooms.services.watches.publish(Target(room.workspace), "workspace", Word(workspace_id=room.workspace))
        await theirs.until("workspace")
        await all_rows.until("workspace", workspaceId=victim.room.workspace)
        assert len(theirs.seen) == before + 1
        assert all(data["workspaceId"] == victim.room.workspace for name, data in theirs.seen if name != "ready")
        assert {name for name, _ in all_rows.seen} == {"workspace", "ready"}
        assert "SENTINEL" not in str(theirs.seen) + str(all_rows.seen)
    assert victim.turns[running.turn] == running


async def test_an_admin_sees_all_rows_and_what_becomes_of_them(rooms: Rooms, guest: TurnGuest) -> None:
    other = await rooms.room()
    grant = await rooms.services.tokens.grant_admin()
    admin = Room(rooms, "", grant.access.reveal())
    async with following(admin) as stream:
        await stream.until("ready")
        rows = {data["workspaceId"] for name, data in stream.seen if name == "workspace"}
        assert rows == {guest.room.workspace, other.workspace}
        await other.call("PATCH", other.base, {"name": "renamed"}, status=200)
        assert (await stream.until("workspace", workspaceId=other.workspace))["name"] == "renamed"
        last = stream.id
    row = await rooms.services.workspaces.get(other.workspace)
    rooms.services.watches.publish(row.target, "workspace", workspace_status_view(row))
    async with following(admin, Last_Event_ID=last) as stream:
        assert [name for name, _ in [await stream.next()]] == ["workspace"]
    assert not guest.watchers


async def test_a_token_that_is_revoked_ends_the_stream(rooms: Rooms, room: Room) -> None:
    async with following(room) as stream:
        await stream.until("ready")
        rooms.services.live.revoke_workspace(room.workspace)
        assert ("end", {"code": "unauthorized", "detail": "the token was revoked"}) == await stream.next()
        with pytest.raises(ConnectionError):
            await stream.next()


async def test_a_stream_needs_a_token(rooms: Rooms) -> None:
    async with rooms.http.get("/api/events") as reply:
        assert reply.status == 401


async def test_one_who_never_reads_is_cut_off_and_the_others_are_not(rooms: Rooms, guest: TurnGuest) -> None:
    asked = guest.ask(new_turn_id(), "x" * 60_000)
    guest.permissions = {}
    async with following(guest.room) as quick:
        await quick.until("ready")
        await watched(guest)
        _, writer = await asyncio.open_connection(host="127.0.0.1", port=quick._reply.url.port or 0, limit=1024)
        request = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{quick._reply.url.port}\r\n"
        writer.write(f"{request}Authorization: Bearer {guest.room.token}\r\n\r\n".encode())
        async with asyncio.timeout(20):
            while len(rooms.services.live) < 2:
                await asyncio.sleep(0.01)
            told = 0
            while len(rooms.services.live) == 2:
                await guest.tell(PermissionChanged(replace(asked, title=str(told))))
                await quick.until("permission", title=str(told))
                told += 1
        assert told > 10
        await guest.tell(TerminalClosed(new_terminal_id()))
        await quick.until("terminalClosed")
        writer.close()


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
        await stream.until("ready")
        await asyncio.sleep(2.5 * module.FIRST_PAUSE)
        rooms.services.watches.publish(
            Target(room.workspace), "x", DeletedSessionView(session_id="", workspace_id=room.workspace)
        )
        await stream.until("x")
    assert 1 <= watched <= 3


async def test_a_guest_that_claims_ever_more_turns_is_not_believed(guest: TurnGuest) -> None:
    one = turn(guest)
    guest.turns = {}
    async with following(guest.room) as stream:
        await stream.until("ready")
        await watched(guest)
        for _ in range(RUNNING_MAX + 1):
            await guest.tell(TurnChanged(replace(one, turn=new_turn_id(), session=new_session_id())))
        async with asyncio.timeout(20):
            while guest.watchers:
                await asyncio.sleep(0.01)


async def test_the_status_of_the_workspace_is_told(rooms: Rooms, room: Room) -> None:
    rows = rooms.services.workspaces
    async with rows.lock(room.workspace):
        await rows.change(room.workspace, status=WorkspaceStatus.ERROR, error_reason="no")
    async with following(room) as stream:
        assert (await stream.until("workspace"))["status"] == "error"
        await stream.until("ready")
        await rooms.services.provisioner.retry(room.workspace)
        told = await stream.until("workspace")
        assert told == {
            "workspaceId": room.workspace,
            "organisationId": None,
            "name": "room",
            "status": "provisioning",
            "errorReason": None,
        }
        assert (await stream.until("workspace", status="error"))["errorReason"]


async def test_a_client_that_left_is_noticed_though_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, rooms: Rooms, room: Room
) -> None:
    monkeypatch.setattr("api.streams.responses.KEEP_ALIVE", 0.1)
    async with following(room) as stream:
        await stream.until("ready")
    async with asyncio.timeout(10):
        while len(rooms.services.live):
            await asyncio.sleep(0.01)
