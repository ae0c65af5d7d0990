"""Bodies and queries that are anything at all."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from api.credentials.minting import NewKey
from api.problems import Problem, invalid
from api.routes.login import BeginQuery
from api.routes.sessions import NewSession
from api.routes.workspaces import NewWorkspace, WorkspaceChange
from api.schema import convert_query, decode, decoder

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
    problem = invalid("x", pointer="/name")
    assert ("/name", "/name: x") == (problem.errors[0].pointer, problem.detail)
    assert "since: x" == invalid("x", parameter="since").detail


def test_a_value_that_is_none_of_an_enumerations_is_told_those_that_are() -> None:
    with pytest.raises(Problem) as refused:
        decode(decoder(NewKey), b'{"name": "x", "rank": "owner"}')
    assert "/rank: is none of admin, member, viewer" == refused.value.detail


def test_a_query_parameter_that_is_missing_is_named() -> None:
    with pytest.raises(Problem) as refused:
        convert_query(BeginQuery, MultiDict())
    assert "query parameter `provider`: is needed" == refused.value.detail
    assert "provider" == refused.value.errors[0].parameter


@pytest.mark.parametrize(
    ("kind", "field", "bad", "words"),
    [
        (NewSession, "name", "\u202eabc", "must be one line with something to see in it"),
        (NewSession, "repoUrl", "https://a b", "must have no spaces"),
        (NewSession, "ref", "-x", "must not begin with a hyphen"),
    ],
)
def test_what_a_value_may_be_is_told_in_words(kind: type, field: str, bad: str, words: str) -> None:
    with pytest.raises(Problem) as caught:
        decode(decoder(kind), msgspec.json.encode({field: bad}))
    (error,) = caught.value.errors
    assert f"/{field}" == error.pointer
    assert words in error.detail
    assert "regex" not in caught.value.detail
