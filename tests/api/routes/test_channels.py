"""Channels over HTTP: pages, long polls, streams, and who is named as the author."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from api.channels import BODY_MAX
from shared.settings import Channels as Settings
from tests.api.fakehost import FakeHost
from tests.api.serving import Server, serving
from tests.api.ssestream import Stream


class Talk:
    """A channel, and a client with the token of its workspace."""

    def __init__(self, server: Server, workspace: str, token: str) -> None:
        self.server = server
        self.workspace = workspace
        self.token = token
        self.base = f"/api/workspaces/{workspace}/channels"
        self.path = ""

    async def call(self, method: str, path: str, body: object = None, *, status: int = 200, **headers: str) -> Any:  # noqa: ANN401  # JSON
        got, reply, _ = await self.server.call(method, path, body, token=self.token, **headers)
        assert status == got, reply
        return reply

    async def send(self, text: str = "x", **more: Any) -> Any:  # noqa: ANN401  # JSON
        return await self.call("POST", f"{self.path}/messages", {"text": text} | more, status=201)

    @asynccontextmanager
    async def following(self, query: str = "", **headers: str) -> AsyncIterator[Stream]:
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.server.http.get(f"{self.server.url}{self.path}/messages{query}", headers=sent) as reply:
            assert (200, "text/event-stream") == (reply.status, reply.content_type), await reply.text()
            yield Stream(reply)


async def talking(server: Server) -> Talk:
    talk = Talk(server, *await server.tenant())
    made = await talk.call("POST", talk.base, {"name": "talk", "topic": "ä"}, status=201)
    talk.path = f"{talk.base}/{made['channelId']}"
    return talk


@pytest.fixture
async def talk(server: Server) -> Talk:
    return await talking(server)


async def test_a_channel_is_made_listed_changed_and_deleted(talk: Talk) -> None:
    made = await talk.call("GET", talk.path)
    assert ("talk", "ä", 0, talk.workspace) == (made["name"], made["topic"], made["last"], made["workspaceId"])
    await talk.call("POST", talk.base, {"name": "a"}, status=201)
    assert ["a", "talk"] == [item["name"] for item in (await talk.call("GET", talk.base))["items"]]
    await talk.call("PATCH", talk.path, {"name": "a"}, status=409)
    changed = await talk.call("PATCH", talk.path, {"topic": "new"})
    assert ("talk", "new") == (changed["name"], changed["topic"])
    await talk.call("DELETE", talk.path, status=204)
    await talk.call("GET", talk.path, status=404)
    await talk.call("GET", f"{talk.path}/messages", status=404)
    await talk.call("POST", f"{talk.path}/messages", {"text": "x"}, status=404)


@pytest.mark.parametrize("name", ["", "A", "-a", "a b", "a/b", "a\n", "a\x00", "ä", "a" * 65])
async def test_a_name_that_is_none_is_refused(talk: Talk, name: str) -> None:
    refused = await talk.call("POST", talk.base, {"name": name}, status=422)
    assert "/name" == refused["errors"][0]["pointer"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": 1},
        {"text": "x", "author": "me"},
        {"text": "x", "name": "n" * 101},
        {"text": "x", "name": "a\nb"},
    ],
)
async def test_a_message_that_is_none_is_refused(talk: Talk, body: object) -> None:
    await talk.call("POST", f"{talk.path}/messages", body, status=422)


async def test_a_message_has_at_most_16_kib(talk: Talk) -> None:
    await talk.send("x" * BODY_MAX)
    await talk.call("POST", f"{talk.path}/messages", {"text": "x" * (BODY_MAX + 1)}, status=422)
    await talk.call("POST", f"{talk.path}/messages", {"text": "ä" * BODY_MAX}, status=413)


async def test_the_author_is_who_sent_it_whatever_they_call_themselves(talk: Talk) -> None:
    sent = await talk.send("hello\n\x00\u2028", name=f"w{'0' * 24}")
    assert (talk.workspace, f"w{'0' * 24}", 1) == (sent["author"], sent["name"], sent["number"])
    assert [sent] == (await talk.call("GET", f"{talk.path}/messages"))["items"]


async def test_a_repeated_request_sends_once(talk: Talk) -> None:
    for _ in range(2):
        sent = await talk.call("POST", f"{talk.path}/messages", {"text": "x"}, status=201, Idempotency_Key="k1")
        assert 1 == sent["number"]
    assert 1 == (await talk.call("GET", talk.path))["last"]


async def test_messages_come_in_pages(talk: Talk) -> None:
    for number in range(5):
        await talk.send(str(number))
    page = await talk.call("GET", f"{talk.path}/messages?after=1&limit=2")
    assert (["1", "2"], 5, False) == ([item["text"] for item in page["items"]], page["last"], page["reset"])
    assert {"items": [], "last": 5, "reset": False} == await talk.call("GET", f"{talk.path}/messages?after=5")
    for query in (
        "after=6",
        "after=-1",
        "after=x",
        "limit=0",
        "limit=501",
        "wait=61",
        "wait=-1",
        "after=9999999999999999",
        "a=1",
    ):
        await talk.call("GET", f"{talk.path}/messages?{query}", status=422)


async def test_a_long_poll_ends_with_the_message_or_with_the_time(talk: Talk) -> None:
    waiting = asyncio.create_task(talk.call("GET", f"{talk.path}/messages?wait=60"))
    while not talk.server.services.live:
        await asyncio.sleep(0)
    await talk.send("late")
    async with asyncio.timeout(10):
        assert ["late"] == [item["text"] for item in (await waiting)["items"]]
        assert [] == (await talk.call("GET", f"{talk.path}/messages?after=1&wait=1"))["items"]


async def test_a_long_poll_of_a_channel_that_is_deleted_ends(talk: Talk) -> None:
    waiting = asyncio.create_task(talk.call("GET", f"{talk.path}/messages?wait=60", status=404))
    while not talk.server.services.live:
        await asyncio.sleep(0)
    await talk.call("DELETE", talk.path, status=204)
    async with asyncio.timeout(10):
        await waiting


async def test_a_stream_has_what_was_and_what_comes_and_resumes_behind_its_last_id(talk: Talk) -> None:
    for number in range(1, 4):
        await talk.send(str(number))
    async with talk.following("?after=1") as stream:
        assert ["2", "3"] == [item["text"] for item in await stream.take(2)]
        await talk.send("4")
        assert ["4"] == [item["text"] for item in await stream.take(1)]
        assert "4" == stream.id
    await talk.send("5")
    async with talk.following("?after=1", Last_Event_ID="4") as stream:
        assert ["5"] == [item["text"] for item in await stream.take(1)]
    for last in ("x", "-1", "1" * 16, "6"):
        await talk.call("GET", f"{talk.path}/messages", status=422, Accept="text/event-stream", Last_Event_ID=last)


async def test_a_reader_that_is_behind_is_told_reset(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, channels=Settings(messages=2)) as server:
        talk = await talking(server)
        for number in range(1, 5):
            await talk.send(str(number))
        page = await talk.call("GET", f"{talk.path}/messages?after=1")
        assert (["3", "4"], True) == ([item["text"] for item in page["items"]], page["reset"])
        assert not (await talk.call("GET", f"{talk.path}/messages?after=2"))["reset"]
        async with talk.following("?after=1") as stream:
            assert ("reset", {}) == await stream.next()
            assert ["3", "4"] == [item["text"] for item in await stream.take(2)]


async def test_a_stream_of_a_channel_that_is_deleted_says_so(talk: Talk) -> None:
    await talk.send("1")
    async with talk.following() as stream:
        await stream.take(1)
        await talk.call("DELETE", talk.path, status=204)
        name, end = await stream.next()
        assert ("end", "not_found") == (name, end["code"])


async def test_the_feed_of_the_workspace_tells_of_news_without_the_words(talk: Talk) -> None:
    sent = {"Authorization": f"Bearer {talk.token}", "Accept": "text/event-stream"}
    async with talk.server.http.get(f"{talk.server.url}/api/events", headers=sent) as reply:
        stream = Stream(reply)
        await stream.until("ready")
        await talk.send("SENTINEL")
        told = await stream.until("channel")
    assert ("talk", 1) == (told["name"], told["last"])
    assert "SENTINEL" not in str(stream.seen)


async def test_the_feed_of_the_workspace_tells_of_channels_that_come_change_and_go(talk: Talk) -> None:
    sent = {"Authorization": f"Bearer {talk.token}", "Accept": "text/event-stream"}
    async with talk.server.http.get(f"{talk.server.url}/api/events", headers=sent) as reply:
        stream = Stream(reply)
        await stream.until("ready")
        made = await talk.call("POST", talk.base, {"name": "next", "topic": "What comes"}, status=201)
        assert made == await stream.until("channel")
        path = f"{talk.base}/{made['channelId']}"
        await talk.call("PATCH", path, {"topic": ""})
        assert (await stream.until("channel"))["topic"] == ""
        await talk.call("DELETE", path, status=204)
        gone = await stream.until("channelDeleted")
    assert gone == {"channelId": made["channelId"], "workspaceId": made["workspaceId"]}


async def test_nobody_else_reads_or_writes_and_an_admin_neither(talk: Talk) -> None:
    _, other = await talk.server.tenant()
    admin = await talk.server.admin()
    for token, status in ((other, 404), (admin, 403)):
        for method, path, body in (
            ("GET", talk.base, None),
            ("GET", talk.path, None),
            ("GET", f"{talk.path}/messages", None),
            ("POST", f"{talk.path}/messages", {"text": "x"}),
            ("DELETE", talk.path, None),
        ):
            assert status == (await talk.server.call(method, path, body, token=token))[0]
    sent = {"Authorization": f"Bearer {admin}", "Accept": "text/event-stream"}
    async with talk.server.http.get(f"{talk.server.url}/api/events", headers=sent) as reply:
        stream = Stream(reply)
        await stream.until("ready")
        await talk.send("SENTINEL")
        await talk.server.create(name="next")
        await stream.until("workspace", name="next")
    assert "channel" not in {name for name, _ in stream.seen}


@pytest.mark.parametrize(("field", "most"), [("name", 64), ("topic", 500)])
async def test_what_a_channel_is_called_has_its_limits(talk: Talk, field: str, most: int) -> None:
    await talk.call("PATCH", talk.path, {field: "a" * most})
    await talk.call("PATCH", talk.path, {field: "a" * (most + 1)}, status=422)


async def test_a_key_is_named_as_the_author(talk: Talk) -> None:
    body = {"name": "agent", "scopes": ["channels:read", "channels:write"]}
    made = await talk.call("POST", f"/api/workspaces/{talk.workspace}/keys", body, status=201)
    talk.token = made["key"]
    assert made["keyId"] == (await talk.send(name="boss"))["author"]
    await talk.call("DELETE", talk.path, status=204)


async def test_a_key_that_may_only_read_does_not_write(talk: Talk) -> None:
    made = await talk.call(
        "POST", f"/api/workspaces/{talk.workspace}/keys", {"name": "x", "scopes": ["channels:read"]}, status=201
    )
    talk.token = made["key"]
    await talk.call("GET", f"{talk.path}/messages")
    await talk.call("POST", f"{talk.path}/messages", {"text": "x"}, status=403)
    await talk.call("DELETE", talk.path, status=403)


async def test_a_stream_ends_when_its_key_is_revoked(talk: Talk) -> None:
    keys = f"/api/workspaces/{talk.workspace}/keys"
    owner = talk.token
    made = await talk.call("POST", keys, {"name": "x", "scopes": ["channels:read"]}, status=201)
    talk.token = made["key"]
    async with talk.following() as stream:
        talk.token = owner
        await talk.send("1")
        await stream.take(1)
        await talk.call("DELETE", f"{keys}/{made['keyId']}", status=204)
        assert "unauthorized" == (await stream.until("end"))["code"]
        with pytest.raises(ConnectionError):
            await stream.next()
