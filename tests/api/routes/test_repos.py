import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.config import Guests
from tests.api.rooms import Room, serving_rooms
from tests.guest.harness import git, repository
from tests.guest.servers import silent


@pytest.fixture
async def cloned(tmp_path: Path) -> Any:  # noqa: ANN401  # a generator of a room and the git routes of its session
    bare = repository(tmp_path / "upstream")
    async with serving_rooms(tmp_path, Guests(git_protocols=("file", "git"))) as rooms:
        room = await rooms.room()
        body = {"repoUrl": f"file://{bare}"}
        made = await room.call("POST", f"{room.base}/sessions", body, status=201, Prefer="wait=20")
        assert "ready" == made["status"]
        yield room, f"{room.base}/sessions/{made['sessionId']}", bare


async def put(room: Room, session: str, path: str, data: str) -> None:
    async with room.rooms.http.put(f"{session}/files/content?path={path}", data=data, headers=room.headers) as reply:
        assert reply.status in {200, 201}, await reply.text()


async def test_a_change_is_seen_committed_and_pushed(cloned: tuple[Room, str, Path]) -> None:
    room, session, bare = cloned
    await put(room, session, "README", "new\n")
    status = await room.call("GET", f"{session}/git/status", status=200)
    assert ("main", "origin/main", 0) == (status["branch"], status["upstream"], status["ahead"])
    assert [("README", ".", "M")] == [(e["path"], e["staged"], e["unstaged"]) for e in status["entries"]]
    diff = await room.call("GET", f"{session}/git/diff?base=HEAD", status=200)
    assert [{"path": "README", "original": None, "added": 1, "removed": 1}] == diff["files"]
    assert "-two\n+new\n" in diff["patch"]
    author = {"name": "A", "email": "a@example.org"}
    made = await room.call("POST", f"{session}/git/commit", {"message": "m", "all": True, "author": author}, status=201)
    assert ("m", "A") == (made["subject"], made["authorName"])
    pushed = await room.call("POST", f"{session}/git/push", {}, status=200)
    assert "refs/heads/main" == pushed["refs"][0]["target"]
    assert made["commit"] == git("rev-parse", "main", cwd=bare)
    assert "conflict" == (await room.call("POST", f"{session}/git/commit", {"message": "m", "all": True}, status=409))["code"]
    assert 0 == (await room.call("POST", f"{session}/git/fetch", {"prune": True}, status=200))["behind"]
    branches = await room.call("GET", f"{session}/git/branches", status=200)
    assert ["main", "origin/main", "origin/topic"] == [b["name"] for b in branches["items"]]


async def test_history_is_read_page_by_page(cloned: tuple[Room, str, Path]) -> None:
    room, session, _ = cloned
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await room.call("GET", f"{session}/git/log?limit=1{cursor and '&cursor=' + cursor}", status=200)
        seen += [item["subject"] for item in page["items"]]
        cursor = page["nextCursor"]
        await put(room, session, "more", str(len(seen)))
        await room.call("POST", f"{session}/git/commit", {"message": "later", "all": True}, status=201)
    assert ["two", "one"] == seen
    for wrong in ("x", "LS1mIDE", "YWJj"):
        await room.call("GET", f"{session}/git/log?cursor={wrong}", status=422)
    await room.call("GET", f"{session}/git/log?ref=nothing", status=404)


async def test_a_conflict_names_its_paths_and_is_aborted(cloned: tuple[Room, str, Path]) -> None:
    room, session, _ = cloned
    await room.call("POST", f"{session}/git/switch", {"branch": "mine", "start": "v1"}, status=200)
    await put(room, session, "README", "mine\n")
    await room.call("POST", f"{session}/git/commit", {"message": "m", "paths": ["README"]}, status=201)
    problem = await room.call("POST", f"{session}/git/merge", {"ref": "main"}, status=409)
    assert ("conflict", ["README"]) == (problem["code"], [error["path"] for error in problem["errors"]])
    assert (await room.call("GET", f"{session}/git/status", status=200))["merging"]
    assert not (await room.call("POST", f"{session}/git/merge/abort", status=200))["merging"]
    await room.call("POST", f"{session}/git/merge/abort", status=409)
    merged = await room.call("POST", f"{session}/git/merge", {"ref": "topic"}, status=200)
    assert "merged" == merged["outcome"]
    await put(room, session, "README", "again\n")
    assert [] == (await room.call("POST", f"{session}/git/restore", {"paths": ["README"]}, status=200))["entries"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("switch", {"branch": "-f"}),
        ("switch", {"branch": "a\nb"}),
        ("switch", {}),
        ("merge", {"ref": "--strategy=x"}),
        ("merge", {"ref": "a..b c"}),
        ("push", {"remote": "--receive-pack=x"}),
        ("push", {"remote": "ext::sh"}),
        ("push", {"branch": "+main"} | {"target": "a:b"}),
        ("push", {"lease": "abc"}),
        ("push", {"auth": {"type": "token", "value": ""}}),
        ("fetch", {"remote": ""}),
        ("commit", {"message": ""}),
        ("commit", {"message": "a\0b"}),
        ("commit", {"message": "x" * 65_537}),
        ("commit", {"message": "m", "paths": []}),
        ("commit", {"message": "m", "paths": ["x"] * 1001}),
        ("commit", {"message": "m", "author": {"name": "a <b>", "email": "a"}}),
        ("commit", {"message": "m", "author": {"name": "a", "email": "a b"}}),
        ("commit", {"message": "m", "author": {"name": "...", "email": "a"}}),
        ("restore", {"paths": ["a\0b"]}),
    ],
)
async def test_wrong_values_are_refused_before_git_hears_of_them(room: Room, path: str, body: dict[str, object]) -> None:
    session = await room.session()
    await room.call("POST", f"{room.base}/sessions/{session}/git/{path}", body, status=422)


@pytest.mark.parametrize("query", ["base=-x", "base=%0A", "context=101", "target=a%3Ab", "staged=maybe", "path=%00"])
async def test_wrong_parameters_are_refused(room: Room, query: str) -> None:
    session = await room.session()
    await room.call("GET", f"{room.base}/sessions/{session}/git/diff?{query}", status=422)


async def test_a_fetch_ends_with_its_client(cloned: tuple[Room, str, Path]) -> None:
    room, session, _ = cloned
    process = room.rooms.guests[room.workspace].process
    assert process is not None
    repo = room.rooms.guests[room.workspace].home / "vibecoder_workspace" / "sessions" / session.rpartition("/")[2] / "repo"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with silent() as port:
        git("remote", "set-url", "origin", f"git://127.0.0.1:{port}/x", cwd=repo)
        request = asyncio.create_task(room.call("POST", f"{session}/git/fetch", {}, status=200))
        async with asyncio.timeout(20):
            while not children.read_text().split():
                await asyncio.sleep(0.02)
            request.cancel()
            while children.read_text().split():
                await asyncio.sleep(0.02)


async def test_another_workspace_does_not_see_it(cloned: tuple[Room, str, Path]) -> None:
    room, session, _ = cloned
    other = await room.rooms.room()
    for path in (session, session.replace(room.workspace, other.workspace)):
        for method, verb in (("GET", "status"), ("GET", "diff"), ("GET", "log"), ("GET", "branches"), ("POST", "merge/abort")):
            await other.call(method, f"{path}/git/{verb}", status=404)
