"""A turn goes on while api and hostd are killed, and no event of it is lost or told twice."""

import pytest

from tests.e2e.work import AGENTS, Work, kind, said
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("agent", AGENTS)
async def test_a_turn_outlives_both_daemons(stack: Stack, alice: Work, agent: str) -> None:
    room = await alice.room()
    hold = f"outlive-{agent}"
    async with room.follow() as log:
        turn = await room.prompt(agent, "say: before the fall", f"hold: {hold}", "ask: echo after > after.txt", "say: and on")
        await log.until("message", turnId=turn)
        await alice.models.held(hold)
    await stack.api.kill()
    await alice.models.release(hold)
    await stack.hostd.kill()
    async with room.follow(log.events[-1]["seq"]) as rest:
        await room.answer(await rest.until("permissionAsked"), kind("allow_once"))
        await rest.until("turnEnded", turnId=turn, status="completed")
    assert "after\n" == (room.repo / "after.txt").read_text()
    events = await room.events()
    assert events == log.events + rest.events
    assert "before the fall" in said(events, turn)
    assert "and on" in said(events, turn)
