"""Operators who are signed in, and what becomes of them when the host has them as such no more: real accounts, real streams."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from api.people import operators
from api.people.browsers import COOKIE, Browser
from shared.settings import Auth, Pam
from tests.api.fakehost import FakeHost
from tests.api.serving import Server, serving
from tests.root.test_pam import Accounts

pytestmark = pytest.mark.root

HERE = Browser("192.0.2.1", "a browser")


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    with Accounts() as made:
        yield made


@pytest.fixture
async def server(tmp_path: Path, accounts: Accounts) -> AsyncIterator[Server]:
    host = FakeHost(tmp_path / "hostd.sock")
    auth = Auth(pam=Pam(group=accounts.group))
    async with host.running(), serving(tmp_path, host, auth=auth) as made:
        yield made


class Operator:
    """Who has signed in, and the streams that they hold open."""

    def __init__(self, server: Server, cookie: str) -> None:
        self._server = server
        self._headers = {"Cookie": f"{COOKIE}={cookie}", "Origin": server.url}

    async def me(self) -> int:
        async with self._server.http.get(f"{self._server.url}/api/auth/me", headers=self._headers) as reply:
            return reply.status

    async def follow(self) -> aiohttp.ClientResponse:
        headers = {**self._headers, "Accept": "text/event-stream"}
        reply = await self._server.http.get(f"{self._server.url}/api/audit", headers=headers)
        assert 200 == reply.status
        return reply


async def operator(server: Server, user: str) -> Operator:
    opened = await server.services.browsers.open("admin", HERE, user)
    return Operator(server, opened.cookie.reveal())


async def ended(reply: aiohttp.ClientResponse) -> None:
    async with asyncio.timeout(30):
        while await reply.content.readany():
            pass


@pytest.mark.parametrize("way", ["group", "account", "first group"])
async def test_who_is_an_operator_no_more_is_out_at_the_next_look_with_what_they_hold_open(
    server: Server, accounts: Accounts, way: str
) -> None:
    user = accounts.add("gone", *(("-g",) if way == "first group" else ("-G",)), accounts.group)
    kept = accounts.add("kept", "-G", accounts.group)
    goes, stays = await operator(server, user), await operator(server, kept)
    stream, other = await goes.follow(), await stays.follow()
    await server.services.operators.look()
    assert (200, 200) == (await goes.me(), await stays.me())
    removals = {
        "group": ["gpasswd", "-d", user, accounts.group],
        "account": ["userdel", "--", user],
        "first group": ["usermod", "-g", "nogroup", "--", user],
    }
    subprocess.run(removals[way], check=True)
    await server.services.operators.look()
    await ended(stream)
    assert (401, 200) == (await goes.me(), await stays.me())
    assert not other.content.at_eof()
    status, body, _ = await server.call("GET", f"/api/names?ids=admin:{user},admin:{kept}", token=await server.admin())
    assert 200 == status
    assert {user: True, kept: False} == {item["name"]: item["former"] for item in body["items"]}
    other.close()


async def test_the_looks_come_by_themselves_and_the_audit_log_tells_of_it(
    server: Server, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operators, "LOOK_SECONDS", 0.05)
    user = accounts.add("gone", "-G", accounts.group)
    goes = await operator(server, user)
    stream = await goes.follow()
    looking = asyncio.create_task(server.services.operators.run())
    subprocess.run(["gpasswd", "-d", user, accounts.group], check=True)
    await ended(stream)
    looking.cancel()
    assert 401 == await goes.me()
    admin = await server.admin()
    async with asyncio.timeout(30):
        found: list[str] = []
        while f"admin:{user}" not in found:
            _, page, _ = await server.call("GET", "/api/audit?action=sign_out_operator", token=admin)
            found = [record["target"] for record in page["items"]]


async def test_who_is_not_confirmed_in_time_is_out(server: Server, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name service that hangs holds one thread, however often it is asked."""
    goes = await operator(server, accounts.add("slow", "-G", accounts.group))
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hangs(user: str, group: str) -> bool:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        return bool(user and group)

    monkeypatch.setattr(operators, "is_operator", hangs)
    monkeypatch.setattr(server.services.operators, "_pam", Pam(group=accounts.group, timeout=0.05))
    for _ in range(3):
        await server.services.operators.look()
    release.set()
    assert 401 == await goes.me()


async def test_an_administrator_who_came_by_roots_token_is_no_operator_and_stays(server: Server) -> None:
    token = await server.admin()
    browser = await server.services.browsers.open("admin", HERE)
    await server.services.operators.look()
    assert 200 == (await server.call("GET", "/api/auth/me", token=token))[0]
    assert 200 == await Operator(server, browser.cookie.reveal()).me()
