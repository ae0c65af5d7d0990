"""Claude Code, by both of its drivers, and Codex: real programs of real users, whose models say what the prompt says."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.work import AGENTS, OTHERS, Work, kind, said

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]
each_agent = pytest.mark.parametrize("agent", AGENTS)


def programs(uid: int, name: str) -> list[int]:
    """The processes of a user whose program is called `name`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == uid and name in (entry / "cmdline").read_bytes().decode(errors="replace"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("agent", [*AGENTS, *OTHERS])
async def test_a_tool_call_writes_a_file_as_the_tenant(alice: Work, agent: str) -> None:
    room = await alice.room()
    async with room.follow() as log:
        turn = await room.prompt(agent, f"For {agent}:", "say: I begin", "ask: id -u > mine.txt", "say: It is written")
        asked = await log.until("permissionAsked")
        assert "mine.txt" in str(asked)
        await room.answer(asked, kind("allow_once"))
        await log.until("turnEnded", turnId=turn, status="completed")
    uid = alice.tenant.uid
    assert (f"{uid}\n", uid) == ((room.repo / "mine.txt").read_text(), (room.repo / "mine.txt").stat().st_uid)
    assert ["I begin", "It is written"] == [text for text in ("I begin", "It is written") if text in said(log.events, turn)]
    assert {"completed"} <= {event.get("status") for event in log.events if event["type"] == "toolCall"}
    assert log.events == await room.events()
    assert {alice.key(agent)} == alice.models.keys(f"For {agent}:")


@each_agent
async def test_what_is_denied_is_not_done_and_a_second_answer_is_refused(alice: Work, agent: str) -> None:
    room = await alice.room()
    async with room.follow() as log:
        turn = await room.prompt(agent, "ask: touch denied.txt", "say: It is over")
        asked = await log.until("permissionAsked")
        await room.answer(asked, kind("reject_once"))
        await room.answer(asked, kind("allow_once"), status=409)
        await log.until("turnEnded", turnId=turn)
    assert not (room.repo / "denied.txt").exists()


@each_agent
async def test_a_turn_is_cancelled_in_the_middle_of_an_answer_and_the_next_one_works(alice: Work, agent: str) -> None:
    room = await alice.room()
    hold = f"cancel-{agent}"
    turn = await room.prompt(agent, "say: as long as it takes", f"hold: {hold}", "say: never said")
    await alice.models.held(hold)
    await alice.tenant.call("POST", f"{room.base}/turns/{turn}/cancel")
    assert "cancelled" == (await room.ended(turn))["status"]
    await alice.models.let_go(hold)
    after = await room.run(agent, "say: still here")
    assert "completed" == after["status"]
    events = await room.events()
    assert "still here" in said(events, after["turnId"])
    assert "never said" not in said(events, turn)


@each_agent
async def test_an_agent_that_is_killed_fails_its_turn_and_the_next_prompt_goes_on_where_it_was(alice: Work, agent: str) -> None:
    room = await alice.room()
    hold = f"kill-{agent}"
    assert "completed" == (await room.run(agent, f"The word is {agent}-heron.", "say: noted"))["status"]
    turn = await room.prompt(agent, f"hold: {hold}", "say: never said")
    await alice.models.held(hold)
    program = {"claude": "/claude/bin/claude", "claude-acp": "claude-agent-acp", "codex": "codex-acp"}[agent]
    for pid in programs(alice.tenant.uid, program):
        os.kill(pid, signal.SIGKILL)
    failed = await room.ended(turn)
    assert "failed" == failed["status"]
    assert failed["error"]
    after = await room.run(agent, f"For {agent} again:", "say: back again")
    assert "completed" == after["status"]
    (asked, *_) = alice.models.prompts(f"For {agent} again:")
    assert asked.talk
    assert any(f"{agent}-heron" in prompt for prompt in asked.talk.before)
    assert "back again" in said(await room.events(), after["turnId"])


@each_agent
async def test_what_a_turn_used_is_told(alice: Work, agent: str) -> None:
    room = await alice.room()
    turn = await room.run(agent, "tokens: 4321 99", "say: counted")
    assert (4321, 99) == (turn["usage"]["input"], turn["usage"]["output"])
    assert turn["usage"]["model"]


@each_agent
async def test_an_error_of_the_model_is_told(alice: Work, agent: str) -> None:
    room = await alice.room()
    turn = await room.run(agent, "fail: 400")
    told = said(await room.events(), turn["turnId"]) if agent == "codex" else turn["error"]
    assert "as the prompt says" in told
    # Codex's adapter makes a message of it, and ends the turn as any other.
    assert ("completed" if agent == "codex" else "failed") == turn["status"]
