"""Addresses of repositories: which may be cloned, told before git hears of them."""

import re
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from shared.errors import Code, Fault

_HELPER: Final = re.compile(r"[A-Za-z0-9+.-]*::")
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
# Git also takes host:path without a user; then `javascript:…` would be an address, which some page might make a link of.
_SCP: Final = re.compile(r"([^@/:]*)@(\[[^\]/]*\]|[^:/@]*):(.+)", re.DOTALL)
_HOST: Final = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])")
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_PORT_MAX: Final = 65_535


class Address(Struct, frozen=True):
    """What matters of a repository's address."""

    protocol: str
    """As in GIT_ALLOW_PROTOCOL."""
    server: str
    """`host` or `host:port`; empty for files."""


def check(url: str, allowed: Collection[str]) -> Address:
    """The address in `url`, in git's notations: URLs, and `user@host:path` for ssh.

    Raises Fault BAD_REQUEST for what is no address, holds a credential, or needs a protocol that is not `allowed`.
    """
    if url.startswith("-") or _UNPRINTABLE.search(url) or _HELPER.match(url):
        raise _refused("it is not the address of a repository")
    address = _of_url(url) or _of_scp(url)
    if address is None:
        raise _refused("it is neither a URL nor user@host:path")
    if address.protocol not in allowed:
        raise _refused(f"the protocol `{address.protocol[:20]}` is not allowed; these are: {', '.join(sorted(allowed))}")
    return address


def _of_url(url: str) -> Address | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    protocol, authority, path = match[1].lower(), match[2], match[3]
    if not path.startswith("/") or len(path) == 1:
        raise _refused("it names no repository")
    if protocol == "file":
        if authority not in ("", "localhost"):
            raise _refused("a file has no host")
        return Address(protocol, "")
    user, at, server = authority.rpartition("@")
    if at:
        _check_user(protocol, user)
    _check_server(server)
    return Address(protocol, server.lower())


def _check_user(protocol: str, user: str) -> None:
    if protocol != "ssh" or ":" in user:
        raise _refused("it holds a credential; use `auth` for that")
    if not _USER.fullmatch(user):
        raise _refused("its user name is not valid")


def _check_server(server: str) -> None:
    host, colon, port = server.rpartition(":") if re.search(r":\d*$", server) else (server, "", "")
    if not _HOST.fullmatch(host):
        raise _refused("its host is not valid")
    if colon and not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= _PORT_MAX):
        raise _refused("its port is not valid")


def _of_scp(url: str) -> Address | None:
    match = _SCP.fullmatch(url)
    if match is None:
        return None
    user, host, path = match[1], match[2], match[3]
    _check_user("ssh", user)
    if not _HOST.fullmatch(host):
        raise _refused("its host is not valid")
    if path.startswith("-"):
        raise _refused("its path begins with a dash")
    return Address("ssh", host.lower())


def _refused(reason: str) -> Fault:
    return Fault(Code.BAD_REQUEST, f"repoUrl: {reason}")
