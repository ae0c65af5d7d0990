import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages import PageQuery, page
from api.problems import Problem


@given(st.sets(st.text(min_size=1, max_size=20), max_size=30), st.integers(1, 7), st.booleans())
def test_the_pages_of_a_list_are_the_list(keys: set[str], limit: int, descending: bool) -> None:  # hypothesis
    seen: list[str] = []
    found, cursor = page(list(keys), str, PageQuery(limit=limit), descending=descending)
    seen += found
    while cursor:
        found, cursor = page(list(keys), str, PageQuery(limit=limit, cursor=cursor), descending=descending)
        seen += found
    assert seen == sorted(keys, reverse=descending)


def test_what_goes_between_two_pages_hides_nothing_else() -> None:
    _, cursor = page(["a", "b", "c", "d"], str, PageQuery(limit=2))
    assert page(["a", "c", "d"], str, PageQuery(limit=2, cursor=cursor)) == (["c", "d"], None)


@pytest.mark.parametrize("cursor", ["a", "!", "\0", "=", "gICA", "é"])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(Problem):
        page(["a"], str, PageQuery(cursor=cursor))
