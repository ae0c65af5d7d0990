"""OpenAI's Responses API: platform.openai.com/docs/api-reference/responses-streaming."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.e2e.models.script import Answer, Call, Hold, Say, Think
from tests.e2e.models.talk import Talk


def heard(body: dict[str, Any], _path: str) -> Talk:
    """What the request says."""
    items = body["input"]
    items = [{"role": "user", "content": items}] if isinstance(items, str) else items
    talk = Talk(body["model"], bool(body.get("stream")), {}, thinks=True)
    for tools in (body.get("tools", []), *(item["tools"] for item in items if item.get("type") == "additional_tools")):
        _offered(talk, tools)
    for item in items:
        if item.get("role") == "user":
            content = item["content"]
            for text in [content] if isinstance(content, str) else [part.get("text", "") for part in content]:
                talk.said(text)
        elif str(item.get("type")).endswith("_output"):
            talk.results += 1
    return talk


def _offered(talk: Talk, tools: list[dict[str, Any]], namespace: str = "") -> None:
    for tool in tools:
        if tool["type"] == "namespace":
            _offered(talk, tool["tools"], tool["name"])
            continue
        name = tool.get("name", tool["type"])
        talk.namespaces[name] = namespace
        talk.tools[name] = tool.get("parameters") or {}
        if tool["type"] == "custom":
            # A program of JavaScript, in which the tools are functions.
            talk.tools[name] = {"program": True} if "tools.exec_command" in tool.get("description", "") else {"text": True}


def whole(talk: Talk, made: Answer) -> dict[str, Any]:
    """The answer in one piece."""
    return _response(talk, made, [_item(talk, part) for part in made.parts if not isinstance(part, Hold)])


def events(talk: Talk, made: Answer, pieces: Callable[[str], list[str]]) -> Iterator[tuple[str, Any] | Hold]:
    """The answer as events."""
    number = 0

    def event(kind: str, **fields: Any) -> tuple[str, Any]:  # noqa: ANN401  # JSON
        nonlocal number
        number += 1
        return kind, {"type": kind, "sequence_number": number - 1, **fields}

    begun = {**_response(talk, made, []), "status": "in_progress", "usage": None}
    yield event("response.created", response=begun)
    output: list[dict[str, Any]] = []
    for part in made.parts:
        if isinstance(part, Hold):
            yield part
            continue
        item = _item(talk, part)
        at = {"item_id": item["id"], "output_index": len(output)}
        yield event("response.output_item.added", output_index=len(output), item=_begun(item))
        match part:
            case Say(text):
                yield event("response.content_part.added", **at, content_index=0, part={"type": "output_text", "text": ""})
                for piece in pieces(text):
                    yield event("response.output_text.delta", **at, content_index=0, delta=piece)
                yield event("response.output_text.done", **at, content_index=0, text=text)
            case Think(text):
                yield event(
                    "response.reasoning_summary_part.added", **at, summary_index=0, part={"type": "summary_text", "text": ""}
                )
                for piece in pieces(text):
                    yield event("response.reasoning_summary_text.delta", **at, summary_index=0, delta=piece)
                yield event("response.reasoning_summary_text.done", **at, summary_index=0, text=text)
        yield event("response.output_item.done", output_index=len(output), item=item)
        output.append(item)
    yield event("response.completed", response=_response(talk, made, output))


def _item(talk: Talk, part: Say | Think | Call) -> dict[str, Any]:
    name = secrets.token_hex(12)
    match part:
        case Say(text):
            content = [{"type": "output_text", "text": text, "annotations": []}]
            return {"id": f"msg_{name}", "type": "message", "role": "assistant", "status": "completed", "content": content}
        case Think(text):
            return {"id": f"rs_{name}", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}], "content": []}
        case Call(tool, arguments):
            space = {"namespace": talk.namespaces[tool]} if talk.namespaces.get(tool) else {}
            called = {"call_id": f"call_{name}", "name": tool, **space}
            if talk.tools.get(tool, {}).keys() & {"program", "text"}:
                return {"id": f"ctc_{name}", "type": "custom_tool_call", **called, "input": str(arguments.get("input", ""))}
            return {"id": f"fc_{name}", "type": "function_call", **called, "arguments": json.dumps(arguments)}


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    empty = {"content": [], "summary": [], "arguments": "", "input": ""}
    return {**item, **{key: value for key, value in empty.items() if key in item}, "status": "in_progress"}


def _response(talk: Talk, made: Answer, output: list[dict[str, Any]]) -> dict[str, Any]:
    taken, given = made.tokens
    return {
        "id": f"resp_{secrets.token_hex(12)}",
        "object": "response",
        "created_at": int(time.time()),
        "model": talk.model,
        "status": "completed",
        "output": output,
        "error": None,
        "usage": {
            "input_tokens": taken,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": given,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": taken + given,
        },
    }
