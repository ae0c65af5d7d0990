"""Times as the wire has them."""

from datetime import UTC, datetime


def now() -> str:
    """This moment in ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def check(time: str) -> None:
    """Raise ValueError when `time` is none, such as the 30th of February."""
    datetime.fromisoformat(time)
