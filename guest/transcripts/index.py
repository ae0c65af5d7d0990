"""The index of all transcripts: in memory while the child process runs, and in `~/.hostel/transcripts.idx`."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from guest.transcripts import opencode, places, store
from guest.transcripts.known import Known, Rooms
from guest.transcripts.lines import lines
from guest.transcripts.parsed import Parsed, moment, parsed
from guest.transcripts.places import GEMINI, OPENCODE, PARSERS, Found
from guest.transcripts.tally import CWD_MAX
from shared.transcripts import TranscriptInfo

TRANSCRIPTS_MAX: Final = 50_000
"""Transcripts of one home that are listed."""
_SLICE: Final = 0.005
"""Seconds of work between two looks at what is asked."""


class Row(NamedTuple):
    """A transcript as a list looks for it; rows are in the order of the list."""

    started: str
    id: str
    agent: str
    session: str
    """Empty outside of all sessions."""
    path: str


class Index:
    """All transcripts of a home."""

    def __init__(self, home: Path, changed: Callable[[TranscriptInfo], None]) -> None:
        """Of `home`; `changed` is told of what is new or has grown, once the home has been looked through."""
        self.home = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.scanned = asyncio.Event()
        self.rooms = Rooms(home)
        self._changed = changed
        self._known: dict[str, Known] = {}
        self._databases: dict[str, tuple[int, ...]] = {}
        self._rows: dict[str, Row] = {}
        self._ordered: list[Row] | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._dirty = False
        self._worked = time.monotonic()

    def load(self) -> None:
        """Take what an earlier process saved."""
        saved = store.load(self.home)
        self._known, self._databases = saved.known, saved.databases
        self._rows = {known.id: self._row(known) for known in self._known.values()}

    def save(self) -> None:
        """Write what there is, if it has changed."""
        if self._dirty:
            self._dirty = not store.save(self.home, store.Saved(self._known, self._databases))

    def close(self) -> None:
        """Save, and let go of the home."""
        self.save()
        os.close(self.home)

    async def scan(self, visit: Callable[[places.Folder], None], path: str = "") -> None:
        """Look through the home from `path` on; `visit` is shown each folder on the way."""
        seen, stale = set[str](), []
        for found in places.walk(self.home, path):
            if isinstance(found, places.Folder):
                visit(found)
            else:
                seen.add(found.path)
                if self._stale(found):
                    stale.append(found)
            await self.breathe()
        prefix = f"{path}/" if path else ""
        self._forget({p for p, known in self._known.items() if p.startswith(prefix) and known.file not in seen})
        for found in sorted(stale, key=lambda found: found.changed, reverse=True):
            await self._take(found)
        if not path:
            self.scanned.set()

    async def look(self, path: str) -> None:
        """Look again at one file."""
        folder, _, name = path.rpartition("/")
        found = None
        node = places.node_of(folder)
        with contextlib.suppress(OSError):
            fd = places.descend(self.home, folder)
            try:
                found = places.look(fd, folder, name, node.agent) if node else None
            finally:
                os.close(fd)
        if found is None:
            self._forget({p for p, known in self._known.items() if known.file == path})
        elif self._stale(found):
            await self._take(found)

    def _stale(self, found: Found) -> bool:
        if found.agent == OPENCODE:
            return self._databases.get(found.path) != self._stamp(found)
        known = self._known.get(found.path)
        return known is None or (known.inode, known.size, known.changed) != (found.inode, found.size, found.changed)

    def _stamp(self, found: Found) -> tuple[int, ...]:
        """What changes when a database does; what is new may be in its write-ahead log alone."""
        folder, _, name = found.path.rpartition("/")
        stamp = [found.inode, found.size, found.changed]
        with contextlib.suppress(OSError):
            fd = places.descend(self.home, folder)
            try:
                if log := places.look(fd, folder, f"{name}-wal", OPENCODE):
                    stamp += [log.inode, log.size, log.changed]
            finally:
                os.close(fd)
        return tuple(stamp)

    async def _take(self, found: Found) -> None:
        async with self.lock(found.path):
            # What cannot be read is like what is not there; a defect in one transcript must not hide the others.
            with contextlib.suppress(OSError, ValueError, RecursionError, MemoryError):
                await (self._take_database(found) if found.agent == OPENCODE else self._take_file(found))

    async def _take_file(self, found: Found) -> None:
        known = self._known.get(found.path)
        if known is None and len(self._known) >= TRANSCRIPTS_MAX:
            return
        fd = places.open_file(self.home, found.path)
        try:
            status = os.fstat(fd)
            fresh = known is None or known.inode != status.st_ino or not known.position.holds(fd, status.st_size)
            # As long as it grows, nothing is read twice; same size and another time means another content.
            if known is None or fresh or known.size == status.st_size:
                known = Known(found.agent, found.path, 0, 0, 0)
                known.tally.cwd = self._project(found)
            parse = PARSERS[found.agent]
            for batch in lines(fd, known.position, status.st_size):
                for _, line in batch:
                    if record := parsed(parse, line):
                        known.tally.add(record)
                    await self.breathe()
        finally:
            os.close(fd)
        known.inode, known.size, known.changed = status.st_ino, status.st_size, status.st_mtime_ns
        self._keep(known)

    def _project(self, found: Found) -> str | None:
        """Where a project of Gemini is, which its transcripts do not say."""
        if found.agent != GEMINI:
            return None
        folder = found.path.rpartition("/chats/")[0]
        try:
            with open(places.open_file(self.home, f"{folder}/.project_root"), "rb") as file:  # noqa: PTH123  # a descriptor
                return file.read(CWD_MAX).decode().strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    async def _take_database(self, found: Found) -> None:
        stamp = self._stamp(found)
        folder, _, name = found.path.rpartition("/")
        fd = places.descend(self.home, folder)
        try:
            with opencode.opened(fd, name) as database:
                rows = database.conversations()
                self._forget(
                    {p for p in self._known if p.startswith(f"{found.path}#")} - {f"{found.path}#{r.id}" for r in rows}
                )
                for row in rows:
                    path = f"{found.path}#{row.id}"
                    before = self._known.get(path)
                    if (before and before.changed == row.updated) or (not before and len(self._known) >= TRANSCRIPTS_MAX):
                        continue
                    with contextlib.suppress(ValueError):
                        self._keep(await self._conversation(database, path, row))
        finally:
            os.close(fd)
        self._databases[found.path] = stamp

    async def _conversation(self, database: opencode.Database, path: str, row: opencode.Conversation) -> Known:
        known = Known(OPENCODE, path, 0, 0, row.updated)
        tally = known.tally
        tally.add(Parsed(at=moment(row.created), native=row.id, cwd=row.directory, subagent=row.parent is not None))
        for _, line in database.records(row.id):
            if record := parsed(opencode.parse, line):
                tally.add(record)
            await self.breathe()
        return known

    def _keep(self, known: Known) -> None:
        self._known[known.path] = known
        self._dirty = True
        row = self._row(known)
        if self._rows.get(known.id) != row:
            self._rows[known.id] = row
            self._ordered = None
        if self.scanned.is_set():
            self._changed(self.rooms.info(known))

    def _forget(self, paths: set[str]) -> None:
        for path in paths:
            del self._rows[self._known.pop(path).id]
        if paths:
            self._ordered, self._dirty = None, True

    def lock(self, path: str) -> asyncio.Lock:
        """Held by whoever reads that file."""
        return self._locks.setdefault(path, asyncio.Lock())

    def get(self, transcript: str) -> Known | None:
        """One by its id."""
        row = self._rows.get(transcript)
        return None if row is None else self.known(row)

    def known(self, row: Row) -> Known:
        """That of a row."""
        return self._known[row.path]

    def ordered(self) -> list[Row]:
        """All, newest first."""
        if self._ordered is None:
            self._ordered = sorted(self._rows.values(), reverse=True)
        return self._ordered

    def _row(self, known: Known) -> Row:
        return Row(known.started, known.id, known.agent, self.rooms.place(known)[0] or "", known.path)

    async def breathe(self) -> None:
        """Let others work, now and then."""
        if time.monotonic() - self._worked > _SLICE:
            await asyncio.sleep(0)
            self._worked = time.monotonic()
