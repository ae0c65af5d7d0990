"""A newline at the end of a value does not slip past a pattern."""

from typing import Any

import msgspec
import pytest

from shared.hostwire import ProviderName
from shared.rooms import (
    GitAuth,
    GitRef,
    KeptName,
    Name,
    RepoUrl,
)
from shared.secret import decode_hook


@pytest.mark.parametrize("kind", [GitRef, Name, RepoUrl, ProviderName], ids=["ref", "name", "url", "provider"])
def test_a_value_with_a_newline_at_its_end_is_refused(kind: Any) -> None:  # noqa: ANN401  # an annotated type
    assert msgspec.convert("ab", kind) == "ab"
    for bad in ("ab\n", "a\nb", "\nab"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(bad, kind)


def test_a_user_name_of_a_credential_has_no_newline_at_its_end() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "token", "value": "x", "username": "a\n"}, GitAuth, dec_hook=decode_hook)


@pytest.mark.parametrize(
    "bad", ["   ", "\u3000\u200b\u2800", "a\tb", "a\x7f", "a\u202eb", "\u2066a", "a\u200f", "\ufeffa", "a\u2028"]
)
def test_a_new_name_shows_something_and_hides_nothing(bad: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, Name)


@pytest.mark.parametrize(
    "name", ["a", " a ", "Fünf Äpfel", "名前", "\u0645\u06cc\u200c\u0634", "\U0001f469\u200d\U0001f4bb", "a" * 100]
)
def test_a_new_name_may_be_of_any_language(name: str) -> None:
    assert name == msgspec.convert(name, Name)
    assert name == msgspec.convert(name, KeptName)
