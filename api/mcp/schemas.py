"""The arguments of a tool as a JSON Schema, made from the very types that its route decodes."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from api import schema
from api.routing import PATH_PATTERNS, Route

Json = dict[str, Any]

WAIT: Final = "wait"
"""The argument that stands for `Prefer: wait=N`."""
WAIT_MAX: Final = 50
"""Seconds: clients give up on a tool after a minute."""
WORKSPACE: Final = "workspaceId"
_REF: Final = "#/$defs/{name}"
_LOCAL: Final = "#/$defs/"
_DROPPED: Final = frozenset({"title", "pattern", "minLength", "writeOnly", "format"})
"""What says nothing to a model, or is in a notation that model APIs refuse. The route checks all of it."""
TOLD: Final[Mapping[str, str]] = {
    WORKSPACE: "Which workspace. Needed only by a credential that reaches several.",
    WAIT: "Seconds to wait for the end; it then answers how things stand.",
    "sessionId": "A session, as list_sessions shows it.",
    "terminalId": "A terminal, as list_terminals shows it.",
    "turnId": "A turn, as prompt answers it.",
    "permissionId": "A permission, as list_permissions shows it.",
    "taskId": "A task, as list_tasks shows it.",
    "channelId": "A channel, as list_channels shows it.",
    "worktree": "A worktree of the session; without it, the clone.",
    "worktreeId": "A worktree of the session; without it, the clone.",
    "path": "Relative to the clone, or to the worktree.",
    "organisationId": "Only those of this organisation.",
    "cursor": "`nextCursor` of the page before.",
}
"""What is said of arguments that many tools have."""


def properties_of(route: Route, kinds: Collection[type], left_out: Collection[str]) -> tuple[Json, list[str]]:
    """The properties that a tool for `route` has, and those that are required; all but path and workspace are of `kinds`.

    Raises TypeError when two of them have one name.
    """
    properties: Json = {name: _path(name) for name in route.params}
    required = [name for name in route.params if name != WORKSPACE]
    if route.selects:
        properties[WORKSPACE] = _path(WORKSPACE)
    references, definitions = msgspec.json.schema_components(kinds, schema_hook=schema.schema_hook, ref_template=_REF)
    for reference in references:
        found = definitions[reference["$ref"].removeprefix(_LOCAL)]
        for name in found["properties"].keys() - set(left_out):
            if name in properties:
                raise TypeError(f"{route.name}: {name} would be two arguments of one tool")
        for name, part in found["properties"].items():
            if name not in left_out:
                properties[name] = _told(name, _plain(part, definitions))
        required += [name for name in found.get("required", []) if name not in left_out]
    if WAIT in properties:
        properties[WAIT]["maximum"] = WAIT_MAX
    if route.wait:
        properties[WAIT] = {"type": "number", "minimum": 0, "maximum": WAIT_MAX, "description": TOLD[WAIT]}
    return properties, required


def _path(name: str) -> Json:
    return _told(name, {"type": "string", "pattern": PATH_PATTERNS[name].replace(r"(?!\n)", "")})


def _told(name: str, part: Json) -> Json:
    return part if "description" in part or name not in TOLD else part | {"description": TOLD[name]}


def _plain(part: Any, definitions: Json) -> Any:  # noqa: ANN401  # JSON
    """`part` without references, null and what is dropped: not every client can follow more."""
    if isinstance(part, list):
        return [_plain(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        rest = {name: value for name, value in part.items() if name != "$ref"}
        return _plain(definitions[part["$ref"].removeprefix(_LOCAL)] | rest, definitions)
    if "anyOf" in part:
        kinds = [kind for kind in part["anyOf"] if kind != {"type": "null"}]
        rest = {name: value for name, value in part.items() if name != "anyOf"}
        if len(kinds) == 1:
            return _plain(kinds[0] | rest, definitions)
        part = {**rest, "anyOf": kinds}
    named = isinstance(part.get("properties"), dict)
    return {
        name: {key: _plain(item, definitions) for key, item in value.items()}
        if name == "properties" and named
        else _plain(value, definitions)
        for name, value in part.items()
        if name not in _DROPPED and not (name == "default" and value in (None, "", []))
    }
