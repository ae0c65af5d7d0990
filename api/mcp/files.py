"""Tools for the text of files."""

import asyncio
import codecs
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from api.files import file_view
from api.guests import PEER
from api.mcp.tool import TEXT_MAX
from api.problems import HttpCode, Problem
from api.routes.files import Named, PlaceQuery
from api.routing import Context
from api.schema import View
from api.transfers import PATIENCE, take_in
from api.uploads import PIECE_MAX
from shared.errors import Code, Fault
from shared.guestwire.files import Chunk, FileWritten, ReadFile, Take, WriteFile

WRITE_MAX: Final = 512 * 1024
"""Characters: it must fit a request. What is longer is no text that an agent writes."""


class ReadArguments(PlaceQuery, frozen=True, kw_only=True):
    """Which part of which file."""

    path: Named
    offset: Annotated[int, Meta(ge=0, le=2**53, description="The first byte that is wanted.")] = 0
    length: Annotated[int, Meta(ge=1, le=TEXT_MAX, description="How many bytes at most.")] = 50_000


class WriteArguments(PlaceQuery, frozen=True, kw_only=True):
    """What to write where."""

    path: Named
    text: Annotated[str, Meta(max_length=WRITE_MAX, description="The whole new content.")]
    parents: Annotated[bool, Meta(description="Whether to make the folders above it.")] = False
    executable: bool | None = None
    etag: Annotated[str, Meta(max_length=70, description="Write only over this version, as read_file tells it.")] | None = None


class PartView(View, frozen=True):
    """What was read."""

    path: str
    size: int
    """Bytes of the whole file."""
    offset: int
    next_offset: int | None
    """Where the rest begins; null at the end."""
    etag: str


async def read_text(ctx: Context, arguments: ReadArguments) -> list[str]:
    """A part of a text file, and what part it is. Problem UNSUPPORTED_MEDIA_TYPE when it is not UTF-8."""
    request = ReadFile(id=1, session=ctx.param("sessionId"), worktree=arguments.worktree, path=arguments.path)
    opened, stream = await ctx.app.guests.read_file(ctx.room, request)
    with closing(stream):
        if not opened.text:
            raise _no_text(opened.size)
        length = max(0, min(arguments.length, opened.size - arguments.offset))
        data = bytearray()
        if length:
            await stream.send(Take(offset=arguments.offset, length=length))
        while len(data) < length:
            try:
                async with asyncio.timeout(PATIENCE):
                    message = await stream.receive()
            except TimeoutError:
                raise PEER.late(PATIENCE) from None
            if not isinstance(message, Chunk) or len(message.data) > length - len(data):
                raise PEER.violation("other bytes than those asked for")
            data += message.data
    end = arguments.offset + length
    text, kept = _decoded(bytes(data), last=end >= opened.size, size=opened.size)
    end -= len(data) - kept
    view = PartView(
        path=arguments.path,
        size=opened.size,
        offset=arguments.offset,
        next_offset=end if end < opened.size else None,
        etag=f'"{opened.version}"',
    )
    return [text, msgspec.json.encode(view).decode()]


def _decoded(data: bytes, *, last: bool, size: int) -> tuple[str, int]:
    """The text, and of how many bytes it is: a letter that is cut in two at the end is left for the next part."""
    # A part may begin in the middle of a letter, when its offset was made up.
    start = next((at for at in range(min(4, len(data))) if data[at] & 0xC0 != 0x80), 0)  # noqa: PLR2004  # UTF-8's own
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(data[start:], final=last)
    except UnicodeDecodeError:
        raise _no_text(size) from None
    return text, len(data) - len(decoder.getstate()[0])


def _no_text(size: int) -> Problem:
    return Problem(HttpCode.UNSUPPORTED_MEDIA_TYPE, f"the file is not text in UTF-8; it has {size} bytes")


async def write_text(ctx: Context, arguments: WriteArguments) -> list[str]:
    """Write a file, and show it."""
    try:
        data = arguments.text.encode()
    except UnicodeEncodeError:
        raise Fault(Code.BAD_REQUEST, "lone surrogates are not accepted") from None
    request = WriteFile(
        id=1,
        session=ctx.param("sessionId"),
        worktree=arguments.worktree,
        path=arguments.path,
        size=len(data),
        match=_version(arguments.etag),
        executable=arguments.executable,
        parents=arguments.parents,
    )
    _, stream = await ctx.app.guests.write_file(ctx.room, request)
    written = await take_in(ctx, _pieces(data), stream, FileWritten)
    return [msgspec.json.encode(file_view(written.file)).decode()]


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), PIECE_MAX):
        yield data[start : start + PIECE_MAX]


def _version(etag: str | None) -> str | None:
    if etag is None:
        return None
    version = etag.strip('"')
    if not version or version.strip("0123456789abcdef"):
        raise Problem(HttpCode.PRECONDITION_FAILED, "`etag` names no version that a file here can have")
    return version
