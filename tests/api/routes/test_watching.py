"""Terminals before who may read and not type: real frames, a real guest, a real pty."""

import json
import struct

import aiohttp
import pytest
from aiohttp import WSCloseCode

from api.mcp.tools import BY_NAME
from api.terminals import MISTAKES_MAX
from tests.api.rooms import Room
from tests.api.routes.test_terminals import View

SHOWN = "stty -echo; printf GO; while read word; do echo $(stty size) $word; done"


async def keyed(room: Room, **asked: object) -> Room:
    """The workspace, before the holder of a key."""
    made = await room.call("POST", f"{room.base}/keys", {"name": "watcher", **asked}, status=201)
    return Room(room.rooms, room.workspace, made["key"])


@pytest.mark.parametrize("asked", [{"rank": "viewer"}, {"scopes": ["terminals:read"]}], ids=["rank", "scope"])
async def test_who_may_read_sees_the_output_the_size_and_the_viewers(room: Room, asked: dict[str, object]) -> None:
    terminal = await room.terminal(await room.session(), "/bin/bash", "-c", SHOWN)
    watcher = await keyed(room, **asked)
    async with room.connect(terminal) as typist, watcher.connect(terminal) as ws:
        typing, seen = View(typist), View(ws)
        await seen.see(b"GO")
        ready = {"type": "ready", "terminalId": terminal, "seq": 0, "cols": 80, "rows": 24, "viewers": 2, "readOnly": True}
        assert ready == seen.control[0]
        await typing.see(b"GO")
        assert False is typing.control[0]["readOnly"]
        await typist.send_json({"type": "resize", "cols": 100, "rows": 30})
        await seen.until(lambda: {"type": "viewers", "count": 2, "cols": 100, "rows": 30} in seen.control)
        await typist.send_bytes(b"heron\n")
        await seen.see(b"30 100 heron")


async def test_nothing_that_a_watcher_sends_reaches_the_program_or_its_size(room: Room) -> None:
    """Input in all shapes of RFC 6455, sizes, and frames that others may send, which stay harmless."""
    terminal = await room.terminal(await room.session(), "/bin/bash", "-c", SHOWN)
    watcher = await keyed(room, rank="viewer")
    async with room.connect(terminal) as typist, watcher.connect(terminal) as ws:
        typing, seen = View(typist), View(ws)
        await seen.see(b"GO")
        refused = [b"", b"stork\n", b"\x03", b"x" * 200_000]
        for data in refused:
            await ws.send_bytes(data)
        for frame in ({"type": "resize", "cols": 20, "rows": 5}, {"type": "input", "data": "stork\n"}, {"type": "auth"}):
            await ws.send_json(frame)
        for frame in ({"type": "ack", "seq": 0}, {"type": "ack", "seq": 2**40}, {"type": "ping"}):
            await ws.send_json(frame)
        await seen.told("pong")
        errors = [control for control in seen.control if control["type"] == "error"]
        assert ["forbidden"] * (len(refused) + 1) + ["bad_request"] * 2 == [error["code"] for error in errors]
        assert all(error["recoverable"] for error in errors)
        await ws.send_json({"type": "resume", "after": 0})
        assert 0 == (await seen.told("ready"))["seq"]
        await typist.send_bytes(b"heron\n")
        await typing.see(b"24 80 heron")
        await seen.see(b"24 80 heron")
        assert b"stork" not in typing.output + seen.output


async def test_fragments_of_input_are_refused_as_one(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/bash", "-c", SHOWN)
    watcher = await keyed(room, rank="viewer")
    async with watcher.connect(terminal) as ws:
        seen = View(ws)
        await seen.see(b"GO")
        for first, payload in ((0x02, b"stork"), (0x80, b"\n")):
            ws._writer.transport.write(struct.pack("!BB4x", first, 0x80 | len(payload)) + payload)
        assert "forbidden" == (await seen.told("error"))["code"]
    async with room.connect(terminal) as typist:
        typing = View(typist)
        await typist.send_bytes(b"heron\n")
        await typing.see(b"24 80 heron")
        assert b"stork" not in typing.output


async def test_who_goes_on_typing_is_sent_away_for_good(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    watcher = await keyed(room, rank="viewer")
    async with watcher.connect(terminal) as ws:
        seen = View(ws)
        await seen.told("ready")
        for _ in range(MISTAKES_MAX):
            await ws.send_bytes(b"x")
        assert WSCloseCode.POLICY_VIOLATION == await seen.closed()


async def test_a_key_that_is_narrowed_while_it_types_comes_back_to_watch(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    made = await room.call("POST", f"{room.base}/keys", {"name": "k", "rank": "member"}, status=201)
    holder = Room(room.rooms, room.workspace, made["key"])
    async with holder.connect(terminal) as ws:
        view = View(ws)
        await view.told("ready")
        narrowed = {"scopes": ["terminals:read"]}
        await room.call("PATCH", f"{room.base}/keys/{made['keyId']}", narrowed, status=200)
        assert WSCloseCode.SERVICE_RESTART == await view.closed()
    async with holder.connect(terminal) as ws:
        view = View(ws)
        assert True is (await view.told("ready"))["readOnly"]
        await ws.send_bytes(b"x")
        assert "forbidden" == (await view.told("error"))["code"]


async def test_without_the_scope_of_reading_nobody_attaches(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/cat")
    stranger = await keyed(room, scopes=["sessions:read", "terminals:write"])
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await stranger.connect(terminal)
    assert 403 == caught.value.status


async def test_a_tool_reads_the_screen_for_a_watcher_and_types_nothing(room: Room) -> None:
    terminal = await room.terminal(await room.session(), "/bin/bash", "-c", SHOWN)
    watcher = await keyed(room, rank="viewer")

    async def call(method: str, **params: object) -> str:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        reply = await watcher.call("POST", "/api/mcp", body, status=200, Accept="application/json")
        return json.dumps(reply["result"])

    offered = await call("tools/list")
    assert '"read_screen"' in offered
    assert '"type_terminal"' not in offered
    assert BY_NAME["read_screen"].definition["annotations"]["readOnlyHint"]
    assert "GO" in await call("tools/call", name="read_screen", arguments={"terminalId": terminal, "wait": 1})
    typed = await call("tools/call", name="type_terminal", arguments={"terminalId": terminal, "text": "stork", "enter": True})
    assert "forbidden: this credential lacks the scope `terminals:write`" in typed
    async with room.connect(terminal) as ws:
        view = View(ws)
        await ws.send_bytes(b"heron\n")
        await view.see(b"heron")
        assert b"stork" not in view.output
