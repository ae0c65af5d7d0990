"""Bad input over HTTP against the real stack: a clear error, nothing changed, nothing spawned, nothing leaked."""

import asyncio
import io
import json
import os

import aiohttp
import pytest

from tests.stack import Client, Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

NAMES = ["", "x" * 101, "a\0b", "a\nb", "a\x1b[31m", "a\u2028b", 7, None, [], {}]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_a_bad_name_is_refused_everywhere(stack: Stack, alice: Tenant, name: object) -> None:
    admin = await stack.admin()
    session = await alice.session()
    for client, method, path in (
        (admin, "POST", "/api/workspaces"),
        (alice, "PATCH", alice.base),
        (alice, "POST", f"{alice.base}/sessions"),
        (alice, "PATCH", f"{alice.base}/sessions/{session}"),
        (alice, "POST", f"{alice.base}/sessions/{session}/worktrees"),
    ):
        if name is None and method == "POST":
            continue
        async with stack.http.request(method, path, json={"name": name}, headers=client.headers) as reply:
            assert reply.status in {400, 422}, await reply.text()
            problem = await reply.json(content_type="application/problem+json")
        assert {"type", "title", "status", "detail", "code"} <= problem.keys()


URLS = [
    "--upload-pack=touch /tmp/x",
    "-oProxyCommand=touch x",
    "ext::sh -c touch% x",
    "ext::x",
    "fd::17",
    "file\n:///etc",
    "https://a b/c",
    "https://user:password@127.0.0.1/x",
    "ssh://-oProxyCommand=x/y",
    "-u@host:x",
    "git@-oProxyCommand=x:y",
    "http://127.0.0.1/x",
    "ftp://127.0.0.1/x",
    "javascript:alert(1)",
    "/etc/passwd",
    "../x",
    "",
    "x" * 3000,
    "https://",
    "https://127.0.0.1/\0",
    "git://127.0.0.1\\x/y",
    7,
    ["https://127.0.0.1/x"],
]


@pytest.mark.parametrize("url", URLS, ids=ascii)
async def test_a_bad_repository_is_refused_and_nothing_is_made(stack: Stack, alice: Tenant, url: object) -> None:
    before = (await alice.call("GET", f"{alice.base}/sessions"))["items"]
    async with stack.http.post(f"{alice.base}/sessions", json={"repoUrl": url}, headers=alice.headers) as reply:
        assert reply.status in {400, 422}, await reply.text()
        text = await reply.text()
        assert "application/problem+json" == reply.content_type
    assert "password" not in text
    assert before == (await alice.call("GET", f"{alice.base}/sessions"))["items"]


@pytest.mark.parametrize("ref", ["-x", "--upload-pack=x", "a b", "a\nb", "a\0b", "", "x" * 300, 7])
async def test_a_bad_ref_is_refused(stack: Stack, alice: Tenant, ref: object) -> None:
    async with stack.http.post(
        f"{alice.base}/sessions", json={"repoUrl": "https://127.0.0.1/x", "ref": ref}, headers=alice.headers
    ) as reply:
        assert reply.status in {400, 422}, await reply.text()


async def test_providers_do_not_belong_in_a_session(alice: Tenant) -> None:
    async with alice.stack.http.post(f"{alice.base}/sessions", json={"providers": {}}, headers=alice.headers) as reply:
        assert reply.status in {400, 422}
        assert "providers" in (await reply.json(content_type=None))["detail"]


BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"{}{}",
    b"\xff",
    b'{"name": "x", "name2": 1}',
    b"[" * 100_000,
    b'{"name": NaN}',
    b'{"name": "\\ud800"}',
]


@pytest.mark.parametrize("body", BODIES, ids=lambda b: ascii(b[:20]))
async def test_a_body_that_is_not_the_documents_shape_is_refused(stack: Stack, body: bytes) -> None:
    admin = await stack.admin()
    headers = {**admin.headers, "Content-Type": "application/json"}
    async with stack.http.patch(f"/api/workspaces/w{'0' * 24}", data=body, headers=headers) as reply:
        assert reply.status in {400, 404, 422}
    async with stack.http.post("/api/workspaces/login", data=body, headers=headers) as reply:
        assert reply.status in {400, 413, 422}, await reply.text()


async def test_a_body_over_the_limit_is_refused(stack: Stack, alice: Tenant) -> None:
    async with stack.http.patch(
        alice.base,
        data=io.BytesIO(b'{"name": "' + b"x" * 2_000_000),
        headers={**alice.headers, "Content-Type": "application/json"},
    ) as reply:
        assert 413 == reply.status


async def test_providers_are_merged_and_never_echoed(alice: Tenant) -> None:
    key = {"type": "api_key", "value": "sentinel"}
    view = await alice.call(
        "PATCH", alice.base, {"providers": {"claude": {"enabled": True, "auth": key}, "codex": {"enabled": True}}}
    )
    assert {"claude": {"enabled": True, "auth": {"type": "api_key"}}, "codex": {"enabled": True, "auth": None}} == view[
        "providers"
    ]
    view = await alice.call("PATCH", alice.base, {"providers": {"claude": {"enabled": False}, "codex": None}})
    assert {"claude": {"enabled": False, "auth": {"type": "api_key"}}} == view["providers"]
    stored = json.loads((alice.home / "vibecoder_workspace/metadata/providers.json").read_text())
    assert stored["claude"]["auth"]["value"].startswith("\0hostel1:")
    async with alice.stack.http.get(alice.base, headers=alice.headers) as reply:
        assert "sentinel" not in await reply.text()
    for wrong in (
        {"claude": {"auth": {"type": "magic", "value": "x"}}},
        {"../x": {"enabled": True}},
        {"a": {"enabled": 1}},
        {f"p{n}": {"enabled": True} for n in range(17)},
    ):
        async with alice.stack.http.patch(alice.base, json={"providers": wrong}, headers=alice.headers) as reply:
            assert reply.status in {400, 422}, await reply.text()


async def test_fifty_at_once_redeem_one_token_once(stack: Stack) -> None:
    with stack.host() as host:
        token = host.create_invite().token.reveal()

    async def redeem() -> int:
        async with stack.http.post("/api/auth/redeem", json={"token": token}) as reply:
            return reply.status

    statuses = await asyncio.gather(*(redeem() for _ in range(50)))
    assert [200] + [401] * 49 == sorted(statuses)


async def test_without_an_invitation_nobody_is_an_admin(stack: Stack, alice: Tenant) -> None:
    for token in (None, "x", alice.token):
        async with stack.http.post("/api/workspaces", json={}, headers=Client(stack, token).headers) as reply:
            assert reply.status in {401, 403}


async def test_an_admin_does_not_enter_rooms(stack: Stack, alice: Tenant) -> None:
    admin = await stack.admin()
    assert "forbidden" == (await admin.call("GET", f"{alice.base}/sessions", status=403))["code"]


async def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(stack: Stack) -> None:
    admin = await stack.admin()
    headers = {"Idempotency-Key": f"same-{os.getpid()}", "Prefer": "wait=30"}
    answers = await asyncio.gather(
        *(admin.call("POST", "/api/workspaces", {"name": "x"}, headers=headers) for _ in range(2)), return_exceptions=True
    )
    made = [a for a in answers if isinstance(a, dict)]
    again = await admin.call("POST", "/api/workspaces", {"name": "x"}, status=201, headers=headers)
    assert made
    assert all(again == answer for answer in made)
    await admin.call("POST", "/api/workspaces", {"name": "y"}, status=422, headers=headers)


async def test_logins_are_limited_and_say_when_to_come_back() -> None:
    async with Stack({"api.rate_limits": {"login": "3/minute"}}) as stack:
        body = {"workspaceId": f"w{'0' * 24}", "workspaceSecret": "x"}
        replies = []
        for _ in range(5):
            async with stack.http.post("/api/workspaces/login", json=body) as reply:
                replies.append(reply)
        assert [401, 401, 401, 429, 429] == [reply.status for reply in replies]
        assert 0 < int(replies[-1].headers["Retry-After"]) <= 60
        assert "RateLimit-Limit" in replies[-1].headers


async def test_anybody_may_create_where_the_configuration_says_so() -> None:
    async with Stack({"api": {"create_workspaces": "open"}}) as stack:
        made = await Client(stack, None).call("POST", "/api/workspaces", {}, status=201, headers={"Prefer": "wait=30"})
        assert "ready" == made["status"]


async def test_an_unknown_path_method_and_upgrade_are_problems(stack: Stack, alice: Tenant) -> None:
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("PUT", alice.base, 405),
        ("GET", "/%00", 404),
        ("GET", "/../../etc/passwd", 404),
    ):
        async with stack.http.request(method, path, headers=alice.headers) as reply:
            assert status == reply.status
            assert "application/problem+json" == reply.content_type
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await stack.http.ws_connect(alice.base, headers=alice.headers)
