"""What an ACP agent tells, as events of ours. Loaded with the first such agent: the library takes most of a second."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from acp import schema

from guest.drivers.texts import NAME_MAX, call_id, detail, encoded, is_choice, label, pieces, tokens
from shared.turns import (
    DETAIL_MAX,
    OPTIONS_MAX,
    AgentState,
    Body,
    Choosable,
    Message,
    Option,
    OptionKind,
    Plan,
    PlanEntry,
    Thought,
    ToolKind,
    Usage,
)

MODELS_MAX: Final = 200
_PLAN_MAX: Final = 200
_STEP_MAX: Final = 500
"""Characters of one step, so that a whole plan fits an event."""

Told = schema.SessionNotification


def bodies(update: Any) -> Iterator[Body]:  # noqa: ANN401  # one of the library's many kinds
    """The events that `update` stands for, unless it is about a tool call: see `guest.drivers.acp_calls`."""
    match update:
        case schema.AgentMessageChunk():
            yield from map(Message, pieces(_text(update.content)))
        case schema.AgentThoughtChunk():
            yield from map(Thought, pieces(_text(update.content)))
        case schema.AgentPlanUpdate():
            yield Plan([PlanEntry(label(e.content, _STEP_MAX), label(e.status, 40)) for e in update.entries[:_PLAN_MAX]])
        case _:
            return


def _text(content: Any) -> str:  # noqa: ANN401  # one of the library's kinds of content
    match content:
        case schema.TextContentBlock():
            return content.text
        case schema.ResourceContentBlock():
            return f"[{content.name}]({content.uri})"
        case schema.EmbeddedResourceContentBlock():
            return str(getattr(content.resource, "text", content.resource.uri))
        case _:
            return f"({content.type})"


def raw_input(raw: object) -> tuple[str | None, bool]:
    """What a tool was given, and whether it was cut; None when the agent does not say."""
    # Many agents begin with an empty one.
    return detail(raw) if raw not in (None, {}, "") else (None, False)


def output(update: schema.ToolCallStart | schema.ToolCallProgress) -> tuple[str | None, bool]:
    """What a tool has printed so far, and whether it was cut; None when the agent does not say."""
    if shown := "\n".join(filter(None, map(_shown, update.content or ()))):
        return detail(shown)
    return detail(update.raw_output) if update.raw_output not in (None, {}, "") else (None, False)


def _shown(content: Any) -> str:  # noqa: ANN401  # as above
    match content:
        case schema.ContentToolCallContent():
            return _text(content.content)
        case schema.FileEditToolCallContent():
            # Cut first: there may be millions of lines, of which few are shown.
            removed = [f"-{line}" for line in (content.old_text or "")[: DETAIL_MAX + 1].splitlines()]
            added = [f"+{line}" for line in content.new_text[: DETAIL_MAX + 1].splitlines()]
            return "\n".join([content.path, *removed, *added])
        case _:
            return ""


def kind(value: str | None) -> ToolKind:
    """A tool's kind; one that we do not know is OTHER."""
    return ToolKind(value) if value and value in set(ToolKind) else ToolKind.OTHER


def options(given: Iterable[schema.PermissionOption]) -> list[Option]:
    """The answers that can be chosen."""
    usable = (o for o in given if is_choice(o.option_id) and o.kind in set(OptionKind))
    return [Option(o.option_id, label(o.name, NAME_MAX), OptionKind(o.kind)) for o in usable][:OPTIONS_MAX]


def asked(tool_call: schema.ToolCallUpdate) -> tuple[str, ToolKind, str, str | None, bool]:
    """Title, kind, call and input of what a permission is about, and whether the input was cut."""
    text, cut = raw_input(tool_call.raw_input)
    title = tool_call.title or encoded(tool_call.raw_input or "a permission")
    return label(title), kind(tool_call.kind), call_id(tool_call.tool_call_id), text, cut


def select(given: Iterable[Any] | None, category: str) -> schema.SessionConfigOptionSelect | None:
    """The option of `category` among those that an agent lets its user choose."""
    found = (o for o in given or () if isinstance(o, schema.SessionConfigOptionSelect))
    return next((o for o in found if category in (o.category, o.id)), None)


def choices(option: schema.SessionConfigOptionSelect | None, most: int) -> list[Choosable]:
    """What can be chosen, groups and all."""
    found: list[Choosable] = []
    for entry in option.options if option else ():
        inner = entry.options if isinstance(entry, schema.SessionConfigSelectGroup) else [entry]
        found += [Choosable(o.value, label(o.name, NAME_MAX)) for o in inner if is_choice(o.value)]
    return found[:most]


def state(modes: schema.SessionModeState | None, config: Iterable[Any] | None) -> AgentState:
    """What an agent offers and what is chosen, from both ways in which ACP tells it."""
    config = list(config or ())
    model, mode = select(config, "model"), select(config, "mode")
    known = choices(mode, OPTIONS_MAX)
    chosen = mode.current_value if mode else None
    if modes:
        usable = (m for m in modes.available_modes if is_choice(m.id))
        known = [Choosable(m.id, label(m.name, NAME_MAX)) for m in usable][:OPTIONS_MAX]
        chosen = modes.current_mode_id
    return AgentState(
        mode=chosen if is_choice(chosen) else None,
        modes=known,
        model=model.current_value if model and is_choice(model.current_value) else None,
        models=choices(model, MODELS_MAX),
    )


def model_used(reply: schema.PromptResponse) -> str | None:
    """The model's own name, by which it is priced, where an adapter tells it; what is chosen may be an alias."""
    quota = (reply.field_meta or {}).get("quota")
    used = quota.get("model_usage") if isinstance(quota, dict) else None
    first = used[0] if isinstance(used, list) and used else None
    model = first.get("model") if isinstance(first, dict) else None
    return model if is_choice(model) else None


def usage(given: schema.Usage | None, cost: float | None, model: str | None) -> Usage | None:
    """Of one turn. Agents count the cached tokens apart, or not at all."""
    if given is None and cost is None:
        return None
    if given is None:
        return Usage(cost=cost, model=model)
    read, write = given.cached_read_tokens or 0, given.cached_write_tokens or 0
    return Usage(
        input=tokens(given.input_tokens + read + write),
        output=tokens(given.output_tokens),
        cache_read=tokens(read),
        cache_write=tokens(write),
        cost=cost,
        model=model,
    )
