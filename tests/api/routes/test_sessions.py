import asyncio
import subprocess
from pathlib import Path

import pytest

from shared.config import Guests
from shared.errors import Code
from shared.guestwire.watch import SessionChanged
from shared.ids import new_session_id
from shared.link import Link
from shared.messages import Done, Failure
from shared.rooms import (
    Progress,
    SessionInfo,
    Sessions,
    SessionStatus,
)
from tests.api.peers import requests, welcome
from tests.api.rooms import Room, Rooms, serving_rooms


def repository(folder: Path) -> str:
    """The address of a repository with one commit."""
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(folder))
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    return f"file://{folder}"


async def test_a_session_is_made_shown_renamed_listed_and_deleted(room: Room) -> None:
    made = await room.call("POST", f"{room.base}/sessions", {"name": "first"}, status=201)
    path = f"{room.base}/sessions/{made['sessionId']}"
    assert (made["workspaceId"], made["name"], made["status"]) == (room.workspace, "first", "ready")
    assert {made["repoUrl"], made["ref"], made["progress"], made["errorReason"]} == {None}
    assert made["createdAt"].endswith("Z")
    renamed = await room.call("PATCH", path, {"name": "second"}, status=200)
    assert renamed["name"] == "second"
    assert await room.call("GET", path, status=200) == renamed
    listed = await room.call("GET", f"{room.base}/sessions", status=200)
    assert listed == {"items": [renamed], "nextCursor": None}
    await room.call("DELETE", path, status=204)
    await room.call("GET", path, status=404)
    await room.call("DELETE", path, status=404)


async def test_the_location_of_a_new_session_is_where_it_is(rooms: Rooms, room: Room) -> None:
    async with rooms.http.post(f"{room.base}/sessions", json={}, headers=room.headers) as reply:
        location, etag, made = reply.headers["Location"], reply.headers["ETag"], await reply.json()
    assert location == f"{room.base}/sessions/{made['sessionId']}"
    async with rooms.http.get(location, headers=room.headers) as reply:
        assert reply.headers["ETag"] == etag
        assert (await reply.json())["sessionId"] == made["sessionId"]
    async with rooms.http.get(location, headers={**room.headers, "If-None-Match": etag}) as reply:
        assert reply.status == 304


async def test_of_two_people_who_rename_at_once_the_second_is_told(rooms: Rooms, room: Room) -> None:
    session = await room.session()
    path = f"{room.base}/sessions/{session}"
    async with rooms.http.get(path, headers=room.headers) as reply:
        etag = reply.headers["ETag"]

    async def rename(name: str) -> int:
        async with rooms.http.patch(path, json={"name": name}, headers={**room.headers, "If-Match": etag}) as reply:
            return reply.status

    assert sorted(await asyncio.gather(rename("a"), rename("b"), rename("c"))) == [200, 412, 412]


async def test_keeping_a_session_alive_moves_its_deadline_and_nothing_else(room: Room) -> None:
    session = await room.session()
    await room.terminal(session, "sleep", "1000")
    path = f"{room.base}/sessions/{session}"
    before = await room.call("GET", path, status=200)
    await asyncio.sleep(0.01)
    kept = await room.call("POST", f"{path}/keepalive", status=200)
    assert kept["shutdownDeadline"] > before["shutdownDeadline"]
    assert kept["lastActivity"] > before["lastActivity"]
    moved = {"shutdownDeadline", "lastActivity"}
    assert {name: kept[name] for name in kept.keys() - moved} == {name: before[name] for name in before.keys() - moved}
    assert await room.call("GET", path, status=200) == kept
    await room.call("POST", f"{room.base}/sessions/{new_session_id()}/keepalive", status=404)


async def test_the_same_idempotency_key_makes_one_session(room: Room) -> None:
    made = [
        await room.call("POST", f"{room.base}/sessions", {"name": "x"}, status=201, Idempotency_Key="k" * 20) for _ in range(2)
    ]
    assert made[0] == made[1]
    assert len((await room.call("GET", f"{room.base}/sessions", status=200))["items"]) == 1
    await room.call("POST", f"{room.base}/sessions", {"name": "y"}, status=422, Idempotency_Key="k" * 20)


async def test_sessions_come_in_pages_newest_first(room: Room) -> None:
    made = [await room.session(name=str(number)) for number in range(5)]
    page = await room.call("GET", f"{room.base}/sessions?limit=2", status=200)
    seen = page["items"]
    while page["nextCursor"]:
        page = await room.call("GET", f"{room.base}/sessions?limit=2&cursor={page['nextCursor']}", status=200)
        seen += page["items"]
    assert sorted(item["sessionId"] for item in seen) == sorted(made)
    assert [item["createdAt"] for item in seen] == sorted((item["createdAt"] for item in seen), reverse=True)
    for query in ("limit=0", "limit=101", "limit=x", "cursor=", "cursor=%00", "cursor=a", "nope=1", "limit=1&limit=2"):
        await room.call("GET", f"{room.base}/sessions?{query}", status=422)


async def test_prefer_wait_waits_for_the_clone(tmp_path: Path) -> None:
    url = repository(tmp_path / "origin")
    async with serving_rooms(tmp_path, Guests(git_protocols=("file",))) as rooms:
        room = await rooms.room()
        made = await room.call("POST", f"{room.base}/sessions", {"repoUrl": url}, status=201, Prefer="wait=30")
        assert (made["status"], made["name"], made["repoUrl"]) == ("ready", "origin", url)
        body = {"repoUrl": f"{url}-none"}
        failed = await room.call("POST", f"{room.base}/sessions", body, status=201, Prefer="wait=30")
        assert failed["status"] == "error"
        assert "origin-none" in failed["errorReason"]


def cloning(name: str, status: SessionStatus, number: int = 0) -> SessionInfo:
    moment = "2026-01-01T00:00:00Z"
    progress = Progress("receiving objects", 50) if status is SessionStatus.CLONING else None
    return SessionInfo(id=number, session=name, name="x", status=status, created=moment, active=moment, progress=progress)


class SlowClone:
    """A guest whose clone ends when it is told."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.session = ""

    async def talk(self, link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            if type(request).__name__ == "Watch":
                await link.send(Done(id=request.id))
                await link.send(SessionChanged(cloning(new_session_id(), SessionStatus.READY)))
                await self.done.wait()
                await link.send(SessionChanged(cloning(self.session, SessionStatus.READY)))
            else:
                self.session = request.session  # type: ignore[attr-defined]  # of any request that it gets
                status = SessionStatus.READY if self.done.is_set() else SessionStatus.CLONING
                await link.send(cloning(self.session, status, request.id))


async def test_a_wait_ends_with_the_clone_or_the_clients_patience(rooms: Rooms) -> None:
    guest = SlowClone()
    room = await rooms.hostile(guest.talk)
    body = {"repoUrl": "https://example.org/a.git"}
    made = await room.call("POST", f"{room.base}/sessions", body, status=201)
    assert (made["status"], made["progress"]) == ("cloning", {"phase": "receiving objects", "percent": 50})
    path = f"{room.base}/sessions/{made['sessionId']}"
    assert (await room.call("GET", path, status=200, Prefer="wait=1"))["status"] == "cloning"
    waiting = asyncio.create_task(room.call("GET", path, status=200, Prefer="wait=30"))
    await asyncio.sleep(0.05)
    guest.done.set()
    assert (await waiting)["status"] == "ready"


@pytest.mark.parametrize(
    "body",
    [
        {"providers": {}},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": "a\0b"},
        {"name": 7},
        {"repoUrl": ""},
        {"repoUrl": "https://x/ y"},
        {"repoUrl": "https://x/" + "y" * 2000},
        {"repoUrl": "https://x/y", "ref": "--upload-pack=x"},
        {"repoUrl": "https://x/y", "auth": {"type": "token", "value": ""}},
        {"repoUrl": "https://x/y", "auth": {"type": "magic", "value": "x"}},
        {"repoUrl": "https://x/y", "auth": {"type": "token", "value": "x" * 70_000}},
        {"repoUrl": "https://x/y", "auth": {"type": "token"}},
    ],
    ids=lambda body: str(body)[:60],
)
async def test_a_session_that_cannot_be_is_refused_before_a_guest_is_started(rooms: Rooms, room: Room, body: object) -> None:
    problem = await room.call("POST", f"{room.base}/sessions", body, status=422)
    assert problem["errors"][0]["pointer"].startswith("/")
    assert rooms.hostd.entered == []


@pytest.mark.parametrize(
    "body",
    [
        {"repoUrl": "ext::sh -c x".replace(" ", "%20")},
        {"repoUrl": "file:///etc"},
        {"repoUrl": "--upload-pack=x"},
        {"ref": "main"},
    ],
    ids=str,
)
async def test_an_address_that_git_must_not_see_is_refused_and_leaves_nothing(room: Room, body: object) -> None:
    problem = await room.call("POST", f"{room.base}/sessions", body, status=400)
    assert problem["code"] == "bad_request"
    assert (await room.call("GET", f"{room.base}/sessions", status=200))["items"] == []


async def test_what_is_anothers_is_not_there(rooms: Rooms, room: Room) -> None:
    session = await room.session()
    other = await rooms.room()
    for method, path, body in (
        ("GET", f"{room.base}/sessions", None),
        ("POST", f"{room.base}/sessions", {}),
        ("GET", f"{room.base}/sessions/{session}", None),
        ("GET", f"{other.base}/sessions/{session}", None),
        ("DELETE", f"{other.base}/sessions/{session}", None),
        ("PATCH", f"{other.base}/sessions/{session}", {"name": "mine"}),
        ("GET", f"{other.base}/sessions/{session}/worktrees", None),
    ):
        assert (await other.call(method, path, body, status=404))["code"] == "not_found"


TIMELESS = SessionInfo(session=new_session_id(), name="x", status=SessionStatus.READY, created="x", active="2026-01-01")


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (Sessions(items=[cloning(new_session_id(), SessionStatus.READY)]), 200, None),
        (Sessions(items=[TIMELESS]), 502, "guest_misbehaved"),
        (Done(), 502, "guest_misbehaved"),
        (Failure(code=Code.INTERNAL, message="defect"), 502, "guest_misbehaved"),
        (Failure(code=Code.UNAUTHORIZED, message="sign in again"), 502, "guest_misbehaved"),
        (Failure(code=Code.BUSY, message="wait"), 409, "busy"),
    ],
)
async def test_a_hostile_guest_is_told_of_as_such(rooms: Rooms, answer: object, status: int, code: str | None) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            fields = {name: getattr(answer, name) for name in answer.__struct_fields__}  # type: ignore[attr-defined]
            await link.send(type(answer)(**{**fields, "id": request.id}))  # type: ignore[arg-type]

    room = await rooms.hostile(talk)
    reply = await room.call("GET", f"{room.base}/sessions", status=status)
    assert reply.get("code") == code
    bystander = await rooms.room()
    await bystander.session()
