"""Paths that stay inside a folder, whatever a tenant does to the tree meanwhile.

Nothing is opened by a path of more than one name: each step is taken from an open descriptor of the folder before it, without
following a symbolic link. Links that stay inside are followed by hand; absolute ones, and those that climb out, are refused.
(`openat2` with RESOLVE_BENEATH does the same where the kernel and its sandboxes have it; this works everywhere.)
"""

import contextlib
import errno
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from shared.errors import Code, Fault

_NAME_MAX: Final = 255
_LINKS_MAX: Final = 40
_STEPS_MAX: Final = 4096
"""Folders that are opened on the way of one path, its links' included."""
_FOLDER: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_GIT: Final = b".git"
_CODES: Final[Mapping[int, Code]] = {
    errno.ENOENT: Code.NOT_FOUND,
    errno.ENOTDIR: Code.NOT_FOUND,
    errno.EEXIST: Code.CONFLICT,
    errno.ENOTEMPTY: Code.CONFLICT,
    errno.EISDIR: Code.CONFLICT,
    errno.ELOOP: Code.BAD_REQUEST,
    errno.ENAMETOOLONG: Code.BAD_REQUEST,
    errno.EINVAL: Code.BAD_REQUEST,
}
_SHOWN: Final = {0xDC00 + byte: 0xEF00 + byte for byte in range(0x80, 0x100)}
_MEANT: Final = {shown: escaped for escaped, shown in _SHOWN.items()}
_OURS: Final = re.compile("[\uef80-\uefff]")


def shown(raw: bytes) -> str:
    """How a name or path is told; see `shared.files`."""
    text = raw.decode("utf-8", "surrogateescape")
    if text.isascii():
        return text
    # A name that has such a character itself is told byte by byte, or it would be taken for another one.
    return _OURS.sub(lambda match: _escaped(match[0]), text).translate(_SHOWN)


def _escaped(text: str) -> str:
    return text.encode().decode("ascii", "surrogateescape")


def meant(path: str) -> bytes:
    """The bytes that a told path stands for. Raises Fault BAD_REQUEST."""
    try:
        return path.translate(_MEANT).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Fault(Code.BAD_REQUEST, "the path is not valid Unicode") from None


def parts(path: str) -> list[bytes]:
    """The names in `path`. Raises Fault BAD_REQUEST for what is not a plain relative path."""
    if not path:
        return []
    names = meant(path).split(b"/")
    if not names[0]:
        raise Fault(Code.BAD_REQUEST, "the path must be relative to the session's folder")
    for name in names:
        if name in (b"", b".", b".."):
            raise Fault(Code.BAD_REQUEST, "the path must not have empty, `.` or `..` parts")
        if len(name) > _NAME_MAX or b"\0" in name:
            raise Fault(Code.BAD_REQUEST, f"a name in the path has a NUL or more than {_NAME_MAX} bytes")
    return names


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """Turn OSError into the Fault that tells of it."""
    try:
        yield
    except OSError as error:
        raise Fault(_CODES.get(error.errno or 0, Code.FAILED), f"{error.strerror}") from error


class Spot(Struct, frozen=True):
    """Where a path leads: a name in an open folder."""

    folder: int
    """An O_PATH descriptor; whoever uses a name in it must not follow links."""
    name: bytes
    """`.` for the root itself."""
    names: tuple[bytes, ...]
    """The way from the root, free of links; empty for the root itself."""

    @property
    def path(self) -> str:
        """The way, as it is told."""
        return shown(b"/".join(self.names))

    def writable(self) -> "Spot":
        """Itself. Raises Fault BAD_REQUEST for the root and for what is git's own, which git's own verbs change."""
        if not self.names:
            raise Fault(Code.BAD_REQUEST, "this is the session's own folder")
        if _GIT in self.names:
            raise Fault(Code.BAD_REQUEST, "what is in `.git` can be read only; it is changed by git")
        return self


class Root(Struct, frozen=True):
    """The folder in which paths are to stay: a clone, a worktree, or another folder of a session."""

    sessions: Path
    """The folder of all sessions, which the tenant cannot replace."""
    names: tuple[str, ...]
    """The way from there."""

    def open(self) -> int:
        """An O_PATH descriptor. Raises Fault NOT_FOUND also when the tenant has put a link on the way."""
        with faults():
            found = os.open(self.sessions, _FOLDER)
            for name in self.names:
                above = found
                try:
                    found = os.open(name, _FOLDER, dir_fd=above)
                finally:
                    os.close(above)
            return found


def own_folder(sessions: Path, session: str, name: str) -> int:
    """A descriptor of a folder of hostel's own beside the session's clone, made if there is none. Raises Fault FAILED."""
    above = Root(sessions, (session,)).open()
    try:
        with faults():
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=above)
            return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    finally:
        os.close(above)


@contextlib.contextmanager
def spot(root: Root, path: str, *, follow: bool) -> Iterator[Spot]:
    """Where `path` leads below `root`; a link at its end counts as itself unless `follow`.

    Raises Fault BAD_REQUEST for a path that is none or leads out, NOT_FOUND when a folder on the way is not there.
    """
    names = parts(path)
    with faults(), contextlib.closing(_Walk(root)) as walk:
        yield walk.to(names, follow=follow)


class _Walk:
    """A way from a root, on which one descriptor is open beside the root's."""

    def __init__(self, root: Root) -> None:
        self._root = self._at = root.open()
        self._names: list[bytes] = []
        self._steps = 0

    def close(self) -> None:
        os.close(self._at)
        if self._at != self._root:
            os.close(self._root)

    def to(self, names: list[bytes], *, follow: bool) -> Spot:
        todo, links = deque(names), 0
        while todo:
            name = todo.popleft()
            if name == b"..":
                self._up()
            elif (follow or todo) and (target := self._link(name)) is not None:
                links += 1
                if links > _LINKS_MAX:
                    raise Fault(Code.BAD_REQUEST, "too many symbolic links")
                if target.startswith(b"/"):
                    raise _outside()
                todo.extendleft(reversed([part for part in target.split(b"/") if part not in (b"", b".")]))
            elif todo:
                self._enter(name)
            else:
                return Spot(self._at, name, (*self._names, name))
        return self._here()

    def _here(self) -> Spot:
        """The folder itself, to which a link has led back."""
        if not self._names:
            return Spot(self._root, b".", ())
        names = tuple(self._names)
        self._up()
        return Spot(self._at, names[-1], names)

    def _link(self, name: bytes) -> bytes | None:
        """Where the link `name` leads; None for what is no link, or not there."""
        try:
            return os.readlink(name, dir_fd=self._at)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def _enter(self, name: bytes) -> None:
        self._steps += 1
        if self._steps > _STEPS_MAX:
            raise Fault(Code.BAD_REQUEST, "the path is too long")
        entered = os.open(name, _FOLDER, dir_fd=self._at)
        if self._at != self._root:
            os.close(self._at)
        self._at = entered
        self._names.append(name)

    def _up(self) -> None:
        """Go to the folder above, by the way that led here: it may have been moved since, and `..` would lead elsewhere."""
        if not self._names:
            raise _outside()
        names = self._names[:-1]
        if self._at != self._root:
            os.close(self._at)
        self._at, self._names = self._root, []
        for name in names:
            self._enter(name)


def _outside() -> Fault:
    return Fault(Code.BAD_REQUEST, "a symbolic link on the path leads out of the session's folder")
