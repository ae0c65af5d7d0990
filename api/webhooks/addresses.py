"""Where a delivery may go: what a tenant names as a URL must not reach what only this machine or its network reaches.

The addresses are judged when the connection is made, each by the socket that connects to it, so that a name which means
something else a moment later (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, cast
from weakref import WeakValueDictionary

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from api.problems import Problem, invalid
from shared.allowances import Network, Place, allowance
from shared.config import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]

LOOKUPS: Final = 32
"""Names that are looked up at the same time: the system's resolver blocks a thread for each."""
LOOKUPS_EACH: Final = 4
"""Those of one owner among them: a name whose own servers are silent blocks its thread long after its delivery has failed."""
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_TUNNELS: Final = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
"""6to4 and Teredo, which hold an IPv4 address."""
_RELAYS: Final = ipaddress.IPv4Network("192.88.99.0/24")
_UNLESS: Final = "unless the configuration's `webhooks.allow` lists it"
_PLAIN: Final = re.compile(r"[!-~]+")


class RefusedAddressError(OSError):
    """An address to which nothing is delivered. It is an OSError, so that a connector takes it as a failed connection."""


def is_public(address: Address) -> bool:
    """Whether it is a host's on the public internet: global and unicast, and holds no address of another kind."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _UNICAST or any(address in tunnel for tunnel in _TUNNELS):
            return False
    elif address in _RELAYS:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class Allowed:
    """`[webhooks].allow`: what may be reached although it is not public. A host, `host:port` or a network."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Raises ConfigError for an entry that is none."""
        self._networks: list[Network] = []
        self._places: set[Place] = set()
        for entry in entries:
            try:
                found = allowance(entry)
            except ValueError as error:
                raise ConfigError(f"webhooks.allow: {error}") from None
            if isinstance(found, tuple):
                self._places.add(found)
            else:
                self._networks.append(found)

    def place(self, host: str, port: int) -> bool:
        """Whether the host of a URL may be reached wherever its name leads."""
        return (host, None) in self._places or (host, port) in self._places

    def network(self, address: Address) -> bool:
        """Whether the address is in one of the networks."""
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)


class Lookups:
    """Looks names up, so that the slow ones of one owner are in nobody else's way."""

    def __init__(self) -> None:
        """No thread runs yet."""
        self._threads = ThreadPoolExecutor(LOOKUPS, "webhook-lookup")
        self._slots: WeakValueDictionary[str | None, asyncio.Semaphore] = WeakValueDictionary()

    async def find(self, owner: str | None, host: str, port: int, family: int) -> list[AddressInfo]:
        """What `host` means, for a webhook of `owner`. Raises OSError when it means nothing."""
        slots = self._slots.setdefault(owner, asyncio.Semaphore(LOOKUPS_EACH))
        await slots.acquire()
        looking = asyncio.get_running_loop().run_in_executor(self._threads, _lookup, host, port, family)

        def ended(done: "asyncio.Future[list[AddressInfo]]") -> None:
            slots.release()
            if not done.cancelled():
                done.exception()  # perhaps nobody waits for it any more

        looking.add_done_callback(ended)
        # The slot is taken until the thread has ended, however long that takes.
        return await asyncio.shield(looking)

    def close(self) -> None:
        """Let the threads go; one that waits for a name ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Guard(AbstractResolver):
    """Resolves the host of one URL, and opens the sockets to it; both only where that is allowed."""

    def __init__(self, url: URL, allowed: Allowed, lookups: Lookups, owner: str | None) -> None:
        """`owner` is whose webhook it is."""
        self._allowed = allowed
        self._lookups = lookups
        self._owner = owner
        self._anywhere = allowed.place(host_of(url), url.port or 0)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """All addresses of `host`; RefusedAddressError when one of them may not be reached."""
        found = await self._lookups.find(self._owner, host, port, family)
        for info in found:
            self._check(str(info[4][0]))
        return [
            ResolveResult(
                hostname=host, host=str(info[4][0]), port=port, family=info[0], proto=info[2], flags=socket.AI_NUMERICHOST
            )
            for info in found
        ]

    def socket(self, info: AddressInfo) -> socket.socket:
        """A socket for that address, to which nothing but it will be connected."""
        self._check(info[4][0])
        return socket.socket(info[0], info[1], info[2])

    async def close(self) -> None:
        """Nothing is held."""

    def _check(self, address: str) -> None:
        found = ipaddress.ip_address(address)
        if not (self._anywhere or is_public(found) or self._allowed.network(found)):
            raise RefusedAddressError(f"{address} is not a public address; nothing is delivered there, {_UNLESS}")


def check_url(text: str, allowed: Allowed, own: Iterable[str]) -> URL:
    """The URL, when something can be delivered there as far as the URL alone tells. Raises Problem 422.

    `own`: names of this server, which calls itself by no webhook.
    """
    if not _PLAIN.fullmatch(text):
        raise _refusal("visible ASCII characters are accepted")
    try:
        url = URL(text)
        host, port = host_of(url), url.port
    except ValueError:
        raise _refusal("it is not a URL") from None
    if url.scheme not in {"http", "https"} or not host:
        raise _refusal("it must begin with `http://` or `https://`, and name a host")
    if "@" in url.raw_authority or "@" in text.partition("://")[2].partition("/")[0]:
        raise _refusal("it must hold no user name and no password")
    if not port:
        raise _refusal("its port is none")
    literal = _literal(host)
    if isinstance(literal, ipaddress.IPv4Address) and str(literal) != host:
        raise _refusal(f"write the address as {literal}")
    if allowed.place(host, port) or (literal is not None and allowed.network(literal)):
        return url
    if host in own or host == "localhost" or host.endswith(".localhost"):
        raise _refusal(f"this server delivers nothing to itself, {_UNLESS}")
    if literal is not None and not is_public(literal):
        raise _refusal(f"{literal} is not a public address; nothing is delivered there, {_UNLESS}")
    return url


def host_of(url: URL) -> str:
    """The host as it is compared: in lower case, without the dot of the root."""
    return (url.raw_host or "").lower().rstrip(".")


def _refusal(detail: str) -> Problem:
    return invalid(detail, pointer="/url")


def _literal(host: str) -> Address | None:
    """The address that `host` is in any notation, also `127.1`, `0x7f000001` and `017700000001`; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _lookup(host: str, port: int, family: int) -> list[AddressInfo]:
    # typeshed also knows of addresses that are no internet's.
    return cast("list[AddressInfo]", socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM))
