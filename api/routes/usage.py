"""What agents use up, and what a workspace may spend."""

import hashlib
from datetime import UTC, date, datetime
from typing import Annotated

from msgspec import Meta

from api.auth import Scope
from api.problems import HttpCode, invalid
from api.routes.sessions import ROOM_ERRORS
from api.routing import Answer, Context, route
from api.schema import Body, Query, View, encode
from api.turns import UsageRowView, usage_rows
from api.views import dollars
from api.workspaces import Workspace
from shared.errors import Code
from shared.ids import SessionId

DOLLARS_MAX = 1_000_000_000


Dollars = Annotated[float, Meta(ge=0, le=DOLLARS_MAX)]


class UsageQuery(Query, frozen=True):
    """Which days (UTC, both included) and which session."""

    since: date | None = None
    """By default the first day of this month."""
    until: date | None = None
    """By default today."""
    session: SessionId | None = None


class BudgetView(View, frozen=True):
    """US dollars by UTC calendar; null is no limit."""

    day: float | None
    month: float | None


class UsageTotal(View, frozen=True):
    """All rows together."""

    turns: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    cost: float
    unpriced: int


class UsageReport(View, frozen=True):
    """What was used, by day, session, agent and model."""

    since: date
    until: date
    items: list[UsageRowView]
    total: UsageTotal
    today: float
    """US dollars spent today, in all sessions."""
    month: float
    """US dollars spent this month, in all sessions."""
    budget: BudgetView


class NewBudget(Body, frozen=True):
    """US dollars by UTC calendar. What is null or left out is no limit."""

    day: Dollars | None = None
    month: Dollars | None = None


class NewLimits(Body, frozen=True):
    """All limits of a workspace."""

    budget: NewBudget


class LimitsView(View, frozen=True):
    """What a workspace may use."""

    budget: BudgetView


@route(
    "GET",
    "/api/workspaces/{workspaceId}/usage",
    scope=Scope.USAGE_READ,
    summary="Show what was used",
    errors=(*ROOM_ERRORS, Code.TOO_LARGE),
)
async def get_usage(ctx: Context, query: UsageQuery) -> UsageReport:
    """Tokens and US dollars. The cost of a turn whose model has no known price is not 0 but missing: see `unpriced`."""
    today = datetime.now(UTC).date()
    since, until = query.since or (query.until or today).replace(day=1), query.until or today
    if since > until:
        raise invalid("`since` is after `until`", parameter="since")
    found = await ctx.app.guests.get_usage(ctx.room, since.isoformat(), until.isoformat(), query.session)
    rows = usage_rows(found)
    total = {name: sum(getattr(row, name) for row in rows) for name in UsageTotal.__struct_fields__}
    return UsageReport(
        since=since,
        until=until,
        items=rows,
        total=UsageTotal(**total | {"cost": dollars(total["cost"])}),
        today=dollars(found.today),
        month=dollars(found.month),
        budget=_budget(await ctx.app.workspaces.get(ctx.room)),
    )


@route("GET", "/api/workspaces/{workspaceId}/limits", scope=Scope.LIMITS_READ, summary="Show a workspace's limits")
async def get_limits(ctx: Context) -> Answer[LimitsView]:
    """What it may spend. A new turn is refused with 402 `budget` once that is used up; one that runs goes on."""
    return _answer(await ctx.app.workspaces.get(ctx.room))


@route(
    "PUT",
    "/api/workspaces/{workspaceId}/limits",
    scope=Scope.LIMITS_WRITE,
    summary="Set a workspace's limits",
    errors=(HttpCode.PRECONDITION_FAILED,),
)
async def set_limits(ctx: Context, body: NewLimits) -> Answer[LimitsView]:
    """Replaces all of them. With `If-Match`, only while they are as the client saw them."""
    workspaces = ctx.app.workspaces
    async with workspaces.lock(ctx.room):
        ctx.check_match(_etag(_budget(await workspaces.get(ctx.room))))
        return _answer(await workspaces.limit(ctx.room, body.budget.day, body.budget.month))


def _budget(row: Workspace) -> BudgetView:
    return BudgetView(day=row.budget_day, month=row.budget_month)


def _etag(budget: BudgetView) -> str:
    return f'"{hashlib.sha256(encode(budget)).hexdigest()[:32]}"'


def _answer(row: Workspace) -> Answer[LimitsView]:
    budget = _budget(row)
    return Answer(body=LimitsView(budget=budget), etag=_etag(budget))
