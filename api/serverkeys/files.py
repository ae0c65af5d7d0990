"""Files that hold a key each: whole or not there, and nobody's but their owner's."""

import base64
import os
import secrets
import time
from pathlib import Path
from typing import Final

_PRIVATE: Final = 0o077


def number_of(last: int) -> int:
    """The number of a new file, above `last`: the time, unless the clock was set back."""
    return max(int(time.time()), last + 1)


def base64url(data: bytes) -> str:
    """Without padding: RFC 7515."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_key(path: Path) -> bytes:
    """What the file holds. Raises OSError, PermissionError when others can read it too."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        if os.fstat(fd).st_mode & _PRIVATE:
            raise PermissionError(f"{path.name} is readable by others than its owner; chmod 600 it")
        return file.read()


def write_key(path: Path, data: bytes) -> None:
    """Make the file, whole and durably, or not at all; another's stays, when that one was first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(fd)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
