"""Webhooks: what is told arrives, signed, once it can; and nothing goes where it must not."""

import asyncio
import ipaddress
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select, update
from yarl import URL

from api.auth import Target
from api.problems import Problem
from api.schema import View
from api.tables import webhooks as webhook_rows
from api.webhooks import deliveries
from api.webhooks.addresses import LOOKUPS, LOOKUPS_EACH, Allowed, Guard, Lookups, RefusedAddressError, check_url, is_public
from api.webhooks.courier import AT_ONCE_EACH, Courier, Undelivered
from api.webhooks.deliveries import Delivery
from api.webhooks.webhooks import PURPOSE
from shared.config import ConfigError
from shared.errors import Code, Fault
from shared.secret import Secret
from shared.settings import Webhooks as Settings
from tests.api.fakehost import FakeHost
from tests.api.organised import organised
from tests.api.process import api_process
from tests.api.receiver import Receiver, receiving, signature
from tests.api.serving import Server, serving

LOOPBACK = Settings(allow=("127.0.0.0/8",), timeout=5, attempts=3, retry_pause=0.05)


class Said(View, frozen=True):
    """Something to tell."""

    text: str = "hello"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def telling(tmp_path: Path, host: FakeHost) -> AsyncIterator[Server]:
    """Api that may deliver to the loopback."""
    async with serving(tmp_path, host, webhooks=LOOPBACK) as made:
        yield made


class Hook:
    """A webhook of a workspace, and its deliveries."""

    def __init__(self, server: Server, workspace: str, token: str, made: dict[str, Any]) -> None:
        self.server = server
        self.target = Target(workspace)
        self.token = token
        self.secret = made["secret"]
        self.id = made["webhookId"]
        self.path = f"/api/workspaces/{workspace}/webhooks/{self.id}"

    async def call(self, method: str, path: str = "", body: object = None, status: int = 200) -> Any:  # noqa: ANN401  # JSON
        got, reply, _ = await self.server.call(method, self.path + path, body, token=self.token)
        assert status == got, reply
        return reply

    async def emit(self, event: str = "key.minted", text: str = "hello") -> None:
        await self.server.services.webhooks.emit(event, Said(text=text), self.target)

    async def ended(self, number: int = 1) -> list[dict[str, Any]]:
        """All deliveries, newest first, once so many have ended."""
        async with asyncio.timeout(20):
            while True:
                items: list[dict[str, Any]] = (await self.call("GET", "/deliveries"))["items"]
                if sum(item["status"] != "pending" for item in items) >= number:
                    return items
                await asyncio.sleep(0.02)


async def hooked(server: Server, url: str, events: tuple[str, ...] = ("*",)) -> Hook:
    workspace, token = await server.tenant()
    path = f"/api/workspaces/{workspace}/webhooks"
    status, made, _ = await server.call("POST", path, {"url": url, "events": list(events)}, token=token)
    assert status == 201, made
    return Hook(server, workspace, token, made)


async def test_an_event_arrives_with_a_signature_that_only_the_secret_makes(telling: Server, receiver: Receiver) -> None:
    hook = await hooked(telling, receiver.url)
    await hook.emit(text="ä")
    [(message, body, signatures)] = await receiver.take(1)
    headers, raw = receiver.raw[0]
    assert [signature(hook.secret, headers, raw)] == signatures
    assert signature("whsec_AAAA", headers, raw) not in signatures
    assert {"type", "timestamp", "data", "workspaceId", "organisationId"} == set(body)
    assert ("key.minted", {"text": "ä"}, hook.target.workspace) == (body["type"], body["data"], body["workspaceId"])
    [delivery] = await hook.ended()
    assert (message, "delivered", 204, 1) == (
        delivery["deliveryId"],
        delivery["status"],
        delivery["responseStatus"],
        delivery["attempts"],
    )
    assert "application/json" == headers["content-type"]


async def test_only_what_is_followed_is_told_and_only_to_those_concerned(telling: Server, receiver: Receiver) -> None:
    hook = await hooked(telling, receiver.url, ("key.revoked",))
    other = await hooked(telling, receiver.url)
    await hook.emit("key.minted")
    await hook.emit("key.revoked")
    await receiver.take(1)
    assert ["key.revoked"] == [item["event"] for item in await hook.ended()]
    assert [] == (await other.call("GET", "/deliveries"))["items"]


async def test_the_host_is_told_of_workspaces_but_not_what_is_said_in_them(telling: Server, receiver: Receiver) -> None:
    admin = await telling.admin()
    body = {"url": receiver.url, "events": ["*"]}
    assert 201 == (await telling.call("POST", "/api/webhooks", body, token=admin))[0]
    await telling.services.webhooks.emit("channel.message", Said(), Target(f"w{'1' * 24}"))
    await telling.services.webhooks.emit("workspace.ready", Said(), Target(f"w{'1' * 24}"))
    [(_, told, _)] = await receiver.take(1)
    assert "workspace.ready" == told["type"]
    body["events"] = ["channel.message"]
    assert 422 == (await telling.call("POST", "/api/webhooks", body, token=admin))[0]


async def test_what_fails_is_tried_again_and_then_shown_as_failed(telling: Server, receiver: Receiver) -> None:
    receiver.status = 500
    hook = await hooked(telling, receiver.url)
    await hook.emit()
    [delivery] = await hook.ended()
    assert ("failed", 3, 500) == (delivery["status"], delivery["attempts"], delivery["responseStatus"])
    assert 3 == len(receiver.got)
    assert 1 == len({message for message, _, _ in receiver.got})  # one id for all attempts
    receiver.status = 200
    await hook.call("POST", f"/deliveries/{delivery['deliveryId']}/retry", status=202)
    await receiver.take(4)
    [delivery] = await hook.ended()
    assert ("delivered", 1) == (delivery["status"], delivery["attempts"])


async def test_a_redirect_is_not_followed(telling: Server, receiver: Receiver) -> None:
    async def elsewhere(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    receiver.answer = elsewhere
    hook = await hooked(telling, receiver.url)
    await hook.emit()
    [delivery] = await hook.ended()
    assert ("failed", 307) == (delivery["status"], delivery["responseStatus"])
    assert 3 == len(receiver.raw)


async def test_who_answers_gone_is_not_told_again(telling: Server, receiver: Receiver) -> None:
    receiver.status = 410
    hook = await hooked(telling, receiver.url)
    await hook.emit()
    [delivery] = await hook.ended()
    assert ("failed", 1) == (delivery["status"], delivery["attempts"])
    async with asyncio.timeout(10):
        while (await hook.call("GET"))["enabled"]:
            await asyncio.sleep(0.02)
    await hook.emit()
    assert 1 == len((await hook.call("GET", "/deliveries"))["items"])
    await hook.call("POST", f"/deliveries/{delivery['deliveryId']}/retry", status=409)
    await hook.call("POST", "/test", status=409)
    await hook.call("PATCH", body={"enabled": True})
    receiver.status = 200
    await hook.call("POST", "/test", status=202)
    assert "webhook.test" == (await receiver.take(2))[1][1]["type"]


async def test_what_is_under_way_when_the_server_dies_is_sent_by_the_next(
    tmp_path: Path, host: FakeHost, receiver: Receiver
) -> None:
    receiver.status = 503
    slow = Settings(allow=("127.0.0.1/32",), attempts=5, retry_pause=0.3)
    async with serving(tmp_path, host, webhooks=slow) as server:
        hook = await hooked(server, receiver.url)
        await hook.emit()
        await receiver.take(1)
    receiver.status = 200
    async with serving(tmp_path, host, webhooks=slow) as server:
        hook.server = server
        [delivery] = await hook.ended()
    assert "delivered" == delivery["status"]
    assert 1 == len({message for message, _, _ in receiver.got})


async def test_a_receiver_that_hangs_delays_no_other(tmp_path: Path, host: FakeHost, receiver: Receiver) -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    settings = Settings(allow=("127.0.0.1/32",), timeout=3, attempts=1)
    async with serving(tmp_path, host, webhooks=settings) as server, receiving() as good:
        receiver.answer = hang
        bad, fine = await hooked(server, receiver.url), await hooked(server, good.url)
        for _ in range(6):
            await bad.emit()
        await receiver.take(1)
        await fine.emit()
        async with asyncio.timeout(2.7):
            await good.take(1)
        failed = await bad.ended(6)
        assert {"no answer within 3 s"} == {item["error"] for item in failed}
        assert 2 <= receiver.most <= deliveries.AT_ONCE


async def test_a_rotated_secret_signs_beside_the_new_one(telling: Server, receiver: Receiver) -> None:
    hook = await hooked(telling, receiver.url)
    new = (await hook.call("POST", "/secret/rotate"))["secret"]
    assert new != hook.secret
    await hook.emit()
    [(_, _, signatures)] = await receiver.take(1)
    headers, raw = receiver.raw[0]
    assert [signature(new, headers, raw), signature(hook.secret, headers, raw)] == signatures


async def test_the_overlap_ends(telling: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.webhooks.webhooks.OVERLAP", 0.0)
    hook = await hooked(telling, receiver.url)
    new = (await hook.call("POST", "/secret/rotate"))["secret"]
    await hook.emit()
    [(_, _, signatures)] = await receiver.take(1)
    assert [signature(new, *receiver.raw[0])] == signatures


async def test_what_waits_for_one_that_is_disabled_fails(tmp_path: Path, host: FakeHost, receiver: Receiver) -> None:
    receiver.status = 500
    slow = Settings(allow=("127.0.0.1",), attempts=3, retry_pause=3600)
    async with serving(tmp_path, host, webhooks=slow) as server:
        hook = await hooked(server, receiver.url)
        await hook.emit()
        await receiver.take(1)
        await hook.call("PATCH", body={"enabled": False})
        [delivery] = await hook.ended()
        assert ("failed", "the webhook was disabled") == (delivery["status"], delivery["error"])


async def test_too_many_that_wait_fail_at_once_and_are_shown(
    telling: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "WAITING_MAX", 2)
    hook = await hooked(telling, f"http://127.0.0.1:{receiver.port}/")
    gate = asyncio.Event()

    async def hold(_request: web.Request) -> web.Response:
        await gate.wait()
        return web.Response()

    receiver.answer = hold
    for number in range(3):
        await hook.emit(text=str(number))
    [newest, *_] = await hook.ended(1)
    assert ("failed", "more than 2 deliveries wait for this webhook") == (newest["status"], newest["error"])
    gate.set()
    assert {"delivered", "failed"} == {item["status"] for item in await hook.ended(3)}


async def test_a_flood_of_events_does_not_fill_the_disk(
    telling: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "KEPT_MAX", 3)
    hook, other = await hooked(telling, receiver.url), await hooked(telling, receiver.url)
    await other.emit()
    await other.ended()
    for number in range(6):
        await hook.emit(text=str(number))
        await receiver.take(number + 2)
        items = await hook.ended(min(number + 1, 3))
        assert min(number + 1, 3) == len(items)
    assert 1 == len((await other.call("GET", "/deliveries"))["items"])


async def test_what_ended_long_ago_is_forgotten(tmp_path: Path, host: FakeHost, receiver: Receiver) -> None:
    settings = Settings(allow=("127.0.0.1",), retention=0.05)
    async with serving(tmp_path, host, webhooks=settings) as server:
        hook = await hooked(server, receiver.url)
        await hook.emit()
        await hook.ended()
        await server.services.webhooks.purge()
        await asyncio.sleep(0.06)
        await server.services.webhooks.purge()
        assert [] == (await hook.call("GET", "/deliveries"))["items"]


async def test_the_secret_and_the_url_of_a_webhook_are_not_in_the_store_in_the_clear(
    telling: Server, receiver: Receiver, tmp_path: Path
) -> None:
    hook = await hooked(telling, receiver.url)
    files = b"".join(path.read_bytes() for path in (tmp_path / "state/api").glob("store*"))
    assert hook.id.encode() in files
    assert hook.secret.removeprefix("whsec_").encode() not in files


async def test_what_is_gone_is_told_nothing_more(telling: Server, receiver: Receiver) -> None:
    hook = await hooked(telling, receiver.url)
    await telling.services.webhooks.forget(hook.target.workspace or "")
    await hook.emit()
    await hook.call("GET", status=404)


PRIVATE_4 = """
0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1
198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
"""
PRIVATE_6 = """
:: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::1
fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1
"""
PUBLIC = ("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1")


@pytest.mark.parametrize("address", [*PRIVATE_4.split(), *PRIVATE_6.split()])
def test_an_address_that_is_not_on_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(Problem):
        check_url(f"http://{host}/", Allowed(()), ())


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not_refused(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://1.1.1.1/",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://user@1.1.1.1/",
        "http://user:pass@1.1.1.1/",
        "http://@1.1.1.1/",
        "http://1.1.1.1:0/",
        "http://1.1.1.1:65536/",
        "http://1.1.1.1:x/",
        "http://1.1.1.1/ x",
        "http://1.1.1.1/\n",
        "http://1.1.1.1/\x00",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://127.1/",
        "http://0/",
        "http://16843009/",
        "http://[::ffff:7f00:1]/",
        "http://[fe80::1%25lo]/",
        "http://own.example/",
        "http://OWN.example.:9/",
    ],
)
def test_a_url_that_leads_nowhere_good_is_refused(url: str) -> None:
    with pytest.raises(Problem) as refused:
        check_url(url, Allowed(()), {"own.example"})
    assert "/url" == refused.value.errors[0].pointer


def test_what_is_allowed_is_a_host_a_place_or_a_network() -> None:
    allowed = Allowed(("Inside.example", "10.0.0.1:8080", "192.168.0.0/16", "[fd00::1]:80", "fd01::/16"))
    for url in ("http://inside.example/", "https://inside.example.:9/", "http://10.0.0.1:8080/", "http://192.168.3.4/"):
        check_url(url, allowed, ())
    for url in ("http://[fd00::1]/", "http://[fd01::7]:9/", "http://[::ffff:192.168.1.1]/"):
        check_url(url, allowed, ())
    for url in ("http://10.0.0.1/", "http://10.0.0.1:8081/", "http://[fd00::1]:81/", "http://172.16.0.1/"):
        with pytest.raises(Problem):
            check_url(url, allowed, ())


@pytest.mark.parametrize("entry", ["", "a b", "http://x", "x:0", "x:65536", "x:y", "10.0.0.1/8", "*"])
def test_an_allowance_that_is_none_is_an_error_of_the_configuration(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"webhooks\.allow"):
        Allowed((entry,))


@pytest.fixture
def lookups() -> Iterator[Lookups]:
    made = Lookups()
    yield made
    made.close()


def resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...]) -> None:
    """Have names mean these addresses: the first answer at first, then the next."""
    given = list(answers)

    def lookup(_host: str, port: int, **_how: object) -> list[tuple[object, ...]]:
        found = given.pop(0) if len(given) > 1 else given[0]
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


async def test_a_name_that_also_means_an_inner_address_is_refused(monkeypatch: pytest.MonkeyPatch, lookups: Lookups) -> None:
    guard = Guard(URL("http://two.example/"), Allowed(()), lookups, None)
    resolving_to(monkeypatch, ("1.1.1.1", "10.0.0.1"))
    with pytest.raises(RefusedAddressError):
        await guard.resolve("two.example", 80)
    resolving_to(monkeypatch, ("1.1.1.1", "::ffff:127.0.0.1"))
    with pytest.raises(RefusedAddressError):
        await guard.resolve("two.example", 80)
    resolving_to(monkeypatch, ("1.1.1.1",))
    assert ["1.1.1.1"] == [found["host"] for found in await guard.resolve("two.example", 80)]


def test_a_socket_is_opened_to_no_address_but_a_good_one(lookups: Lookups) -> None:
    guard = Guard(URL("http://x.example/"), Allowed(()), lookups, None)
    with pytest.raises(RefusedAddressError):
        guard.socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
    guard.socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 80))).close()


def delivery() -> Delivery:
    return Delivery(
        id=f"dl{'0' * 24}", webhook="", event="x", body=b"{}", status="pending", attempt=0, next=0, response=None, error=None,
        created=0, ended=None,
    )  # fmt: skip


@pytest.mark.parametrize("host", ["127.0.0.1", "rebound.example", "0x7f.1", "localhost"])
async def test_nothing_is_sent_to_the_loopback_however_it_is_called(
    host: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the name of a webhook means another address than at its creation."""
    resolving_to(monkeypatch, ("127.0.0.1",))
    courier = Courier(Allowed(()), 5)
    with pytest.raises(Undelivered, match=r"127\.0\.0\.1 is not a public address"):
        await courier.send(delivery(), URL(f"http://{host}:{receiver.port}/"), [Secret("whsec_AAAA")], owner=None)
    assert [] == receiver.got
    await courier.close()


async def test_what_is_allowed_by_name_is_reached_wherever_it_leads(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, ("127.0.0.1",))
    courier = Courier(Allowed((f"inside.example:{receiver.port}",)), 5)
    inside = URL(f"http://inside.example:{receiver.port}/")
    assert 204 == await courier.send(delivery(), inside, [Secret("whsec_AAAA")], owner=None)
    await courier.close()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2 SENTINEL\r\n", "the receiver does not speak HTTP"),
        (b"", "the receiver closed the connection"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "the receiver does not speak HTTP"),
    ],
)
async def test_the_words_of_a_receiver_that_speaks_no_http_are_not_shown(sent: bytes, why: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(sent)
        writer.close()

    courier = Courier(Allowed(("127.0.0.1",)), 5)
    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Undelivered, match=why):
            await courier.send(delivery(), URL(f"http://127.0.0.1:{port}/"), [Secret("whsec_AAAA")], owner=None)
        with pytest.raises(Undelivered, match=r"no TLS|closed the connection|cannot be reached"):
            await courier.send(delivery(), URL(f"https://127.0.0.1:{port}/"), [Secret("whsec_AAAA")], owner=None)
    with pytest.raises(Undelivered, match="cannot be reached"):
        await courier.send(delivery(), URL(f"http://127.0.0.1:{port}/"), [Secret("whsec_AAAA")], owner=None)
    await courier.close()


async def test_names_that_nobody_answers_for_keep_one_owner_waiting_and_no_other(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lookups go on when their deliveries have failed: threads cannot be ended."""
    answered, slow = threading.Event(), list[str]()

    def lookup(host: str, port: int, **_how: object) -> list[tuple[object, ...]]:
        if host == "slow.example":
            slow.append(host)
            answered.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    courier = Courier(Allowed(("127.0.0.1",)), 0.2)
    url = URL(f"http://slow.example:{receiver.port}/")
    try:
        sent = [courier.send(delivery(), url, [Secret("whsec_AAAA")], owner="w1") for _ in range(LOOKUPS + 1)]
        failed = await asyncio.gather(*sent, return_exceptions=True)
        assert {"no answer within 0.2 s"} == {str(error) for error in failed}
        assert LOOKUPS_EACH == len(slow)
        quick = URL(f"http://quick.example:{receiver.port}/")
        assert 204 == await courier.send(delivery(), quick, [Secret("whsec_AAAA")], owner="w2")
    finally:
        answered.set()
    # Of the owner's own, the next is looked up once a thread is free.
    async with asyncio.timeout(10):
        while True:
            try:
                assert 204 == await courier.send(delivery(), url, [Secret("whsec_AAAA")], owner="w1")
                break
            except Undelivered:
                continue
    await courier.close()


async def test_receivers_that_hang_hold_some_of_the_deliveries_and_not_all(receiver: Receiver) -> None:
    gate = asyncio.Event()

    async def hold(_request: web.Request) -> web.Response:
        await gate.wait()
        return web.Response()

    receiver.answer = hold
    courier = Courier(Allowed(("127.0.0.1",)), 20)
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE_EACH + 5):
            group.create_task(courier.send(delivery(), URL(receiver.url), [Secret("whsec_AAAA")], owner="w1"))
        await receiver.take(AT_ONCE_EACH)
        async with receiving() as good:
            assert 204 == await courier.send(delivery(), URL(good.url), [Secret("whsec_AAAA")], owner="w2")
        assert AT_ONCE_EACH == receiver.most
        gate.set()
    await courier.close()


async def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        courier = Courier(Allowed(("127.0.0.1",)), 5)
        assert 204 == await courier.send(delivery(), URL(receiver.url), [Secret("whsec_AAAA")], owner=None)
        assert (1, 0) == (len(receiver.got), len(proxy.got))
        await courier.close()


async def test_an_answer_without_end_is_not_read(receiver: Receiver) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except ConnectionError:
            return response

    receiver.answer = flood
    courier = Courier(Allowed(("127.0.0.1",)), 5)
    async with asyncio.timeout(4):
        assert 200 == await courier.send(delivery(), URL(receiver.url), [Secret("whsec_AAAA")], owner=None)
    await courier.close()


async def test_a_kill_in_mid_delivery_loses_nothing(receiver: Receiver) -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    receiver.answer = hang
    async with api_process() as api:
        api.config.write_text(f'{api.config.read_text()}\n[webhooks]\nallow = ["127.0.0.1"]\n')
        api.daemon.stop()
        await api.daemon.start()
        admin = await api.admin()
        _, made = await api.call("POST", "/api/workspaces", {}, admin)
        body = {"workspaceId": made["workspaceId"], "workspaceSecret": made["workspaceSecret"]}
        token = (await api.call("POST", "/api/workspaces/login", body))[1]["workspaceToken"]
        base = f"/api/workspaces/{made['workspaceId']}"
        assert (
            201 == (await api.call("POST", f"{base}/webhooks", {"url": receiver.url, "events": ["channel.message"]}, token))[0]
        )
        _, channel = await api.call("POST", f"{base}/channels", {"name": "a"}, token)
        assert 201 == (await api.call("POST", f"{base}/channels/{channel['channelId']}/messages", {"text": "x"}, token))[0]
        await receiver.take(1)
        api.daemon.stop(signal.SIGKILL)
        receiver.answer = None
        await api.daemon.start()
        first, second = await receiver.take(2)
    assert first[:2] == second[:2]
    assert ("channel.message", "x") == (second[1]["type"], second[1]["data"]["text"])


async def test_the_life_of_a_workspace_is_told_to_its_organisation_and_to_the_host(
    tmp_path: Path, host: FakeHost, receiver: Receiver
) -> None:
    async with organised(tmp_path, host, webhooks=LOOPBACK) as made:
        owner, admin = await made.person(), await made.admin()
        organisation, other = await made.organisation(owner), await made.organisation(owner)
        for path in (f"/api/orgs/{organisation}/webhooks", f"/api/orgs/{other}/webhooks"):
            await owner.call("POST", path, {"url": receiver.url, "events": ["*"]}, status=201)
        await admin.call("POST", "/api/webhooks", {"url": receiver.url, "events": ["workspace.ready"]}, status=201)
        workspace = (await owner.call("POST", f"/api/orgs/{organisation}/workspaces", {}, status=201))["workspaceId"]
        told = await receiver.take(3)
        assert ["workspace.created", "workspace.ready", "workspace.ready"] == sorted(body["type"] for _, body, _ in told)
        assert {(workspace, organisation)} == {(body["workspaceId"], body["organisationId"]) for _, body, _ in told}
        assert {workspace} == {body["data"]["workspaceId"] for _, body, _ in told}
        await owner.call("DELETE", f"/api/orgs/{other}", status=204)
        assert [] == made.server.services.webhooks.of(other)


async def test_a_workspace_that_cannot_be_made_is_told(telling: Server, receiver: Receiver) -> None:
    admin = await telling.admin()
    body = {"url": receiver.url, "events": ["workspace.failed"]}
    assert 201 == (await telling.call("POST", "/api/webhooks", body, token=admin))[0]
    telling.host.fault = Fault(Code.FAILED, "no room")
    await telling.call("POST", "/api/workspaces", {}, token=admin)
    [(_, told, _)] = await receiver.take(1)
    assert ("error", "no room") == (told["data"]["status"], told["data"]["errorReason"])


async def test_a_secret_that_was_sealed_anew_signs_still(telling: Server, receiver: Receiver) -> None:
    hook = await hooked(telling, receiver.url)
    store, keys = telling.services.store, telling.services.keys
    query = select(webhook_rows.c.sealed).where(webhook_rows.c.id == hook.id)
    plain = keys.unseal(PURPOSE, hook.id, await store.read(lambda connection: connection.execute(query).scalar_one()))
    again = update(webhook_rows).values(sealed=keys.seal(PURPOSE, hook.id, plain))
    await store.write(lambda connection: connection.execute(again))
    sealed = await store.read(lambda connection: connection.execute(query).scalar_one())
    await hook.call("PATCH", body={"events": ["key.minted"]})
    assert sealed == await store.read(lambda connection: connection.execute(query).scalar_one())
    await hook.emit()
    [(_, _, signatures)] = await receiver.take(1)
    assert [signature(hook.secret, *receiver.raw[0])] == signatures


async def test_a_secret_that_does_not_open_is_a_failure_that_is_shown(telling: Server, receiver: Receiver) -> None:
    hook = await hooked(telling, receiver.url)
    broken = update(webhook_rows).values(sealed=b"x" * 60)
    await telling.services.store.write(lambda connection: connection.execute(broken))
    await hook.emit()
    [delivery] = await hook.ended()
    assert ("failed", 1) == (delivery["status"], delivery["attempts"])
    assert "does not open" in delivery["error"]
    assert [] == receiver.got


async def test_a_store_that_fails_costs_the_event_and_not_the_request(
    telling: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await hooked(telling, receiver.url)
    with monkeypatch.context() as patch:
        patch.setattr(telling.services.store, "write", _away)
        await hook.emit()
    await hook.emit(text="later")
    [(_, told, _)] = await receiver.take(1)
    assert {"text": "later"} == told["data"]


async def _away(_work: object) -> None:
    raise Fault(Code.UNAVAILABLE, "the store is away")


async def test_deliveries_go_on_when_the_store_was_away_for_a_while(
    telling: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.webhooks.webhooks.STORE_PAUSE", 0.05)
    hook = await hooked(telling, receiver.url)
    store = telling.services.store
    read, missed = store.read, 0

    async def away(work: Any) -> Any:  # noqa: ANN401  # whatever is read
        nonlocal missed
        missed += 1
        if missed <= 2:
            raise Fault(Code.UNAVAILABLE, "the store is away") if missed == 1 else RuntimeError("a defect")
        return await read(work)

    monkeypatch.setattr(store, "read", away)
    await hook.emit()
    await receiver.take(1)
    [delivery] = await hook.ended()
    assert "delivered" == delivery["status"]
    assert missed > 2
