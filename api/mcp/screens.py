"""What a terminal shows, as text: its bytes drawn on a screen in memory, or read as lines.

The bytes are a tenant's, and drawing them can be made to take long: it happens beside the event loop, one screen at a time,
and ends after BUDGET seconds with what there is by then.
"""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import pyte

BYTES_MAX: Final = 128 * 1024
"""Of the end of a terminal's output; what came before is taken to have scrolled away."""
BUDGET: Final = 1.0
"""Seconds for one screen."""
SIZE_MAX: Final = (300, 120)
"""Columns and rows that are drawn."""
_PIECE: Final = 64
"""Bytes between two looks at the clock: each may clear the whole screen some twenty times."""
_ESCAPES: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # colours, moves
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)


@dataclass(frozen=True, slots=True)
class Screen:
    """What is drawn."""

    lines: list[str]
    """Without the spaces at their ends, and without the empty lines at the bottom."""
    cursor: tuple[int, int]
    """Row and column, from 1."""
    whole: bool
    """Whether all of it was drawn in time."""


class Screens:
    """Draws screens."""

    def __init__(self) -> None:
        """None is drawn."""
        self._drawing = asyncio.Lock()
        self._waiting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By workspace: one that asks for many screens waits for its own, and the others for one of them."""

    async def draw(self, workspace: str, output: bytes, columns: int, rows: int) -> Screen:
        """The screen of a terminal of that size in `workspace` that has printed `output`."""
        async with self._waiting.setdefault(workspace, asyncio.Lock()), self._drawing:
            return await asyncio.to_thread(draw, output, columns, rows, time.monotonic)


def draw(output: bytes, columns: int, rows: int, clock: Callable[[], float]) -> Screen:
    """The same, here and now."""
    screen = _Screen(min(columns, SIZE_MAX[0]), min(rows, SIZE_MAX[1]))
    stream = pyte.ByteStream(screen)
    end, at = clock() + BUDGET, 0
    while at < len(output) and clock() < end:
        with suppress(Exception):  # pyte trips over what no program prints; the rest of the piece is lost
            stream.feed(output[at : at + _PIECE])
        at += _PIECE
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        del lines[-1]
    return Screen(lines, (screen.cursor.y + 1, screen.cursor.x + 1), whole=at >= len(output))


class _Screen(pyte.Screen):
    """Without what is drawn for nobody but those who adjust cathode-ray tubes, and takes the longest."""

    def alignment_display(self) -> None:
        """Draw nothing."""


def plain(output: bytes) -> str:
    """`output` as lines: without colours and moves, and of what was written over itself the last."""
    text = _ESCAPES.sub("", output.decode(errors="replace")).replace("\r\n", "\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
