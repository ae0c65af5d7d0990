"""The daemon: its arguments, what it is made of, and its life from READY=1 to the signal that ends it."""

import argparse
import asyncio
import contextlib
import fcntl
import os
import pwd
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from hostd import cgroups, folders, layers, uids
from hostd.audit import Audit, load_key
from hostd.credentials import Credentials
from hostd.guests import Guests
from hostd.homes import Homes
from hostd.pam import Pam
from hostd.registry import Registry
from hostd.sealing import Master
from hostd.server import Server, listening_socket
from hostd.users import Users
from hostd.verbs import Host, Verbs
from shared import log
from shared.audit import log as auditlog
from shared.config import DEFAULT_PATH, Config, ConfigError, load
from shared.errors import Code, Fault
from shared.notify import notify, watchdog_interval


def main() -> int:
    """Run until a signal ends it; the exit status."""
    parser = argparse.ArgumentParser(prog="hostd", description="The root daemon of hostel.")
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="hostel.toml (default: %(default)s)")
    path = parser.parse_args().config
    if os.geteuid() != 0:
        return _give_up("hostd makes Linux users and opens their rooms, so it must be started as root")
    try:
        config = load(path)
    except ConfigError as error:
        return _give_up(str(error))
    log.configure("hostd", config.log_level)
    os.umask(0o077)
    os.chdir("/")
    try:
        asyncio.run(_run(config))
    except (Fault, OSError) as error:
        return _give_up(str(error))
    return 0


def _give_up(message: str) -> int:
    print(f"hostd: {message}", file=sys.stderr)  # noqa: T201  # the logger may not be set up yet
    return 1


async def _run(config: Config) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    user = _account(config.user)
    async with _host(config, user) as host:
        listener = listening_socket(config.socket, user.pw_gid)
        server = Server(listener, Verbs(host), frozenset((0, user.pw_uid)))
        log.logger().info("ready", socket=str(config.socket), cgroups=host.cgroups.kind, missing=host.missing)
        notify("READY=1")
        await _watch(stop)
        notify("STOPPING=1")
        await server.close()
    log.logger().info("stopped")


async def _watch(stop: asyncio.Event) -> None:
    """Wait for the end; tell the watchdog meanwhile that the loop turns."""
    interval = watchdog_interval()
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval):
                await stop.wait()
        if interval is not None:
            notify("WATCHDOG=1")


def _account(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise Fault(Code.NOT_FOUND, f"there is no user {name} for the api") from None


def _audit(config: Config, folder: Path) -> Audit:
    key = load_key(folder)
    folders.make(folder / auditlog.FOLDER, gid=0, mode=0o700)
    return Audit(folder / auditlog.FOLDER, key, file_max=config.hostd.audit_file, files_max=config.hostd.audit_files)


@contextlib.asynccontextmanager
async def _host(config: Config, user: pwd.struct_passwd) -> AsyncIterator[Host]:
    """What the handlers work on; the folders are made, and locked against another hostd."""
    state, run = Path(config.state), Path(config.run)
    folders.make(state, gid=0, mode=0o711)
    folders.make(state / "hostd", gid=0, mode=0o700)
    lock = os.open(state / "hostd", folders.DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Fault(Code.BUSY, f"another hostd serves {state}") from None
    folders.make(state / "api", uid=user.pw_uid, gid=user.pw_gid, mode=0o700)
    folders.make(run, gid=user.pw_gid, mode=0o751)
    folders.make(uids.MARK.parent, gid=0, mode=0o711)
    with contextlib.ExitStack() as stack:
        homes = Homes(state)
        stack.callback(homes.close)
        registry = Registry(state / "hostd" / "registry.sqlite")
        stack.callback(registry.close)
        credentials = Credentials(run, homes, registry, Master(lock))
        await credentials.reseal()  # what an earlier version kept in plain text, and what a rotation that was cut short left
        audit = _audit(config, state / "hostd")
        stack.callback(audit.close)
        kind = cgroups.detect()
        missing = await layers.missing_layers(str(state / "tmp"), kind)
        numbers = uids.Uids(config.hostd.uid_first, config.hostd.uid_last)
        guests = Guests(config, homes, credentials, kind, missing=missing, spare=numbers.spare)
        for row in registry.locked():
            with contextlib.suppress(Fault):
                await guests.stop(row)  # the lock may have been cut short
        yield Host(
            config=config,
            registry=registry,
            uids=numbers,
            users=Users(shell=config.guest.shell, deadline=config.hostd.useradd_timeout),
            homes=homes,
            guests=guests,
            credentials=credentials,
            cgroups=kind,
            missing=missing,
            audit=audit,
            pam=Pam(config.auth.pam if config.auth else None),
        )
