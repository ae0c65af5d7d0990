"""Finds a text in what transcripts tell: what was said and thought, and what tools were given and have answered."""

import os
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Final

from guest.transcripts import opencode, places
from guest.transcripts.index import Index
from guest.transcripts.known import Known
from guest.transcripts.lines import Position, lines
from guest.transcripts.parsed import Parse, Parsed, parsed
from guest.transcripts.places import OPENCODE, PARSERS

SECONDS: Final = 2.0
"""For a page: one that took longer ends, and the next one goes on."""
_BYTES_MAX: Final = 256 * 1024 * 1024
"""Of a transcript that are looked into."""
_PLAIN: Final = re.compile(r"[a-z0-9]+")


class Finder:
    """Looks into the transcripts of an index."""

    def __init__(self, index: Index) -> None:
        """Those of `index`."""
        self._index = index

    async def has(self, known: Known, text: str) -> bool:
        """Whether the transcript, or its title, has `text`, whatever the case. False also when it cannot be read now."""
        wanted = text.lower()
        if wanted in known.tally.title.lower():
            return True
        # JSON has these letters as they are, so most records need not be read.
        plain = max(_PLAIN.findall(wanted), key=len, default="").encode()
        try:
            async with aclosing(self._records(known)) as records:
                async for parse, line in records:
                    if plain in line.lower() and (record := parsed(parse, line)) and _tells(record, wanted):
                        return True
        except (OSError, ValueError, RecursionError):
            return False
        return False

    async def _records(self, known: Known) -> AsyncGenerator[tuple[Parse, bytes]]:
        if known.agent == OPENCODE:
            for record in self._database(known):
                yield opencode.parse, record
                await self._index.breathe()
            return
        fd = places.open_file(self._index.home, known.path)
        try:
            for batch in lines(fd, Position(), min(os.fstat(fd).st_size, _BYTES_MAX)):
                for _, line in batch:
                    if line:
                        yield PARSERS[known.agent], line
                    await self._index.breathe()
        finally:
            os.close(fd)

    def _database(self, known: Known) -> Iterator[bytes]:
        folder, _, name = known.file.rpartition("/")
        fd = places.descend(self._index.home, folder)
        try:
            with opencode.opened(fd, name) as database:
                for _, line in database.records(known.path.rpartition("#")[2]):
                    yield line
        finally:
            os.close(fd)


def _tells(record: Parsed, wanted: str) -> bool:
    texts = (text for piece in record.pieces for text in (piece.text, piece.name, piece.input, piece.output) if text)
    return any(wanted in text.lower() for text in texts) or any(_tells(inner, wanted) for inner in record.whole or ())
