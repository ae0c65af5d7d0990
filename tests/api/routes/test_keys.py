"""Keys as their owners make and use them: over HTTP, in front of a hostd in memory."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from api.auth import ADMIN_SCOPES, BOUND_SCOPES, ORGANISATION_SCOPES, RANKS, WORKSPACE_SCOPES, Rank, Scope
from api.credentials.apikeys import OVERLAP_MAX
from api.credentials.minting import BOUND_MAX, END_MAX
from api.credentials.rights import KeyKind, most
from api.streams.live import EXPIRED, REVOKED
from api.tables import deliveries
from shared.ids import new_key_id, new_workspace_id
from shared.settings import Api, Limits, RateLimits
from tests.api.fakehost import FakeHost
from tests.api.serving import UNLIMITED, Server, serving

BODY = {"name": "ci", "rank": "admin"}
REFUSED = 401


async def mint(server: Server, path: str, token: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    status, made, headers = await server.call("POST", path, {**BODY, **body}, token=token)
    assert 201 == status, made
    assert f"{path}/{made['keyId']}" == headers["Location"]
    return dict(made)


async def me(server: Server, key: str) -> tuple[int, Any]:
    status, body, _ = await server.call("GET", "/api/auth/me", token=key)
    return status, body


def later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


class Organised:
    """An organisation with two workspaces, and one of somebody else."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def make(self) -> "Organised":
        self.admin = await self.server.admin()
        status, made, _ = await self.server.call("POST", "/api/orgs", {"slug": "acme", "name": "Acme"}, token=self.admin)
        assert 201 == status, made
        self.id = made["organisationId"]
        self.base = f"/api/orgs/{self.id}"
        self.one, self.two = [await self._workspace() for _ in range(2)]
        self.foreign, self.foreign_token = await self.server.tenant()
        return self

    async def _workspace(self) -> str:
        status, made, _ = await self.server.call("POST", f"{self.base}/workspaces", {}, token=self.admin)
        assert 201 == status, made
        return str(made["workspaceId"])

    async def status(self, token: str, method: str, path: str, body: object = None) -> int:
        return (await self.server.call(method, path, body, token=token))[0]


@pytest.fixture
async def acme(server: Server) -> Organised:
    return await Organised(server).make()


async def test_a_workspaces_key_is_shown_once_and_acts_as_the_workspace(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = await mint(server, base, token, name="ci")
    key = made.pop("key")
    assert key.startswith(made["prefix"])
    assert ("live", workspace, workspace, None, 12) == (
        made["status"],
        made["workspaceId"],
        made["createdBy"],
        made["expiresAt"],
        len(made["prefix"]),
    )
    _, shown, _ = await server.call("GET", f"{base}/{made['keyId']}", token=token)
    _, listed, _ = await server.call("GET", base, token=token)
    assert made == shown
    assert [made] == listed["items"]
    assert (200, "workspace") == ((await me(server, key))[0], (await me(server, key))[1]["role"])
    assert 200 == (await server.call("GET", f"/api/workspaces/{workspace}", token=key))[0]
    other, _ = await server.tenant()
    assert 404 == (await server.call("GET", f"/api/workspaces/{other}", token=key))[0]


async def test_uses_are_counted_with_the_last_one(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = await mint(server, base, token)
    assert (0, None) == (made["uses"], made["lastUsedAt"])
    for _ in range(3):
        await me(server, made["key"])
    _, shown, _ = await server.call("GET", f"{base}/{made['keyId']}", token=token)
    assert 3 == shown["uses"]
    assert abs(datetime.fromisoformat(shown["lastUsedAt"]).timestamp() - time.time()) < 60


async def test_uses_are_on_disk_when_the_server_has_stopped(tmp_path: Any, host: FakeHost) -> None:  # noqa: ANN401
    async with serving(tmp_path, host) as server:
        workspace, token = await server.tenant()
        base = f"/api/workspaces/{workspace}/keys"
        made = await mint(server, base, token)
        await me(server, made["key"])
    async with serving(tmp_path, host) as server:
        _, shown, _ = await server.call("GET", f"{base}/{made['keyId']}", token=token)
        assert 1 == shown["uses"]
        assert 200 == (await me(server, made["key"]))[0]


@pytest.mark.parametrize("rank", ["viewer", "member", "admin"])
async def test_a_rank_gives_its_scopes_and_no_more_than_the_kind_has(acme: Organised, rank: str) -> None:
    server = acme.server
    bases = {
        f"/api/workspaces/{acme.one}/keys": WORKSPACE_SCOPES,
        f"{acme.base}/keys": ORGANISATION_SCOPES,
        "/api/keys": ADMIN_SCOPES,
    }
    for base, limit in bases.items():
        made = await mint(server, base, acme.admin, rank=rank)
        wanted = RANKS[Rank(rank)] & limit
        assert sorted(wanted - {Scope.SELF}) == made["scopes"]
        assert sorted(wanted | {Scope.SELF}) == (await me(server, made["key"]))[1]["scopes"]


async def test_a_viewers_key_changes_nothing(server: Server) -> None:
    workspace, token = await server.tenant()
    made = await mint(server, f"/api/workspaces/{workspace}/keys", token, rank="viewer")
    base = f"/api/workspaces/{workspace}"
    assert 200 == (await server.call("GET", base, token=made["key"]))[0]
    for method, path, body in (
        ("PATCH", base, {"name": "x"}),
        ("POST", f"{base}/keys", BODY),
        ("POST", f"{base}/handover", {"kind": "key", "rank": "viewer"}),
        ("POST", f"{base}/secret/rotate", None),
    ):
        assert 403 == (await server.call(method, path, body, token=made["key"]))[0], path


async def test_nobody_gives_what_they_do_not_have(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    limited = await mint(server, base, token, rank=None, scopes=["keys:write", "keys:read", "sessions:read"])
    key = limited["key"]
    for body in ({"rank": "admin"}, {"rank": "viewer"}, {"scopes": ["sessions:write"]}):
        status, problem, _ = await server.call("POST", base, {"name": "more", **body}, token=key)
        assert (403, "forbidden") == (status, problem["code"]), body
    same = await mint(server, base, key, rank=None, scopes=["sessions:read"])
    assert f"{workspace}/{limited['keyId']}" == same["createdBy"]
    strong = await mint(server, base, token)
    assert 403 == (await server.call("POST", f"{base}/{strong['keyId']}/rotate", {}, token=key))[0]
    longer = {"expiresAt": later(600)}
    brief = await mint(server, base, token, expiresAt=later(60))
    assert 403 == (await server.call("PATCH", f"{base}/{brief['keyId']}", longer, token=key))[0]
    assert 204 == (await server.call("DELETE", f"{base}/{strong['keyId']}", token=key))[0]


async def test_a_secret_is_for_those_who_may_do_all_that_it_lets_do(acme: Organised) -> None:
    """Who has it signs in as the workspace: it is worth more than the scope that makes it."""
    path = f"/api/workspaces/{acme.foreign}"
    rotate = f"{path}/secret/rotate"
    weak = await mint(acme.server, f"{path}/keys", acme.foreign_token, rank=None, scopes=["secret:rotate", "keys:read"])
    brief = await mint(acme.server, f"{path}/keys", acme.foreign_token, expiresAt=later(60))
    strong = await mint(acme.server, f"{path}/keys", acme.foreign_token)
    theirs = await mint(acme.server, f"{acme.base}/keys", acme.admin, rank=None, scopes=["secret:rotate"])
    bound = await mint(acme.server, f"{acme.base}/keys", acme.admin, workspaces=[acme.one])
    for key in (weak, brief):
        assert 403 == await acme.status(key["key"], "POST", rotate)
    for key in (theirs, bound):
        assert 403 == await acme.status(key["key"], "POST", f"/api/workspaces/{acme.one}/secret/rotate")
    assert 200 == await acme.status(strong["key"], "POST", rotate)


async def test_a_keys_keys_end_with_it(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    brief = await mint(server, base, token, expiresAt=later(60))
    child = await mint(server, base, brief["key"])
    assert brief["expiresAt"] == child["expiresAt"]
    assert 422 == (await server.call("POST", base, {**BODY, "expiresAt": later(120)}, token=brief["key"]))[0]
    path = f"{base}/{brief['keyId']}"
    _, changed, _ = await server.call("PATCH", path, {"expiresAt": None}, token=brief["key"])
    assert brief["expiresAt"] == changed["expiresAt"]  # it does not set itself free


async def test_an_organisations_key_reaches_its_workspaces_and_no_other(acme: Organised) -> None:
    made = await mint(acme.server, f"{acme.base}/keys", acme.admin)
    key = made["key"]
    for workspace in (acme.one, acme.two):
        assert 200 == await acme.status(key, "GET", f"/api/workspaces/{workspace}")
    assert 404 == await acme.status(key, "GET", f"/api/workspaces/{acme.foreign}")
    assert 404 == await acme.status(key, "GET", f"/api/workspaces/{new_workspace_id()}")
    assert 200 == await acme.status(key, "GET", f"{acme.base}/keys")
    assert 403 == await acme.status(key, "GET", "/api/keys")
    assert 403 == await acme.status(key, "POST", "/api/keys", BODY)


async def test_a_bound_key_stays_in_its_workspaces(acme: Organised) -> None:
    made = await mint(acme.server, f"{acme.base}/keys", acme.admin, workspaces=[acme.one])
    key = made["key"]
    assert [acme.one] == made["workspaces"]
    assert 200 == await acme.status(key, "GET", f"/api/workspaces/{acme.one}")
    assert 404 == await acme.status(key, "GET", f"/api/workspaces/{acme.two}")
    assert 404 == await acme.status(key, "GET", f"/api/workspaces/{acme.foreign}")
    for method, path, body in (
        ("POST", "/api/workspaces", {}),
        ("POST", f"{acme.base}/workspaces", {}),
        ("POST", f"{acme.base}/keys", BODY),
        ("GET", f"{acme.base}/keys", None),
        ("POST", f"/api/workspaces/{acme.one}/keys", BODY),
        ("POST", f"/api/workspaces/{acme.one}/handover", {"kind": "key", "rank": "viewer"}),
    ):
        assert 403 == await acme.status(key, method, path, body), path
    principal = await acme.server.services.apikeys.principal(key)
    assert principal.scopes <= most(KeyKind.ORGANISATION, bound=True)
    assert not BOUND_SCOPES & {Scope.KEYS_WRITE, Scope.MEMBERS_WRITE, Scope.WORKSPACES_CREATE}


async def test_a_key_is_bound_to_workspaces_of_its_organisation_alone(acme: Organised) -> None:
    for workspace in (acme.foreign, new_workspace_id()):
        body = {**BODY, "workspaces": [acme.one, workspace]}
        status, problem, _ = await acme.server.call("POST", f"{acme.base}/keys", body, token=acme.admin)
        assert (404, "there is no such workspace") == (status, problem["detail"])
    await mint(acme.server, f"{acme.base}/keys", acme.admin, workspaces=[acme.one] * BOUND_MAX)
    for workspaces in ([], [acme.one] * (BOUND_MAX + 1), ["x"]):
        body = {**BODY, "workspaces": workspaces}
        assert 422 == await acme.status(acme.admin, "POST", f"{acme.base}/keys", body)
    body = {**BODY, "workspaces": [acme.one]}
    assert 422 == await acme.status(acme.admin, "POST", f"/api/workspaces/{acme.one}/keys", body)


async def test_a_key_of_an_organisation_dies_with_it(acme: Organised) -> None:
    made = await mint(acme.server, f"{acme.base}/keys", acme.admin)
    status, other, _ = await acme.server.call("POST", "/api/orgs", {"slug": "brief", "name": "B"}, token=acme.admin)
    assert 201 == status
    base = f"/api/orgs/{other['organisationId']}"
    dying = await mint(acme.server, f"{base}/keys", acme.admin)
    assert 200 == (await me(acme.server, dying["key"]))[0]
    status, problem, _ = await acme.server.call("DELETE", base, token=acme.admin)
    assert status in {200, 204}, problem
    assert REFUSED == (await me(acme.server, dying["key"]))[0]
    assert 200 == (await me(acme.server, made["key"]))[0]


async def test_a_key_of_the_host_is_an_administrator_and_for_administrators(server: Server) -> None:
    workspace, token = await server.tenant()
    admin = await server.admin()
    made = await mint(server, "/api/keys", admin)
    key = made["key"]
    assert ("admin", None, None) == (made["kind"], made["workspaceId"], made["organisationId"])
    assert 200 == (await server.call("GET", f"/api/workspaces/{workspace}", token=key))[0]
    assert 403 == (await server.call("GET", f"/api/workspaces/{workspace}/sessions", token=key))[0]
    workspaces_key = await mint(server, f"/api/workspaces/{workspace}/keys", token)
    for credential in (token, workspaces_key["key"]):
        for method, path, body in (
            ("GET", "/api/keys", None),
            ("POST", "/api/keys", BODY),
            ("GET", f"/api/keys/{made['keyId']}", None),
            ("PATCH", f"/api/keys/{made['keyId']}", {"name": "x"}),
            ("DELETE", f"/api/keys/{made['keyId']}", None),
            ("POST", f"/api/keys/{made['keyId']}/rotate", {}),
        ):
            assert 403 == (await server.call(method, path, body, token=credential))[0], (method, path)
    narrow = await mint(server, "/api/keys", admin, rank=None, scopes=["keys:write", "workspaces:read"])
    # Only a full administrator may give away what they do not hold.
    assert 403 == (await server.call("POST", f"/api/workspaces/{workspace}/keys", BODY, token=narrow["key"]))[0]
    assert 204 == (await server.call("DELETE", f"/api/keys/{made['keyId']}", token=admin))[0]
    assert REFUSED == (await me(server, key))[0]
    assert 200 == (await me(server, await server.admin()))[0]  # root can always invite another


async def test_a_key_of_somebody_else_is_not_there(acme: Organised) -> None:
    mine = await mint(acme.server, f"/api/workspaces/{acme.foreign}/keys", acme.foreign_token)
    theirs = await mint(acme.server, f"/api/workspaces/{acme.one}/keys", acme.admin)
    base = f"/api/workspaces/{acme.foreign}/keys"
    for key_id in (theirs["keyId"], new_key_id(), "ky", mine["keyId"] + "0", "%00"):
        for method, suffix, body in (
            ("GET", "", None),
            ("PATCH", "", {"name": "x"}),
            ("DELETE", "", None),
            ("POST", "/rotate", {}),
        ):
            assert 404 == await acme.status(acme.foreign_token, method, f"{base}/{key_id}{suffix}", body), (method, key_id)
    assert 404 == await acme.status(acme.foreign_token, "GET", f"/api/workspaces/{acme.one}/keys/{theirs['keyId']}")
    assert 404 == await acme.status(acme.admin, "GET", f"/api/keys/{theirs['keyId']}")
    assert 200 == (await me(acme.server, theirs["key"]))[0]


async def test_a_revoked_key_is_refused_at_once_and_stays_in_the_list(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = await mint(server, base, token)
    assert 200 == (await me(server, made["key"]))[0]
    principal = await server.services.apikeys.principal(made["key"])
    with server.services.live.open(principal) as connection:
        assert 204 == (await server.call("DELETE", f"{base}/{made['keyId']}", token=token))[0]
        assert REVOKED == await connection.ended
    assert REFUSED == (await me(server, made["key"]))[0]
    assert 204 == (await server.call("DELETE", f"{base}/{made['keyId']}", token=token))[0]
    _, shown, _ = await server.call("GET", f"{base}/{made['keyId']}", token=token)
    assert "revoked" == shown["status"]
    assert 409 == (await server.call("PATCH", f"{base}/{made['keyId']}", {"name": "x"}, token=token))[0]
    assert 409 == (await server.call("POST", f"{base}/{made['keyId']}/rotate", {}, token=token))[0]


async def test_rotation_gives_the_same_rights_and_an_overlap(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    old = await mint(server, base, token, rank="member")
    principal = await server.services.apikeys.principal(old["key"])
    with server.services.live.open(principal) as connection:
        status, new, _ = await server.call("POST", f"{base}/{old['keyId']}/rotate", {"overlap": 0.5}, token=token)
        assert 201 == status
        assert (old["scopes"], old["name"], old["keyId"]) == (new["scopes"], new["name"], new["replaces"])
        assert 200 == (await me(server, old["key"]))[0]
        assert 200 == (await me(server, new["key"]))[0]
        assert 409 == (await server.call("POST", f"{base}/{old['keyId']}/rotate", {}, token=token))[0]
        async with asyncio.timeout(5):
            assert EXPIRED == await connection.ended
    assert REFUSED == (await me(server, old["key"]))[0]
    assert 200 == (await me(server, new["key"]))[0]
    status, newest, _ = await server.call("POST", f"{base}/{new['keyId']}/rotate", {}, token=token)
    assert (201, REFUSED) == (status, (await me(server, new["key"]))[0])
    for overlap in (-1, OVERLAP_MAX + 1, "x"):
        assert 422 == (await server.call("POST", f"{base}/{newest['keyId']}/rotate", {"overlap": overlap}, token=token))[0]
    assert 201 == (await server.call("POST", f"{base}/{newest['keyId']}/rotate", {"overlap": OVERLAP_MAX}, token=token))[0]


async def test_of_two_rotations_at_once_one_wins(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    path = f"{base}/{(await mint(server, base, token))['keyId']}/rotate"
    replies = await asyncio.gather(*(server.call("POST", path, {"overlap": 60}, token=token) for _ in range(10)))
    assert [201] + [409] * 9 == sorted(status for status, *_ in replies)


async def test_a_key_can_only_lose_scopes(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = await mint(server, base, token, rank="member")
    path = f"{base}/{made['keyId']}"
    principal = await server.services.apikeys.principal(made["key"])
    assert 422 == (await server.call("PATCH", path, {"scopes": ["keys:write"]}, token=token))[0]
    with server.services.live.open(principal) as connection:
        status, changed, headers = await server.call(
            "PATCH", path, {"scopes": ["workspaces:read"], "name": "less"}, token=token
        )
        assert (200, ["workspaces:read"], "less") == (status, changed["scopes"], changed["name"])
        await connection.ended  # what it holds open was opened with more
    assert ["self", "workspaces:read"] == (await me(server, made["key"]))[1]["scopes"]
    assert 422 == (await server.call("PATCH", path, {"scopes": ["sessions:read"]}, token=token))[0]
    stale = await server.call("PATCH", path, {"name": "x"}, token=token, If_Match='"other"')
    assert 412 == stale[0]
    assert 200 == (await server.call("PATCH", path, {"name": "x"}, token=token, If_Match=headers["ETag"]))[0]


async def test_two_changes_at_once_give_back_nothing(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = await mint(server, base, token, rank=None, scopes=["sessions:read", "turns:read", "files:read"])
    wishes = [["sessions:read"], ["sessions:read", "turns:read"], ["turns:read", "files:read"]] * 4
    changes = [server.call("PATCH", f"{base}/{made['keyId']}", {"scopes": wish}, token=token) for wish in wishes]
    replies = [(status, body) for status, body, _ in await asyncio.gather(*changes)]
    assert {200, 409, 422} >= {status for status, _ in replies}
    granted = [set(body["scopes"]) for status, body in replies if status == 200]
    _, shown, _ = await server.call("GET", f"{base}/{made['keyId']}", token=token)
    assert all(set(shown["scopes"]) <= scopes for scopes in granted)


async def test_an_expired_key_is_refused_by_the_clock(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = await mint(server, base, token, expiresAt=later(3600))
    assert 200 == (await me(server, made["key"]))[0]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    assert REFUSED == (await me(server, made["key"]))[0]
    _, shown, _ = await server.call("GET", f"{base}/{made['keyId']}", token=token)
    assert "expired" == shown["status"]
    assert 409 == (await server.call("PATCH", f"{base}/{made['keyId']}", {"expiresAt": None}, token=token))[0]
    monkeypatch.setattr(time, "time", lambda: now)  # the clock was set back
    assert 200 == (await me(server, made["key"]))[0]


async def test_a_connection_ends_when_its_key_does(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = await mint(server, base, token)
    principal = await server.services.apikeys.principal(made["key"])
    with server.services.live.open(principal) as connection:
        await server.call("PATCH", f"{base}/{made['keyId']}", {"expiresAt": later(0.5)}, token=token)
        async with asyncio.timeout(5):
            assert EXPIRED == await connection.ended
    assert REFUSED == (await me(server, made["key"]))[0]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"rank": "owner"}, "/rank"),
        ({"rank": None}, "/scopes"),
        ({"scopes": ["sessions:read"]}, "/scopes"),  # beside a rank
        ({"rank": None, "scopes": []}, "/scopes"),
        ({"rank": None, "scopes": ["everything"]}, "/scopes/0"),
        ({"rank": None, "scopes": ["self"]}, "/scopes"),
        ({"rank": None, "scopes": ["public"]}, "/scopes"),
        ({"rank": None, "scopes": ["server:write"]}, "/scopes"),
        ({"rank": None, "scopes": ["sessions:read"] * 100}, "/scopes"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
        ({"expiresAt": "2030-01-01T00:00:00"}, "/expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-12:00"}, "/expiresAt"),
        ({"expiresAt": 1e12}, "/expiresAt"),
        ({"name": ""}, "/name"),
        ({"name": "a\u0000b"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"uses": 0}, "/uses"),
    ],
)
async def test_a_wrong_value_is_refused_by_its_name(server: Server, change: dict[str, Any], pointer: str) -> None:
    workspace, token = await server.tenant()
    status, problem, _ = await server.call("POST", f"/api/workspaces/{workspace}/keys", {**BODY, **change}, token=token)
    assert (422, pointer) == (status, problem["errors"][0]["pointer"])


async def test_the_end_of_a_key_has_a_limit(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    await mint(server, base, token, expiresAt=later(END_MAX - 60))
    assert 422 == (await server.call("POST", base, {**BODY, "expiresAt": later(END_MAX + 60)}, token=token))[0]


async def test_an_owner_has_so_many_good_keys(tmp_path: Any, host: FakeHost) -> None:  # noqa: ANN401
    async with serving(tmp_path, host, Api(rate_limits=UNLIMITED), limits=Limits(keys=3)) as server:
        workspace, token = await server.tenant()
        base = f"/api/workspaces/{workspace}/keys"
        replies = await asyncio.gather(*(server.call("POST", base, BODY, token=token) for _ in range(10)))
        assert [201] * 3 + [409] * 7 == sorted(status for status, *_ in replies)
        assert {"limit"} == {body["code"] for status, body, _ in replies if status == 409}
        first = next(body for status, body, _ in replies if status == 201)
        path = f"{base}/{first['keyId']}"
        assert 409 == (await server.call("POST", f"{path}/rotate", {"overlap": 60}, token=token))[0]
        assert 200 == (await me(server, first["key"]))[0]  # what failed has changed nothing
        assert 201 == (await server.call("POST", f"{path}/rotate", {}, token=token))[0]
        other, others_token = await server.tenant()
        await mint(server, f"/api/workspaces/{other}/keys", others_token)


async def test_minting_has_a_rate_of_its_own(tmp_path: Any, host: FakeHost) -> None:  # noqa: ANN401
    async with serving(tmp_path, host, Api(rate_limits=RateLimits(mint="2/minute"))) as server:
        workspace, token = await server.tenant()
        base = f"/api/workspaces/{workspace}/keys"
        await mint(server, base, token)
        key = (await mint(server, base, token))["key"]
        for credential in (token, key):  # a key is no way around: it counts as its workspace
            status, problem, headers = await server.call("POST", base, BODY, token=credential)
            assert (429, "rate_limited") == (status, problem["code"])
            assert "Retry-After" in headers


async def test_the_same_request_makes_one_key(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    first, again = [(await server.call("POST", base, BODY, token=token, Idempotency_Key="k" * 20))[1] for _ in range(2)]
    assert first == again
    _, listed, _ = await server.call("GET", base, token=token)
    assert 1 == len(listed["items"])


async def test_a_key_does_not_see_what_another_one_was_answered(server: Server) -> None:
    """An Idempotency-Key that is easily guessed must not give away the key that a stronger one has made."""
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    weak = (await mint(server, base, token, rank=None, scopes=["keys:write"]))["key"]
    strong = (await mint(server, base, token))["key"]
    statuses = [(await server.call("POST", base, BODY, token=key, Idempotency_Key="1"))[0] for key in (strong, weak)]
    assert [201, 403] == statuses


async def test_webhooks_are_told_of_keys_but_not_the_keys(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}"
    hook = {"url": "https://hooks.example.invalid/x", "events": ["key.minted", "key.rotated", "key.revoked"]}
    status, made, _ = await server.call("POST", f"{base}/webhooks", hook, token=token)
    assert 201 == status, made
    key = await mint(server, f"{base}/keys", token)
    _, new, _ = await server.call("POST", f"{base}/keys/{key['keyId']}/rotate", {}, token=token)
    for _ in range(2):  # the second changes nothing, and is not told
        await server.call("DELETE", f"{base}/keys/{new['keyId']}", token=token)
    _, told, _ = await server.call("GET", f"{base}/webhooks/{made['webhookId']}/deliveries", token=token)
    assert ["key.revoked", "key.rotated", "key.minted"] == [delivery["event"] for delivery in told["items"]]
    bodies = await server.services.store.read(lambda connection: list(connection.scalars(select(deliveries.c.body))))
    assert 3 == len(bodies)
    assert all(key["keyId"].encode() in body or new["keyId"].encode() in body for body in bodies)
    assert not any(secret.encode() in body for body in bodies for secret in (key["key"], new["key"]))


@pytest.mark.parametrize("how", ["revoke", "rotate", "expire"])
async def test_an_event_stream_that_a_key_has_opened_ends_with_it(server: Server, how: str) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = await mint(server, base, token, **({"expiresAt": later(0.7)} if how == "expire" else {}))
    headers = {"Authorization": f"Bearer {made['key']}", "Accept": "text/event-stream"}
    async with asyncio.timeout(10), server.http.get(f"{server.url}/api/events", headers=headers) as stream:
        assert 200 == stream.status
        assert await stream.content.readline()
        if how == "revoke":
            assert 204 == (await server.call("DELETE", f"{base}/{made['keyId']}", token=token))[0]
        elif how == "rotate":
            assert 201 == (await server.call("POST", f"{base}/{made['keyId']}/rotate", {}, token=token))[0]
        assert b"event: end" in await stream.content.read()
    assert REFUSED == (await me(server, made["key"]))[0]


async def test_a_list_is_paged_newest_first(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}/keys"
    made = [(await mint(server, base, token))["keyId"] for _ in range(5)]
    found, cursor = [], ""
    while True:
        _, page, _ = await server.call("GET", f"{base}?limit=2{cursor}", token=token)
        found += [item["keyId"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert made[::-1] == found
    assert 422 == (await server.call("GET", f"{base}?cursor=x", token=token))[0]


async def test_a_key_is_no_sign_in(server: Server) -> None:
    """Its family is "": a logout that revoked that would close the connections of every key."""
    workspace, token = await server.tenant()
    made = await mint(server, f"/api/workspaces/{workspace}/keys", token)
    assert 409 == (await server.call("POST", "/api/logout", token=made["key"]))[0]
    assert 200 == (await me(server, made["key"]))[0]


async def test_a_key_in_a_url_is_never_used(server: Server) -> None:
    workspace, token = await server.tenant()
    key = (await mint(server, f"/api/workspaces/{workspace}/keys", token))["key"]
    for name in ("token", "access_token", "key", "api_key"):
        assert REFUSED == (await server.call("GET", f"/api/auth/me?{name}={key}"))[0]
        assert 422 == (await server.call("GET", f"/api/auth/me?{name}={key}", token=token))[0]


async def test_what_is_no_key_is_refused_alike(server: Server) -> None:
    workspace, token = await server.tenant()
    key = (await mint(server, f"/api/workspaces/{workspace}/keys", token))["key"]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    for text in (
        "hst_",
        wrong,
        key[:-1],
        key + "0",
        key.swapcase(),
        key.replace("_", "-"),
        "hst_" + "a" * 7_000,
        "hst_é" + key[5:],
    ):
        status, problem, headers = await server.call("GET", "/api/auth/me", token=text)
        assert (REFUSED, "unauthorized") == (status, problem["code"])
        assert "WWW-Authenticate" in headers
        assert text not in str(problem)


async def test_two_authorization_headers_are_refused(server: Server) -> None:
    workspace, token = await server.tenant()
    key = (await mint(server, f"/api/workspaces/{workspace}/keys", token))["key"]
    headers = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {token}")]
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/api/auth/me", headers=headers) as reply:
        assert REFUSED == reply.status


async def test_no_secret_of_a_key_is_logged_or_stored(server: Server, json_log: Any, tmp_path: Any) -> None:  # noqa: ANN401
    workspace, token = await server.tenant()
    key = (await mint(server, f"/api/workspaces/{workspace}/keys", token))["key"]
    await me(server, key)
    await server.call("GET", f"/api/auth/me?key={key}")
    assert key not in json_log.getvalue()
    for path in (tmp_path / "state").rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes()
