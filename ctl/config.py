"""`hostelctl config`: whether the configuration is right, and what it names is there."""

import grp
import ipaddress
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from ctl.base import Command, Group, Settings, settings
from ctl.findings import report
from shared.config import Config, ConfigError
from shared.findings import Finding


@click.group(cls=Group)
def config() -> None:
    """Look at the configuration."""


@config.command(cls=Command)
@click.pass_context
def check(context: click.Context) -> None:
    """Check every key, and the files that they name; status 1 if something needs repair. Nothing has to run for this."""
    report(context, _examine(settings(context)))


def _examine(chosen: Settings) -> Iterator[Finding]:
    try:
        found = chosen.config
    except ConfigError as error:
        yield Finding("configuration", "failed", str(error))
        return
    yield Finding("configuration", "ok", str(chosen.config_path))
    yield from _own_file(chosen.config_path, found)
    for key, path in _secret_files(found):
        yield _secret_file(key, Path(path), found)
    yield from _address(found)


def _own_file(path: Path, found: Config) -> Iterator[Finding]:
    secrets = found.auth is not None and any(provider.client_secret for provider in found.auth.provider.values())
    if secrets and path.stat().st_mode & stat.S_IROTH:
        yield Finding("secrets", "failed", f"{path} holds a client_secret and everybody can read it: chmod 0640 it")


def _secret_files(found: Config) -> Iterator[tuple[str, str]]:
    """The keys that name a file with a secret."""
    for name, provider in (found.auth.provider if found.auth else {}).items():
        if provider.client_secret_file:
            yield f"auth.provider.{name}.client_secret_file", provider.client_secret_file
    for kind in ("gitea", "coolify"):
        section = getattr(found.provisioner, kind)
        if section is not None:
            yield f"provisioner.{kind}.token_file", section.token_file


def _secret_file(key: str, path: Path, found: Config) -> Finding:
    try:
        status = path.stat()
        empty = not path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        return Finding(key, "failed", f"{path}: {reason}")
    if empty:
        return Finding(key, "failed", f"{path} is empty")
    if status.st_mode & stat.S_IROTH:
        return Finding(key, "failed", f"everybody can read {path}: chmod 0640 it, and chgrp it to {found.user}")
    if not _reads(found.user, status):
        return Finding(key, "failed", f"{found.user} cannot read {path}: chgrp it to {found.user} and chmod 0640 it")
    return Finding(key, "ok", str(path))


def _reads(user: str, status: os.stat_result) -> bool:
    """Whether `user` may read a file that not everybody may."""
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return False
    groups = {account.pw_gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)}
    owner = status.st_uid == account.pw_uid and status.st_mode & stat.S_IRUSR
    return bool(owner or (status.st_gid in groups and status.st_mode & stat.S_IRGRP))


def _address(found: Config) -> Iterator[Finding]:
    """What `api.public_url` promises to others."""
    if not found.api.public_url:
        if found.auth is not None and found.auth.provider:
            yield Finding("api.public_url", "warning", f"is not set: people can sign in at {found.api.url} alone")
        return
    parts = urlsplit(found.api.public_url)
    host = parts.hostname or ""
    if parts.path.strip("/") or parts.query or parts.fragment:
        yield Finding("api.public_url", "failed", "must end after the name: hostel is not served below a path")
    elif parts.scheme != "https" and not _loopback(host):
        yield Finding("api.public_url", "failed", "must be https: browsers keep no session over plain HTTP")
    elif not _loopback(host) and not {host, parts.netloc.lower()} & {name.lower() for name in found.api.hosts}:
        yield Finding("api.public_url", "failed", f"api.hosts does not list {host}: all requests there would be refused")
    else:
        yield Finding("api.public_url", "ok", found.api.public_url)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
