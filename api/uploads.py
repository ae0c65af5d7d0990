"""A request's body that its handler takes as it comes, in pieces: it is never in memory as a whole."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from api.problems import HttpCode, Problem
from shared.errors import Code, Fault

PATIENCE: Final = 30.0
"""Seconds for the next piece."""
DEADLINE: Final = 3600.0
"""Seconds for all of it."""
PIECE_MAX: Final = 256 * 1024
"""Bytes."""
BROKEN: Final = (ConnectionError, ClientError, HttpProcessingError, web.RequestPayloadError)
"""How reading a body fails when it breaks off, or is not what its headers say."""


class Upload:
    """The body of one request, of at most `most` bytes."""

    def __init__(self, request: web.Request, most: int) -> None:
        """Raises Fault TOO_LARGE at once when the request says that it is longer."""
        self._request = request
        self._most = most
        self.size = request.content_length
        """What the request says; None when it does not."""
        self._check(self.size or 0)

    @property
    def media_type(self) -> str:
        """What the client says that it is."""
        return self._request.content_type.lower()

    def _check(self, size: int) -> None:
        if size > self._most:
            raise Fault(Code.TOO_LARGE, f"at most {self._most} bytes are accepted")

    async def pieces(self) -> AsyncIterator[bytes]:
        """Its bytes. Raises Fault TOO_LARGE, Problem REQUEST_TIMEOUT, BAD_REQUEST when the client goes before the end."""
        end = asyncio.get_running_loop().time() + DEADLINE
        size = 0
        while data := await self._next(end):
            size += len(data)
            self._check(size)
            for start in range(0, len(data), PIECE_MAX):
                yield data[start : start + PIECE_MAX]

    async def _next(self, end: float) -> bytes:
        seconds = min(PATIENCE, end - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(seconds):
                return await self._request.content.readany()
        except TimeoutError:
            raise Problem(HttpCode.REQUEST_TIMEOUT, "the body came too slowly") from None
        except BROKEN:
            raise Problem(Code.BAD_REQUEST, "the body broke off") from None
