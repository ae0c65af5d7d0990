"""One-time tokens as they are handed over: over HTTP, in front of a hostd in memory."""

import asyncio
import time
from typing import Any

import pytest

from api.auth import Rank, Role
from api.credentials.onetime import CREDENTIAL_LIFETIME_MAX
from shared.ids import new_invitation_id
from tests.api.fakehost import FakeHost
from tests.api.organised import organised
from tests.api.serving import Server

KEY = {"kind": "key", "rank": "member"}


async def hand_over(server: Server, workspace: str, token: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    path = f"/api/workspaces/{workspace}/handover"
    status, made, headers = await server.call("POST", path, body, token=token)
    assert 201 == status, made
    assert f"{path}/{made['handoverId']}" == headers["Location"]
    return dict(made)


async def redeem(server: Server, token: str) -> tuple[int, Any]:
    status, body, _ = await server.call("POST", "/api/auth/redeem", {"token": token})
    return status, body


async def test_a_key_is_handed_over_and_lives_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, token = await server.tenant()
    made = await hand_over(server, workspace, token, **KEY, name="for bob")
    assert f"#redeem={made['token']}" == made["url"][made["url"].index("#") :]
    status, taken = await redeem(server, made["token"])
    assert (200, "key", workspace, made["keyId"]) == (status, taken["kind"], taken["workspaceId"], taken["keyId"])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + CREDENTIAL_LIFETIME_MAX + 1)
    assert 200 == (await server.call("GET", f"/api/workspaces/{workspace}", token=taken["key"]))[0]
    _, shown, _ = await server.call("GET", f"/api/workspaces/{workspace}/keys/{taken['keyId']}", token=token)
    assert ("for bob", "member", None, "live") == (shown["name"], shown["rank"], shown["expiresAt"], shown["status"])


async def test_a_key_that_nobody_takes_dies_with_its_token(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, token = await server.tenant()
    made = await hand_over(server, workspace, token, **KEY, lifetime=60)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert 401 == (await redeem(server, made["token"]))[0]
    _, shown, _ = await server.call("GET", f"/api/workspaces/{workspace}/keys/{made['keyId']}", token=token)
    assert "expired" == shown["status"]


async def test_a_sign_in_is_handed_over(server: Server) -> None:
    workspace, token = await server.tenant()
    made = await hand_over(server, workspace, token, kind="signin")
    assert made["keyId"] is None
    _, taken = await redeem(server, made["token"])
    assert ("workspace", workspace, None) == (taken["kind"], taken["workspaceId"], taken["key"])
    _, me, _ = await server.call("GET", "/api/auth/me", token=taken["accessToken"])
    assert (Role.WORKSPACE, workspace) == (me["role"], me["workspaceId"])
    assert 200 == (await server.call("POST", "/api/tokens/refresh", {"refreshToken": taken["refreshToken"]}))[0]


async def test_an_administrators_invitation_is_redeemed_as_before(server: Server) -> None:
    server.host.invites.add("hinv_x")
    status, taken = await redeem(server, "hinv_x")
    assert (200, "admin", None) == (status, taken["kind"], taken["key"])
    assert 200 == (await server.call("GET", "/api/auth/me", token=taken["accessToken"]))[0]


@pytest.mark.parametrize("body", [KEY, {"kind": "signin"}])
async def test_of_50_redemptions_at_once_one_wins(server: Server, body: dict[str, str]) -> None:
    workspace, token = await server.tenant()
    made = await hand_over(server, workspace, token, **body)
    replies = await asyncio.gather(*(redeem(server, made["token"]) for _ in range(50)))
    assert [200] + [401] * 49 == sorted(status for status, _ in replies)
    assert 1 == len({problem["detail"] for status, problem in replies if status == 401})


async def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}"
    made = [await hand_over(server, workspace, token, **KEY) for _ in range(5)]
    used, revoked, keyless, flipped, late = (one["token"] for one in made)
    assert 200 == (await redeem(server, used))[0]
    assert 204 == (await server.call("DELETE", f"{base}/handover/{made[1]['handoverId']}", token=token))[0]
    assert 204 == (await server.call("DELETE", f"{base}/keys/{made[2]['keyId']}", token=token))[0]
    voided = (await hand_over(server, workspace, token, kind="signin"))["token"]
    _, invitation = await server.services.onetime.mint("invitation", workspace, {}, b"", 60, "admin")
    flipped = flipped[:-1] + ("0" if flipped[-1] != "0" else "1")
    strange = ["", "x", "hot_", "hot_" + "0" * 49, "é", "a\nb", "x" * 10_000, "\ud7ff"]
    answers = [await redeem(server, text) for text in (used, revoked, keyless, flipped, invitation.reveal(), *strange)]
    _, secret, _ = await server.call("POST", f"{base}/secret/rotate", token=token)
    assert secret["workspaceSecret"]
    answers.append(await redeem(server, voided))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)
    answers.append(await redeem(server, late))
    assert {401} == {status for status, _ in answers}
    assert 1 == len({(problem["code"], problem["detail"], problem["title"]) for _, problem in answers})


@pytest.mark.parametrize("body", [KEY, {"kind": "signin"}])
async def test_nobody_enters_a_workspace_that_was_deleted_meanwhile(server: Server, body: dict[str, str]) -> None:
    workspace, token = await server.tenant()
    kept, gone = [(await hand_over(server, workspace, token, **body))["token"] for _ in range(2)]
    async with server.services.workspaces.lock(workspace):
        await server.services.workspaces.change(workspace, deleted=time.time())
    assert 401 == (await redeem(server, kept))[0]
    await server.services.workspaces.remove(workspace)
    assert 401 == (await redeem(server, gone))[0]


async def test_a_token_for_something_else_is_not_used_up(server: Server) -> None:
    workspace, _ = await server.tenant()
    _, invitation = await server.services.onetime.mint("invitation", workspace, {}, b"in", 60, "admin")
    assert 401 == (await redeem(server, invitation.reveal()))[0]
    assert b"in" == (await server.services.onetime.redeem(invitation, "invitation", "")).payload


async def test_what_waits_is_listed_without_its_token_and_taken_back_with_its_key(server: Server) -> None:
    workspace, token = await server.tenant()
    path = f"/api/workspaces/{workspace}/handover"
    made = [await hand_over(server, workspace, token, **KEY) for _ in range(3)]
    shown, cursor = [], ""
    while True:
        _, page, _ = await server.call("GET", f"{path}?limit=2{cursor}", token=token)
        shown += page["items"]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert [one["handoverId"] for one in made[::-1]] == [one["handoverId"] for one in shown]
    assert all(made[0][name] not in str(shown) for name in ("token", "url"))
    assert 204 == (await server.call("DELETE", f"{path}/{made[0]['handoverId']}", token=token))[0]
    assert 404 == (await server.call("DELETE", f"{path}/{made[0]['handoverId']}", token=token))[0]
    _, key, _ = await server.call("GET", f"/api/workspaces/{workspace}/keys/{made[0]['keyId']}", token=token)
    assert "revoked" == key["status"]
    other, others_token = await server.tenant()
    for handover in (made[1]["handoverId"], new_invitation_id()):
        assert 404 == (await server.call("DELETE", f"/api/workspaces/{other}/handover/{handover}", token=others_token))[0]


async def test_nobody_hands_over_more_than_they_have(server: Server) -> None:
    workspace, token = await server.tenant()
    path = f"/api/workspaces/{workspace}/handover"
    body = {"name": "x", "scopes": ["handover", "workspaces:read"]}
    _, limited, _ = await server.call("POST", f"/api/workspaces/{workspace}/keys", body, token=token)
    for wanted in (KEY, {"kind": "signin"}, {"kind": "key", "scopes": ["sessions:read"]}):
        assert 403 == (await server.call("POST", path, wanted, token=limited["key"]))[0], wanted
    assert 201 == (await server.call("POST", path, {"kind": "key", "scopes": ["workspaces:read"]}, token=limited["key"]))[0]
    _, strong, _ = await server.call("POST", f"/api/workspaces/{workspace}/keys", {"name": "x", "rank": "admin"}, token=token)
    assert 403 == (await server.call("POST", path, {"kind": "signin"}, token=strong["key"]))[0]  # it would outlive the key


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"kind": "password"}, "/kind"),
        ({"kind": "key"}, "/scopes"),
        ({"kind": "key", "rank": "owner"}, "/rank"),
        ({**KEY, "lifetime": 9}, "/lifetime"),
        ({**KEY, "lifetime": CREDENTIAL_LIFETIME_MAX + 1}, "/lifetime"),
        ({**KEY, "expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
        ({"kind": "signin", "rank": "member"}, "/kind"),
        ({"kind": "signin", "name": "x"}, "/kind"),
    ],
)
async def test_a_wrong_value_is_refused_by_its_name(server: Server, body: dict[str, Any], pointer: str) -> None:
    workspace, token = await server.tenant()
    status, problem, _ = await server.call("POST", f"/api/workspaces/{workspace}/handover", body, token=token)
    assert (422, pointer) == (status, problem["errors"][0].get("pointer", ""))


async def test_the_longest_and_the_shortest_life_are_accepted(server: Server) -> None:
    workspace, token = await server.tenant()
    for lifetime in (10, CREDENTIAL_LIFETIME_MAX):
        await hand_over(server, workspace, token, **KEY, lifetime=lifetime)


async def test_only_people_have_devices(server: Server) -> None:
    _, token = await server.tenant()
    for credential in (token, await server.admin()):
        assert 403 == (await server.call("POST", "/api/auth/handover", {}, token=credential))[0]
        assert 403 == (await server.call("GET", "/api/auth/handover", token=credential))[0]
    assert 401 == (await server.call("POST", "/api/auth/handover", {}))[0]


async def test_a_person_signs_a_device_in(tmp_path: Any, host: FakeHost) -> None:  # noqa: ANN401
    async with organised(tmp_path, host) as made:
        person, other = await made.person(), await made.person()
        handover = await person.call("POST", "/api/auth/handover", {}, status=201)
        spare = await person.call("POST", "/api/auth/handover", {"lifetime": 10}, status=201)
        await other.call("DELETE", f"/api/auth/handover/{spare['handoverId']}", status=404)
        await person.call("DELETE", f"/api/auth/handover/{spare['handoverId']}", status=204)
        assert [handover["handoverId"]] == [
            item["handoverId"] for item in (await person.call("GET", "/api/auth/handover", status=200))["items"]
        ]
        _, taken = await redeem(made.server, handover["token"])
        assert ("person", person.id) == (taken["kind"], taken["personId"])
        _, me, _ = await made.server.call("GET", "/api/auth/me", token=taken["accessToken"])
        assert Role.PERSON == me["role"]
        assert 401 == (await redeem(made.server, spare["token"]))[0]


async def test_an_organisations_admin_hands_its_workspaces_over_and_a_member_does_not(
    tmp_path: Any,  # noqa: ANN401
    host: FakeHost,
) -> None:
    async with organised(tmp_path, host) as made:
        owner = await made.person()
        organisation = await made.organisation(owner)
        workspace = await made.workspace(organisation, owner)
        admin = await made.member(organisation, owner, Rank.ADMIN)
        member = await made.member(organisation, owner, Rank.MEMBER)
        path = f"/api/workspaces/{workspace}/handover"
        for body in (KEY, {"kind": "signin"}):
            token = (await admin.call("POST", path, body, status=201))["token"]
            assert (200, workspace) == ((found := await redeem(made.server, token))[0], found[1]["workspaceId"])
            await member.call("POST", path, body, status=403)
        await (await made.person()).call("POST", path, KEY, status=404)


async def test_no_token_is_logged_or_stored(server: Server, json_log: Any, tmp_path: Any) -> None:  # noqa: ANN401
    workspace, token = await server.tenant()
    made = await hand_over(server, workspace, token, **KEY)
    await server.call("GET", f"/api/auth/me?token={made['token']}")
    stored = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    _, taken = await redeem(server, made["token"])
    stored += [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    for secret in (made["token"], taken["key"]):
        assert secret not in json_log.getvalue()
        assert all(secret.encode() not in data for data in stored)
