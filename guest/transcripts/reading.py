"""Pages of transcripts: of each that is being read an outline is kept, and the records of a page are read anew."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import msgspec

from guest.transcripts import opencode, places
from guest.transcripts.index import Index
from guest.transcripts.known import Known
from guest.transcripts.lines import Position, lines
from guest.transcripts.outline import Outline, Spot
from guest.transcripts.parsed import Parsed, parsed
from guest.transcripts.places import OPENCODE, PARSERS
from shared.errors import Code, Fault
from shared.guestwire.transcripts import TranscriptPage
from shared.transcripts import ENTRIES_MAX, Entry

_KEPT_MAX: Final = ENTRIES_MAX + ENTRIES_MAX // 2
"""Entries of all outlines that are kept."""
_PAGE_BYTES: Final = 900 * 1024
"""Of a page's entries, on the wire; one entry alone is never more."""
_PAGE_SECONDS: Final = 0.5
"""For a page's entries: a record may be long, and its entry short."""


class _Outlined:
    """An outline, and what of the file it is of."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.position = Position()
        self.version: tuple[int, ...] = ()


class Reader:
    """Reads transcripts."""

    def __init__(self, index: Index) -> None:
        """Those of `index`."""
        self._index = index
        self._kept: dict[str, _Outlined] = {}

    async def page(self, transcript: str, after: int, limit: int) -> TranscriptPage:
        """At most `limit` entries after number `after`. Raises Fault NOT_FOUND or FAILED."""
        known = self._index.get(transcript)
        if known is not None:
            await self._index.look(known.file)
            known = self._index.get(transcript)
        if known is None:
            raise Fault(Code.NOT_FOUND, "there is no such transcript")
        try:
            async with self._index.lock(f"{known.path}\0"):
                page = await (self._database_page if known.agent == OPENCODE else self._file_page)(known, after, limit)
        except (OSError, ValueError, RecursionError) as error:
            raise Fault(Code.FAILED, "the transcript cannot be read now") from error
        self._trim(known.path)
        return page

    async def _file_page(self, known: Known, after: int, limit: int) -> TranscriptPage:
        parse = PARSERS[known.agent]
        fd = places.open_file(self._index.home, known.path)
        try:
            status = os.fstat(fd)
            kept = self._take(known.path)
            if kept.version != (status.st_ino,) or not kept.position.holds(fd, status.st_size):
                kept = self._kept[known.path] = _Outlined()
                kept.version = (status.st_ino,)
            for batch in lines(fd, kept.position, status.st_size):
                for offset, line in batch:
                    if line and (record := parsed(parse, line)):
                        kept.outline.add(record, (offset, len(line)))
                    await self._index.breathe()

            return self._page(known, kept.outline, after, limit, lambda spot: parsed(parse, os.pread(fd, spot[1], spot[0])))
        finally:
            os.close(fd)

    async def _database_page(self, known: Known, after: int, limit: int) -> TranscriptPage:
        folder, _, name = known.file.rpartition("/")
        with ExitStack() as stack:
            fd = places.descend(self._index.home, folder)
            stack.callback(os.close, fd)
            database = stack.enter_context(opencode.opened(fd, name))
            kept = self._take(known.path)
            if kept.version != (known.changed,):
                kept = self._kept[known.path] = _Outlined()
                for number, line in database.records(known.path.rpartition("#")[2]):
                    if record := parsed(opencode.parse, line):
                        kept.outline.add(record, (number, 0))
                    await self._index.breathe()
                kept.version = (known.changed,)
            return self._page(known, kept.outline, after, limit, lambda spot: parsed(opencode.parse, database.record(spot[0])))

    def _page(
        self, known: Known, outline: Outline, after: int, limit: int, read: Callable[[Spot], Parsed | None]
    ) -> TranscriptPage:
        records: dict[Spot, Parsed] = {}

        def load(spot: Spot) -> Parsed:
            """A record may hold many of the page's entries: those of the last are not read again."""
            if spot not in records:
                record = read(spot)
                if record is None:
                    raise ValueError("there is another record now")
                records.clear()
                records[spot] = record
            return records[spot]

        entries: list[Entry] = []
        size, late = 0, time.monotonic() + _PAGE_SECONDS
        for entry in outline.read(after, load):
            size += len(msgspec.msgpack.encode(entry))
            if len(entries) == limit or (entries and (size > _PAGE_BYTES or time.monotonic() > late)):
                break
            entries.append(entry)
        reached = after + len(entries)
        return TranscriptPage(
            transcript=self._index.rooms.info(known),
            entries=entries,
            next=reached if reached < len(outline) else None,
            complete=outline.complete,
        )

    def _take(self, path: str) -> _Outlined:
        """The outline, as the one used last."""
        kept = self._kept.pop(path, None) or _Outlined()
        self._kept[path] = kept
        return kept

    def _trim(self, path: str) -> None:
        """Let go of outlines that were not used for longest."""
        total = sum(len(kept.outline) for kept in self._kept.values())
        for other in list(self._kept):
            if total <= _KEPT_MAX:
                return
            if other != path:
                total -= len(self._kept.pop(other).outline)
