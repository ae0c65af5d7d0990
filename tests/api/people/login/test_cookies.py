"""Cookies that only look like ours: what other ports and subdomains of this host may set."""

from typing import Any

import pytest
from aiohttp import hdrs
from aiohttp.test_utils import make_mocked_request

from api.people.browsers import COOKIE, COOKIE_LENGTH, Browser
from api.people.cookies import VALUE_MAX, cookie_of
from api.people.login.states import COOKIE as LOGIN_COOKIE
from tests.api.people.login.browser import FakeBrowser
from tests.api.people.login.provider import FakeProvider
from tests.api.serving import Server

OURS = "A" * COOKIE_LENGTH
THEIRS = "B" * COOKIE_LENGTH

SMUGGLED = (
    "x=1 {name}={theirs}",
    'x="; {name}={theirs}"; {name}={theirs}',
    'x="\\073 {name}={theirs}"',
    "{name} ={theirs}",
    "\u2000{name}={theirs}",
    "\xa0{name}={theirs}",
    "\x0b{name}={theirs}",
    '{name}="{theirs}"',
    "x=1,{name}={theirs}",
    "$Version=1 {name}={theirs}",
    "{lower}={theirs}",
    "{name}x={theirs}",
    "{name}",
    "{name}=",
)
"""Headers in which no cookie of that name stands, or two of which nobody knows which is ours."""


def read(header: str) -> str | None:
    return cookie_of(make_mocked_request("GET", "/", headers={hdrs.COOKIE: header}), COOKIE)


def filled(header: str) -> str:
    return header.format(name=COOKIE, lower=COOKIE.lower(), theirs=THEIRS)


@pytest.mark.parametrize("header", SMUGGLED)
def test_what_only_looks_like_our_cookie_is_none(header: str) -> None:
    assert None is read(filled(header))


@pytest.mark.parametrize("header", [header for header in SMUGGLED if header.count("{name}=") < 2])
def test_ours_is_found_beside_what_looks_like_it(header: str) -> None:
    for both in (f"{filled(header)}; {COOKIE}={OURS}", f"{COOKIE}={OURS}; {filled(header)}"):
        ambiguous = f"; {COOKIE}=" in f"; {filled(header)}"
        assert (None if ambiguous else OURS) == read(both), both


def test_of_two_neither_is_believed() -> None:
    assert None is read(f"{COOKIE}={OURS}; {COOKIE}={THEIRS}")
    assert None is read(f"{COOKIE}={OURS}; {COOKIE}={OURS}")


def test_a_value_has_a_length_and_an_alphabet() -> None:
    assert "x" * VALUE_MAX == read(f"{COOKIE}={'x' * VALUE_MAX}")
    for value in ("x" * (VALUE_MAX + 1), "x" * 10_000, "é" * COOKIE_LENGTH, '"' * COOKIE_LENGTH, "a,b", "a b"):
        assert None is read(f"{COOKIE}={value}")


async def sent(server: Server, path: str, cookie: str) -> tuple[int, str, Any]:
    """Status, Location and the cookies that are set in the reply to a link."""
    async with server.http.get(server.url + path, headers={"Cookie": cookie}, allow_redirects=False) as reply:
        return reply.status, reply.headers.get("Location", ""), reply.headers.getall("Set-Cookie", [])


async def test_no_other_page_can_put_its_session_in_place_of_ours(server: Server) -> None:
    (workspace, _), (other, _) = await server.create(), await server.create()
    ours, theirs = [
        (await server.services.browsers.open(subject, Browser("", ""))).cookie.reveal() for subject in (workspace, other)
    ]
    for planted in (f"x=1 {COOKIE}={theirs}", f'x="; {COOKIE} ={theirs}'):
        _, me, _ = await server.call("GET", "/api/auth/me", Cookie=f"{COOKIE}={ours}; {planted}")
        assert workspace == me["workspaceId"]
        assert 401 == (await server.call("GET", "/api/auth/me", Cookie=planted))[0]


async def test_no_other_page_can_end_its_own_sign_in_in_our_browser(server: Server, fake: FakeProvider) -> None:
    """The code and the state are the attacker's; so is the cookie that it plants."""
    attacker = FakeBrowser(server)
    back = fake.allow(await attacker.begin())
    planted = f"x=1 {LOGIN_COOKIE}={attacker.cookies[LOGIN_COOKIE]}"
    path = f"/api/auth/callback?state={back['state']}&code={back['code']}"
    assert (302, "/#signin-error=unauthorized", []) == await sent(server, path, planted)


@pytest.mark.parametrize("escape", ["\\012", "\\073", "\\000", "\\351"])
async def test_a_strange_cookie_breaks_no_sign_in(server: Server, escape: str) -> None:
    path = "/api/auth/login?provider=fake"
    status, location, cookies = await sent(server, path, f'{LOGIN_COOKIE}="{escape * COOKIE_LENGTH}"')
    assert (302, 1) == (status, len(cookies)), location
    assert COOKIE_LENGTH == len(cookies[0].partition(";")[0].partition("=")[2])
