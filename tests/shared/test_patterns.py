"""A newline at the end of a value does not slip past a pattern."""

from typing import Any

import msgspec
import pytest

from shared.hostwire import ProviderName
from shared.rooms import (
    GitAuth,
    GitRef,
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
