"""A cgroup for each room: a transient scope of systemd, or a folder of our own in a v2 or v1 tree, or none."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

from hostd.processes import run
from shared.errors import Code, Fault

_OURS: Final = "hostel"
_SLICE: Final = "hostel-guests.slice"
_SYSTEMD: Final = Path("/run/systemd/system")
_BUSCTL: Final = "/usr/bin/busctl"
_ATTACH_DEADLINE: Final = 5.0


class Cgroups:
    """No cgroups: the base of those that are."""

    kind = "none"

    def __init__(self, roots: list[Path], detail: str) -> None:
        """`roots` are mounts of cgroup trees in which rooms get a folder; `detail` says to a person what is in use."""
        self._roots = roots
        self.detail = detail

    def folders(self, workspace: str) -> list[Path]:
        """Where the processes of `workspace` are, in each tree."""
        return [root / _OURS / workspace for root in self._roots]

    async def attach(self, workspace: str, pid: int, processes: int) -> None:
        """Move `pid` into the workspace's cgroup, which may hold at most `processes`. Raises OSError or Fault."""
        for folder in self.folders(workspace):
            folder.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                _put(folder / "pids.max", str(processes))
            _put(folder / "cgroup.procs", str(pid))

    def kill(self, workspace: str) -> None:
        """Kill all that is in the cgroup, where the kernel can do that at a stroke (v2, since Linux 5.14)."""
        for folder in self.folders(workspace):
            with contextlib.suppress(OSError):
                _put(folder / "cgroup.kill", "1")

    def remove(self, workspace: str) -> None:
        """Remove the cgroup, if nothing is in it."""
        for folder in self.folders(workspace):
            with contextlib.suppress(OSError):
                folder.rmdir()


class V1(Cgroups):
    """Folders in the v1 tree of the pids controller, and in a v2 tree without controllers for its cgroup.kill."""

    kind = "v1"


class V2(Cgroups):
    """Folders in the v2 tree."""

    kind = "v2"


class Systemd(Cgroups):
    """A transient scope for each room. systemd owns the folders: it makes them, and removes those that are empty."""

    kind = "systemd"

    def folders(self, workspace: str) -> list[Path]:
        """The scope's folder in each tree that has it."""
        paths = [root / "hostel.slice" / _SLICE / _scope(workspace) for root in self._roots]
        return [path for path in paths if path.is_dir()]

    async def attach(self, workspace: str, pid: int, processes: int) -> None:
        """Join the scope if something still runs in it, else have it made."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _ATTACH_DEADLINE
        asked = ""
        while not _joined(workspace, pid):
            if folders := self.folders(workspace):
                with contextlib.suppress(OSError):  # it may go away just now
                    for folder in folders:
                        _put(folder / "cgroup.procs", str(pid))
                    continue
            # A scope that is just going away makes systemd refuse; then ask again.
            asked = await self._start(workspace, pid, processes)
            if loop.time() > end:
                raise Fault(Code.TIMEOUT, f"systemd did not make the scope: {asked}")
            await asyncio.sleep(0.005)

    async def _start(self, workspace: str, pid: int, processes: int) -> str:
        manager = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
        properties = (
            *("PIDs", "au", "1", str(pid)),
            *("Slice", "s", _SLICE),
            *("TasksMax", "t", str(processes)),
            *("CollectMode", "s", "inactive-or-failed"),
        )
        call = ("StartTransientUnit", "ssa(sv)a(sa(sv))", _scope(workspace), "fail", "4", *properties, "0")
        return (await run((_BUSCTL, "--quiet", "call", *manager, *call), deadline=_ATTACH_DEADLINE)).errors

    def remove(self, workspace: str) -> None:
        """Leave that to systemd."""


def _scope(workspace: str) -> str:
    return f"hostel-{workspace}.scope"


def _joined(workspace: str, pid: int) -> bool:
    return _scope(workspace) in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")


def _put(path: Path, text: str) -> None:
    # No O_CREAT: a file that the kernel does not have must not be made where the tree is an ordinary folder.
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def detect() -> Cgroups:
    """The best kind that this machine gives."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    unified = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]
    pids = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup" and "pids" in mount[3].split(",")]
    every = [Path(mount[1]) for mount in mounts if mount[2] in ("cgroup", "cgroup2")]
    if _SYSTEMD.is_dir():
        return Systemd(every, "a transient scope for each room")
    try:
        if unified and "pids" in (unified[0] / "cgroup.controllers").read_text(encoding="ascii").split():
            return _make_v2(unified[0])
        if pids:
            for root in (*pids[:1], *unified[:1]):
                (root / _OURS).mkdir(exist_ok=True)
            return V1([*pids[:1], *unified[:1]], "the pids controller")
    except OSError as error:
        return Cgroups([], f"the cgroup tree cannot be written: {error.strerror}")
    return Cgroups([], "no cgroup tree with the pids controller is mounted")


def _make_v2(root: Path) -> Cgroups:
    (root / _OURS).mkdir(exist_ok=True)
    for parent in (root, root / _OURS):
        _put(parent / "cgroup.subtree_control", "+pids")
    return V2([root], "the pids controller")
