"""`hostelctl doctor`: checks what this host has against what hostel needs."""

import grp
import http.client
import pwd
import stat
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click

from ctl.base import Command, Settings, settings
from ctl.client import HostClient
from ctl.findings import report
from shared.config import Config, ConfigError
from shared.errors import Fault
from shared.findings import Finding, of_hostd


@click.command(cls=Command)
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check the configuration, the socket, the daemons and the layers of a room's walls; status 1 if something needs repair."""
    report(context, _examine(settings(context)))


def _examine(chosen: Settings) -> Iterator[Finding]:
    config = None
    try:
        config = chosen.config
    except ConfigError as error:
        yield Finding("configuration", "failed", str(error))
    else:
        yield Finding("configuration", "ok", str(chosen.config_path))
        yield from _user(config)
        yield from _guest_python(config)
    if config is None and chosen.socket_path is None:
        return
    yield from _socket(chosen.socket, config)
    try:
        with HostClient(chosen.socket, timeout=10) as host:
            status = host.status()
    except Fault as error:
        yield Finding("hostd", "failed", error.message)
    else:
        yield from of_hostd(status, version("hostel"))
    if config is not None:
        yield _api(config)


def _user(config: Config) -> Iterator[Finding]:
    try:
        entry = pwd.getpwnam(config.user)
    except KeyError:
        yield Finding("user", "failed", f"there is no user {config.user}, as which api runs")
        return
    if entry.pw_uid == 0 or config.hostd.uid_first <= entry.pw_uid <= config.hostd.uid_last:
        yield Finding(
            "user", "failed", f"{config.user} has uid {entry.pw_uid}; it must be neither root nor in the tenants' range"
        )
    else:
        yield Finding("user", "ok", f"{config.user}, uid {entry.pw_uid}")


def _guest_python(config: Config) -> Iterator[Finding]:
    """Tenants execute it, so every folder on the way must let them."""
    path = Path(config.hostd.guest_python)
    if not path.exists():
        yield Finding("guest", "failed", f"{path} does not exist")
        return
    closed = [
        str(part)
        for start in (path, path.resolve())
        for part in (start, *start.parents)
        if not part.stat().st_mode & stat.S_IXOTH
    ]
    if closed:
        yield Finding("guest", "failed", f"tenants cannot execute {path}: {closed[0]} is closed to them")
    elif path.stat().st_mode & stat.S_IWOTH:
        yield Finding("guest", "failed", f"tenants can change {path}")
    else:
        yield Finding("guest", "ok", str(path))


def _socket(path: Path, config: Config | None) -> Iterator[Finding]:
    for part, kind, mode in ((path.parent, "socket's folder", 0o751), (path, "socket", 0o660)):
        try:
            found = part.stat()
        except OSError as error:
            yield Finding(kind, "failed", f"{part}: {error.strerror}")
            continue
        group = _group(found.st_gid)
        wanted = f"root:{config.user if config else group} {mode:04o}"
        actual = f"{_owner(found.st_uid)}:{group} {stat.S_IMODE(found.st_mode):04o}"
        if actual == wanted:
            yield Finding(kind, "ok", f"{part}, {actual}")
        else:
            yield Finding(kind, "failed", f"{part} is {actual}; it should be {wanted}")


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _api(config: Config) -> Finding:
    url = config.api.url
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except OSError as error:
        return Finding("api", "failed", f"{url} does not answer: {error.strerror or error}")
    finally:
        connection.close()
    return Finding("api", "ok" if status == http.client.OK else "failed", f"{url}/readyz answers {status}")
