"""Writes the audit log: goes on behind the last record, opens and removes files. Policy is its caller's."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec.structs import asdict

from shared.audit import log as auditlog
from shared.audit.log import Head
from shared.hostwire import AuditEvent, AuditRecord, Origin

_FILE: Final = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = _FILE | os.O_CREAT | os.O_EXCL
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Chain:
    """The log in one folder, of which its maker is the only writer."""

    def __init__(self, folder: Path, key: bytes, *, file_max: int, files_max: int) -> None:
        """Go on behind the last record, in at most `files_max` files of `file_max` bytes. Raises OSError."""
        self._folder, self._key = folder, key
        self._file_max, self._files_max = file_max, files_max
        self._fd = self._size = -1
        self._synced = 0
        self._dir_fd = os.open(folder, _FOLDER)
        self._head_fd = os.open(folder / auditlog.HEAD_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._files = auditlog.firsts_of(folder)
        outcome, detail = self._resume()
        self.put(auditlog.SOURCE, AuditEvent(auditlog.STARTED, outcome, Origin(), target=detail))

    @property
    def files(self) -> tuple[int, ...]:
        """The numbers of the first record of each file."""
        return tuple(self._files)

    @property
    def unsynced(self) -> bool:
        """Whether there are records that may not be on disk."""
        return self._synced != self._seq

    def _resume(self) -> tuple[str, str]:
        """Find the end, and open the file to go on in; how it was found: a new file keeps what is broken as it is."""
        content = os.pread(self._head_fd, auditlog.LINE_MAX, 0)
        broken, torn = "", 0
        head = Head(0, auditlog.NOTHING)
        if content or self._files:
            try:
                head = auditlog.read_head(self._key, content)
            except ValueError:
                broken = "the head was missing or changed"
                os.ftruncate(self._head_fd, 0)
        else:
            os.pwrite(self._head_fd, auditlog.head_line(self._key, head), 0)
            os.fsync(self._head_fd)
        try:
            self._seq, self._mac, torn = self._last()
        except ValueError:
            self._seq, self._mac, broken = self._files[-1], auditlog.NOTHING, "the end was changed"
        if self._seq < head.seq or (self._seq == head.seq and self._mac != head.last):
            broken = broken or f"it ended with record {self._seq} and had reached {head.seq}"
        if self._seq <= head.seq:
            self._seq, self._mac = head.seq, head.last
        if broken or not self._files:
            self._open_file()
        else:
            self._fd = os.open(self._path(self._files[-1]), _FILE)
            os.ftruncate(self._fd, self._size)
        if broken:
            return auditlog.BROKEN, broken
        return (auditlog.INTERRUPTED, f"{torn} bytes of a record were removed") if torn else (auditlog.OK, "")

    def _last(self) -> tuple[int, str, int]:
        """As `log.last_of`, of the last file that has a whole record; those behind it had just been made, and go."""
        torn = 0
        while self._files:
            seq, mac, self._size, rest = auditlog.last_of(self._key, self._path(self._files[-1]))
            torn += rest
            if seq:
                return seq, mac, torn
            self._path(self._files.pop()).unlink()
        return 0, auditlog.NOTHING, torn

    def put(self, source: str, event: AuditEvent, ms: float | None = None) -> None:
        """Write a record, whole or not at all. Raises OSError, after which another may be tried."""
        if self._size > self._file_max - auditlog.LINE_MAX:
            self._rotate()
        self._put(source, event, ms)

    def _put(self, source: str, event: AuditEvent, ms: float | None = None) -> None:
        time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        record = AuditRecord(seq=self._seq + 1, time=time, source=source, ms=ms, **asdict(event))
        line, mac = auditlog.line_of(self._key, self._mac, record)
        if os.write(self._fd, line) != len(line):
            os.ftruncate(self._fd, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._seq, self._mac = record.seq, mac
        self._size += len(line)

    def _own(self, action: str, target: str, count: int = 1) -> None:
        self._put(auditlog.SOURCE, AuditEvent(action, auditlog.OK, Origin(), target=target, count=count))

    def _rotate(self) -> None:
        self.sync()
        self._open_file()
        self._prune()

    def _open_file(self) -> None:
        first, old = self._seq + 1, (self._fd, self._size)
        path = self._path(first)
        self._fd, self._size = os.open(path, _NEW, 0o600), 0
        try:
            self._own(auditlog.OPENED, self._mac)
        except OSError:
            os.close(self._fd)
            path.unlink()
            self._fd, self._size = old
            raise
        if old[0] >= 0:
            os.close(old[0])
        self._files.append(first)
        os.fsync(self._dir_fd)

    def _prune(self) -> None:
        """Remove the oldest files, once the log says so on disk."""
        old, kept = self._files[: -self._files_max], self._files[-self._files_max :]
        if old:
            self._own(auditlog.PRUNED, str(kept[0]), len(old))
            self.sync()
            for first in old:
                self._path(first).unlink(missing_ok=True)
            self._files = kept

    def sync(self) -> None:
        """Have all records on disk, then say so in the head. Raises OSError."""
        os.fdatasync(self._fd)
        # Not synced itself: it may be behind the records, and must not be ahead of them.
        os.pwrite(self._head_fd, auditlog.head_line(self._key, Head(self._seq, self._mac)), 0)
        self._synced = self._seq

    def close(self) -> None:
        """Write no more."""
        for fd in (self._fd, self._head_fd, self._dir_fd):
            os.close(fd)

    def _path(self, first: int) -> Path:
        return self._folder / auditlog.file_name(first)
