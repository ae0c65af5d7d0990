"""hostel.example.toml says what shared/config.py says."""

import re
import tomllib
from pathlib import Path

import msgspec

from shared.config import Config

EXAMPLE = (Path(__file__).parents[2] / "hostel.example.toml").read_text(encoding="utf-8")


def test_the_example_as_it_is_changes_nothing() -> None:
    assert Config() == msgspec.convert(tomllib.loads(EXAMPLE), Config)


def test_every_key_is_in_the_example_with_its_default() -> None:
    said = tomllib.loads(re.sub(r"(?m)^#(?=[a-z_]+ = )", "", EXAMPLE))
    assert msgspec.to_builtins(Config()) == msgspec.to_builtins(msgspec.convert(said, Config))
    assert keys(msgspec.to_builtins(Config())) == keys(said)


def keys(section: dict[str, object], above: str = "") -> list[str]:
    """Every key, with the sections that it is in."""
    names = []
    for name, value in section.items():
        names += keys(value, f"{above}{name}.") if isinstance(value, dict) else [above + name]
    return sorted(names)


def test_every_key_is_explained() -> None:
    """A key follows a comment, or another key that does."""
    lines = EXAMPLE.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#[a-z_]+ = ", line):
            assert re.match(r"#|\[api\.rate_limits\]", lines[number - 1]), line
