"""Keys of workspaces, of organisations and of the host."""

from typing import Final

from api.auth import Scope
from api.credentials.minting import KeyChange, KeyPage, KeyRotation, KeyView, NewKey, NewKeyView, NewOrganisationKey, keyring
from api.pages import PageQuery
from api.problems import HttpCode
from api.routing import Answer, Context, Created, route
from shared.errors import Code
from shared.ids import new_key_id

WORKSPACE_KEYS: Final = "/api/workspaces/{workspaceId}/keys"
ORGANISATION_KEYS: Final = "/api/orgs/{organisationId}/keys"
HOST_KEYS: Final = "/api/keys"


@route(
    "POST",
    WORKSPACE_KEYS,
    scope=Scope.KEYS_WRITE,
    summary="Make a key of a workspace",
    errors=(Code.LIMIT,),
    idempotent=True,
    resource=new_key_id,
    limit="mint",
)
async def create_key(ctx: Context, body: NewKey) -> Created[NewKeyView]:
    """It acts as the workspace, with the rights that are said, and never with more than its maker has."""
    view = await keyring(ctx).mint(body)
    return Created(body=view, location=f"/api/workspaces/{ctx.param('workspaceId')}/keys/{view.key_id}")


@route("GET", WORKSPACE_KEYS, scope=Scope.KEYS_READ, summary="List the keys of a workspace, newest first")
async def list_keys(ctx: Context, query: PageQuery) -> KeyPage:
    """Those that are good, and for 90 days those that were."""
    return await keyring(ctx).page(query)


@route("GET", WORKSPACE_KEYS + "/{keyId}", scope=Scope.KEYS_READ, summary="Show a key of a workspace")
async def get_key(ctx: Context) -> Answer[KeyView]:
    """The key itself is shown when it is made, and never again."""
    return await keyring(ctx).show()


@route(
    "PATCH",
    WORKSPACE_KEYS + "/{keyId}",
    scope=Scope.KEYS_WRITE,
    summary="Change a key of a workspace",
    errors=(Code.CONFLICT, HttpCode.PRECONDITION_FAILED),
)
async def change_key(ctx: Context, body: KeyChange) -> Answer[KeyView]:
    """Rename it, move its end, or take scopes away. With `If-Match`, only that version."""
    return await keyring(ctx).change(body)


@route("DELETE", WORKSPACE_KEYS + "/{keyId}", scope=Scope.KEYS_WRITE, summary="Revoke a key of a workspace")
async def revoke_key(ctx: Context) -> None:
    """It is good no more, at once, and its connections are closed. It stays in the list for 90 days."""
    await keyring(ctx).revoke()


@route(
    "POST",
    WORKSPACE_KEYS + "/{keyId}/rotate",
    scope=Scope.KEYS_WRITE,
    summary="Replace a key of a workspace",
    errors=(Code.CONFLICT, Code.LIMIT),
    idempotent=True,
    resource=new_key_id,
    limit="mint",
)
async def rotate_key(ctx: Context, body: KeyRotation) -> Created[NewKeyView]:
    """A new key with the same name, rights and end. The old one is good for `overlap` more seconds, by default for none."""
    view = await keyring(ctx).rotate(body)
    return Created(body=view, location=f"/api/workspaces/{ctx.param('workspaceId')}/keys/{view.key_id}")


@route(
    "POST",
    ORGANISATION_KEYS,
    scope=Scope.KEYS_WRITE,
    summary="Make a key of an organisation",
    errors=(Code.LIMIT,),
    idempotent=True,
    resource=new_key_id,
    limit="mint",
)
async def create_organisation_key(ctx: Context, body: NewOrganisationKey) -> Created[NewKeyView]:
    """It reaches the organisation and all of its workspaces, or those alone that it is bound to; then it makes no keys."""
    view = await keyring(ctx).mint(body, None if body.workspaces is None else frozenset(body.workspaces))
    return Created(body=view, location=f"/api/orgs/{ctx.param('organisationId')}/keys/{view.key_id}")


@route("GET", ORGANISATION_KEYS, scope=Scope.KEYS_READ, summary="List the keys of an organisation, newest first")
async def list_organisation_keys(ctx: Context, query: PageQuery) -> KeyPage:
    """Those that are good, and for 90 days those that were."""
    return await keyring(ctx).page(query)


@route("GET", ORGANISATION_KEYS + "/{keyId}", scope=Scope.KEYS_READ, summary="Show a key of an organisation")
async def get_organisation_key(ctx: Context) -> Answer[KeyView]:
    """The key itself is shown when it is made, and never again."""
    return await keyring(ctx).show()


@route(
    "PATCH",
    ORGANISATION_KEYS + "/{keyId}",
    scope=Scope.KEYS_WRITE,
    summary="Change a key of an organisation",
    errors=(Code.CONFLICT, HttpCode.PRECONDITION_FAILED),
)
async def change_organisation_key(ctx: Context, body: KeyChange) -> Answer[KeyView]:
    """Rename it, move its end, or take scopes away. With `If-Match`, only that version."""
    return await keyring(ctx).change(body)


@route("DELETE", ORGANISATION_KEYS + "/{keyId}", scope=Scope.KEYS_WRITE, summary="Revoke a key of an organisation")
async def revoke_organisation_key(ctx: Context) -> None:
    """It is good no more, at once, and its connections are closed. It stays in the list for 90 days."""
    await keyring(ctx).revoke()


@route(
    "POST",
    ORGANISATION_KEYS + "/{keyId}/rotate",
    scope=Scope.KEYS_WRITE,
    summary="Replace a key of an organisation",
    errors=(Code.CONFLICT, Code.LIMIT),
    idempotent=True,
    resource=new_key_id,
    limit="mint",
)
async def rotate_organisation_key(ctx: Context, body: KeyRotation) -> Created[NewKeyView]:
    """A new key with the same name, rights and end. The old one is good for `overlap` more seconds, by default for none."""
    view = await keyring(ctx).rotate(body)
    return Created(body=view, location=f"/api/orgs/{ctx.param('organisationId')}/keys/{view.key_id}")


@route(
    "POST",
    HOST_KEYS,
    scope=Scope.KEYS_WRITE,
    summary="Make a key of the host",
    errors=(Code.LIMIT,),
    idempotent=True,
    resource=new_key_id,
    limit="mint",
)
async def create_admin_key(ctx: Context, body: NewKey) -> Created[NewKeyView]:
    """It is an administrator, who manages everything and enters no workspace."""
    view = await keyring(ctx).mint(body)
    return Created(body=view, location=f"{HOST_KEYS}/{view.key_id}")


@route("GET", HOST_KEYS, scope=Scope.KEYS_READ, summary="List the keys of the host, newest first")
async def list_admin_keys(ctx: Context, query: PageQuery) -> KeyPage:
    """Those that are good, and for 90 days those that were."""
    return await keyring(ctx).page(query)


@route("GET", HOST_KEYS + "/{keyId}", scope=Scope.KEYS_READ, summary="Show a key of the host")
async def get_admin_key(ctx: Context) -> Answer[KeyView]:
    """The key itself is shown when it is made, and never again."""
    return await keyring(ctx).show()


@route(
    "PATCH",
    HOST_KEYS + "/{keyId}",
    scope=Scope.KEYS_WRITE,
    summary="Change a key of the host",
    errors=(Code.CONFLICT, HttpCode.PRECONDITION_FAILED),
)
async def change_admin_key(ctx: Context, body: KeyChange) -> Answer[KeyView]:
    """Rename it, move its end, or take scopes away. With `If-Match`, only that version."""
    return await keyring(ctx).change(body)


@route("DELETE", HOST_KEYS + "/{keyId}", scope=Scope.KEYS_WRITE, summary="Revoke a key of the host")
async def revoke_admin_key(ctx: Context) -> None:
    """It is good no more, at once, and its connections are closed. It stays in the list for 90 days."""
    await keyring(ctx).revoke()


@route(
    "POST",
    HOST_KEYS + "/{keyId}/rotate",
    scope=Scope.KEYS_WRITE,
    summary="Replace a key of the host",
    errors=(Code.CONFLICT, Code.LIMIT),
    idempotent=True,
    resource=new_key_id,
    limit="mint",
)
async def rotate_admin_key(ctx: Context, body: KeyRotation) -> Created[NewKeyView]:
    """A new key with the same name, rights and end. The old one is good for `overlap` more seconds, by default for none."""
    view = await keyring(ctx).rotate(body)
    return Created(body=view, location=f"{HOST_KEYS}/{view.key_id}")
