"""Folders that are removed whatever a tenant has put there."""

import asyncio
import os
from asyncio.subprocess import DEVNULL
from pathlib import Path
from typing import Final

from guest.room import Room
from shared.errors import Code, Fault

_TRIES: Final = 3
_PREFIX: Final = ".removed-"


class Trees:
    """Removes trees in child processes: they may be large, deep, or have folders that even their owner may not enter."""

    def __init__(self, room: Room) -> None:
        """Work in the folder of all sessions."""
        self._root = room.sessions
        self._environment = dict(room.environment)

    async def remove(self, path: Path | bytes, *, folder: int | None = None) -> None:
        """Take `path`, or a name in the open `folder`, out of sight at once, then remove it; nothing when there is none.

        Raises Fault FAILED.
        """
        aside = self._root / f"{_PREFIX}{os.urandom(8).hex()}"
        try:
            os.rename(path, os.fsencode(aside) if isinstance(path, bytes) else aside, src_dir_fd=folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Fault(Code.FAILED, f"cannot remove the folder: {error.strerror}") from error
        await self._erase(aside)

    async def sweep(self) -> None:
        """Remove what an earlier guest did not get to."""
        for path in self._root.glob(f"{_PREFIX}*"):
            await self._erase(path)

    async def _erase(self, path: Path) -> None:
        for _ in range(_TRIES):
            if not await self._run("rm", "-rf", "--one-file-system", "--", str(path)):
                return
            # find enters a folder only after it has run chmod on it; links are not followed.
            await self._run("find", str(path), "-type", "d", "!", "-perm", "-700", "-exec", "chmod", "u+rwx", "{}", ";")
        raise Fault(Code.FAILED, "some files could not be removed; they will be tried again when the workspace starts")

    async def _run(self, *argv: str) -> int:
        process = await asyncio.create_subprocess_exec(
            *argv, env=self._environment, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        return await process.wait()
