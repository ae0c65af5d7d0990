"""The folder of all installed programs: root's, read and executed by all, changed in one step for each.

FOLDER/NAME                      a link to the installation in use
FOLDER/.store/NAME-VERSION-DIGEST   an installation: complete from the moment that it has this name
FOLDER/.store/new-…              one that is being made
FOLDER/bin                       what is on every tenant's PATH
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shared.errors import Code, Fault

_NEW: Final = "new-"
_OPEN: Final = stat.S_IWGRP | stat.S_IWOTH


class Store:
    """What is installed below one folder."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the configuration's `agents.folder`."""
        self.folder = folder
        self._store = folder / ".store"

    @property
    def cache(self) -> Path:
        """What was downloaded by an installation that did not come to its end: the next one goes on from there."""
        return self._store / "cache"

    def current(self, name: str) -> Path | None:
        """The installation of `name` that is in use."""
        with contextlib.suppress(OSError):
            target = self._store / (self.folder / name).readlink().name
            if target.is_dir():
                return target
        return None

    def label(self, name: str) -> str | None:
        """Version and digest of the installation of `name` that is in use."""
        current = self.current(name)
        return current.name.removeprefix(f"{name}-") if current else None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder ready, and keep others from installing. Raises Fault when it cannot be, or BUSY."""
        self._prepare()
        descriptor = os.open(self._store / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Fault(Code.BUSY, f"another installation is at work in {self.folder}") from None
            self._sweep()
            yield
        finally:
            os.close(descriptor)

    def _prepare(self) -> None:
        if os.geteuid() != 0:
            raise Fault(Code.FORBIDDEN, "agents are root's: hostelctl agents install has to run as root")
        try:
            for folder in (self.folder, self._store, self.folder / "bin"):
                folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise Fault(Code.FAILED, f"cannot make {error.filename}: {error.strerror}") from error
        if wrong := reach(self.folder):
            raise Fault(Code.FAILED, f"agents.folder cannot be {self.folder}: {wrong}")
        for folder in (self.folder, self._store, self.folder / "bin"):
            os.chown(folder, 0, 0)
            folder.chmod(0o755)

    def _sweep(self) -> None:
        """Remove what an installation that was killed has left."""
        for path in self._store.glob(f"{_NEW}*"):
            shutil.rmtree(path, ignore_errors=True)

    @contextlib.contextmanager
    def staged(self, name: str, label: str) -> Iterator[Path]:
        """A folder to make an installation in; it is the one in use when the block ends without an error."""
        staging = Path(tempfile.mkdtemp(prefix=f"{_NEW}{name}-", dir=self._store))
        try:
            yield staging
            seal(staging)
            os.sync()
            target = self.place(name, label)
            shutil.rmtree(target, ignore_errors=True)
            staging.rename(target)
            self.link(name, target)
        except OSError as error:
            raise Fault(Code.FAILED, f"cannot install {name}: {error.strerror}") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        self._drop_others(name, target)

    def place(self, name: str, label: str) -> Path:
        """Where an installation goes."""
        return self._store / f"{name}-{label}"

    def link(self, name: str, target: Path) -> None:
        """Let FOLDER/NAME lead to `target`, in one step."""
        new = self._store / f"{_NEW}link"
        new.unlink(missing_ok=True)
        new.symlink_to(target.relative_to(self.folder))
        new.replace(self.folder / name)

    def write_program(self, name: str, text: str) -> None:
        """Put a script into FOLDER/bin, in one step."""
        new = self._store / f"{_NEW}program"
        new.write_text(text, encoding="utf-8")
        new.chmod(0o755)
        new.replace(self.folder / "bin" / name)

    def _drop_others(self, name: str, target: Path) -> None:
        """Remove the installations of `name` that no process runs from. The others go at the next time."""
        in_use = _running()
        for path in self._store.glob(f"{name}-[0-9]*"):
            if path != target and not any(text.startswith(f"{path}/") for text in in_use):
                shutil.rmtree(path, ignore_errors=True)

    def installations(self) -> Iterator[Path]:
        """All that is to be root's: the folder itself, and everything in it but the cache."""
        yield self.folder
        for entry in sorted(self.folder.iterdir()):
            yield entry
            if entry.is_dir() and not entry.is_symlink():
                yield from (path for path in walk(entry) if not path.is_relative_to(self.cache))


def _running() -> set[str]:
    """The programs, and the arguments, of all processes."""
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.add(str((process / "exe").readlink()))
            found.update((process / "cmdline").read_bytes().decode(errors="replace").split("\0"))
    return found


def walk(tree: Path) -> Iterator[Path]:
    """All below `tree`; links are not followed."""
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            yield Path(folder, name)


def reach(folder: Path) -> str:
    """Why tenants cannot reach `folder`, or others than root could replace it; empty when all is well."""
    for part in (folder, *folder.parents):
        status = part.stat()
        if not status.st_mode & stat.S_IXOTH:
            return f"{part} is closed to the tenants"
        if status.st_uid != 0 or (status.st_mode & _OPEN and not status.st_mode & stat.S_ISVTX):
            return f"others than root can change {part}"
    return ""


def seal(tree: Path) -> None:
    """Make all of `tree` root's, for all to read and none to change. Raises Fault for what cannot be."""
    tree.chmod(0o755)
    os.chown(tree, 0, 0)
    for path in walk(tree):
        mode = path.lstat().st_mode
        os.chown(path, 0, 0, follow_symlinks=False)
        if stat.S_ISDIR(mode):
            path.chmod(0o755)
        elif stat.S_ISREG(mode):
            path.chmod(0o755 if mode & 0o111 else 0o644)
        elif not (stat.S_ISLNK(mode) and path.resolve().is_relative_to(tree.resolve())):
            raise Fault(Code.FAILED, f"the package holds {path.relative_to(tree)}, which leads out of it")


def wrong_with(path: Path, folder: Path) -> str:
    """What is wrong with the owner, the mode or the target of `path` in `folder`; empty when nothing is."""
    status = path.lstat()
    if status.st_uid != 0 or status.st_gid != 0:
        return f"belongs to {status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return "" if path.resolve().is_relative_to(folder.resolve()) else "leads out of the folder"
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OPEN:
        return f"can be changed by others than root ({mode:04o})"
    if mode & (stat.S_ISUID | stat.S_ISGID):
        return f"runs as its owner ({mode:04o})"
    wanted = 0o555 if stat.S_ISDIR(status.st_mode) or mode & 0o111 else 0o444
    return "" if mode & wanted == wanted else f"is closed to the tenants ({mode:04o})"
