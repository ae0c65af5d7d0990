"""Finds files by what somebody types of their names: those that git knows, and those that it would take."""

import asyncio
import heapq
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from guest.files.paths import shown
from guest.git.git import Git, inside
from shared.files import PATH_MAX
from shared.guestwire.files import FileNames, ListFileNames

_NAME: Final = re.compile(rb"[^\0]+(?=\0)")
_LIST_MAX: Final = 16 * 1024 * 1024
"""Bytes of all names that are looked at."""
_SECONDS: Final = 20.0
_ANSWER_MAX: Final = 512 * 1024
"""Bytes of the paths in an answer, which has to fit a frame."""


class Names:
    """Finds files in the sessions of one workspace."""

    def __init__(self, git: Git) -> None:
        """Have git list them."""
        self._git = git

    async def find(self, folder: Path, request: ListFileNames) -> FileNames:
        """The best matches first. Raises Fault FAILED, TIMEOUT."""
        listed = await self._git.capture(
            *("ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"),
            cwd=folder,
            environment={**inside(folder), "GIT_OPTIONAL_LOCKS": "0"},
            timeout=_SECONDS,
            cap=_LIST_MAX,
        )
        names = (found[0] for found in _NAME.finditer(listed.data))
        items, more = await asyncio.to_thread(_best, folder, names, request)
        return FileNames(items=items, truncated=more or listed.cut)


def _best(folder: Path, names: Iterable[bytes], request: ListFileNames) -> tuple[list[str], bool]:
    # One more than is asked for says whether there are more.
    ranked = heapq.nsmallest(request.limit + 1, _ranked(names, request.text))
    items: list[str] = []
    size = 0
    for *_, path, name in ranked[: request.limit]:
        # The index names files too that are not there any more.
        if os.path.lexists(os.path.join(os.fsencode(folder), name)):  # noqa: PTH118  # bytes
            size += len(path.encode())
            if size > _ANSWER_MAX:
                return items, True
            items.append(path)
    return items, len(ranked) > request.limit


def _ranked(names: Iterable[bytes], text: str) -> Iterator[tuple[int, int, str, bytes]]:
    """How well each fits, less being better, with its length, its path and its bytes."""
    wanted = "".join(text.lower().split())
    for name in names:
        path = shown(name)
        rank = _rank(path.lower(), wanted)
        if rank is not None and len(path) <= PATH_MAX and not path.endswith("/"):
            yield rank, len(path), path, name


def _rank(path: str, wanted: str) -> int | None:
    """0: the name begins with it; 1: the name has it; 2: the path has it; 3: its letters are there in order; None: not so."""
    name = path.rpartition("/")[2]
    if wanted in path:
        return 0 if name.startswith(wanted) else 1 if wanted in name else 2
    at = 0
    for letter in wanted:
        at = path.find(letter, at) + 1
        if not at:
            return None
    return 3
