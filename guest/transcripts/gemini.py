"""Gemini CLI: `~/.gemini/tmp/PROJECT/chats/session-*.jsonl`, messages by id of which a later line replaces an earlier one."""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Raw, Struct, field

from guest.transcripts.parsed import MODEL_MAX, Answer, Parsed, Piece, called, flat, moment, said
from shared.transcripts import EntryRole
from shared.turns import Tokens, Usage

_NONE: Final = Raw(b"null")
_CONTEXT: Final = "<session_context>"
"""What Gemini itself puts before the user's first words."""


class _Thought(Struct):
    subject: str = ""
    description: str = ""


class _Call(Struct, rename="camel"):
    id: str | None = None
    name: str | None = None
    args: Raw = field(default_factory=lambda: _NONE)
    status: str | None = None
    result_display: Raw = field(default_factory=lambda: _NONE)


class _Part(Struct):
    text: str | None = None


class _Tokens(Struct):
    input: Tokens = 0
    output: Tokens = 0
    cached: Tokens | None = None
    thoughts: Tokens | None = None


class _Message(Struct, rename="camel"):
    id: str
    type: str = ""
    timestamp: str | None = None
    content: str | list[_Part | str] | None = None
    thoughts: list[_Thought] | None = None
    tool_calls: list[_Call] | None = None
    tokens: _Tokens | None = None
    model: str | None = None


class _Set(Struct):
    messages: list[_Message] | None = None


class _Line(Struct):
    id: str | None = None
    session: str | None = field(default=None, name="sessionId")
    started: str | None = field(default=None, name="startTime")
    kind: str | None = None
    set: _Set | None = field(default=None, name="$set")


_line: Final = msgspec.json.Decoder(_Line)
_message: Final = msgspec.json.Decoder(_Message)


def parse(line: bytes) -> Parsed | None:
    """One line."""
    found = _line.decode(line)
    if found.set is not None:
        messages = found.set.messages
        return None if messages is None else Parsed(whole=tuple(_parsed(message) for message in messages))
    if found.id is not None:
        return _parsed(_message.decode(line))
    if found.session is not None:
        return Parsed(at=moment(found.started), native=found.session, subagent=found.kind == "subagent")
    return None


def _parsed(message: _Message) -> Parsed:
    answer = None
    if message.tokens is not None and message.model:
        used = message.tokens
        usage = Usage(
            input=used.input,
            output=used.output + (used.thoughts or 0),
            cache_read=used.cached or 0,
            model=message.model[:MODEL_MAX],
        )
        answer = Answer(message.id, usage, "google")
    return Parsed(tuple(_pieces(message)), moment(message.timestamp), answer, key=message.id)


def _pieces(message: _Message) -> Iterator[Piece]:
    text = _text(message.content)
    if message.type == "user":
        if not text.startswith(_CONTEXT):
            yield from said(EntryRole.USER, text)
    elif message.type == "gemini":
        for thought in message.thoughts or ():
            yield from said(EntryRole.THINKING, f"{thought.subject}\n{thought.description}".strip())
        yield from said(EntryRole.ASSISTANT, text)
        for call in message.tool_calls or ():
            output = None if call.result_display == _NONE else flat(call.result_display)
            failed = call.status in {"error", "cancelled"}
            yield called(call.id, call.name, bytes(call.args).decode(), output, error=failed)


def _text(content: str | list[_Part | str] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = (part if isinstance(part, str) else part.text for part in content)
    return "\n".join(text for text in texts if text)
