"""Organisations: each owns workspaces, which its members and its keys reach."""

from datetime import datetime
from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from api.auth import Principal, Rank, Role, Scope
from api.pages import PageQuery, cut, decode_moment
from api.people.organisations import Organisation
from api.problems import HttpCode, invalid
from api.routing import Answer, Context, Created, route
from api.schema import Body, View, moment
from shared.errors import Code
from shared.ids import OrganisationId, new_organisation_id
from shared.rooms import Name

SLUG_MAX: Final = 40
RESERVED: Final = frozenset(
    {"admin", "api", "auth", "docs", "events", "healthz", "hostel", "invitations", "login", "logout", "mcp"}
    | {"me", "metrics", "new", "orgs", "readyz", "root", "settings", "static", "system", "workspaces"}
)
"""Slugs that are, or may become, something else where a slug stands."""

Slug = Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$(?!\n)", min_length=1, max_length=SLUG_MAX)]


class NewOrganisation(Body, frozen=True):
    """What an organisation is made with."""

    slug: Slug
    """Its name in addresses, which no other has."""
    name: Name | UnsetType = UNSET


class OrganisationChange(Body, frozen=True):
    """What can be changed; what is left out stays."""

    slug: Slug | UnsetType = UNSET
    name: Name | UnsetType = UNSET


class OrganisationView(View, frozen=True):
    """An organisation."""

    organisation_id: OrganisationId
    slug: str
    name: str
    rank: Rank | None
    """What the person who asks is there; null for others than people."""
    created_at: datetime
    updated_at: datetime


class OrganisationPage(View, frozen=True):
    """A page of organisations, newest first."""

    items: list[OrganisationView]
    next_cursor: str | None
    """For the next page; null on the last."""


@route(
    "POST",
    "/api/orgs",
    scope=Scope.ORGANISATIONS_CREATE,
    summary="Create an organisation",
    errors=(Code.CONFLICT, Code.LIMIT),
    idempotent=True,
    resource=new_organisation_id,
)
async def create_organisation(ctx: Context, body: NewOrganisation) -> Created[OrganisationView]:
    """A person who makes one owns it. An admin is no member of any: they invite the first owner."""
    _check_slug(body.slug)
    app, organisation = ctx.app, ctx.resource_id
    name = body.slug if body.name is UNSET else body.name
    row = await app.organisations.create(organisation, body.slug, name, ctx.principal.person, app.config.limits.organisations)
    principal = await app.organisations.ranked(ctx.principal)
    return Created(body=_view(principal, row), etag=_etag(principal, row), location=f"/api/orgs/{organisation}")


@route("GET", "/api/orgs", scope=Scope.ORGANISATIONS_READ, summary="List organisations, newest first")
async def list_organisations(ctx: Context, query: PageQuery) -> OrganisationPage:
    """Those that a person is a member of, the one that a key is of; an admin sees all."""
    found = await ctx.app.organisations.page(decode_moment(query.cursor), query.limit + 1, _reached(ctx.principal))
    rows, more = cut(found, lambda row: (row.created, row.id), query.limit)
    return OrganisationPage(items=[_view(ctx.principal, row) for row in rows], next_cursor=more)


@route("GET", "/api/orgs/{organisationId}", scope=Scope.ORGANISATIONS_READ, summary="Show an organisation")
async def get_organisation(ctx: Context) -> Answer[OrganisationView]:
    """The ETag changes with what is shown."""
    return _answer(ctx.principal, await ctx.app.organisations.get(ctx.param("organisationId")))


@route(
    "PATCH",
    "/api/orgs/{organisationId}",
    scope=Scope.ORGANISATIONS_WRITE,
    summary="Change an organisation's slug or name",
    errors=(HttpCode.PRECONDITION_FAILED, Code.CONFLICT),
)
async def change_organisation(ctx: Context, body: OrganisationChange) -> Answer[OrganisationView]:
    """What is left out stays as it is. With `If-Match`, only that version."""
    changes = {name: value for name in ("slug", "name") if (value := getattr(body, name)) is not UNSET}
    if "slug" in changes:
        _check_slug(changes["slug"])

    def check(row: Organisation) -> None:
        ctx.check_match(_etag(ctx.principal, row))

    return _answer(ctx.principal, await ctx.app.organisations.change(ctx.param("organisationId"), check, **changes))


@route(
    "DELETE",
    "/api/orgs/{organisationId}",
    scope=Scope.ORGANISATIONS_DELETE,
    summary="Delete an organisation that owns no workspace",
    errors=(Code.CONFLICT,),
)
async def delete_organisation(ctx: Context) -> None:
    """Its members, invitations, webhooks and keys end with it. What was deleted and can be restored is a workspace still."""
    app, organisation = ctx.app, ctx.param("organisationId")
    app.apikeys.revoked(await app.organisations.remove(organisation, lambda c: app.apikeys.revoke_all_of(organisation, c)))
    await app.webhooks.forget(organisation)


def _reached(principal: Principal) -> list[str] | None:
    """The ids of those that `principal` sees; None is all."""
    match principal.role:
        case Role.ADMIN:
            return None
        case Role.PERSON:
            return list(principal.ranks)
        case _:
            return [principal.organisation] if principal.organisation else []


def _check_slug(slug: str) -> None:
    if slug in RESERVED:
        raise invalid("this slug is reserved", pointer="/slug")


def _answer(principal: Principal, row: Organisation) -> Answer[OrganisationView]:
    return Answer(body=_view(principal, row), etag=_etag(principal, row))


def _etag(principal: Principal, row: Organisation) -> str:
    rank = principal.ranks.get(row.id)
    return f'"{row.version}{f"-{rank}" if rank else ""}"'


def _view(principal: Principal, row: Organisation) -> OrganisationView:
    return OrganisationView(
        organisation_id=row.id,
        slug=row.slug,
        name=row.name,
        rank=principal.ranks.get(row.id),
        created_at=moment(row.created),
        updated_at=moment(row.updated),
    )
