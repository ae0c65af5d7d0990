"""Homes and private temporary folders of workspaces, and the metadata that root keeps in a home.

homes/w…                              root:w… 1770   the tenant writes here, but cannot rename or replace what is root's
homes/w…/vibecoder_workspace          root:w… 0750
homes/w…/vibecoder_workspace/metadata root    0700   secret (hash), providers.json (its credentials sealed): 0600
homes/w…/vibecoder_workspace/sessions w…      0700
tmp/w…                                w…      0700   the room's /tmp and /var/tmp
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hostd import folders
from hostd.processes import run
from shared.errors import Code, Fault
from shared.log import logger

_WORKSPACE_ROOT: Final = "vibecoder_workspace"
_REMOVE_DEADLINE: Final = 600.0
_FIND: Final = "/usr/bin/find"
_SPOOLS: Final = ("/var/spool/cron", "/var/mail")
_SHARED: Final = ("/dev/shm", "/dev/mqueue")  # noqa: S108  # the host's own


class Homes:
    """All homes under one state folder."""

    def __init__(self, state: Path) -> None:
        """Make `homes/` and `tmp/` in `state`, both root's 0711, and hold them open."""
        self._state = state
        for name in ("homes", "tmp"):
            folders.make(state / name, gid=0, mode=0o711)
        self._homes = os.open(state / "homes", folders.DIRECTORY)
        self._tmp = os.open(state / "tmp", folders.DIRECTORY)

    def close(self) -> None:
        """Close the two folders."""
        os.close(self._homes)
        os.close(self._tmp)

    def path(self, workspace: str) -> str:
        """Where the home of `workspace` is. For the account and the tenant's environment; root goes by descriptor."""
        return str(self._state / "homes" / workspace)

    def tmp_path(self, workspace: str) -> str:
        """Where the temporary folder of `workspace` is."""
        return str(self._state / "tmp" / workspace)

    def make(self, workspace: str, uid: int, files: dict[str, bytes]) -> None:
        """Make the home, with `files` in its metadata, or finish what an earlier call began.

        The tenant gets in only when all else is there.
        """
        with (
            disk_faults(),
            folders.made(workspace, self._homes, uid=0, gid=uid, mode=0o1770) as home,
            folders.made(_WORKSPACE_ROOT, home, uid=0, gid=uid, mode=0o750) as root,
            folders.made("sessions", root, uid=uid, gid=uid, mode=0o700),
            folders.made("metadata", root, uid=0, gid=0, mode=0o700) as metadata,
        ):
            folders.write(metadata, files)

    def make_tmp(self, workspace: str, uid: int) -> None:
        """Make the temporary folder, if it is not there."""
        with disk_faults(), folders.made(workspace, self._tmp, uid=uid, gid=uid, mode=0o700):
            pass

    def read(self, workspace: str, name: str) -> bytes:
        """The metadata file `name`."""
        with self._metadata(workspace) as metadata:
            return folders.read(name, metadata)

    def write(self, workspace: str, name: str, data: bytes) -> None:
        """Replace the metadata file `name`, atomically and durably."""
        with self._metadata(workspace) as metadata:
            folders.write(metadata, {name: data})

    def unpublish(self, workspace: str, name: str) -> None:
        """Remove the file `name` beside the metadata, where an earlier version told the tenant its credentials."""
        with self._metadata(workspace) as metadata:
            folders.remove(f"../{name}", metadata)

    @contextlib.contextmanager
    def _metadata(self, workspace: str) -> Iterator[int]:
        with (
            disk_faults(),
            folders.opened(workspace, self._homes) as home,
            folders.opened(_WORKSPACE_ROOT, home) as root,
            folders.opened("metadata", root) as metadata,
        ):
            yield metadata

    def _existing(self, workspace: str) -> list[str]:
        return [path for path in (self.path(workspace), self.tmp_path(workspace)) if os.path.lexists(path)]

    async def remove(self, workspace: str, uid: int) -> None:
        """Remove the home and the temporary folder, jobs of cron and at, mail, and IPC of the host's own namespace.

        No process may be left. What the tenant made is removed with its rights, by a child; only root's few remains, and what
        is in spools where it cannot write, by root. Raises Fault.
        """
        spools = (_FIND, *_SPOOLS, "-xdev", "(", "-uid", str(uid), "-o", "-name", workspace, ")", "-delete")
        errors = (await run(spools, deadline=60)).errors
        if left := [line for line in errors.splitlines() if "No such file" not in line]:
            logger().error("spools_not_swept", workspace=workspace, error=left[0])
        shared = (_FIND, *_SHARED, "-xdev", "-uid", str(uid))
        await _as_tenant(uid, *shared, "-type", "d", "-exec", "/bin/chmod", "u+rwx", "{}", ";")  # before it goes in
        await _as_tenant(uid, *shared, "-delete")
        await _as_tenant(uid, "/usr/bin/ipcrm", "--all")  # what it may, which is its own
        paths = self._existing(workspace)
        if paths:
            # Neither can remove all, as root's folders are among it: what counts is what is left.
            await _as_tenant(uid, "/bin/chmod", "-R", "u+rwx", "--", *paths)
            await _as_tenant(uid, "/bin/rm", "-rf", "--one-file-system", "--", *paths)
        with disk_faults():
            folders.remove(workspace, self._homes)
            folders.remove(workspace, self._tmp)


async def _as_tenant(uid: int, *argv: str) -> None:
    setpriv = ("/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs")
    await run((*setpriv, "--bounding-set=-all", "--inh-caps=-all", "--", *argv), deadline=_REMOVE_DEADLINE)


@contextlib.contextmanager
def disk_faults() -> Iterator[None]:
    """Have an OSError in the block be a Fault FAILED."""
    try:
        yield
    except OSError as error:
        raise Fault(Code.FAILED, f"the workspace's folders: {error.strerror}") from error
