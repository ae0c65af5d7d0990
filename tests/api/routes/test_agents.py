import pytest

from shared.guestwire.turns import ConfigureConversation
from shared.ids import new_worktree_id
from tests.api.rooms import Rooms
from tests.api.turnguest import TurnGuest


@pytest.fixture
async def guest(rooms: Rooms) -> TurnGuest:
    made = TurnGuest()
    await made.serve(rooms)
    return made


async def test_agents_are_listed_with_what_they_lack(guest: TurnGuest) -> None:
    claude, codex = (await guest.room.call("GET", f"{guest.room.base}/agents", status=200))["items"]
    assert (claude["agent"], claude["installed"], claude["auth"], claude["models"]) == (
        "claude",
        True,
        "ready",
        [{"id": "opus", "name": "Opus"}],
    )
    assert (codex["installed"], codex["auth"], codex["reason"]) == (False, "missing", "its program is not there")


async def test_conversations_show_what_can_be_chosen(guest: TurnGuest) -> None:
    (shown,) = (await guest.room.call("GET", f"{guest.base}/agents", status=200))["items"]
    assert (shown["agent"], shown["mode"], [mode["id"] for mode in shown["modes"]]) == ("claude", "ask", ["ask", "plan"])
    assert (shown["nativeId"], shown["turnId"], shown["sessionId"]) == ("n", None, guest.session)


async def test_a_mode_is_chosen_for_a_worktree(guest: TurnGuest) -> None:
    worktree = new_worktree_id()
    path = f"{guest.base}/agents/claude?worktree={worktree}"
    shown = await guest.room.call("PATCH", path, {"mode": "plan"}, status=200)
    assert (shown["mode"], shown["worktreeId"]) == ("plan", worktree)
    request = guest.asked[-1]
    assert isinstance(request, ConfigureConversation)
    assert (request.agent, request.mode, request.model) == ("claude", "plan", None)


async def test_a_choice_that_is_none_is_refused(guest: TurnGuest) -> None:
    path = f"{guest.base}/agents/claude"
    await guest.room.call("PATCH", path, {}, status=422)
    await guest.room.call("PATCH", path, {"mode": ""}, status=422)
    await guest.room.call("PATCH", path, {"mode": "fly"}, status=400)
    await guest.room.call("PATCH", f"{path}?worktree=x", {"mode": "plan"}, status=422)
    for name in ("Claude", "a" * 33, "..%2f", "%00"):
        await guest.room.call("PATCH", f"{guest.base}/agents/{name}", {"mode": "plan"}, status=404)
