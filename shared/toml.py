"""TOML into the configuration's types, with errors that name the key and its line."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from shared.choices import choices, readable

T = TypeVar("T")

Path = tuple[str, ...]
"""The names that lead to a key, from the top."""

_ANY: Final = "[...]"
"""How msgspec names an entry of a table whose keys are free."""


class TomlError(Exception):
    """The text is not what it should be; the message names the line, where there is one."""


class KeyProblem(Exception):  # noqa: N818  # it is turned into a TomlError
    """A value that is well-formed and cannot be used. `path` leads to it."""

    def __init__(self, path: Path, reason: str) -> None:
        """Keep both."""
        super().__init__(reason)
        self.path = path


def parse(text: str) -> dict[str, Any]:
    """What `text` says. Raises TomlError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlError(str(error)) from error


def convert(text: str, said: dict[str, Any], kind: type[T]) -> T:
    """`said`, which was parsed from `text`, as `kind`. Raises TomlError."""
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise located(text, problem(error, said, kind)) from error


def problem(error: msgspec.ValidationError, said: dict[str, Any], kind: type) -> KeyProblem:
    """What the conversion of `said` to `kind` has raised, with the path of the key that it is about."""
    what, _, where = str(error).partition(" - at ")
    names = where.strip("`").removeprefix("key` in `").removeprefix("$").replace(_ANY, ".*").split(".")[1:]
    path = _named(said, tuple(name.partition("[")[0] for name in names), kind, str(error))
    unknown = what.removeprefix("Object contains unknown field `")
    if unknown != what:
        return KeyProblem((*path, unknown.rstrip("`")), "unknown key")
    missing = what.removeprefix("Object missing required field `")
    if missing != what:
        return KeyProblem(path, f"needs the key `{missing.rstrip('`')}`")
    if what.startswith("Invalid enum value"):
        return KeyProblem(path, f"expected one of {', '.join(choices(kind, path))}")
    return KeyProblem(path, readable(what).replace("Expected", "expected"))


def located(text: str, found: KeyProblem) -> TomlError:
    """The error that names the key, and its line if the text has it."""
    line = line_of(text, found.path)
    where = f"line {line}: " if line else ""
    return TomlError(f"{where}{'.'.join(found.path)}: {found}")


def line_of(text: str, path: Path) -> int | None:
    """The line, from 1, where the key at `path` begins; None when it is not there.

    A key is on the first line with which the text so far says it: the parser itself decides that, so that tables, dotted keys
    and values of several lines are all understood.
    """
    lines = text.splitlines()
    begun = 0
    for end in range(1, len(lines) + 1):
        try:
            said = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # within a value of several lines
        if _has(said, path):
            return begun + 1 + next(n for n, line in enumerate(lines[begun:end]) if line.strip() and line.strip()[0] != "#")
        begun = end
    return None


def _has(said: object, path: Path) -> bool:
    for name in path:
        if not isinstance(said, Mapping) or name not in said:
            return False
        said = said[name]
    return True


def _named(said: dict[str, Any], path: Path, kind: type, message: str) -> Path:
    """`path` with the names of the entries that are wrong: those without which the error is another one."""
    found: list[str] = []
    for name in path:
        found.append(name if name != "*" else next(_culprits(said, tuple(found), kind, message), "*"))
    return tuple(found)


def _culprits(said: dict[str, Any], table: Path, kind: type, message: str) -> Iterator[str]:
    entries = said
    for name in table:
        entries = entries[name]
    for name, value in entries.items():
        try:
            msgspec.convert(_only(said, table, {name: value}), kind)
        except msgspec.ValidationError as error:
            if str(error) == message:
                yield name


def _only(said: dict[str, Any], table: Path, entries: dict[str, Any]) -> dict[str, Any]:
    """`said` with nothing but `entries` in `table`."""
    if not table:
        return entries
    return said | {table[0]: _only(said[table[0]], table[1:], entries)}
