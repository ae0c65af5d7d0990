"""Files on their way over a connection of their own: chunk by chunk, at the pace of whoever is slower."""

import asyncio
import codecs
import os
from collections.abc import Callable
from typing import Final

from guest.files.drafts import Draft
from guest.files.files import version
from shared.errors import Code, Fault
from shared.files import CHUNK_MAX
from shared.guestwire.files import Chunk, FileOpened, Sent, Take
from shared.link import Link

PATIENCE: Final = 60.0
"""Seconds for the next message, or for a chunk to be taken."""
_SNIFFED: Final = 8000


async def send(link: Link, request_id: int, fd: int) -> None:
    """Tell of the open file `fd`, then send what is asked for. Raises Fault UNAVAILABLE, TIMEOUT, FAILED when it shrinks."""
    found = os.fstat(fd)
    text = await asyncio.to_thread(_is_text, fd)
    await link.send(FileOpened(id=request_id, size=found.st_size, version=version(found), text=text))
    take = await _next(link)
    if take is None:
        return
    if not isinstance(take, Take):
        raise Fault(Code.BAD_REQUEST, "expected Take")
    at, end = take.offset, take.offset + take.length
    while at < end:
        data = await asyncio.to_thread(_read, fd, min(CHUNK_MAX, end - at), at)
        if not data:
            raise Fault(Code.FAILED, "the file has become shorter")
        try:
            async with asyncio.timeout(PATIENCE):
                await link.send(Chunk(data))
        except TimeoutError:
            link.close()  # half a frame is out: nothing can follow it
            return
        at += len(data)


def _read(fd: int, size: int, offset: int) -> bytes:
    try:
        return os.pread(fd, size, offset)
    except OSError as error:
        raise Fault(Code.FAILED, f"the file cannot be read: {error.strerror}") from error


def _is_text(fd: int) -> bool:
    """Whether its beginning is UTF-8 without a NUL."""
    data = _read(fd, _SNIFFED, 0)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


async def receive(link: Link, draft: Draft, allow: Callable[[int], None]) -> None:
    """Take chunks until `Sent`; `allow` is called with the number of all bytes before they are written, and may raise.

    Raises Fault UNAVAILABLE when the sender goes before, TIMEOUT when it is silent, FAILED as with a full disk.
    """
    size = 0
    while not isinstance(message := await _next(link), Sent):
        if message is None:
            raise Fault(Code.UNAVAILABLE, "the sender has gone")
        if not isinstance(message, Chunk):
            raise Fault(Code.BAD_REQUEST, "expected Chunk or Sent")
        size += len(message.data)
        allow(size)
        await asyncio.to_thread(draft.write, message.data)


async def _next(link: Link) -> object:
    try:
        async with asyncio.timeout(PATIENCE):
            return await link.receive()
    except TimeoutError:
        raise Fault(Code.TIMEOUT, f"nothing came for {PATIENCE:g} s") from None
