"""Files of a session's clone, or of one of its worktrees. Paths are relative to it; what leads out of it is refused."""

import re
from contextlib import closing
from typing import Annotated, Final
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Meta

from api.auth import Scope
from api.files import FileNamesView, FilePage, FileView, Matches, MatchView, file_view
from api.pages import decode_cursor, encode_cursor
from api.problems import HttpCode, Problem, invalid
from api.routes.sessions import ROOM_ERRORS
from api.routing import Answer, Context, Created, route
from api.schema import Body, Query
from api.transfers import hand_out, outcome_of, take_in
from api.uploads import Upload
from shared.errors import Code
from shared.files import DEPTH_MAX, FILES_MAX, MATCHES_MAX, NAMES_MAX, PATTERN_MAX, TYPED_MAX, FileInfo, FilePath
from shared.guestwire.files import (
    FileWritten,
    Found,
    GetFile,
    ListFileNames,
    ListFiles,
    MakeFolder,
    MoveFile,
    ReadFile,
    RemoveFile,
    SearchFiles,
    WriteFile,
)
from shared.ids import WorktreeId

SEARCH_SECONDS: Final = 60.0
_CURSOR_MAX: Final = 24_000
_ETAG: Final = re.compile(r'"([0-9a-f]{1,64})"')
_BASE: Final = "/api/workspaces/{workspaceId}/sessions/{sessionId}/files"

Named = Annotated[FilePath, Meta(min_length=1)]


class PlaceQuery(Query, frozen=True):
    """Where: in the clone, or in a worktree."""

    worktree: WorktreeId | None = None


class FileQuery(PlaceQuery, frozen=True, kw_only=True):
    """Which file."""

    path: Named


class TreeQuery(PlaceQuery, frozen=True):
    """Which part of a tree."""

    path: FilePath = ""
    """The folder; without it, the top."""
    depth: Annotated[int, Meta(ge=1, le=DEPTH_MAX)] = 1
    git: bool = False
    """Whether `.git` is shown."""
    limit: Annotated[int, Meta(ge=1, le=FILES_MAX)] = 100
    cursor: Annotated[str, Meta(min_length=1, max_length=_CURSOR_MAX)] | None = None
    """`nextCursor` of the page before."""


class DeleteQuery(FileQuery, frozen=True):
    """What to delete."""

    recursive: bool = False
    """Also a folder that is not empty."""


class WriteQuery(FileQuery, frozen=True):
    """What to write, and how."""

    executable: bool | None = None
    """Without it the file stays as it is, and a new one is not."""
    parents: bool = False
    """Whether to make the folders above it."""


class SearchQuery(PlaceQuery, frozen=True, kw_only=True):
    """What to look for, and where."""

    q: Annotated[str, Meta(min_length=1, max_length=PATTERN_MAX, pattern=r"^[^\x00\r\n]+$")]
    path: FilePath = ""
    """A folder; without it, the top."""
    glob: Annotated[str, Meta(min_length=1, max_length=PATTERN_MAX, pattern=r"^[^\x00]+$")] | None = None
    """Of the files' names, or of their paths when it has a `/`: `*.py`, `src/**/*.ts`."""
    regex: bool = False
    """Whether `q` is a regular expression, in Python's notation."""
    ignore_case: bool = False
    words: bool = False
    ignored: bool = False
    """Whether to search what git ignores too."""
    limit: Annotated[int, Meta(ge=1, le=MATCHES_MAX)] = 200


class NamesQuery(PlaceQuery, frozen=True):
    """What somebody types of a file's name."""

    q: Annotated[str, Meta(max_length=TYPED_MAX)] = ""
    """Letters of the path in their order, whatever their case; without any, every file matches."""
    limit: Annotated[int, Meta(ge=1, le=NAMES_MAX)] = 50


class NewFolder(Body, frozen=True):
    """A folder to make."""

    path: Named
    parents: bool = False
    """Whether to make the folders above it."""


class Move(Body, frozen=True):
    """A file, folder or link, and its new path."""

    path: Named
    to: Named
    overwrite: bool = False


@route("GET", _BASE, scope=Scope.FILES_READ, summary="List files", errors=(*ROOM_ERRORS, Code.TOO_LARGE))
async def list_files(ctx: Context, query: TreeQuery) -> FilePage:
    """A folder, and the folders in it down to `depth` levels. Links are shown as links, and not followed."""
    request = ListFiles(
        session=ctx.param("sessionId"),
        worktree=query.worktree,
        path=query.path,
        depth=query.depth,
        limit=query.limit,
        after=_after(query.cursor),
        git=query.git,
    )
    found = await ctx.app.guests.list_files(ctx.room, request)
    after = encode_cursor(found.items[-1].path) if found.more and found.items else None
    return FilePage(items=[file_view(info) for info in found.items], next_cursor=after)


def _after(cursor: str | None) -> str:
    path = decode_cursor(cursor) if cursor else ""
    if "\0" in path:
        raise invalid("not a cursor of this list", parameter="cursor")
    return path


@route("GET", f"{_BASE}/info", scope=Scope.FILES_READ, summary="Show a file, folder or link", errors=ROOM_ERRORS)
async def get_file(ctx: Context, query: FileQuery) -> Answer[FileView]:
    """Without its content."""
    request = GetFile(session=ctx.param("sessionId"), worktree=query.worktree, path=query.path)
    view = file_view(await ctx.app.guests.get_file(ctx.room, request))
    return Answer(body=view, etag=view.etag)


@route(
    "GET",
    f"{_BASE}/content",
    scope=Scope.FILES_READ,
    summary="Read a file",
    errors=(*ROOM_ERRORS, Code.LIMIT, HttpCode.RANGE_NOT_SATISFIABLE),
    produces="application/octet-stream, text/plain",
)
async def read_file(ctx: Context, query: FileQuery) -> web.StreamResponse:
    """Its bytes, or the part that `Range` names, as a download."""
    request = ReadFile(id=1, session=ctx.param("sessionId"), worktree=query.worktree, path=query.path)
    opened, stream = await ctx.app.guests.read_file(ctx.room, request)
    return await hand_out(ctx, opened, stream, name=query.path.rpartition("/")[2])


@route(
    "PUT",
    f"{_BASE}/content",
    scope=Scope.FILES_WRITE,
    summary="Write a file",
    errors=(*ROOM_ERRORS, HttpCode.PRECONDITION_FAILED, Code.LIMIT),
    upload=lambda config: config.guest.file_max,
)
async def write_file(ctx: Context, query: WriteQuery, upload: Upload) -> Answer[FileView]:
    """The body is its new content. What was there stays until all of it has come.

    `If-Match` writes only over that version, `If-None-Match: *` only where nothing is.
    """
    match, absent = _conditions(ctx.request)
    request = WriteFile(
        id=1,
        session=ctx.param("sessionId"),
        worktree=query.worktree,
        path=query.path,
        size=upload.size,
        match=match,
        absent=absent,
        executable=query.executable,
        parents=query.parents,
    )
    _, stream = await ctx.app.guests.write_file(ctx.room, request)
    written = await take_in(ctx, upload.pieces(), stream, FileWritten)
    view = file_view(written.file)
    return Answer(body=view, etag=view.etag, new=written.created)


def _conditions(request: web.Request) -> tuple[str | None, bool]:
    """The version that must be there, and whether nothing may be there."""
    given, absent = (",".join(request.headers.getall(name, [])).strip() for name in ("If-Match", "If-None-Match"))
    if absent not in ("", "*"):
        raise invalid("only `*` is of use for writing", header="If-None-Match")
    if given in ("", "*"):
        return given or None, bool(absent)
    if "," in given:
        raise invalid("one version can be named", header="If-Match")
    match = _ETAG.fullmatch(given)
    if match is None:
        raise Problem(HttpCode.PRECONDITION_FAILED, "`If-Match` names no version that a file here can have")
    return match[1], bool(absent)


@route(
    "POST",
    f"{_BASE}/folders",
    scope=Scope.FILES_WRITE,
    summary="Make a folder",
    errors=ROOM_ERRORS,
)
async def make_folder(ctx: Context, body: NewFolder, query: PlaceQuery) -> Created[FileView]:
    """409 when there is something of that name."""
    request = MakeFolder(session=ctx.param("sessionId"), worktree=query.worktree, path=body.path, parents=body.parents)
    return _placed(ctx, await ctx.app.guests.make_folder(ctx.room, request), query.worktree)


@route("POST", f"{_BASE}/move", scope=Scope.FILES_WRITE, summary="Rename or move a file, folder or link", errors=ROOM_ERRORS)
async def move_file(ctx: Context, body: Move, query: PlaceQuery) -> FileView:
    """409 when something is there already, unless `overwrite`."""
    request = MoveFile(
        session=ctx.param("sessionId"), worktree=query.worktree, path=body.path, to=body.to, overwrite=body.overwrite
    )
    return file_view(await ctx.app.guests.move_file(ctx.room, request))


@route("DELETE", _BASE, scope=Scope.FILES_WRITE, summary="Delete a file, folder or link", errors=ROOM_ERRORS)
async def remove_file(ctx: Context, query: DeleteQuery) -> None:
    """A link goes, not what it leads to."""
    request = RemoveFile(session=ctx.param("sessionId"), worktree=query.worktree, path=query.path, recursive=query.recursive)
    await ctx.app.guests.remove_file(ctx.room, request)


@route("GET", f"{_BASE}/search", scope=Scope.FILES_READ, summary="Search in files", errors=ROOM_ERRORS)
async def search_files(ctx: Context, query: SearchQuery) -> Matches:
    """Lines of text files of at most 16 MiB. What git ignores is left out, what it does not track yet is not."""
    request = SearchFiles(
        id=1,
        session=ctx.param("sessionId"),
        worktree=query.worktree,
        text=query.q,
        path=query.path,
        glob=query.glob,
        regex=query.regex,
        ignore_case=query.ignore_case,
        words=query.words,
        ignored=query.ignored,
        limit=query.limit,
    )
    _, stream = await ctx.app.guests.search_files(ctx.room, request)
    with closing(stream):
        found = await outcome_of(ctx, stream, Found, SEARCH_SECONDS)
    items = [MatchView(path=match.path, line=match.line, column=match.column, text=match.text) for match in found.items]
    return Matches(items=items, truncated=found.truncated)


@route("GET", f"{_BASE}/names", scope=Scope.FILES_READ, summary="Find files by their names", errors=ROOM_ERRORS)
async def list_file_names(ctx: Context, query: NamesQuery) -> FileNamesView:
    """The best first: whose name begins with `q`, whose name has it, whose path has it, whose path has its letters in order."""
    request = ListFileNames(session=ctx.param("sessionId"), worktree=query.worktree, text=query.q, limit=query.limit)
    found = await ctx.app.guests.list_file_names(ctx.room, request)
    return FileNamesView(items=found.items, truncated=found.truncated)


def _placed(ctx: Context, info: FileInfo, worktree: str | None) -> Created[FileView]:
    base = _BASE.format(workspaceId=ctx.room, sessionId=ctx.param("sessionId"))
    query = {"path": info.path} | ({"worktree": worktree} if worktree else {})
    return Created(body=file_view(info), location=f"{base}/info?{urlencode(query)}")
