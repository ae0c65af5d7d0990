"""The index on the disk: `~/.hostel/transcripts.idx`. The tenant can write it: what is damaged is made anew."""

import contextlib
import os
from typing import Final

import msgspec
from msgspec import Struct

from guest.transcripts import places
from guest.transcripts.known import Known

_VERSION: Final = 1
_FOLDER: Final = ".hostel"
_FILE: Final = "transcripts.idx"
_FILE_MAX: Final = 256 * 1024 * 1024
_DRAFT: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Saved(Struct):
    """What is in the file."""

    known: dict[str, Known]
    """By path."""
    databases: dict[str, tuple[int, ...]]
    """Of each database by which it is known that nothing in it has changed."""
    version: int = _VERSION


def load(home: int) -> Saved:
    """What an earlier process saved in the open folder `home`; nothing when it cannot be read."""
    try:
        with open(places.open_file(home, f"{_FOLDER}/{_FILE}"), "rb") as file:  # noqa: PTH123  # a descriptor
            saved = msgspec.msgpack.decode(file.read(_FILE_MAX), type=Saved)
    except (OSError, ValueError, RecursionError):
        return Saved({}, {})
    if saved.version != _VERSION or any(path != k.path or k.agent not in places.AGENTS for path, k in saved.known.items()):
        return Saved({}, {})
    return saved


def save(home: int, saved: Saved) -> bool:
    """Write it; whoever reads sees the old or the new one. False when that was not possible, as with a full disk."""
    draft = f"{_FILE}.new"
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(_FOLDER, 0o700, dir_fd=home)
        folder = places.descend(home, _FOLDER)
    except OSError:
        return False
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)
        with open(os.open(draft, _DRAFT, 0o600, dir_fd=folder), "wb") as file:  # noqa: PTH123  # a descriptor
            file.write(msgspec.msgpack.encode(saved))
        os.rename(draft, _FILE, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True
