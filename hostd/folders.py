"""Folders, made and opened by descriptor: a symbolic link is never followed, an owner never assumed."""

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from shared.errors import Code, Fault

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH_MAX: Final = 32


@contextlib.contextmanager
def opened(name: str, parent: int) -> Iterator[int]:
    """A descriptor of the folder `name` in `parent`, while the block runs. Raises OSError, for a symbolic link too."""
    fd = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def made(name: str, parent: int, *, uid: int, gid: int, mode: int) -> Iterator[int]:
    """The folder `name` in `parent`, made if it is not there, with this owner and mode when the block ends well.

    Until then a new folder is root's alone. Raises Fault CONFLICT for one that is neither root's nor `uid`'s.
    """
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    with opened(name, parent) as fd:
        if os.fstat(fd).st_uid not in (0, uid):
            raise Fault(Code.CONFLICT, f"the folder {name} belongs to somebody else")
        yield fd
        os.fchown(fd, uid, gid)
        os.fchmod(fd, mode)


def make(path: Path, *, uid: int = 0, gid: int, mode: int) -> None:
    """Make the folder `path`, in a parent that is there. Raises Fault when anybody but root could replace it."""
    trust(path.parent)
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with made(path.name, parent, uid=uid, gid=gid, mode=mode):
            pass
    finally:
        os.close(parent)


def trust(path: Path) -> None:
    """Raise Fault FORBIDDEN unless root alone can change where `path`, a folder, leads."""
    resolved = path.resolve(strict=True)
    for folder in (resolved, *resolved.parents):
        status = folder.stat()
        writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
        if status.st_uid != 0 or writable:
            raise Fault(Code.FORBIDDEN, f"{folder} must belong to root and be writable to root alone")


def write(parent: int, files: Mapping[str, bytes], *, reader: int = 0) -> None:
    """Make or replace files in `parent`, in which root alone writes: each atomically, all durably.

    They are root's 0600, or, with the group `reader`, 0640.
    """
    for name, data in files.items():
        fresh = f".{name}.new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh, dir_fd=parent)
        with os.fdopen(os.open(fresh, _NEW_FILE, 0o600, dir_fd=parent), "wb") as file:
            file.write(data)
            file.flush()
            if reader:
                os.fchown(file.fileno(), 0, reader)
                os.fchmod(file.fileno(), 0o640)
            os.fsync(file.fileno())
        os.rename(fresh, name, src_dir_fd=parent, dst_dir_fd=parent)
    os.fsync(parent)


def read(name: str, parent: int) -> bytes:
    """All of the file `name` in `parent`. Raises OSError, for a symbolic link too."""
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent), "rb") as file:
        return file.read()


def remove(name: str, parent: int, depth: int = 0) -> None:
    """Remove whatever `name` in `parent` is, with all in it; nothing when it is not there.

    For what root left; a tenant's own files are removed as the tenant before. Raises OSError, and Fault FAILED for a tree
    that is too deep to be root's.
    """
    if depth > _DEPTH_MAX:
        raise Fault(Code.FAILED, "the home holds a tree that is too deep")
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=parent)
            return
        with opened(name, parent) as fd:
            for entry in os.listdir(fd):  # noqa: PTH208  # a descriptor has no path
                remove(entry, fd, depth + 1)
        os.rmdir(name, dir_fd=parent)
