"""The HTTP API of a product that makes things for us: JSON both ways, bounded in time and size, and never redirected."""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from shared.errors import Code, Fault
from shared.secret import Secret

ANSWER_MAX: Final = 1024 * 1024
"""Bytes."""
TOKEN_MAX: Final = 4096
_SAID_MAX: Final = 200
_UNFIT: Final = re.compile(r"[^\x20-\x7e]+")
_TOKEN: Final = re.compile(r"[!-~]+")

T = TypeVar("T")


class _Said(msgspec.Struct):
    """The words in which these products refuse."""

    message: str = ""


class Remote:
    """One server."""

    def __init__(self, name: str, url: str, token_file: str, timeout: float, scheme: str = "Bearer") -> None:
        """`name`: how messages call it. `url`: what all paths follow. The token is read anew for every request.

        `scheme`: what precedes the token in the Authorization header.
        """
        self._name = name
        self._scheme = scheme
        self._url = url.rstrip("/")
        self._token_file = Path(token_file)
        self._timeout = timeout

    async def ask(
        self,
        method: str,
        path: tuple[str, ...],
        body: object = None,
        *,
        good: tuple[int, ...],
        reply: type[T],
        login: tuple[str, Secret] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> tuple[int, T | None]:
        """The status, one of `good`, and the answer if it is a success with a body.

        `path`: its parts, which are quoted. `login`: a name and a password instead of the token. Raises Fault UNAVAILABLE,
        TIMEOUT or BUSY for what may go well later, FAILED for what will not.
        """
        url = "/".join((self._url, *(quote(part, safe="") for part in path)))
        # `identity`: what is compressed could be without end.
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Authorization": self._authorization(login),
        }
        try:
            async with (
                asyncio.timeout(self._timeout),
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as http,
                http.request(method, url, json=body, headers=headers, params=query, allow_redirects=False) as answer,
            ):
                raw = await self._read(answer)
                status = answer.status
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"{self._name} did not answer within {self._timeout:g} s") from None
        except (aiohttp.ClientError, OSError):
            raise Fault(Code.UNAVAILABLE, f"{self._name} cannot be reached") from None
        if status not in good:
            raise self._refusal(method, path, status, raw)
        success = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        return status, self._decode(raw, reply) if success and reply is not type(None) else None

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > ANSWER_MAX:
                raise Fault(Code.FAILED, f"{self._name} answered with more than {ANSWER_MAX} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    def _decode(self, raw: bytes, reply: type[T]) -> T:
        try:
            return msgspec.json.decode(raw, type=reply)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise Fault(Code.FAILED, f"{self._name} answered with what its API does not answer with") from None

    def _refusal(self, method: str, path: tuple[str, ...], status: int, raw: bytes) -> Fault:
        match status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                return Fault(Code.FAILED, f"{self._name} does not accept the token, or it may not {method} {path[0]}")
            case HTTPStatus.TOO_MANY_REQUESTS:
                return Fault(Code.BUSY, f"{self._name} wants fewer requests")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Fault(Code.UNAVAILABLE, f"{self._name} answered {status}")
        return Fault(Code.FAILED, f"{self._name} answered {status} to {method} {path[0]}{_said(raw)}")

    def _authorization(self, login: tuple[str, Secret] | None) -> str:
        if login is not None:
            return aiohttp.encode_basic_auth(login[0], login[1].reveal())
        try:
            with self._token_file.open("rb") as file:
                token = file.read(TOKEN_MAX + 1).decode("ascii").strip()
        except (OSError, ValueError):
            raise Fault(Code.FAILED, f"the token file of {self._name} cannot be read") from None
        if not _TOKEN.fullmatch(token) or len(token) > TOKEN_MAX:
            raise Fault(Code.FAILED, f"the token file of {self._name} holds no token")
        return f"{self._scheme} {token}"


def _said(raw: bytes) -> str:
    """Its own words, made harmless."""
    try:
        message = msgspec.json.decode(raw, type=_Said).message
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
    return f": {_UNFIT.sub(' ', message)[:_SAID_MAX]}" if message else ""
