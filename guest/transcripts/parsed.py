"""What one record of a transcript says, whichever agent wrote it."""

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Raw, Struct

from shared.transcripts import PART_MAX, EntryRole
from shared.turns import DETAIL_MAX, LABEL_MAX, Usage

RECORD_MAX: Final = 16 * 1024 * 1024
"""Bytes of one record; a longer one is skipped."""
MODEL_MAX: Final = 200
_TIME_MAX: Final = 40


class Piece(Struct, frozen=True, gc=False):
    """A part of a record that is an entry, or the result of an earlier one."""

    role: EntryRole | None
    """None: the result of the tool call `call`."""
    text: str = ""
    name: str | None = None
    input: str | None = None
    output: str | None = None
    error: bool = False
    truncated: bool = False
    call: str = ""


class Answer(Struct, frozen=True):
    """What one answer of a model used."""

    id: str
    """Several records with the same id tell of the same answer: the last is right. "" is an answer of its own."""
    usage: Usage
    provider: str | None
    """As genai-prices names it; None to guess it from the model."""
    hour: int = 0
    """Tokens that were written to the cache for an hour."""


class Parsed(Struct, frozen=True):
    """One record."""

    pieces: tuple[Piece, ...] = ()
    at: str | None = None
    answer: Answer | None = None
    native: str | None = None
    cwd: str | None = None
    model: str | None = None
    """What the answers that follow come from, unless they say it themselves."""
    stated: float | None = None
    """The cost of all so far, in US dollars, as the agent itself states it."""
    sidechain: bool = False
    subagent: bool = False
    key: str = ""
    """Of the record of which this is a newer version; "" for one that is never written again."""
    whole: "tuple[Parsed, ...] | None" = None
    """All records so far, in the place of those before."""
    damaged: bool = False


Parse = Callable[[bytes], Parsed | None]
"""Reads one record; None when it has nothing to tell. Raises ValueError or RecursionError when it is damaged."""


_DAMAGED: Final = Parsed(damaged=True)
_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def parsed(parse: Parse, line: bytes | None) -> Parsed | None:
    """What a line says, which is None when it was too long to be read."""
    if line is None:
        return _DAMAGED
    try:
        return parse(line) if line.strip() else None
    except (ValueError, RecursionError):
        # JavaScript writes half of a pair of surrogates as it is; no decoder of UTF-8 takes that.
        mended = _SURROGATE.sub(rb"\\ufffd", line)
    with contextlib.suppress(ValueError, RecursionError):
        if mended != line:
            return parse(mended)
    return _DAMAGED


class Kind(Struct):
    """Enough of a record to know whether to read it."""

    type: str = ""


class Block(Struct):
    """A typed part of a message, of which only the text matters."""

    type: str = ""
    text: str | None = None


def flat(content: Raw) -> str:
    """Text, or a list of typed blocks: one text."""
    value: str | list[Block | str] | None
    try:
        value = msgspec.json.decode(content, type=str | list[Block | str] | None)
    except msgspec.ValidationError:
        return bytes(content).decode()  # some other JSON: shown as it is
    if value is None or isinstance(value, str):
        return value or ""
    return "\n".join(block if isinstance(block, str) else block.text or f"[{block.type or 'empty'}]" for block in value)


def said(role: EntryRole, text: str | None) -> Iterator[Piece]:
    """The pieces of what was said or thought; none for no text."""
    for start in range(0, len(text or ""), PART_MAX):
        yield Piece(role, text=(text or "")[start : start + PART_MAX])


def called(call: str | None, name: str | None, given: str | None, output: str | None = None, *, error: bool = False) -> Piece:
    """A tool call, perhaps with its result."""
    return Piece(
        EntryRole.TOOL,
        name=(name or "tool")[:LABEL_MAX],
        input=_cut(given),
        output=_cut(output),
        error=error,
        truncated=max(len(given or ""), len(output or "")) > DETAIL_MAX,
        call=call or "",
    )


def resulted(call: str | None, output: str | None, *, error: bool = False) -> Piece:
    """The result of a call."""
    return Piece(None, output=_cut(output), error=error, truncated=len(output or "") > DETAIL_MAX, call=call or "")


def moment(text: str | float | None) -> str | None:
    """ISO 8601 or milliseconds since the epoch, as the wire has times; None when it is neither."""
    try:
        if text is None or isinstance(text, str):
            found = datetime.fromisoformat((text or "")[:_TIME_MAX])
        else:
            found = datetime.fromtimestamp(text / 1000, UTC)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def dollars(amount: float | None) -> float | None:
    """A cost that an agent states; None when it is no amount."""
    return amount if amount is not None and math.isfinite(amount) and amount >= 0 else None


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:DETAIL_MAX]
