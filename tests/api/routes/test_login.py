"""Signing in with a browser: redirects, cookies, operators, and the list of sessions."""

import io
from pathlib import Path
from urllib.parse import quote

import pytest

from api.people.browsers import COOKIE
from api.people.login.logins import RETURN_MAX, is_path
from api.streams.live import REVOKED
from shared.settings import Api, Auth, Pam, Provider, RateLimits
from tests.api.fakehost import FakeHost
from tests.api.organised import organised
from tests.api.people.login.browser import FakeBrowser
from tests.api.people.login.provider import FakeProvider
from tests.api.serving import UNLIMITED, Server, serving

OPERATORS = Auth(pam=Pam())


@pytest.mark.parametrize("path", ["/", "/work", "/a?b=c&d=%2F#e", "/a//b", "/[]", "/" + "x" * (RETURN_MAX - 1)])
def test_a_path_stays_on_this_origin(path: str) -> None:
    assert is_path(path)


ELSEWHERE = (
    *("", "x", "//x", "//x/y", "/\\x", "\\\\x", "/x\\y", "http://x", "https:x", "javascript:alert(1)", "data:,x", "?x", "#x"),
    *("/\tx", "/x\n", "/x\r\nSet-Cookie: a=b", "\t/x", " /x", "/x y", "/é", "/\0", "/\x7f", "/" + "x" * RETURN_MAX),
)


async def test_nobody_is_led_elsewhere(tmp_path: Path, host: FakeHost) -> None:
    provider = Provider(title="x", client_id="x", client_secret="x", server_metadata_url="http://127.0.0.1:9")
    async with serving(tmp_path, host, Api(rate_limits=UNLIMITED), auth=Auth(provider={"fake": provider})) as server:
        for path in ELSEWHERE:
            assert not is_path(path)
            query = f"?provider=fake&returnTo={quote(path)}"
            status, told, got = await server.call("GET", f"/api/auth/login{query}")
            assert (path, 422, "returnTo", None) == (path, status, told["errors"][0]["parameter"], got.get("Set-Cookie"))


async def test_an_operator_signs_in_as_an_admin(tmp_path: Path, host: FakeHost, json_log: io.StringIO) -> None:
    host.operators["alice"] = "sentinel-password"
    async with serving(tmp_path, host, auth=OPERATORS) as server:
        assert (200, {"items": [], "pam": True, "createWorkspaces": "admin"}) == (
            await server.call("GET", "/api/auth/providers")
        )[:2]
        browser = FakeBrowser(server)
        body = {"user": "alice", "password": "sentinel-password"}
        status, told = await browser.call("POST", "/api/auth/pam", body)
        assert (200, "admin") == (status, told["role"])
        me = await browser.me()
        assert ("admin", "alice") == (me["role"], me["name"])
        assert 201 == (await browser.call("POST", "/api/workspaces", {}))[0]
    assert "sentinel" not in json_log.getvalue()


BAD_OPERATORS: list[dict[str, object]] = [
    {"user": "alice", "password": "wrong"},
    {"user": "alice", "password": ""},
    {"user": "alice", "password": "x" * 513},
    {"user": "alice", "password": "\ud800"},
    {"user": "bob", "password": "sentinel"},
    {"user": "", "password": "sentinel"},
    {"user": "../alice", "password": "sentinel"},
    {"user": "alice\n", "password": "sentinel"},
    {"user": "-alice", "password": "sentinel"},
    {"user": "a" * 33, "password": "sentinel"},
    {"user": ["alice"], "password": "sentinel"},
    {"user": "alice", "password": ["sentinel"]},
    {"user": "alice"},
]


async def test_who_is_no_operator_does_not_sign_in(tmp_path: Path, host: FakeHost) -> None:
    host.operators["alice"] = "sentinel"
    async with serving(tmp_path, host, Api(rate_limits=UNLIMITED), auth=OPERATORS) as server:
        for body in BAD_OPERATORS:
            status, told, got = await server.call("POST", "/api/auth/pam", body)
            assert status in ({400, 401} if body.get("password") == "\ud800" else {401, 422}), body
            assert "Set-Cookie" not in got
            assert "sentinel" not in str(told)


async def test_guesses_are_limited_by_address_and_by_name(tmp_path: Path, host: FakeHost) -> None:
    host.operators["alice"] = "right"
    limits = RateLimits(login="3/minute", request="100000/minute")
    async with serving(tmp_path, host, Api(rate_limits=limits, trusted_proxies=1), auth=OPERATORS) as server:

        async def guess(user: str, address: str) -> int:
            body = {"user": user, "password": "wrong"}
            return (await server.call("POST", "/api/auth/pam", body, X_Forwarded_For=address))[0]

        assert [401, 401, 401, 429] == [await guess(f"user{number}", "192.0.2.1") for number in range(4)]
        assert [401, 401, 401, 429] == [await guess("alice", f"198.51.100.{number}") for number in range(4)]
        assert 401 == await guess("bob", "198.51.100.9")


async def test_a_page_of_another_site_does_nothing_with_the_cookie(server: Server) -> None:
    """`SameSite` is the browser's word; the Origin is checked here."""
    browser = FakeBrowser(server)
    token = await server.admin()
    await browser.call("POST", "/api/auth/session", Authorization=f"Bearer {token}")
    cookie = f"{COOKIE}={browser.cookies[COOKIE]}"
    for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        for path in ("/api/workspaces", "/api/logout", "/api/auth/session"):
            assert 403 == (await server.call("POST", path, {}, Cookie=cookie, **headers))[0]
    assert "admin" == (await browser.me())["role"]


async def test_a_header_decides_alone(server: Server) -> None:
    """Whatever cookie comes with it."""
    browser = FakeBrowser(server)
    await browser.call("POST", "/api/auth/session", Authorization=f"Bearer {await server.admin()}")
    workspace, token = await server.tenant()
    _, told = await browser.call("GET", "/api/auth/me", Authorization=f"Bearer {token}")
    assert workspace == told["workspaceId"]
    assert 401 == (await browser.call("GET", "/api/auth/me", Authorization="Bearer nonsense"))[0]
    assert 401 == (await browser.call("GET", "/api/auth/me", Authorization=""))[0]


async def test_a_cookie_makes_no_other_cookie(server: Server) -> None:
    browser = FakeBrowser(server)
    await browser.call("POST", "/api/auth/session", Authorization=f"Bearer {await server.admin()}")
    assert 403 == (await browser.call("POST", "/api/auth/session"))[0]
    assert 401 == (await FakeBrowser(server).call("POST", "/api/auth/session"))[0]


async def test_one_sees_and_ends_ones_own_sessions(server: Server) -> None:
    workspace, secret = await server.create()
    one, two, other = FakeBrowser(server), FakeBrowser(server), FakeBrowser(server)
    for browser, agent in ((one, "A browser\u202e of mine" + "x" * 300), (two, "Another")):
        token = (await server.login(workspace, secret))["workspaceToken"]
        await browser.call("POST", "/api/auth/session", Authorization=f"Bearer {token}", User_Agent=agent)
    _, token = await server.tenant()
    await other.call("POST", "/api/auth/session", Authorization=f"Bearer {token}")
    _, told = await one.call("GET", "/api/auth/sessions")
    assert {False, True} == {item["current"] for item in told["items"]}
    assert 2 == len(told["items"])
    (mine,) = [item for item in told["items"] if item["current"]]
    (theirs,) = [item for item in told["items"] if not item["current"]]
    assert ("A browser of mine", 200, "127.0.0.1") == (mine["agent"][:17], len(mine["agent"]), mine["address"])
    assert 404 == (await other.call("DELETE", f"/api/auth/sessions/{mine['id']}"))[0]
    assert 404 == (await one.call("DELETE", f"/api/auth/sessions/{'0' * 32}"))[0]
    assert 404 == (await one.call("DELETE", "/api/auth/sessions/%25"))[0]
    assert 204 == (await one.call("DELETE", f"/api/auth/sessions/{theirs['id']}"))[0]
    assert (None, workspace) == (await two.me(), (await one.me())["workspaceId"])
    assert None is not await other.me()
    assert 1 == len((await one.call("GET", "/api/auth/sessions"))[1]["items"])


async def test_one_signs_out_everywhere_at_once(tmp_path: Path, host: FakeHost) -> None:
    """A device that was lost is in no list: this is what ends it, whoever has it and whatever was prepared with it."""
    async with organised(tmp_path, host) as world:
        server, lost, other = world.server, await world.person(), await world.person()
        handed = await lost.call("POST", "/api/auth/handover", {}, status=201)
        device = (await server.call("POST", "/api/auth/redeem", {"token": handed["token"]}))[1]
        waits = (await lost.call("POST", "/api/auth/handover", {}, status=201))["token"]
        browser = FakeBrowser(server)
        assert 200 == (await browser.call("POST", "/api/auth/session", Authorization=f"Bearer {device['accessToken']}"))[0]
        principal = server.services.tokens.verify(device["accessToken"])
        with server.services.live.open(principal) as connection:
            assert (204, None) == await browser.call("DELETE", "/api/auth/sessions")
            assert REVOKED == connection.ended.result()
        for token in (lost.token, device["accessToken"]):
            assert 401 == (await server.call("GET", "/api/auth/me", token=token))[0]
        assert 401 == (await server.call("POST", "/api/tokens/refresh", {"refreshToken": device["refreshToken"]}))[0]
        assert 401 == (await server.call("POST", "/api/auth/redeem", {"token": waits}))[0]
        assert None is await browser.me()
        await other.call("GET", "/api/auth/me", status=200)
        organisation = await world.organisation(other)
        key = await world.key(f"/api/orgs/{organisation}/keys", other, rank="admin")
        await key.call("DELETE", "/api/auth/sessions", status=403)
        assert 401 == (await server.call("DELETE", "/api/auth/sessions"))[0]


async def test_a_sign_in_is_limited_by_address(tmp_path: Path, host: FakeHost) -> None:
    limits = RateLimits(login="2/minute", redeem="2/minute", request="1000/minute")
    async with (
        FakeProvider().running() as fake,
        serving(tmp_path, host, Api(rate_limits=limits), auth=Auth(provider={"fake": fake.configured()})) as server,
    ):
        browser = FakeBrowser(server)
        assert [302, 302, 429] == [(await browser.visit("/api/auth/login?provider=fake"))[0] for _ in range(3)]
        assert [302, 302, 429] == [(await browser.visit("/api/auth/callback?state=x"))[0] for _ in range(3)]


async def test_the_audit_log_names_who_signed_in_and_who_failed(tmp_path: Path, host: FakeHost) -> None:
    host.operators["alice"] = "right"
    async with (
        FakeProvider().running() as fake,
        serving(
            tmp_path, host, Api(rate_limits=UNLIMITED), auth=Auth(provider={"fake": fake.configured()}, pam=Pam())
        ) as server,
    ):
        noted: list[tuple[str, str, str]] = []
        note = server.services.auditor.note

        def spy(action: str, outcome: str, *arguments: object, **more: object) -> None:
            from api.acting import ORIGIN  # noqa: PLC0415  # as it is at that moment

            origin = ORIGIN.get()
            noted.append((action, outcome, origin.actor if origin else ""))
            note(action, outcome, *arguments, **more)  # type: ignore[arg-type]

        server.services.auditor.note = spy  # type: ignore[method-assign]
        browser = FakeBrowser(server)
        await browser.sign_in(fake)
        person = (await browser.me())["personId"]
        await browser.finish({"state": "x"})
        for password in ("right", "wrong"):
            await browser.call("POST", "/api/auth/pam", {"user": "alice", "password": password})
        assert [
            ("finish_sign_in", "ok", person),
            ("finish_sign_in", "unauthorized", "anonymous"),
            ("sign_in_operator", "ok", "admin:alice"),
            ("sign_in_operator", "unauthorized", "anonymous"),
        ] == noted
