"""From root to the tenant: what a forked child of hostd does until it is the guest.

The child has all of hostd's memory, so it comes to the exec without a detour. From the moment that its uid changes the
kernel holds it undumpable: its tenant can signal it, which harms that tenant alone, but neither trace nor read it.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import resource
import socket
import stat
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from shared.errors import Code, Fault

LISTENER_FD: Final = 3
"""The one descriptor that a guest gets beside the standard three: its listening socket."""
_SAFE_FD: Final = 10
_REPORT_MAX: Final = 16_384
_LOG_MAX: Final = 1024 * 1024
"""Bytes of a guest's log after which it begins again."""
_OOM_SCORE: Final = "500"
"""When memory ends the kernel takes from the rooms before it takes from the daemons: proc_pid_oom_score_adj(5)."""

# linux/sched.h, sys/mount.h, linux/prctl.h, linux/capability.h
_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWIPC: Final = 0x08000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_SLAVE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x80000
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION_3: Final = 0x20080522
_HIDEPID_PER_MOUNT: Final = (5, 8)
"""Before this Linux a new proc with hidepid changed every proc of its pid namespace: the whole machine."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


class Report(Struct, frozen=True):
    """What a child says on its way; nothing more comes once it has become the guest."""

    missing: dict[str, str] = {}
    """Layers that it could not have, and why."""
    error: str = ""
    """Why it gave up."""
    complete: bool = False
    """Whether nothing is left to do but the exec."""

    def check(self) -> None:
        """Raise Fault FAILED unless the child came to its end."""
        if self.error or not self.complete:
            raise Fault(Code.FAILED, self.error or "the guest was killed before it started")


class Room(Struct, frozen=True):
    """All that makes a room one tenant's."""

    uid: int
    home: str
    tmp: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    processes: int
    open_files: int
    require: tuple[str, ...]


class _UnprovenError(Exception):
    """The drop of privileges did not do what it must."""


def launch(room: Room, listener: int, parent: int, channel: int) -> None:
    """Become the guest of `room`, or report why not on `channel` and return. For a forked child alone.

    It waits for a byte on `channel` before it drops root; `parent` is hostd's end of the channel.
    """
    os.close(parent)
    report = partial(_send, channel)
    try:
        os.setsid()
        os.umask(0o077)
        missing = enter_layers(room.tmp)
        if absent := set(missing).intersection(room.require):
            reasons = "; ".join(f"{name}: {missing[name]}" for name in sorted(absent))
            report(Report(error=f"a required layer is missing: {reasons}"))
            return
        if not os.read(channel, 1):
            return
        _limit(room)
        _drop(room.uid)
        _prove(room.uid)
        os.chdir(room.home)
        channel = _keep_only(listener, channel)
        report = partial(_send, channel)
        report(Report(missing=missing, complete=True))
        tmp = room.tmp if "private-tmp" in missing else "/tmp"  # noqa: S108  # the room's own
        os.execve(room.argv[0], room.argv, {**room.env, "TMPDIR": tmp})  # noqa: S606  # the point of it all
    except (OSError, _UnprovenError, ValueError) as error:
        report(Report(error=f"the guest could not be started: {error}"))


def probe(tmp: str, parent: int, channel: int) -> None:
    """Report which layers this machine gives. For a forked child alone."""
    os.close(parent)
    _send(channel, Report(missing=enter_layers(tmp), complete=True))


def _send(channel: int, report: Report) -> None:
    os.write(channel, msgspec.json.encode(report)[:_REPORT_MAX])


async def hear(channel: socket.socket, deadline: float) -> Report:
    """All that a child reports on `channel`, the other end of a SOCK_SEQPACKET pair, until it closes that or execs.

    Raises Fault TIMEOUT.
    """
    heard = Report()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(deadline):
            while packet := await loop.sock_recv(channel, _REPORT_MAX):
                report = msgspec.json.decode(packet, type=Report)
                heard = Report({**heard.missing, **report.missing}, report.error, report.complete)
    except TimeoutError:
        raise Fault(Code.TIMEOUT, f"the guest was not started within {deadline:g} s") from None
    return heard


def enter_layers(tmp: str) -> dict[str, str]:
    """Put this process into namespaces of its own; answers the layers that are missing, and why.

    `tmp` is the folder that becomes /tmp and /var/tmp.
    """
    missing: dict[str, str] = {}
    _try(missing, "mounts", _own_mounts)
    if "mounts" in missing:
        # Without a namespace of its own each mount would be the whole machine's.
        return {**missing, **dict.fromkeys(("private-tmp", "hidden-processes", "ipc"), "it needs mounts of its own")}
    _try(missing, "private-tmp", partial(_private_tmp, tmp))
    _try(missing, "hidden-processes", _hide_processes)
    _try(missing, "ipc", _own_ipc)
    return missing


def _try(missing: dict[str, str], name: str, enter: Callable[[], None]) -> None:
    try:
        enter()
    except OSError as error:
        missing[name] = str(error.strerror)


def _own_mounts() -> None:
    _call("unshare", _CLONE_NEWNS)
    # A slave, so that what the host unmounts later is not held here.
    _mount("none", "/", None, _MS_REC | _MS_SLAVE)


def _private_tmp(tmp: str) -> None:
    for target in ("/tmp", "/var/tmp"):  # noqa: S108  # they become the room's own
        _mount(tmp, target, None, _MS_BIND)


def _hide_processes() -> None:
    release = os.uname().release.split(".")
    if (int(release[0]), int(release[1].split("-")[0])) < _HIDEPID_PER_MOUNT:
        raise OSError(0, "Linux before 5.8 cannot hide processes in one place alone")
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, "hidepid=2")


def _own_ipc() -> None:
    _call("unshare", _CLONE_NEWIPC)
    _mount("tmpfs", "/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")  # noqa: S108  # the room's own
    if os.path.isdir("/dev/mqueue"):  # noqa: PTH112  # pathlib brings nothing here
        _mount("mqueue", "/dev/mqueue", "mqueue", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind, data)]
    _call("mount", *encoded[:3], ctypes.c_ulong(flags), encoded[3])


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _limit(room: Room) -> None:
    for kind, wanted in (
        (resource.RLIMIT_NOFILE, room.open_files),
        (resource.RLIMIT_NPROC, room.processes),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (limit, limit))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")


def _drop(uid: int) -> None:
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    for capability in range(last + 1):
        _call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _prove(uid: int) -> None:
    """Read from the kernel that nothing of root is left, then try to get it back."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    ids = [str(uid)] * 4
    if fields["Uid"].split() != ids or fields["Gid"].split() != ids or fields["Groups"].split():
        raise _UnprovenError("another user or group was kept")
    if any(int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")):
        raise _UnprovenError("a capability was kept")
    if int(fields["NoNewPrivs"]) != 1:
        raise _UnprovenError("new privileges are possible")
    for regain in (partial(os.setuid, 0), partial(os.setgid, 0), partial(os.setgroups, [0])):
        try:
            regain()
        except PermissionError:
            continue
        raise _UnprovenError("root could be regained")


def _keep_only(listener: int, channel: int) -> int:
    """Descriptors 0 (null), 1 and 2 (the log), 3 (the listener), and one that the exec closes: the channel, answered."""
    null, log = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC), _open_log()
    sources = [null, log, log, listener, channel]
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _SAFE_FD) for fd in sources]
    for target, fd in enumerate(high[:4]):
        os.dup2(fd, target, inheritable=True)
    kept = LISTENER_FD + 1
    os.dup2(high[4], kept, inheritable=False)
    os.closerange(kept + 1, 2**31 - 1)
    return kept


def _open_log() -> int:
    """`~/.hostel/guest.log`, opened with the tenant's rights, who may have put anything there: else the null device."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(".hostel", 0o700)  # noqa: PTH102  # pathlib brings nothing here
        log = os.open(".hostel/guest.log", flags, 0o600)
        status = os.fstat(log)
        if stat.S_ISREG(status.st_mode):
            if status.st_size > _LOG_MAX:
                os.ftruncate(log, 0)
            os.set_blocking(log, True)
            return log
        os.close(log)
    except OSError:
        pass
    return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
