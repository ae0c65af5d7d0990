"""Every tool, called by the official client over HTTP, in a workspace whose guest is real."""

import asyncio
import json
from pathlib import Path

import pytest

from api.auth import PERSON_SCOPES, Principal, Rank, Role
from api.mcp.files import WRITE_MAX
from api.mcp.schemas import WAIT_MAX
from api.mcp.tool import TEXT_MAX, offered
from api.mcp.tools import TOOLS
from shared.ids import new_session_id
from tests.api.mcp.client import Agent
from tests.api.rooms import Room, Rooms


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_lists_and_calls_tools_in_both_eras(room: Room, mode: str) -> None:
    async with Agent(room.rooms, room.token, mode) as agent:
        assert {"list_sessions", "run_command", "read_screen"} <= await agent.tools()
        assert [] == (await agent.ask("list_sessions"))["items"]
        made = await agent.ask("create_session", name="by an agent", wait=20)
        assert ("by an agent", "ready") == (made["name"], made["status"])
        assert "hostel" == (agent.client.server_info.name if agent.client.server_info else "")


async def test_workspaces_are_shown(room: Room, agent: Agent) -> None:
    (shown,) = (await agent.ask("list_workspaces"))["items"]
    assert room.workspace == shown["workspaceId"]
    assert shown == await agent.ask("get_workspace")
    assert shown == await agent.ask("get_workspace", workspaceId=room.workspace)


async def test_sessions_are_made_shown_and_deleted(agent: Agent) -> None:
    session = (await agent.ask("create_session"))["sessionId"]
    assert session == (await agent.ask("get_session", sessionId=session, wait=20))["sessionId"]
    assert ["Done."] == await agent.texts("delete_session", sessionId=session)
    assert (await agent.fail("get_session", sessionId=session)).startswith("not_found: ")


async def test_files_are_written_read_in_parts_listed_and_searched(room: Room, agent: Agent) -> None:
    session = await room.session()
    text = "größer\n" * 1000
    made = await agent.ask("write_file", sessionId=session, path="a/b.txt", text=text, parents=True)
    content, part = await agent.texts("read_file", sessionId=session, path="a/b.txt")
    assert (text, made["etag"], None) == (content, json.loads(part)["etag"], json.loads(part)["nextOffset"])
    pieces: list[str] = []
    offset: int | None = 0
    while offset is not None:
        piece, part = await agent.texts("read_file", sessionId=session, path="a/b.txt", offset=offset, length=1001)
        pieces.append(piece)
        offset = json.loads(part)["nextOffset"]
    assert text == "".join(pieces)
    assert len(pieces) > 8
    listed = await agent.ask("list_files", sessionId=session, depth=2)
    assert ["a", "a/b.txt"] == [item["path"] for item in listed["items"]]
    found = await agent.ask("search_files", sessionId=session, q="GRÖSSER|größer", regex=True, limit=3)
    assert (3, True) == (len(found["items"]), found["truncated"])


async def test_a_file_is_written_only_over_the_version_that_was_read(room: Room, agent: Agent) -> None:
    session = await room.session()
    first = await agent.ask("write_file", sessionId=session, path="a", text="1")
    await agent.ask("write_file", sessionId=session, path="a", text="2", etag=first["etag"])
    assert (await agent.fail("write_file", sessionId=session, path="a", text="3", etag=first["etag"])).startswith(
        "precondition"
    )
    assert (await agent.fail("write_file", sessionId=session, path="a", text="3", etag="x")).startswith("precondition")
    assert "2" == (await agent.texts("read_file", sessionId=session, path="a"))[0]


async def test_what_is_no_text_is_not_read(room: Room, agent: Agent) -> None:
    session = await room.session()
    clone = room.rooms.guests[room.workspace].home / "vibecoder_workspace/sessions" / session / "repo"
    (clone / "binary").write_bytes(b"\x00\xff\xfe" * 100)
    (clone / "late").write_bytes(b"a" * 40_000 + b"\xff\n")
    (clone / "empty").write_bytes(b"")
    assert "it has 300 bytes" in await agent.fail("read_file", sessionId=session, path="binary")
    assert "not text" in await agent.fail("read_file", sessionId=session, path="late", offset=39_990)
    assert "" == (await agent.texts("read_file", sessionId=session, path="empty"))[0]
    assert "" == (await agent.texts("read_file", sessionId=session, path="late", offset=50_000))[0]
    assert (await agent.fail("read_file", sessionId=session, path="../../../x")).startswith(
        ("invalid", "bad_request", "not_found")
    )


async def test_git_tells_and_commits(room: Room, agent: Agent) -> None:
    session = await room.session()
    await agent.ask("write_file", sessionId=session, path="a.txt", text="one\n")
    assert ["a.txt"] == [item["path"] for item in (await agent.ask("get_git_status", sessionId=session))["entries"]]
    author = {"name": "An Agent", "email": "agent@example.org"}
    made = await agent.ask("commit", sessionId=session, message="first", paths=["a.txt"], author=author)
    assert ("first", "An Agent") == (made["subject"], made["authorName"])
    await agent.ask("write_file", sessionId=session, path="a.txt", text="two\n")
    assert "+two" in (await agent.ask("get_git_diff", sessionId=session, base="HEAD"))["patch"]


async def test_an_agent_gives_another_work_and_answers_what_it_asks(room: Room, agent: Agent) -> None:
    session = await room.session()
    done = await agent.ask("prompt", sessionId=session, text="say well done", wait=30)
    assert "completed" == done["status"]
    log = await agent.ask("read_log", sessionId=session)
    assert "well done" in "".join(event["text"] for event in log["items"] if event["type"] == "message")
    assert log["last"] == (await agent.ask("read_log", sessionId=session, after=log["last"] - 1))["items"][0]["seq"]
    turn = (await agent.ask("prompt", sessionId=session, text="ask touch asked.txt"))["turnId"]
    asked: list[dict[str, object]] = []
    async with asyncio.timeout(20):
        while not asked:
            asked = (await agent.ask("list_permissions", sessionId=session))["items"]
    permission = str(asked[0]["permissionId"])
    denied = await agent.ask("answer_permission", sessionId=session, permissionId=permission, outcome="deny")
    assert "user" == denied["answeredBy"]
    assert "running" != (await agent.ask("get_turn", sessionId=session, turnId=turn, wait=30))["status"]
    turn = (await agent.ask("prompt", sessionId=session, text="endless"))["turnId"]
    assert "cancelled" == (await agent.ask("cancel_turn", sessionId=session, turnId=turn, wait=30))["status"]


BAD: list[tuple[str, dict[str, object], str]] = [
    ("get_session", {}, "invalid: sessionId: is needed, as a string"),
    ("get_session", {"sessionId": 7}, "sessionId"),
    ("get_session", {"sessionId": "../x"}, "not_found: "),
    ("get_session", {"sessionId": new_session_id(), "surprise": 1}, "there is no such argument"),
    ("get_session", {"sessionId": new_session_id(), "wait": 51}, "0 to 50 seconds"),
    ("get_session", {"sessionId": new_session_id(), "wait": "long"}, "0 to 50 seconds"),
    ("list_sessions", {"limit": 0}, "limit"),
    ("list_sessions", {"limit": [1]}, "where one value is expected"),
    ("create_session", {"repoUrl": 7}, "repoUrl"),
    ("create_session", {"auth": {"type": "token", "value": "x"}}, "there is no such argument"),
    ("prompt", {"sessionId": new_session_id(), "text": ""}, "text"),
    ("run_command", {"sessionId": new_session_id(), "command": "x" * 4097}, "command"),
    ("run_command", {"sessionId": new_session_id(), "command": "a\0b"}, "command"),
    ("run_command", {"sessionId": new_session_id(), "command": "true", "wait": 51}, "wait"),
    ("run_command", {"sessionId": new_session_id(), "command": "true"}, "not_found: "),
    ("type_terminal", {"terminalId": f"t{'0' * 24}", "text": ""}, "nothing to type"),
    ("type_terminal", {"terminalId": f"t{'0' * 24}", "text": "x" * 16385}, "text"),
    ("read_screen", {"terminalId": f"t{'0' * 24}"}, "not_found: "),
    ("write_file", {"sessionId": new_session_id(), "path": "", "text": ""}, "path"),
    ("read_file", {"sessionId": new_session_id(), "path": "a", "length": 100_001}, "length"),
]


async def test_what_cannot_be_done_is_a_result_that_says_why(agent: Agent) -> None:
    for tool, arguments, said in BAD:
        assert said in await agent.fail(tool, **arguments), (tool, arguments)


async def test_what_is_just_short_enough_is_taken(room: Room, agent: Agent) -> None:
    session = await room.session()
    await agent.ask("get_session", sessionId=session, wait=WAIT_MAX)
    assert "over" == (await agent.texts("run_command", sessionId=session, command="printf over".ljust(4096), wait=WAIT_MAX))[0]
    made = await agent.ask("create_terminal", sessionId=session, command=["/bin/sh", "-c", "stty raw -echo; exec cat"])
    await agent.texts("type_terminal", terminalId=made["terminalId"], text="x" * 16384)
    await agent.ask("write_file", sessionId=session, path="a", text="a" * WRITE_MAX)
    assert "text" in await agent.fail("write_file", sessionId=session, path="a", text="a" * (WRITE_MAX + 1))
    content, part = await agent.texts("read_file", sessionId=session, path="a", length=TEXT_MAX)
    assert (TEXT_MAX, TEXT_MAX, WRITE_MAX) == (len(content), json.loads(part)["nextOffset"], json.loads(part)["size"])


async def test_a_long_result_is_cut_and_says_so(room: Room, agent: Agent) -> None:
    session = await room.session()
    await agent.ask("write_file", sessionId=session, path="a", text="line\n")
    await agent.ask("commit", sessionId=session, message="m", paths=["a"], author={"name": "A", "email": "a@b"})
    await agent.ask("write_file", sessionId=session, path="a", text="a line that is new\n" * 10_000)
    (text,) = await agent.texts("get_git_diff", sessionId=session)
    assert text[:TEXT_MAX] + "\n[" == text[: TEXT_MAX + 2]
    assert text.endswith("more characters were left out: ask for less]")


async def test_another_workspace_is_not_there_for_any_tool(rooms: Rooms, room: Room) -> None:
    other = await rooms.room()
    session = await other.session()
    terminal = await other.terminal(session, "/bin/cat")
    ids = {name: f"{short}{'0' * 24}" for name, short in (("turnId", "tn"), ("permissionId", "pm"), ("taskId", "ta"))}
    ids |= {"channelId": f"ch{'0' * 24}", "sessionId": session, "terminalId": terminal, "workspaceId": other.workspace}
    fill = {
        "path": "a",
        "text": "x",
        "command": "true",
        "q": "x",
        "message": "x",
        "prompt": "x",
        "outcome": "deny",
        "name": "x",
    }
    async with Agent(rooms, room.token) as agent:
        for tool in (await agent.client.list_tools()).tools:
            properties = tool.input_schema["properties"]
            if "workspaceId" not in properties or not ids.keys() & properties.keys():
                continue
            named = {name: value for name, value in ids.items() if name in properties}
            given = {
                name: value
                for name, value in fill.items()
                if name in {*tool.input_schema["required"], "outcome"} & properties.keys()
            }
            assert (await agent.fail(tool.name, **given | named)).startswith("not_found: "), tool.name
            if {"sessionId", "terminalId"} & set(tool.input_schema["required"]):
                del named["workspaceId"]
                assert (await agent.fail(tool.name, **given | named)).startswith("not_found: "), tool.name
    shown = await other.call("GET", f"/api/terminals/{terminal}", status=200)
    assert ("running", 0) == (shown["status"], shown["viewers"])


async def _key(room: Room, rank: str) -> str:
    body = {"name": rank, "rank": rank}
    return str((await room.call("POST", f"{room.base}/keys", body, status=201))["key"])


async def test_a_key_is_offered_what_its_rank_may_do_and_refused_the_rest(room: Room) -> None:
    session = await room.session()
    terminal = await room.terminal(session, "/bin/cat")
    async with Agent(room.rooms, await _key(room, "viewer")) as viewer, Agent(room.rooms, await _key(room, "member")) as member:
        looks, works = await viewer.tools(), await member.tools()
        assert looks < works
        assert {"list_files", "read_file", "read_log", "get_git_diff", "read_screen"} <= looks
        assert not {"run_command", "write_file", "prompt", "type_terminal", "create_workspace"} & looks
        assert {"run_command", "write_file", "prompt", "type_terminal", "read_screen"} <= works
        await member.ask("write_file", sessionId=session, path="a", text="by the member")
        assert "by the member" == (await viewer.texts("read_file", sessionId=session, path="a"))[0]
        for tool, arguments in (
            ("write_file", {"sessionId": session, "path": "a", "text": "x"}),
            ("run_command", {"sessionId": session, "command": "touch ran"}),
            ("type_terminal", {"terminalId": terminal, "text": "x"}),
            ("prompt", {"sessionId": session, "text": "say x"}),
        ):
            assert (await viewer.fail(tool, **arguments)).startswith("forbidden: "), tool
        assert ["a"] == [item["path"] for item in (await viewer.ask("list_files", sessionId=session))["items"]]


async def test_a_task_is_queued_watched_and_cancelled(room: Room, agent: Agent) -> None:
    made = await agent.ask("create_task", prompt="say the task is done")
    runner = asyncio.create_task(room.rooms.services.runner.run())
    async with asyncio.timeout(30):
        while (shown := await agent.ask("get_task", taskId=made["taskId"]))["status"] in {"queued", "running"}:
            await asyncio.sleep(0.1)
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
    assert "succeeded" == shown["status"], shown
    assert "the task is done" in str(shown)
    endless = (await agent.ask("create_task", prompt="endless"))["taskId"]
    await agent.ask("cancel_task", taskId=endless)
    assert {made["taskId"], endless} == {task["taskId"] for task in (await agent.ask("list_tasks"))["items"]}
    assert "prompt" in await agent.fail("create_task", prompt="")


async def test_agents_leave_messages_for_each_other(room: Room, agent: Agent) -> None:
    made = await room.call("POST", f"{room.base}/channels", {"name": "general"}, status=201)
    channel = made["channelId"]
    assert ["general"] == [found["name"] for found in (await agent.ask("list_channels"))["items"]]
    async with Agent(room.rooms, room.token) as other:
        waiting = asyncio.create_task(other.ask("read_messages", channelId=channel, wait=30))
        await agent.ask("send_message", channelId=channel, text="hello, agent", name="one")
        (message,) = (await waiting)["items"]
    assert ("hello, agent", "one") == (message["text"], message["name"])
    assert [] == (await agent.ask("read_messages", channelId=channel, after=message["number"]))["items"]


def test_a_person_is_offered_what_they_may_do_anywhere() -> None:
    def of(**ranks: Rank) -> set[str]:
        principal = Principal(role=Role.PERSON, scopes=PERSON_SCOPES, person="u", ranks=ranks)
        return {tool.name for tool in TOOLS if offered(principal, tool, open_creation=False)}

    assert {"list_workspaces", "get_workspace"} == of()
    assert of() < of(one=Rank.VIEWER) < of(one=Rank.VIEWER, two=Rank.MEMBER) < of(one=Rank.ADMIN)
    assert "write_file" not in of(one=Rank.VIEWER)
    assert {tool.name for tool in TOOLS} == of(one=Rank.ADMIN)


async def test_every_tool_is_tested_here() -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [] == [tool.name for tool in TOOLS if f'"{tool.name}"' not in text]
