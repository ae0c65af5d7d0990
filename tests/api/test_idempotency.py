"""`Idempotency-Key`."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from api.idempotency import LIFETIME
from api.tables import idempotency
from shared.errors import Code, Fault
from shared.settings import Api
from tests.api.fakehost import FakeHost
from tests.api.serving import UNLIMITED, Server, serving

KEY = "0123456789abcdef-key"


async def create(server: Server, token: str | None, key: str = KEY, **body: object) -> tuple[int, Any]:
    status, reply, _ = await server.call("POST", "/api/workspaces", body, token=token, Idempotency_Key=key)
    return status, reply


async def test_the_same_key_gives_the_same_answer(server: Server) -> None:
    token = await server.admin()
    first = await server.call("POST", "/api/workspaces", {"name": "x"}, token=token, Idempotency_Key=KEY)
    again = await server.call("POST", "/api/workspaces", {"name": "x"}, token=token, Idempotency_Key=KEY)
    assert first[:2] == again[:2]
    assert first[2]["Location"] == again[2]["Location"]
    assert "true" == again[2]["Idempotency-Replayed"]
    assert 1 == len(server.host.rooms)


async def test_the_same_key_with_another_body_is_refused(server: Server) -> None:
    token = await server.admin()
    await create(server, token, name="x")
    status, body = await create(server, token, name="y")
    assert (422, "idempotency_mismatch") == (status, body["code"])


async def test_the_key_of_another_principal_is_another_key(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host) as server:
        one, two = await server.tenant(), await server.tenant()
        replies = []
        for workspace, token in (one, two):
            path = f"/api/workspaces/{workspace}/secret/rotate"
            replies.append(await server.call("POST", path, token=token, Idempotency_Key=KEY))
    assert [200, 200] == [status for status, *_ in replies]
    assert replies[0][1] != replies[1][1]


async def test_requests_at_once_with_one_key_make_one_workspace(server: Server) -> None:
    token = await server.admin()
    replies = await asyncio.gather(*(create(server, token) for _ in range(20)))
    assert all(replies[0] == reply for reply in replies)
    assert 1 == len(server.host.rooms)


async def test_a_process_that_died_in_between_leaves_the_same_answer(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host) as server:
        status, first = await create(server, await server.admin())
        # As after a kill -9 between the work and the record of its reply.
        statement = update(idempotency).values(reply=None)
        await server.services.store.write(lambda connection: connection.execute(statement))
    async with serving(tmp_path, host) as server:
        assert (status, first) == await create(server, await server.admin())
    assert 1 == len(host.rooms)


async def test_a_request_that_failed_may_be_repeated(server: Server) -> None:
    workspace, token = await server.tenant()
    path = f"/api/workspaces/{workspace}/secret/rotate"
    server.host.deleted.add("")
    room = server.host.rooms.pop(workspace)
    assert 404 == (await server.call("POST", path, token=token, Idempotency_Key=KEY))[0]
    server.host.rooms[workspace] = room
    assert 200 == (await server.call("POST", path, token=token, Idempotency_Key=KEY))[0]


async def test_neither_the_key_nor_the_secret_is_in_the_store(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host) as server:
        _, made = await create(server, await server.admin())
    files = b"".join(path.read_bytes() for path in (tmp_path / "state/api").glob("store*"))
    assert KEY.encode() not in files
    assert made["workspaceSecret"].encode() not in files


async def test_a_key_is_forgotten_after_a_day(server: Server) -> None:
    token = await server.admin()
    _, first = await create(server, token)
    statement = update(idempotency).values(created=idempotency.c.created - LIFETIME - 1)
    await server.services.store.write(lambda connection: connection.execute(statement))
    await server.services.idempotency.purge()
    _, second = await create(server, token)
    assert first["workspaceId"] != second["workspaceId"]


@pytest.mark.parametrize("key", ["a b", "x" * 256, "é"])
async def test_a_bad_key_is_refused(server: Server, key: str) -> None:
    status, body = await create(server, await server.admin(), key)
    assert (422, "Idempotency-Key") == (status, body["errors"][0]["header"])


async def test_without_a_token_a_key_must_be_hard_to_guess(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, Api(create_workspaces="open", rate_limits=UNLIMITED)) as server:
        assert 422 == (await create(server, None, "1"))[0]
        first = await create(server, None)
        assert 201 == first[0]
        assert first == await create(server, None)


async def test_an_answer_that_is_an_error_state_is_kept_too(server: Server) -> None:
    server.host.fault = Fault(Code.FAILED, "useradd failed")
    token = await server.admin()
    first = await create(server, token)
    server.host.fault = None
    assert first == await create(server, token)
