"""Files on their way in: written beside the clone, in `incoming/`, and put in their place when they are whole.

So what was there stays until the last byte has come, and what is never finished is never seen. It blocks, and runs in threads.
"""

import os
import threading
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from guest.files.files import describe, make_parents, regular, rename, version
from guest.files.paths import Root, Spot, faults, own_folder, spot
from guest.room import Room
from shared.errors import Code, Fault
from shared.files import FileInfo

_FOLDER: Final = "incoming"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READABLE: Final = 0o444
_EXECUTABLE: Final = 0o111

_placing: Final = threading.Lock()
"""Held from the look at the present version to its replacement, so that one of two writers is told of the other."""


class Place(Struct, frozen=True, kw_only=True):
    """Where a file is to be put, and on what condition."""

    root: Root
    path: str
    match: str | None
    """The version that must be there; "*" for any."""
    absent: bool
    """Whether nothing may be there."""
    executable: bool | None
    parents: bool

    def check(self) -> None:
        """Raise what putting it there would raise now, before the bytes are sent."""
        try:
            with spot(self.root, self.path, follow=True) as target:
                self.present(target.writable())
        except Fault as fault:
            if fault.code is not Code.NOT_FOUND:
                raise
            if not self.parents:
                raise Fault(Code.NOT_FOUND, f"the folder for it: {fault.message}; `parents` makes what is missing") from fault
            if self.match:
                raise Fault(Code.STALE, "there is no such file") from None

    def present(self, target: Spot) -> os.stat_result | None:
        """What is there. Raises Fault STALE when it is not what was named, CONFLICT when it is no file."""
        with faults():
            try:
                found = os.stat(target.name, dir_fd=target.folder, follow_symlinks=False)
            except FileNotFoundError:
                if self.match:
                    raise Fault(Code.STALE, "there is no such file") from None
                return None
            if self.absent:
                raise Fault(Code.STALE, "it is there already")
            regular(found)
            if self.match not in (None, "*", version(found)):
                raise Fault(Code.STALE, "it has changed since")
            return found


class Draft:
    """A file on its way."""

    def __init__(self, sessions: Path, session: str) -> None:
        """Make an empty one in `session`. Raises Fault FAILED."""
        self._folder = own_folder(sessions, session, _FOLDER)
        self._name = os.urandom(8).hex().encode()
        try:
            with faults():
                self._fd = os.open(self._name, _NEW, 0o600, dir_fd=self._folder)
        except BaseException:
            os.close(self._folder)
            raise
        self.size = 0
        self._placed = False

    def __enter__(self) -> Self:
        """Discard it when the block ends, unless it was placed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Discard it."""
        os.close(self._fd)
        try:
            if not self._placed:
                with faults():
                    os.unlink(self._name, dir_fd=self._folder)
        finally:
            os.close(self._folder)

    def write(self, data: bytes) -> None:
        """Append `data`. Raises Fault FAILED, as with a full disk."""
        view = memoryview(data)
        with faults():
            while view:
                view = view[os.write(self._fd, view) :]
        self.size += len(data)

    def put(self, place: Place) -> tuple[FileInfo, bool]:
        """Put it in its place; what is there now, and whether it is new. Raises Fault as `Place.check`, FAILED."""
        if place.parents:
            make_parents(place.root, place.path)
        with spot(place.root, place.path, follow=True) as target, _placing, faults():
            old = place.present(target.writable())
            os.fchmod(self._fd, _mode(old, executable=place.executable))
            try:
                rename(self._spot, target, replace=not place.absent)
            except FileExistsError:
                raise Fault(Code.STALE, "it is there already") from None
            self._placed = True
            return describe(target.path, target.folder, target.name), old is None

    def keep(self, folder: int, name: str) -> None:
        """Put it into an open folder of hostel's own. Raises Fault FAILED."""
        with faults():
            os.rename(self._name, name, src_dir_fd=self._folder, dst_dir_fd=folder)
        self._placed = True

    @property
    def _spot(self) -> Spot:
        return Spot(self._folder, self._name, (self._name,))


def _mode(old: os.stat_result | None, *, executable: bool | None) -> int:
    """The old mode, without set-uid; else the owner's alone."""
    mode = old.st_mode & 0o777 if old else 0o600
    if executable is None:
        return mode
    return mode | (mode & _READABLE) >> 2 if executable else mode & ~_EXECUTABLE


class Uploads:
    """What may come in, and how much of it."""

    def __init__(self, room: Room) -> None:
        """Take the limits from `room`."""
        self._sessions = room.sessions
        self._file_max = room.settings.file_max
        self.attachments = room.settings.attachments
        """Bytes of all attachments of a session."""
        self._swept: set[str] = set()

    def check(self, size: int, most: int | None = None) -> None:
        """Raise Fault TOO_LARGE for a file that is longer than is accepted, LIMIT for one that is longer than `most`."""
        if size > self._file_max:
            raise Fault(Code.TOO_LARGE, f"a file may have at most {self._file_max} bytes")
        if most is not None and size > most:
            raise Fault(Code.LIMIT, f"the attachments of a session may have {most} bytes together")

    def draft(self, session: str) -> Draft:
        """An empty file. What an earlier guest did not finish is removed when the first is made. Raises Fault FAILED."""
        if session not in self._swept:
            _sweep(self._sessions, session)
            self._swept.add(session)
        return Draft(self._sessions, session)


def _sweep(sessions: Path, session: str) -> None:
    folder = own_folder(sessions, session, _FOLDER)
    try:
        with faults():
            for name in os.listdir(folder):  # noqa: PTH208  # a descriptor
                os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)
