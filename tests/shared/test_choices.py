"""What errors say would have been right."""

import enum
from typing import Annotated, Literal

import msgspec
import pytest

from shared.choices import choices, readable


class Colour(enum.StrEnum):
    """A few."""

    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, rename="camel"):
    """Something nested."""

    top_colour: Colour = Colour.RED


class Outer(msgspec.Struct):
    """Something that nests."""

    one: Inner | None = None
    many: Annotated[list[Inner], msgspec.Meta(max_length=3)] | None = None
    named: dict[str, Inner] | None = None
    few: frozenset[Literal["a", "b"]] = frozenset()
    number: int = 0


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (("one", "topColour"), ["red", "blue"]),
        (("many", "0", "topColour"), ["red", "blue"]),
        (("named", "any", "topColour"), ["red", "blue"]),
        (("few",), ["a", "b"]),
        (("few", "0"), ["a", "b"]),
        (("number",), []),
        (("one", "top_colour"), []),
        (("gone", "deeper"), []),
        ((), []),
    ],
)
def test_the_values_of_an_enumeration_are_found_wherever_it_is(path: tuple[str, ...], values: list[str]) -> None:
    assert sorted(values) == sorted(choices(Outer, path))


@pytest.mark.parametrize("pattern", [r"^a+$(?!\n)", "^a+$(?!\n)"])
def test_a_pattern_is_told_without_its_guard_against_newlines(pattern: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert("b", Annotated[str, msgspec.Meta(pattern=pattern)])
    assert "Expected `str` matching regex '^a+$'" == readable(str(raised.value))
