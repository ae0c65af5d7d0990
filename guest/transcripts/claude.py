"""Claude Code: `~/.claude/projects/FOLDER/SESSION.jsonl`, a record a line; those of subagents beside or below it.

One answer of the model is written as a record for each of its blocks, each with the usage of the whole.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Raw, Struct, field

from guest.transcripts.parsed import MODEL_MAX, Answer, Kind, Parsed, Piece, called, dollars, flat, moment, resulted, said
from shared.transcripts import EntryRole
from shared.turns import Tokens, Usage

_NONE: Final = Raw(b"null")


class _Block(Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = field(default_factory=lambda: _NONE)
    tool_use_id: str | None = None
    content: Raw = field(default_factory=lambda: _NONE)
    is_error: bool | None = None


class _Created(Struct):
    ephemeral_1h_input_tokens: Tokens = 0


class _Usage(Struct):
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_creation: _Created | None = None


class _Message(Struct):
    content: str | list[_Block]
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None


class _Record(Struct, rename="camel"):
    type: str
    message: _Message
    timestamp: str | None = None
    cwd: str | None = None
    is_sidechain: bool | None = None
    is_meta: bool | None = None
    agent_id: str | None = None
    cost_usd: float | None = field(default=None, name="costUSD")


class _CostState(Struct, rename="camel"):
    total_cost: float = field(name="totalCostUSD")
    has_unknown_model_cost: bool | None = None


_kind: Final = msgspec.json.Decoder(Kind)
_record: Final = msgspec.json.Decoder(_Record)
_cost_state: Final = msgspec.json.Decoder(_CostState)


def parse(line: bytes) -> Parsed | None:
    """One line."""
    kind = _kind.decode(line).type
    if kind == "cost-state":
        state = _cost_state.decode(line)
        return None if state.has_unknown_model_cost else Parsed(stated=dollars(state.total_cost))
    if kind not in {"user", "assistant"}:
        return None
    record = _record.decode(line)
    if record.is_meta:
        return None
    return Parsed(
        pieces=tuple(_pieces(EntryRole(kind), record.message.content)),
        at=moment(record.timestamp),
        answer=_answer(record) if kind == "assistant" else None,
        cwd=record.cwd,
        sidechain=bool(record.is_sidechain),
        subagent=bool(record.is_sidechain and record.agent_id),
    )


def _pieces(role: EntryRole, content: str | list[_Block]) -> Iterator[Piece]:
    if isinstance(content, str):
        yield from said(role, content)
        return
    for block in content:
        if block.type == "text":
            yield from said(role, block.text)
        elif block.type == "thinking":
            yield from said(EntryRole.THINKING, block.thinking)
        elif block.type.endswith("tool_use"):
            yield called(block.id, block.name, bytes(block.input).decode())
        elif block.type.endswith("tool_result"):
            yield resulted(block.tool_use_id, flat(block.content), error=bool(block.is_error))
        elif block.type in {"image", "document"}:
            yield from said(role, f"[{block.type}]")


def _answer(record: _Record) -> Answer | None:
    message, used = record.message, record.message.usage
    if used is None or message.model in {None, "<synthetic>"}:
        return None
    read, written = used.cache_read_input_tokens or 0, used.cache_creation_input_tokens or 0
    return Answer(
        id=message.id or "",
        usage=Usage(
            input=used.input_tokens + read + written,
            output=used.output_tokens,
            cache_read=read,
            cache_write=written,
            cost=dollars(record.cost_usd),
            model=(message.model or "")[:MODEL_MAX],
        ),
        provider="anthropic",
        hour=used.cache_creation.ephemeral_1h_input_tokens if used.cache_creation else 0,
    )
