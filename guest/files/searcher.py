"""`python -I -m guest.files.searcher`: looks for a pattern in the files that it is told, see `guest.files.search`.

Files are opened like all others, by descriptors, so that nothing outside of the clone is read. A pattern that takes for ever,
or all memory, takes those of this process, which its guest ends.
"""

import contextlib
import os
import re
import resource
import stat
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from guest.files.paths import Root, shown, spot
from shared.errors import Fault
from shared.files import MATCH_TEXT_MAX, PATH_MAX
from shared.guestwire.files import Found, Match, SearchFiles

_SECONDS: Final = 15.0
_MEMORY: Final = 512 * 1024 * 1024
FILE_MAX: Final = 16 * 1024 * 1024
"""Bytes of a file that is looked into."""
_BINARY: Final = 8000
"""Bytes at the beginning of which none is NUL, unless the file is binary; as git has it."""
_FOUND_BYTES: Final = 512 * 1024
"""Of the texts that are answered, which have to fit a frame."""
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Task(Struct, frozen=True):
    """What the child is told; the paths follow, each ended by a NUL."""

    sessions: str
    names: tuple[str, ...]
    """See `guest.files.paths.Root`."""
    request: SearchFiles


class Refused(Struct, frozen=True, tag_field="t", tag="refused"):
    """The pattern is none."""

    reason: str


def main() -> int:
    """Search, and print the answer."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(5)
    told, _, listed = sys.stdin.buffer.read().partition(b"\0")
    task = msgspec.json.decode(told, type=Task)
    answer: Found | Refused
    try:
        pattern = compiled(task.request)
    except (re.error, OverflowError, RecursionError) as error:
        answer = Refused(str(error))
    else:
        answer = search(Root(Path(task.sessions), task.names), pattern, task.request.limit, listed.split(b"\0"))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def compiled(request: SearchFiles) -> re.Pattern[bytes]:
    """The pattern of bytes. Raises re.error."""
    text = request.text.encode() if request.regex else re.escape(request.text.encode())
    if request.words:
        text = rb"\b(?:" + text + rb")\b"
    return re.compile(text, re.MULTILINE | (re.IGNORECASE if request.ignore_case else 0))


def search(root: Root, pattern: re.Pattern[bytes], limit: int, paths: list[bytes]) -> Found:
    """The lines of the files `paths` that match."""
    items: list[Match] = []
    size = 0
    for match in _matches(root, pattern, paths):
        size += len(match.path.encode()) + len(match.text.encode()) if match else 0
        if match is None or len(items) == limit or size > _FOUND_BYTES:
            return Found(items=items, truncated=True)
        items.append(match)
    return Found(items=items, truncated=False)


def _matches(root: Root, pattern: re.Pattern[bytes], paths: list[bytes]) -> Iterator[Match | None]:
    """Matches; None when time is up."""
    end = time.monotonic() + _SECONDS
    for folder, raw in _files(root, paths):
        if time.monotonic() > end:
            yield None
        data = _content(folder, os.path.basename(raw))  # noqa: PTH119  # bytes
        if pattern.search(data) is None:
            continue
        for number, line in enumerate(data.split(b"\n"), 1):
            if found := pattern.search(line):
                yield Match(path=shown(raw), line=number, column=found.start() + 1, text=_excerpt(line, found.start()))


def _files(root: Root, paths: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """The paths, each with a descriptor of its folder: git lists a folder's files together, so the way there is gone once."""
    known = [raw for raw in paths if raw and len(shown(raw)) <= PATH_MAX]
    for parent, group in groupby(known, os.path.dirname):  # bytes
        files = list(group)
        with contextlib.suppress(Fault, OSError), spot(root, shown(files[0]), follow=False) as found:
            if b"/".join(found.names[:-1]) == parent:  # else by a link: git would not have gone there
                for raw in files:
                    yield found.folder, raw


def _content(folder: int, name: bytes) -> bytes:
    """A text file's bytes; none of what is anything else, or gone."""
    try:
        with open(os.open(name, _READ, dir_fd=folder), "rb", buffering=0) as file:  # noqa: PTH123  # a descriptor
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_MAX:
                return b""
            data = file.read(status.st_size)  # to ask for more would have all of it allocated, for each file
    except OSError:
        return b""
    return b"" if b"\0" in data[:_BINARY] else data


def _excerpt(line: bytes, start: int) -> str:
    """The line, or what is around the match if it is long."""
    first = max(0, start - MATCH_TEXT_MAX // 4) if len(line) > MATCH_TEXT_MAX else 0
    return line[first : first + 4 * MATCH_TEXT_MAX].decode(errors="replace")[:MATCH_TEXT_MAX].rstrip("\r")


if __name__ == "__main__":
    sys.exit(main())
