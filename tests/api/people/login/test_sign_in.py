"""The way of a browser through a provider, and back."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import jwt
import pytest

from api.people.browsers import COOKIE
from api.people.login.states import COOKIE as LOGIN_COOKIE
from api.people.login.states import LIFETIME, STATES_MAX
from shared.config import ConfigError
from shared.settings import Auth, Provider
from tests.api.fakehost import FakeHost
from tests.api.people.login.browser import FakeBrowser
from tests.api.people.login.provider import EC, FakeProvider, public
from tests.api.serving import Server, serving
from tests.stack import free_port


async def test_a_person_signs_in_and_is_known_by_what_the_provider_calls_them(
    server: Server, browser: FakeBrowser, fake: FakeProvider
) -> None:
    assert "/work?tab=1#here" == await browser.sign_in(fake, "/work?tab=1#here")
    me = await browser.me()
    assert ("person", "Some One", "someone@example.org", []) == (me["role"], me["name"], me["email"], me["organisations"])
    fake.claims |= {"name": "Changed", "email": ["x"]}
    again = FakeBrowser(server)
    await again.sign_in(fake)
    now = await again.me()
    assert (me["personId"], "Changed", None) == (now["personId"], now["name"], now["email"])
    fake.claims["sub"] = "somebody"
    other = FakeBrowser(server)
    await other.sign_in(fake)
    assert me["personId"] != (await other.me())["personId"]


async def test_plain_oauth_knows_a_person_by_a_number(server: Server, browser: FakeBrowser, fake: FakeProvider) -> None:
    """GitHub's `id` is one."""
    fake.user = {"id": 583231, "login": "octocat", "name": None, "email": None}
    location = await browser.begin("plain")
    assert "nonce" not in dict(parse_qsl(urlsplit(location).query))
    assert "/" == await browser.finish(fake.allow(location))
    me = await browser.me()
    fake.user["id"] = "583231"
    again = FakeBrowser(server)
    await again.finish(fake.allow(await again.begin("plain")))
    assert me["personId"] == (await again.me())["personId"]
    # The same words of another provider are another person's.
    fake.claims["sub"] = "583231"
    third = FakeBrowser(server)
    await third.sign_in(fake)
    assert me["personId"] != (await third.me())["personId"]


async def test_a_real_provider_lets_a_person_in(tmp_path: Path, host: FakeHost, real: str) -> None:
    """oidc-provider-mock, which is somebody else's."""
    metadata = f"{real}/.well-known/openid-configuration"
    provider = Provider(title="Mock", client_id="hostel", client_secret="s", server_metadata_url=metadata)
    async with serving(tmp_path, host, auth=Auth(provider={"mock": provider})) as server:
        browser = FakeBrowser(server)
        url = await browser.begin("mock", "/x")
        async with server.http.post(url, data={"sub": "alice"}, allow_redirects=False) as reply:
            back = dict(parse_qsl(urlsplit(reply.headers["Location"]).query))
        assert "/x" == await browser.finish(back)
        me = await browser.me()
        assert ("person", "alice@example.org") == (me["role"], me["email"])
        _, told = await browser.call("POST", "/api/logout")
        assert told["endSessionUrl"].startswith(f"{real}/oauth2/end_session?client_id=hostel&post_logout_redirect_uri=")
        assert COOKIE not in browser.cookies
        url = await browser.begin("mock")
        async with server.http.post(url, data={"action": "deny"}, allow_redirects=False) as reply:
            back = dict(parse_qsl(urlsplit(reply.headers["Location"]).query))
        assert "/#signin-error=unauthorized" == await browser.finish(
            back | {"state": dict(parse_qsl(urlsplit(url).query))["state"]}
        )


@pytest.fixture
async def real() -> AsyncIterator[str]:
    """A provider as a process."""
    port = free_port()
    claims = '{"sub": "alice", "email": "alice@example.org", "name": "Alice"}'
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "oidc_provider_mock", "--port", str(port), "--user-claims", claims),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(30), aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"http://127.0.0.1:{port}/jwks"):
                        break
                except aiohttp.ClientError:
                    assert process.returncode is None
                    await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def test_a_state_is_good_once(browser: FakeBrowser, fake: FakeProvider) -> None:
    back = fake.allow(await browser.begin())
    assert "/" == await browser.finish(back)
    assert "/#signin-error=unauthorized" == await browser.finish(back)
    replayed = await browser.finish({**fake.allow(await browser.begin()), "state": back["state"]})
    assert "/#signin-error=unauthorized" == replayed


async def test_of_many_who_bring_one_state_one_wins(browser: FakeBrowser, fake: FakeProvider) -> None:
    back = fake.allow(await browser.begin())
    ends = await asyncio.gather(*(browser.finish(back) for _ in range(20)))
    assert 1 == ends.count("/")


async def test_a_state_is_good_in_the_browser_that_began_it_alone(server: Server, fake: FakeProvider) -> None:
    """Else one could have somebody else's browser signed in as oneself."""
    attacker, victim = FakeBrowser(server), FakeBrowser(server)
    back = fake.allow(await attacker.begin())
    assert "/#signin-error=unauthorized" == await victim.finish(back)
    back = fake.allow(await attacker.begin())
    await victim.begin()
    assert "/#signin-error=unauthorized" == await victim.finish(back)
    assert None is await victim.me()


async def test_two_sign_ins_may_be_under_way_in_one_browser(browser: FakeBrowser, fake: FakeProvider) -> None:
    one, two = fake.allow(await browser.begin(return_to="/one")), fake.allow(await browser.begin(return_to="/two"))
    assert ("/one", "/two") == (await browser.finish(one), await browser.finish(two))


@pytest.mark.parametrize("seconds", [LIFETIME + 1, -60])
async def test_an_expired_state_is_refused_and_so_is_one_from_the_future(
    browser: FakeBrowser, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """A clock that was set forward, or back."""
    back = fake.allow(await browser.begin())
    now = time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + seconds)
        assert "/#signin-error=unauthorized" == await browser.finish(back)
    assert "/#signin-error=unauthorized" == await browser.finish(back)


async def test_a_callback_without_a_state_of_ours_is_refused(browser: FakeBrowser) -> None:
    for state in ("", "x", "x" * 5000, "../../x", "\0", "é"):
        assert "/#signin-error=unauthorized" == await browser.finish({"state": state, "code": "\0"})
    assert "/#signin-error=unauthorized" == await browser.finish({})


@pytest.mark.parametrize("change", [{"error": "access_denied"}, {"code": ""}, {"code": "x" * 5000}, {"iss": "http://other"}])
async def test_a_callback_that_brings_nobody_is_refused(
    browser: FakeBrowser, fake: FakeProvider, change: dict[str, str]
) -> None:
    assert "/#signin-error=unauthorized" == await browser.sign_in(fake, **change)
    assert None is await browser.me()


async def test_what_a_provider_adds_to_its_answer_is_no_error(browser: FakeBrowser, fake: FakeProvider) -> None:
    """Google adds `scope`, `authuser`, `hd` and `prompt`; RFC 9207 adds `iss`."""
    assert "/" == await browser.sign_in(fake, scope="openid", authuser="0", prompt="none", iss=fake.url)


async def test_a_provider_that_says_it_names_itself_has_to(browser: FakeBrowser, fake: FakeProvider) -> None:
    fake.metadata["authorization_response_iss_parameter_supported"] = True
    assert "/#signin-error=unauthorized" == await browser.sign_in(fake)
    assert "/" == await browser.sign_in(fake, iss=fake.url)


async def test_a_flood_of_sign_ins_is_bounded_and_the_newest_can_be_finished(
    browser: FakeBrowser, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert STATES_MAX >= 1000
    monkeypatch.setattr("api.people.login.states.STATES_MAX", 3)
    first = fake.allow(await browser.begin())
    backs = [fake.allow(await browser.begin()) for _ in range(3)]
    assert "/#signin-error=unauthorized" == await browser.finish(first)
    assert ["/"] * 3 == [await browser.finish(back) for back in backs]


async def test_what_was_never_finished_is_forgotten(
    server: Server, browser: FakeBrowser, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = fake.allow(await browser.begin())
    await server.services.logins.states.purge()
    assert "/" == await browser.finish(back)
    back = fake.allow(await browser.begin())
    now = time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + LIFETIME + 1)
        await server.services.logins.states.purge()
    assert "/#signin-error=unauthorized" == await browser.finish(back)


async def test_a_provider_may_change_its_key(browser: FakeBrowser, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that is not known has the keys looked at again, but not again and again."""
    monkeypatch.setattr("api.people.login.protocol.REFETCH_SECONDS", 0.0)
    assert "/" == await browser.sign_in(fake)
    fake.keys = [public(EC, "two")]
    fake.sign = lambda claims: jwt.encode(claims, EC, "ES256", headers={"kid": "two"})
    assert "/" == await browser.sign_in(fake)
    assert ("/", 2) == (await browser.sign_in(fake), fake.asked.count("/jwks"))
    monkeypatch.setattr("api.people.login.protocol.REFETCH_SECONDS", 60.0)
    fake.sign = lambda claims: jwt.encode(claims, EC, "ES256", headers={"kid": "three"})
    assert "/#signin-error=unauthorized" == await browser.sign_in(fake)
    assert 2 == fake.asked.count("/jwks")


async def test_user_info_adds_what_the_id_token_lacks(browser: FakeBrowser, fake: FakeProvider) -> None:
    fake.claims = {"sub": "someone"}
    fake.user = {"sub": "someone", "name": "From User Info"}
    assert "/" == await browser.sign_in(fake)
    assert "From User Info" == (await browser.me())["name"]


async def test_user_info_of_somebody_else_is_refused(browser: FakeBrowser, fake: FakeProvider) -> None:
    fake.claims = {"sub": "someone"}
    fake.user = {"sub": "another", "name": "Another"}
    assert "/#signin-error=unauthorized" == await browser.sign_in(fake)


async def test_a_provider_that_is_not_configured_is_not_there(browser: FakeBrowser) -> None:
    for name in ("other", "../../x", "a" * 32):
        assert 404 == (await browser.call("GET", f"/api/auth/login?provider={name}"))[0]
    _, told = await browser.call("GET", "/api/auth/providers")
    assert {("fake", "Fake"), ("plain", "Fake")} == {(item["name"], item["title"]) for item in told["items"]}
    assert (False, LOGIN_COOKIE in browser.cookies) == (told["pam"], False)


async def test_without_auth_nobody_signs_in_by_a_provider(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host) as server:
        browser = FakeBrowser(server)
        told = {"items": [], "pam": False, "createWorkspaces": "admin"}
        assert (200, told) == await browser.call("GET", "/api/auth/providers")
        assert 404 == (await browser.call("GET", "/api/auth/login?provider=fake"))[0]
        assert 403 == (await browser.call("POST", "/api/auth/pam", {"user": "root", "password": "x"}))[0]
        assert "/#signin-error=unauthorized" == await browser.finish({"state": "x", "code": "y"})


async def test_a_person_is_nobody_when_their_provider_is_not_configured_any_more(
    tmp_path: Path, host: FakeHost, fake: FakeProvider
) -> None:
    async with serving(tmp_path, host, auth=Auth(provider={"fake": fake.configured()})) as server:
        browser = FakeBrowser(server)
        await browser.sign_in(fake)
        person = (await browser.me())["personId"]
        grant = await server.services.tokens.grant_person(person)
        assert 200 == (await server.call("GET", "/api/auth/me", token=grant.access.reveal()))[0]
    assert grant.refresh is not None
    body = {"refreshToken": grant.refresh.reveal()}
    async with serving(tmp_path, host, auth=Auth(provider={"other": fake.configured()})) as server:
        browser.server = server
        assert None is await browser.me()
        assert 401 == (await server.call("POST", "/api/tokens/refresh", body))[0]
    async with serving(tmp_path, host) as server:
        browser.server = server
        assert None is await browser.me()
        assert 401 == (await server.call("GET", "/api/auth/me", token=grant.access.reveal()))[0]
    async with serving(tmp_path, host, auth=Auth(provider={"fake": fake.configured()})) as server:
        browser.server = server
        assert person == (await browser.me())["personId"]
        status, told, _ = await server.call("POST", "/api/tokens/refresh", body)
        assert (200, None) == (status, told["workspaceToken"])
        assert person == (await server.call("GET", "/api/auth/me", token=told["accessToken"]))[1]["personId"]


async def test_the_configuration_says_whether_people_make_organisations(
    tmp_path: Path, host: FakeHost, fake: FakeProvider
) -> None:
    for setting, may in (("admin", False), ("people", True)):
        auth = Auth(provider={"fake": fake.configured()}, create_organisations=setting)  # type: ignore[arg-type]
        async with serving(tmp_path, host, auth=auth) as server:
            browser = FakeBrowser(server)
            await browser.sign_in(fake)
            assert may == ("organisations:create" in (await browser.me())["scopes"])


async def test_the_secret_of_a_provider_is_read_from_its_file(tmp_path: Path, host: FakeHost, fake: FakeProvider) -> None:
    path = tmp_path / "secret"
    provider = fake.configured(client_secret=None, client_secret_file=str(path))
    with pytest.raises(ConfigError, match=r"auth\.provider\.fake\.client_secret_file"):
        async with serving(tmp_path, host, auth=Auth(provider={"fake": provider})):
            pass
    for wrong in (b"", b"\n", b"\xff\n", b"x" * 2001):
        path.write_bytes(wrong)
        with pytest.raises(ConfigError) as caught:
            async with serving(tmp_path, host, auth=Auth(provider={"fake": provider})):
                pass
        assert "xxx" not in str(caught.value)
    path.write_text("the-client's-secret\n")
    async with serving(tmp_path, host, auth=Auth(provider={"fake": provider})) as server:
        assert "/" == await FakeBrowser(server).sign_in(fake)
