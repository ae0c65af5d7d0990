"""Secrets of a workspace: they can be set and removed, and never read."""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from api.auth import Scope
from api.routing import Answer, Context, route
from api.schema import Body, View, moment
from api.secrets import SESSIONS_MAX, VALUE_MAX, Stored
from shared.errors import Code
from shared.ids import SessionId
from shared.secret import Secret

BODY_MAX: Final = 8 * VALUE_MAX
"""Bytes of a request: JSON may write a byte of a value as six."""


class SecretSetting(Body, frozen=True):
    """A value, and whose programs get it."""

    value: Secret
    sessions: Annotated[list[SessionId], Meta(max_length=SESSIONS_MAX)] | None = None
    """The sessions whose programs get it; null for all."""


class SecretView(View, frozen=True):
    """A secret, without its value."""

    name: str
    sessions: list[SessionId] | None
    """Null: all sessions."""
    created_at: datetime
    updated_at: datetime
    version: int
    """Goes up whenever it is set."""


class Secrets(View, frozen=True):
    """All secrets of a workspace, by name."""

    items: list[SecretView]


@route(
    "GET", "/api/workspaces/{workspaceId}/secrets", scope=Scope.SECRETS_READ, summary="List secrets", errors=(Code.NOT_READY,)
)
async def list_secrets(ctx: Context) -> Secrets:
    """Their names, and which sessions get them. Nobody reads a value."""
    return Secrets(items=[secret_view(stored) for stored in await ctx.app.secrets.all(ctx.room)])


@route(
    "GET",
    "/api/workspaces/{workspaceId}/secrets/{secretName}",
    scope=Scope.SECRETS_READ,
    summary="Show a secret without its value",
    errors=(Code.NOT_READY,),
)
async def get_secret(ctx: Context) -> SecretView:
    """When it was set, and which sessions get it."""
    return secret_view(await ctx.app.secrets.find(ctx.room, ctx.param("secretName")))


@route(
    "PUT",
    "/api/workspaces/{workspaceId}/secrets/{secretName}",
    scope=Scope.SECRETS_WRITE,
    summary="Set a secret",
    errors=(Code.NOT_READY, Code.LIMIT),
    body_max=BODY_MAX,
)
async def put_secret(ctx: Context, body: SecretSetting) -> Answer[SecretView]:
    """An environment variable of the terminals and agents that are started from now on; running ones keep what they have.

    An agent's process is started again for its next prompt. Variables that hostel itself sets, as for an agent's sign-in, win.
    """
    stored = await ctx.app.secrets.put(ctx.room, ctx.param("secretName"), body.value, body.sessions)
    return Answer(body=secret_view(stored), etag=f'"{stored.version}"', new=stored.version == 1)


@route(
    "DELETE",
    "/api/workspaces/{workspaceId}/secrets/{secretName}",
    scope=Scope.SECRETS_WRITE,
    summary="Remove a secret",
    errors=(Code.NOT_READY,),
)
async def delete_secret(ctx: Context) -> None:
    """What runs keeps it until it is started again."""
    await ctx.app.secrets.remove(ctx.room, ctx.param("secretName"))


def secret_view(stored: Stored) -> SecretView:
    """What is shown of a secret."""
    return SecretView(
        name=stored.name,
        sessions=stored.sessions,
        created_at=moment(stored.created),
        updated_at=moment(stored.updated),
        version=stored.version,
    )
