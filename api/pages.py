"""Cursor pagination: of lists that come whole from a guest, which has at most some hundred items, and of rows of the store."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

from msgspec import Meta

from api.problems import invalid
from api.schema import Query

CURSOR_MAX: Final = 200
"""Characters of a cursor."""

T = TypeVar("T")


class PageQuery(Query, frozen=True):
    """Which page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=CURSOR_MAX)] | None = None
    """`nextCursor` of the page before."""


def page(
    items: Sequence[T], key: Callable[[T], str], query: PageQuery, *, descending: bool = False
) -> tuple[list[T], str | None]:
    """The items of a page in the order of `key`, which is unique, and the cursor of the next page if there is one.

    What is added or removed between two pages neither doubles nor hides another item. Raises Problem 422 for a bad cursor.
    """
    ordered = sorted(items, key=key, reverse=descending)
    if query.cursor is not None:
        last = decode_cursor(query.cursor)
        ordered = [item for item in ordered if (key(item) < last if descending else key(item) > last)]
    found = ordered[: query.limit]
    return found, encode_cursor(key(found[-1])) if len(ordered) > len(found) else None


def cut(rows: Sequence[T], place: Callable[[T], tuple[float, str]], limit: int) -> tuple[Sequence[T], str | None]:
    """The rows of a page, of which one more was read than it may have, and the cursor of the next page if there is one.

    `place`: the time and the id that a row is ordered by.
    """
    more = encode_moment(*place(rows[limit - 1])) if len(rows) > limit else None
    return rows[:limit], more


def encode_cursor(key: str) -> str:
    """The cursor that stands for the place after `key`."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The key in a cursor; Problem 422 when it is none."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("not a cursor of this list", parameter="cursor") from None


def encode_moment(created: float, made: str) -> str:
    """The cursor of a list whose order is the time of creation, then the id."""
    return encode_cursor(f"{created!r} {made}")


def decode_moment(cursor: str | None) -> tuple[float, str] | None:
    """The time and the id in such a cursor, if one is given; Problem 422 when it is none."""
    if cursor is None:
        return None
    created, _, made = decode_cursor(cursor).partition(" ")
    try:
        return float(created), made
    except ValueError:
        raise invalid("not a cursor of this list", parameter="cursor") from None
