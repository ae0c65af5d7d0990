from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.config import Guests
from tests.api.rooms import Room, Rooms, serving_rooms


async def post(room: Room, session: str, data: object, query: str = "", *, status: int = 201, **headers: str) -> Any:  # noqa: ANN401  # JSON
    given = {**room.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    path = f"{room.base}/sessions/{session}/attachments{query}"
    async with room.rooms.http.post(path, data=data, headers=given) as reply:
        assert status == reply.status, await reply.text()
        body = await reply.json()
        return body if status != 201 else body | {"location": reply.headers["Location"]}


async def test_an_attachment_is_uploaded_listed_downloaded_and_deleted(room: Room) -> None:
    session = await room.session()
    made = await post(room, session, b"<svg onload=alert(1)>", "?name=a%20b%22.svg", Content_Type="image/svg+xml; x=y")
    assert ('a b".svg', "image/svg+xml", 21) == (made["name"], made["mediaType"], made["size"])
    listed = await room.call("GET", f"{room.base}/sessions/{session}/attachments", status=200)
    assert [made["attachmentId"]] == [item["attachmentId"] for item in listed["items"]]
    async with room.rooms.http.get(made["location"], headers=room.headers) as reply:
        assert b"<svg onload=alert(1)>" == await reply.read()
        assert "text/plain; charset=utf-8" == reply.headers["Content-Type"]
        assert "attachment; filename=\"a b_.svg\"; filename*=UTF-8''a%20b%22.svg" == reply.headers["Content-Disposition"]
        assert "sandbox; default-src 'none'" == reply.headers["Content-Security-Policy"]
    async with room.rooms.http.get(made["location"], headers={**room.headers, "Range": "bytes=1-3"}) as reply:
        assert (206, b"svg") == (reply.status, await reply.read())
    await room.call("DELETE", made["location"], status=204)
    await room.call("GET", made["location"], status=404)
    await room.call("DELETE", made["location"], status=404)


async def test_the_same_idempotency_key_makes_one_attachment(room: Room) -> None:
    session = await room.session()
    made = [await post(room, session, b"one", "?name=f", Idempotency_Key="k" * 20) for _ in range(2)]
    assert made[0] == made[1]
    await post(room, session, b"one", "?name=g", status=422, Idempotency_Key="k" * 20)
    assert 1 == len((await room.call("GET", f"{room.base}/sessions/{session}/attachments", status=200))["items"])


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with serving_rooms(tmp_path, Guests(file_max=1000, attachments=1500)) as made:
        yield made


async def test_what_is_too_large_or_too_much_is_refused(small: Rooms) -> None:
    room = await small.room()
    session = await room.session()
    assert "too_large" == (await post(room, session, b"x" * 1001, status=413))["code"]
    await post(room, session, b"x" * 1000)
    assert "limit" == (await post(room, session, b"x" * 501, status=409))["code"]
    await post(room, session, b"x" * 500)


async def test_wrong_names_and_media_types(room: Room) -> None:
    session = await room.session()
    for query in ("?name=", "?name=a/b", "?name=a%0Ab", "?name=" + "x" * 256):
        await post(room, session, b"x", query, status=422)
    assert "application/octet-stream" == (await post(room, session, b"x", Content_Type="nonsense"))["mediaType"]
    assert "attachment" == (await post(room, session, b"x"))["name"]


async def test_another_workspace_does_not_see_it(rooms: Rooms) -> None:
    one, two = await rooms.room(), await rooms.room()
    session = await one.session()
    made = await post(one, session, b"secret")
    await two.call("GET", made["location"], status=404)
    await two.call("GET", made["location"].replace(one.workspace, two.workspace), status=404)
