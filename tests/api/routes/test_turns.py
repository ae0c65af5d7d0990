import asyncio
import io
import json
from typing import Any

import pytest

from shared.errors import Code, Fault
from shared.guestwire.turns import Budget, Prompt
from shared.guestwire.watch import TurnChanged
from shared.ids import new_attachment_id, new_session_id, new_turn_id, new_worktree_id
from shared.turns import PROMPT_MAX, TurnStatus
from tests.api.rooms import Room, Rooms
from tests.api.turnguest import TurnGuest


@pytest.fixture
async def guest(rooms: Rooms) -> TurnGuest:
    made = TurnGuest()
    await made.serve(rooms)
    return made


async def begin(guest: TurnGuest, text: str = "hello", **fields: object) -> str:
    """A turn that runs."""
    reply = await guest.room.call("POST", f"{guest.base}/prompt", {"text": text, **fields}, status=201)
    return str(reply["turnId"])


async def test_a_prompt_is_a_turn_whose_location_shows_it(rooms: Rooms, guest: TurnGuest) -> None:
    worktree, attachment = new_worktree_id(), new_attachment_id()
    body = {"text": "hello", "agent": "codex", "worktreeId": worktree, "attachments": [attachment], "model": "o"}
    async with rooms.http.post(f"{guest.base}/prompt", json=body, headers=guest.room.headers) as reply:
        made, location = await reply.json(), reply.headers["Location"]
        assert reply.status == 201
    assert location == f"{guest.base}/turns/{made['turnId']}"
    assert made == await guest.room.call("GET", location, status=200)
    assert (made["status"], made["agent"], made["worktreeId"], made["firstEvent"]) == ("running", "codex", worktree, 1)
    assert made["workspaceId"] == guest.room.workspace
    request = next(asked for asked in guest.asked if isinstance(asked, Prompt))
    assert (request.attachments, request.model, request.budget) == ([attachment], "o", Budget())


async def test_worktree_is_another_name_of_worktree_id(guest: TurnGuest) -> None:
    one, two = new_worktree_id(), new_worktree_id()
    made = await guest.room.call("POST", f"{guest.base}/prompt", {"text": "x", "worktree": one}, status=201)
    assert made["worktreeId"] == one
    body = {"text": "x", "worktree": one, "worktreeId": two}
    problem = await guest.room.call("POST", f"{guest.base}/prompt", body, status=422)
    assert problem["errors"][0]["pointer"] == "/worktree"


async def test_the_same_idempotency_key_is_one_turn(guest: TurnGuest) -> None:
    made = [
        await guest.room.call("POST", f"{guest.base}/prompt", {"text": "x"}, status=201, Idempotency_Key="k") for _ in range(2)
    ]
    assert made[0] == made[1]
    assert len(guest.turns) == 1


async def test_a_wait_ends_with_the_turn(guest: TurnGuest) -> None:
    waiting = asyncio.create_task(guest.room.call("POST", f"{guest.base}/prompt", {"text": "x"}, status=201, Prefer="wait=30"))
    async with asyncio.timeout(10):
        while not guest.watchers:
            await asyncio.sleep(0.01)
    (turn,) = guest.turns
    await guest.tell(TurnChanged(guest.turns[turn]))
    assert not waiting.done()
    await guest.end(turn)
    assert (await waiting)["status"] == "completed"
    shown = await guest.room.call("GET", f"{guest.base}/turns/{turn}", status=200, Prefer="wait=30")
    assert (shown["stopReason"], shown["endedAt"]) == ("end_turn", "2026-01-01T00:00:00Z")


async def test_a_wait_ends_with_the_clients_patience(guest: TurnGuest) -> None:
    turn = await begin(guest)
    assert (await guest.room.call("GET", f"{guest.base}/turns/{turn}", status=200, Prefer="wait=1"))["status"] == "running"


async def test_those_who_wait_are_as_many_as_may_hold_connections(guest: TurnGuest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each holds a connection to the guest too. Any other gets its answer at once."""
    monkeypatch.setattr("api.streams.live.CONNECTIONS_MAX", 1)
    turn = await begin(guest)
    path = f"{guest.base}/turns/{turn}"
    waiting = asyncio.create_task(guest.room.call("GET", path, status=200, Prefer="wait=30"))
    async with asyncio.timeout(10):
        while not guest.watchers:
            await asyncio.sleep(0.01)
        assert (await guest.room.call("GET", path, status=200, Prefer="wait=30"))["status"] == "running"
    assert not waiting.done()
    await guest.end(turn)
    assert (await waiting)["status"] == "completed"


async def test_a_wait_goes_on_when_the_guest_is_killed_and_comes_back(guest: TurnGuest) -> None:
    turn = await begin(guest)
    waiting = asyncio.create_task(guest.room.call("GET", f"{guest.base}/turns/{turn}", status=200, Prefer="wait=30"))
    async with asyncio.timeout(10):
        while not guest.watchers:
            await asyncio.sleep(0.01)
    guest.leave()
    await guest.end(turn, TurnStatus.FAILED)
    guest.come()
    assert (await waiting)["status"] == "failed"


async def test_turns_come_in_pages_newest_first(guest: TurnGuest) -> None:
    made = [await begin(guest, str(number)) for number in range(5)]
    page = await guest.room.call("GET", f"{guest.base}/turns?limit=2", status=200)
    seen = page["items"]
    while page["nextCursor"]:
        page = await guest.room.call("GET", f"{guest.base}/turns?limit=2&cursor={page['nextCursor']}", status=200)
        seen += page["items"]
    assert [item["turnId"] for item in seen] == made[::-1]
    for query in ("limit=0", "limit=101", "cursor=YQ", "cursor=%00", "nope=1"):
        await guest.room.call("GET", f"{guest.base}/turns?{query}", status=422)


async def test_a_turn_is_cancelled_and_one_that_is_over_stays(guest: TurnGuest) -> None:
    turn = await begin(guest)
    cancelled = await guest.room.call("POST", f"{guest.base}/turns/{turn}/cancel", status=200)
    assert cancelled["status"] == "cancelled"
    assert await guest.room.call("POST", f"{guest.base}/turns/{turn}/cancel", status=200) == cancelled
    assert await guest.room.call("POST", f"{guest.base}/cancel", status=200) == {"items": []}


async def test_all_turns_of_a_session_are_cancelled(guest: TurnGuest) -> None:
    turn = await begin(guest)
    reply = await guest.room.call("POST", f"{guest.base}/cancel", status=200)
    assert [(item["turnId"], item["status"]) for item in reply["items"]] == [(turn, "cancelled")]


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Code.BUDGET, 402), (Code.LIMIT, 409), (Code.CONFLICT, 409), (Code.NOT_READY, 409), (Code.NOT_FOUND, 404)],
)
async def test_a_prompt_that_is_refused_says_why(guest: TurnGuest, fault: Code, status: int) -> None:
    guest.fault = Fault(fault, "because")
    problem = await guest.room.call("POST", f"{guest.base}/prompt", {"text": "x"}, status=status)
    assert (problem["code"], problem["detail"]) == (str(fault), "because")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": 7},
        {"text": "x", "agent": "../x"},
        {"text": "x", "agent": ""},
        {"text": "x", "worktreeId": "../x"},
        {"text": "x", "attachments": ["../x"]},
        {"text": "x", "attachments": [new_attachment_id()] * 21},
        {"text": "x", "mode": ""},
        {"text": "x", "model": "m" * 201},
        {"text": "x", "budget": {}},
    ],
    ids=lambda body: str(body)[:50],
)
async def test_a_prompt_that_cannot_be_is_refused_before_the_guest_sees_it(guest: TurnGuest, body: object) -> None:
    problem = await guest.room.call("POST", f"{guest.base}/prompt", body, status=422)
    assert problem["code"] == "invalid"
    assert guest.asked == []


async def send(guest: TurnGuest, text: str) -> tuple[int, dict[str, Any]]:
    """Status and body of the reply to a long prompt, sent as UTF-8."""
    headers = {**guest.room.headers, "Content-Type": "application/json"}
    body = io.BytesIO(json.dumps({"text": text}, ensure_ascii=False).encode())
    async with guest.room.rooms.http.post(f"{guest.base}/prompt", data=body, headers=headers) as reply:
        return reply.status, await reply.json(content_type=None)


async def test_a_prompt_has_a_length(guest: TurnGuest) -> None:
    for text in ("x" * PROMPT_MAX, "é" * PROMPT_MAX):
        assert (await send(guest, text))[0] == 201
    for text in ("x" * (PROMPT_MAX + 1), "é" * (PROMPT_MAX - 1) + "€"):
        status, problem = await send(guest, text)
        assert (status, problem["code"]) == (413, "too_large")
        assert "a prompt has at most" in problem["detail"]
    assert len(guest.turns) == 2


async def test_a_body_of_10_mb_is_refused_clearly(guest: TurnGuest) -> None:
    status, problem = await send(guest, "x" * 10_000_000)
    assert (status, problem["code"]) == (413, "too_large")
    assert guest.asked == []


async def test_a_lone_surrogate_is_refused(rooms: Rooms, guest: TurnGuest) -> None:
    headers = {**guest.room.headers, "Content-Type": "application/json"}
    async with rooms.http.post(f"{guest.base}/prompt", data=rb'{"text": "\ud800"}', headers=headers) as reply:
        assert reply.status in {400, 422}
    assert guest.asked == []


async def test_an_answer_about_another_turn_is_not_believed(guest: TurnGuest) -> None:
    turn, other = await begin(guest), await begin(guest)
    guest.turns[turn] = guest.turns[other]
    assert (await guest.room.call("GET", f"{guest.base}/turns/{turn}", status=502))["code"] == "guest_misbehaved"


async def test_what_is_anothers_is_not_there(rooms: Rooms, guest: TurnGuest) -> None:
    turn = await begin(guest)
    other = TurnGuest()
    theirs: Room = await other.serve(rooms)
    for method, path in (
        ("POST", f"{guest.base}/prompt"),
        ("GET", f"{guest.base}/turns"),
        ("GET", f"{guest.base}/turns/{turn}"),
        ("POST", f"{guest.base}/turns/{turn}/cancel"),
        ("POST", f"{guest.base}/cancel"),
        ("POST", f"{theirs.base}/sessions/{guest.session}/prompt"),
        ("GET", f"{theirs.base}/sessions/{guest.session}/turns/{turn}"),
        ("GET", f"{other.base}/turns/{turn}"),
        ("GET", f"{other.base}/turns/{new_turn_id()}"),
        ("GET", f"{theirs.base}/sessions/{new_session_id()}/turns"),
    ):
        body = {"text": "x"} if path.endswith("prompt") else None
        assert (await theirs.call(method, path, body, status=404))["code"] == "not_found"
    assert guest.turns[turn].status is TurnStatus.RUNNING
