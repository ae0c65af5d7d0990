"""The lines of Claude Code's two-way stream-json, as far as they mean something to us, and as events of ours."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from guest.drivers.texts import NAME_MAX, call_id, detail, is_choice, label, pieces, tokens
from shared.turns import Body, Choosable, Message, Thought, ToolCall, ToolKind, ToolStatus, Usage

_KINDS: Final = {
    "Bash": ToolKind.EXECUTE,
    "Read": ToolKind.READ,
    "Edit": ToolKind.EDIT,
    "Write": ToolKind.EDIT,
    "NotebookEdit": ToolKind.EDIT,
    "Glob": ToolKind.SEARCH,
    "Grep": ToolKind.SEARCH,
    "WebFetch": ToolKind.FETCH,
    "WebSearch": ToolKind.FETCH,
    "Task": ToolKind.THINK,
    "Agent": ToolKind.THINK,
    "EnterPlanMode": ToolKind.SWITCH_MODE,
    "ExitPlanMode": ToolKind.SWITCH_MODE,
}
_SUBJECTS: Final = ("command", "file_path", "notebook_path", "path", "pattern", "url", "query", "description")
"""What of a tool's input says most about a call, first of all."""
MODES: Final = [Choosable("default", "Ask first"), Choosable("acceptEdits", "Accept edits"), Choosable("plan", "Plan only")]


class Block(Struct):
    """A piece of a message's content, of any kind."""

    type: str
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: dict[str, Any] = field(default_factory=dict)
    tool_use_id: str = ""
    content: Any = None
    is_error: bool | None = None


class ApiMessage(Struct):
    """What one side of the model's API says."""

    content: str | list[Block]
    id: str = ""


class Said(Struct):
    """`assistant`: a block of an answer that is complete; `user`: results of tools."""

    message: ApiMessage
    parent_tool_use_id: str | None = None
    """The tool call of the subagent that says it."""


class Delta(Struct):
    """What is added to a block."""

    text: str = ""
    thinking: str = ""


class Started(Struct):
    """The answer that begins."""

    id: str = ""


class StreamEvent(Struct):
    """An event of the model's API."""

    type: str
    delta: Delta | None = None
    message: Started | None = None


class Streamed(Struct):
    """`stream_event`: a piece of an answer."""

    event: StreamEvent
    parent_tool_use_id: str | None = None


class ModelUsage(Struct, rename="camel"):
    """What a model has used up in the conversation so far."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


class TurnUsage(Struct):
    """What a turn has used up; without an answer that was interrupted."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


class Result(Struct):
    """`result`: the end of a turn."""

    subtype: str
    is_error: bool
    result: str | None = None
    errors: list[str] = field(default_factory=list)
    stop_reason: str | None = None
    total_cost_usd: float | None = None
    usage: TurnUsage = field(default_factory=TurnUsage)
    model_usage: dict[str, ModelUsage] = field(name="modelUsage", default_factory=dict)

    @property
    def reason(self) -> str:
        """Why it failed."""
        return self.result or "; ".join(self.errors) or self.subtype


class System(Struct):
    """`system`: among other things, that the mode is another one."""

    mode: str | None = field(name="permissionMode", default=None)


class Control(Struct):
    """`control_request`: a question to us."""

    request_id: str
    request: dict[str, Any]


class Withdrawn(Struct):
    """`control_cancel_request`: a question that needs no answer any more."""

    request_id: str


class Answer(Struct):
    """The answer to a question of ours."""

    subtype: str
    request_id: str
    response: dict[str, Any] | None = None
    error: str | None = None


class Answered(Struct):
    """`control_response`."""

    response: Answer


RECORDS: Final[Mapping[str, type[Struct]]] = {
    "assistant": Said,
    "user": Said,
    "stream_event": Streamed,
    "result": Result,
    "system": System,
    "control_request": Control,
    "control_cancel_request": Withdrawn,
    "control_response": Answered,
}
"""By `type`; what is not here is skipped."""


def kind(tool: str) -> ToolKind:
    """What a tool of Claude's does."""
    return _KINDS.get(tool, ToolKind.OTHER)


def title(tool: str, given: Mapping[str, Any]) -> str:
    """A line about a tool call: of a shell command, the command itself."""
    subject = next((given[name] for name in _SUBJECTS if isinstance(given.get(name), str) and given[name]), "")
    return label(subject if tool == "Bash" and subject else f"{tool} {subject}")


def spoken(block: Block) -> Iterator[Body]:
    """The events of a block that was not streamed."""
    if block.type == "text":
        yield from map(Message, pieces(block.text))
    elif block.type == "thinking":
        yield from map(Thought, pieces(block.thinking))


def tool_call(block: Block) -> ToolCall:
    """A tool call that begins."""
    text, cut = detail(block.input)
    about, does = title(block.name, block.input), kind(block.name)
    return ToolCall(call_id(block.id), title=about, kind=does, status=ToolStatus.IN_PROGRESS, input=text, truncated=cut)


def tool_result(block: Block) -> ToolCall:
    """A tool call that has ended."""
    content = block.content
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", f"({part.get('type')})")) for part in content if isinstance(part, dict))
    text, cut = detail(content if content is not None else "")
    status = ToolStatus.FAILED if block.is_error else ToolStatus.COMPLETED
    return ToolCall(call_id(block.tool_use_id), status=status, output=text, truncated=cut)


def models(given: object) -> list[Choosable]:
    """The models of Claude's answer to `initialize`."""
    found = [m for m in given if isinstance(m, dict) and is_choice(m.get("value"))] if isinstance(given, list) else []
    return [Choosable(m["value"], label(m.get("displayName") or m["value"], NAME_MAX)) for m in found][:200]


class Meter:
    """What turns use up. Claude states the sums of the whole conversation, also of what went before it was resumed."""

    def __init__(self) -> None:
        """Nothing was used."""
        self._cost: float | None = 0.0
        self._models: dict[str, ModelUsage] | None = {}

    def resumed(self, cost: float | None, used: dict[str, ModelUsage] | None) -> None:
        """The conversation's sums when the process began; None when they are not known."""
        self._cost, self._models = cost, used

    def turn(self, result: Result) -> Usage:
        """What was used since the last time; after a turn that failed, with what that has used."""
        before, cost_before = self._models, self._cost
        self._models, self._cost = result.model_usage, result.total_cost_usd
        if before is None or cost_before is None or result.total_cost_usd is None or result.total_cost_usd < cost_before:
            return _usage(result.usage, None, next(iter(result.model_usage), None))
        used = {name: _less(now, before.get(name, ModelUsage())) for name, now in result.model_usage.items()}
        most = max(used, key=lambda name: used[name].output_tokens, default=None)
        total = TurnUsage(
            *(sum(getattr(one, name) for one in used.values()) for name in TurnUsage.__struct_fields__),
        )
        return _usage(total, result.total_cost_usd - cost_before, most)


def _less(now: ModelUsage, before: ModelUsage) -> ModelUsage:
    return ModelUsage(*(max(0, getattr(now, name) - getattr(before, name)) for name in ModelUsage.__struct_fields__))


def _usage(used: TurnUsage, cost: float | None, model: str | None) -> Usage:
    read, write = used.cache_read_input_tokens, used.cache_creation_input_tokens
    return Usage(
        input=tokens(used.input_tokens + read + write),
        output=tokens(used.output_tokens),
        cache_read=tokens(read),
        cache_write=tokens(write),
        cost=cost,
        model=label(model, NAME_MAX) if model else None,
    )
