"""Small files in the home for the tenant's eyes alone: read and written whole."""

import contextlib
import os
import stat
from pathlib import Path

Identity = tuple[int, int, int]
"""Inode, time of the last change in nanoseconds, size: another content has another one."""


def identity(path: Path) -> Identity | None:
    """What tells whether the file was changed; None when there is no regular file."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def read(path: Path, most: int) -> bytes | None:
    """The content of a regular file of at most `most` bytes; None when there is none. Raises OSError for anything else."""
    try:
        # A FIFO or a link in its place must neither stop the guest nor lead it elsewhere.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with open(fd, "rb") as file:  # noqa: PTH123  # a descriptor
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(f"{path.name} is no regular file")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"{path.name} has more than {most} bytes")
    return content


def write(path: Path, content: bytes) -> None:
    """Write it, 0600, with the folders that it needs, 0700; a reader sees the old or the new content. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:  # noqa: PTH123  # a descriptor
            file.write(content)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
