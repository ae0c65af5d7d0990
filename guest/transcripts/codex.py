"""Codex: `~/.codex/sessions/YEAR/MONTH/DAY/rollout-*.jsonl`, lines of `{timestamp, type, payload}`."""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Raw, Struct, field

from guest.transcripts.parsed import MODEL_MAX, Answer, Block, Parsed, Piece, called, flat, moment, resulted, said
from shared.transcripts import EntryRole
from shared.turns import Tokens, Usage

_NONE: Final = Raw(b"null")
_PERSON: Final = ["user.text"]
"""The kinds of content of a message that a person wrote; Codex also speaks as the user, of the environment."""


class _Line(Struct):
    type: str = ""
    timestamp: str | None = None
    payload: Raw = field(default_factory=lambda: _NONE)


class _Meta(Struct):
    id: str | None = None
    cwd: str | None = None
    source: Raw = field(default_factory=lambda: _NONE)


class _Context(Struct):
    model: str | None = None
    cwd: str | None = None


class _Tokens(Struct):
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cached_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None


class _Record(Struct):
    usage: _Tokens
    response_id: str | None = None


class _Kinds(Struct):
    content_item_kinds: list[str] | None = None


class _Item(Struct):
    type: str = ""
    role: str | None = None
    content: Raw = field(default_factory=lambda: _NONE)
    summary: list[Block] | None = None
    name: str | None = None
    arguments: str | None = None
    input: Raw = field(default_factory=lambda: _NONE)
    action: Raw = field(default_factory=lambda: _NONE)
    output: Raw = field(default_factory=lambda: _NONE)
    call_id: str | None = None
    internal_chat_message_metadata_passthrough: _Kinds | None = None


class _Executed(Struct):
    type: str = ""
    id: str | None = None
    exit_code: int | None = None


class _Event(Struct):
    type: str = ""
    item: Raw = field(default_factory=lambda: _NONE)


_line: Final = msgspec.json.Decoder(_Line)


def parse(line: bytes) -> Parsed | None:
    """One line."""
    found = _line.decode(line)
    at = moment(found.timestamp)
    match found.type:
        case "session_meta":
            meta = msgspec.json.decode(found.payload, type=_Meta)
            return Parsed(at=at, native=meta.id, cwd=meta.cwd, subagent=b"subagent" in bytes(meta.source)[:100])
        case "turn_context":
            context = msgspec.json.decode(found.payload, type=_Context)
            return Parsed(at=at, model=context.model and context.model[:MODEL_MAX], cwd=context.cwd)
        case "token_usage_record":
            record = msgspec.json.decode(found.payload, type=_Record)
            return Parsed(at=at, answer=_answer(record.response_id or "", record.usage))
        case "response_item":
            return Parsed(tuple(_pieces(msgspec.json.decode(found.payload, type=_Item))), at)
        case "event_msg":
            return _event(msgspec.json.decode(found.payload, type=_Event), at)
        case _:
            return None


def _event(event: _Event, at: str | None) -> Parsed | None:
    if event.type == "item_completed":
        item = msgspec.json.decode(event.item, type=_Executed)
        if item.type == "CommandExecution":
            return Parsed((resulted(item.id, None, error=bool(item.exit_code)),), at)
    return None


def _pieces(item: _Item) -> Iterator[Piece]:
    if item.type == "message" and item.role in {"user", "assistant"}:
        text = flat(item.content)
        if item.role == "assistant" or _by_person(item, text):
            yield from said(EntryRole(item.role), text)
    elif item.type == "reasoning":
        yield from said(EntryRole.THINKING, "\n".join(block.text or "" for block in item.summary or ()))
    elif item.type.endswith("_call"):
        given = item.arguments or next((bytes(raw).decode() for raw in (item.input, item.action) if raw != _NONE), None)
        yield called(item.call_id, item.name or item.type.removesuffix("_call"), given)
    elif item.type.endswith("_call_output"):
        yield resulted(item.call_id, flat(item.output))


def _by_person(item: _Item, text: str) -> bool:
    passed = item.internal_chat_message_metadata_passthrough
    if passed and passed.content_item_kinds:
        return passed.content_item_kinds == _PERSON
    return not text.startswith("<")


def _answer(response: str, tokens: _Tokens) -> Answer:
    usage = Usage(
        input=tokens.input_tokens,
        output=tokens.output_tokens,
        cache_read=tokens.cached_input_tokens or 0,
        cache_write=tokens.cache_write_input_tokens or 0,
    )
    return Answer(response, usage, "openai")
