"""What `[webhooks].allow` can list: hosts and networks."""

import ipaddress
import re
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Place = tuple[str, int | None]
"""A host in lower case, and a port, or all of them."""

_PLACE: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_PORT_MAX: Final = 65_535


def allowance(entry: str) -> Network | Place:
    """What the entry names. Raises ValueError, which says why it names nothing."""
    try:
        return ipaddress.ip_network(entry)
    except ValueError:
        pass
    match = _PLACE.fullmatch(entry)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or port == 0 or (port or 0) > _PORT_MAX:
        raise ValueError(f"`{entry}` is neither a host, nor `host:port`, nor a network{_meant(entry)}")
    return match["host"].lower().strip("[]").rstrip("."), port


def _meant(entry: str) -> str:
    try:
        return f"; perhaps {ipaddress.ip_network(entry, strict=False)} is meant"
    except ValueError:
        return ""
