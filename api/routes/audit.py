"""The audit log: what was done to a workspace, in an organisation, or at all, and by whom. Nobody changes it."""

from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Final

from aiohttp import web
from aiohttp_sse import EventSourceResponse
from msgspec import Meta

from api.auth import Scope
from api.pages import PageQuery, decode_cursor, encode_cursor
from api.problems import invalid
from api.routing import Context, route
from api.schema import View, encode
from api.streams import responses, sse
from api.streams.sse import DIGITS_MAX, LAST_EVENT_ID
from shared.errors import Code
from shared.hostwire import PAGE_MAX, AuditRecord

READS_MAX: Final = 8
"""Calls of hostd for one page: with a filter that lets little through a page may be short, or empty, and yet have a next."""
Word = Annotated[str, Meta(min_length=1, max_length=64)]


class AuditQuery(PageQuery, frozen=True):
    """Which records."""

    action: Word | None = None
    outcome: Word | None = None
    actor: Word | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditRecordView(View, frozen=True):
    """A record: something was done, or refused."""

    seq: int
    """Goes up over the whole log; those between are of others."""
    time: datetime
    """When it was written."""
    source: str
    """`api`, the uid that called hostd for what hostd did itself, or `hostd` for what it tells of the log."""
    action: str
    """The name of the operation, as in openapi.json, or of hostd's verb."""
    outcome: str
    """`ok`, or the code of the error."""
    workspace_id: str | None
    organisation_id: str | None
    target: str
    """The id of what it was about inside of it."""
    actor: str
    """Whom the credential stood for: an id, `admin` or `anonymous`; an operator's name after a colon."""
    credential: str
    """The id of the key or of the sign-in."""
    address: str
    request_id: str
    count: int
    """How many of the same kind it stands for: in a flood not each gets a record."""
    waited: int
    """Seconds that passed before it could be written."""


class AuditPageView(View, frozen=True):
    """Records, newest first."""

    items: list[AuditRecordView]
    next_cursor: str | None


_ERRORS: Final = (Code.UNAVAILABLE, Code.LIMIT)
_EVENTS: Final[dict[str, object]] = {"": AuditRecordView, "end": sse.EndView}


@route(
    "GET",
    "/api/workspaces/{workspaceId}/audit",
    scope=Scope.AUDIT_READ,
    summary="Read or follow what was done to a workspace",
    errors=_ERRORS,
    produces=sse.MEDIA_TYPE,
    events=_EVENTS,
)
async def list_workspace_audit(ctx: Context, query: AuditQuery) -> AuditPageView | web.StreamResponse:
    """Newest first; a page may have fewer records than `limit`, or none, and yet a `nextCursor`.

    With `Accept: text/event-stream` it is a stream of what is written from now on, or behind the record that `Last-Event-ID`
    names, oldest first, with each record's number as `id`. The filters hold there too, but for the times.
    """
    return await _answer(ctx, query, workspace=ctx.target.workspace)


@route(
    "GET",
    "/api/orgs/{organisationId}/audit",
    scope=Scope.AUDIT_READ,
    summary="Read or follow what was done in an organisation",
    errors=_ERRORS,
    produces=sse.MEDIA_TYPE,
    events=_EVENTS,
)
async def list_organisation_audit(ctx: Context, query: AuditQuery) -> AuditPageView | web.StreamResponse:
    """As that of a workspace, of all that was done in the organisation and to its workspaces while they were its own."""
    return await _answer(ctx, query, organisation=ctx.target.organisation)


@route(
    "GET",
    "/api/audit",
    scope=Scope.SERVER_READ,
    summary="Read or follow the whole audit log",
    errors=_ERRORS,
    produces=sse.MEDIA_TYPE,
    events=_EVENTS,
)
async def list_audit(ctx: Context, query: AuditQuery) -> AuditPageView | web.StreamResponse:
    """As that of a workspace, of everything."""
    return await _answer(ctx, query)


async def _answer(
    ctx: Context, query: AuditQuery, *, workspace: str | None = None, organisation: str | None = None
) -> AuditPageView | web.StreamResponse:
    if not sse.wanted(ctx.request):
        return await _page(ctx, query, workspace, organisation)
    after = _last_seen(ctx)

    async def produce(response: EventSourceResponse) -> None:
        with ctx.app.audit.watched():
            async with aclosing(ctx.app.audit.follow(after, workspace, organisation)) as records:
                async for record in records:
                    if _asked(record, query):
                        await sse.write(response, sse.block(encode(_view(record)), number=str(record.seq)))

    return await responses.stream(ctx, produce)


async def _page(ctx: Context, query: AuditQuery, workspace: str | None, organisation: str | None) -> AuditPageView:
    before, since, until = _cursor(query), _bound(query.since), _bound(query.until)
    items: list[AuditRecordView] = []
    for _ in range(READS_MAX):
        page = await ctx.app.hosts.read_audit(workspace=workspace, organisation=organisation, before=before, limit=PAGE_MAX)
        for record in page.items:
            time = datetime.fromisoformat(record.time)
            if since is not None and time < since:
                return AuditPageView(items=items, next_cursor=None)
            if (until is None or time < until) and _asked(record, query):
                items.append(_view(record))
                if len(items) == query.limit:
                    return AuditPageView(items=items, next_cursor=encode_cursor(str(record.seq)))
        before = page.next
        if before is None:
            return AuditPageView(items=items, next_cursor=None)
    return AuditPageView(items=items, next_cursor=encode_cursor(str(before)))


def _asked(record: AuditRecord, query: AuditQuery) -> bool:
    return (
        query.action in {None, record.action}
        and query.outcome in {None, record.outcome}
        and query.actor in {None, record.origin.actor}
    )


def _view(record: AuditRecord) -> AuditRecordView:
    return AuditRecordView(
        seq=record.seq,
        time=datetime.fromisoformat(record.time),
        source=record.source,
        action=record.action,
        outcome=record.outcome,
        workspace_id=record.workspace,
        organisation_id=record.organisation,
        target=record.target,
        actor=record.origin.actor,
        credential=record.origin.credential,
        address=record.origin.address,
        request_id=record.origin.request,
        count=record.count,
        waited=record.waited,
    )


def _bound(moment: datetime | None) -> datetime | None:
    """A time without a zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _cursor(query: AuditQuery) -> int | None:
    if query.cursor is None:
        return None
    number = decode_cursor(query.cursor)
    if not _is_number(number):
        raise invalid("not a cursor of this list", parameter="cursor")
    return int(number)


def _last_seen(ctx: Context) -> int | None:
    """What a browser sends when it connects again."""
    given = ctx.request.headers.get(LAST_EVENT_ID, "")
    if not given:
        return None
    if not _is_number(given):
        raise invalid("the number of a record is expected", header=LAST_EVENT_ID)
    return int(given)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
