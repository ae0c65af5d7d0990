"""Pages of a tree: a folder's entries in order of their names' bytes, what is in a folder right after it.

It blocks, and runs in a thread. However many entries a folder has, no more of them are kept than a page holds.
"""

import contextlib
import heapq
import os
import stat
from collections.abc import Generator, Iterable, Iterator
from typing import Final

from msgspec import Struct

from guest.files.files import describe
from guest.files.paths import Root, faults, parts, shown, spot
from shared.errors import Code, Fault
from shared.files import PATH_MAX, FileInfo, FileKind

SCANNED_MAX: Final = 1_000_000
"""Entries that are looked at for one page."""
_PAGE_BYTES: Final = 512 * 1024
"""Of the texts in a page, which has to fit a frame."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_GIT: Final = b".git"


class Page(Struct):
    """What is wanted."""

    depth: int
    limit: int
    after: str
    """The path of the last entry before the page; "" for the first page."""
    git: bool
    """Whether `.git` is shown."""
    scanned: int = 0


def page(root: Root, path: str, wanted: Page) -> tuple[list[FileInfo], bool]:
    """The entries of a page, and whether there are more. Raises Fault NOT_FOUND, CONFLICT for what is no folder, TOO_LARGE."""
    after = parts(wanted.after)
    with spot(root, path, follow=True) as found, faults():
        if not stat.S_ISDIR(os.stat(found.name, dir_fd=found.folder, follow_symlinks=False).st_mode):
            raise Fault(Code.CONFLICT, "it is not a folder")
        top = os.open(found.name, _FOLDER, dir_fd=found.folder)
        try:
            # A cursor from elsewhere begins at the top.
            depth = len(found.names)
            rest = after[depth:] if tuple(after[:depth]) == found.names else []
            with contextlib.closing(_entries(top, list(found.names), rest, wanted.depth, wanted)) as entries:
                return _cut(entries, wanted.limit)
        finally:
            os.close(top)


def _cut(entries: Iterable[FileInfo], limit: int) -> tuple[list[FileInfo], bool]:
    items: list[FileInfo] = []
    size = 0
    for info in entries:
        size += len(info.path.encode()) + len((info.target or "").encode())
        if len(items) == limit or (items and size > _PAGE_BYTES):
            return items, True
        items.append(info)
    return items, False


def _entries(folder: int, names: list[bytes], after: list[bytes], depth: int, wanted: Page) -> Generator[FileInfo, None, None]:
    """The entries below `folder` that follow `after`, which is relative to it."""
    for name in _names(folder, after[0] if after else b"", wanted):
        path = shown(b"/".join([*names, name]))
        if len(path) > PATH_MAX:
            continue
        begun = after[1:] if after and name == after[0] else None  # the page before ended at it, or inside of it
        try:
            info = describe(path, folder, name)
        except FileNotFoundError:
            continue
        if begun is None:
            yield info
        if info.kind is FileKind.FOLDER and depth > 1:
            yield from _inside(folder, [*names, name], begun or [], depth - 1, wanted)


def _inside(above: int, names: list[bytes], after: list[bytes], depth: int, wanted: Page) -> Iterator[FileInfo]:
    try:
        folder = os.open(names[-1], _FOLDER, dir_fd=above)
    except OSError:  # gone, replaced, or not to be read: it was told as an entry, and that is all
        return
    try:
        yield from _entries(folder, names, after, depth, wanted)
    finally:
        os.close(folder)


def _names(folder: int, first: bytes, wanted: Page) -> Iterator[bytes]:
    """The names of a folder from `first` on, in order; a page's worth is kept at a time."""
    batch = wanted.limit + 2
    while True:
        found = heapq.nsmallest(batch, _scan(folder, first, wanted))
        yield from found
        if len(found) < batch:
            return
        first = found[-1] + b"\0"


def _scan(folder: int, first: bytes, wanted: Page) -> Iterator[bytes]:
    with os.scandir(folder) as entries:
        for entry in entries:
            wanted.scanned += 1
            if wanted.scanned > SCANNED_MAX:
                raise Fault(Code.TOO_LARGE, f"more than {SCANNED_MAX} entries would have to be looked at")
            name = os.fsencode(entry.name)
            if name >= first and (wanted.git or name != _GIT):
                yield name
