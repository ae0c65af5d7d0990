"""Times as the wire has them, and a clock that nobody sets."""

import time
from datetime import UTC, datetime
from typing import Final

_DRIFT: Final = 1.0
"""Seconds by which the wall clock may be another than it was when it was last looked at, before deadlines are told anew."""
_started: float | None = None
"""When the machine started, by the wall clock as it was then."""


def now() -> str:
    """This moment in ISO 8601, UTC, to the millisecond."""
    return _text(datetime.now(UTC))


def told(seconds: float) -> str:
    """A time as files and commits have them, in which anybody may write anything: the year 1970 for one that cannot be told."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return _text(moment)


def check(time: str) -> None:
    """Raise ValueError when `time` is none, such as the 30th of February."""
    datetime.fromisoformat(time)


def uptime() -> float:
    """Seconds since the machine started, in which it slept included: they go on evenly when the wall clock is set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def since(moment: str) -> float:
    """Seconds since a moment of the wall clock; 0 for one that is still to come."""
    return max(0.0, time.time() - datetime.fromisoformat(moment).timestamp())


def at(moment: float) -> str:
    """A moment of `uptime` in ISO 8601. The same moment has the same text, until the wall clock is set."""
    global _started  # noqa: PLW0603  # there is one wall clock
    started = time.time() - uptime()
    if _started is None or abs(started - _started) > _DRIFT:
        _started = started
    return _text(datetime.fromtimestamp(_started + moment, UTC))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
