import asyncio
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import structs

from shared.config import Guests
from shared.guestwire.files import Chunk, FileOpened, ReadFile, Take, WriteFile
from shared.link import Link
from shared.messages import Done
from tests.api.peers import welcome
from tests.api.rooms import Room, Rooms, serving_rooms


def clone(room: Room, session: str) -> Path:
    return room.rooms.guests[room.workspace].home / "vibecoder_workspace" / "sessions" / session / "repo"


def base(room: Room, session: str) -> str:
    return f"{room.base}/sessions/{session}/files"


async def fetch(room: Room, path: str, *, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    given = {**room.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with room.rooms.http.request(method, path, headers=given) as reply:
        return reply.status, reply.headers, await reply.read()


async def put(room: Room, path: str, body: object, *, status: int, **headers: str) -> Any:  # noqa: ANN401  # JSON
    given = {**room.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with room.rooms.http.put(path, data=body, headers=given) as reply:
        assert status == reply.status, await reply.text()
        return await reply.json()


async def test_a_file_is_written_shown_listed_read_moved_and_deleted(room: Room) -> None:
    session = await room.session()
    files = base(room, session)
    made = await put(room, f"{files}/content?path=src/a.txt&parents=true", b"one\n", status=201)
    assert ("src/a.txt", "a.txt", "file", 4, "0600") == tuple(made[k] for k in ("path", "name", "kind", "size", "mode"))
    assert made == await room.call("GET", f"{files}/info?path=src/a.txt", status=200)
    listed = await room.call("GET", f"{files}?depth=3", status=200)
    assert ["src", "src/a.txt"] == [item["path"] for item in listed["items"]]
    status, headers, body = await fetch(room, f"{files}/content?path=src/a.txt")
    assert (200, b"one\n", made["etag"]) == (status, body, headers["ETag"])
    moved = await room.call("POST", f"{files}/move", {"path": "src/a.txt", "to": "b.txt"}, status=200)
    assert "b.txt" == moved["path"]
    await room.call("DELETE", f"{files}?path=b.txt", status=204)
    await room.call("GET", f"{files}/info?path=b.txt", status=404)
    folder = await room.call("POST", f"{files}/folders", {"path": "x/y", "parents": True}, status=201)
    assert "folder" == folder["kind"]
    assert "conflict" == (await room.call("POST", f"{files}/folders", {"path": "x/y"}, status=409))["code"]
    assert "conflict" == (await room.call("DELETE", f"{files}?path=x", status=409))["code"]
    await room.call("DELETE", f"{files}?path=x&recursive=true", status=204)
    assert ["src"] == [item["path"] for item in (await room.call("GET", files, status=200))["items"]]


async def test_a_tenant_s_page_is_never_shown_in_our_origin(room: Room) -> None:
    session = await room.session()
    path = f"{base(room, session)}/content?path=evil.html"
    await put(room, path, b"<script>alert(1)</script>", status=201)
    for method in ("GET", "HEAD"):
        _, headers, _ = await fetch(room, path, method=method)
        assert "text/plain; charset=utf-8" == headers["Content-Type"]
        assert headers["Content-Disposition"].startswith('attachment; filename="evil.html"')
        assert "sandbox; default-src 'none'" == headers["Content-Security-Policy"]
        assert "nosniff" == headers["X-Content-Type-Options"]


async def test_names_of_all_kinds_go_there_and_back(room: Room) -> None:
    session = await room.session()
    names = ["a b&c=d.txt", "naïve—\u2028.txt", "tab\tline\nend", 'quo"te\\%41', "-rf", "\ue000"]
    for name in names:
        async with room.rooms.http.put(
            f"{base(room, session)}/content", params={"path": name}, data=name.encode(), headers=room.headers
        ) as reply:
            assert 201 == reply.status, await reply.text()
    (clone(room, session) / os.fsdecode(b"latin-\xe9\xff")).write_text("bytes")
    listed = (await room.call("GET", base(room, session), status=200))["items"]
    shown = "latin-\uefe9\uefff"
    assert {*names, shown} == {item["name"] for item in listed}
    for name in (*names, shown):
        async with room.rooms.http.get(f"{base(room, session)}/content", params={"path": name}, headers=room.headers) as reply:
            assert (200, "bytes" if name == shown else name) == (reply.status, await reply.text())


async def test_parts_of_a_file_are_read(room: Room) -> None:
    session = await room.session()
    path = f"{base(room, session)}/content?path=f"
    await put(room, path, b"0123456789", status=201)
    for given, expected in {
        "bytes=0-3": (206, b"0123", "bytes 0-3/10"),
        "bytes=8-": (206, b"89", "bytes 8-9/10"),
        "bytes=-3": (206, b"789", "bytes 7-9/10"),
        "bytes=5-99999": (206, b"56789", "bytes 5-9/10"),
        "bytes=-99999": (200, b"0123456789", None),
        "bytes=0-9": (200, b"0123456789", None),
        "bytes=3-1": (200, b"0123456789", None),
        "bytes=1-2,4-5": (200, b"0123456789", None),
        "lines=1-2": (200, b"0123456789", None),
        "bytes=-": (200, b"0123456789", None),
        "bytes=" + "9" * 30 + "-": (200, b"0123456789", None),
    }.items():
        status, headers, body = await fetch(room, path, Range=given)
        assert expected == (status, body, headers.get("Content-Range")), given
    for given in ("bytes=10-", "bytes=-0"):
        status, headers, _ = await fetch(room, path, Range=given)
        assert (416, "bytes */10") == (status, headers["Content-Range"])
    assert 200 == (await fetch(room, path, Range="bytes=0-3", If_Range='"other"'))[0]
    status, headers, body = await fetch(room, path, method="HEAD")
    assert (200, "10", b"") == (status, headers["Content-Length"], body)


async def test_an_empty_file_is_read_and_written(room: Room) -> None:
    session = await room.session()
    path = f"{base(room, session)}/content?path=f"
    assert 0 == (await put(room, path, b"", status=201))["size"]
    assert (200, b"") == (await fetch(room, path))[::2]


async def test_a_version_guards_reading_and_writing(room: Room) -> None:
    session = await room.session()
    path = f"{base(room, session)}/content?path=f"
    first = (await put(room, path, b"one", status=201, If_None_Match="*"))["etag"]
    assert 304 == (await fetch(room, path, If_None_Match=first))[0]
    assert "precondition_failed" == (await put(room, path, b"two", status=412, If_None_Match="*"))["code"]
    second = (await put(room, path, b"two", status=200, If_Match=first))["etag"]
    for wrong in (first, '"junk"', f"W/{second}", "nothing"):
        await put(room, path, b"three", status=412, If_Match=wrong)
    await put(room, f"{base(room, session)}/content?path=g", b"x", status=412, If_Match="*")
    await put(room, path, b"three", status=200, If_Match="*")
    await put(room, path, b"four", status=422, If_None_Match=first)
    await put(room, path, b"four", status=422, If_Match=f"{first}, {second}")
    assert b"three" == (await fetch(room, path))[2]
    assert 200 == (await fetch(room, path, If_None_Match=second))[0]


async def test_of_writers_of_the_same_version_one_wins(room: Room) -> None:
    session = await room.session()
    path = f"{base(room, session)}/content?path=f"
    etag = (await put(room, path, b"0", status=201))["etag"]

    async def write(number: int) -> int:
        async with room.rooms.http.put(path, data=str(number), headers={**room.headers, "If-Match": etag}) as reply:
            return reply.status

    statuses = await asyncio.gather(*(write(number) for number in range(10)))
    assert [200] + [412] * 9 == sorted(statuses)


@pytest.fixture
async def small(tmp_path: Path) -> Any:  # noqa: ANN401  # a generator of Rooms
    async with serving_rooms(tmp_path, Guests(file_max=100_000, attachments=250_000)) as made:
        yield made


async def test_a_file_of_the_greatest_size_is_taken_and_one_byte_more_changes_nothing(small: Rooms) -> None:
    room = await small.room()
    session = await room.session()
    path = f"{base(room, session)}/content?path=f"
    await put(room, path, b"x" * 100_000, status=201)

    async def chunked(count: int) -> Any:  # noqa: ANN401  # a generator
        for _ in range(count):
            yield b"y" * 1000

    await put(room, path, chunked(100), status=200)
    for body in (b"z" * 100_001, chunked(101)):
        assert "too_large" == (await put(room, path, body, status=413))["code"]
    assert b"y" * 100_000 == (await fetch(room, path))[2]
    assert [] == list((clone(room, session).parent / "incoming").iterdir())


async def test_a_client_that_leaves_in_the_middle_changes_nothing(room: Room) -> None:
    session = await room.session()
    path = f"{base(room, session)}/content?path=f"
    await put(room, path, b"old", status=201)
    incoming = clone(room, session).parent / "incoming"
    host, port = room.rooms.http._base_url.host, room.rooms.http._base_url.port  # type: ignore[union-attr]
    _, writer = await asyncio.open_connection(host, port)
    head = f"PUT {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {room.token}\r\nContent-Length: 1000\r\n\r\n"
    writer.write(head.encode() + b"x" * 500)
    async with asyncio.timeout(10):
        while not list(incoming.iterdir()):
            await asyncio.sleep(0.01)
        writer.transport.abort()
        while list(incoming.iterdir()):
            await asyncio.sleep(0.01)
    assert b"old" == (await fetch(room, path))[2]


@pytest.mark.parametrize("rest", [(b"x" * 1000,), ()])
async def test_an_upload_ends_with_its_token(room: Room, rest: tuple[bytes, ...]) -> None:
    """Also when nothing but its end was still to come."""
    session = await room.session()
    path = f"{base(room, session)}/content?path=f"
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def body() -> Any:  # noqa: ANN401  # a generator
        yield b"x" * 1000
        begun.set()
        await go_on.wait()
        for piece in rest:
            yield piece

    upload = asyncio.create_task(put(room, path, body(), status=401))
    await begun.wait()
    async with asyncio.timeout(10):
        while not len(room.rooms.services.live):
            await asyncio.sleep(0.01)
    await room.call("POST", "/api/logout", status=200)
    go_on.set()
    assert "unauthorized" == (await upload)["code"]
    assert not (clone(room, session) / "f").exists()


async def test_a_big_file_goes_through_in_little_memory(room: Room) -> None:
    session = await room.session()
    path = f"{base(room, session)}/content?path=f"
    size, piece = 96 * 1024 * 1024, os.urandom(1024 * 1024)

    async def body() -> Any:  # noqa: ANN401  # a generator
        for _ in range(size // len(piece)):
            yield piece

    process = room.rooms.guests[room.workspace].process
    assert process is not None
    await put(room, path, body(), status=201)
    async with room.rooms.http.get(path, headers=room.headers) as reply:
        read = 0
        async for data in reply.content.iter_chunked(256 * 1024):
            start = read % len(piece)
            assert (piece + piece)[start : start + len(data)] == data
            read += len(data)
    assert size == read
    peak = Path(f"/proc/{process.pid}/status").read_text().split("VmHWM:")[1].split()[0]
    assert int(peak) < 64 * 1024


async def test_a_file_that_shrinks_while_it_is_read_is_a_broken_connection(rooms: Rooms) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        request = await link.receive()
        assert isinstance(request, ReadFile)
        await link.send(FileOpened(id=request.id, size=1000, version="ab", text=False))
        assert Take(offset=0, length=1000) == await link.receive()
        await link.send(Chunk(b"x" * 10))

    room = await rooms.hostile(talk)
    path = f"{base(room, 's' + 24 * '0')}/content?path=f"
    with pytest.raises(aiohttp.ClientPayloadError):
        await fetch(room, path)


async def test_a_guest_that_sends_more_than_it_said_is_cut_off(rooms: Rooms) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        request = await link.receive()
        assert isinstance(request, ReadFile)
        await link.send(FileOpened(id=request.id, size=10, version="ab", text=False))
        await link.receive()
        await link.send(Chunk(b"x" * 11))
        await link.receive()

    room = await rooms.hostile(talk)
    with pytest.raises(aiohttp.ClientPayloadError):
        await fetch(room, f"{base(room, 's' + 24 * '0')}/content?path=f")


async def test_a_guest_that_never_answers_an_upload_meets_a_deadline(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.transfers.DEADLINE", 0.2)

    async def talk(link: Link) -> None:
        await welcome(link)
        request = await link.receive()
        assert isinstance(request, WriteFile)
        await link.send(structs.replace(Done(), id=request.id))
        while await link.receive():
            pass

    room = await rooms.hostile(talk)
    await put(room, f"{base(room, 's' + 24 * '0')}/content?path=f", b"x", status=504)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "x" * 256])
async def test_a_path_that_is_none_is_refused_everywhere(room: Room, path: str) -> None:
    session = await room.session()
    files = base(room, session)
    for method, where in (("GET", ""), ("GET", "/info"), ("GET", "/content"), ("PUT", "/content"), ("DELETE", "")):
        async with room.rooms.http.request(
            method, files + where, params={"path": path}, data=b"x" if method == "PUT" else None, headers=room.headers
        ) as reply:
            assert (400, "bad_request") == (reply.status, (await reply.json())["code"]), (method, where)
    for body in ({"path": path, "to": "b"}, {"path": "b", "to": path}):
        await room.call("POST", f"{files}/move", body, status=400)
    await room.call("POST", f"{files}/folders", {"path": path}, status=400)


async def test_wrong_parameters_are_named(room: Room) -> None:
    session = await room.session()
    files = base(room, session)
    for query in (
        "path=%00",
        "depth=0",
        "depth=17",
        "limit=501",
        "cursor=%21",
        "nothing=1",
        "worktree=x",
        "path=" + "x" * 4097,
    ):
        assert "invalid" == (await room.call("GET", f"{files}?{query}", status=422))["code"], query
    await room.call("GET", f"{files}/info", status=422)
    await room.call("GET", f"{files}/search?q=a%0Ab", status=422)
    await room.call("GET", f"{base(room, 's' + 24 * '0')}", status=404)


async def test_a_worktree_has_files_of_its_own(room: Room) -> None:
    session = await room.session()
    files = base(room, session)
    await put(room, f"{files}/content?path=f", b"one", status=201)
    await room.call("POST", f"{room.base}/sessions/{session}/git/commit", {"message": "one", "all": True}, status=201)
    made = await room.call("POST", f"{room.base}/sessions/{session}/worktrees", {"branch": "b", "start": "HEAD"}, status=201)
    where = f"worktree={made['worktreeId']}"
    await put(room, f"{files}/content?path=f&{where}", b"two", status=200)
    assert b"one" == (await fetch(room, f"{files}/content?path=f"))[2]
    assert b"two" == (await fetch(room, f"{files}/content?path=f&{where}"))[2]
    status = await room.call("GET", f"{room.base}/sessions/{session}/git/status?{where}", status=200)
    assert ("b", [("f", "M")]) == (status["branch"], [(e["path"], e["unstaged"]) for e in status["entries"]])


async def test_pages_of_a_tree_have_every_entry_once(room: Room) -> None:
    session = await room.session()
    root = clone(room, session)
    for folder in ("a", "a/b", "a.b", "c"):
        (root / folder).mkdir()
        for number in range(7):
            (root / folder / f"f{number}").touch()
    expected = sorted(
        (str(path.relative_to(root)) for path in root.rglob("*") if ".git" not in path.parts),
        key=lambda p: p.encode().split(b"/"),
    )
    for limit in (1, 3, 100):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await room.call(
                "GET", f"{base(room, session)}?depth=16&limit={limit}{cursor and '&cursor=' + cursor}", status=200
            )
            seen += [item["path"] for item in page["items"]]
            cursor = page["nextCursor"]
        assert expected == seen
    hidden = await room.call("GET", f"{base(room, session)}?git=true", status=200)
    assert ".git" in [item["path"] for item in hidden["items"]]


async def test_files_are_found_by_what_somebody_types(room: Room) -> None:
    session = await room.session()
    files = base(room, session)
    for name in ("src/app.py", "src/apple.txt", "other"):
        await put(room, f"{files}/content?path={name}&parents=true", b"x", status=201)
    found = await room.call("GET", f"{files}/names?q=APP", status=200)
    assert {"items": ["src/app.py", "src/apple.txt"], "truncated": False} == found
    assert {"items": ["other"], "truncated": True} == await room.call("GET", f"{files}/names?limit=1", status=200)
    for wrong in ("limit=0", "limit=201", f"q={'x' * 201}", "path=x"):
        await room.call("GET", f"{files}/names?{wrong}", status=422)


async def test_a_search_finds_lines(room: Room) -> None:
    session = await room.session()
    root = clone(room, session)
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("import os\nvalue = OS.name\n")
    (root / "b.txt").write_text("pos os\n" + "x" * 10_000 + "needle" + "y" * 10_000)
    (root / "binary").write_bytes(b"os\0os")
    (root / ".gitignore").write_text("ignored\n")
    (root / "ignored").write_text("os\n")
    (root / "new\nline [x]").write_text("os")
    search = f"{base(room, session)}/search"

    async def found(query: str) -> list[tuple[str, int, int]]:
        reply = await room.call("GET", f"{search}?{query}", status=200)
        return [(item["path"], item["line"], item["column"]) for item in reply["items"]]

    assert [("b.txt", 1, 2), ("new\nline [x]", 1, 1), ("src/a.py", 1, 8)] == await found("q=os")
    assert [("b.txt", 1, 5), ("new\nline [x]", 1, 1), ("src/a.py", 1, 8)] == await found("q=os&words=true")
    assert [("src/a.py", 1, 8), ("src/a.py", 2, 9)] == await found("q=os&ignoreCase=true&glob=*.py")
    assert [("src/a.py", 1, 1)] == await found("q=^import%20.s$&regex=true")
    assert [("src/a.py", 1, 8)] == await found("q=os&path=src")
    assert [("src/a.py", 1, 8)] == await found("q=os&glob=src/*.py")
    assert ("ignored", 1, 1) in await found("q=os&ignored=true")
    assert [] == await found("q=%5Bx&path=src")
    reply = await room.call("GET", f"{search}?q=os&limit=1", status=200)
    assert (1, True) == (len(reply["items"]), reply["truncated"])
    excerpt = (await room.call("GET", f"{search}?q=needle", status=200))["items"][0]["text"]
    assert "needle" in excerpt
    assert len(excerpt) == 400
    for wrong in ("q=(&regex=true", "q=a{9999999999999}&regex=true", "q=x&glob=../*", "q=x&glob=/etc/*", "q=x&path=../x"):
        assert "bad_request" == (await room.call("GET", f"{search}?{wrong}", status=400))["code"], wrong


async def test_files_of_another_workspace_are_not_there(rooms: Rooms) -> None:
    one, two = await rooms.room(), await rooms.room()
    session = await one.session()
    await put(one, f"{base(one, session)}/content?path=f", b"secret", status=201)
    for method, where in (("GET", ""), ("GET", "/info?path=f"), ("GET", "/content?path=f"), ("DELETE", "?path=f")):
        assert 404 == (await fetch(two, f"{base(one, session)}{where}", method=method))[0]
        assert 404 == (await fetch(two, f"{base(two, session)}{where}", method=method))[0]
