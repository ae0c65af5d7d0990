"""The driver for Claude's stream-json with a real process: the fake Claude."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Protocol

import pytest
from msgspec.structs import replace

from guest.drivers.base import Attachment
from guest.drivers.claude import ClaudeDriver
from guest.drivers.process import GARBAGE_MAX
from shared.errors import Code, Fault
from shared.turns import DETAIL_MAX, OptionKind, StopReason, ToolKind, ToolStatus, Usage
from tests.guest.driving import CLAUDE, Listener, launch, lives


class Start(Protocol):
    def __call__(self, resume: str | None = None, **environment: str) -> Awaitable[ClaudeDriver]: ...


@pytest.fixture
def sink() -> Listener:
    return Listener()


@pytest.fixture
async def start(tmp_path: Path, sink: Listener) -> AsyncIterator[Start]:
    """Starts drivers, and ends them."""
    drivers: list[ClaudeDriver] = []

    async def begin(resume: str | None = None, **environment: str) -> ClaudeDriver:
        drivers.append(ClaudeDriver(launch(tmp_path, CLAUDE, resume=resume, **environment), sink))
        await drivers[-1].start()
        return drivers[-1]

    yield begin
    for driver in drivers:
        await driver.close()


async def fault(act: Awaitable[object]) -> Fault:
    with pytest.raises(Fault) as caught:
        async with asyncio.timeout(15):
            await act
    return caught.value


def pid_of(driver: ClaudeDriver) -> int:
    transport = driver._process._transport
    assert transport
    return transport.get_pid()


async def test_a_turn_tells_what_claude_does_in_its_order(start: Start, sink: Listener) -> None:
    """What was streamed is not told again when it is complete."""
    driver = await start()
    outcome = await driver.prompt("think so\nsay one\nrun echo done\nwhole two\nsub hidden", [])
    assert StopReason.END_TURN is outcome.reason
    assert ("so", "onetwo") == (sink.thought, sink.said)
    call = sink.call()
    assert ("echo done", ToolKind.EXECUTE, ToolStatus.COMPLETED) == (call.title, call.kind, call.status)
    assert ('{"command":"echo done"}', "done\n") == (call.input, call.output)


async def test_many_turns_run_in_one_process_and_each_has_its_usage(start: Start) -> None:
    """Claude states the sums of the conversation."""
    driver = await start()
    pid = pid_of(driver)
    expected = Usage(input=100, output=20, cache_read=10, cost=0.25, model="claude-fake")
    for _ in range(3):
        assert expected == (await driver.prompt("say hi", [])).usage
    assert pid == pid_of(driver)


async def test_what_a_failed_turn_has_used_counts_with_the_next(start: Start) -> None:
    """It is not lost from the budget."""
    driver = await start()
    failed = await fault(driver.prompt("fail API Error: overloaded", []))
    assert (Code.FAILED, "API Error: overloaded") == (failed.code, failed.message)
    usage = (await driver.prompt("say hi", [])).usage
    assert usage
    assert (200, 0.5) == (usage.input, usage.cost)


async def test_a_resumed_conversation_goes_on_and_its_sums_with_it(start: Start, sink: Listener) -> None:
    """What went before is not paid again."""
    first = await start()
    await first.prompt("say secret word", [])
    await first.close()
    second = await start(resume=first.native)
    assert first.native == second.native
    outcome = await second.prompt("history", [])
    assert sink.said.endswith("say secret word")
    assert Usage(input=100, output=20, cache_read=10, cost=0.25, model="claude-fake") == outcome.usage


async def test_without_the_sums_of_before_the_cost_is_unknown(start: Start) -> None:
    """A Claude that does not tell them: tokens of this turn, and no cost rather than a wrong one."""
    first = await start()
    await first.prompt("say x", [])
    await first.close()
    second = await start(resume=first.native, FAKE_CLAUDE="old")
    assert (
        Usage(input=100, output=20, cache_read=10, cost=None, model="claude-fake") == (await second.prompt("say x", [])).usage
    )
    assert (
        Usage(input=100, output=20, cache_read=10, cost=0.25, model="claude-fake") == (await second.prompt("say x", [])).usage
    )


async def test_a_question_under_the_id_of_another_that_waits_is_not_asked(start: Start, sink: Listener) -> None:
    """However often: those that wait are counted by their ids."""
    sink.patient = True
    driver = await start()
    turn = asyncio.create_task(driver.prompt(f"flood {GARBAGE_MAX}\nsay after\ndelay 100", []))
    await sink.until(lambda s: "after" in s.said)
    assert 1 == len(sink.asks)
    assert "under the id of a question that waits" in sink.notices[0]
    await driver.cancel()
    assert StopReason.CANCELLED is (await turn).reason


@pytest.mark.parametrize("native", ["5bdc4e0e-52e8-4f5c-9ef5-7b7b4ac9a9b1", "no-uuid", "--help"])
async def test_what_cannot_be_resumed_begins_anew_and_says_so(start: Start, sink: Listener, native: str) -> None:
    """An id that is none never becomes an argument."""
    driver = await start(resume=native)
    assert native != driver.native
    assert "could not be resumed" in sink.notices[0]
    await driver.prompt("say hi", [])
    assert "hi" == sink.said


@pytest.mark.parametrize(
    ("script", "answer", "said"),
    [
        ("ask", OptionKind.ALLOW_ONCE, "allowed with null"),
        ("ask", OptionKind.REJECT_ONCE, "denied"),
        ("ask", None, "denied"),
        ("ask1", OptionKind.ALLOW_ONCE, "allowed with null"),
        ("ask1", OptionKind.ALLOW_ALWAYS, "denied"),
    ],
)
async def test_a_permission_is_asked_for(
    start: Start, sink: Listener, script: str, answer: OptionKind | None, said: str
) -> None:
    """Claude does what the answer says; `always` is offered only where it says what that means."""
    sink.answer = answer
    driver = await start()
    await driver.prompt(f"{script} echo done", [])
    assert said == sink.said
    assert ("done\n" == sink.call().output) == said.startswith("allowed")
    assert ("echo done", ToolKind.EXECUTE) == (sink.asks[0].title, sink.asks[0].kind)
    assert (OptionKind.ALLOW_ALWAYS in {o.kind for o in sink.asks[0].options}) == (script == "ask")


@pytest.mark.parametrize(("length", "cut"), [(100, False), (DETAIL_MAX, True)])
async def test_of_a_question_that_is_too_long_to_be_shown_it_is_told(
    start: Start, sink: Listener, length: int, *, cut: bool
) -> None:
    """Its end would run too."""
    sink.answer = OptionKind.REJECT_ONCE
    driver = await start()
    await driver.prompt(f"ask echo {'x' * length}; echo done", [])
    assert cut == sink.asks[0].truncated
    assert len(sink.asks[0].input or "") <= DETAIL_MAX


async def test_allowed_for_always_is_the_rule_alone_and_not_in_the_repository(start: Start, sink: Listener) -> None:
    """Neither another mode nor a file of settings, though Claude suggests both."""
    sink.answer = OptionKind.ALLOW_ALWAYS
    driver = await start()
    await driver.prompt("ask true", [])
    assert '"addRules"' in sink.said
    assert '"session"' in sink.said
    assert "localSettings" not in sink.said
    assert "setMode" not in sink.said


async def test_a_cancel_ends_the_turn_and_its_questions(start: Start, sink: Listener, tmp_path: Path) -> None:
    """Nobody has answered; Claude goes on with another prompt."""
    sink.patient = True
    driver = await start()
    turn = asyncio.create_task(driver.prompt("ask touch here", []))
    await sink.asked.wait()
    await driver.cancel()
    outcome = await turn
    assert StopReason.CANCELLED is outcome.reason
    assert outcome.usage
    assert not (tmp_path / "here").exists()
    assert StopReason.END_TURN is (await driver.prompt("say on", [])).reason


@pytest.mark.parametrize("reason", ["refusal", "max_tokens"])
async def test_a_stop_reason_is_kept(start: Start, reason: str) -> None:
    """Claude's words are ACP's."""
    driver = await start()
    assert StopReason(reason) is (await driver.prompt(f"stop {reason}", [])).reason


async def test_modes_and_models_can_be_chosen(tmp_path: Path, sink: Listener) -> None:
    """What Claude offers, and what the registry adds."""
    driver = ClaudeDriver(replace(launch(tmp_path, CLAUDE), models=["extra"]), sink)
    await driver.start()
    assert ("default", "default") == (driver.state.mode, driver.state.model)
    await driver.configure("plan", "other")
    assert ("plan", "other") == (driver.state.mode, driver.state.model)
    await driver.configure(None, "extra")
    assert "extra" == driver.state.model
    await driver.prompt("mode acceptEdits", [])
    assert "acceptEdits" == driver.state.mode
    for mode, model in (("bypassPermissions", None), (None, "nonsense")):
        assert Code.BAD_REQUEST is (await fault(driver.configure(mode, model))).code
    await driver.close()


async def test_attachments_come_with_the_prompt(start: Start, sink: Listener, tmp_path: Path) -> None:
    """An image as such, anything else by its path."""
    (tmp_path / "a.png").write_bytes(b"png")
    files = [("a.png", "image/png"), ("b.pdf", "application/pdf")]
    driver = await start()
    await driver.prompt("attached", [Attachment(path=tmp_path / name, name=name, media_type=kind) for name, kind in files])
    assert f'image/png, [attached file "b.pdf": {tmp_path}/b.pdf]' == sink.said


async def test_a_question_that_is_no_permission_is_refused(start: Start, sink: Listener) -> None:
    """And not left without an answer."""
    driver = await start()
    await driver.prompt("question hook_callback", [])
    assert '"error": "not supported"' in sink.said


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("die 7", "the agent ended with status 7"),
        ("closestdout", "the agent has closed its output, and stays"),
        (f"garbage {GARBAGE_MAX + 1}\nhang", f"the agent printed more than {GARBAGE_MAX} lines that are no protocol"),
    ],
)
async def test_a_claude_that_breaks_off_fails_its_turn(start: Start, script: str, message: str) -> None:
    """With the reason, and nothing of it runs after."""
    driver = await start()
    failed = await fault(driver.prompt(f"stderr last words\n{script}", []))
    assert (Code.FAILED, message) == (failed.code, failed.message)
    assert "last words\n" == driver.stderr
    assert not driver.alive
    assert not lives(pid_of(driver))


async def test_a_claude_that_was_killed_goes_on_where_it_was(start: Start, sink: Listener) -> None:
    """The next process has the conversation."""
    first = await start()
    await first.prompt("say one", [])
    turn = asyncio.create_task(first.prompt("say two\nhang", []))
    await sink.until(lambda s: s.said == "onetwo")
    os.kill(pid_of(first), signal.SIGKILL)
    assert "the agent was killed by signal 9" == (await fault(turn)).message
    second = await start(resume=first.native)
    await second.prompt("history", [])
    assert "onetwosay one" == sink.said


async def test_lines_with_wrong_fields_do_not_end_a_turn(start: Start, sink: Listener) -> None:
    """They are skipped, and told of."""
    driver = await start()
    await driver.prompt("badline\nsay after", [])
    assert "after" == sink.said
    assert 3 == len(sink.notices)


async def test_a_claude_that_never_gets_ready_is_ended(tmp_path: Path, sink: Listener) -> None:
    """After the start's deadline."""
    driver = ClaudeDriver(replace(launch(tmp_path, CLAUDE, FAKE_CLAUDE="hang"), start_timeout=0.3), sink)
    assert Code.TIMEOUT is (await fault(driver.start())).code
    assert not lives(pid_of(driver))
