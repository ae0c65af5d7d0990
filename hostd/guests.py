"""Guests: one process tree for each workspace that is used, reached by a socket that only root can connect to."""

import contextlib
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from hostd import folders, users
from hostd.cgroups import Cgroups
from hostd.credentials import Credentials
from hostd.homes import Homes
from hostd.launch import Room, hear, launch
from hostd.processes import end_all, fork
from hostd.registry import Row
from shared.config import Config
from shared.errors import Code, Fault
from shared.log import logger

_BACKLOG: Final = 128
_KILL_DEADLINE: Final = 30.0
_LISTENS: Final = 0x10000
"""`__SO_ACCEPTCON` in the flags of /proc/net/unix: proc_pid_net(5)."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Guests:
    """Starts, reaches and stops guests. It keeps no state that matters: a restarted hostd finds those that run.

    Callers see to it that nothing is done twice at once for one workspace.
    """

    def __init__(
        self,
        config: Config,
        homes: Homes,
        credentials: Credentials,
        cgroups: Cgroups,
        *,
        missing: Mapping[str, str],
        spare: int,
    ) -> None:
        """`missing` are the layers that this machine lacks; `spare` is the uid of `processes.end_all`."""
        self._config = config
        self._homes = homes
        self._credentials = credentials
        self._cgroups = cgroups
        self._missing = missing
        self._spare = spare
        self._registry = config.registry
        self._folder = Path(config.run) / "guests"
        folders.make(self._folder, gid=0, mode=0o700)

    def running(self) -> set[str]:
        """The workspaces whose guest listens, from one look at the kernel's list of sockets."""
        found = set()
        for line in Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
            fields = line.split(maxsplit=7)
            if len(fields) > 7 and int(fields[3], 16) & _LISTENS:  # noqa: PLR2004  # those that are bound to a path
                path = Path(fields[7])
                if path.parent == self._folder:
                    found.add(path.stem)
        return found

    async def enter(self, row: Row, *, start: bool) -> tuple[socket.socket, bool, list[str]]:
        """A connected socket to the guest, whether it was started for that, and the names of its missing layers.

        NOT_RUNNING, BUSY when the guest accepts nothing, FAILED or TIMEOUT when it does not start.
        """
        connection = self._connect(row.id)
        if connection is not None:
            return connection, False, sorted(self._missing)
        if not start:
            raise Fault(Code.NOT_RUNNING, "nothing of the workspace runs")
        missing = await self._start(row)
        connection = self._connect(row.id)
        if connection is None:
            raise Fault(Code.FAILED, "the guest ended at once; its log is ~/.hostel/guest.log")
        return connection, True, sorted(missing)

    async def stop(self, row: Row) -> None:
        """Kill all that the workspace runs. Raises Fault TIMEOUT."""
        self._cgroups.kill(row.id)
        await end_all(row.uid, self._spare, _KILL_DEADLINE)
        self._socket(row.id).unlink(missing_ok=True)
        self._credentials.withdraw(row.id)
        self._cgroups.remove(row.id)

    def _socket(self, workspace: str) -> Path:
        return self._folder / f"{workspace}.sock"

    def _connect(self, workspace: str) -> socket.socket | None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(0)
        try:
            connection.connect(str(self._socket(workspace)))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        except BlockingIOError:
            connection.close()
            raise Fault(Code.BUSY, "the workspace's guest accepts no connection just now") from None
        return connection

    async def _start(self, row: Row) -> Mapping[str, str]:
        if getattr(users.find(row.id), "uid", None) != row.uid:
            raise Fault(Code.FAILED, "the workspace's Linux account is missing or another's: bring it back as it was")
        self._homes.make_tmp(row.id, row.uid)
        # Again at each start: a change of the providers may have been cut short between its two files.
        self._credentials.publish(row)
        room = self._room(row)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs, self._listen(row.id) as listener:
                child = fork(partial(launch, room, listener.fileno(), ours.fileno(), theirs.fileno()))
            try:
                lacks = await self._attach(row.id, child.pid)
                ours.settimeout(0)
                with contextlib.suppress(OSError):  # then its report says why
                    ours.send(b"g")
                report = await hear(ours, self._config.hostd.guest_start_timeout)
                report.check()
            except BaseException:
                child.kill()
                await child.wait()
                self._socket(row.id).unlink(missing_ok=True)
                raise
        missing = {**lacks, **report.missing}
        logger().info("guest_started", workspace=row.id, pid=child.pid, missing=missing)
        return missing

    async def _attach(self, workspace: str, pid: int) -> dict[str, str]:
        if self._cgroups.kind == "none":
            lacks = {"cgroup": self._cgroups.detail}
        else:
            try:
                await self._cgroups.attach(workspace, pid, self._config.guest.processes)
            except (OSError, Fault) as error:
                lacks = {"cgroup": str(error)}
            else:
                return {}
        if "cgroup" in self._config.hostd.require:
            raise Fault(Code.FAILED, f"a required layer is missing: cgroup: {lacks['cgroup']}")
        return lacks

    def _listen(self, workspace: str) -> socket.socket:
        path = self._socket(workspace)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen(_BACKLOG)
        return listener

    def _room(self, row: Row) -> Room:
        home, guest = self._homes.path(row.id), self._config.guest
        env = {
            "HOME": home,
            "USER": row.id,
            "LOGNAME": row.id,
            "SHELL": guest.shell,
            "PATH": f"{self._registry.settings.folder}/bin:{_PATH}",
            "LANG": "C.UTF-8",
            "HOSTEL_WORKSPACE": row.id,
            "HOSTEL_CREDENTIALS": self._credentials.path(row.id),
            "HOSTEL_GUEST": msgspec.json.encode(guest).decode(),
            "HOSTEL_AGENTS": msgspec.json.encode(self._registry).decode(),
        }
        return Room(
            uid=row.uid,
            home=home,
            tmp=self._homes.tmp_path(row.id),
            argv=(self._config.hostd.guest_python, "-I", "-m", "guest"),
            env=env,
            processes=guest.processes,
            open_files=guest.open_files,
            require=self._config.hostd.require,
        )
