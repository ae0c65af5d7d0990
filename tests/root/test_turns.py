"""Turns of real agent processes under real users: whose they are, what they can reach, and that nothing of them is lost."""

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.stack import Stack, Tenant
from tests.turns import Conversation

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

COUNT = 3000


async def conversation(tenant: Tenant) -> Conversation:
    return Conversation(tenant, await tenant.session())


def agents_of(uid: int) -> list[int]:
    """Pids of the fake agents of a uid."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == uid and b"acp_agent.py" in (entry / "cmdline").read_bytes().split(b"\0")[3]:
                found.append(int(entry.name))
        except (OSError, IndexError):
            continue
    return found


async def test_an_agent_works_as_the_tenant_with_its_own_key_alone(alice: Tenant) -> None:
    keys = {name: {"auth": {"type": "api_key", "value": f"sk-{name}-sentinel"}} for name in ("fake", "claude", "codex")}
    await alice.call("PATCH", alice.base, {"providers": keys})
    talk = await conversation(alice)
    turn = await talk.prompt("env FAKE_API_KEY\nedit made.txt hello\nrun id -u; env\nsay over")
    ended = await talk.until_over(turn["turnId"])
    assert "completed" == ended["status"], ended
    assert "sk-fake-sentinel" in talk.said(turn["turnId"])
    told = json.dumps([event for event in talk.events if event["type"] == "toolCall"])
    assert str(alice.uid) in told
    assert "sk-claude-sentinel" not in told
    assert "sk-codex-sentinel" not in told
    folder = alice.home / f"vibecoder_workspace/sessions/{talk.session}"
    assert alice.uid == (folder / "repo/made.txt").stat().st_uid
    log = (folder / "events.jsonl").stat()
    assert (alice.uid, 0o100600) == (log.st_uid, log.st_mode)
    assert [e["seq"] for e in talk.events] == list(range(1, len(talk.events) + 1))


async def test_the_diff_of_a_turn_is_there_after_its_guest_was_killed_and_belongs_to_the_tenant(alice: Tenant) -> None:
    talk = await conversation(alice)
    before = await talk.prompt("edit first x", wait=20)
    turn = await talk.prompt("edit second y\nsay written\nhang")
    await talk.until(lambda: "written" in talk.said(turn["turnId"]))
    os.kill(alice.guest_pid, signal.SIGKILL)
    await talk.until_over(turn["turnId"])
    for made, names in ((before, ["first"]), (turn, ["second"])):
        found = await alice.call("GET", f"{talk.base}/turns/{made['turnId']}/diff")
        assert names == [file["path"] for file in found["files"]]
    folder = alice.home / f"vibecoder_workspace/sessions/{talk.session}/snapshots"
    assert {alice.uid} == {path.lstat().st_uid for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ["api", "hostd"])
@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_a_turn_goes_on_and_no_event_is_lost_or_doubled(stack: Stack, alice: Tenant, name: str, how: str) -> None:
    talk = await conversation(alice)
    first = await talk.prompt("pid\nsay begin")
    await talk.until_over(first["turnId"])
    turn = (await talk.prompt(f"pid\ncount {COUNT}\ndelay 3\nsay end"))["turnId"]
    breaking: list[asyncio.Task[None]] = []

    def over() -> bool:
        if not breaking and len(talk.of("message", turn)) > 50:
            breaking.append(asyncio.create_task(getattr({"api": stack.api, "hostd": stack.hostd}[name], how)()))
        return bool(talk.of("turnEnded", turn))

    await talk.until(over)
    await asyncio.gather(*breaking)
    ended = talk.of("turnEnded", turn)[0]
    assert "completed" == ended["status"], ended
    said = talk.said(turn)
    assert said.endswith("end")
    assert "".join(f"{n} " for n in range(1, COUNT + 1)) in said
    assert [e["seq"] for e in talk.events] == list(range(1, len(talk.events) + 1))
    assert talk.events == await talk.page()
    assert talk.said(first["turnId"]).removesuffix("begin") in said, "another process answered"
    assert (name == "api") == (talk.breaks > 0)


async def test_a_permission_waits_through_a_killed_api_and_is_answered_once(stack: Stack, alice: Tenant) -> None:
    talk = await conversation(alice)
    turn = (await talk.prompt("ask touch asked.txt\nsay over"))["turnId"]
    await talk.until(lambda: talk.of("permissionAsked"))
    await stack.api.kill()
    asked = talk.of("permissionAsked")[0]
    waiting = await alice.call("GET", f"{talk.base}/permissions?waiting=true")
    assert [asked["permissionId"]] == [item["permissionId"] for item in waiting["items"]]
    option = next(o["id"] for o in asked["options"] if o["kind"] == "allow_once")
    path = f"{talk.base}/permissions/{asked['permissionId']}"
    answers = await asyncio.gather(*(status_of(alice, path, {"optionId": option}) for _ in range(20)))
    assert Counter({200: 1, 409: 19}) == Counter(answers)
    assert "completed" == (await talk.until_over(turn))["status"]
    assert (alice.home / f"vibecoder_workspace/sessions/{talk.session}/repo/asked.txt").exists()


async def status_of(tenant: Tenant, path: str, body: object, method: str = "POST") -> int:
    async with tenant.stack.http.request(method, path, json=body, headers=tenant.headers) as reply:
        return reply.status


async def test_an_agent_that_is_killed_leaves_a_failed_turn_and_the_next_prompt_goes_on(alice: Tenant) -> None:
    talk = await conversation(alice)
    await talk.until_over((await talk.prompt("say one"))["turnId"])
    turn = (await talk.prompt("stderr the last words\nsay two\ndelay 60"))["turnId"]
    await talk.until(lambda: "two" in talk.said(turn))
    for pid in agents_of(alice.uid):
        if os.readlink(f"/proc/{pid}/cwd").find(talk.session) >= 0:
            os.kill(pid, signal.SIGKILL)
    ended = await talk.until_over(turn)
    assert "failed" == ended["status"]
    assert "the last words" in ended["stderr"]
    again = (await talk.prompt("history"))["turnId"]
    assert "completed" == (await talk.until_over(again))["status"]
    assert "say one" in talk.said(again)


async def test_a_guest_that_is_killed_leaves_a_failed_turn_and_no_agent(alice: Tenant) -> None:
    talk = await conversation(alice)
    turn = (await talk.prompt("say one\ndelay 60"))["turnId"]
    await talk.until(lambda: "one" in talk.said(turn))
    os.kill(alice.guest_pid, signal.SIGKILL)
    ended = await talk.until_over(turn)
    assert "failed" == ended["status"]
    assert "failed" == (await talk.turn(turn))["status"]
    assert not [pid for pid in agents_of(alice.uid) if talk.session in os.readlink(f"/proc/{pid}/cwd")]
    again = (await talk.prompt("history"))["turnId"]
    assert "completed" == (await talk.until_over(again))["status"]
    assert "say one" in talk.said(again)
    assert [e["seq"] for e in talk.events] == list(range(1, len(talk.events) + 1))


async def test_what_is_anothers_is_not_found(alice: Tenant, bob: Tenant) -> None:
    talk = await conversation(alice)
    turn = (await talk.prompt("ask touch x"))["turnId"]
    await talk.until(lambda: talk.of("permissionAsked"))
    permission = talk.of("permissionAsked")[0]["permissionId"]
    own = await conversation(bob)
    for base in (talk.base, f"{bob.base}/sessions/{talk.session}", own.base):
        wrong_session = base is not own.base
        paths = [f"/turns/{turn}", *(["/turns", "/events", "/permissions", "/agents"] if wrong_session else [])]
        for path in paths:
            assert 404 == await status_of(bob, base + path, None, "GET"), base + path
        posts = {f"/turns/{turn}/cancel": {}, f"/permissions/{permission}": {"outcome": "deny"}}
        for path, body in (posts | ({"/prompt": {"text": "x"}} if wrong_session else {})).items():
            assert 404 == await status_of(bob, base + path, body), base + path
    assert "running" == (await talk.turn(turn))["status"]
    await alice.call("POST", f"{talk.base}/turns/{turn}/cancel", {})
    assert "cancelled" == (await talk.until_over(turn))["status"]


async def test_fifty_turns_at_once_lose_nothing(stack: Stack) -> None:
    tenant = await stack.tenant("many")
    talks = [await conversation(tenant) for _ in range(50)]
    turns = [await talk.prompt(f"wait {tenant.home}/go\ncount 100\nsay {number}.") for number, talk in enumerate(talks)]
    (tenant.home / "go").touch()
    ends = await asyncio.gather(*(t.until_over(turn["turnId"], 200) for t, turn in zip(talks, turns, strict=True)))
    assert {"completed"} == {ended["status"] for ended in ends}
    expected = "".join(f"{n} " for n in range(1, 101))
    for number, (talk, turn) in enumerate(zip(talks, turns, strict=True)):
        assert f"{expected}{number}." == talk.said(turn["turnId"])
        assert [e["seq"] for e in talk.events] == list(range(1, len(talk.events) + 1))
