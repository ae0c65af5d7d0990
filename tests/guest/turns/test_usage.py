import json
from pathlib import Path
from typing import Any

import pytest

from guest.clock import now
from guest.turns.usage import ROWS_MAX, Ledger
from shared import guestwire as wire
from shared.errors import Code, Fault
from shared.guestwire.turns import Budget
from shared.ids import new_session_id, new_turn_id
from shared.turns import TurnInfo, TurnStatus, Usage
from tests.guest.work import Worker

SESSION = new_session_id()


def turn(session: str = SESSION, agent: str = "fake") -> TurnInfo:
    return TurnInfo(
        turn=new_turn_id(),
        session=session,
        agent=agent,
        worktree=None,
        status=TurnStatus.COMPLETED,
        excerpt="",
        started=now(),
        first=1,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".hostel" / "usage.jsonl"


async def test_turns_are_summed_by_day_session_agent_and_model(path: Path) -> None:
    ledger = Ledger(path)
    for usage in (Usage(10, 20, 3, 4, 0.5, "small"), Usage(1, 2, 0, 0, 0.25, "small"), Usage(5, 5, model="unheard-of"), None):
        await ledger.add(turn(), usage)
    await ledger.add(turn(new_session_id()), Usage(cost=1.0, model="small"))
    for known in (ledger, Ledger(path)):
        report = await known.report("2020-01-01", "2999-12-31", SESSION)
        rows = {row.model: row for row in report.items}
        small = rows["small"]
        assert (2, 11, 22, 3, 4, 0.75, 0) == (
            small.turns,
            small.input,
            small.output,
            small.cache_read,
            small.cache_write,
            small.cost,
            small.unpriced,
        )
        assert (1, 0, 1) == (rows["unheard-of"].turns, rows["unheard-of"].cost, rows["unheard-of"].unpriced)
        assert (1, 1) == (rows[None].turns, rows[None].unpriced)
        assert (1.75, 1.75) == (report.today, report.month)
        assert 4 == len((await known.report(now()[:10], now(), None)).items)
        assert [] == (await known.report("2020-01-01", "2020-12-31", None)).items
    assert 0o600 == path.stat().st_mode & 0o777
    assert 0o700 == path.parent.stat().st_mode & 0o777


@pytest.mark.parametrize("day", ["", "yesterday", "2026-02-30", "2026-11-22T25:00", "0001-01-01T00:00+14:00"])
async def test_a_day_that_is_none_is_refused(path: Path, day: str) -> None:
    for since, until in ((day, "2026-01-01"), ("2026-01-01", day)):
        with pytest.raises(Fault) as caught:
            await Ledger(path).report(since, until, None)
        assert Code.BAD_REQUEST == caught.value.code


async def test_budgets_hold_at_their_edge(path: Path) -> None:
    ledger = Ledger(path)
    await ledger.check(None)
    await ledger.check(Budget(day=0.01, month=0.01))
    with pytest.raises(Fault, match=r"\$0.00 of its \$0.00 for today") as caught:
        await ledger.check(Budget(day=0))
    assert Code.BUDGET == caught.value.code
    await ledger.add(turn(), Usage(cost=1.0))
    await ledger.check(Budget(day=1.01, month=1.01))
    for budget in (Budget(day=1.0), Budget(month=1.0)):
        with pytest.raises(Fault) as caught:
            await ledger.check(budget)
        assert Code.BUDGET == caught.value.code


async def test_of_other_days_only_the_month_counts(path: Path) -> None:
    today = now()[:10]
    other = today[:8] + ("01" if today[8:] != "01" else "02")
    path.parent.mkdir()
    row: dict[str, Any] = {"t": "usage_row", "day": other, "session": SESSION, "agent": "fake", "model": None, "turns": 1}
    row |= {"input": 0, "output": 0, "cache_read": 0, "cache_write": 0, "cost": 5.0, "unpriced": 0}
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"day": "2020-01-01"}) + "\n")
    ledger = Ledger(path)
    await ledger.check(Budget(day=1, month=5.01))
    with pytest.raises(Fault, match=r"\$5.00 of its \$5.00 for this month"):
        await ledger.check(Budget(day=1, month=5))


async def test_damaged_lines_are_skipped(path: Path) -> None:
    await Ledger(path).add(turn(), Usage(1, cost=1.0))
    good = json.loads(path.read_text())
    bad = [
        "garbage",
        "[" * 100_000,
        json.dumps(good | {"cost": -5}),
        json.dumps(good | {"day": "2026-02-30"}),
        json.dumps(good | {"day": "2026-1-1"}),
        json.dumps(good | {"turns": -1}),
        json.dumps(good | {"unpriced": -(2**63)}),
        json.dumps(good | {"input": 2**60}),
        json.dumps(good | {"session": "../x"}),
        json.dumps(good).replace("1.0", "1e999"),
        json.dumps(good)[:-5],
    ]
    path.write_text("\n".join([*bad[:5], json.dumps(good), *bad[5:]]))
    report = await Ledger(path).report("2020-01-01", "2999-12-31", None)
    assert [(1, 1.0)] == [(row.turns, row.cost) for row in report.items]


async def test_sums_stay_within_what_the_wire_holds(path: Path) -> None:
    ledger = Ledger(path)
    for _ in range(3):
        await ledger.add(turn(), Usage(2**53, 2**53, cost=1e308))
    [row] = (await ledger.report("2020-01-01", "2999-12-31", None)).items
    assert (2**53, 2**53) == (row.input, row.output)
    assert row.cost < float("inf")


async def test_a_long_ledger_is_summed_up_and_a_long_report_refused(path: Path) -> None:
    ledger = Ledger(path)
    await ledger.add(turn(), Usage(1, cost=1.0, model="m" * 200))
    line = path.read_bytes()
    path.write_bytes(line * (17 * 1024 * 1024 // len(line)))
    ledger = Ledger(path)
    [row] = (await ledger.report("2020-01-01", "2999-12-31", None)).items
    assert row.turns * len(line) > 15 * 1024 * 1024
    assert path.stat().st_size < 1000
    for _ in range(ROWS_MAX):
        await ledger.add(turn(new_session_id()), Usage(1))
    with pytest.raises(Fault) as caught:
        await ledger.report("2020-01-01", "2999-12-31", None)
    assert Code.TOO_LARGE == caught.value.code


async def test_a_ledger_that_somebody_removes_begins_anew(path: Path) -> None:
    ledger = Ledger(path)
    await ledger.add(turn(), Usage(cost=1.0))
    path.unlink()
    await ledger.add(turn(), Usage(cost=1.0))
    assert 1 == len(path.read_bytes().splitlines())
    assert 2.0 == ledger.spent(now()[:10])


async def test_what_a_turn_used_is_told_priced_and_kept_when_its_session_goes(worker: Worker) -> None:
    session = await worker.made()
    watcher = await worker.client()
    await watcher.call(wire.watch.Watch())
    stated = await worker.done(session, "usage 100 50 20", "cost 0.25")
    counted = (await watcher.expect(wire.watch.SessionChanged)).session
    assert (session, 0.25) == (counted.session, counted.usage and counted.usage.cost)
    assert stated.usage is not None
    assert (120, 50, 20, 0.25) == (stated.usage.input, stated.usage.output, stated.usage.cache_read, stated.usage.cost)
    unpriced = await worker.done(session, "usage 100 50")
    assert unpriced.usage is not None
    assert unpriced.usage.cost is None
    budget = Budget(day=0.2)
    with pytest.raises(Fault, match=r"\$0.25 of its \$0.20 for today") as caught:
        await worker.prompt(session, "say x", budget=budget)
    assert Code.BUDGET == caught.value.code
    await worker.done(session, "say x", budget=Budget(day=0.3))
    await worker.call(wire.sessions.DeleteSession(session=session))
    request = wire.turns.GetUsage(since=now()[:10], until=now()[:10], session=session)
    report = await worker.call(request)
    assert 3 == sum(row.turns for row in report.items)
    assert 2 == sum(row.unpriced for row in report.items)
    assert 0.25 == report.today
    worker.kill()
    worker.again()
    assert report.items == (await worker.call(request)).items
