"""The registry keeps what it was told, across versions of itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hostd.registry import Registry, iso
from shared.hostwire import WorkspaceState


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = Registry(tmp_path / "registry.sqlite")
    yield opened
    opened.close()


def test_opening_it_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    for number in range(3):
        registry = Registry(path)
        assert number == registry.count()
        registry.add(f"w{number:024x}", 1000 + number)
        registry.close()


def test_a_tombstone_keeps_its_uid_and_is_not_listed(registry: Registry) -> None:
    row = registry.add("w1", 1001)
    registry.add("w2", 1002)
    assert WorkspaceState.CREATING == row.state
    assert WorkspaceState.READY == registry.set_state("w1", WorkspaceState.READY).state
    registry.bury("w1")
    buried = registry.get("w1")
    assert buried is not None
    assert buried.deleted is not None
    assert {1001, 1002} == registry.uids()
    assert ["w2"] == [one.id for one in registry.page("", 10)]
    assert 1 == registry.count()


def test_pages_follow_each_other(registry: Registry) -> None:
    for number in range(5):
        registry.add(f"w{number}", 1000 + number)
    assert ["w0", "w1"] == [row.id for row in registry.page("", 2)]
    assert ["w2", "w3"] == [row.id for row in registry.page("w1", 2)]
    assert ["w4"] == [row.id for row in registry.page("w3", 2)]


def test_an_invite_works_once_and_not_after_its_end(registry: Registry) -> None:
    now = datetime.now(UTC)
    registry.add_invite("good", "admin", now + timedelta(minutes=1))
    registry.add_invite("late", "admin", now - timedelta(seconds=1))
    assert None is registry.redeem_invite("late")
    assert None is registry.redeem_invite("unknown")
    assert "admin" == registry.redeem_invite("good")
    assert None is registry.redeem_invite("good")


def test_times_are_utc_to_the_second() -> None:
    assert "2026-01-31T12:00:00Z" == iso(datetime(2026, 1, 31, 12, 0, 0, 999, tzinfo=UTC))
