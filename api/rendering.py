"""Transcripts as documents: Markdown, and HTML that needs nothing else. Every text in them is hostile.

Both are made in pieces, so that a transcript of any length takes the memory of a page. In Markdown every text is in a fence
longer than any run of backticks in it (CommonMark 0.31, 4.5), so that none can end its fence or begin a part of its own; in
HTML every text is escaped and there is no script.
"""

import html
import re
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from api.views import told_moment
from shared.transcripts import Entry, EntryRole, TranscriptInfo
from shared.turns import Usage

HTML_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
"""The Content-Security-Policy of the document: even when it is opened in our origin it has none of its rights."""

_TITLES: Final = {
    EntryRole.USER: "User",
    EntryRole.ASSISTANT: "Assistant",
    EntryRole.THINKING: "Thinking",
    EntryRole.TOOL: "Tool",
}
_CONTROLS: Final = {
    **{number: 0x2400 + number for number in range(32) if chr(number) not in "\n\t\r"},
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
    0x0D: 0x0A,
    0x7F: 0x2421,
}
"""Control characters become pictures of themselves: a document that is printed in a terminal must not steer it."""
_INCOMPLETE: Final = "This transcript has more entries than can be read; those that follow are missing."
_UNFINISHED: Final = "(no result)"
_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0;padding:.6rem .8rem;border-radius:6px;background:#f4f5f7}"
    "section{margin:1rem 0;padding-left:.8rem;border-left:3px solid #c8ccd1}section.user{border-color:#2f6fde}"
    "section.error{border-color:#c9372c}section.thinking pre{color:#5b6470;font-style:italic}"
    "h1{font-size:1.3rem;overflow-wrap:anywhere}h2{font-size:.9rem;margin:0}small,dt{color:#5b6470;font-weight:400}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dd{margin:0;overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#16181b}pre{background:#22262b}}"
)


class Renderer(Protocol):
    """Makes a document, piece by piece."""

    media_type: str
    suffix: str

    def head(self, info: TranscriptInfo) -> Iterator[str]:
        """What comes before the entries."""

    def entry(self, entry: Entry) -> Iterator[str]:
        """One entry."""

    def foot(self, *, complete: bool) -> Iterator[str]:
        """What comes after them."""


class Markdown:
    """CommonMark."""

    media_type = "text/markdown"
    suffix = "md"

    def head(self, info: TranscriptInfo) -> Iterator[str]:
        """A title and the facts."""
        yield f"# {_code(info.title or info.native)}\n\n"
        for name, value in _facts(info):
            yield f"- {name}: {_code(value)}\n"

    def entry(self, entry: Entry) -> Iterator[str]:
        """A heading and fences."""
        yield f"\n## {entry.seq}. {_TITLES[entry.role]}"
        yield f" {_code(entry.name)}" if entry.name else ""
        yield "".join(f" · {note}" for note in _notes(entry)) + "\n"
        for title, text in _texts(entry):
            yield f"\n{title}:\n" if title else ""
            yield _fenced(text)

    def foot(self, *, complete: bool) -> Iterator[str]:
        """What is missing."""
        if not complete:
            yield f"\n*{_INCOMPLETE}*\n"


class Html:
    """HTML with its style in it and no script."""

    media_type = "text/html"
    suffix = "html"

    def head(self, info: TranscriptInfo) -> Iterator[str]:
        """A title and the facts."""
        title = _escaped(info.title or info.native)
        policy = _escaped(HTML_POLICY.removeprefix("sandbox; "))  # a document cannot sandbox itself
        yield (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
            f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head>\n'
            f"<body><h1>{title}</h1><dl>"
        )
        for name, value in _facts(info):
            yield f"<dt>{name}</dt><dd>{_escaped(value)}</dd>"
        yield "</dl>\n"

    def entry(self, entry: Entry) -> Iterator[str]:
        """A section."""
        name = f" <code>{_escaped(entry.name)}</code>" if entry.name else ""
        notes = _escaped("".join(f" · {note}" for note in _notes(entry)))
        kind = f"{entry.role} error" if entry.error else entry.role
        yield f'<section class="{kind}" id="e{entry.seq}"><h2>{_TITLES[entry.role]}{name}<small>{notes}</small></h2>'
        for title, text in _texts(entry):
            # The parser drops a newline right after <pre>.
            block = f"<pre>\n{_escaped(text)}</pre>"
            yield f"<details><summary>{title}</summary>{block}</details>" if title else block
        yield "</section>\n"

    def foot(self, *, complete: bool) -> Iterator[str]:
        """What is missing, and the end."""
        yield "" if complete else f"<p>{_INCOMPLETE}</p>"
        yield "</body></html>\n"


def _facts(info: TranscriptInfo) -> Iterator[tuple[str, str]]:
    yield "Agent", info.agent
    yield "Conversation", info.native
    if info.cwd:
        yield "Folder", info.cwd
    yield "Begun", told_moment(info.started).isoformat()
    yield "Last entry", told_moment(info.updated).isoformat()
    if info.models:
        yield "Models", ", ".join(info.models)
    if info.answers:
        unpriced = f", without {info.unpriced} of {info.answers} answers, whose price is not known" if info.unpriced else ""
        yield "Used", _used(info.usage) + unpriced
    if info.skipped:
        yield "Lines that could not be read", str(info.skipped)


def _notes(entry: Entry) -> Iterator[str]:
    if entry.at:
        yield told_moment(entry.at).isoformat()
    if entry.sidechain:
        yield "subagent"
    if entry.error:
        yield "failed"
    if entry.truncated:
        yield "cut"
    if entry.usage:
        yield _used(entry.usage)


def _texts(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.role is not EntryRole.TOOL:
        yield "", entry.text
        return
    yield "Input", _given(entry.input or "")
    yield "Output", _UNFINISHED if entry.output is None else entry.output


def _given(text: str) -> str:
    """What a tool was given: a text itself, JSON as people read it."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else msgspec.json.format(text, indent=2)


def _used(usage: Usage) -> str:
    cost = "cost unknown" if usage.cost is None else f"${usage.cost:.4f}"
    cached = f" ({usage.cache_read:,} cached)" if usage.cache_read else ""
    return f"{usage.input:,}{cached} tokens in, {usage.output:,} out, {cost}"


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").translate(_CONTROLS)


def _escaped(text: str) -> str:
    return html.escape(_clean(text))


def _ticks(text: str, least: int) -> str:
    return "`" * max(least, 1 + max((len(run) for run in re.findall("`+", text)), default=0))


def _fenced(text: str) -> str:
    text = _clean(text)
    fence = _ticks(text, 3)
    return f"\n{fence}text\n{text}\n{fence}\n"


def _code(text: str) -> str:
    """A code span (CommonMark 0.31, 6.1) in one line."""
    text = " ".join(_clean(text).split()) or "-"
    ticks = _ticks(text, 1)
    return f"{ticks} {text} {ticks}"
