"""Two tenants with the same agents at the same time: neither learns anything of the other's files, keys, events and turns."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.e2e.models.server import Models
from tests.e2e.work import AGENTS, Room, Work, kind, said
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]


async def attack(room: Room, agent: str, victim: Path, hold: str) -> str:
    """A turn that reads the other's file while the other's turn runs; all that was said in it."""
    async with room.follow() as log:
        turn = await room.prompt(agent, f"hold: {hold}", f"ask: cat {victim}; ls {victim.parent}", "say: It is over")
        await room.work.models.held(hold)
        await room.work.models.release(hold)
        await room.answer(await log.until("permissionAsked", turnId=turn), kind("allow_once"))
        await log.until("turnEnded", turnId=turn, status="completed")
        answered = [asked.body for asked in room.work.models.prompts(f"hold: {hold}")]
        return json.dumps([log.events, answered])


@pytest.mark.parametrize("agent", AGENTS)
async def test_an_agent_of_one_tenant_can_do_nothing_with_the_files_of_another(alice: Work, bob: Work, agent: str) -> None:
    rooms = [await alice.room(), await bob.room()]
    secrets = [f"secret-of-{name}-for-{agent}" for name in ("alice", "bob")]
    for room, secret in zip(rooms, secrets, strict=True):
        async with room.follow() as log:
            turn = await room.prompt(agent, f"ask: umask 000; echo {secret[:-1]}'{secret[-1]}' > open.txt", "say: kept")
            await room.answer(await log.until("permissionAsked"), kind("allow_once"))
            await log.until("turnEnded", turnId=turn, status="completed")
        assert f"{secret}\n" == (room.repo / "open.txt").read_text()
    told = await asyncio.gather(*(attack(rooms[i], agent, rooms[1 - i].repo / "open.txt", f"{agent}-{i}") for i in range(2)))
    for i in range(2):
        assert "Permission denied" in told[i]
        assert secrets[1 - i] not in told[i]


async def test_each_key_was_used_for_its_own_tenant_alone(alice: Work, bob: Work) -> None:
    marks = {"alice": "a-mark-of-alice", "bob": "a-mark-of-bob"}
    rooms = {"alice": await alice.room(), "bob": await bob.room()}
    await asyncio.gather(*(rooms[name].run(agent, mark, "say: heard") for name, mark in marks.items() for agent in AGENTS))
    for name, work in (("alice", alice), ("bob", bob)):
        assert {work.key(agent) for agent in AGENTS} == work.models.keys(marks[name])


async def test_no_event_and_no_turn_of_one_tenant_is_anothers(stack: Stack, models: Models) -> None:
    carol, dave = await Work.begin(stack, models, "carol"), await Work.begin(stack, models, "dave")
    room, theirs = await carol.room(), await dave.room()
    tenant = dave.tenant
    async with tenant.stack.http.get("/api/events", headers={**tenant.headers, "Accept": "text/event-stream"}) as stream:
        assert stream.status == 200
        turn = await room.run("claude", "say: only carol hears this")
        own = await theirs.run("claude", "say: dave hears that")
        received = b""
        async with asyncio.timeout(30):
            async for line in stream.content:
                received += line
                if own["turnId"].encode() in line and b"completed" in line:
                    break
    for alien in (carol.tenant.workspace, room.session, turn["turnId"], "only carol hears this"):
        assert alien.encode() not in received
    for method, path in (
        ("GET", f"{room.base}/events"),
        ("GET", f"{room.base}/turns/{turn['turnId']}"),
        ("POST", f"{room.base}/turns/{turn['turnId']}/cancel"),
        ("GET", f"{room.base}/permissions"),
        ("GET", f"{theirs.base}/turns/{turn['turnId']}"),
    ):
        await tenant.call(method, path, status=404)
    assert "only carol hears this" in said(await room.events(), turn["turnId"])
