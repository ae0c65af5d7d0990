"""Ids: what is made is valid, and nothing else is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import ids

KINDS = [
    (ids.new_workspace_id, ids.WorkspaceId, "w"),
    (ids.new_session_id, ids.SessionId, "s"),
    (ids.new_terminal_id, ids.TerminalId, "t"),
    (ids.new_worktree_id, ids.WorktreeId, "wt"),
]


@pytest.mark.parametrize(("make", "kind", "prefix"), KINDS)
def test_a_fresh_id_is_valid_and_of_its_kind_alone(make: object, kind: object, prefix: str) -> None:
    assert callable(make)
    made = make()
    assert msgspec.convert(made, kind) == made
    assert prefix == made[:-24]
    for _, other, other_prefix in KINDS:
        if other_prefix != prefix:
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(made, other)


def test_ids_do_not_repeat() -> None:
    assert 10_000 == len({ids.new_workspace_id() for _ in range(10_000)})


WRONG = ["", "w", "W" + "0" * 24, "w" + "0" * 23, "w" + "0" * 25, "w" + "g" * 24, "w" + "A" * 24, "root", "-o" + "0" * 23]


@pytest.mark.parametrize(
    "text", [*WRONG, *(f"w{'0' * 24}{tail}" for tail in "\n\0 /\r"), "\nw" + "0" * 24, "w" + "\u0660" * 24]
)
def test_what_is_not_a_workspace_id_is_refused(text: str) -> None:
    assert not ids.is_workspace_id(text)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, ids.WorkspaceId)


@given(st.text(max_size=40))
def test_the_two_checks_of_a_workspace_id_agree(text: str) -> None:
    try:
        accepted = msgspec.convert(text, ids.WorkspaceId) == text
    except msgspec.ValidationError:
        accepted = False
    assert accepted == ids.is_workspace_id(text)
