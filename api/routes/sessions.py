"""Sessions of a workspace: clones of repositories, or empty ones."""

from contextlib import suppress
from typing import Annotated, Final

from msgspec import Meta

from api.auth import Scope
from api.clones import cloned
from api.pages import PageQuery, page
from api.patience import patiently
from api.problems import HttpCode, invalid
from api.routing import Answer, Context, Created, route
from api.schema import Body, View
from api.views import SessionView, session_view
from shared.errors import Code, Fault
from shared.ids import new_session_id
from shared.rooms import (
    NAME_MAX,
    GitAuth,
    GitAuthType,
    GitRef,
    Name,
    RepoUrl,
    SessionInfo,
    SessionStatus,
)
from shared.secret import Secret

SECRET_MAX: Final = 64 * 1024
"""Characters of a credential."""
BODY_MAX: Final = 256 * 1024
"""Bytes of a request; what it says must fit a frame."""
ROOM_ERRORS: Final = (Code.BUSY, Code.NOT_READY, Code.FAILED)
"""What any route that enters a room may answer, beside what follows from its scope."""


class NewGitAuth(Body, frozen=True):
    """A credential for a git server. It is kept nowhere."""

    type: GitAuthType
    value: Secret
    username: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")] | None = None
    known_hosts: Annotated[str, Meta(max_length=16_384, pattern=r"^[^\x00]*$")] | None = None
    """SSH: lines of a known_hosts file. Without them a server's key is trusted when it is first seen."""


class NewSession(Body, frozen=True):
    """What to clone; without `repoUrl` the session is an empty repository."""

    repo_url: RepoUrl | None = None
    ref: GitRef | None = None
    name: Name | None = None
    auth: NewGitAuth | None = None


class SessionChange(Body, frozen=True):
    """What can be changed of a session."""

    name: Name


class SessionPage(View, frozen=True):
    """A page of sessions, newest first."""

    items: list[SessionView]
    next_cursor: str | None


@route(
    "POST",
    "/api/workspaces/{workspaceId}/sessions",
    scope=Scope.SESSIONS_WRITE,
    summary="Create a session, and begin to clone",
    errors=(*ROOM_ERRORS, Code.LIMIT, Code.CONFLICT),
    idempotent=True,
    resource=new_session_id,
    wait=True,
    body_max=BODY_MAX,
)
async def create_session(ctx: Context, body: NewSession) -> Created[SessionView]:
    """With `Prefer: wait=N` the reply comes when the clone has ended, or after N seconds."""
    await ctx.app.sweeper.expect(ctx.room)
    info = await ctx.app.guests.create_session(
        ctx.room,
        ctx.resource_id,
        body.name or _default_name(body.repo_url),
        repo_url=body.repo_url,
        ref=body.ref,
        auth=git_auth(body.auth),
    )
    view = session_view(ctx.room, await _when_cloned(ctx, info))
    return Created(body=view, etag=view.etag, location=f"/api/workspaces/{ctx.room}/sessions/{info.session}")


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions",
    scope=Scope.SESSIONS_READ,
    summary="List sessions, newest first",
    errors=ROOM_ERRORS,
)
async def list_sessions(ctx: Context, query: PageQuery) -> SessionPage:
    """Sessions are on the workspace's own disk: its guest is started to read them."""
    sessions = await ctx.app.guests.list_sessions(ctx.room)
    views = [session_view(ctx.room, info) for info in sessions.items]
    items, after = page(views, lambda view: f"{view.created_at.isoformat()} {view.session_id}", query, descending=True)
    return SessionPage(items=items, next_cursor=after)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}",
    scope=Scope.SESSIONS_READ,
    summary="Show a session",
    errors=ROOM_ERRORS,
    wait=True,
)
async def get_session(ctx: Context) -> Answer[SessionView]:
    """With `Prefer: wait=N` the reply comes when a clone has ended, or after N seconds."""
    info = await ctx.app.guests.get_session(ctx.room, ctx.param("sessionId"))
    view = session_view(ctx.room, await _when_cloned(ctx, info))
    return Answer(body=view, etag=view.etag)


@route(
    "PATCH",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}",
    scope=Scope.SESSIONS_WRITE,
    summary="Rename a session",
    errors=(*ROOM_ERRORS, HttpCode.PRECONDITION_FAILED),
)
async def rename_session(ctx: Context, body: SessionChange) -> Answer[SessionView]:
    """With `If-Match` nothing is changed unless the session is still as the client saw it."""
    session = ctx.param("sessionId")
    async with ctx.app.guests.editing(session):
        if "If-Match" in ctx.request.headers:
            seen = session_view(ctx.room, await ctx.app.guests.get_session(ctx.room, session))
            ctx.check_match(seen.etag)
        view = session_view(ctx.room, await ctx.app.guests.rename_session(ctx.room, session, body.name))
    return Answer(body=view, etag=view.etag)


@route(
    "POST",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/keepalive",
    scope=Scope.SESSIONS_WRITE,
    summary="Keep a session alive",
    errors=ROOM_ERRORS,
)
async def keep_session(ctx: Context) -> SessionView:
    """A use of the session: `shutdownDeadline` moves as it does when somebody types, but that of a lifetime stays."""
    return session_view(ctx.room, await ctx.app.guests.keep_session(ctx.room, ctx.param("sessionId")))


@route(
    "DELETE",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}",
    scope=Scope.SESSIONS_WRITE,
    summary="Delete a session, its terminals and its files",
    errors=ROOM_ERRORS,
)
async def delete_session(ctx: Context) -> None:
    """Its worktrees go too."""
    await ctx.app.guests.delete_session(ctx.room, ctx.param("sessionId"))


def _default_name(repo_url: str | None) -> str:
    """The last part of the address, as git names a clone."""
    last = (repo_url or "").rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")
    return last[:NAME_MAX] or "session"


def git_auth(auth: NewGitAuth | None) -> GitAuth | None:
    """The credential in a body's `auth`; Problem INVALID when it is empty or too long."""
    if auth is None:
        return None
    if not 0 < len(auth.value.reveal()) <= SECRET_MAX:
        raise invalid(f"has 1 to {SECRET_MAX} characters", pointer="/auth/value")
    return GitAuth(type=auth.type, value=auth.value, username=auth.username, known_hosts=auth.known_hosts)


async def _when_cloned(ctx: Context, info: SessionInfo) -> SessionInfo:
    """The session once its clone has ended, or as it is when the client's patience or the server's life ends."""
    if info.status is not SessionStatus.CLONING or not ctx.wait:
        return info
    with suppress(Fault):
        if found := await patiently(ctx, cloned(ctx.app.guests, ctx.room, info)):
            return found
    return await ctx.app.guests.get_session(ctx.room, info.session)
