"""By which name the server was called, and which site's page called it: checked for every request, upgrades included.

The Host check stops DNS rebinding: a name that somebody else's DNS points here is refused. The Origin check stops other
sites, and the pages that tenants serve on other ports of this very host.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from shared.errors import Code, Fault
from shared.settings import Api

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_CACHED: Final = 1024
_SHAPE: Final = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
"""Of a name in lower case. Files that shells read repeat it, and Python's own parser takes more, by its version."""

Name = tuple[str, int | None]


class Origins:
    """Decides by the configured names, those of the loopback, and the address that a connection came to."""

    def __init__(self, config: Api) -> None:
        """`config.hosts` are names, each with a port or without."""
        self._names = frozenset(name for host in config.hosts if (name := _name(host.lower())))
        self._hosts = frozenset(_LOOPBACK) | {name for name, port in self._names if port is None}
        scheme, _, rest = config.public_url.lower().partition("://")
        public = _name(rest.partition("/")[0])
        self._plain = (public[0], _DEFAULT_PORTS["http"]) if public and scheme == "https" else None
        """The page that whoever is on the way to us makes: a proxy drops the port that would tell it from ours."""
        self._allowed = lru_cache(_CACHED)(self._decide)

    def check(self, request: web.Request) -> None:
        """Raise Fault FORBIDDEN unless `Host` is ours and `Origin`, if there is one, is the same site."""
        headers = request.headers
        origin = headers.get("Origin")
        local = request.get_extra_info("sockname")
        address = local[0] if isinstance(local, tuple) else ""
        if len(headers.getall("Host", ())) != 1 or (origin is not None and len(headers.getall("Origin")) != 1):
            raise Fault(Code.FORBIDDEN, "one Host header is needed, and at most one Origin")
        reason = self._allowed(headers["Host"], origin, address)
        if reason:
            raise Fault(Code.FORBIDDEN, reason)

    def _decide(self, host: str, origin: str | None, local: str) -> str | None:
        """Why not, or None."""
        called = _name(host.lower())
        if called is None or not (called[0] in self._hosts or called in self._names or _same_address(called[0], local)):
            return "this server does not go by that name; the configuration's `api.hosts` lists those it does"
        if origin is not None and not self._same_site(origin.lower(), called):
            return "requests from the pages of another site are refused"
        return None

    def _same_site(self, origin: str, called: Name) -> bool:
        scheme, separator, rest = origin.partition("://")
        page = _name(rest) if separator and scheme in _DEFAULT_PORTS else None
        if page is None:
            return False
        port = _DEFAULT_PORTS[scheme]
        exact = (page[0], page[1] or port)
        if scheme == "http" and exact == self._plain:
            return False
        return exact == (called[0], called[1] or port) or any(exact == (name, p or port) for name, p in self._names)


def _name(text: str) -> Name | None:
    """`name[:port]` in its parts, or None when it is nothing of the kind."""
    if not _SHAPE.fullmatch(text):
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    return host.rstrip("."), port


def _same_address(name: str, local: str) -> bool:
    """Whether `name` is a literal of the address that the connection came to: no DNS is in that."""
    try:
        return bool(local) and ipaddress.ip_address(name) == ipaddress.ip_address(local)
    except ValueError:
        return False
