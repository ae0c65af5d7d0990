"""What the files of a clone or a worktree were when a turn began, and when it ended: what the turn has changed.

A snapshot is a tree object of git, made with an index of its own. Its objects are in a folder of the session, beside the
clone: the repository's index, refs, objects and hooks are not touched, and no push, garbage collection or list of branches
knows of it. What the repository has already is not stored again, so a snapshot that refers to a commit which was rewritten and
then collected as garbage is lost.
"""

import asyncio
import contextlib
import logging
import os
import stat
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from guest.git.git import Git, inside
from guest.git.repos import Repos
from guest.sessions.sessions import Session
from guest.trees import Trees
from shared.errors import Code, Fault
from shared.guestwire.repos import GetTurnDiff
from shared.repos import Diff, Hash
from shared.turns import TurnInfo

KEPT: Final = 20
"""Turns of a session whose snapshots are kept."""
FILES_MAX: Final = 5000
"""Files that differ from the index, or that git does not know yet."""
BYTES_MAX: Final = 32 * 1024 * 1024
"""Of those files together."""
SESSION_BYTES: Final = 128 * 1024 * 1024
"""Of all snapshots of a session on the disk; the oldest go first. They count for the workspace, whose bytes they are."""
SECONDS: Final = 5.0
"""For one snapshot: a prompt waits for it."""
_NAMES_MAX: Final = 1024 * 1024
"""Bytes of the names of those files."""
_RECORD_MAX: Final = 4096
_BLOCK: Final = 512
"""Bytes that `st_blocks` counts in."""
_REASON_MAX: Final = 500
_OPTIONS: Final = (
    *("-c", "core.fsync=none"),
    *("-c", "core.untrackedCache=false"),
    *("-c", "core.safecrlf=false"),  # a guard of what is committed, and nothing is
)
_FOLDER: Final = "snapshots"
_RECORD: Final = "snapshot.json"

_log: Final = logging.getLogger(__name__)


class Snapshot(Struct):
    """What is known of a turn's files. The tenant can write it: what is read back is checked like a message."""

    before: Hash | None = None
    after: Hash | None = None
    reason: str | None = None
    """Why one of them is not there."""


class _Place(Struct, frozen=True):
    """Where git keeps the index and the objects of a clone or a worktree."""

    folder: Path
    index: Path
    objects: Path


class Snapshots:
    """Takes snapshots, and tells the differences between them."""

    def __init__(self, git: Git, repos: Repos, trees: Trees) -> None:
        """None is kept in memory."""
        self._git = git
        self._repos = repos
        self._trees = trees

    async def begin(self, session: Session, turn: str, folder: Path) -> None:
        """Keep what is in `folder` as what was there before the turn. It does not fail: the record says why it is missing."""
        tree, reason = await self._taken(session, turn, folder)
        _write(session, turn, Snapshot(tree, reason=reason))

    async def end(self, session: Session, turn: str, folder: Path) -> None:
        """Keep what is in `folder` as what was there after the turn."""
        found = _read(session, turn)
        if found and found.before:
            tree, reason = await self._taken(session, turn, folder)
            _write(session, turn, Snapshot(found.before, tree, reason))

    async def _taken(self, session: Session, turn: str, folder: Path) -> tuple[str | None, str | None]:
        """The tree, or why there is none; then the bytes of what there is of it are given back."""
        home = _folder(session, turn)
        objects = home / "objects"
        try:
            objects.mkdir(mode=0o700, parents=True, exist_ok=True)
            return await self._take(folder, objects, home), None
        except Fault as fault:
            reason = fault.message[:_REASON_MAX]
        except OSError as error:
            reason = f"its files cannot be kept: {error.strerror}"
        try:
            await self._trees.remove(objects)
        except (Fault, OSError) as error:
            _log.warning("%s: a part of its snapshot cannot be removed: %s", turn, error)
        return None, reason

    async def _take(self, folder: Path, objects: Path, scratch: Path, *known: Path) -> str:
        """The tree of the files in `folder`, whose new objects are in `objects`. Raises Fault, OSError."""
        try:
            async with asyncio.timeout(SECONDS):
                place = await self._place(folder)
                index = scratch / f"index-{os.urandom(4).hex()}"
                with contextlib.ExitStack() as stack:
                    for path in (index, index.with_suffix(".lock")):
                        stack.callback(path.unlink, missing_ok=True)
                    with contextlib.suppress(FileNotFoundError):  # nothing was ever added
                        await asyncio.to_thread(_copy, place.index, index)
                    return await self._tree(place, {**_environment(place, objects, *known), "GIT_INDEX_FILE": str(index)})
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"looking at its files takes more than {SECONDS:g} seconds") from None

    async def _tree(self, place: _Place, environment: dict[str, str]) -> str:
        async def git(*args: str, paths: list[bytes] | None = None) -> bytes:
            stdin = b"".join(path + b"\0" for path in paths or ())
            printed = await self._git.capture(
                *_OPTIONS, *args, cwd=place.folder, environment=environment, stdin=stdin, cap=_NAMES_MAX
            )
            if printed.cut:
                raise Fault(Code.TOO_LARGE, "too many of its files differ from the index")
            return printed.data

        listed = await git("ls-files", "-z", "--modified", "--others", "--exclude-standard", "--deduplicate")
        there, gone = await asyncio.to_thread(_sorted, place.folder, listed.split(b"\0"))
        if gone:
            await git("update-index", "--force-remove", "-z", "--stdin", paths=gone)
        if there:
            await git("update-index", "--add", "--remove", "--replace", "-z", "--stdin", paths=there)
        return (await git("write-tree")).decode().strip()

    async def _place(self, folder: Path) -> _Place:
        """Raises Fault FAILED where there is no repository."""
        printed = await self._git.capture(
            *("rev-parse", "--path-format=absolute", "--git-path", "index", "--git-path", "objects"),
            cwd=folder,
            environment=inside(folder),
            timeout=SECONDS,
        )
        index, objects, *_ = printed.data.split(b"\n")
        return _Place(folder, Path(os.fsdecode(index)), Path(os.fsdecode(objects)))

    async def diff(self, session: Session, folder: Path | None, request: GetTurnDiff) -> Diff:
        """What a turn has changed; until now, while it has not ended. `folder`: where it worked, if that is still there.

        Raises Fault CONFLICT when there is no snapshot, and why.
        """
        found = _read(session, request.turn)
        if found is None:
            raise Fault(Code.CONFLICT, f"there is no snapshot of the turn; those of the last {KEPT} turns are kept")
        if found.before is None or (found.after is None and (found.reason or folder is None)):
            raise Fault(Code.CONFLICT, f"there is no snapshot of the turn: {found.reason or 'its worktree was removed'}")
        home = _folder(session, request.turn)
        if found.after:
            return await self._between(session, request, found.before, found.after, home / "objects")
        try:
            scratch = _scratch(home)
            try:
                now = await self._take(folder or session.repo, scratch, scratch, home / "objects")
                return await self._between(session, request, found.before, now, scratch, home / "objects")
            finally:
                await self._trees.remove(scratch)
        except OSError as error:
            raise Fault(Code.FAILED, f"the files cannot be looked at: {error.strerror}") from error

    async def _between(self, session: Session, request: GetTurnDiff, before: str, after: str, *objects: Path) -> Diff:
        place = await self._place(session.repo)
        environment = _environment(place, *objects)
        return await self._repos.between(
            place.folder, before, after, path=request.path, context=request.context, environment=environment
        )

    async def prune(self, session: Session, turns: Mapping[str, TurnInfo]) -> None:
        """Remove the snapshots of all but those of `turns`, the newest last, that run, and the last ones that fit."""
        try:
            sizes = await asyncio.to_thread(_sizes, session.folder / _FOLDER)
            # Looked at after the folder: what has begun meanwhile is not taken for old.
            last = list(turns.values())[-KEPT:]
            running = [info.turn for info in turns.values() if not info.ended]
            ended = [info.turn for info in last if info.ended]
            kept = {*running, *_fitting(ended, sizes, SESSION_BYTES - sum(sizes.get(turn, 0) for turn in running))}
            for name in sizes:
                if name not in kept:
                    await self._trees.remove(session.folder / _FOLDER / name)
        except FileNotFoundError:
            return
        except (Fault, OSError) as error:
            _log.warning("%s: old snapshots cannot be removed: %s", session.id, error)


def _sizes(folder: Path) -> dict[str, int]:
    """The bytes on the disk of what is in each folder. Raises OSError."""
    sizes = {}
    for entry in folder.iterdir():
        below = (os.path.join(top, name) for top, _, files in os.walk(entry) for name in files)  # noqa: PTH118  # many
        sizes[entry.name] = sum(map(_size, below))
    return sizes


def _size(path: str) -> int:
    try:
        return _BLOCK * os.lstat(path).st_blocks
    except FileNotFoundError:  # git's own files come and go, and so do the folders of old turns
        return 0


def _fitting(turns: Sequence[str], sizes: Mapping[str, int], most: int) -> list[str]:
    """As many of the last as take no more than `most` bytes together."""
    sums = accumulate(sizes.get(turn, 0) for turn in reversed(turns))
    return [turn for turn, size in zip(reversed(turns), sums, strict=True) if size <= most]


def _folder(session: Session, turn: str) -> Path:
    return session.folder / _FOLDER / turn


def _write(session: Session, turn: str, snapshot: Snapshot) -> None:
    try:
        (_folder(session, turn) / _RECORD).write_bytes(msgspec.json.encode(snapshot))
    except OSError as error:
        _log.warning("%s: its snapshot cannot be kept: %s", turn, error.strerror)


def _scratch(home: Path) -> Path:
    """A new folder for what is looked at once. Raises OSError."""
    made = home / f"now-{os.urandom(8).hex()}"
    made.mkdir(mode=0o700)
    return made


def _read(session: Session, turn: str) -> Snapshot | None:
    try:
        # A FIFO in its place must not stop the guest.
        with open(os.open(_folder(session, turn) / _RECORD, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123  # a descriptor
            return msgspec.json.decode(file.read(_RECORD_MAX), type=Snapshot)
    except (OSError, ValueError):
        return None


def _copy(index: Path, copy: Path) -> None:
    """Copy an index with its time, by which git tells whether a file has changed since. Raises OSError."""
    with open(os.open(index, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123  # a descriptor
        written = os.fstat(file.fileno()).st_mtime_ns
        copy.write_bytes(file.read())
    os.utime(copy, ns=(written, written))


def _environment(place: _Place, objects: Path, *known: Path) -> dict[str, str]:
    """Of a git that writes into `objects`, and finds what is in `known` and in the repository."""
    return {
        **inside(place.folder),
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": ":".join(map(str, (*known, place.objects))),
    }


def _sorted(folder: Path, names: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The files that are there, and those that are not any more. Raises Fault TOO_LARGE when they are too much to be kept."""
    top, size = os.fsencode(folder.resolve()), 0
    there: list[bytes] = []
    gone: list[bytes] = []
    for name in names:
        if not name or name.endswith(b"/"):  # a repository of its own
            continue
        path = os.path.join(top, name)  # noqa: PTH118  # bytes
        found = _found(path)
        if found is None:
            gone.append(name)
        elif stat.S_ISLNK(found.st_mode) or os.access(path, os.R_OK):  # what cannot be read is left as it was
            there.append(name)
            size += found.st_size
        if len(there) > FILES_MAX or size > BYTES_MAX:
            limits = f"{FILES_MAX} files or {BYTES_MAX // 1024 // 1024} MiB"
            raise Fault(Code.TOO_LARGE, f"more than {limits} of it differ from the index")
    return there, gone


def _found(path: bytes) -> os.stat_result | None:
    """What is there: a file, a link or a submodule, and not behind a link that has taken the place of a folder."""
    parent = os.path.dirname(path)  # noqa: PTH120  # bytes
    try:
        found = os.lstat(path)
    except OSError:
        return None
    kept = stat.S_IFMT(found.st_mode) in {stat.S_IFLNK, stat.S_IFREG} or os.path.lexists(path + b"/.git")
    return found if kept and os.path.realpath(parent) == parent else None
