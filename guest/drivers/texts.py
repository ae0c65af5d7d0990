"""What an agent says, made to fit the values of `shared.turns`: it is untrusted, and may be of any length."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from shared.turns import DETAIL_MAX, LABEL_MAX, TEXT_MAX

CHOICE_MAX: Final = 200
"""Characters of an id that an agent gives, as `shared.turns.Choice` allows."""
NAME_MAX: Final = 200
"""Characters of the name of an option, a mode or a model; many of them are in one event."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def pieces(text: str) -> Iterator[str]:
    """`text` in pieces that fit one event each."""
    for start in range(0, len(text), TEXT_MAX):
        yield text[start : start + TEXT_MAX]


def label(text: object, length: int = LABEL_MAX) -> str:
    """One line of at most `length` characters, without control characters."""
    # Cut first: the text may be of 50 MB.
    line = _CONTROL.sub(" ", str(text)[: 2 * length]).strip()
    return line if len(line) <= length else line[: length - 1] + "…"


def is_choice(value: object) -> bool:
    """Whether `value` can be an id in our events as it is."""
    return isinstance(value, str) and 0 < len(value) <= CHOICE_MAX


def call_id(value: object) -> str:
    """The id of a tool call; an agent that gives one beyond all measure gets it cut."""
    return str(value)[:CHOICE_MAX] or "-"


def detail(value: object) -> tuple[str, bool]:
    """A tool call's input or output as text, and whether it was cut: a string as it is, anything else as JSON."""
    text = value if isinstance(value, str) else encoded(value)
    return text[:DETAIL_MAX], len(text) > DETAIL_MAX


def tokens(number: int) -> int:
    """A number of tokens, within what our values hold."""
    return max(0, min(number, 2**53))


def encoded(value: object) -> str:
    """`value` as JSON; what has no JSON becomes its description."""
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except (TypeError, ValueError, RecursionError):
        return "(unreadable)"


def decoded(line: bytes) -> dict[str, Any] | None:
    """The JSON object in `line`; None when there is none."""
    try:
        value = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        value = _mended(line)
    return value if isinstance(value, dict) else None


def _mended(line: bytes) -> object:
    """What is not quite JSON: JavaScript may write half of a surrogate pair, where it has divided a text."""
    if b"\\u" not in line:
        return None
    import json  # noqa: PLC0415  # for damaged lines only

    try:
        return msgspec.json.decode(json.dumps(json.loads(line), ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
