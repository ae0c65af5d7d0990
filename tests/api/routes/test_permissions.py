import asyncio

import pytest

from shared.ids import new_permission_id, new_turn_id
from tests.api.rooms import Rooms
from tests.api.turnguest import TurnGuest


@pytest.fixture
async def guest(rooms: Rooms) -> TurnGuest:
    made = TurnGuest()
    await made.serve(rooms)
    return made


async def test_a_permission_is_listed_answered_and_then_listed_only_on_request(guest: TurnGuest) -> None:
    asked = guest.ask(new_turn_id())
    path = f"{guest.base}/permissions"
    (shown,) = (await guest.room.call("GET", path, status=200))["items"]
    assert (shown["permissionId"], shown["waiting"], shown["input"]) == (asked.permission, True, {"command": "ls"})
    assert [option["id"] for option in shown["options"]] == ["yes", "no"]
    answered = await guest.room.call("POST", f"{path}/{asked.permission}", {"optionId": "yes"}, status=200)
    assert (answered["waiting"], answered["answeredBy"], answered["optionId"]) == (False, "user", "yes")
    assert (await guest.room.call("GET", path, status=200))["items"] == []
    assert (await guest.room.call("GET", f"{path}?waiting=false", status=200))["items"] == [answered]


async def test_of_many_answers_one_counts(guest: TurnGuest) -> None:
    asked = guest.ask(new_turn_id())

    async def answer(body: object) -> int:
        path = f"{guest.base}/permissions/{asked.permission}"
        async with guest.room.rooms.http.post(path, json=body, headers=guest.room.headers) as reply:
            return reply.status

    statuses = await asyncio.gather(*(answer(body) for body in [{"optionId": "yes"}, {"outcome": "deny"}] * 5))
    assert sorted(statuses) == [200] + [409] * 9


async def test_a_permission_is_denied_without_an_option(guest: TurnGuest) -> None:
    asked = guest.ask(new_turn_id())
    path = f"{guest.base}/permissions/{asked.permission}"
    denied = await guest.room.call("POST", path, {"outcome": "deny"}, status=200)
    assert (denied["answeredBy"], denied["optionId"]) == ("user", None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"optionId": "yes", "outcome": "deny"}, 422),
        ({"outcome": "allow"}, 422),
        ({"optionId": ""}, 422),
        ({"optionId": "x" * 201}, 422),
        ({"optionId": "maybe"}, 400),
    ],
    ids=lambda body: str(body)[:50],
)
async def test_an_answer_that_is_none_is_refused_and_the_permission_waits_on(
    guest: TurnGuest, body: object, status: int
) -> None:
    asked = guest.ask(new_turn_id())
    await guest.room.call("POST", f"{guest.base}/permissions/{asked.permission}", body, status=status)
    assert len((await guest.room.call("GET", f"{guest.base}/permissions", status=200))["items"]) == 1


async def test_a_permission_that_is_not_there_is_not_found(rooms: Rooms, guest: TurnGuest) -> None:
    asked = guest.ask(new_turn_id())
    for name in (new_permission_id(), "pm1", "..%2f"):
        await guest.room.call("POST", f"{guest.base}/permissions/{name}", {"optionId": "yes"}, status=404)
    other = TurnGuest()
    theirs = await other.serve(rooms)
    for base in (guest.base, other.base):
        await theirs.call("POST", f"{base}/permissions/{asked.permission}", {"optionId": "yes"}, status=404)
    assert guest.permissions[asked.permission].by is None
