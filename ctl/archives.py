"""The format of a backup: a gzipped tar whose first member says what the others are. All of it is checked before any is used.

manifest.json          format, version, time, and of each file its path, size and SHA-256
config/hostel.toml
uid-mark               which uids were ever given out on this host
hostd/…                registry, audit log, keys: root's
api/…                  store, keys: the api user's
"""

import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from shared.errors import Code, Fault

FORMAT: Final = 1
CONFIG: Final = "config/hostel.toml"
MARK: Final = "uid-mark"
MANIFEST: Final = "manifest.json"
MANIFEST_MAX: Final = 16 * 1024 * 1024
"""Bytes of a manifest; an audit log of ten thousand files takes 2 MB."""
_NAME: Final = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,200}"
_PATH: Final = re.compile(rf"(?:{re.escape(CONFIG)}|{MARK}|(?:hostd|api)(?:/{_NAME}){{1,4}})")
_PIECE: Final = 1024 * 1024
_SLACK: Final = 1024 * 1024
"""Bytes of headers and padding around a member: a header is read into memory whole."""


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the backup."""

    path: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The first member."""

    format: int
    version: str
    created: str
    state: str
    files: list[Entry]


def entry_of(root: Path, path: str) -> Entry:
    """The entry of a file below `root`."""
    with (root / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Entry(path, os.fstat(file.fileno()).st_size, digest)


def pack(out: BinaryIO, root: Path, manifest: Manifest) -> None:
    """Write the files of `manifest`, which are below `root`, to `out`."""
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        _add(tar, MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        for entry in manifest.files:
            member = tarfile.TarInfo(entry.path)
            member.size, member.mode = entry.size, 0o600
            with (root / entry.path).open("rb") as file:
                tar.addfile(member, file)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    tar.addfile(member, io.BytesIO(data))


def unpack(path: Path, root: Path) -> Manifest:
    """Write the files of the backup at `path` below `root`, an empty folder. Raises Fault for what is not as it must be.

    Names are checked against a pattern; only plain files are taken, each once, as long as the manifest says, with its digest.
    """
    with _told(path), gzip.open(path) as packed, tarfile.open(fileobj=(bounded := _Bounded(packed)), mode="r|") as tar:
        members = iter(tar)
        manifest = _manifest(tar, next(members, None), root)
        wanted = {entry.path: entry for entry in manifest.files}
        for member in members:
            entry = wanted.pop(member.name, None)
            if entry is None or not member.isreg() or member.size != entry.size or member.sparse is not None:
                raise _bad(f"it holds {member.name[:200]!r}, which its manifest does not know so")
            bounded.left = entry.size + _SLACK
            _extract(tar, member, root / entry.path, entry)
        if wanted:
            raise _bad(f"it does not hold {min(wanted)}")
        if len(packed.read(_PIECE)) == _PIECE:  # to the end, where gzip's own checksum is
            raise _bad("more follows its end")
    return manifest


class _Bounded(io.RawIOBase):
    """What is read next, as far as it was allowed: a few bytes of gzip may stand for a header of any size."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self.left = MANIFEST_MAX + _SLACK

    def read(self, size: int = -1) -> bytes:
        self.left -= size
        if self.left < 0:
            raise _bad("a header in it is too large")
        return self._file.read(size)


def _manifest(tar: tarfile.TarFile, member: tarfile.TarInfo | None, root: Path) -> Manifest:
    if member is None or member.name != MANIFEST or not member.isreg() or member.size > MANIFEST_MAX:
        raise _bad("it does not begin with a manifest")
    file = tar.extractfile(member)
    data = file.read() if file else b""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise _bad(f"its manifest: {error}") from None
    if manifest.format != FORMAT:
        raise _bad(f"its format is {manifest.format}; this hostelctl reads {FORMAT}")
    paths = [entry.path for entry in manifest.files]
    if wrong := next((name for name in paths if not _PATH.fullmatch(name)), None):
        raise _bad(f"its manifest names {wrong[:200]!r}")
    if len(set(paths)) != len(paths) or any(entry.size < 0 for entry in manifest.files):
        raise _bad("its manifest names a file twice, or a size that is none")
    if sum(entry.size for entry in manifest.files) > shutil.disk_usage(root).free:
        raise Fault(Code.TOO_LARGE, f"the backup does not fit in {root}")
    return manifest


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, entry: Entry) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, source = hashlib.sha256(), tar.extractfile(member)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as out:
        while source and (data := source.read(_PIECE)):
            digest.update(data)
            out.write(data)
        out.flush()
        os.fsync(fd)
    if digest.hexdigest() != entry.sha256:
        raise _bad(f"{entry.path} is not as it was")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Fault(Code.NOT_FOUND, f"there is no backup {path}") from None
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise _bad(str(error)) from error


def _bad(why: str) -> Fault:
    return Fault(Code.BAD_REQUEST, f"this is not a backup that can be used: {why}")
