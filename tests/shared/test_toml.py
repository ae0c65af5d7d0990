"""Where an error in a TOML file is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import toml
from shared.config import Config

TEXT = """\
# a comment
top = 1

[api]
port = 80
hosts = [
  "a",  # not the key's line
  "b",
]
[api.rate_limits]
login = "1/minute"
[auth.provider."my one"]
title = 'x = 1'
scope.deep = 2
long = \"\"\"
port = 5
\"\"\"
after = true
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("top", 2),
        ("api", 4),
        ("api.port", 5),
        ("api.hosts", 6),
        ("api.rate_limits", 10),
        ("api.rate_limits.login", 11),
        ("auth.provider.my one.title", 13),
        ("auth.provider.my one.scope.deep", 14),
        ("auth.provider.my one.long", 15),
        ("auth.provider.my one.after", 18),
        ("api.people.login", None),
        ("top.deeper", None),
    ],
)
def test_a_key_is_on_the_line_where_it_begins(path: str, line: int | None) -> None:
    assert line == toml.line_of(TEXT, tuple(path.split(".")))


@given(st.integers(0, 30), st.integers(0, 30))
def test_what_stands_before_and_after_changes_nothing_but_the_number(before: int, after: int) -> None:
    text = "# x\n" * before + "[a]\nkey = 1\n" + "\n# y = 2" * after
    assert before + 2 == toml.line_of(text, ("a", "key"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('log_level = "loud"', "line 1: log_level: expected one of debug, error, info, warning"),
        ('[hostd]\nrequire = ["walls"]', "line 2: hostd.require: expected one of cgroup, "),
    ],
)
def test_a_value_that_is_none_of_an_enumerations_is_told_those_that_are(text: str, told: str) -> None:
    with pytest.raises(toml.TomlError) as raised:
        toml.convert(text, toml.parse(text), Config)
    assert str(raised.value).startswith(told)


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """A table."""

    name: str
    count: int = 0


class File(msgspec.Struct, forbid_unknown_fields=True):
    """Tables with names of their own."""

    entry: dict[str, Entry] = {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[entry.a]\nname = 'x'\n[entry.b]\nname = 'x'\ncount = 'y'", "line 5: entry.b.count: expected `int`, got `str`"),
        ("[entry.a]\nname = 'x'\n[entry.b]\ncount = 1", "line 3: entry.b: needs the key `name`"),
        ("[entry.a]\nname = 'x'\nsize = 3", "line 3: entry.a.size: unknown key"),
        ("x = 3", "line 1: x: unknown key"),
        ("[entry]\na = 3", "line 2: entry.a: expected `object`, got `int`"),
        ("x = [", "Invalid value (at end of document)"),
        ("a = 1\nb = = 2", "Invalid value (at line 2, column 5)"),
    ],
)
def test_an_error_names_the_entry_and_the_line(text: str, message: str) -> None:
    with pytest.raises(toml.TomlError) as caught:
        toml.convert(text, toml.parse(text), File)
    assert message == str(caught.value)
