"""The audit log: hostd alone writes it. Its format, and what makes tampering show, are in `shared.audit`.

A record is in the kernel's hands when `append` returns, and on disk at most SYNC_SECONDS later: at once for what root's verbs
did. The head follows what is on disk. A flood is dammed before it is written, and the oldest files are removed.
"""

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic
from typing import Final

from hostd import folders
from shared.audit import log as auditlog
from shared.audit import pages
from shared.audit.chain import Chain
from shared.audit.floods import Dam
from shared.errors import Code, Fault
from shared.hostwire import COUNT_MAX, AuditEvent, AuditPage, Origin, ReadAudit
from shared.log import logger

SYNC_SECONDS: Final = 1.0
DAM_SECONDS: Final = 30.0
"""For which what a flood brings is counted before it becomes a record."""
SPARE_BYTES: Final = 1024 * 1024
"""Kept back on the disk for thousands of records, and given up when it is full."""
_PACE: Final = 20.0
"""A disk that is slow to sync is left alone for that many times as long: hostd waits for it meanwhile."""


def load_key(state: Path) -> bytes:
    """The log's key: systemd's credential, else root's file in `state`, which is made with a new log.

    Raises Fault FAILED for a key that is none, and for a log without its key, which nobody could go on with unnoticed.
    """
    kept, log = state / auditlog.KEY_FILE, state / auditlog.FOLDER
    given = Path(os.environ.get("CREDENTIALS_DIRECTORY", state)) / auditlog.KEY_FILE
    path = given if given.exists() else kept
    if not path.exists():
        if log.exists() and auditlog.firsts_of(log):
            raise Fault(Code.FAILED, f"{kept} is missing: bring it back from a backup, or move {log} away to begin anew")
        folder = os.open(state, folders.DIRECTORY)
        try:
            folders.write(folder, {auditlog.KEY_FILE: auditlog.new_key()})
        finally:
            os.close(folder)
    try:
        return auditlog.key_of(path.read_bytes())
    except ValueError as error:
        raise Fault(Code.FAILED, f"{path}: {error}") from None


class Audit:
    """Writes and reads the log in one folder of root's. It is made inside of the loop, whose timers it uses."""

    def __init__(self, folder: Path, key: bytes, *, file_max: int, files_max: int) -> None:
        """Go on behind the last record, in at most `files_max` files of `file_max` bytes. Raises OSError."""
        self._folder, self._spare = folder, folder / auditlog.SPARE_FILE
        self._chain = Chain(folder, key, file_max=file_max, files_max=files_max)
        self._loop = asyncio.get_running_loop()
        self._dam = Dam()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._lost = 0
        self._slow = 0.0
        self._tick()

    def append(self, source: str, events: Iterable[AuditEvent], *, ms: float | None = None, durable: bool = False) -> None:
        """Write each event, or count it if it comes in a flood. It never fails: what cannot be written is told of later."""
        for event in events:
            if self._dam.admit(source, event):
                self._write(source, event, ms)
            else:
                self._later("dam", DAM_SECONDS, self._release)
        if durable:
            self._sync()

    def _release(self) -> None:
        for source, event in self._dam.take():
            self._write(source, event)

    def _write(self, source: str, event: AuditEvent, ms: float | None = None) -> None:
        try:
            self._tell_lost()
            self._put(source, event, ms)
        except OSError as error:
            if not self._lost:
                logger().error("audit_record_lost", error=str(error))
            self._lost = min(self._lost + event.count, COUNT_MAX)
        self._later("sync", max(SYNC_SECONDS, _PACE * self._slow), self._tick)

    def _tell_lost(self) -> None:
        if self._lost:
            self._put(auditlog.SOURCE, AuditEvent(auditlog.LOST, auditlog.OK, Origin(), count=self._lost))
            self._lost = 0

    def _put(self, source: str, event: AuditEvent, ms: float | None = None) -> None:
        try:
            self._chain.put(source, event, ms)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            self._spare.unlink(missing_ok=True)
            self._chain.put(source, event, ms)

    def _tick(self) -> None:
        self._sync()
        with contextlib.suppress(OSError):
            fd = os.open(self._spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, SPARE_BYTES)
            except OSError:
                self._spare.unlink()
            finally:
                os.close(fd)

    def _sync(self) -> None:
        began = monotonic()
        try:
            if self._chain.unsynced:
                self._chain.sync()
                self._slow = monotonic() - began
        except OSError as error:
            logger().error("audit_not_synced", error=str(error))

    async def read(self, request: ReadAudit) -> AuditPage:
        """The page that `request` asks for."""
        return await pages.read(self._folder, self._chain.files, request)

    def close(self) -> None:
        """Write what was counted, have all of it on disk, write no more."""
        self._release()
        with contextlib.suppress(OSError):
            self._tell_lost()
        for timer in self._timers.values():
            timer.cancel()
        self._sync()
        self._chain.close()

    def _later(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        if name not in self._timers:
            self._timers[name] = self._loop.call_later(seconds, self._due, name, act)

    def _due(self, name: str, act: Callable[[], None]) -> None:
        del self._timers[name]
        act()
