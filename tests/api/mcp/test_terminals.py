"""The tools for terminals: commands, typing, screens."""

import asyncio
import json

from api.mcp.tool import TEXT_MAX
from tests.api.mcp.client import Agent
from tests.api.rooms import Room


async def test_a_command_is_run_to_its_end(room: Room, agent: Agent) -> None:
    session = await room.session()
    printed, told = await agent.texts(
        "run_command", sessionId=session, command="echo $((6*7)); printf '\\e[31mred\\e[0m'; exit 3"
    )
    assert "42\nred" == printed
    assert {"status": "exited", "exitCode": 3, "exitSignal": None, "terminalId": None} == json.loads(told)
    assert [] == (await agent.ask("list_terminals"))["items"]


async def test_of_a_command_that_prints_much_the_end_is_told(room: Room, agent: Agent) -> None:
    session = await room.session()
    printed, _ = await agent.texts("run_command", sessionId=session, command="seq 1 100000; echo over")
    assert printed.startswith("[the first ")
    assert printed.endswith("99999\n100000\nover\n")
    assert len(printed) <= TEXT_MAX


async def test_a_command_that_goes_on_keeps_its_terminal(room: Room, agent: Agent) -> None:
    session = await room.session()
    line = "echo begun; read word; echo got $word; exit 7"
    printed, told = await agent.texts("run_command", sessionId=session, command=line, wait=1)
    running = json.loads(told)
    assert ("begun\n", "running", None) == (printed, running["status"], running["exitCode"])
    terminal = running["terminalId"]
    screen, told = await agent.texts("type_terminal", terminalId=terminal, text="heron", enter=True)
    assert "got heron" in screen
    screen, told = await agent.texts("read_screen", terminalId=terminal, wait=20)
    shown = json.loads(told)
    assert ("exited", 7, "begun") == (shown["status"], shown["exitCode"], screen.splitlines()[0])
    assert (await agent.fail("type_terminal", terminalId=terminal, text="x")).startswith("conflict: ")
    assert ["Done."] == await agent.texts("close_terminal", terminalId=terminal)
    assert (await agent.fail("read_screen", terminalId=terminal)).startswith("not_found: ")


async def test_a_screen_is_what_is_drawn_not_what_was_printed(room: Room, agent: Agent) -> None:
    session = await room.session()
    draw = r"printf 'gone\e[2J\e[3;5Hhere\e[31m!'; exec cat"
    made = await agent.ask("create_terminal", sessionId=session, command=["/bin/sh", "-c", draw], cols=40, rows=10)
    screen, told = await agent.texts("type_terminal", terminalId=made["terminalId"], text="abc")
    shown = json.loads(told)
    assert ["", "", "    here!abc"] == screen.splitlines()
    assert (40, 10, 3, 13, True) == tuple(shown[k] for k in ("cols", "rows", "cursorRow", "cursorCol", "whole"))
    assert [made["terminalId"]] == [item["terminalId"] for item in (await agent.ask("list_terminals"))["items"]]
    await agent.texts("close_terminal", terminalId=made["terminalId"])


async def test_control_characters_reach_the_program(room: Room, agent: Agent) -> None:
    session = await room.session()
    made = await agent.ask("create_terminal", sessionId=session, command=["/bin/cat"])
    await agent.texts("type_terminal", terminalId=made["terminalId"], text="\u0003")
    _, told = await agent.texts("read_screen", terminalId=made["terminalId"], wait=20)
    assert ("exited", "SIGINT") == (json.loads(told)["status"], json.loads(told)["exitSignal"])


async def test_a_revoked_key_ends_a_command_that_it_waits_for(room: Room) -> None:
    session = await room.session()
    made = await room.call("POST", f"{room.base}/keys", {"name": "short", "rank": "member"}, status=201)
    async with Agent(room.rooms, made["key"]) as agent:
        running = asyncio.create_task(agent.fail("run_command", sessionId=session, command="exec cat", wait=50))
        async with asyncio.timeout(10):
            while not room.rooms.services.live._held[room.workspace]:
                await asyncio.sleep(0.01)
        await room.call("DELETE", f"{room.base}/keys/{made['keyId']}", status=204)
        async with asyncio.timeout(10):
            assert (await running).startswith("unauthorized: ")
