"""The cookies of a request, read as browsers write them (RFC 6265bis, 5.8.3) and in no other way.

Whoever reads quotes, escapes or a name behind a space into that header finds cookies inside of the values of others. Those any
page may set that another port or a subdomain of this host serves, and the prefix `__Host-` keeps none of them out.
"""

import re
from typing import Final

from aiohttp import hdrs, web

VALUE_MAX: Final = 128
"""Characters of a value; ours have 43."""
_VALUE: Final = re.compile(f"[A-Za-z0-9_-]{{1,{VALUE_MAX}}}")


def cookie_of(request: web.Request, name: str) -> str | None:
    """The value of the one cookie of that name, if it could be ours; None also when there are two, of which one is not ours."""
    pairs = [pair.strip(" \t") for header in request.headers.getall(hdrs.COOKIE, ()) for pair in header.split(";")]
    values = [pair[len(name) + 1 :] for pair in pairs if pair.startswith(f"{name}=")]
    return values[0] if len(values) == 1 and _VALUE.fullmatch(values[0]) else None
