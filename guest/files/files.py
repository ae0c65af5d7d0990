"""The files of a clone or a worktree: looked at, made, moved and removed by open descriptors, see `guest.files.paths`.

All but `remove` blocks, and runs in a thread. What is told of a file is only true of the moment.
"""

import os
import stat
import struct
from typing import Final

from guest import clock
from guest.files.paths import Root, Spot, faults, parts, shown, spot
from guest.trees import Trees
from shared.errors import Code, Fault
from shared.files import PATH_MAX, FileInfo, FileKind

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: to open a FIFO must not wait for whoever writes to it."""
_STATE: Final = struct.Struct(">QQQQ")
_WORD: Final = 2**64 - 1
_NOREPLACE: Final = 1
"""RENAME_NOREPLACE of renameat2(2)."""
_KINDS: Final = ((stat.S_ISREG, FileKind.FILE), (stat.S_ISDIR, FileKind.FOLDER), (stat.S_ISLNK, FileKind.LINK))


def version(found: os.stat_result) -> str:
    """What tells this state of a file from any other: whatever changes its bytes changes its times."""
    times = (time & _WORD for time in (found.st_mtime_ns, found.st_ctime_ns))  # anybody may set one that no word holds
    return _STATE.pack(found.st_ino, found.st_size, *times).hex()


def describe(path: str, folder: int, name: bytes) -> FileInfo:
    """What is told of the entry `name`. Raises OSError."""
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    kind = next((kind for test, kind in _KINDS if test(found.st_mode)), FileKind.OTHER)
    return FileInfo(
        path=path,
        kind=kind,
        size=found.st_size,
        modified=clock.told(found.st_mtime),
        mode=stat.S_IMODE(found.st_mode),
        target=shown(os.readlink(name, dir_fd=folder))[:PATH_MAX] if kind is FileKind.LINK else None,
        version=version(found) if kind is FileKind.FILE else None,
    )


def look(root: Root, path: str) -> FileInfo:
    """One entry; a link is told as a link. Raises Fault NOT_FOUND."""
    with spot(root, path, follow=False) as found, faults():
        return describe(found.path, found.folder, found.name)


def open_file(root: Root, path: str) -> int:
    """A descriptor to read the file from. Raises Fault NOT_FOUND, CONFLICT for what is no file, FAILED."""
    with spot(root, path, follow=True) as found:
        return open_at(found.folder, found.name)


def open_at(folder: int, name: bytes) -> int:
    """The same for a name in an open folder."""
    with faults():
        regular(os.stat(name, dir_fd=folder, follow_symlinks=False))  # to open a FIFO would wake its writer
        fd = os.open(name, _READ, dir_fd=folder)
        try:
            regular(os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise
        return fd


def regular(found: os.stat_result) -> None:
    """Raise Fault CONFLICT unless it is a file."""
    if stat.S_ISDIR(found.st_mode):
        raise Fault(Code.CONFLICT, "it is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise Fault(Code.CONFLICT, "it is not a regular file")


def make_folder(root: Root, path: str, *, parents: bool) -> FileInfo:
    """Make a folder, and those above it if `parents`. Raises Fault CONFLICT when it is there, NOT_FOUND, FAILED."""
    if parents:
        make_parents(root, path)
    with spot(root, path, follow=False) as found, faults():
        found.writable()
        os.mkdir(found.name, 0o700, dir_fd=found.folder)
        return describe(found.path, found.folder, found.name)


def make_parents(root: Root, path: str) -> None:
    """Make the folders above `path` that are not there. Raises Fault NOT_FOUND for a file in their place, FAILED."""
    names = parts(path)
    for count in range(1, len(names)):
        with spot(root, shown(b"/".join(names[:count])), follow=True) as found, faults():
            try:
                os.stat(found.name, dir_fd=found.folder, follow_symlinks=False)
            except FileNotFoundError:
                os.mkdir(found.writable().name, 0o700, dir_fd=found.folder)


def move(root: Root, path: str, to: str, *, overwrite: bool) -> FileInfo:
    """Rename or move an entry; a link is moved itself. Raises Fault NOT_FOUND, CONFLICT, FAILED."""
    with spot(root, path, follow=False) as source, spot(root, to, follow=False) as target, faults():
        rename(source.writable(), target.writable(), replace=overwrite)
        return describe(target.path, target.folder, target.name)


def rename(source: Spot, target: Spot, *, replace: bool) -> None:
    """Rename, over what is there only if `replace`, in one step. Raises OSError."""
    if replace:
        os.rename(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder)
    else:
        import ctypes  # noqa: PLC0415  # a guest that moves nothing does without it

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.renameat2(source.folder, source.name, target.folder, target.name, _NOREPLACE):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


async def remove(root: Root, path: str, trees: Trees, *, recursive: bool) -> None:
    """Remove an entry; a folder that is not empty only if `recursive`. Raises Fault NOT_FOUND, CONFLICT, FAILED."""
    with spot(root, path, follow=False) as found, faults():
        found.writable()
        if not stat.S_ISDIR(os.stat(found.name, dir_fd=found.folder, follow_symlinks=False).st_mode):
            os.unlink(found.name, dir_fd=found.folder)
        elif recursive:
            await trees.remove(found.name, folder=found.folder)
        else:
            os.rmdir(found.name, dir_fd=found.folder)
