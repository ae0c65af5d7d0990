"""Anthropic's Messages API: docs.anthropic.com/en/api/messages-streaming."""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from tests.e2e.models.script import Answer, Call, Hold, Say, Think, instance
from tests.e2e.models.talk import Talk


def heard(body: dict[str, Any], _path: str) -> Talk:
    """What the request says."""
    talk = Talk(
        body["model"], bool(body.get("stream")), {tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools", [])}
    )
    talk.thinks = body.get("thinking", {}).get("type") in {"enabled", "adaptive"}
    form = body.get("output_config", {}).get("format") or body.get("output_format") or {}
    if "schema" in form:
        talk.wanted = instance(form["schema"])
    for message in body["messages"]:
        if message["role"] == "user":
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            for block in blocks:
                if block["type"] == "tool_result":
                    talk.results += 1
                elif block["type"] == "text":
                    talk.said(block["text"])
    return talk


def whole(talk: Talk, made: Answer) -> dict[str, Any]:
    """The answer in one piece."""
    return {
        **_message(talk, made),
        "content": [_block(part) for part in made.parts if not isinstance(part, Hold)],
        "stop_reason": _stop(made),
    }


def events(talk: Talk, made: Answer, pieces: Callable[[str], list[str]]) -> Iterator[tuple[str, Any] | Hold]:
    """The answer as events."""
    yield "message_start", {"type": "message_start", "message": _message(talk, made)}
    index = 0
    for part in made.parts:
        if isinstance(part, Hold):
            yield part
            continue
        if isinstance(part, Think) and not talk.thinks:
            continue
        start = _block(part, empty=True)
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": start}
        for delta in _deltas(part, pieces):
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
        index += 1
    end = {"stop_reason": _stop(made), "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": end, "usage": _usage(made)}
    yield "message_stop", {"type": "message_stop"}


def _deltas(part: Say | Think | Call, pieces: Callable[[str], list[str]]) -> Iterator[dict[str, str]]:
    match part:
        case Say(text):
            yield from ({"type": "text_delta", "text": piece} for piece in pieces(text))
        case Think(text):
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(text))
            yield {"type": "signature_delta", "signature": "bm9uZQ=="}
        case Call(_, arguments):
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(json.dumps(arguments)))


def _block(part: Say | Think | Call, *, empty: bool = False) -> dict[str, Any]:
    match part:
        case Say(text):
            return {"type": "text", "text": "" if empty else text}
        case Think(text):
            return {"type": "thinking", "thinking": "" if empty else text, "signature": ""}
        case Call(name, arguments):
            return {
                "type": "tool_use",
                "id": f"toolu_{secrets.token_hex(12)}",
                "name": name,
                "input": {} if empty else arguments,
            }


def _message(talk: Talk, made: Answer) -> dict[str, Any]:
    return {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": talk.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(made),
    }


def _stop(made: Answer) -> str:
    return "tool_use" if made.calls else "end_turn"


def _usage(made: Answer) -> dict[str, int]:
    taken, given = made.tokens
    return {"input_tokens": taken, "output_tokens": given, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
