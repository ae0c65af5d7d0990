"""Browser sessions: what ends them, and what does not."""

import statistics
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from api.people.browsers import COOKIE, FRESH, SKEW, Browser
from shared.errors import Code, Fault
from shared.settings import Auth, Pam
from tests.api.fakehost import FakeHost
from tests.api.people.login.browser import FakeBrowser
from tests.api.serving import Server, serving

HERE = Browser("192.0.2.1", "a browser")


async def signed_in(server: Server) -> tuple[FakeBrowser, str, str]:
    """A browser with the session of a new workspace, the workspace and its token."""
    workspace, token = await server.tenant()
    return await joined(server, token), workspace, token


async def joined(server: Server, token: str) -> FakeBrowser:
    browser = FakeBrowser(server)
    assert 200 == (await browser.call("POST", "/api/auth/session", Authorization=f"Bearer {token}"))[0]
    return browser


async def test_a_session_stands_for_whom_its_token_does(server: Server) -> None:
    browser, workspace, _ = await signed_in(server)
    assert workspace == (await browser.me())["workspaceId"]
    admin = await joined(server, await server.admin())
    assert "admin" == (await admin.me())["role"]
    assert 200 == (await browser.call("GET", f"/api/workspaces/{workspace}"))[0]


async def test_what_is_kept_of_a_cookie_does_not_sign_in(server: Server, tmp_path: Path) -> None:
    browser, _, _ = await signed_in(server)
    cookie = browser.cookies[COOKIE]
    for name in ("store.sqlite", "store.sqlite-wal"):
        assert cookie.encode() not in (tmp_path / "state/api" / name).read_bytes()
    hashed = await server.services.store.read(lambda connection: connection.scalar(text("SELECT hash FROM browser_sessions")))
    for wrong in (hashed, hashed[:43], cookie[:-1], cookie + "x", cookie.swapcase(), "", "x" * 43, "é" * 43):
        with pytest.raises(Fault) as caught:
            await server.services.browsers.principal(str(wrong))
        assert Code.UNAUTHORIZED is caught.value.code


async def test_a_logout_by_cookie_ends_the_tokens_of_the_sign_in_too(server: Server) -> None:
    browser, _, token = await signed_in(server)
    kept = dict(browser.cookies)
    assert (200, {"endSessionUrl": None}) == await browser.call("POST", "/api/logout")
    assert {} == browser.cookies
    browser.cookies = kept
    assert None is await browser.me()
    assert 401 == (await server.call("GET", "/api/auth/me", token=token))[0]


async def test_a_logout_by_token_ends_the_sessions_of_the_sign_in_and_no_other(server: Server) -> None:
    workspace, secret = await server.create()
    one, two = [(await server.login(workspace, secret))["workspaceToken"] for _ in range(2)]
    ended, other = await joined(server, one), await joined(server, two)
    await server.call("POST", "/api/logout", token=one)
    assert (None, workspace) == (await ended.me(), (await other.me())["workspaceId"])


async def test_rotating_the_secret_ends_every_session(server: Server) -> None:
    browser, workspace, token = await signed_in(server)
    assert 200 == (await server.call("POST", f"/api/workspaces/{workspace}/secret/rotate", token=token))[0]
    assert None is await browser.me()


async def test_a_revocation_holds_when_it_was_forgotten_in_memory(server: Server) -> None:
    """As after a restart."""
    browser, _, token = await signed_in(server)
    await server.call("POST", "/api/logout", token=token)
    server.services.tokens._revoked.clear()
    server.services.browsers._kept.clear()
    assert None is await browser.me()


def test_what_is_in_memory_is_read_again_before_a_revocation_is_forgotten() -> None:
    """The shortest `api.token_lifetime` is 60 s."""
    assert FRESH <= 60


async def test_a_session_is_read_again_in_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _, token = await signed_in(server)
    assert None is not await browser.me()
    await server.call("POST", "/api/logout", token=token)
    server.services.tokens._revoked.clear()
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + FRESH)
    with pytest.raises(Fault):
        await server.services.browsers.principal(browser.cookies[COOKIE])


async def test_a_session_that_is_not_used_ends_and_stays_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = Auth().session_idle
    opened = await server.services.browsers.open("admin", HERE)
    cookie, now = opened.cookie.reveal(), time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + idle - 1)
        await server.services.browsers.principal(cookie)
        patch.setattr(time, "time", lambda: now() + 2 * idle - 2)
        await server.services.browsers.principal(cookie)
        patch.setattr(time, "time", lambda: now() + 3 * idle)
        with pytest.raises(Fault):
            await server.services.browsers.principal(cookie)
    # The clock is right again.
    with pytest.raises(Fault):
        await server.services.browsers.principal(cookie)


async def test_a_session_ends_after_its_lifetime_however_much_it_is_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifetime = Auth().session_lifetime
    opened = await server.services.browsers.open("admin", HERE)
    cookie, now = opened.cookie.reveal(), time.time
    for day in range(0, lifetime - 1, Auth().session_idle - 1):
        monkeypatch.setattr(time, "time", lambda day=day: now() + day)
        await server.services.browsers.principal(cookie)
    monkeypatch.setattr(time, "time", lambda: now() + lifetime - 10)
    await server.services.browsers.principal(cookie)
    monkeypatch.setattr(time, "time", lambda: now() + lifetime)
    with pytest.raises(Fault):
        await server.services.browsers.principal(cookie)


async def test_the_last_use_is_on_disk_at_most_once_a_minute(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = await server.services.browsers.open("admin", HERE)

    async def on_disk() -> float:
        found = await server.services.store.read(
            lambda connection: connection.scalar(text("SELECT used FROM browser_sessions"))
        )
        return float(found or 0)

    begun, now = await on_disk(), time.time
    for later, written in ((FRESH - 5, False), (FRESH + 5, True)):
        monkeypatch.setattr(time, "time", lambda later=later: now() + later)
        await server.services.browsers.principal(opened.cookie.reveal())
        assert written == (await on_disk() > begun)


async def test_a_short_idle_time_counts_uses_that_are_not_on_disk(
    tmp_path: Path, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path, host, auth=Auth(session_idle=60)) as server:
        opened = await server.services.browsers.open("admin", HERE)
        now, monotonic = time.time, time.monotonic
        for later in (50, 59, 61, 110):
            monkeypatch.setattr(time, "time", lambda later=later: now() + later)
            monkeypatch.setattr(time, "monotonic", lambda later=later: monotonic() + later)
            await server.services.browsers.principal(opened.cookie.reveal())


async def test_a_session_from_the_future_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that was set back: a session of before would else live longer."""
    opened = await server.services.browsers.open("admin", HERE)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - SKEW + 10)
    await server.services.browsers.principal(opened.cookie.reveal())
    monkeypatch.setattr(time, "time", lambda: now() - SKEW - 10)
    with pytest.raises(Fault):
        await server.services.browsers.principal(opened.cookie.reveal())
    monkeypatch.setattr(time, "time", now)
    await server.services.browsers.principal(opened.cookie.reveal())


async def test_a_session_of_a_token_ends_no_later_than_its_sign_in(server: Server) -> None:
    """An admin's is a day long, a browser's session a week."""
    browser = await joined(server, await server.admin())
    principal = await server.services.browsers.principal(browser.cookies[COOKIE])
    assert principal.expires <= time.time() + server.services.config.api.token_lifetime


async def test_with_one_too_many_the_least_used_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.people.browsers.SESSIONS_MAX", 3)
    now, cookies = time.time, []
    for step in range(4):
        monkeypatch.setattr(time, "time", lambda step=step: now() + step)
        cookies.append((await server.services.browsers.open("admin", HERE)).cookie.reveal())
    other = await server.services.browsers.open("w" + "0" * 24, HERE)
    with pytest.raises(Fault):
        await server.services.browsers.principal(cookies[0])
    for cookie in cookies[1:]:
        await server.services.browsers.principal(cookie)
    assert other.principal.workspace is not None


async def test_one_token_gives_no_more_sessions_than_there_may_be(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.people.browsers.SESSIONS_MAX", 3)
    token = await server.admin()
    browsers = [await joined(server, token) for _ in range(5)]
    _, told = await browsers[-1].call("GET", "/api/auth/sessions")
    assert 3 == len(told["items"])
    assert 200 == (await server.call("GET", "/api/auth/me", token=token))[0]


async def test_the_session_of_a_workspace_that_is_gone_is_refused(server: Server) -> None:
    browser, workspace, _ = await signed_in(server)
    await server.services.workspaces.remove(workspace)
    assert None is await browser.me()


async def test_what_has_ended_is_forgotten(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = await server.services.browsers.open("admin", HERE)
    await server.services.browsers.purge()
    await server.services.browsers.principal(opened.cookie.reveal())
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + Auth().session_idle + 1)
    await server.services.browsers.purge()
    left = await server.services.store.read(lambda connection: connection.scalar(text("SELECT count(*) FROM browser_sessions")))
    assert 0 == left


async def test_an_operator_is_nobody_when_operators_may_not_sign_in_any_more(tmp_path: Path, host: FakeHost) -> None:
    async with serving(tmp_path, host, auth=Auth(pam=Pam())) as server:
        cookie = (await server.services.browsers.open("admin", HERE, "alice")).cookie.reveal()
        assert "admin:alice" == (await server.services.browsers.principal(cookie)).actor
    for auth in (Auth(), None):
        async with serving(tmp_path, host, auth=auth) as server:
            with pytest.raises(Fault):
                await server.services.browsers.principal(cookie)


async def test_a_store_that_fails_ends_no_session(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = (await server.services.browsers.open("admin", HERE)).cookie.reveal()
    await server.services.browsers.principal(cookie)

    async def fail(_work: object) -> None:
        raise Fault(Code.UNAVAILABLE, "the store cannot be used at the moment")

    now = time.time
    with monkeypatch.context() as patch:
        patch.setattr(server.services.store, "write", fail)
        patch.setattr(time, "time", lambda: now() + FRESH + 1)
        assert "admin" == (await server.services.browsers.principal(cookie)).role
        with pytest.raises(Fault) as caught:
            await server.services.browsers.open("admin", HERE)
    assert Code.UNAVAILABLE is caught.value.code


async def test_to_know_whose_cookie_it_is_takes_little(server: Server) -> None:
    """0.3 ms is what authorising a request may add."""
    cookie = (await server.services.browsers.open("admin", HERE)).cookie.reveal()
    times = []
    for _ in range(200):
        begun = time.perf_counter()
        await server.services.browsers.principal(cookie)
        times.append(time.perf_counter() - begun)
    assert statistics.median(times) < 0.0003
