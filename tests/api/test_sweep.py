"""Every credential before every route: REST, event streams, WebSockets and the tools of MCP.

Who holds what is written down here once more, by scope, so that a wrong grant in `api.auth` fails. A route with a scope that is
not in the table fails too.
"""

import dataclasses
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import make_mocked_request
from msgspec.structs import replace

from api.admission import REQUEST_ID, principal_of
from api.app import routes
from api.auth import ANONYMOUS, Principal, Role, Scope
from api.dispatch import Endpoint
from api.mcp.tools import TOOLS
from api.people.browsers import COOKIE, Browser
from api.problems import Problem
from api.routing import Route
from api.upgrade import SocketEndpoint
from api.workspaces import WorkspaceStatus
from shared.errors import Fault
from shared.ids import new_organisation_id, new_workspace_id
from shared.settings import Pam
from tests.api.fakehost import FakeHost
from tests.api.organised import AUTH, Organised, organised
from tests.api.test_app import ABSENT, UPGRADES, path_of

HOLDERS: Final = {
    Scope.WORKSPACES_CREATE: "H ao",
    Scope.WORKSPACES_READ: "HWvmao",
    Scope.WORKSPACES_WRITE: "HW ao",
    Scope.WORKSPACES_DELETE: "HW ao",
    Scope.WORKSPACES_TRANSFER: "H o",
    Scope.SECRET_ROTATE: "W ao",
    Scope.HANDOVER: "HW ao",
    Scope.SESSIONS_READ: "Wvmao",
    Scope.SESSIONS_WRITE: "W mao",
    Scope.TERMINALS_READ: "Wvmao",
    Scope.TERMINALS_WRITE: "W mao",
    Scope.EVENTS_READ: "HWvmao",
    Scope.AGENTS_READ: "Wvmao",
    Scope.TURNS_READ: "Wvmao",
    Scope.TURNS_WRITE: "W mao",
    Scope.USAGE_READ: "Wvmao",
    Scope.FILES_READ: "Wvmao",
    Scope.FILES_WRITE: "W mao",
    Scope.GIT_READ: "Wvmao",
    Scope.GIT_WRITE: "W mao",
    Scope.TRANSCRIPTS_READ: "Wvmao",
    Scope.EXPORT: "W mao",
    Scope.SECRETS_READ: "Wvmao",
    Scope.SECRETS_WRITE: "W mao",
    Scope.TASKS_READ: "Wvmao",
    Scope.TASKS_WRITE: "W mao",
    Scope.CHANNELS_READ: "Wvmao",
    Scope.CHANNELS_WRITE: "W mao",
    Scope.LIMITS_READ: "HWvmao",
    Scope.LIMITS_WRITE: "H",
    Scope.KEYS_READ: "HW ao",
    Scope.KEYS_WRITE: "HW ao",
    Scope.WEBHOOKS_READ: "HW ao",
    Scope.WEBHOOKS_WRITE: "HW ao",
    Scope.AUDIT_READ: "HWvmao",
    Scope.ORGANISATIONS_CREATE: "H",
    Scope.ORGANISATIONS_READ: "Hvmao",
    Scope.ORGANISATIONS_WRITE: "H ao",
    Scope.ORGANISATIONS_DELETE: "H o",
    Scope.MEMBERS_READ: "Hvmao",
    Scope.MEMBERS_WRITE: "H ao",
    Scope.SERVER_READ: "H",
    Scope.SERVER_WRITE: "H",
}
"""H: the host's administrators. W: a workspace, in itself. v, m, a, o: viewers, members, admins, owners of an organisation."""
NAMELESS: Final = {Scope.EVENTS_READ, Scope.WORKSPACES_READ, Scope.ORGANISATIONS_READ}
"""What everyone may do where a route names nothing, who holds it anywhere: see their own."""
KEPT: Final = {
    Scope.SELF,
    Scope.WORKSPACES_READ,
    Scope.WORKSPACES_DELETE,
    Scope.WORKSPACES_TRANSFER,
    Scope.AUDIT_READ,
    Scope.LIMITS_READ,
    Scope.KEYS_READ,
}
"""What can be done to a workspace that was deleted and is kept."""
BEYOND: Final = {Scope.KEYS_WRITE, Scope.HANDOVER, Scope.SECRET_ROTATE}
"""What a key that is bound to workspaces must not do in them: what it made would outlive its bounds."""
READ_BY_POST: Final = {"remove_member"}
"""What changes something and demands a scope of reading, for a reason: its handler demands more."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a credential, which letters it has, all of which must hold, and where."""

    name: str
    principal: Principal
    letters: str
    places: frozenset[str]
    token: str | None = None
    cookie: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        if self.cookie is not None:
            return {"Cookie": f"{COOKIE}={self.cookie}"}
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass(frozen=True, slots=True)
class Scene:
    """Callers, and the ids of the places that they may reach or not."""

    world: Organised
    callers: dict[str, Caller]
    workspaces: dict[str, str]
    organisations: dict[str, str]

    def params(self, found: Route, place: str) -> dict[str, str]:
        named = {"workspaceId": self.workspaces.get(place, ""), "organisationId": self.organisations.get(place, "")}
        return {name: (ABSENT | named)[name] for name in found.params}


INSIDE: Final = frozenset({"own", "second", "kept", "mine"})
WORKSPACES: Final = ("own", "second", "kept", "foreign", "absent")
ORGANISATIONS: Final = ("mine", "foreign", "absent")
NOTHING: Final = ""


@pytest.fixture
async def scene(tmp_path: Path, host: FakeHost) -> AsyncIterator[Scene]:
    async with organised(tmp_path, host, auth=replace(AUTH, pam=Pam())) as world:
        yield await staged(world)


async def staged(world: Organised) -> Scene:
    services = world.server.services
    people = {"owner": await world.person(), "stranger": await world.person()}
    mine, foreign = await world.organisation(people["owner"]), await world.organisation(people["stranger"])
    for rank in ("admin", "member", "viewer"):
        people[rank] = await world.member(mine, people["owner"], rank)
    workspaces = {name: await world.workspace(mine, people["owner"]) for name in ("own", "second", "kept")}
    workspaces |= {"foreign": await world.workspace(foreign, people["stranger"]), "absent": new_workspace_id()}
    keys = {"token": await world.tenant(workspaces["own"]), "admin": await world.admin()}
    for rank in ("viewer", "member", "admin"):
        own = f"/api/workspaces/{workspaces['own']}/keys"
        keys[f"workspace {rank}"] = await world.key(own, people["owner"], rank=rank)
        keys[f"organisation {rank}"] = await world.key(f"/api/orgs/{mine}/keys", people["owner"], rank=rank)
    bound = {"rank": "admin", "workspaces": [workspaces["own"]]}
    keys["bound"] = await world.key(f"/api/orgs/{mine}/keys", people["owner"], **bound)
    async with services.workspaces.lock(workspaces["kept"]):
        await services.workspaces.change(workspaces["kept"], status=WorkspaceStatus.DELETED, deleted=time.time())
    described: list[tuple[str, str, str, frozenset[str]]] = [
        ("admin", keys["admin"].token, "H", frozenset({*WORKSPACES, *ORGANISATIONS})),
        ("token", keys["token"].token, "W", frozenset({"own"})),
        ("bound", keys["bound"].token, "a", frozenset({"own", "mine"})),
    ]
    for rank in ("viewer", "member", "admin"):
        described += [
            (f"workspace {rank}", keys[f"workspace {rank}"].token, f"W{rank[0]}", frozenset({"own"})),
            (f"organisation {rank}", keys[f"organisation {rank}"].token, rank[0], INSIDE),
            (f"person {rank}", people[rank].token, rank[0], INSIDE),
        ]
    described += [
        ("person owner", people["owner"].token, "o", INSIDE),
        ("stranger", people["stranger"].token, "o", frozenset({"foreign"})),
    ]
    callers = [
        Caller(name, await principal_of(services, token), letters, places, token=token)
        for name, token, letters, places in described
    ]
    for name, subject, letters, places in (
        ("operator's browser", "admin", "H", callers[0].places),
        ("member's browser", people["member"].id, "m", INSIDE),
    ):
        opened = await services.browsers.open(subject, Browser("127.0.0.1", "test"), "root" if letters == "H" else "")
        cookie = opened.cookie.reveal()
        principal = await services.organisations.ranked(await services.browsers.principal(cookie))
        callers.append(Caller(name, principal, letters, places, cookie=cookie))
    callers.append(Caller("anonymous", ANONYMOUS, "", frozenset()))
    organisations = {"mine": mine, "foreign": foreign, "absent": new_organisation_id()}
    return Scene(world, {caller.name: caller for caller in callers}, workspaces, organisations)


def places_of(found: Route) -> tuple[str, ...]:
    """What a request for the route can be about."""
    if "workspaceId" in found.params:
        return WORKSPACES
    if "organisationId" in found.params:
        return ORGANISATIONS
    return (NOTHING, *WORKSPACES) if found.selects else (NOTHING,)


def holds(caller: Caller, scope: Scope, place: str) -> bool:
    if scope is Scope.SELF:
        return True
    if caller.principal.role is Role.PERSON and place == NOTHING:
        return scope in NAMELESS | {Scope.ORGANISATIONS_CREATE}
    if caller.name == "bound":
        if place in {NOTHING, "mine"}:
            return scope in NAMELESS
        if scope in BEYOND:
            return False
    if caller.letters != "H" and place == NOTHING and scope not in {*NAMELESS, Scope.WORKSPACES_CREATE}:
        return (
            caller.principal.role is Role.WORKSPACE and "H" not in HOLDERS[scope] and set(caller.letters) <= set(HOLDERS[scope])
        )
    return set(caller.letters) <= set(HOLDERS[scope])


def wanted(caller: Caller, found: Route, place: str) -> str:  # noqa: PLR0911  # one for each way to end
    """How the request must end before its handler: `ok`, or a problem's code."""
    if found.scope is Scope.PUBLIC:
        return "ok"
    if caller.principal is ANONYMOUS:
        return "unauthorized"
    several = caller.principal.role in {Role.PERSON, Role.ORGANISATION}
    if found.room and found.selects and several and place == NOTHING:
        return "invalid"
    if place != NOTHING and place not in caller.places:
        return "not_found"
    if not holds(caller, found.scope, place):
        return "forbidden"
    if place == "absent":
        return "not_found"
    return "not_ready" if place == "kept" and found.scope not in KEPT else "ok"


@cache
def bare_request() -> web.Request:
    """One for all: what it is about is said beside it."""
    request = make_mocked_request("GET", "/")
    request[REQUEST_ID] = "sweep"
    return request


async def outcome(endpoint: Endpoint, caller: Caller, params: dict[str, str], selected: str | None) -> tuple[str, str]:
    """How the request ends before its handler, and what is said."""
    try:
        await endpoint.admit(bare_request(), caller.principal, params, selected)
    except Fault as error:
        return error.code, error.message
    except Problem as error:
        return error.code, error.detail
    return "ok", ""


def test_the_table_names_every_scope() -> None:
    assert set(Scope) - {Scope.PUBLIC, Scope.SELF} == set(HOLDERS)
    assert {found.scope for found in routes()} <= {*HOLDERS, Scope.PUBLIC, Scope.SELF}


def test_what_changes_something_demands_more_than_reading() -> None:
    for found in routes():
        reads = found.scope.endswith(":read") and found.name not in READ_BY_POST
        assert not reads or found.method == "GET", found.name
        assert found.method != "GET" or found.websocket or found.scope.endswith((":read", "public", "self", "export", ":write"))


async def test_each_credential_reaches_what_the_table_says_and_nothing_else(scene: Scene) -> None:
    wrong, told = [], set()
    for found in routes():
        endpoint = (SocketEndpoint if found.websocket else Endpoint)(found, scene.world.server.services)
        for caller in scene.callers.values():
            for place in places_of(found):
                selected = scene.workspaces[place] if found.selects and place != NOTHING else None
                got, words = await outcome(endpoint, caller, scene.params(found, place), selected)
                if got == "not_found":
                    told.add((place in scene.workspaces and "organisationId" not in found.params, words))
                if got != wanted(caller, found, place):
                    wrong.append((found.name, found.scope.value, caller.name, place, str(got), wanted(caller, found, place)))
    assert not wrong, "\n".join(map(str, wrong))
    assert {(True, "there is no such workspace"), (False, "there is no such organisation")} == told


def refused(scene: Scene) -> Iterator[tuple[Route, Caller, str]]:
    """Over real HTTP each route once for each kind of credential and each way to be refused."""
    kinds = ("anonymous", "admin", "token", "organisation viewer", "person viewer", "member's browser", "operator's browser")
    for found in routes():
        for caller in (scene.callers[name] for name in kinds):
            ways: set[str] = set()
            for place in places_of(found):
                code = wanted(caller, found, place)
                if code != "ok" and (code not in ways or place == "absent"):
                    ways.add(code)
                    yield found, caller, place


async def test_over_http_a_refusal_is_the_same_and_tells_nothing(scene: Scene) -> None:
    server, wrong = scene.world.server, []
    bodies: dict[tuple[str, str], set[str]] = {}
    for found, caller, place in refused(scene):
        url = server.url + path_of(
            found, **{"workspace": "", **scene.params(found, place)} if found.params else {"workspace": ""}
        )
        if found.selects and place != NOTHING:
            url += f"?workspaceId={scene.workspaces[place]}"
        headers = {**caller.headers, "Origin": server.url, **(UPGRADES if found.websocket else {})}
        sent: dict[str, Any] = {"data": b""} if found.upload else {"json": {}}
        if found.websocket and caller.name == "anonymous":
            continue  # its first frame may have a token: tests/api/test_upgrade.py
        async with server.http.request(found.method, url, headers=headers, **sent) as reply:
            body = json.loads(await reply.text() or "{}")
            code = body.get("code")
            if code != wanted(caller, found, place):
                wrong.append((found.name, caller.name, place, reply.status, code, wanted(caller, found, place)))
            elif code == "not_found":
                body.pop("requestId")
                bodies.setdefault((found.name, caller.name), set()).add(json.dumps(body))
            assert hdrs.LOCATION not in reply.headers
    assert not wrong, "\n".join(map(str, wrong))
    assert all(len(told) == 1 for told in bodies.values())


async def test_each_tool_of_mcp_is_refused_where_its_route_is(scene: Scene) -> None:
    server, wrong = scene.world.server, []
    for tool in TOOLS:
        for caller in scene.callers.values():
            if caller.token is None:
                continue
            for place in places_of(tool.route):
                code = wanted(caller, tool.route, place)
                if code == "ok":
                    code = wanted(caller, dataclasses.replace(tool.route, scope=tool.scope), place)
                if code in {"ok", "invalid"}:
                    continue
                arguments: dict[str, Any] = scene.params(tool.route, place)
                if place != NOTHING:
                    arguments["workspaceId"] = scene.workspaces[place]
                call = {
                    "jsonrpc": "2.0",
                    "id": 1,
                    "method": "tools/call",
                    "params": {"name": tool.name, "arguments": arguments},
                }
                status, reply, _ = await server.call("POST", "/api/mcp", call, token=caller.token, Accept="application/json")
                result = reply.get("result", {})
                text = result.get("content", [{}])[0].get("text", "")
                if (status, result.get("isError")) != (200, True) or code not in text:
                    wrong.append((tool.name, caller.name, place, code, reply))
    assert not wrong, "\n".join(map(str, wrong))
