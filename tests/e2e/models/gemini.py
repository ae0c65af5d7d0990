"""Gemini's generateContent: ai.google.dev/api/generate-content."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.e2e.models.script import Answer, Call, Hold, Say, Think, instance
from tests.e2e.models.talk import Talk


def heard(body: dict[str, Any], path: str) -> Talk:
    """What the request says; the model and the verb are in the path."""
    model, _, verb = path.rpartition("/")[2].partition(":")
    functions = [f for tool in body.get("tools", []) for f in tool.get("functionDeclarations", [])]
    schemas = {f["name"]: f.get("parametersJsonSchema") or f.get("parameters") or {} for f in functions}
    talk = Talk(model, verb == "streamGenerateContent", schemas)
    settings = body.get("generationConfig", {})
    if settings.get("responseMimeType") == "application/json":
        talk.wanted = instance(settings.get("responseJsonSchema") or settings.get("responseSchema") or {})
    for content in body.get("contents", []):
        if content.get("role") == "user":
            for part in content["parts"]:
                if "functionResponse" in part:
                    talk.results += 1
                else:
                    talk.said(part.get("text", ""))
    return talk


def whole(talk: Talk, made: Answer) -> dict[str, Any]:
    """The answer in one piece."""
    return _chunk(talk, made, [_part(part) for part in made.parts if not isinstance(part, Hold)], last=True)


def events(talk: Talk, made: Answer, pieces: Callable[[str], list[str]]) -> Iterator[tuple[str, Any] | Hold]:
    """The answer as events."""
    for part in made.parts:
        if isinstance(part, Hold):
            yield part
        elif isinstance(part, Say):
            yield from (("", _chunk(talk, made, [{"text": piece}])) for piece in pieces(part.text))
        else:
            yield "", _chunk(talk, made, [_part(part)])
    yield "", _chunk(talk, made, [{"text": ""}], last=True)


def _part(part: Say | Think | Call) -> dict[str, Any]:
    match part:
        case Say(text):
            return {"text": text}
        case Think(text):
            return {"text": text, "thought": True}
        case Call(name, arguments):
            return {"functionCall": {"name": name, "args": arguments}}


def _chunk(talk: Talk, made: Answer, parts: list[dict[str, Any]], *, last: bool = False) -> dict[str, Any]:
    taken, given = made.tokens
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0, **({"finishReason": "STOP"} if last else {})}
    usage = {"promptTokenCount": taken, "candidatesTokenCount": given, "totalTokenCount": taken + given}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": talk.model, "responseId": "r"}
