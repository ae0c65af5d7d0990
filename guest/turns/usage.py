"""What turns have used: a ledger in the home, kept when sessions go, and the budgets that it is held against."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec import structs

from guest.clock import now
from guest.turns.lines import Lines
from shared.errors import Code, Fault
from shared.guestwire.turns import Budget, UsageReport, UsageRow
from shared.turns import TurnInfo, Usage

_FILE_MAX: Final = 16 * 1024 * 1024
"""Bytes of the ledger that are read, those at its end; a longer one is summed up and written anew."""
ROWS_MAX: Final = 4000
"""Rows of a report."""
_REPORT_MAX: Final = 900 * 1024
"""Bytes of one, so that it fits a frame."""
_MOST: Final = 2**53
_NUMBERS: Final = ("turns", "input", "output", "cache_read", "cache_write", "cost", "unpriced")

Key: TypeAlias = tuple[str, str, str, str | None]
"""Day, session, agent, model."""


class Ledger:
    """The usage of the whole workspace. The tenant can write the file: a budget holds those back who do not."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self._path = path
        self._lines: Lines | None = None
        self._rows: dict[Key, UsageRow] = {}
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Read the file, once. Raises Fault FAILED."""
        async with self._loading:
            if self._lines is None:
                # In a thread, as there may be a lot; until it is done, nothing else touches what it makes.
                self._lines, self._rows = await asyncio.to_thread(_read, self._path)

    async def add(self, turn: TurnInfo, usage: Usage | None) -> None:
        """A turn has ended. Raises Fault FAILED; it counts for this guest even so."""
        await self.load()
        usage = usage or Usage()
        row = UsageRow(
            day=now()[:10],
            session=turn.session,
            agent=turn.agent,
            model=usage.model,
            turns=1,
            input=usage.input,
            output=usage.output,
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
            cost=usage.cost or 0,
            unpriced=int(usage.cost is None),
        )
        _sum(self._rows, row)
        assert self._lines  # noqa: S101  # for the type checker
        if self._lines.changed:
            self._lines.open()
        self._lines.append(msgspec.json.encode(row) + b"\n")

    async def check(self, budget: Budget | None) -> None:
        """Raise Fault BUDGET when today's or this month's is used up, FAILED."""
        if budget is None:
            return
        await self.load()
        today = now()[:10]
        for name, limit, day in (("today", budget.day, today), ("this month", budget.month, today[:7])):
            if limit is not None and (spent := self.spent(day)) >= limit:
                raise Fault(Code.BUDGET, f"the workspace has spent ${spent:.2f} of its ${limit:.2f} for {name} (UTC)")

    def spent(self, day: str) -> float:
        """US dollars, on a day or in a month (ISO 8601)."""
        return sum(row.cost for row in self._rows.values() if row.day.startswith(day))

    def totals(self) -> dict[str, Usage]:
        """What each session has used; nothing before `load`."""
        sums: dict[str, UsageRow] = {}
        for row in self._rows.values():
            known = sums.get(row.session)
            sums[row.session] = _added(known, row) if known else row
        return {session: _total(row) for session, row in sums.items()}

    async def report(self, since: str, until: str, session: str | None) -> UsageReport:
        """The rows between two days. Raises Fault BAD_REQUEST, TOO_LARGE, FAILED."""
        first, last = _day(since), _day(until)
        await self.load()
        wanted = (row for row in self._rows.values() if first <= row.day <= last and session in (None, row.session))
        rows = sorted(wanted, key=lambda row: (row.day, row.session, row.agent, row.model or ""))
        if len(rows) > ROWS_MAX or sum(len(msgspec.msgpack.encode(row)) for row in rows) > _REPORT_MAX:
            raise Fault(Code.TOO_LARGE, "there is too much usage for one report; ask for fewer days, or for one session")
        today = now()[:10]
        return UsageReport(items=rows, today=self.spent(today), month=self.spent(today[:7]))

    def close(self) -> None:
        """The guest goes."""
        if self._lines:
            self._lines.close()


def _read(path: Path) -> tuple[Lines, dict[Key, UsageRow]]:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Fault(Code.FAILED, f"the folder of the usage cannot be made: {error.strerror}") from error
    lines = Lines(path)
    rows: dict[Key, UsageRow] = {}
    for row in _valid(line for _, line in lines.backwards(_FILE_MAX)):
        _sum(rows, row)
    if lines.size > _FILE_MAX:
        lines.rewrite([msgspec.json.encode(row) + b"\n" for row in rows.values()])
    return lines, rows


def _valid(lines: Iterable[bytes]) -> Iterable[UsageRow]:
    for line in lines:
        try:
            row = _decoder().decode(line)
            real = date.fromisoformat(row.day).isoformat() == row.day
        except (ValueError, RecursionError):
            continue
        if real and min(row.turns, row.unpriced) >= 0:
            yield row


@cache
def _decoder() -> "msgspec.json.Decoder[UsageRow]":
    return msgspec.json.Decoder(UsageRow)


def _sum(rows: dict[Key, UsageRow], row: UsageRow) -> None:
    key = (row.day, row.session, row.agent, row.model)
    if known := rows.get(key):
        row = _added(known, row)
    rows[key] = row


def _added(one: UsageRow, other: UsageRow) -> UsageRow:
    # Agents may say what they like, but not more than a number of the wire holds.
    return structs.replace(one, **{name: min(getattr(one, name) + getattr(other, name), _MOST) for name in _NUMBERS})


def _total(row: UsageRow) -> Usage:
    cost = None if row.unpriced and row.unpriced == row.turns else row.cost
    return Usage(row.input, row.output, row.cache_read, row.cache_write, cost)


def _day(time: str) -> str:
    try:
        moment = datetime.fromisoformat(time)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
    except (ValueError, OverflowError):
        raise Fault(Code.BAD_REQUEST, "a day is written like 2026-11-22") from None
