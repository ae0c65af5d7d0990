"""The server's own keys over HTTP: rotation with overlap, revocation at once, and what is stored sealed anew."""

import asyncio
import time

import jwt
import pytest
from sqlalchemy import select

from api import tables
from api.serverkeys import resealing
from api.serverkeys.keys import SIGNING_MAX, VERIFIES, Keys
from tests.api.serving import Server

PATH = "/api/signing-keys"


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def rotate(server: Server, token: str) -> str:
    status, made, headers = await server.call("POST", PATH, token=token)
    assert (201, True, None) == (status, made["signs"], made["verifiesUntil"])
    assert f"{PATH}/{made['keyId']}" == headers["Location"]
    return str(made["keyId"])


async def test_a_new_key_signs_and_the_old_one_verifies_until_its_last_token_has_expired(server: Server) -> None:
    workspace, secret = await server.create()
    old = (await server.login(workspace, secret))["workspaceToken"]
    admin = await server.admin()
    made = await rotate(server, admin)
    new = (await server.login(workspace, secret))["workspaceToken"]
    assert (made, False) == (kid(new), made == kid(old))
    for token in (old, new):
        assert 200 == (await server.call("GET", f"/api/workspaces/{workspace}", token=token))[0]
    _, jwks, _ = await server.call("GET", "/.well-known/jwks.json")
    assert {kid(old), kid(new)} == {key["kid"] for key in jwks["keys"]}
    _, listed, _ = await server.call("GET", PATH, token=admin)
    assert [(made, True), (kid(old), False)] == [(item["keyId"], item["signs"]) for item in listed["items"]]
    keys = server.services.keys
    keys.purge(time.time() + VERIFIES - 10)
    assert {kid(old), kid(new)} == set(keys.public)
    keys.purge(time.time() + VERIFIES + 10)
    assert {kid(new)} == set(keys.public)


async def test_a_revoked_key_ends_its_tokens_and_connections_at_once(server: Server) -> None:
    workspace, secret = await server.create()
    old = (await server.login(workspace, secret))["workspaceToken"]
    await rotate(server, await server.admin())
    admin = await server.admin()
    async with server.http.get(server.url + "/api/events", headers={"Authorization": f"Bearer {old}"}) as reply:
        assert 200 == reply.status
        assert 204 == (await server.call("DELETE", f"{PATH}/{kid(old)}", token=admin))[0]
        async with asyncio.timeout(10):
            await reply.read()
    assert 401 == (await server.call("GET", f"/api/workspaces/{workspace}", token=old))[0]
    assert 200 == (await server.call("GET", PATH, token=admin))[0]
    assert 404 == (await server.call("DELETE", f"{PATH}/{kid(old)}", token=admin))[0]


async def test_when_the_key_that_signs_is_revoked_another_one_signs(server: Server) -> None:
    admin = await server.admin()
    assert 204 == (await server.call("DELETE", f"{PATH}/{kid(admin)}", token=admin))[0]
    assert 401 == (await server.call("GET", PATH, token=admin))[0]
    again = await server.admin()
    assert kid(again) != kid(admin)
    assert 200 == (await server.call("GET", PATH, token=again))[0]


async def test_a_restart_finds_the_keys_as_they_were(server: Server) -> None:
    admin = await server.admin()
    made = [await rotate(server, admin) for _ in range(3)]
    keys = server.services.keys
    again = Keys(keys._folder)
    assert (made[-1], keys.jwks()) == (again.signing.kid, again.jwks())


async def test_there_is_a_limit_to_keys(server: Server) -> None:
    admin = await server.admin()
    for _ in range(SIGNING_MAX - 1):
        await rotate(server, admin)
    status, problem, _ = await server.call("POST", PATH, token=admin)
    assert (409, "limit") == (status, problem["code"])


async def test_only_an_admin_sees_or_changes_the_servers_keys(server: Server) -> None:
    _, token = await server.tenant()
    for method, path in (("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/x"), ("POST", "/api/seal-keys")):
        assert 403 == (await server.call(method, path, token=token))[0]
        assert 401 == (await server.call(method, path))[0]


async def test_what_is_stored_is_sealed_anew(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "BATCH", 2)
    workspace, token = await server.tenant()
    for number in range(5):
        path = f"/api/workspaces/{workspace}/secrets/S{number}"
        status, made, _ = await server.call("PUT", path, {"value": f"SENTINEL{number}"}, token=token)
        assert status in {200, 201}, made

    async def stored() -> list[bytes]:
        return await server.services.store.read(lambda connection: list(connection.scalars(select(tables.secrets.c.sealed))))

    before = await stored()
    admin = await server.admin()
    status, told, _ = await server.call("POST", "/api/seal-keys", token=admin)
    assert (200, {"resealed": 5}) == (status, told)
    after = await stored()
    keys = server.services.keys
    assert not set(before) & set(after)
    assert all(sealed.startswith(keys.seal_head) for sealed in after)
    again = Keys(keys._folder)
    opened = {again.unseal("secret", f"{workspace} S{n}", sealed) for n, sealed in enumerate(after)}
    assert {f"SENTINEL{n}".encode() for n in range(5)} == opened
    # The key before opens what is kept briefly, and then is gone.
    assert {"seal"} < {path.name for path in keys._folder.glob("seal*")}
    keys.purge(time.time() + 4 * 86_400)
    assert "seal" not in {path.name for path in keys._folder.glob("seal*")}


async def test_what_does_not_open_keeps_the_key_before(server: Server) -> None:
    workspace, token = await server.tenant()
    await server.call("PUT", f"/api/workspaces/{workspace}/secrets/S", {"value": "x"}, token=token)
    await server.services.store.write(
        lambda connection: connection.execute(tables.secrets.update().values(sealed=b"damaged, but long enough"))
    )
    admin = await server.admin()
    status, problem, _ = await server.call("POST", "/api/seal-keys", token=admin)
    assert "failed" == problem["code"], status
    keys = server.services.keys
    keys.purge(time.time() + 4 * 86_400)
    assert "seal" in {path.name for path in keys._folder.glob("seal*")}
    assert 2 == len(list(keys._folder.glob("seal*")))
    await server.call("POST", "/api/seal-keys", token=admin)
    assert 2 == len(list(keys._folder.glob("seal*")))  # the last one is not in use everywhere yet
