"""What a wrong value could have been, and how a type's pattern is told: for errors that help."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import inspect

_ONE_LINE: Final = re.compile(r"\(\?!\\{1,2}n\)")
"""How our patterns end, so that `$` is not before a last newline."""


def readable(message: str) -> str:
    """Msgspec's message, without what means nothing to whoever reads of a pattern."""
    return _ONE_LINE.sub("", message)


def choices(kind: object, path: Iterable[str]) -> list[str]:
    """What may stand at `path` in `kind`, or in the list there; [] where nothing is enumerated.

    The path has names of fields and of keys, and anything for an item of a list.
    """
    found = list(_alternatives(inspect.type_info(kind)))
    for name in path:
        found = [inner for outer in found for within in _within(outer, name) for inner in _alternatives(within)]
    return [value for one in found for value in _values(one)]


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _alternatives(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _alternatives(one)
    else:
        yield kind


def _within(kind: inspect.Type, name: str) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == name)
    elif isinstance(kind, inspect.CollectionType):
        yield kind.item_type
    elif isinstance(kind, inspect.DictType):
        yield kind.value_type


def _values(kind: inspect.Type) -> Iterator[str]:
    if isinstance(kind, inspect.EnumType):
        yield from (str(member.value) for member in kind.cls)
    elif isinstance(kind, inspect.LiteralType):
        yield from map(str, kind.values)
    elif isinstance(kind, inspect.CollectionType):
        yield from (value for one in _alternatives(kind.item_type) for value in _values(one))
