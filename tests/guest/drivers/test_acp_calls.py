"""What is told of tool calls, within bounds: with a real process, the fake agent, that prints a lot."""

import asyncio
import contextlib
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acp import schema

from guest.drivers.acp import AcpDriver
from guest.drivers.acp_calls import CALLS_MAX, RATE, Calls
from shared.errors import Fault
from shared.turns import DETAIL_MAX, ToolCall, ToolStatus
from tests.guest.driving import ACP, Listener, launch

PRINTED = 60_000


@pytest.fixture
def sink() -> Listener:
    return Listener()


@pytest.fixture
async def driver(tmp_path: Path, sink: Listener) -> AsyncIterator[AcpDriver]:
    driver = AcpDriver(launch(tmp_path, ACP), sink)
    await driver.start()
    yield driver
    await driver.close()


def progress(call: str, text: str) -> schema.ToolCallProgress:
    content = [{"type": "content", "content": {"type": "text", "text": text}}]
    update = {"sessionUpdate": "tool_call_update", "toolCallId": call, "content": content}
    return schema.ToolCallProgress.model_validate(update)


def outputs(sink: Listener) -> list[str]:
    """What was told of outputs, one after the other."""
    return [body.output for body in sink.of(ToolCall) if body.output is not None]


@pytest.mark.parametrize("how", [f"grow 1000 {PRINTED // 1000}", f"redraw 500 {PRINTED}"])
async def test_what_is_told_of_an_output_stays_in_proportion_to_it(driver: AcpDriver, sink: Listener, how: str) -> None:
    """However often the agent repeats it; and its end is told, though the agent says only that the tool is done."""
    began = time.monotonic()
    await driver.prompt(f"{how}\ndone\nsay over", [])
    told = outputs(sink)
    assert sum(map(len, told)) < 4 * PRINTED + RATE * (time.monotonic() - began)
    assert PRINTED == len(told[-1])
    if how.startswith("redraw"):
        assert "500" == told[-1].strip()
    assert ToolStatus.COMPLETED == sink.call().status
    (completed,) = (
        i for i, body in enumerate(sink.bodies) if isinstance(body, ToolCall) and body.status is ToolStatus.COMPLETED
    )
    assert all(not isinstance(body, ToolCall) for body in sink.bodies[completed + 1 :])


async def test_a_slow_output_is_seen_while_it_grows(driver: AcpDriver, sink: Listener, tmp_path: Path) -> None:
    """What was held back is told soon, also when the agent says no more."""
    turn = asyncio.create_task(driver.prompt(f"grow 9 1\nwait {tmp_path}/seen\ndone", []))
    await sink.until(lambda sink: "." * 9 in outputs(sink))
    assert ToolStatus.IN_PROGRESS == sink.call().status
    (tmp_path / "seen").touch()
    await turn


@pytest.mark.parametrize("end", ["die 3", "stop max_tokens", "error it failed"])
async def test_the_end_of_a_turn_loses_nothing_of_an_output(driver: AcpDriver, sink: Listener, end: str) -> None:
    """Whether its tool was done or not."""
    with contextlib.suppress(Fault):
        await driver.prompt(f"grow 900 1\n{end}", [])
    assert "." * 900 == outputs(sink)[-1]


async def test_a_permission_is_asked_after_all_that_was_printed(driver: AcpDriver, sink: Listener) -> None:
    """Whoever answers has seen what it is about."""
    sink.patient = True
    turn = asyncio.create_task(driver.prompt("grow 900 1\nask true", []))
    await sink.asked.wait()
    assert "." * 900 == outputs(sink)[-1]
    await driver.cancel()
    await turn


async def test_the_calls_that_are_remembered_have_a_number(sink: Listener) -> None:
    """The oldest is forgotten, and what was held back of it is told."""
    calls = Calls(sink.tell)
    for text in ("longer", "changed"):
        calls.update(progress("first", text))
    assert ["longer"] == outputs(sink)
    for number in range(CALLS_MAX):
        calls.update(progress(str(number), ""))
    assert ["longer", "changed"] == outputs(sink)
    calls.end()


async def test_an_edit_of_millions_of_lines_takes_no_more_memory_than_is_shown(sink: Listener) -> None:
    """Of which each would be a string of its own."""
    diff = {"type": "diff", "path": "a", "oldText": "\n" * 2_000_000, "newText": "\n" * 2_000_000}
    call = {"sessionUpdate": "tool_call", "toolCallId": "1", "title": "edit", "content": [diff]}
    told = schema.ToolCallStart.model_validate(call)
    tracemalloc.start()
    try:
        Calls(sink.tell).update(told)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (body,) = sink.of(ToolCall)
    assert body.output is not None
    assert (DETAIL_MAX, True) == (len(body.output), body.truncated)
    assert peak < 32 * 1024 * 1024
