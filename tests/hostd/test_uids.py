"""Uids are given out upwards and never twice, whatever was given out before and by whom."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostd.uids import Uids, merge, next_free, parse
from shared.errors import Code, Fault

RANGES = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 50)).map(lambda pair: (pair[0], pair[0] + pair[1])))


def members(ranges: list[tuple[int, int]]) -> set[int]:
    return {uid for first, last in ranges for uid in range(first, last + 1)}


@given(RANGES)
def test_merging_keeps_every_uid_and_leaves_no_two_ranges_that_touch(ranges: list[tuple[int, int]]) -> None:
    merged = merge(ranges)
    assert members(ranges) == members(merged)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(merged))


@given(RANGES, st.integers(0, 200), st.integers(0, 60))
def test_the_next_uid_is_above_all_that_were_used_in_its_range(used: list[tuple[int, int]], first: int, width: int) -> None:
    inside = members(used) & set(range(first, first + width + 1))
    try:
        uid = next_free(first, first + width, used)
    except Fault as fault:
        assert Code.LIMIT == fault.code
        assert first + width in inside
    else:
        assert first <= uid <= first + width
        assert all(uid > other for other in inside)


@given(st.integers(1, 40), st.sets(st.integers(1000, 1040)), st.integers(1, 5))
def test_allocators_that_share_a_mark_share_no_uid(
    tmp_path_factory: pytest.TempPathFactory, takes: int, avoid: set[int], many: int
) -> None:
    mark = tmp_path_factory.mktemp("mark") / "uid-mark"
    allocators = [Uids(1000, 1040, mark) for _ in range(many)]
    taken: list[int] = []
    try:
        taken.extend(allocators[turn % many].take(avoid) for turn in range(takes))
    except Fault as fault:
        assert Code.LIMIT == fault.code
    assert len(taken) == len(set(taken))
    assert not avoid & set(taken)
    assert 1000 not in taken
    assert all(1000 < uid <= 1040 for uid in taken)


def test_a_lost_allocator_never_gives_out_what_it_may_have_given(tmp_path: Path) -> None:
    mark = tmp_path / "uid-mark"
    first = [Uids(1000, 2000, mark).take(set()) for _ in range(5)]
    assert sorted(first) == first
    assert 5 == len(set(first))
    assert 0o600 == mark.stat().st_mode & 0o777


def test_what_is_left_is_counted(tmp_path: Path) -> None:
    uids = Uids(1000, 1010, tmp_path / "uid-mark")
    assert 10 == uids.left()
    uids.take(set())
    assert 9 == uids.left()
    for _ in range(9):
        uids.take(set())
    assert 0 == uids.left()
    with pytest.raises(Fault, match="every uid"):
        uids.take(set())


@pytest.mark.parametrize("text", ["x", "1", "1 2 3", "5 4\n", "-1 4", "1 2\n\n3 4", "1 2\n3"])
def test_a_damaged_mark_stops_everything(text: str) -> None:
    with pytest.raises(Fault, match="damaged"):
        parse(text)


def test_a_mark_is_read_back() -> None:
    assert [(1, 2), (5, 9)] == parse("1 2\n5 9\n")
    assert [] == parse("")
