"""Transcripts: what agents left in the workspace's home of their work, also of what was begun by hand in a terminal."""

from typing import Annotated, Final, Literal

from aiohttp import hdrs, web
from msgspec import Meta

from api.auth import Scope
from api.pages import CURSOR_MAX, decode_cursor, encode_cursor
from api.problems import invalid
from api.rendering import HTML_POLICY, Html, Markdown, Renderer
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, route
from api.schema import Query, View
from api.streams import sse
from api.transcripts import EntryView, TranscriptView, entry_view, transcript_view
from api.transfers import send_whole
from shared.errors import Code
from shared.guestwire.transcripts import TranscriptPage
from shared.ids import AgentName, SessionId
from shared.transcripts import ENTRIES_MAX, LIST_MAX, PAGE_MAX, WANTED_MAX

_MARK_MAX: Final = 100
"""Characters of the place in the list that a cursor stands for."""

Format = Literal["json", "markdown", "html"]


class TranscriptsQuery(Query, frozen=True):
    """Which transcripts."""

    agent: AgentName | None = None
    session: SessionId | None = None
    """Those whose agent worked in this session's folder."""
    q: Annotated[str, Meta(min_length=1, max_length=WANTED_MAX)] | None = None
    """Those that have this text, whatever its case: in what was said or thought, or in what a tool was given or answered."""
    limit: Annotated[int, Meta(ge=1, le=LIST_MAX)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=CURSOR_MAX)] | None = None
    """`nextCursor` of the page before."""


class TranscriptQuery(Query, frozen=True):
    """Which entries, and how they are told."""

    after: Annotated[int, Meta(ge=0, le=ENTRIES_MAX)] = 0
    """The number of the last entry that the client has; for JSON alone."""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100
    """Entries of one page; for JSON alone."""
    format: Format | None = None
    """Without it the header `Accept` decides, and JSON is what else there is."""


class TranscriptsPage(View, frozen=True):
    """A page of transcripts, newest first."""

    items: list[TranscriptView]
    next_cursor: str | None
    indexing: bool
    """Whether the home is still being looked through: there may be more."""


class TranscriptDetail(View, frozen=True):
    """A transcript and a page of its entries."""

    transcript: TranscriptView
    items: list[EntryView]
    next_after: int | None
    """The `after` of the following page; null at the end."""
    complete: bool
    """False when it has more entries than can be read; those beyond are missing."""


@route(
    "GET",
    "/api/workspaces/{workspaceId}/transcripts",
    scope=Scope.TRANSCRIPTS_READ,
    summary="List transcripts, newest first",
    errors=ROOM_ERRORS,
)
async def list_transcripts(ctx: Context, query: TranscriptsQuery) -> TranscriptsPage:
    """Those of Claude Code, Codex, Gemini CLI and OpenCode, in the order of their beginning.

    With `q` a page may be short, even empty, and yet have a `nextCursor`: looking for a text takes time.
    """
    after = None if query.cursor is None else decode_cursor(query.cursor)
    if after is not None and not 0 < len(after) <= _MARK_MAX:
        raise invalid("not a cursor of this list", parameter="cursor")
    found = await ctx.app.guests.list_transcripts(
        ctx.room, agent=query.agent, session=query.session, text=query.q, after=after, limit=query.limit
    )
    return TranscriptsPage(
        items=[transcript_view(ctx.room, info) for info in found.items],
        next_cursor=None if found.next is None else encode_cursor(found.next),
        indexing=found.indexing,
    )


@route(
    "GET",
    "/api/workspaces/{workspaceId}/transcripts/{transcriptId}",
    scope=Scope.TRANSCRIPTS_READ,
    summary="Read a transcript",
    errors=(*ROOM_ERRORS, Code.LIMIT),
    produces="text/markdown, text/html",
)
async def get_transcript(ctx: Context, query: TranscriptQuery) -> TranscriptDetail | web.StreamResponse:
    """As JSON a page of its entries, perhaps fewer than `limit`; as Markdown or HTML all of it, as a download."""
    match query.format or _accepted(ctx.request):
        case "markdown":
            return await _download(ctx, Markdown())
        case "html":
            return await _download(ctx, Html())
        case _:
            page = await _page(ctx, query.after, query.limit)
    return TranscriptDetail(
        transcript=transcript_view(ctx.room, page.transcript),
        items=[entry_view(entry) for entry in page.entries],
        next_after=page.next,
        complete=page.complete,
    )


async def _page(ctx: Context, after: int, limit: int) -> TranscriptPage:
    return await ctx.app.guests.get_transcript(ctx.room, ctx.param("transcriptId"), after, limit)


def _accepted(request: web.Request) -> Format:
    accepted = ", ".join(request.headers.getall(hdrs.ACCEPT, [])).lower()
    if "json" not in accepted:
        if "text/markdown" in accepted:
            return "markdown"
        if "text/html" in accepted:
            return "html"
    return "json"


async def _download(ctx: Context, renderer: Renderer) -> web.StreamResponse:
    """The whole document, a page at a time; it waits while the client does not read, and ends with the client's token."""
    page = await _page(ctx, 0, PAGE_MAX)
    head = "".join(renderer.head(page.transcript))
    name = f"{ctx.param('transcriptId')}.{renderer.suffix}"
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: f"{renderer.media_type}; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
            hdrs.CONTENT_SECURITY_POLICY: HTML_POLICY,
        }
    )

    async def write() -> None:
        if ctx.request.method == hdrs.METH_HEAD:  # aiohttp would send what is written
            await response.write_eof()
            return
        await sse.write(response, head.encode())
        following = page
        while True:
            for entry in following.entries:
                await sse.write(response, "".join(renderer.entry(entry)).encode())
            if following.next is None:
                break
            following = await _page(ctx, following.next, PAGE_MAX)
        await sse.write(response, "".join(renderer.foot(complete=following.complete)).encode())
        await response.write_eof()

    await send_whole(ctx, response, write)
    return response
