from datetime import UTC, datetime
from typing import Any

import pytest

from shared.guestwire.turns import Budget, GetUsage, Prompt, UsageRow
from shared.ids import new_session_id
from tests.api.rooms import Rooms
from tests.api.turnguest import TurnGuest


@pytest.fixture
async def guest(rooms: Rooms) -> TurnGuest:
    made = TurnGuest()
    await made.serve(rooms)
    return made


async def admin(guest: TurnGuest, method: str, body: object = None, **headers: str) -> tuple[int, Any, str | None]:
    """Status, body and ETag of a request about the guest's limits by an admin."""
    grant = await guest.room.rooms.services.tokens.grant_admin()
    sent = {"Authorization": f"Bearer {grant.access.reveal()}", **{n.replace("_", "-"): v for n, v in headers.items()}}
    async with guest.room.rooms.http.request(method, f"{guest.room.base}/limits", json=body, headers=sent) as reply:
        return reply.status, await reply.json(content_type=None), reply.headers.get("ETag")


def row(guest: TurnGuest, cost: float, unpriced: int) -> UsageRow:
    return UsageRow(
        day="2026-01-01",
        session=guest.session,
        agent="claude",
        model="opus",
        turns=2,
        input=10,
        output=5,
        cache_read=3,
        cache_write=1,
        cost=cost,
        unpriced=unpriced,
    )


async def test_usage_is_told_by_row_and_in_all(guest: TurnGuest) -> None:
    guest.usage = [row(guest, 0.1, 0), row(guest, 0.2, 1)]
    path = f"{guest.room.base}/usage?since=2026-01-01&until=2026-01-31&session={guest.session}"
    told = await guest.room.call("GET", path, status=200)
    assert told["items"][0]["sessionId"] == guest.session
    assert (told["total"]["cost"], told["total"]["turns"], told["total"]["unpriced"]) == (0.3, 4, 1)
    assert (told["today"], told["month"], told["budget"]) == (1.5, 7.25, {"day": None, "month": None})
    request = guest.asked[-1]
    assert isinstance(request, GetUsage)
    assert (request.since, request.until, request.session) == ("2026-01-01", "2026-01-31", guest.session)


async def test_usage_is_of_this_month_unless_asked_otherwise(guest: TurnGuest) -> None:
    told = await guest.room.call("GET", f"{guest.room.base}/usage", status=200)
    today = datetime.now(UTC).date()
    assert (told["since"], told["until"]) == (today.replace(day=1).isoformat(), today.isoformat())
    told = await guest.room.call("GET", f"{guest.room.base}/usage?until=2025-12-24", status=200)
    assert (told["since"], told["until"]) == ("2025-12-01", "2025-12-24")


@pytest.mark.parametrize("query", ["since=2026-02-01&until=2026-01-01", "since=yesterday", "until=2026-13-01", "session=x"])
async def test_a_time_that_is_none_is_refused(guest: TurnGuest, query: str) -> None:
    assert (await guest.room.call("GET", f"{guest.room.base}/usage?{query}", status=422))["errors"][0]["parameter"]
    assert guest.asked == []


async def test_usage_of_another_session_is_not_believed(guest: TurnGuest) -> None:
    guest.usage = [row(guest, 0.5, 0)]
    other = TurnGuest()
    guest.session, other.session = new_session_id(), guest.session
    await guest.room.call("GET", f"{guest.room.base}/usage?session={guest.session}", status=502)


async def test_an_admin_sets_a_budget_that_every_prompt_carries(guest: TurnGuest) -> None:
    status, shown, etag = await admin(guest, "PUT", {"budget": {"day": 5, "month": 100}})
    assert (status, shown) == (200, {"budget": {"day": 5.0, "month": 100.0}})
    assert await guest.room.call("GET", f"{guest.room.base}/limits", status=200) == shown
    assert (await admin(guest, "GET"))[1:] == (shown, etag)
    await guest.room.call("POST", f"{guest.base}/prompt", {"text": "x"}, status=201)
    request = guest.asked[-1]
    assert isinstance(request, Prompt)
    assert request.budget == Budget(5, 100)
    assert (await admin(guest, "PUT", {"budget": {}}))[1] == {"budget": {"day": None, "month": None}}


async def test_of_two_admins_the_second_is_told(guest: TurnGuest) -> None:
    _, _, etag = await admin(guest, "GET")
    assert (await admin(guest, "PUT", {"budget": {"day": 1}}, If_Match=etag or ""))[0] == 200
    status, problem, _ = await admin(guest, "PUT", {"budget": {"day": 2}}, If_Match=etag or "")
    assert (status, problem["code"]) == (412, "precondition_failed")


async def test_a_tenant_reads_its_limits_and_cannot_set_them(rooms: Rooms, guest: TurnGuest) -> None:
    path = f"{guest.room.base}/limits"
    assert await guest.room.call("GET", path, status=200) == {"budget": {"day": None, "month": None}}
    await guest.room.call("PUT", path, {"budget": {}}, status=403)
    other = await rooms.room()
    for method, body in (("GET", None), ("PUT", {"budget": {}})):
        await other.call(method, path, body, status=404)


@pytest.mark.parametrize(
    "body", [{}, {"budget": {"day": -1}}, {"budget": {"day": "1"}}, {"budget": {"year": 1}}, {"budget": {"day": 1e10}}], ids=str
)
async def test_a_budget_that_is_none_is_refused(guest: TurnGuest, body: object) -> None:
    assert (await admin(guest, "PUT", body))[0] == 422
