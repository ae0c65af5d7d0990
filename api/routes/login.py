"""Signing in with a browser: by a provider, by the host's own accounts, by a token. The session is a cookie.

A browser that comes back from a provider shows a page and no JSON, so `finish_sign_in` always redirects: to where the sign-in
was to lead, or to `/#signin-error=CODE`. The part after `#` never leaves the browser.
"""

import secrets
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal

from aiohttp import hdrs, web
from msgspec import Meta

from api.acting import ORIGIN, origin_of
from api.auth import NOWHERE, Principal, Role, Scope
from api.people.browsers import COOKIE, COOKIE_LENGTH, Browser, Opened, session_id
from api.people.cookies import cookie_of
from api.people.login.logins import Returned, is_path
from api.people.login.states import COOKIE as LOGIN_COOKIE
from api.people.login.states import LIFETIME
from api.problems import invalid
from api.ratelimit import client_address
from api.routing import Answer, Context, route
from api.schema import Body, Query, View, moment
from shared.errors import Code, Fault
from shared.secret import Secret

SMALL: Final = 16 * 1024
"""Bytes of a body that anyone may send."""
PASSWORD_MAX: Final = 512
USER_PATTERN: Final = r"^[a-z_][a-z0-9_.-]*$(?!\n)"


class ProviderView(View, frozen=True):
    """A way to sign in."""

    name: str
    title: str
    url: str
    """Where a browser begins; `returnTo` may be added."""


class ProvidersView(View, frozen=True):
    """The ways to sign in that are configured."""

    items: list[ProviderView]
    pam: Annotated[bool, Meta(description="Whether operators may sign in with their account on the host.")]
    create_workspaces: Annotated[
        Literal["admin", "open"], Meta(description="`open`: who has no credential may create a workspace too.")
    ]


class BeginQuery(Query, frozen=True):
    """Which provider, and where to go afterwards."""

    provider: Annotated[str, Meta(min_length=1, max_length=32)]
    return_to: Annotated[str, Meta(description="A path of this server.")] = "/"


class CallbackQuery(Query, frozen=True, forbid_unknown_fields=False, rename=None):
    """What a provider adds (RFC 6749, 4.1.2; RFC 9207); more than that is not looked at."""

    state: str = ""
    code: str | None = None
    error: str | None = None
    iss: str | None = None


class OperatorRequest(Body, frozen=True):
    """An account of the host, and its password."""

    user: Annotated[str, Meta(pattern=USER_PATTERN, min_length=1, max_length=32)]
    password: Secret


class SignedInView(View, frozen=True):
    """Whom the new session stands for. The cookie comes with the reply."""

    role: Role
    subject: str
    expires_at: datetime


class BrowserSessionView(View, frozen=True):
    """A browser that is signed in."""

    id: str
    name: Annotated[str, Meta(description="The operator's; empty for others.")]
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]
    created_at: datetime
    last_used_at: Annotated[datetime, Meta(description="To the minute.")]
    expires_at: datetime
    address: str
    agent: str


class BrowserSessionsView(View, frozen=True):
    """The browsers that are signed in; those that were used last come first."""

    items: list[BrowserSessionView]


@route("GET", "/api/auth/providers", scope=Scope.PUBLIC, summary="Ways to sign in")
async def list_providers(ctx: Context) -> ProvidersView:
    """Providers, and whether operators may sign in, none without `[auth]`; and who may create a workspace."""
    auth = ctx.app.config.auth
    items = [
        ProviderView(name=name, title=title, url=f"/api/auth/login?provider={name}")
        for name, title in ctx.app.logins.titles().items()
    ]
    return ProvidersView(
        items=items, pam=auth is not None and auth.pam is not None, create_workspaces=ctx.app.config.api.create_workspaces
    )


@route(
    "GET",
    "/api/auth/login",
    scope=Scope.PUBLIC,
    summary="Begin to sign in by a provider",
    status=HTTPStatus.FOUND,
    produces="text/plain",
    errors=(Code.NOT_FOUND,),
    limit="login",
)
async def begin_sign_in(ctx: Context, query: BeginQuery) -> web.Response:
    """Redirects the browser to the provider, or to `/#signin-error=CODE` when that cannot be used just now.

    The sign-in can be finished in this browser alone, once, within 10 minutes.
    """
    if not is_path(query.return_to):
        raise invalid("must be a path of this server", parameter="returnTo")
    given = cookie_of(ctx.request, LOGIN_COOKIE) or ""
    # Kept while it is good, so that two sign-ins may be under way in one browser.
    browser = given if len(given) == COOKIE_LENGTH else secrets.token_urlsafe(32)
    try:
        url = await ctx.app.logins.begin(query.provider, query.return_to, browser)
    except Fault as fault:
        if fault.code is Code.NOT_FOUND:
            raise
        return _failed(ctx, begin_sign_in.__name__, fault)
    return _redirect(url, _cookie(LOGIN_COOKIE, browser, LIFETIME))


@route(
    "GET",
    "/api/auth/callback",
    scope=Scope.PUBLIC,
    summary="Finish to sign in by a provider",
    status=HTTPStatus.FOUND,
    produces="text/plain",
    limit="redeem",
)
async def finish_sign_in(ctx: Context, query: CallbackQuery) -> web.Response:
    """Redirects to where the sign-in was to lead, with a session; else to `/#signin-error=CODE`, where CODE is an error's."""
    returned = Returned(state=query.state, code=query.code, error=query.error, issuer=query.iss)
    try:
        person, started = await ctx.app.logins.finish(returned, cookie_of(ctx.request, LOGIN_COOKIE) or "")
        opened = await ctx.app.browsers.open(person.id, _browser(ctx))
    except Fault as fault:
        return _failed(ctx, finish_sign_in.__name__, fault)
    _known(ctx, opened.principal)
    ctx.app.auditor.note(finish_sign_in.__name__, "ok", NOWHERE, started.provider)
    return _redirect(started.return_to, _session_cookie(opened))


@route(
    "POST",
    "/api/auth/pam",
    scope=Scope.PUBLIC,
    summary="Sign in as an operator",
    errors=(Code.UNAUTHORIZED, Code.FORBIDDEN, Code.BUSY, Code.TIMEOUT),
    limit="login",
    body_max=SMALL,
)
async def sign_in_operator(ctx: Context, body: OperatorRequest) -> Answer[SignedInView]:
    """Check the password of an account of the host, which is in the configured group. The session is an administrator's."""
    auth = ctx.app.config.auth
    if auth is None or auth.pam is None:
        raise Fault(Code.FORBIDDEN, "the configuration does not let operators sign in")
    ctx.app.limits.hit("login", f"operator:{body.user}")
    if not 0 < len(body.password.reveal().encode(errors="replace")) <= PASSWORD_MAX:
        raise Fault(Code.UNAUTHORIZED, "the user name or the password is wrong")
    await ctx.app.hosts.authenticate(body.user, body.password)
    return _signed_in(ctx, await ctx.app.browsers.open(Role.ADMIN, _browser(ctx), body.user))


@route(
    "POST",
    "/api/auth/session",
    scope=Scope.SELF,
    summary="Turn a token into a browser's session",
    errors=(Code.FORBIDDEN,),
    body_max=SMALL,
)
async def open_browser_session(ctx: Context) -> Answer[SignedInView]:
    """The token's sign-in, as a cookie: it ends with that, at the latest. A key does not sign a browser in."""
    if ctx.principal.key or hdrs.AUTHORIZATION not in ctx.request.headers:
        raise Fault(Code.FORBIDDEN, "only an access token becomes a browser's session")
    return _signed_in(ctx, await ctx.app.browsers.join(ctx.principal, _browser(ctx)))


@route("GET", "/api/auth/sessions", scope=Scope.SELF, summary="Browsers that are signed in", errors=(Code.FORBIDDEN,))
async def list_browser_sessions(ctx: Context) -> BrowserSessionsView:
    """Those of the same person or workspace, or of all operators."""
    _without_key(ctx)
    current = session_id(cookie_of(ctx.request, COOKIE) or "")
    items = [
        BrowserSessionView(
            id=found.id,
            name=found.name,
            current=found.id == current,
            created_at=moment(found.created),
            last_used_at=moment(found.used),
            expires_at=moment(found.expires),
            address=found.address,
            agent=found.agent,
        )
        for found in await ctx.app.browsers.sessions(ctx.principal)
    ]
    return BrowserSessionsView(items=items)


@route(
    "DELETE",
    "/api/auth/sessions/{browserSessionId}",
    scope=Scope.SELF,
    summary="Sign a browser out",
    errors=(Code.FORBIDDEN,),
)
async def end_browser_session(ctx: Context) -> None:
    """Revoke the sign-in that the session comes of, and close what it holds open."""
    _without_key(ctx)
    await ctx.app.browsers.end(ctx.principal, ctx.param("browserSessionId"))


@route("DELETE", "/api/auth/sessions", scope=Scope.SELF, summary="Sign out everywhere", errors=(Code.FORBIDDEN,))
async def end_every_session(ctx: Context) -> None:
    """Revoke every sign-in of the same person or workspace, or of all operators: browsers, devices and tokens, this one too.

    What they hold open is closed, and what waits to be handed over opens nothing any more. Keys stay as they are.
    """
    _without_key(ctx)
    await ctx.app.browsers.end_all(ctx.principal)


def sign_out_cookie() -> str:
    """The header that removes the session's cookie."""
    return _cookie(COOKIE, "", 0)


def _signed_in(ctx: Context, opened: Opened) -> Answer[SignedInView]:
    principal = opened.principal
    _known(ctx, principal)
    view = SignedInView(role=principal.role, subject=principal.subject, expires_at=moment(principal.expires))
    return Answer(body=view, headers={hdrs.SET_COOKIE: _session_cookie(opened)})


def _known(ctx: Context, principal: Principal) -> None:
    """Have the audit log name whom the session stands for."""
    ORIGIN.set(origin_of(principal, _address(ctx), ctx.request_id))


def _without_key(ctx: Context) -> None:
    if ctx.principal.key:
        raise Fault(Code.FORBIDDEN, "a key does not see who signs in")


def _browser(ctx: Context) -> Browser:
    return Browser(_address(ctx), ctx.request.headers.get(hdrs.USER_AGENT, ""))


def _address(ctx: Context) -> str:
    return client_address(ctx.request, ctx.app.config.api.trusted_proxies)


def _session_cookie(opened: Opened) -> str:
    return _cookie(COOKIE, opened.cookie.reveal(), opened.lifetime)


def _cookie(name: str, value: str, seconds: float) -> str:
    """`__Host-`: no other host, no path and no plain page can have set it (RFC 6265bis, 4.1.3.2)."""
    return f"{name}={value}; Path=/; Max-Age={int(seconds)}; Secure; HttpOnly; SameSite=Lax"


def _failed(ctx: Context, action: str, fault: Fault) -> web.Response:
    """Tell a person, who sees a page and no problem details, and the audit log."""
    ctx.app.auditor.note(action, fault.code, NOWHERE)
    return _redirect(f"/#signin-error={fault.code}")


def _redirect(location: str, *cookies: str) -> web.Response:
    response = web.Response(status=HTTPStatus.FOUND, headers={hdrs.LOCATION: location}, content_type="text/plain")
    for cookie in cookies:
        response.headers.add(hdrs.SET_COOKIE, cookie)
    return response
