"""When a cron expression fires: five fields, in a time zone.

APScheduler does the counting. What differs from cron there is made as cron has it: Sunday is 0 and 7, and where both a day of
the month and a day of the week are named, either is enough.

Where clocks are set forward, a time that does not exist is the one that comes instead of it (02:30 becomes 03:30). Where they
are set back, a time that comes twice fires the first time alone, unless the hours are `*` or `*/N`: then it fires both times.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from api.problems import Problem, invalid

HORIZON: Final = timedelta(days=50 * 366)
"""What does not fire within it never does: 29 February falls on a given weekday every 28 years, 40 around 2100."""
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = ("minute", "hour", "day of the month", "month", "day of the week")
_ITEM: Final = re.compile(
    r"(?:\*|(?P<first>[0-9]{1,2}|[A-Za-z]{3})(?:-(?P<last>[0-9]{1,2}|[A-Za-z]{3}))?)(?:/(?P<step>[0-9]{1,2}))?"
)
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")


class Cron:
    """A cron expression in a time zone."""

    def __init__(self, expression: str, timezone: str) -> None:
        """Raises Problem INVALID for one that is none, and for a zone that is not known."""
        fields = expression.split()
        if len(fields) != len(_FIELDS):
            raise _wrong(f"has {len(fields)} fields; {len(_FIELDS)} are needed: {', '.join(_FIELDS)}")
        for name, text in zip(_FIELDS, fields, strict=True):
            if not all(_ITEM.fullmatch(item) for item in text.split(",")):
                raise _wrong(f"the {name} `{text}` is not understood")
        self._zone = _zone(timezone)
        minute, hour, day, month, weekday = fields
        self._twice = hour.startswith("*")
        days = [(day, _weekdays(weekday))]
        if not day.startswith("*") and not weekday.startswith("*"):
            days = [(day, "*"), ("*", _weekdays(weekday))]
        try:
            self._triggers = [
                CronTrigger(minute=minute, hour=hour, day=one, month=month, day_of_week=other, timezone=self._zone)
                for one, other in days
            ]
        except ValueError as error:
            raise _wrong(str(error)) from None

    def after(self, seconds: float) -> float | None:
        """The first time after `seconds` (since the epoch) at which it fires; None when it never does."""
        start = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=1)
        found = [self._after(trigger, start) for trigger in self._triggers]
        return min((moment.timestamp() for moment in found if moment is not None), default=None)

    def _after(self, trigger: CronTrigger, start: datetime) -> datetime | None:
        trigger.end_date = (start + HORIZON).astimezone(self._zone)
        while (found := trigger.get_next_fire_time(None, start.astimezone(self._zone))) is not None:
            moment: datetime = found.astimezone(UTC)
            if self._twice or not moment.astimezone(self._zone).fold:
                return moment
            start = moment + timedelta(seconds=1)
        return None


def checked(expression: str, timezone: str, now: float) -> float:
    """When it fires next. Raises Problem INVALID for what is no cron expression or zone, and for one that never fires."""
    found = Cron(expression, timezone).after(now)
    if found is None:
        raise _wrong("never fires: there is no such day")
    return found


def _zone(name: str) -> ZoneInfo:
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # KeyError: it is not there; OSError: it is a folder of zones
        pass
    raise invalid("is no time zone of the IANA database, such as Europe/Berlin", pointer="/timezone")


def _weekdays(field: str) -> str:
    """The field with the days by name."""
    if field == "*":
        return field
    days: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise AssertionError("it was looked at before")
        first, last = match["first"], match["last"]
        begin = _weekday(first) if first else 0
        end = _weekday(last) if last else (6 if match["step"] or not first else begin)
        step = int(match["step"] or 1)
        if begin > end or not step:
            raise _wrong(f"the day of the week `{item}` is not understood")
        days.update(number % 7 for number in range(begin, end + 1, step))
    return ",".join(_DAYS[day] for day in sorted(days))


def _weekday(text: str) -> int:
    if text.lower() in _DAYS:
        return _DAYS.index(text.lower())
    if text.isdigit() and int(text) <= 7:  # noqa: PLR2004  # cron's second name of Sunday
        return int(text)
    raise _wrong(f"there is no day of the week `{text}`")


def _wrong(what: str) -> Problem:
    return invalid(what, pointer="/cron")
