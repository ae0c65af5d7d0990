"""OpenAI's chat completions, which many providers speak: platform.openai.com/docs/api-reference/chat-streaming."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.e2e.models.script import Answer, Call, Hold, Say, Think
from tests.e2e.models.talk import Talk


def heard(body: dict[str, Any], _path: str) -> Talk:
    """What the request says."""
    functions = [tool["function"] for tool in body.get("tools", []) if tool["type"] == "function"]
    talk = Talk(body["model"], bool(body.get("stream")), {f["name"]: f.get("parameters", {}) for f in functions})
    for message in body["messages"]:
        if message["role"] == "user":
            content = message["content"]
            for text in [content] if isinstance(content, str) else [part.get("text", "") for part in content]:
                talk.said(text)
        elif message["role"] == "tool":
            talk.results += 1
    return talk


def whole(talk: Talk, made: Answer) -> dict[str, Any]:
    """The answer in one piece."""
    text = "".join(part.text for part in made.parts if isinstance(part, Say))
    message = {"role": "assistant", "content": text, **({"tool_calls": _calls(made)} if made.calls else {})}
    return {
        **_head(talk, "chat.completion"),
        "usage": _usage(made),
        "choices": [{"index": 0, "message": message, "finish_reason": _stop(made)}],
    }


def events(talk: Talk, made: Answer, pieces: Callable[[str], list[str]]) -> Iterator[tuple[str, Any] | Hold]:
    """The answer as events."""
    head = _head(talk, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], stop: str | None = None) -> tuple[str, Any]:
        return "", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": stop}]}

    yield chunk({"role": "assistant", "content": ""})
    for part in made.parts:
        match part:
            case Hold():
                yield part
            case Say(text):
                yield from (chunk({"content": piece}) for piece in pieces(text))
            case Think(text):
                yield from (chunk({"reasoning_content": piece}) for piece in pieces(text))
    if made.calls:
        yield chunk({"tool_calls": _calls(made)})
    yield chunk({}, _stop(made))
    yield "", {**head, "choices": [], "usage": _usage(made)}
    yield "", "[DONE]"


def _calls(made: Answer) -> list[dict[str, Any]]:
    calls = [part for part in made.parts if isinstance(part, Call)]
    return [
        {
            "index": index,
            "id": f"call_{secrets.token_hex(12)}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
        for index, call in enumerate(calls)
    ]


def _head(talk: Talk, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": talk.model}


def _stop(made: Answer) -> str:
    return "tool_calls" if made.calls else "stop"


def _usage(made: Answer) -> dict[str, int]:
    taken, given = made.tokens
    return {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given}
