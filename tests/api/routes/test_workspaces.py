"""Workspaces over HTTP."""

import json
from typing import Any

import pytest

from shared.errors import Code, Fault
from shared.hostwire import CreateWorkspace
from shared.ids import is_workspace_id, new_workspace_id
from tests.api.serving import Server

PROVIDERS = {"claude": {"enabled": True, "auth": {"type": "api_key", "value": "SENTINELkey"}}, "codex": {"enabled": False}}
SHOWN = {"claude": {"enabled": True, "auth": {"type": "api_key"}}, "codex": {"enabled": False, "auth": None}}


async def test_creation_tells_the_secret_once_and_never_a_credential(server: Server) -> None:
    body = {"name": "one", "providers": PROVIDERS}
    status, made, headers = await server.call("POST", "/api/workspaces", body, token=await server.admin())
    workspace = made["workspaceId"]
    assert (201, "ready", "one", None, SHOWN) == (status, made["status"], made["name"], made["errorReason"], made["providers"])
    assert f"/api/workspaces/{workspace}" == headers["Location"]
    assert is_workspace_id(workspace)
    assert made["workspaceSecret"].startswith("hws_")
    _, shown, _ = await server.call("GET", f"/api/workspaces/{workspace}", token=await server.admin())
    assert "workspaceSecret" not in shown
    assert "SENTINEL" not in json.dumps([made, shown])


async def test_everything_may_be_left_out(server: Server) -> None:
    async with server.http.post(
        server.url + "/api/workspaces", headers={"Authorization": f"Bearer {await server.admin()}"}
    ) as reply:
        made = await reply.json()
    assert (201, made["workspaceId"]) == (reply.status, made["name"])


async def test_only_an_admin_creates_unless_anyone_may(server: Server) -> None:
    _, token = await server.tenant()
    assert 401 == (await server.call("POST", "/api/workspaces", {}))[0]
    assert 403 == (await server.call("POST", "/api/workspaces", {}, token=token))[0]


BAD_BODIES: list[tuple[Any, int, str | None]] = [
    ({"name": ""}, 422, "/name"),
    ({"name": "x" * 101}, 422, "/name"),
    ({"name": 5}, 422, "/name"),
    ({"name": None}, 422, "/name"),
    ({"name": "a\nb"}, 422, "/name"),
    ({"name": "ab\n"}, 422, "/name"),
    ({"name": "a\0b"}, 422, "/name"),
    ({"name": "a\u2028b"}, 422, "/name"),
    ({"unknown": 1}, 422, "/unknown"),
    ({"providers": []}, 422, "/providers"),
    ({"providers": {"Bad Name": {}}}, 422, "/providers"),
    ({"providers": {"a\n": {}}}, 422, "/providers"),
    ({"providers": {f"p{n}": {} for n in range(17)}}, 422, "/providers"),
    ({"providers": {"claude": {"enabled": 1}}}, 422, "/providers/*/enabled"),
    ({"providers": {"claude": {"auth": {"type": "SENTINEL", "value": "x"}}}}, 422, "/providers/*/auth/type"),
    ({"providers": {"claude": {"auth": {"type": "api_key", "value": 7}}}}, 422, "/providers/*/auth/value"),
    ({"providers": {"claude": {"auth": {"type": "api_key", "value": ""}}}}, 422, "/providers/claude/auth/value"),
    ({"providers": {"claude": {"auth": {"type": "api_key", "value": "a\0SENTINEL"}}}}, 422, "/providers/claude/auth/value"),
    ({"providers": {"claude": {"auth": {"type": "api_key", "value": "x" * 70_000}}}}, 422, "/providers/claude/auth/value"),
    ([], 422, ""),
    ("x", 422, ""),
]


async def test_a_bad_body_is_refused_with_a_pointer_and_changes_nothing(server: Server) -> None:
    token = await server.admin()
    for body, wanted, pointer in BAD_BODIES:
        status, problem, _ = await server.call("POST", "/api/workspaces", body, token=token)
        assert (wanted, pointer, body) == (status, problem["errors"][0].get("pointer", ""), body)
        assert "SENTINEL" not in json.dumps(problem)
    assert [] == [call for call in server.host.calls if isinstance(call, CreateWorkspace)]
    assert [] == (await server.call("GET", "/api/workspaces", token=token))[1]["items"]


@pytest.mark.parametrize(
    ("sent", "kind", "wanted"),
    [
        (b"{", "application/json", 400),
        (b'{"name":"\xff"}', "application/json", 400),
        (b'{"name":"\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 422),
        (b'{"name":"a","name":"b"}', "application/json", 422),
        (b'{"providers":{"a":{},"a":{}}}', "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json; charset=latin-1", 415),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "application/json; charset=utf-8", 201),
    ],
)
async def test_a_body_must_be_strict_json(server: Server, sent: bytes, kind: str, wanted: int) -> None:
    headers = {"Authorization": f"Bearer {await server.admin()}", "Content-Type": kind}
    async with server.http.post(server.url + "/api/workspaces", data=sent, headers=headers) as reply:
        assert wanted == reply.status


async def test_an_unknown_workspace_and_a_wrong_secret_get_the_same_answer(server: Server) -> None:
    workspace, _ = await server.create()
    replies = [
        await server.call("POST", "/api/workspaces/login", {"workspaceId": w, "workspaceSecret": s})
        for w in (workspace, new_workspace_id())
        for s in ("hws_wrong", "", "é", "x" * 1000)
    ]
    assert {401} == {status for status, *_ in replies}
    assert 1 == len({body["detail"] for _, body, _ in replies})


async def test_a_workspace_that_is_not_ready_says_so_to_its_secret_alone(server: Server) -> None:
    server.host.fault = Fault(Code.FAILED, "useradd failed")
    _, made, _ = await server.call("POST", "/api/workspaces", {}, token=await server.admin())
    assert ("error", "useradd failed") == (made["status"], made["errorReason"])
    body = {"workspaceId": made["workspaceId"], "workspaceSecret": made["workspaceSecret"]}
    status, problem, _ = await server.call("POST", "/api/workspaces/login", body)
    assert (409, "not_ready") == (status, problem["code"])
    assert 401 == (await server.call("POST", "/api/workspaces/login", {**body, "workspaceSecret": "hws_x"}))[0]


async def test_a_workspace_in_error_is_tried_again(server: Server) -> None:
    server.host.fault = Fault(Code.FAILED, "useradd failed")
    token = await server.admin()
    _, made, _ = await server.call("POST", "/api/workspaces", {"providers": PROVIDERS}, token=token)
    path = f"/api/workspaces/{made['workspaceId']}/provision"
    assert "error" == (await server.call("POST", path, token=token))[1]["status"]
    server.host.fault = None
    status, again, _ = await server.call("POST", path, token=token)
    assert (200, "ready", None, SHOWN) == (status, again["status"], again["errorReason"], again["providers"])
    assert await server.login(made["workspaceId"], made["workspaceSecret"])
    assert "ready" == (await server.call("POST", path, token=token))[1]["status"]


async def test_patch_changes_what_is_given_and_keeps_the_rest(server: Server) -> None:
    workspace, token = await server.tenant(name="one", providers=PROVIDERS)
    path = f"/api/workspaces/{workspace}"
    _, body, _ = await server.call("PATCH", path, {"name": "two"}, token=token)
    assert ("two", SHOWN) == (body["name"], body["providers"])
    _, body, _ = await server.call("PATCH", path, {"providers": {"claude": {"enabled": False}}}, token=token)
    assert ("two", {**SHOWN, "claude": {"enabled": False, "auth": {"type": "api_key"}}}) == (body["name"], body["providers"])
    _, body, _ = await server.call("PATCH", path, {"providers": {"claude": {"auth": None}, "codex": None}}, token=token)
    assert {"claude": {"enabled": False, "auth": None}} == body["providers"]


async def test_if_match_guards_a_change(server: Server) -> None:
    workspace, token = await server.tenant(name="one")
    path = f"/api/workspaces/{workspace}"
    _, _, headers = await server.call("GET", path, token=token)
    first = headers["ETag"]
    status, _, headers = await server.call("PATCH", path, {"name": "two"}, token=token, If_Match=first)
    assert 200 == status
    assert first != headers["ETag"]
    status, problem, _ = await server.call("PATCH", path, {"name": "three"}, token=token, If_Match=first)
    assert (412, "precondition_failed") == (status, problem["code"])
    assert 200 == (await server.call("PATCH", path, {"name": "three"}, token=token, If_Match="*"))[0]


async def test_an_unchanged_workspace_is_304(server: Server) -> None:
    workspace, token = await server.tenant()
    _, _, headers = await server.call("GET", f"/api/workspaces/{workspace}", token=token)
    status, body, _ = await server.call("GET", f"/api/workspaces/{workspace}", token=token, If_None_Match=headers["ETag"])
    assert (304, None) == (status, body)


async def test_a_change_that_was_cut_short_is_read_from_hostd(server: Server) -> None:
    workspace, token = await server.tenant(providers={"codex": {}})
    async with server.services.workspaces.lock(workspace):
        await server.services.workspaces.mark_stale(workspace)
    del server.host.rooms[workspace].providers["codex"]
    _, body, _ = await server.call("GET", f"/api/workspaces/{workspace}", token=token)
    assert {} == body["providers"]
    assert not (await server.services.workspaces.get(workspace)).providers_stale


async def test_a_list_is_paged_newest_first(server: Server) -> None:
    made = [(await server.create(name=f"n{n}"))[0] for n in range(5)]
    token = await server.admin()
    seen, path = [], "/api/workspaces?limit=2"
    while True:
        _, page, _ = await server.call("GET", path, token=token)
        seen += [item["workspaceId"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        path = f"/api/workspaces?limit=2&cursor={page['nextCursor']}"
    assert made[::-1] == seen


async def test_a_tenant_lists_only_its_own(server: Server) -> None:
    await server.create()
    workspace, token = await server.tenant()
    _, page, _ = await server.call("GET", "/api/workspaces", token=token)
    assert [workspace] == [item["workspaceId"] for item in page["items"]]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=", "cursor=%00", "cursor=eA", "cursor=!", "token=x"]
)
async def test_a_bad_query_is_refused(server: Server, query: str) -> None:
    status, body, _ = await server.call("GET", f"/api/workspaces?{query}", token=await server.admin())
    assert (422, query.partition("=")[0]) == (status, body["errors"][0]["parameter"])


async def test_an_admin_does_not_rotate_a_secret(server: Server) -> None:
    workspace, _ = await server.create()
    status, _, _ = await server.call("POST", f"/api/workspaces/{workspace}/secret/rotate", token=await server.admin())
    assert 403 == status


async def test_a_store_that_cannot_be_written_leaves_the_old_secret(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody would know the new one."""
    workspace, secret = await server.create()
    token = (await server.login(workspace, secret))["workspaceToken"]

    async def full(_work: object) -> None:
        raise Fault(Code.UNAVAILABLE, "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(server.services.store, "write", full)
        assert 503 == (await server.call("POST", f"/api/workspaces/{workspace}/secret/rotate", token=token))[0]
    await server.login(workspace, secret)
