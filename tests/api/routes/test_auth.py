"""One-time tokens over HTTP."""

import asyncio

from tests.api.serving import Server


async def test_of_many_who_redeem_one_token_one_wins(server: Server) -> None:
    server.host.invites.add("once")
    replies = await asyncio.gather(*(server.call("POST", "/api/auth/redeem", {"token": "once"}) for _ in range(50)))
    assert [200] + [401] * 49 == sorted(status for status, *_ in replies)


async def test_an_admin_is_told_so(server: Server) -> None:
    _, me, _ = await server.call("GET", "/api/auth/me", token=await server.admin())
    assert ("admin", None) == (me["role"], me["workspaceId"])
    assert "workspaces:create" in me["scopes"]


async def test_a_one_time_token_of_another_role_makes_no_admin(server: Server) -> None:
    server.host.role = "guest"
    server.host.invites.add("other")
    assert 403 == (await server.call("POST", "/api/auth/redeem", {"token": "other"}))[0]
