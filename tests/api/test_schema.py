"""Bodies and queries that are anything at all."""

from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from api.problems import Problem, invalid
from api.routes.workspaces import NewWorkspace, WorkspaceChange
from api.schema import decode, decoder

DECODERS: list[msgspec.json.Decoder[Any]] = [decoder(NewWorkspace), decoder(WorkspaceChange)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["name", "providers", "claude", "auth", "enabled"]) | st.text(), inner)
    ),
)


@given(st.binary())
def test_any_bytes_are_a_body_or_a_problem(raw: bytes) -> None:
    for json_decoder in DECODERS:
        with suppress(Problem):
            decode(json_decoder, raw)


@given(JSON)
def test_any_json_is_a_body_or_a_problem_whose_pointer_begins_with_a_slash(value: object) -> None:
    for json_decoder in DECODERS:
        try:
            decode(json_decoder, msgspec.json.encode(value))
        except Problem as problem:
            assert problem.status in {400, 422}
            assert all((error.pointer or "/").startswith("/") for error in problem.errors)


def test_a_refusal_names_the_field() -> None:
    assert "/name" == invalid("x", pointer="/name").errors[0].pointer
