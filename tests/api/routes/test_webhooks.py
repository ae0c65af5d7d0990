"""Webhooks over HTTP, in their three places."""

from pathlib import Path
from typing import Any

import pytest

from shared.settings import Api, Limits
from shared.settings import Webhooks as Settings
from tests.api.fakehost import FakeHost
from tests.api.receiver import receiving
from tests.api.serving import UNLIMITED, Server, serving

BODY = {"url": "https://1.1.1.1/hook", "events": ["key.minted"]}


class Client:
    """A workspace's webhooks, and its token."""

    def __init__(self, server: Server, workspace: str, token: str) -> None:
        self.server = server
        self.token = token
        self.base = f"/api/workspaces/{workspace}/webhooks"

    async def call(self, method: str, path: str = "", body: object = None, *, status: int = 200, **headers: str) -> Any:  # noqa: ANN401  # JSON
        got, reply, _ = await self.server.call(method, self.base + path, body, token=self.token, **headers)
        assert status == got, reply
        return reply

    async def create(self, **more: object) -> str:
        return f"/{(await self.call('POST', body=BODY | more, status=201))['webhookId']}"


@pytest.fixture
async def client(server: Server) -> Client:
    return Client(server, *await server.tenant())


async def test_the_secret_is_shown_once(client: Client) -> None:
    made = await client.call("POST", body=BODY, status=201)
    assert made["secret"].startswith("whsec_")
    shown = {key: value for key, value in made.items() if key != "secret"}
    assert (BODY["url"], BODY["events"], True) == (shown["url"], shown["events"], shown["enabled"])
    path = f"/{made['webhookId']}"
    assert shown == await client.call("GET", path)
    assert {"items": [shown]} == await client.call("GET")
    rotated = await client.call("POST", f"{path}/secret/rotate")
    assert rotated["secret"] != made["secret"]
    for reply in (await client.call("GET", path), await client.call("PATCH", path, {"enabled": False})):
        assert "secret" not in reply


async def test_a_repeated_creation_and_rotation_answer_the_same(client: Client) -> None:
    first, second = [await client.call("POST", body=BODY, status=201, Idempotency_Key="k") for _ in range(2)]
    assert first == second
    path = f"/{first['webhookId']}/secret/rotate"
    assert 1 == len({(await client.call("POST", path, Idempotency_Key="r"))["secret"] for _ in range(2)})


async def test_a_webhook_is_changed_and_deleted(client: Client) -> None:
    path = await client.create()
    changed = await client.call("PATCH", path, {"events": ["*", "*"], "url": "http://1.1.1.1:81/"})
    assert (["*"], "http://1.1.1.1:81/", True) == (changed["events"], changed["url"], changed["enabled"])
    await client.call("PATCH", path, {"enabled": False}, status=412, If_Match='"1"')
    await client.call("PATCH", path, {"enabled": False}, If_Match='"2"')
    await client.call("POST", f"{path}/test", status=409)
    await client.call("DELETE", path, status=204)
    for method, tail, body in (("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None), ("GET", "/deliveries", None)):
        await client.call(method, path + tail, body, status=404)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"events": ["*"]}, ""),
        (BODY | {"url": ""}, "/url"),
        (BODY | {"url": "http://" + "x" * 2000}, "/url"),
        (BODY | {"url": "http://127.0.0.1/"}, "/url"),
        (BODY | {"url": "http://169.254.169.254/latest/meta-data/"}, "/url"),
        (BODY | {"url": "http://a:b@1.1.1.1/"}, "/url"),
        (BODY | {"events": []}, "/events"),
        (BODY | {"events": ["nothing.such"]}, "/events/0"),
        (BODY | {"events": ["webhook.test"]}, "/events/0"),
        (BODY | {"events": ["*"] * 100}, "/events"),
        (BODY | {"secret": "x"}, "/secret"),
    ],
)
async def test_what_is_wrong_is_refused_and_named(client: Client, body: object, pointer: str) -> None:
    refused = await client.call("POST", body=body, status=422)
    assert pointer == refused["errors"][0]["pointer"]
    if isinstance(body, dict) and len(body) == 2:
        path = await client.create()
        assert pointer == (await client.call("PATCH", path, body, status=422))["errors"][0]["pointer"]


async def test_there_is_a_limit(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, limits=Limits(webhooks=2)) as server:
        client = Client(server, *await server.tenant())
        path = await client.create()
        await client.create()
        assert "limit" == (await client.call("POST", body=BODY, status=409))["code"]
        await client.call("DELETE", path, status=204)
        await client.create()
        other = Client(server, *await server.tenant())
        await other.create()


async def test_nobody_else_sees_them(client: Client) -> None:
    path = await client.create()
    other = Client(client.server, *await client.server.tenant())
    for method, tail, body in (
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", None),
        ("POST", "/test", None),
    ):
        await other.call(method, path + tail, body, status=404)
    stranger = Client(client.server, "", other.token)
    stranger.base = client.base
    await stranger.call("GET", status=404)
    await stranger.call("POST", body=BODY, status=404)


async def test_the_webhooks_of_the_host_are_an_administrators(client: Client) -> None:
    client.base = "/api/webhooks"
    await client.call("GET", status=403)
    await client.call("POST", body=BODY, status=403)
    client.token = await client.server.admin()
    path = await client.create()
    assert 1 == len((await client.call("GET"))["items"])
    assert [] == (await client.call("GET", f"{path}/deliveries"))["items"]
    await client.call("PATCH", path, {"events": ["task.failed"]}, status=422)


@pytest.mark.parametrize("event", ["channel.message", "task.failed", "*"])
async def test_an_administrator_has_nothing_told_from_inside_of_a_workspace(client: Client, event: str) -> None:
    path = await client.create(events=[event])
    client.token = await client.server.admin()
    await client.call("POST", body=BODY, status=201)
    await client.call("POST", body=BODY | {"events": [event]}, status=403)
    await client.call("PATCH", path, {"url": "https://1.1.1.1/mine"}, status=403)
    await client.call("PATCH", path, {"events": ["key.minted"], "url": "https://1.1.1.1/mine"})


async def test_deliveries_come_in_pages(tmp_path: Path, host: FakeHost) -> None:
    async with receiving() as receiver, serving(tmp_path, host, webhooks=Settings(allow=("127.0.0.1",))) as server:
        client = Client(server, *await server.tenant())
        path = await client.create(url=receiver.url)
        made = [(await client.call("POST", f"{path}/test", status=202))["deliveryId"] for _ in range(5)]
        seen: list[str] = []
        cursor = ""
        while True:
            page = await client.call("GET", f"{path}/deliveries?limit=2{cursor}")
            seen += [item["deliveryId"] for item in page["items"]]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        assert made[::-1] == seen
        await client.call("GET", f"{path}/deliveries?cursor=nope", status=422)
        absent = f"dl{'0' * 24}"
        await client.call("POST", f"{path}/deliveries/{absent}/retry", status=404)
        other = await client.create(url=receiver.url)
        await client.call("POST", f"{other}/deliveries/{made[0]}/retry", status=404)
        await receiver.take(5)


async def test_this_server_is_no_receiver_of_its_own(tmp_path: Path, host: FakeHost) -> None:
    api = Api(rate_limits=UNLIMITED, hosts=("own.example:443", "127.0.0.1"), public_url="https://me.example/x")
    async with serving(tmp_path, host, api) as server:
        client = Client(server, *await server.tenant())
        for url in ("https://own.example/", "http://OWN.example:81/", "https://me.example/api", "http://[::1]/"):
            assert "/url" == (await client.call("POST", body=BODY | {"url": url}, status=422))["errors"][0]["pointer"]
        await client.create(url="https://other.example/")


async def test_a_url_has_its_limit(client: Client) -> None:
    base = "https://1.1.1.1/"
    await client.create(url=base + "x" * (2000 - len(base)))
    await client.call("POST", body=BODY | {"url": base + "x" * (2001 - len(base))}, status=422)


async def test_a_key_without_the_scope_of_messages_has_none_told(client: Client) -> None:
    keys = client.base.replace("/webhooks", "/keys")
    body = {"name": "x", "scopes": ["webhooks:read", "webhooks:write"]}
    _, made, _ = await client.server.call("POST", keys, body, token=client.token)
    client.token = made["key"]
    await client.call("POST", body=BODY | {"events": ["channel.message"]}, status=403)
    await client.create()
