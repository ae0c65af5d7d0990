import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from api.streams import sse
from shared.errors import Fault
from shared.guestwire.turns import FollowEvents, Following, Logged
from shared.ids import new_session_id, new_turn_id
from shared.link import Link
from shared.turns import Event, Message, Notice, TurnStarted
from tests.api.peers import requests, welcome
from tests.api.rooms import Rooms
from tests.api.ssestream import following
from tests.api.turnguest import MOMENT, TurnGuest


@pytest.fixture
async def guest(rooms: Rooms) -> TurnGuest:
    made = TurnGuest()
    await made.serve(rooms)
    return made


def say(guest: TurnGuest, number: int) -> None:
    for _ in range(number):
        guest.append(Message(f"piece {len(guest.log) + 1}"))


@asynccontextmanager
async def socket(guest: TurnGuest, after: int = 0) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    path = f"{guest.base}/events?after={after}"
    async with guest.room.rooms.http.ws_connect(path, headers=guest.room.headers, max_msg_size=0) as ws:
        yield ws


async def test_a_log_comes_in_pages(guest: TurnGuest) -> None:
    say(guest, 5)
    path = f"{guest.base}/events"
    page = await guest.room.call("GET", f"{path}?after=1&limit=2", status=200)
    assert ([event["seq"] for event in page["items"]], page["last"]) == ([2, 3], 5)
    first = page["items"][0]
    assert first == {
        "seq": 2,
        "at": MOMENT,
        "agent": "claude",
        "turnId": None,
        "type": "message",
        "text": "piece 2",
    }
    assert (await guest.room.call("GET", f"{path}?after=5", status=200)) == {"items": [], "last": 5}
    for query in ("after=-1", "after=x", "limit=0", "limit=501", "after=99999999999999999999", "nope=1"):
        await guest.room.call("GET", f"{path}?{query}", status=422)


async def test_a_stream_has_what_was_and_what_comes_and_resumes_behind_its_last_id(guest: TurnGuest) -> None:
    say(guest, 3)
    async with following(guest.room, f"{guest.base}/events?after=1") as stream:
        assert [event["seq"] for event in await stream.take(2)] == [2, 3]
        say(guest, 2)
        assert [event["seq"] for event in await stream.take(2)] == [4, 5]
        assert stream.id == "5"
    say(guest, 1)
    async with following(guest.room, f"{guest.base}/events?after=1", Last_Event_ID="5") as stream:
        assert (await stream.take(1))[0]["seq"] == 6


@pytest.mark.parametrize("last", ["x", "-1", "1" * 16, "1.0"])
async def test_a_last_id_that_is_none_is_refused(guest: TurnGuest, last: str) -> None:
    headers = {"Accept": "text/event-stream", "Last_Event_ID": last}
    problem = await guest.room.call("GET", f"{guest.base}/events", status=422, **headers)
    assert problem["errors"][0]["header"] == "Last-Event-ID"


async def test_a_place_behind_the_end_is_refused(guest: TurnGuest) -> None:
    say(guest, 1)
    problem = await guest.room.call("GET", f"{guest.base}/events?after=2", status=400, Accept="text/event-stream")
    assert "1 events" in problem["detail"]
    async with socket(guest, 2) as ws:
        assert (await ws.receive_json())["code"] == "bad_request"
        await ws.receive()
        assert ws.close_code == 4400


async def test_a_session_that_is_not_there_is_not_found(rooms: Rooms, guest: TurnGuest) -> None:
    theirs = await TurnGuest().serve(rooms)
    absent = f"{guest.room.base}/sessions/{new_session_id()}"
    for room, base in ((guest.room, absent), (theirs, guest.base), (theirs, f"{theirs.base}/sessions/{guest.session}")):
        for accept in ("application/json", "text/event-stream"):
            assert (await room.call("GET", f"{base}/events", status=404, Accept=accept))["code"] == "not_found"


async def test_a_websocket_has_the_events_as_text_frames(guest: TurnGuest) -> None:
    say(guest, 2)
    async with socket(guest, 1) as ws:
        assert (await ws.receive_json())["seq"] == 2
        say(guest, 1)
        assert (await ws.receive_json())["text"] == "piece 3"
        await ws.send_str("hello")
        message = await ws.receive()
        assert (message.type, ws.close_code) == (aiohttp.WSMsgType.CLOSE, 1008)


async def come_back(guest: TurnGuest) -> None:
    """The guest runs again, and somebody enters."""
    guest.come()
    await guest.room.call("GET", f"{guest.base}/turns", status=200)


async def test_a_follow_goes_on_over_the_lives_of_a_guest_and_starts_none_that_was_idle(rooms: Rooms, guest: TurnGuest) -> None:
    say(guest, 2)
    async with following(guest.room, f"{guest.base}/events") as stream, socket(guest) as ws:
        assert len(await stream.take(2)) == 2
        assert [(await ws.receive_json())["seq"] for _ in range(2)] == [1, 2]
        entered = len(rooms.hostd.entered)
        guest.leave()
        say(guest, 2)
        async with asyncio.timeout(10):
            while len(rooms.hostd.entered) < entered + 2:
                await asyncio.sleep(0.01)
        assert not any(request.start for request in rooms.hostd.entered[entered:])
        await come_back(guest)
        assert [event["seq"] for event in await stream.take(2)] == [3, 4]
        assert [(await ws.receive_json())["seq"] for _ in range(2)] == [3, 4]


async def test_a_guest_that_dies_in_a_turn_is_started_to_tell_how_it_ended(rooms: Rooms, guest: TurnGuest) -> None:
    turn = new_turn_id()
    guest.append(TurnStarted("x"), turn)

    async def start(_workspace: str) -> Path:
        guest.append(Notice("the supervisor ended"), turn)
        return guest.path

    rooms.hostd.on_start = start
    async with following(guest.room, f"{guest.base}/events") as stream:
        await stream.take(1)
        guest.leave()
        assert (await stream.take(1))[0]["text"] == "the supervisor ended"


async def test_a_token_that_is_revoked_ends_both_kinds_of_follow(rooms: Rooms, guest: TurnGuest) -> None:
    async with following(guest.room, f"{guest.base}/events") as stream, socket(guest) as ws:
        rooms.services.live.revoke_workspace(guest.room.workspace)
        assert "unauthorized" == (await stream.until("end"))["code"]
        with pytest.raises(ConnectionError):
            await stream.next()
        await ws.receive()
        assert ws.close_code == 4401


def numbered(*numbers: int) -> list[Event]:
    return [Event(number, MOMENT, "claude", None, Notice(str(number))) for number in numbers]


@pytest.mark.parametrize("events", [numbered(2), numbered(1, 1), numbered(1, 3), numbered(1, 2, 1), numbered(0)], ids=str)
async def test_a_gap_or_a_step_back_ends_the_stream_and_is_the_guests_fault(rooms: Rooms, events: list[Event]) -> None:
    guest = TurnGuest()
    room = await guest.serve(rooms)
    async with following(room, f"{guest.base}/events") as stream:
        for link in guest.links:
            for event in events:
                try:
                    await link.send(Logged(event))
                except Fault:
                    break
        told = await stream.until("end")
        assert told["code"] == "guest_misbehaved"
        with pytest.raises(ConnectionError):
            await stream.next()
    seqs = [data["seq"] for name, data in stream.seen if name == ""]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_a_client_that_does_not_read_stops_the_guests_stream_alone_and_is_cut_off_in_the_end(
    rooms: Rooms, guest: TurnGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "PATIENCE", 3.0)
    sent = 0

    async def talk(link: Link) -> None:
        nonlocal sent
        await welcome(link)
        async for request in requests(link):
            if not isinstance(request, FollowEvents):
                await link.send(replace(guest.answer(request), id=request.id))
                continue
            await link.send(Following(id=request.id, last=0))
            while True:
                await link.send(Logged(Event(sent + 1, MOMENT, "claude", None, Message("x" * 60_000))))
                sent += 1

    guest.talk = talk  # type: ignore[method-assign]
    room = await guest.serve(rooms)
    async with following(room, f"{guest.base}/events"):
        before = -1
        async with asyncio.timeout(20):
            while sent != before or not sent:
                before = sent
                await asyncio.sleep(0.3)
        assert sent < 1000
        bystander = await TurnGuest().serve(rooms)
        assert (await bystander.call("GET", f"{bystander.base}/agents", status=200))["items"]
        async with asyncio.timeout(20):
            while len(rooms.services.live):
                await asyncio.sleep(0.05)


async def test_a_guest_that_leaves_again_and_again_is_not_looked_for_all_the_time(rooms: Rooms, guest: TurnGuest) -> None:
    followed = 0

    async def talk(link: Link) -> None:
        nonlocal followed
        await welcome(link)
        async for request in requests(link):
            if isinstance(request, FollowEvents):
                followed += 1
                await link.send(Following(id=request.id, last=0))
                return
            await link.send(replace(guest.answer(request), id=request.id))

    guest.talk = talk  # type: ignore[method-assign]
    room = await guest.serve(rooms)
    async with following(room, f"{guest.base}/events"):
        async with asyncio.timeout(10):
            while followed < 4:
                await asyncio.sleep(0.01)
        before = followed
        await asyncio.sleep(0.4)  # the pauses double: the next ones are of 0.2 and 0.4 seconds
        assert followed <= before + 2


async def test_an_event_reaches_a_follower_at_once(guest: TurnGuest) -> None:
    async with following(guest.room, f"{guest.base}/events") as stream:
        clock = asyncio.get_running_loop().time
        took = []
        for _ in range(50):
            began = clock()
            say(guest, 1)
            await stream.next()
            took.append(clock() - began)
        assert sorted(took)[25] < 0.1
