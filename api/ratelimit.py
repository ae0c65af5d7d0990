"""Rate limits in the notation of the `limits` library, over windows that a flood of new keys cannot grow.

Each limit is a fixed window that begins with a key's first request. A key is a principal, or a client's address: an IPv6 client
counts as its /64, since that is what one host has.
"""

import ipaddress
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aiohttp import web
from limits import RateLimitItem, parse

from api.problems import HttpCode, Problem
from shared.config import ConfigError
from shared.settings import RateLimits

KEYS_MAX: Final = 20_000
"""Windows that are kept."""
OVERFLOW: Final = "overflow"
"""The one window of all keys that come while KEYS_MAX others are open."""
_V6_HOST: Final = 64


@dataclass(frozen=True, slots=True)
class Window:
    """How far one key is into one limit."""

    limit: int
    remaining: int
    reset: float
    """When it begins anew, in seconds since the epoch."""

    def headers(self) -> dict[str, str]:
        """`RateLimit-*`, as draft-ietf-httpapi-ratelimit-headers-06 says."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.remaining)),
            "RateLimit-Reset": str(max(0, math.ceil(self.reset - time.time()))),
        }


class Windows:
    """The windows of one limit, in memory: no thread, no scan in the common case, and never more than KEYS_MAX.

    It stands where a storage and a strategy of `limits` would: those cost a fifth of an authenticated read, and theirs in
    memory has no bound.
    """

    def __init__(self, item: RateLimitItem) -> None:
        """None is open."""
        self._limit = item.amount
        self._seconds = item.get_expiry()
        self._windows: dict[str, tuple[int, float]] = {}
        self._swept = 0.0

    def hit(self, key: str) -> Window:
        """Count one request of `key`; `remaining` is negative when that is one too many."""
        now = time.time()
        found = self._windows.get(key)
        if found is None and not self._room(now):
            key = OVERFLOW
            found = self._windows.get(key)
        count, end = found or (0, 0.0)
        if not now < end <= now + self._seconds:  # it is over, or the clock was set back
            count, end = 0, now + self._seconds
        self._windows[key] = (count + 1, end)
        return Window(self._limit, self._limit - count - 1, end)

    def forgive(self, key: str) -> None:
        """Take the last request of `key` back."""
        count, end = self._windows.get(key, (0, 0.0))
        if count:
            self._windows[key] = (count - 1, end)

    def at(self, key: str) -> Window:
        """How far the key is, without counting anything."""
        count, end = self._windows.get(key, (0, 0.0))
        now = time.time()
        return Window(self._limit, self._limit - (count if now < end <= now + self._seconds else 0), end)

    def _room(self, now: float) -> bool:
        # One scan a second at most, whatever a flood does.
        if len(self._windows) >= KEYS_MAX and now >= self._swept + 1:
            self._swept = now
            self._windows = {key: window for key, window in self._windows.items() if window[1] > now}
        return len(self._windows) < KEYS_MAX


class RateLimiter:
    """The configured limits."""

    def __init__(self, config: RateLimits) -> None:
        """Raises ConfigError for a limit that cannot be read."""
        self._limits: dict[str, Windows] = {}
        for name in config.__struct_fields__:
            try:
                self._limits[name] = Windows(parse(getattr(config, name)))
            except ValueError as error:
                raise ConfigError(f"api.rate_limits.{name}: {error}") from None

    def hit(self, name: str, key: str) -> Window:
        """Count one request of `key`. Raises Problem RATE_LIMITED when that is one too many."""
        window = self._limits[name].hit(key)
        if window.remaining < 0:
            raise limited(window)
        return window

    def forgive(self, name: str, key: str) -> None:
        """Do not count the last request of `key`, which was no guess."""
        self._limits[name].forgive(key)


def limited(window: Window) -> Problem:
    """What is said when a window is full."""
    headers = window.headers()
    wait = max(1, int(headers["RateLimit-Reset"]))
    headers["Retry-After"] = str(wait)
    return Problem(HttpCode.RATE_LIMITED, f"too many requests; try again in {wait} s", headers=headers)


def client_address(request: web.Request, trusted_proxies: int) -> str:
    """Who sent the request: the peer, or what the nearest `trusted_proxies` say in X-Forwarded-For."""
    peer = request.remote or ""
    if not trusted_proxies:
        return _network(peer)
    told = [part.strip() for value in request.headers.getall("X-Forwarded-For", []) for part in value.split(",")]
    return _network(_nearest([*told, peer], trusted_proxies))


def _nearest(hops: Iterable[str], trusted_proxies: int) -> str:
    """The address that the outermost trusted proxy saw; what stands left of it is the client's own claim."""
    hops = list(hops)
    return hops[max(0, len(hops) - 1 - trusted_proxies)]


@lru_cache(4096)
def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, _V6_HOST), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)
