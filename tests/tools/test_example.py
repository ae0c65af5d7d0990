"""hostel.example.toml says what shared/config.py says."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.config import Config
from shared.settings import Auth, Coolify, Gitea, Pam, Provider

EXAMPLE = (Path(__file__).parents[2] / "hostel.example.toml").read_text(encoding="utf-8")
OPTIONAL = {"auth", "provisioner"}
"""Sections that are not there by default, or that hold some."""


def uncommented(pattern: str) -> dict[str, Any]:
    return tomllib.loads(re.sub(rf"(?m)^#(?={pattern})", "", EXAMPLE))


def test_the_example_as_it_is_changes_nothing() -> None:
    assert Config() == msgspec.convert(tomllib.loads(EXAMPLE), Config)


def test_every_key_is_in_the_example_with_its_default() -> None:
    said = uncommented(r"\[|[a-z_]+ = ")
    config = msgspec.convert(said, Config)
    default = msgspec.to_builtins(Config())
    assert {name: value for name, value in default.items() if name not in OPTIONAL} == {
        name: value for name, value in msgspec.to_builtins(config).items() if name not in OPTIONAL
    }
    names = {name: value for name, value in said.items() if name not in OPTIONAL}
    assert keys({name: value for name, value in default.items() if name not in OPTIONAL}) == keys(names)


def test_every_key_of_the_optional_sections_is_in_the_example() -> None:
    said = uncommented(r"\[|[a-z_]+ = ")
    config = msgspec.convert(said, Config)
    assert config.auth is not None
    assert Auth(provider=config.auth.provider, pam=Pam()) == config.auth
    assert set(Auth.__struct_fields__) == set(said["auth"])
    assert set(Pam.__struct_fields__) == set(said["auth"]["pam"])
    providers = said["auth"]["provider"]
    assert set(Provider.__struct_fields__) == set().union(*providers.values())
    assert {"google", "keycloak", "github"} == set(providers)
    assert set(type(config.provisioner).__struct_fields__) == set(said["provisioner"])
    assert set(Gitea.__struct_fields__) == set(said["provisioner"]["gitea"])
    assert set(Coolify.__struct_fields__) == set(said["provisioner"]["coolify"])
    for provider in config.auth.provider.values():
        assert provider.problem is None


@pytest.mark.parametrize("section", ["auth", "provisioner"])
def test_the_defaults_of_an_optional_section_are_those_in_the_example(section: str) -> None:
    said = uncommented(r"\[|[a-z_]+ = ")[section]
    default = msgspec.to_builtins({"auth": Auth(), "provisioner": Config().provisioner}[section])
    for name, value in said.items():
        if not isinstance(value, dict):
            assert default[name] == value, name


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
