"""The registry keeps what it was told, across versions of itself."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest

from hostd.registry import _MIGRATIONS, Registry, iso
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


class Clocks:
    """The time of day, the clock that nobody sets, and the boot."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.day, self.up, self.boot = datetime(2026, 1, 1, tzinfo=UTC), 1000.0, "boot-1"
        clocks = self

        class Day(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return clocks.day.astimezone(tz)  # type: ignore[return-value]  # see above

        monkeypatch.setattr("hostd.registry.datetime", Day)
        monkeypatch.setattr("hostd.registry.time.clock_gettime", lambda _clock: clocks.up)
        monkeypatch.setattr("hostd.registry._boot", lambda: clocks.boot)

    def pass_(self, seconds: float) -> None:
        self.day += timedelta(seconds=seconds)
        self.up += seconds


def test_a_lock_is_over_when_both_clocks_say_so(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, grace = Clocks(monkeypatch), 86_400
    registry.add("w1", 1001)
    registry.set_state("w1", WorkspaceState.READY)
    row = registry.lock("w1")
    assert row == registry.lock("w1")
    assert ["w1"] == [one.id for one in registry.locked()]
    assert row.lock_over(0)
    clocks.pass_(grace - 1)
    assert not row.lock_over(grace)
    clocks.day += timedelta(days=3650)  # a jump forward removes nothing early
    assert not row.lock_over(grace)
    clocks.day -= timedelta(days=7300)  # and after one back nothing is removed before its time
    clocks.pass_(10)
    assert not row.lock_over(grace)
    clocks.day = datetime(2026, 1, 2, 0, 0, 9, tzinfo=UTC)
    assert row.lock_over(grace)


def test_after_a_boot_the_time_of_day_is_believed_once_it_had_time_to_settle(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks, grace = Clocks(monkeypatch), 86_400
    registry.add("w1", 1001)
    row = registry.lock("w1")
    clocks.pass_(2 * grace)
    clocks.boot, clocks.up = "boot-2", 3599.0
    assert not row.lock_over(grace)
    clocks.pass_(1)
    assert row.lock_over(grace)
    assert not registry.unlock("w1").lock_over(0)


def test_a_registry_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(f"{_MIGRATIONS[0]} PRAGMA user_version = 1;")
        db.execute("INSERT INTO workspaces VALUES ('w1', 1001, 'ready', '2026-01-01T00:00:00Z', NULL)")
    with closing(Registry(path)) as registry:
        found = registry.get("w1")
        assert found is not None
        assert (None, WorkspaceState.READY) == (found.locked, found.state)
        assert ["w1"] == [row.id for row in registry.sealed_otherwise("key")]
        registry.set_master("w1", "key")
        assert [] == registry.sealed_otherwise("key")
