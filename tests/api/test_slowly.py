"""Requests whose body comes long after they were let in, when their caller may do less."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.auth import Rank
from tests.api.fakehost import FakeHost
from tests.api.organised import Organised, Person, organised


@pytest.fixture
async def world(tmp_path: Path, host: FakeHost) -> AsyncIterator[Organised]:
    async with organised(tmp_path, host) as made:
        yield made


class Slow:
    """A request of which all is sent but the last byte of the body."""

    def __init__(self, who: Person, path: str, body: object, method: str = "POST", **headers: str) -> None:
        self.server, self.data = who.server, json.dumps(body).encode()
        lines = {"Host": f"127.0.0.1:{self.server.port}", "Authorization": f"Bearer {who.token}", **headers}
        lines |= {"Content-Type": "application/json", "Content-Length": str(len(self.data)), "Connection": "close"}
        self.head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"

    async def begin(self) -> None:
        """Returns when the server has let it in, and waits for the end."""
        answered = self.server.services.limits.hit
        let_in = asyncio.Event()

        def hit(name: str, key: str) -> object:
            let_in.set()
            return answered(name, key)

        self.server.services.limits.hit = hit  # type: ignore[method-assign,assignment]
        try:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port)
            self.writer.write(self.head.encode() + self.data[:-1])
            await let_in.wait()
        finally:
            self.server.services.limits.hit = answered  # type: ignore[method-assign]
        # A request that comes later, and is answered, says that this one has got as far as it can.
        assert 200 == (await self.server.call("GET", "/healthz"))[0]

    async def end(self) -> int:
        """The status of its reply."""
        self.writer.write(self.data[-1:])
        status = int((await self.reader.read()).split(b" ", 2)[1])
        self.writer.close()
        return status


async def test_what_is_taken_away_while_a_body_comes_is_gone(world: Organised) -> None:
    owner = await world.person()
    organisation = await world.organisation(owner)
    path = f"/api/orgs/{organisation}"
    admin = await world.member(organisation, owner, Rank.ADMIN)
    workspace = await world.workspace(organisation, owner)
    mine = {"name": "mine", "rank": "admin"}
    channel = (await owner.call("POST", f"/api/workspaces/{workspace}/channels", {"name": "talk"}, status=201))["channelId"]
    arguments = {"workspaceId": workspace, "channelId": channel, "text": "still here"}
    said = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "send_message", "arguments": arguments}}
    invitation, key, inside, tool = (
        Slow(admin, f"{path}/invitations", {"rank": "admin"}),
        Slow(admin, f"{path}/keys", mine, **{"Idempotency-Key": "mine-all-mine-it-is"}),
        Slow(admin, f"/api/workspaces/{workspace}/keys", mine),
        Slow(admin, "/api/mcp", said),
    )
    for one in (invitation, key, inside, tool):
        await one.begin()
    await owner.call("DELETE", f"{path}/members/{admin.id}", status=204)
    assert [404, 404, 404] == [await one.end() for one in (invitation, key, inside)]
    assert 200 == await tool.end()
    assert [] == (await owner.call("GET", f"{path}/invitations", status=200))["items"]
    for base in (path, f"/api/workspaces/{workspace}"):
        assert [] == (await owner.call("GET", f"{base}/keys", status=200))["items"]
    messages = f"/api/workspaces/{workspace}/channels/{channel}/messages"
    assert [] == (await owner.call("GET", messages, status=200))["items"]


async def test_a_credential_that_ends_while_a_body_comes_does_nothing(world: Organised) -> None:
    owner = await world.person()
    organisation = await world.organisation(owner)
    path = f"/api/orgs/{organisation}"
    key = await world.key(f"{path}/keys", owner, rank="admin")
    device = Person(world.server, owner.id, (await world.server.services.tokens.grant_person(owner.id)).access.reveal())
    late = [Slow(who, f"{path}/keys", {"name": "late", "rank": "admin"}) for who in (key, device)]
    kept = Slow(owner, f"{path}/keys", {"name": "kept", "rank": "admin"})
    for one in (*late, kept):
        await one.begin()
    await owner.call("DELETE", f"{path}/keys/{key.id}", status=204)
    await device.call("POST", "/api/logout", status=200)
    assert [401, 401, 201] == [await one.end() for one in (*late, kept)]
    names = [item["name"] for item in (await owner.call("GET", f"{path}/keys", status=200))["items"]]
    assert ["kept", "key"] == names


async def test_a_workspace_that_has_gone_to_others_is_not_reached_by_what_was_let_in_before(world: Organised) -> None:
    one, two = await world.person(), await world.person()
    mine, theirs = await world.organisation(one), await world.organisation(two)
    workspace = await world.workspace(mine, one)
    late = Slow(one, f"/api/workspaces/{workspace}/keys", {"name": "late", "rank": "admin"})
    await late.begin()
    await (await world.admin()).call("POST", f"/api/workspaces/{workspace}/transfer", {"organisationId": theirs}, status=200)
    assert 404 == await late.end()
    assert [] == (await two.call("GET", f"/api/workspaces/{workspace}/keys", status=200))["items"]
