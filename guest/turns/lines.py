"""Files of JSON lines that only grow. They lie where the tenant can write: what is opened and read is checked."""

import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shared.errors import Code, Fault

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TORN_MAX: Final = 1024 * 1024
"""Bytes at the end in which a line that was not written whole is looked for."""

_log: Final = logging.getLogger(__name__)


class Lines:
    """One file. What is no plain file with this one name is moved aside, to `NAME.damaged`."""

    def __init__(self, path: Path) -> None:
        """Open or make `path`, and cut off a last line that was not written whole. Raises Fault FAILED."""
        self.path = path
        self._fd = -1
        self.open()

    def open(self) -> None:
        """Open what is at the path now. Raises Fault FAILED."""
        self.close()
        try:
            self._fd = self._opened()
            self.size = os.fstat(self._fd).st_size
            self._mend()
        except OSError as error:
            raise self._fault(error) from error

    def _opened(self) -> int:
        if (fd := _plain(self.path)) is None:
            self._move_aside()
            fd = os.open(self.path, _FLAGS | os.O_EXCL, 0o600)
        self._identity = _identity(os.fstat(fd))
        return fd

    def _move_aside(self) -> None:
        _log.warning("%s is damaged, and moved aside", self.path)
        self.path.replace(self.path.with_name(f"{self.path.name}.damaged"))

    def discard(self) -> None:
        """Move the file aside and begin a new one. Raises Fault FAILED."""
        try:
            self._move_aside()
        except OSError as error:
            raise self._fault(error) from error
        self.open()

    def _mend(self) -> None:
        start = max(0, self.size - _TORN_MAX)
        tail = self.read(start, _TORN_MAX)
        if tail.endswith(b"\n") or not tail:
            return
        if b"\n" in tail or not start:
            self.size = start + tail.rfind(b"\n") + 1
            os.ftruncate(self._fd, self.size)
        else:  # nothing that we wrote: it becomes a line that nobody can read
            self.append(b"\n")

    @property
    def changed(self) -> bool:
        """Whether somebody else has written to the file, moved it or put another in its place."""
        try:
            found = self.path.stat(follow_symlinks=False)
        except OSError:
            return True
        return _identity(found) != self._identity or found.st_size != self.size

    def append(self, line: bytes) -> None:
        """Add a line, whole or not at all. Raises Fault FAILED, as with a full disk."""
        try:
            written = os.write(self._fd, line)
            if written < len(line):
                os.ftruncate(self._fd, self.size)
                raise Fault(Code.FAILED, f"{self.path.name} cannot be written: the disk is full")
        except OSError as error:
            raise self._fault(error) from error
        self.size += written

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on, of those that are known to be there. Raises Fault FAILED."""
        try:
            return os.pread(self._fd, max(0, min(size, self.size - offset)), offset)
        except OSError as error:
            raise self._fault(error) from error

    def backwards(self, limit: int) -> Iterator[tuple[int, bytes]]:
        """The lines of the last `limit` bytes with their offsets, the last one first. Raises Fault FAILED."""
        start = max(0, self.size - limit)
        data = self.read(start, limit)
        end = len(data) - 1
        while end >= 0:
            begin = data.rfind(b"\n", 0, end) + 1
            if begin or not start:  # else the line's beginning lies before what was read
                yield start + begin, data[begin:end]
            end = begin - 1

    def rewrite(self, lines: list[bytes]) -> None:
        """Put these lines in place of all; a reader sees the old or the new ones. Raises Fault FAILED."""
        draft = self.path.with_suffix(".new")
        try:
            draft.unlink(missing_ok=True)
            with open(os.open(draft, _FLAGS | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123  # a descriptor
                file.writelines(lines)
            draft.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise self._fault(error) from error
        self.open()

    def sync(self) -> None:
        """Wait until all is on the disk; for a thread. A full or broken disk shows when the next line is written."""
        with contextlib.suppress(OSError):
            fd = os.dup(self._fd)
            try:
                os.fdatasync(fd)
            finally:
                os.close(fd)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _fault(self, error: OSError) -> Fault:
        return Fault(Code.FAILED, f"{self.path.name} cannot be used: {error.strerror}")


def _plain(path: Path) -> int | None:
    """A descriptor of the plain file at `path`, which is made if there is none; None when something else is there."""
    try:
        fd = os.open(path, _FLAGS, 0o600)
    except (IsADirectoryError, FileExistsError):
        return None
    except OSError:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            return None
        raise
    found = os.fstat(fd)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return fd
    os.close(fd)
    return None


def _identity(found: os.stat_result) -> tuple[int, int, int, bool]:
    return found.st_dev, found.st_ino, found.st_nlink, stat.S_ISREG(found.st_mode)
