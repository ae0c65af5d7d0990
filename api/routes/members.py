"""Members of an organisation, and the invitations by which people become members."""

import time
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from api.auth import Rank, Role, Scope, Target
from api.credentials.onetime import INVITATION_LIFETIME_MAX, Pending, Redeemed
from api.credentials.rights import maker
from api.pages import PageQuery, cut, decode_moment
from api.people.members import INVITATION, Member, add, check_rank
from api.people.standing import lasting
from api.routes.auth import SMALL
from api.routing import Context, Created, route
from api.schema import Body, View, moment
from shared.errors import Code, Fault
from shared.ids import InvitationId, OrganisationId, PersonId
from shared.secret import Secret

DEFAULT_LIFETIME: Final = 7 * 86_400
"""Seconds for which an invitation is good."""


class MemberChange(Body, frozen=True):
    """What can be changed of a membership."""

    rank: Rank


class MemberView(View, frozen=True):
    """A member."""

    person_id: PersonId
    name: str
    email: str | None
    rank: Rank
    joined_at: datetime


class MemberPage(View, frozen=True):
    """A page of members, those who came first first."""

    items: list[MemberView]
    next_cursor: str | None
    """For the next page; null on the last."""


class NewInvitation(Body, frozen=True):
    """What an invitation makes of whoever accepts it."""

    rank: Rank
    lifetime: Annotated[int, Meta(ge=60, le=INVITATION_LIFETIME_MAX)] = DEFAULT_LIFETIME
    """Seconds for which it is good."""


class InvitationView(View, frozen=True):
    """An invitation that nobody has accepted yet."""

    invitation_id: InvitationId
    organisation_id: OrganisationId
    rank: Rank
    created_at: datetime
    created_by: str
    expires_at: datetime


class NewInvitationView(InvitationView, frozen=True):
    """An invitation that was just made."""

    token: str
    """Shown this once. Whoever is signed in and sends it is a member."""


class InvitationPage(View, frozen=True):
    """A page of invitations, newest first."""

    items: list[InvitationView]
    next_cursor: str | None
    """For the next page; null on the last."""


class Acceptance(Body, frozen=True):
    """An invitation's token."""

    token: Secret


class MembershipView(View, frozen=True):
    """What a person is in an organisation."""

    organisation_id: OrganisationId
    person_id: PersonId
    rank: Rank


@route("GET", "/api/orgs/{organisationId}/members", scope=Scope.MEMBERS_READ, summary="List members, the first first")
async def list_members(ctx: Context, query: PageQuery) -> MemberPage:
    """Every member sees all others."""
    members = ctx.app.organisations.members
    found = await members.page(ctx.param("organisationId"), decode_moment(query.cursor), query.limit + 1)
    rows, more = cut(found, lambda row: (row.created, row.person), query.limit)
    return MemberPage(items=[_member_view(row) for row in rows], next_cursor=more)


@route(
    "PATCH",
    "/api/orgs/{organisationId}/members/{personId}",
    scope=Scope.MEMBERS_WRITE,
    summary="Change a member's rank",
    errors=(Code.FORBIDDEN, Code.CONFLICT),
)
async def change_member(ctx: Context, body: MemberChange) -> MemberView:
    """Only owners, and the host's admins, change what owners are and make owners. An organisation keeps an owner.

    What the member holds open is closed; the change counts from their next request on.
    """
    members = ctx.app.organisations.members
    return _member_view(await members.change(ctx.param("organisationId"), ctx.param("personId"), body.rank, ctx.principal))


@route(
    "DELETE",
    "/api/orgs/{organisationId}/members/{personId}",
    scope=Scope.MEMBERS_READ,
    summary="Remove a member, or leave",
    errors=(Code.FORBIDDEN, Code.CONFLICT),
)
async def remove_member(ctx: Context) -> None:
    """Everybody may leave but the last owner; to remove others needs the scope `members:write`, and owners are as in PATCH.

    What the member holds open is closed, and the invitations that they have made open nothing any more.
    """
    organisation, person = ctx.param("organisationId"), ctx.param("personId")
    if person != ctx.principal.person:
        ctx.demand(Scope.MEMBERS_WRITE, ctx.target)
    rank = await ctx.app.organisations.members.remove(organisation, person, ctx.principal)
    view = MembershipView(organisation_id=organisation, person_id=person, rank=rank)
    await ctx.app.webhooks.emit("member.removed", view, ctx.target)


@route(
    "POST",
    "/api/orgs/{organisationId}/invitations",
    scope=Scope.MEMBERS_WRITE,
    summary="Invite somebody",
    errors=(Code.FORBIDDEN,),
    limit="mint",
)
async def create_invitation(ctx: Context, body: NewInvitation) -> Created[NewInvitationView]:
    """The token is in this reply and never again. It is good once, for whoever is signed in and sends it.

    Nobody invites to more than they may do themselves. What a key has made ends with the key, at the latest.
    """
    app, organisation, by = ctx.app, ctx.param("organisationId"), ctx.principal
    check_rank(by, organisation, body.rank)
    lifetime = min(body.lifetime, by.expires - time.time()) if by.key else body.lifetime
    detail = {"rank": body.rank}
    made, token = await app.onetime.mint(INVITATION, organisation, detail, b"", lifetime, maker(by), check=lasting(ctx))
    row = await app.onetime.find(made, organisation)
    view = NewInvitationView(token=token.reveal(), **msgspec.structs.asdict(_invitation_view(row)))
    return Created(body=view, location=f"/api/orgs/{organisation}/invitations/{made}")


@route(
    "GET",
    "/api/orgs/{organisationId}/invitations",
    scope=Scope.MEMBERS_WRITE,
    summary="List invitations that are open, newest first",
)
async def list_invitations(ctx: Context, query: PageQuery) -> InvitationPage:
    """Without their tokens, which nobody can tell again."""
    page = await ctx.app.onetime.page(ctx.param("organisationId"), INVITATION, decode_moment(query.cursor), query.limit + 1)
    rows, more = cut(page, lambda row: (row.created, row.id), query.limit)
    return InvitationPage(items=[_invitation_view(row) for row in rows], next_cursor=more)


@route(
    "DELETE",
    "/api/orgs/{organisationId}/invitations/{invitationId}",
    scope=Scope.MEMBERS_WRITE,
    summary="Take an invitation back",
)
async def revoke_invitation(ctx: Context) -> None:
    """Its token opens nothing any more."""
    await ctx.app.onetime.revoke(ctx.param("invitationId"), ctx.param("organisationId"))


@route(
    "POST",
    "/api/orgs/invitations/accept",
    scope=Scope.SELF,
    summary="Become a member",
    errors=(Code.UNAUTHORIZED, Code.FORBIDDEN, Code.NOT_FOUND, Code.LIMIT),
    limit="redeem",
    body_max=SMALL,
)
async def accept_invitation(ctx: Context, body: Acceptance) -> MembershipView:
    """For people. Of any number of requests with a token one wins. Who has a higher rank already keeps it."""
    app, person = ctx.app, ctx.principal.person
    if ctx.principal.role is not Role.PERSON or person is None:
        raise Fault(Code.FORBIDDEN, "only a person who is signed in can be a member")

    def join(connection: Connection, redeemed: Redeemed) -> MembershipView:
        rank = add(connection, redeemed.owner, person, Rank(redeemed.detail["rank"]), app.config.limits.members)
        return MembershipView(organisation_id=redeemed.owner, person_id=person, rank=rank)

    view = await app.onetime.spend(body.token, INVITATION, ctx.principal.actor, join)
    app.organisations.members.joined(person)
    await app.webhooks.emit("member.added", view, Target(organisation=view.organisation_id))
    return view


def _member_view(row: Member) -> MemberView:
    return MemberView(person_id=row.person, name=row.name, email=row.email, rank=row.rank, joined_at=moment(row.created))


def _invitation_view(row: Pending) -> InvitationView:
    return InvitationView(
        invitation_id=row.id,
        organisation_id=row.owner,
        rank=Rank(row.detail["rank"]),
        created_at=moment(row.created),
        created_by=row.created_by,
        expires_at=moment(row.expires),
    )
