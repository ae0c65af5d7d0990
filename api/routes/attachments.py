"""Attachments of a session: files that prompts can name."""

import re
from datetime import datetime
from typing import Final

from aiohttp import web

from api.auth import Scope
from api.guests import PEER
from api.pages import PageQuery, page
from api.problems import HttpCode
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, Created, route
from api.schema import Query, View
from api.transfers import hand_out, take_in
from api.uploads import Upload
from api.views import told_moment
from shared.errors import Code, Fault
from shared.files import AttachmentInfo, AttachmentName
from shared.guestwire.files import AttachmentWritten, CreateAttachment
from shared.ids import AttachmentId, new_attachment_id

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_BASE: Final = "/api/workspaces/{workspaceId}/sessions/{sessionId}/attachments"


class NewAttachmentQuery(Query, frozen=True):
    """What an attachment is called."""

    name: AttachmentName = "attachment"


class AttachmentView(View, frozen=True):
    """A file that prompts can name."""

    attachment_id: AttachmentId
    name: str
    media_type: str
    size: int
    created_at: datetime


class AttachmentPage(View, frozen=True):
    """A page of attachments, oldest first."""

    items: list[AttachmentView]
    next_cursor: str | None


@route(
    "POST",
    _BASE,
    scope=Scope.FILES_WRITE,
    summary="Upload an attachment",
    errors=(*ROOM_ERRORS, Code.LIMIT, Code.CONFLICT),
    idempotent=True,
    resource=new_attachment_id,
    upload=lambda config: min(config.guest.file_max, config.guest.attachments),
)
async def create_attachment(ctx: Context, query: NewAttachmentQuery, upload: Upload) -> Created[AttachmentView]:
    """The body is its content, `Content-Type` its media type. It is kept as long as the session."""
    media_type = upload.media_type
    request = CreateAttachment(
        id=1,
        session=ctx.param("sessionId"),
        attachment=ctx.resource_id,
        name=query.name,
        media_type=media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream",
        size=upload.size,
    )
    _, stream = await ctx.app.guests.create_attachment(ctx.room, request)
    info = (await take_in(ctx, upload.pieces(), stream, AttachmentWritten)).attachment
    if info.attachment != ctx.resource_id:
        raise PEER.violation("another attachment than the one asked for")
    base = _BASE.format(workspaceId=ctx.room, sessionId=ctx.param("sessionId"))
    return Created(body=attachment_view(info), location=f"{base}/{info.attachment}")


@route("GET", _BASE, scope=Scope.FILES_READ, summary="List attachments, oldest first", errors=ROOM_ERRORS)
async def list_attachments(ctx: Context, query: PageQuery) -> AttachmentPage:
    """Those of one session."""
    found = await ctx.app.guests.list_attachments(ctx.room, ctx.param("sessionId"))
    views = [attachment_view(info) for info in found.items]
    items, after = page(views, lambda view: f"{view.created_at.isoformat()} {view.attachment_id}", query)
    return AttachmentPage(items=items, next_cursor=after)


@route(
    "GET",
    f"{_BASE}/{{attachmentId}}",
    scope=Scope.FILES_READ,
    summary="Download an attachment",
    errors=(*ROOM_ERRORS, Code.LIMIT, HttpCode.RANGE_NOT_SATISFIABLE),
    produces="application/octet-stream, text/plain",
)
async def read_attachment(ctx: Context) -> web.StreamResponse:
    """Its bytes, or the part that `Range` names."""
    session, attachment = ctx.param("sessionId"), ctx.param("attachmentId")
    known = (await ctx.app.guests.list_attachments(ctx.room, session)).items
    info = next((info for info in known if info.attachment == attachment), None)
    if info is None:
        raise Fault(Code.NOT_FOUND, "there is no such attachment")
    opened, stream = await ctx.app.guests.read_attachment(ctx.room, session, attachment)
    return await hand_out(ctx, opened, stream, name=info.name)


@route("DELETE", f"{_BASE}/{{attachmentId}}", scope=Scope.FILES_WRITE, summary="Delete an attachment", errors=ROOM_ERRORS)
async def delete_attachment(ctx: Context) -> None:
    """Prompts can no longer name it."""
    await ctx.app.guests.delete_attachment(ctx.room, ctx.param("sessionId"), ctx.param("attachmentId"))


def attachment_view(info: AttachmentInfo) -> AttachmentView:
    """What is shown of an attachment; GUEST_MISBEHAVED when its time is none."""
    return AttachmentView(
        attachment_id=info.attachment,
        name=info.name,
        media_type=info.media_type,
        size=info.size,
        created_at=told_moment(info.created),
    )
