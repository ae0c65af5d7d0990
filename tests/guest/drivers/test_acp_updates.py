"""What an ACP agent tells, within bounds."""

import tracemalloc

from guest.drivers import acp_updates as updates
from shared.turns import DETAIL_MAX, ToolCall


def test_an_edit_of_millions_of_lines_takes_no_more_memory_than_is_shown() -> None:
    """Of which each would be a string of its own."""
    diff = {"type": "diff", "path": "a", "oldText": "\n" * 2_000_000, "newText": "\n" * 2_000_000}
    call = {"sessionUpdate": "tool_call", "toolCallId": "1", "title": "edit", "content": [diff]}
    told = updates.Told.model_validate({"sessionId": "s", "update": call})
    tracemalloc.start()
    try:
        (body,) = updates.Updates().bodies(told.update)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(body, ToolCall)
    assert body.output is not None
    assert (DETAIL_MAX, True) == (len(body.output), body.truncated)
    assert peak < 32 * 1024 * 1024
