"""The language of the prompts: each line of a prompt says one thing that the model is to do.

    think: TEXT        think aloud, where the agent wants that
    say: TEXT          say this; what begins with a quotation mark is a JSON string, for texts of several lines
    run: COMMAND       call the agent's own tool for shell commands, by whatever name it offers one
    ask: COMMAND       the same, and outside of the agent's sandbox if it has one: it must ask the user first
    call: NAME JSON    call a tool by name
    hold: NAME         go on only when the test releases NAME
    fail: STATUS       answer the request with this HTTP status
    tokens: IN OUT     the usage that the answer states

An answer ends with its tool calls: what stands after them is said once the agent has their results. Lines of another form
mean nothing. No state is kept: how far a prompt has got is told by the results that follow it in the conversation.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_LINE: Final = re.compile(r"^\s*(think|say|run|ask|call|hold|fail|tokens): ?(.*)$", re.MULTILINE)
_SHELLS: Final = ("Bash", "bash", "exec_command", "shell_command", "shell", "run_shell_command")

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Think:
    """A piece of thinking."""

    text: str


@dataclass(frozen=True)
class Say:
    """A piece of text."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call of one of the agent's tools."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Hold:
    """Nothing, until the test says so."""

    name: str


Part = Think | Say | Call | Hold


@dataclass
class Answer:
    """One answer of the model."""

    parts: list[Part] = field(default_factory=list)
    fail: int | None = None
    tokens: tuple[int, int] = (1000, 50)

    @property
    def calls(self) -> bool:
        """Whether it ends with tool calls."""
        return any(isinstance(part, Call) for part in self.parts)


def answer(prompt: str, results: int, tools: Mapping[str, Schema]) -> Answer:
    """What the model says to `prompt` when so many tool results have followed it; `tools` are the offered ones' schemas."""
    made = Answer()
    steps: list[list[Part]] = [[]]
    for verb, rest in _LINE.findall(prompt):
        if verb == "fail":
            made.fail = int(rest)
        elif verb == "tokens":
            first, second = rest.split()
            made.tokens = (int(first), int(second))
        else:
            part = _part(verb, rest.strip(), tools)
            if steps[-1] and isinstance(steps[-1][-1], Call) and not isinstance(part, Call):
                steps.append([])
            steps[-1].append(part)
    for step in steps:
        calls = sum(isinstance(part, Call) for part in step)
        if results < calls or not calls:
            made.parts = step
            break
        results -= calls
    if not any(isinstance(part, Say | Call) for part in made.parts):
        made.parts = [*made.parts, Say("So it is.")]
    return made


def _part(verb: str, rest: str, tools: Mapping[str, Schema]) -> Part:
    if verb in {"run", "ask"}:
        return _shell(rest, tools, escalate=verb == "ask")
    if verb == "call":
        name, _, arguments = rest.partition(" ")
        return Call(name, json.loads(arguments or "{}"))
    if verb == "hold":
        return Hold(rest)
    if verb == "think":
        return Think(rest)
    return Say(json.loads(rest) if rest.startswith('"') else rest)


def _shell(command: str, tools: Mapping[str, Schema], *, escalate: bool) -> Part:
    """The call that runs `command`, as the schema of the offered tool wants it."""
    more = {"sandbox_permissions": "require_escalated", "justification": "a test wants it"} if escalate else {}
    for name, schema in tools.items():
        if schema.get("program"):
            arguments = json.dumps({"cmd": command, **more})
            return Call(name, {"input": f"text(JSON.stringify(await tools.exec_command({arguments})))"})
    name = next((name for name in _SHELLS if name in tools), "")
    if not name:
        return Say(f"there is no tool to run {command} with, only {', '.join(tools)}")
    properties = tools[name].get("properties", {})
    key = "cmd" if "cmd" in properties else "command"
    value: str | Sequence[str] = ["bash", "-c", command] if properties.get(key, {}).get("type") == "array" else command
    wanted = {key: value, "description": "a step of a test", **more}
    return Call(name, {name: value for name, value in wanted.items() if name in properties})


def instance(schema: Schema) -> Any:  # noqa: ANN401  # JSON
    """The plainest value of a JSON schema, for answers that have to be JSON."""
    if "enum" in schema:
        return schema["enum"][-1]
    kind = str(schema.get("type", "object")).lower()
    if kind == "object":
        return {name: instance(part) for name, part in schema.get("properties", {}).items()}
    return {"string": "A title", "integer": 1, "number": 1, "boolean": False, "array": []}.get(kind)
