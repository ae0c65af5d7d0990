"""Webhooks of a workspace, of an organisation and of the host: the same requests in three places."""

import functools
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from api.auth import Scope, Target
from api.pages import PageQuery, cut, decode_moment
from api.problems import HttpCode, invalid
from api.routing import Answer, Context, Created, route
from api.schema import Body, View, moment
from api.webhooks import signing
from api.webhooks.deliveries import Delivery
from api.webhooks.events import INSIDE, Event, scopes_of
from api.webhooks.rows import Webhook
from shared.errors import Code
from shared.ids import DeliveryId, WebhookId, new_webhook_id

Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Events = Annotated[list[Event], Meta(min_length=1, max_length=len(Event))]
Handler = Callable[..., Awaitable[Any]]

_PLACES: Final = (
    ("workspace", "/api/workspaces/{workspaceId}/webhooks"),
    ("organisation", "/api/orgs/{organisationId}/webhooks"),
    ("host", "/api/webhooks"),
)


class NewWebhook(Body, frozen=True):
    """What is told to whom."""

    url: Url
    events: Events


class WebhookChange(Body, frozen=True):
    """What can be changed; what is left out stays."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class WebhookView(View, frozen=True):
    """A webhook."""

    webhook_id: WebhookId
    url: str
    events: list[Event]
    enabled: bool
    """False also after a receiver has answered 410."""
    created_at: datetime
    created_by: str
    updated_at: datetime


class NewWebhookView(WebhookView, frozen=True):
    """A webhook that was just made."""

    secret: str
    """What its deliveries are signed with. Shown this once."""


class WebhookList(View, frozen=True):
    """Webhooks, oldest first."""

    items: list[WebhookView]


class WebhookSecret(View, frozen=True):
    """A webhook's new secret."""

    webhook_id: WebhookId
    secret: str
    """Shown this once."""


class DeliveryView(View, frozen=True):
    """One event that was, or will be, told to one webhook."""

    delivery_id: DeliveryId
    """The header `webhook-id` of every attempt."""
    webhook_id: WebhookId
    event: str
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: datetime | None
    response_status: int | None
    error: str | None
    created_at: datetime
    ended_at: datetime | None


class DeliveryPage(View, frozen=True):
    """A page of deliveries, newest first."""

    items: list[DeliveryView]
    next_cursor: str | None
    """For the next page; null on the last."""


def everywhere(method: str, path: str, scope: Scope, summary: str, **options: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401  # those of `route`
    """Declare the decorated coroutine as a handler in each of the places, under a name of its own."""

    def declare(handler: Handler) -> Handler:
        for noun, base in _PLACES:

            async def place(ctx: Context, **arguments: Any) -> Any:  # noqa: ANN401  # those of the handler
                return await handler(ctx, **arguments)

            functools.update_wrapper(place, handler)
            place.__name__ = f"{handler.__name__}_of_{noun}"
            # The host's are an administrator's alone; others have the scope of webhooks for what is theirs.
            demanded = Scope.SERVER_WRITE if noun == "host" else scope
            text = f"{summary} of the {noun}"
            globals()[place.__name__] = route(method, base + path, scope=demanded, summary=text, **options)(place)
        return handler

    return declare


@everywhere(
    "POST",
    "",
    Scope.WEBHOOKS_WRITE,
    "Add a webhook",
    errors=(Code.LIMIT, Code.FORBIDDEN),
    idempotent=True,
    resource=new_webhook_id,
)
async def create_webhook(ctx: Context, body: NewWebhook) -> Created[NewWebhookView]:
    """Have events told by signed POST requests (Standard Webhooks). The secret is in this reply and never again.

    `*` follows every event. What happens inside of a workspace, its tasks and the messages of its channels, is told only to
    those who may read it, and not to the host's webhooks. A URL that leads to an address that is not public is refused.
    """
    _check_events(ctx, body.events)
    secret = signing.secret_of(ctx.seed)
    events = tuple(dict.fromkeys(body.events))
    by = ctx.principal.actor[:64]
    made = await ctx.app.webhooks.create(ctx.resource_id, _owner(ctx), body.url, events, secret=secret, by=by)
    location = f"{ctx.request.path}/{made.id}"
    return Created(body=NewWebhookView(**_fields(made), secret=secret.reveal()), etag=made.etag, location=location)


@everywhere("GET", "", Scope.WEBHOOKS_READ, "List the webhooks")
async def list_webhooks(ctx: Context) -> WebhookList:
    """Oldest first; there are never many."""
    return WebhookList(items=[_view(found) for found in ctx.app.webhooks.of(_owner(ctx))])


@everywhere("GET", "/{webhookId}", Scope.WEBHOOKS_READ, "Show a webhook")
async def get_webhook(ctx: Context) -> Answer[WebhookView]:
    """The ETag changes with what is shown."""
    found = _found(ctx)
    return Answer(body=_view(found), etag=found.etag)


@everywhere(
    "PATCH",
    "/{webhookId}",
    Scope.WEBHOOKS_WRITE,
    "Change a webhook",
    errors=(HttpCode.PRECONDITION_FAILED, Code.CONFLICT, Code.FORBIDDEN),
)
async def change_webhook(ctx: Context, body: WebhookChange) -> Answer[WebhookView]:
    """What is left out stays as it is. With `If-Match`, only that version is changed.

    What waits for a webhook that becomes disabled fails, and can be tried again.
    """
    found = _found(ctx)
    ctx.check_match(found.etag)
    events = found.events if body.events is UNSET else tuple(dict.fromkeys(body.events))
    _check_events(ctx, events)
    changes: dict[str, object] = {} if body.events is UNSET else {"events": events}
    if body.url is not UNSET:
        changes["url"] = body.url
    if body.enabled is not UNSET:
        changes["enabled"] = body.enabled
    if changes:
        found = await ctx.app.webhooks.change(found, **changes)
    return Answer(body=_view(found), etag=found.etag)


@everywhere("DELETE", "/{webhookId}", Scope.WEBHOOKS_WRITE, "Delete a webhook")
async def delete_webhook(ctx: Context) -> None:
    """Its deliveries go with it."""
    await ctx.app.webhooks.remove(_owner(ctx), ctx.param("webhookId"))


@everywhere(
    "POST",
    "/{webhookId}/secret/rotate",
    Scope.WEBHOOKS_WRITE,
    "Replace the secret of a webhook",
    errors=(Code.CONFLICT,),
    idempotent=True,
)
async def rotate_webhook_secret(ctx: Context) -> WebhookSecret:
    """The new secret is in this reply and never again. For a day deliveries are signed with both, each signature in turn."""
    secret = signing.secret_of(ctx.seed)
    found = await ctx.app.webhooks.rotate(_found(ctx), secret)
    return WebhookSecret(webhook_id=found.id, secret=secret.reveal())


@everywhere("POST", "/{webhookId}/test", Scope.WEBHOOKS_WRITE, "Test a webhook", errors=(Code.CONFLICT,), status=202)
async def test_webhook(ctx: Context) -> DeliveryView:
    """Sends an event `webhook.test`, like any other."""
    return _delivery(await ctx.app.webhooks.test(_owner(ctx), ctx.param("webhookId"), ctx.target))


@everywhere("GET", "/{webhookId}/deliveries", Scope.WEBHOOKS_READ, "List deliveries of a webhook")
async def list_deliveries(ctx: Context, query: PageQuery) -> DeliveryPage:
    """Newest first: what waits, what has arrived and what has failed, each with its last answer."""
    owner, webhook = _owner(ctx), ctx.param("webhookId")
    rows = await ctx.app.webhooks.page(owner, webhook, decode_moment(query.cursor), query.limit + 1)
    shown, more = cut(rows, lambda row: (row.created, row.id), query.limit)
    return DeliveryPage(items=[_delivery(row) for row in shown], next_cursor=more)


@everywhere(
    "POST",
    "/{webhookId}/deliveries/{deliveryId}/retry",
    Scope.WEBHOOKS_WRITE,
    "Repeat a delivery of a webhook",
    errors=(Code.CONFLICT,),
    status=202,
)
async def retry_delivery(ctx: Context) -> DeliveryView:
    """A delivery that has ended, well or not, is sent once more, with as many attempts as a new one."""
    return _delivery(await ctx.app.webhooks.retry(_owner(ctx), ctx.param("webhookId"), ctx.param("deliveryId")))


def _owner(ctx: Context) -> str | None:
    return ctx.params.get("workspaceId") or ctx.params.get("organisationId")


def _found(ctx: Context) -> Webhook:
    return ctx.app.webhooks.get(_owner(ctx), ctx.param("webhookId"))


def _check_events(ctx: Context, events: "list[Event] | tuple[Event, ...]") -> None:
    """Refuse what the caller may not read, and what the host's webhooks are not told."""
    if ctx.target == Target():
        inside = [event for event in events if event in INSIDE]
        if inside:
            raise invalid(f"`{inside[0]}` is from inside of a workspace: the host is not told", pointer="/events")
        return
    for scope in sorted(scopes_of(events)):
        ctx.demand(scope, ctx.target)


def _fields(found: Webhook) -> dict[str, Any]:
    return {
        "webhook_id": found.id,
        "url": found.url,
        "events": list(found.events),
        "enabled": found.enabled,
        "created_at": moment(found.created),
        "created_by": found.created_by,
        "updated_at": moment(found.updated),
    }


def _view(found: Webhook) -> WebhookView:
    return WebhookView(**_fields(found))


def _delivery(row: Delivery) -> DeliveryView:
    return DeliveryView(
        delivery_id=row.id,
        webhook_id=row.webhook,
        event=row.event,
        status=row.status,
        attempts=row.attempt,
        next_attempt_at=None if row.next is None else moment(row.next),
        response_status=row.response,
        error=row.error,
        created_at=moment(row.created),
        ended_at=None if row.ended is None else moment(row.ended),
    )
