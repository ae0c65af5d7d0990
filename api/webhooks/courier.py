"""Sends deliveries: one connection each, to a checked address, with a deadline, and never further than there."""

import asyncio
import time
from typing import Final
from weakref import WeakValueDictionary

import aiohttp
from aiohttp import hdrs
from yarl import URL

from api.webhooks import signing
from api.webhooks.addresses import Allowed, Guard, Lookups, RefusedAddressError
from api.webhooks.deliveries import Delivery
from shared.secret import Secret

AT_ONCE: Final = 256
"""Deliveries of all webhooks that are under way at the same time."""
AT_ONCE_EACH: Final = 16
"""Those of one owner among them: receivers that hang are in nobody else's way."""
ERROR_MAX: Final = 300
USER_AGENT: Final = "hostel-webhooks"
_REASONS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...]] = (
    (aiohttp.InvalidURL, "its URL is not valid"),
    (aiohttp.ClientConnectorCertificateError, "the receiver's certificate is not valid"),
    (aiohttp.ClientSSLError, "no TLS with the receiver"),
    (aiohttp.ClientConnectorDNSError, "the name of the receiver cannot be looked up"),
    ((aiohttp.ClientConnectorError, ConnectionRefusedError), "the receiver cannot be reached"),
    ((aiohttp.ServerDisconnectedError, ConnectionError), "the receiver closed the connection"),
)
"""The first that fits."""


class Undelivered(Exception):  # noqa: N818  # it is an outcome, not an error of ours
    """No answer came; says why in words that may be shown."""


class Courier:
    """Takes deliveries to their receivers."""

    def __init__(self, allowed: Allowed, timeout: float) -> None:
        """`timeout`: seconds for each, from the lookup of the name to the head of the answer."""
        self._allowed = allowed
        self._timeout = timeout
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._own: WeakValueDictionary[str | None, asyncio.Semaphore] = WeakValueDictionary()
        """By the owner of the webhook."""
        self._lookups = Lookups()

    async def send(self, delivery: Delivery, url: URL, secrets: list[Secret], *, owner: str | None) -> int:
        """The status of the receiver's answer, whose body is not read. Raises Undelivered when there is none."""
        async with self._own.setdefault(owner, asyncio.Semaphore(AT_ONCE_EACH)), self._slots:
            headers = {
                hdrs.CONTENT_TYPE: "application/json",
                hdrs.USER_AGENT: USER_AGENT,
                **signing.headers(delivery.id, int(time.time()), delivery.body, secrets),
            }
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._post(url, delivery.body, headers, owner)
            except TimeoutError:
                raise Undelivered(f"no answer within {self._timeout:g} s") from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise Undelivered(_reason(error)[:ERROR_MAX]) from None

    async def close(self) -> None:
        """Look no names up any more."""
        self._lookups.close()

    async def _post(self, url: URL, body: bytes, headers: dict[str, str], owner: str | None) -> int:
        guard = Guard(url, self._allowed, self._lookups, owner)
        connector = aiohttp.TCPConnector(
            resolver=guard, socket_factory=guard.socket, use_dns_cache=False, force_close=True, happy_eyeballs_delay=None
        )
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as http,
            http.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status


def _reason(error: BaseException) -> str:
    """What may be shown: the answer of a receiver that speaks no HTTP is not, it may be from inside of a network."""
    known: BaseException | None = error
    while known is not None:
        if isinstance(known, RefusedAddressError):
            return str(known)
        known = known.__cause__ or known.__context__
    return next((text for kinds, text in _REASONS if isinstance(error, kinds)), "the receiver does not speak HTTP")
