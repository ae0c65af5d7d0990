"""When cron expressions fire."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import Problem
from api.tasks.crons import Cron, checked


def fires(expression: str, zone: str, start: str, number: int) -> list[str]:
    """The next so many, in the zone's own time."""
    cron, moment, found = Cron(expression, zone), datetime.fromisoformat(start).timestamp(), []
    for _ in range(number):
        after = cron.after(moment)
        assert after is not None
        assert after > moment
        moment = after
        found.append(datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone)).strftime("%m-%dT%H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("expression", "zone", "start", "expected"),
    [
        # A time that does not exist is the one that comes instead.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T02:00Z", ["03-29T03:30+0200", "03-30T02:30+0200"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00Z", ["03-08T03:30-0400", "03-09T02:30-0400"]),
        ("15 1-3 * * *", "Europe/Berlin", "2026-03-28T20:00Z", ["03-29T01:15+0100", "03-29T03:15+0200", "03-30T01:15+0200"]),
        ("0 * * * *", "Europe/Berlin", "2026-03-28T23:30Z", ["03-29T01:00+0100", "03-29T03:00+0200"]),
        # One that comes twice fires the first time.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["10-25T02:30+0200", "10-26T02:30+0100"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", ["11-01T01:30-0400", "11-02T01:30-0500"]),
        ("15 1-3 * * *", "Europe/Berlin", "2026-10-24T20:00Z", ["10-25T01:15+0200", "10-25T02:15+0200", "10-25T03:15+0100"]),
        # Unless it fires in every hour.
        ("0 * * * *", "Europe/Berlin", "2026-10-24T23:30Z", ["10-25T02:00+0200", "10-25T02:00+0100", "10-25T03:00+0100"]),
        ("*/30 */1 * * *", "Europe/Berlin", "2026-10-25T00:10Z", ["10-25T02:30+0200", "10-25T02:00+0100", "10-25T02:30+0100"]),
        ("59 * * * *", "Europe/Berlin", "2026-10-25T00:00Z", ["10-25T02:59+0200", "10-25T02:59+0100"]),
        # Half an hour.
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", ["04-05T01:45+1100", "04-06T01:45+1030"]),
        # Days as cron has them.
        ("0 0 * * 0", "UTC", "2026-01-01T00:00Z", ["01-04T00:00+0000", "01-11T00:00+0000"]),
        ("0 0 * * 7", "UTC", "2026-01-01T00:00Z", ["01-04T00:00+0000", "01-11T00:00+0000"]),
        ("0 0 * * SUN", "UTC", "2026-01-01T00:00Z", ["01-04T00:00+0000", "01-11T00:00+0000"]),
        ("0 0 * * 1-5", "UTC", "2026-01-02T00:00Z", ["01-05T00:00+0000", "01-06T00:00+0000"]),
        ("0 0 * * 5-7", "UTC", "2026-01-01T00:00Z", ["01-02T00:00+0000", "01-03T00:00+0000", "01-04T00:00+0000"]),
        ("0 0 * * 1/2", "UTC", "2026-01-01T00:00Z", ["01-02T00:00+0000", "01-05T00:00+0000", "01-07T00:00+0000"]),
        ("0 0 13 * 5", "UTC", "2026-01-08T00:00Z", ["01-09T00:00+0000", "01-13T00:00+0000", "01-16T00:00+0000"]),
        ("0 0 30 feb mon", "UTC", "2026-01-08T00:00Z", ["02-02T00:00+0000", "02-09T00:00+0000"]),
        ("0 0 29 2 *", "UTC", "2026-01-08T00:00Z", ["02-29T00:00+0000", "02-29T00:00+0000"]),
        ("0 0 29 2 */6", "UTC", "2090-01-08T00:00Z", ["02-29T00:00+0000", "02-29T00:00+0000"]),
    ],
)
def test_times(expression: str, zone: str, start: str, expected: list[str]) -> None:
    assert expected == fires(expression, zone, start, len(expected))


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("", "0 fields"),
        ("* * * * * *", "6 fields"),
        ("60 * * * *", "60"),
        ("* 24 * * *", "24"),
        ("* * 0 * *", "0"),
        ("* * * 13 *", "13"),
        ("* * * foo *", "foo"),
        ("* * * * 8", "8"),
        ("* * * * fri-mon", "fri-mon"),
        ("a * * * *", "the minute `a`"),
        ("* * last * *", "day of the month `last`"),
        ("* * * * 5#2", "day of the week"),
        ("*/0 * * * *", "higher than 0"),
        ("5-1 * * * *", "range"),
        ("*/99 * * * *", "99"),
        ("1,,2 * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("٣ * * * *", "minute"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
    ],
)
def test_what_is_wrong_is_named(expression: str, named: str) -> None:
    began = time.process_time()
    with pytest.raises(Problem) as caught:
        checked(expression, "UTC", time.time())
    assert ("/cron", True) == (caught.value.errors[0].pointer, named in caught.value.detail)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "zone", ["", "Nope/Zone", "Europe", "../etc/passwd", "/etc/localtime", "Europe/berlin", "UTC\0", "x" * 64, "tzdata.zi"]
)
def test_a_zone_that_is_not_known_is_refused(zone: str) -> None:
    with pytest.raises(Problem) as caught:
        checked("* * * * *", zone, 0)
    assert "/timezone" == caught.value.errors[0].pointer


@given(
    st.lists(st.text("0123456789*/,-abcdefjlnmorstuw ", max_size=6), min_size=5, max_size=5),
    st.floats(0, 4e9),
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"]),
)
def test_anything_is_a_later_time_or_a_clear_refusal(fields: list[str], now: float, zone: str) -> None:
    try:
        found = checked(" ".join(fields), zone, now)
    except Problem as problem:
        assert "/cron" == problem.errors[0].pointer
    else:
        assert found > now
        assert found % 60 == 0
