"""The archive of a home: a tar of the PAX format, written as it is read, whatever is in there and whoever changes it meanwhile.

What cannot be read is noted and left out. Holes are kept as holes, by GNU's sparse format 1.0: a file of a terabyte with
nothing in it takes no time and no space.
"""

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import msgspec
from msgspec import Struct

from shared.guestwire.export import REPORT, SKIPPED_MAX

_PIECE: Final = 1024 * 1024
_BLOCK: Final = 512
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
Parts: TypeAlias = list[tuple[int, int]]
"""Where a file holds data: offsets and sizes."""
_MODE: Final = 0o1777
"""Of a member: an archive that root unpacks must make no program that runs as its owner."""


class Skipped(Struct, frozen=True):
    """What is not in the archive, or not as it was."""

    path: str
    reason: str


class Report(Struct, frozen=True, rename="camel"):
    """The archive's last member."""

    workspace: str
    members: int
    bytes: int
    """Of the files, before they are compressed."""
    left_out: list[str]
    """Credentials of agents, which hostel has put there."""
    skipped: list[Skipped]
    skipped_total: int


class Archive:
    """One archive."""

    def __init__(self, out: BinaryIO, workspace: str, left_out: frozenset[str]) -> None:
        """Written to `out`; its members are below a folder named `workspace`. `left_out`: paths in the home."""
        self._tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, dereference=False)  # noqa: SIM115  # closed
        self._workspace = workspace
        self._left_out = left_out
        self._links: dict[tuple[int, int], str] = {}
        self._skipped: list[Skipped] = []
        self._skipped_total = 0
        self._members = 0
        self._bytes = 0

    def write(self) -> None:
        """Archive the current folder, and end with the report."""
        device = Path.cwd().stat().st_dev
        folders = [""]
        while folders:
            folder = folders.pop()
            for name in self._names(folder):
                path = f"{folder}/{name}" if folder else name
                if path in self._left_out:
                    continue
                try:
                    if self._add(path, os.lstat(path), device):
                        folders.append(path)
                except OSError as error:
                    self._skip(path, error.strerror or "it cannot be read")
        self._report()
        self._tar.close()

    def _names(self, folder: str) -> Iterator[str]:
        try:
            with os.scandir(folder or ".") as entries:
                names = [entry.name for entry in entries]
        except OSError as error:
            self._skip(folder, error.strerror or "it cannot be read")
            return
        yield from sorted(names)

    def _add(self, path: str, found: os.stat_result, device: int) -> bool:
        """Archive what is at `path`; whether it is a folder to go into."""
        if stat.S_ISREG(found.st_mode):
            self._add_file(path)
        elif stat.S_ISLNK(found.st_mode):
            self._put(self._member(path, found, tarfile.SYMTYPE, link=str(Path(path).readlink())))
        elif not stat.S_ISDIR(found.st_mode):
            self._skip(path, "a socket, a FIFO or a device")
        elif found.st_dev != device:
            self._skip(path, "another file system")
        else:
            self._put(self._member(path, found, tarfile.DIRTYPE))
            return True
        return False

    def _add_file(self, path: str) -> None:
        fd = os.open(path, _OPEN)
        with os.fdopen(fd, "rb", buffering=0) as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                self._skip(path, "it was replaced meanwhile")
                return
            first = self._links.setdefault((found.st_dev, found.st_ino), path) if found.st_nlink > 1 else path
            if first != path:
                self._put(self._member(path, found, tarfile.LNKTYPE, link=f"{self._workspace}/{first}"))
                return
            parts = list(_parts(fd, found)) if found.st_blocks * _BLOCK < found.st_size else None
            reader = _Reader(file, [(0, found.st_size)] if parts is None else parts)
            self._put(self._member(path, found, tarfile.REGTYPE), reader, parts)
            after = os.fstat(fd)
            if reader.short or (after.st_size, after.st_mtime_ns) != (found.st_size, found.st_mtime_ns):
                self._skip(path, "it was changed while it was read")

    def _member(self, path: str, found: os.stat_result, kind: bytes, link: str = "") -> tarfile.TarInfo:
        member = tarfile.TarInfo(f"{self._workspace}/{path}")
        member.type, member.linkname = kind, link
        member.mode, member.mtime = found.st_mode & _MODE, found.st_mtime
        member.uid, member.gid = found.st_uid, found.st_gid
        member.uname = member.gname = self._workspace
        member.size = found.st_size if kind == tarfile.REGTYPE else 0
        return member

    def _put(
        self, member: tarfile.TarInfo, reader: "_Reader | None" = None, parts: list[tuple[int, int]] | None = None
    ) -> None:
        self._members += 1
        if parts is not None and reader is not None:
            lines = [len(parts), *(number for part in parts for number in part)]
            head = "".join(f"{number}\n" for number in lines).encode()
            reader.head = head + bytes(-len(head) % _BLOCK)
            member.pax_headers = {
                "GNU.sparse.major": "1",
                "GNU.sparse.minor": "0",
                "GNU.sparse.name": member.name,
                "GNU.sparse.realsize": str(member.size),
            }
            member.size = len(reader.head) + sum(size for _, size in parts)
        self._bytes += member.size
        self._tar.addfile(member, reader)  # type: ignore[arg-type]  # only `read` of it is used

    def _skip(self, path: str, reason: str) -> None:
        self._skipped_total += 1
        if len(self._skipped) < SKIPPED_MAX:
            # A name may be any bytes; JSON is UTF-8.
            self._skipped.append(Skipped(os.fsencode(path).decode(errors="backslashreplace"), reason))

    def _report(self) -> None:
        report = Report(self._workspace, self._members, self._bytes, sorted(self._left_out), self._skipped, self._skipped_total)
        data = msgspec.json.format(msgspec.json.encode(report))
        member = tarfile.TarInfo(REPORT)
        member.size = len(data)
        self._tar.addfile(member, _Bytes(data))  # type: ignore[arg-type]  # only `read` of it is used


class _Bytes:
    """What `tarfile` reads a member's content from."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def read(self, size: int) -> bytes:
        data, self._data = bytes(self._data[:size]), self._data[size:]
        return data


class _Reader:
    """The parts of a file as `tarfile` wants them: exactly as long as was said, whatever becomes of the file."""

    def __init__(self, file: BinaryIO, parts: Parts) -> None:
        self._file = file
        self._parts = [part for part in parts if part[1]][::-1]
        self.head = b""
        self.short = False

    def read(self, size: int) -> bytes:
        out = bytearray(self.head[:size])
        self.head = self.head[len(out) :]
        while len(out) < size and self._parts:
            start, left = self._parts.pop()
            data = self._read(start, min(size - len(out), left, _PIECE))
            out += data
            if left > len(data):
                self._parts.append((start + len(data), left - len(data)))
        return bytes(out)

    def _read(self, start: int, size: int) -> bytes:
        try:
            data = os.pread(self._file.fileno(), size, start)
        except OSError:
            data = b""
        if not data:
            # It has become shorter, or its disk fails: the member's length was told already.
            self.short = True
            return bytes(size)
        return data


def _parts(fd: int, found: os.stat_result) -> Iterator[tuple[int, int]]:
    """Where the file holds data, as (offset, size); by GNU's format an empty part at the end says how long it is."""
    at = 0
    while at < found.st_size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        end = min(os.lseek(fd, start, os.SEEK_HOLE), found.st_size)
        if start >= end:
            break
        yield start, end - start
        at = end
    yield found.st_size, 0
