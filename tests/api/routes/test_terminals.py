import asyncio
import json
import signal
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from api.streams.live import CONNECTIONS_MAX, EXPIRED
from api.terminals import MISTAKES_MAX
from shared.errors import Code
from shared.guestwire.sessions import Pong
from shared.guestwire.terminals import Attached, AttachTerminal, Exited, Output, Viewers
from shared.ids import new_terminal_id
from shared.link import Link
from shared.messages import Done, Failure, Message, encode
from shared.rooms import OUTPUT_MAX
from tests.api.peers import welcome
from tests.api.rooms import Room, Rooms
from tests.wire import pack

WINDOW = 2 * OUTPUT_MAX
RAW = "stty raw -echo; printf GO; "


class View:
    """What a client sees of a terminal."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.output = bytearray()
        self.control: list[dict[str, Any]] = []
        self.seq = 0

    async def until(self, happened: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not happened():
                await self.step()

    async def step(self) -> None:
        message = await self.ws.receive()
        if message.type is WSMsgType.BINARY:
            self.output += message.data
            self.seq += len(message.data)
        elif message.type is WSMsgType.TEXT:
            self.control.append(json.loads(message.data))
            self.seq = self.control[-1].get("seq", self.seq)
        else:
            raise ConnectionError(self.ws.close_code)

    async def see(self, text: bytes) -> None:
        await self.until(lambda: text in self.output)

    async def told(self, kind: str) -> dict[str, Any]:
        """The next control frame of that type."""
        seen = len(self.control)
        await self.until(lambda: any(control["type"] == kind for control in self.control[seen:]))
        return next(control for control in self.control[seen:] if control["type"] == kind)

    async def closed(self) -> int:
        """The close code, once all that came before it was seen."""
        with pytest.raises(ConnectionError):
            await self.until(lambda: False)
        assert self.ws.close_code is not None
        return self.ws.close_code


async def test_a_terminal_is_made_shown_listed_and_closed(room: Room) -> None:
    session = await room.session()
    path = f"{room.base}/sessions/{session}/terminals"
    made = await room.call("POST", path, {"command": ["/bin/cat"], "cols": 90, "rows": 30}, status=201)
    assert (made["sessionId"], made["cols"], made["rows"], made["command"]) == (session, 90, 30, ["/bin/cat"])
    shown = await room.call("GET", f"/api/terminals/{made['terminalId']}", status=200)
    assert (shown["status"], shown["pid"]) == ("running", made["pid"])
    for listing in (path, f"{room.base}/terminals"):
        items = (await room.call("GET", listing, status=200))["items"]
        assert [item["terminalId"] for item in items] == [made["terminalId"]]
    await room.call("DELETE", f"/api/terminals/{made['terminalId']}", status=204)
    await room.call("GET", f"/api/terminals/{made['terminalId']}", status=404)
    await room.call("DELETE", f"/api/terminals/{made['terminalId']}", status=404)


async def test_looking_starts_no_guest(rooms: Rooms, room: Room) -> None:
    name = new_terminal_id()
    assert (await room.call("GET", f"{room.base}/terminals", status=200))["items"] == []
    await room.call("GET", f"/api/terminals/{name}", status=404)
    await room.call("DELETE", f"/api/terminals/{name}", status=404)
    async with room.connect(name) as ws:
        assert await View(ws).closed() == 4404
    assert rooms.guests == {}


async def test_bytes_pass_both_ways_and_the_exit_is_told(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/bash", "-c", f"{RAW}head -c 70000; exit 7")
    sent = bytes(range(256)) * 273 + b"\xf0\x9f\xa6\x80" * 28
    async with room.connect(terminal) as ws:
        view = View(ws)
        await view.see(b"GO")
        ready = {"type": "ready", "terminalId": terminal, "seq": 0, "cols": 80, "rows": 24, "viewers": 1, "readOnly": False}
        assert view.control[0] == ready
        await ws.send_bytes(sent)
        await view.until(lambda: len(view.output) == 70_002)
        assert bytes(view.output[2:]) == sent
        assert await view.told("exit") == {"type": "exit", "code": 7}
        assert await view.closed() == 1000


async def test_a_client_resumes_where_it_was_in_a_new_connection_and_in_the_same(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/sh", "-c", f"{RAW}seq 10000; exec cat")
    wanted = b"GO" + b"".join(b"%d\n" % number for number in range(1, 10_001))
    async with room.connect(terminal) as ws:
        view = View(ws)
        await view.until(lambda: view.seq >= 1000)
        first = bytes(view.output)
    async with room.connect(terminal, after=len(first)) as ws:
        view = View(ws)
        await view.until(lambda: view.seq >= 20_000)
        assert view.control[0]["seq"] == len(first)
        assert (first + view.output)[: len(wanted)] == wanted[: len(first + view.output)]
        await ws.send_json({"type": "resume", "after": 10})
        assert (await view.told("ready"))["seq"] == 10
        view.output.clear()
        await view.until(lambda: view.seq == len(wanted))
        assert bytes(view.output) == wanted[10:]


async def test_an_after_beyond_the_end_is_an_error(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/sh", "-c", f"{RAW}exec cat")
    async with room.connect(terminal, after=10**6) as ws:
        view = View(ws)
        assert await view.closed() == 4400
        assert view.control[0]["code"] == "bad_request"
    for after in ("-1", "x", "", str(2**63), "1&after=2", "1&token=x"):
        await room.call("GET", f"/api/terminals/{terminal}?after={after}", status=422)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await room.rooms.http.ws_connect(f"/api/terminals/{terminal}?after={after}", headers=room.headers)


async def test_a_client_may_skip_to_what_it_saw_elsewhere(room: Room) -> None:
    """Its number may be greater than all that this connection has sent."""
    terminal = await room.terminal(await room.session(), "/bin/sh", "-c", f"{RAW}exec cat")
    async with room.connect(terminal) as one, room.connect(terminal, after=0) as two:
        seer = View(one)
        await seer.see(b"GO")
        await one.send_bytes(b"x" * 50_000)
        await seer.until(lambda: seer.seq == 50_002)
        await two.send_json({"type": "resume", "after": 50_002})
        assert (await View(two).told("ready"))["type"] == "ready"


async def test_bad_control_frames_are_told_and_change_nothing_until_there_are_too_many(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/sh", "-c", f"{RAW}exec cat", cols=91, rows=31)
    async with room.connect(terminal) as ws:
        view = View(ws)
        await view.see(b"GO")
        bad = ["x", "{}", '{"type":"nonsense"}', '{"type":"resize","cols":0,"rows":1}', '{"type":"resume","after":100000}']
        for text in [*bad, "y" * 100_000]:
            await ws.send_str(text)
            error = await view.told("error")
            assert error["recoverable"] is True
        shown = await room.call("GET", f"/api/terminals/{terminal}", status=200)
        assert (shown["cols"], shown["rows"], shown["status"]) == (91, 31, "running")
        await ws.send_bytes(b"still")
        await view.see(b"still")
        for _ in range(MISTAKES_MAX):
            await ws.send_str("{}")
        assert await view.closed() == 1008


async def test_a_message_that_is_too_large_ends_the_connection_alone(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/sh", "-c", f"{RAW}exec cat")
    async with room.connect(terminal) as ws:
        view = View(ws)
        await view.see(b"GO")
        await ws.send_bytes(bytes(2 * 1024 * 1024))
        assert await view.closed() == 1009
    assert (await room.call("GET", f"/api/terminals/{terminal}", status=200))["status"] == "running"


async def test_the_smallest_viewer_gives_the_size_and_pings_are_answered(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/sh", "-c", f"{RAW}exec cat")
    async with room.connect(terminal) as one, room.connect(terminal) as two:
        first, second = View(one), View(two)
        await first.see(b"GO")
        await second.see(b"GO")
        await one.send_json({"type": "resize", "cols": 200, "rows": 50})
        await first.until(lambda: first.control[-1].get("cols") == 200)
        await two.send_json({"type": "resize", "cols": 100, "rows": 60})
        await first.until(lambda: first.control[-1].get("cols") == 100)
        assert first.control[-1] == {"type": "viewers", "count": 2, "cols": 100, "rows": 50}
        await one.send_json({"type": "ping"})
        pong = await first.told("pong")
        shown = await room.call("GET", f"/api/terminals/{terminal}", status=200)
        assert pong == {"type": "pong", "shutdownDeadline": shown["shutdownDeadline"], "printed": 2}


async def test_a_client_that_does_not_read_stops_the_program(rooms: Rooms, room: Room) -> None:
    session = await room.session()
    terminal = await room.terminal(session, "/bin/bash", "-c", f"{RAW}read -r go; exec head -c 400000000 /dev/zero")
    async with room.connect(terminal) as ws:
        view = View(ws)
        await view.see(b"GO")
        await ws.send_bytes(b"go\n")
        printed = [0, 1, 2]
        while len(set(printed[-3:])) > 1:
            printed.append((await room.call("GET", f"/api/terminals/{terminal}", status=200))["seq"])
            await asyncio.sleep(0.05)
        assert 0 < printed[-1] < 100_000_000
        await view.until(lambda: view.seq > printed[-1])
    assert len(rooms.services.live) == 0 or await _until(lambda: len(rooms.services.live) == 0)


async def test_a_client_with_a_window_is_sent_no_more_until_it_acknowledges(room: Room) -> None:
    command = f"{RAW}read -r go; exec head -c 400000000 /dev/zero"
    terminal = await room.terminal(await room.session(), "/bin/bash", "-c", command)
    async with room.connect(terminal, window=WINDOW) as ws:
        view = View(ws)
        await view.see(b"GO")
        await ws.send_bytes(b"go\n")
        for full in range(WINDOW, 5 * WINDOW, WINDOW):
            while view.seq < full:
                await view.step()
            await ws.send_json({"type": "ping"})
            await view.told("pong")
            assert view.seq < full + OUTPUT_MAX
            await ws.send_json({"type": "ack", "seq": full})
        # A stream that begins again has its window for itself, also when the one before was full.
        await ws.send_json({"type": "resume", "after": view.seq})
        await view.told("ready")
        begun = view.seq
        await view.until(lambda: view.seq >= begun + WINDOW)
        await ws.send_json({"type": "ack", "seq": view.seq + 10**9})
        await view.until(lambda: view.seq >= begun + 2 * WINDOW)


async def test_a_full_window_does_not_stop_a_program_that_echoes_more_input_than_fits(room: Room) -> None:
    """Acknowledgements wait behind the input, the input for the program, and the program for its output to be read."""
    terminal = await room.terminal(await room.session(), "/bin/sh", "-c", f"{RAW}exec cat")
    frames, frame = 32, bytes(WINDOW)

    async def type_all(ws: aiohttp.ClientWebSocketResponse) -> None:
        for _ in range(frames):
            await ws.send_bytes(frame)

    async with room.connect(terminal, window=WINDOW) as ws:
        view = View(ws)
        await view.see(b"GO")
        typing = asyncio.create_task(type_all(ws))
        async with asyncio.timeout(30):
            while view.seq < frames * len(frame):
                await view.step()
                await ws.send_json({"type": "ack", "seq": view.seq})
        await typing


@pytest.mark.parametrize("window", [0, OUTPUT_MAX - 1, 2**30])
async def test_a_window_has_bounds(room: Room, window: int) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    await room.call("GET", f"/api/terminals/{terminal}?window={window}", status=422)


async def _until(happened: Callable[[], bool]) -> bool:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.01)
    return True


async def test_a_peer_that_is_dead_is_let_go_and_its_terminal_goes_on(
    monkeypatch: pytest.MonkeyPatch, rooms: Rooms, room: Room
) -> None:
    monkeypatch.setattr("api.upgrade.HEARTBEAT", 0.2)
    terminal = await room.terminal(await room.session(), "/bin/sh", "-c", f"{RAW}exec cat")
    path = f"/api/terminals/{terminal}"
    async with rooms.http.ws_connect(path, headers=room.headers, autoping=False) as ws:
        await View(ws).see(b"GO")
        await _until(lambda: len(rooms.services.live) == 0)
    async with room.connect(terminal) as ws:
        await View(ws).see(b"GO")
    assert (await room.call("GET", path, status=200))["status"] == "running"


async def test_a_first_frame_authenticates_as_well_as_a_header(rooms: Rooms, room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    other = await rooms.room()
    for token, code in ((room.token, None), (other.token, 4404), ("nonsense", 4401)):
        async with rooms.http.ws_connect(f"/api/terminals/{terminal}") as ws:
            view = View(ws)
            await ws.send_json({"type": "auth", "token": token})
            if code is None:
                await view.told("ready")
            else:
                assert await view.closed() == code
                assert view.control[0]["type"] == "error"


@pytest.mark.parametrize("how", ["logout", "rotation", "expiry"])
async def test_a_token_that_ends_closes_what_it_opened(rooms: Rooms, room: Room, how: str) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    bystander = await rooms.room()
    theirs = await bystander.terminal(await bystander.session(), "/bin/cat")
    async with room.connect(terminal) as ws, bystander.connect(theirs) as other:
        view, untouched = View(ws), View(other)
        await view.told("ready")
        await untouched.told("ready")
        principal = rooms.services.tokens.verify(room.token)
        if how == "logout":
            await rooms.services.tokens.revoke(principal.family or "")
        elif how == "rotation":
            rooms.services.live.revoke_workspace(room.workspace)
        else:
            for connection in rooms.services.live._connections:
                if connection.principal == principal:
                    connection.end(EXPIRED)
        assert await view.closed() == 4401
        await other.send_json({"type": "ping"})
        await untouched.told("pong")


async def test_a_revoked_client_that_does_not_read_is_cut_off(rooms: Rooms, room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/bash", "-c", "exec yes")
    async with room.connect(terminal):
        async with asyncio.timeout(10):
            while not (await room.call("GET", f"/api/terminals/{terminal}", status=200))["seq"] > 1_000_000:
                await asyncio.sleep(0.05)
        rooms.services.live.revoke_workspace(room.workspace)
        await _until(lambda: len(rooms.services.live) == 0)


async def test_a_stopping_server_asks_its_clients_to_come_again(rooms: Rooms, room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    async with room.connect(terminal) as ws:
        view = View(ws)
        await view.told("ready")
        rooms.services.live.stop()
        assert await view.closed() == 1012


async def test_a_guest_that_is_killed_closes_its_terminals_so_that_clients_come_again(rooms: Rooms, room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    async with room.connect(terminal) as ws:
        view = View(ws)
        await view.told("ready")
        await rooms.guests[room.workspace].stop(signal.SIGKILL)
        del rooms.hostd.guests[room.workspace]
        assert (await view.told("error"))["recoverable"] is True
        assert await view.closed() == 1012
    async with room.connect(terminal) as ws:
        assert await View(ws).closed() == 4404


async def test_a_closed_terminal_ends_its_connections(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    async with room.connect(terminal) as ws:
        view = View(ws)
        await view.told("ready")
        await room.call("DELETE", f"/api/terminals/{terminal}", status=204)
        # Its program is told to end, and may tell of that first.
        assert await view.closed() in {1000, 4404}


async def test_connections_are_capped(rooms: Rooms, room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    rooms.services.live._held[room.workspace] += CONNECTIONS_MAX
    async with room.connect(terminal) as ws:
        view = View(ws)
        assert await view.closed() in {1013, 4409}
        assert view.control[0]["code"] == "limit"


@pytest.mark.parametrize(
    "body",
    [
        {"cols": 0},
        {"cols": -1},
        {"rows": 10**9},
        {"cols": "80"},
        {"command": []},
        {"command": ["a\0b"]},
        {"command": "ls"},
        {"command": ["x"] * 65},
        {"command": ["x" * 4097]},
        {"worktreeId": "../x"},
        {"nope": 1},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_terminal_that_cannot_be_is_refused_before_a_guest_is_started(rooms: Rooms, room: Room, body: object) -> None:
    await room.call("POST", f"{room.base}/sessions/s{'0' * 24}/terminals", body, status=422)
    assert rooms.hostd.entered == []


def hostile(
    *messages: Message | bytes, after: Callable[[Link], Awaitable[object]] | None = None
) -> Callable[[Link], Awaitable[None]]:
    """A guest that answers an attachment with `messages`, and everything else with nonsense."""

    async def talk(link: Link) -> None:
        await welcome(link)
        request = await link.receive()
        if isinstance(request, AttachTerminal):
            await link.send(Attached(id=request.id, seq=0, columns=80, rows=24, viewers=1))
            for message in messages:
                if isinstance(message, bytes):
                    link.socket.send(message)
                else:
                    await link.send(message)
        if after is not None:
            await after(link)
        await link.receive()

    return talk


@pytest.mark.parametrize(
    "message",
    [
        Done(),
        Pong(pid=1),
        Output(seq=7, data=b"x"),
        Attached(seq=0, columns=80, rows=24, viewers=1),
        Exited(code=None, signal=None),
        Failure(code=Code.INTERNAL, message="x"),
        struct.pack(">I", 2**32 - 1),
        pack(b"junk"),
        pack(encode(Output(seq=0, data=b"x" * 70_000))),
        pack(encode(Viewers(count=1, columns=80, rows=24)).replace(b"\xcc", b"\xcb")[:-1]),
    ],
    ids=lambda message: type(message).__name__,
)
async def test_a_guest_that_breaks_the_protocol_loses_its_stream(rooms: Rooms, message: Message | bytes) -> None:
    room = await rooms.hostile(hostile(message))
    async with room.connect(new_terminal_id()) as ws:
        view = View(ws)
        assert await view.closed() == 1011
        assert (view.control[-1]["code"], view.control[-1]["recoverable"]) == ("guest_misbehaved", False)


async def test_a_guest_that_pours_output_does_not_hold_the_server(rooms: Rooms) -> None:
    async def pour(link: Link) -> None:
        seq = 0
        while True:
            await link.send(Output(seq=seq, data=b"x"))
            seq += 1
            if not seq % 50:
                await asyncio.sleep(0)

    room, bystander = await rooms.hostile(hostile(after=pour)), await rooms.room()
    async with room.connect(new_terminal_id()) as ws:
        view = View(ws)
        reading = asyncio.create_task(view.until(lambda: False))
        await bystander.session()
        reading.cancel()


async def test_a_silent_guest_keeps_nobody_from_leaving(rooms: Rooms) -> None:
    async def read_nothing(link: Link) -> None:
        link.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        await asyncio.sleep(3600)

    room = await rooms.hostile(hostile(after=read_nothing))
    async with room.connect(new_terminal_id()) as ws:
        await View(ws).told("ready")
        sending = asyncio.create_task(_pour(ws))
        await asyncio.sleep(0.2)
        assert len(rooms.services.live) == 1
        rooms.services.live.revoke_workspace(room.workspace)
        await _until(lambda: len(rooms.services.live) == 0)
        sending.cancel()
        await asyncio.wait({sending})


async def _pour(ws: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await ws.send_bytes(bytes(60_000))
