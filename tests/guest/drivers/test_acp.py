"""The ACP driver with a real process: the fake agent."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from msgspec.structs import replace

from guest.drivers.acp import AcpDriver
from guest.drivers.acp_pipe import REQUESTS_MAX
from guest.drivers.base import Attachment
from guest.drivers.process import GARBAGE_MAX, LINE_MAX
from shared.errors import Code, Fault
from shared.turns import (
    DETAIL_MAX,
    STDERR_MAX,
    TEXT_MAX,
    AgentState,
    OptionKind,
    Plan,
    StopReason,
    ToolCall,
    ToolKind,
    ToolStatus,
    Usage,
)
from tests.guest.driving import ACP, Listener, children, environment_of, launch, lives, own_descriptors


class Start(Protocol):
    def __call__(self, *options: str, resume: str | None = None) -> Awaitable[AcpDriver]: ...


@pytest.fixture
def sink() -> Listener:
    return Listener()


@pytest.fixture
async def start(tmp_path: Path, sink: Listener) -> AsyncIterator[Start]:
    """Starts drivers, and ends them."""
    drivers: list[AcpDriver] = []

    async def begin(*options: str, resume: str | None = None) -> AcpDriver:
        drivers.append(AcpDriver(launch(tmp_path, ACP, *options, resume=resume), sink))
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


def pid_of(driver: AcpDriver) -> int:
    transport = driver._process._transport
    assert transport
    return transport.get_pid()


async def test_a_turn_tells_what_the_agent_does_in_its_order(start: Start, sink: Listener) -> None:
    """Messages, thoughts, tool calls and a plan arrive as they were said."""
    driver = await start()
    outcome = await driver.prompt("think so\nsay one\nrun echo done; id -u\nplan a | b\nsay two", [])
    assert StopReason.END_TURN is outcome.reason
    assert "so" == sink.thought
    assert "onetwo" == sink.said
    call = sink.call()
    assert ("echo done; id -u", ToolKind.EXECUTE, ToolStatus.COMPLETED) == (call.title, call.kind, call.status)
    assert f"done\n{os.getuid()}\n" == call.output
    assert ["a", "b"] == [entry.content for entry in sink.of(Plan)[0].entries]


async def test_five_thousand_pieces_keep_their_order(start: Start, sink: Listener) -> None:
    """None is lost, doubled or moved."""
    driver = await start()
    await driver.prompt("count 5000", [])
    assert [str(i) for i in range(1, 5001)] == sink.said.split()


async def test_nothing_is_told_twice_of_a_tool_call(start: Start, sink: Listener) -> None:
    """A field that has not changed is not in the event."""
    driver = await start()
    await driver.prompt("tool read README", [])
    assert 1 == sum(body.title is not None for body in sink.bodies if hasattr(body, "title"))


async def test_an_edit_shows_what_it_changed(start: Start, sink: Listener, tmp_path: Path) -> None:
    """A diff becomes text."""
    driver = await start()
    await driver.prompt("edit note.txt hello", [])
    assert f"{tmp_path}/note.txt\n+hello" == sink.call().output


async def test_usage_counts_cached_tokens_as_input(start: Start) -> None:
    """ACP's agents count them apart."""
    driver = await start()
    outcome = await driver.prompt("usage 100 20 50", [])
    assert Usage(input=150, output=20, cache_read=50, model="small") == outcome.usage


async def test_the_model_is_the_one_that_an_adapter_tells(start: Start) -> None:
    """What is chosen may be an alias without a price."""
    driver = await start()
    usage = (await driver.prompt("usage 1 2\nquota gpt-fake", [])).usage
    assert usage
    assert "gpt-fake" == usage.model


async def test_numbers_beyond_all_measure_are_cut(start: Start, sink: Listener) -> None:
    """They would not fit the log."""
    driver = await start()
    usage = (await driver.prompt(f"usage {10**30} {10**30}", [])).usage
    assert Usage(input=2**53, output=2**53, model="small") == usage
    assert msgspec.json.encode(usage)
    assert [] == sink.notices


@pytest.mark.parametrize("size", [DETAIL_MAX - 20, DETAIL_MAX, DETAIL_MAX + 1000])
async def test_what_a_tool_takes_and_gives_fits_events(start: Start, sink: Listener, size: int) -> None:
    """Cut where it is too long, which is said; in two events where one would be too large."""
    driver = await start()
    await driver.prompt(f"run printf %0{size}d 1; true {'x' * size}", [])
    events = [len(body.input or "") + len(body.output or "") for body in sink.of(ToolCall)]
    assert max(events) <= DETAIL_MAX
    call = sink.call()
    assert call.output == ("0" * size)[: min(size, DETAIL_MAX)][:-1] + ("1" if size <= DETAIL_MAX else "0")
    assert call.truncated


async def test_a_turn_costs_what_the_conversation_has_cost_more(start: Start) -> None:
    """Agents state the cost of the whole conversation."""
    driver = await start()
    costs = [(await driver.prompt(f"cost {cost}", [])).usage for cost in (0.5, 0.75)]
    assert [0.5, 0.25] == [usage and usage.cost for usage in costs]
    assert (await driver.prompt("say nothing of costs", [])).usage is None


async def test_the_cost_of_a_resumed_turn_is_not_that_of_all_before(start: Start) -> None:
    """What went before is not known to a new process, so the first sum says nothing."""
    native = (await start()).native
    driver = await start(resume=native)
    first, second = [(await driver.prompt(f"cost {cost}", [])).usage for cost in (5, 6)]
    assert first is None
    assert second is not None
    assert 1 == second.cost


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (OptionKind.ALLOW_ONCE, "allowed by yes"),
        (OptionKind.ALLOW_ALWAYS, "allowed by always"),
        (OptionKind.REJECT_ONCE, "denied by no"),
        (None, "denied by cancelled"),
    ],
)
async def test_a_permission_is_asked_for(
    start: Start, sink: Listener, tmp_path: Path, answer: OptionKind | None, said: str
) -> None:
    """The agent does what the answer says."""
    sink.answer = answer
    driver = await start()
    await driver.prompt("ask touch here", [])
    assert said == sink.said
    assert said.startswith("allowed") == (tmp_path / "here").exists()
    assert ("touch here", '{"command":"touch here"}') == (sink.asks[0].title, sink.asks[0].input)


async def test_a_cancel_ends_the_turn_and_its_questions(start: Start, sink: Listener, tmp_path: Path) -> None:
    """Nobody has answered; the agent goes on with another prompt."""
    sink.patient = True
    driver = await start()
    turn = asyncio.create_task(driver.prompt("ask touch here", []))
    await sink.asked.wait()
    await driver.cancel()
    assert StopReason.CANCELLED is (await turn).reason
    assert not (tmp_path / "here").exists()
    assert StopReason.END_TURN is (await driver.prompt("say on", [])).reason


async def test_an_agent_that_ignores_a_cancel_is_ended_by_close(start: Start, sink: Listener) -> None:
    """`prompt` does not outlive the process."""
    driver = await start()
    turn = asyncio.create_task(driver.prompt("say x\nhang", []))
    await sink.until(lambda s: s.said == "x")
    await driver.cancel()
    await driver.close()
    assert Code.FAILED is (await fault(turn)).code
    assert not driver.alive


@pytest.mark.parametrize("reason", ["refusal", "max_tokens", "max_turn_requests"])
async def test_a_stop_reason_is_kept(start: Start, reason: str) -> None:
    """All of ACP's words are ours."""
    driver = await start()
    assert StopReason(reason) is (await driver.prompt(f"stop {reason}", [])).reason


async def test_modes_and_models_can_be_chosen(start: Start, sink: Listener) -> None:
    """By whichever of ACP's two ways the agent offers them."""
    driver = await start()
    assert ("ask", "small") == (driver.state.mode, driver.state.model)
    await driver.configure("code", "large")
    assert ("code", "large") == (driver.state.mode, driver.state.model)
    assert driver.state == sink.of(AgentState)[-1]
    await driver.prompt("mode ask\nmodel small", [])
    assert ("ask", "small") == (driver.state.mode, driver.state.model)


@pytest.mark.parametrize(("mode", "model"), [("nonsense", None), (None, "nonsense"), ("x" * 10_000, None)])
async def test_what_is_not_offered_cannot_be_chosen(start: Start, mode: str | None, model: str | None) -> None:
    """It is refused, and nothing changes."""
    driver = await start()
    assert Code.BAD_REQUEST is (await fault(driver.configure(mode, model))).code
    assert ("ask", "small") == (driver.state.mode, driver.state.model)


@pytest.mark.parametrize("option", [(), ("--no-resume",)])
async def test_a_conversation_goes_on_and_is_not_told_again(start: Start, sink: Listener, option: tuple[str, ...]) -> None:
    """By session/resume, or by session/load, whose replay is dropped."""
    first = await start()
    await first.prompt("say secret word", [])
    await first.close()
    sink.bodies.clear()
    second = await start(*option, resume=first.native)
    assert first.native == second.native
    await second.prompt("history", [])
    assert "say secret word" == sink.said


@pytest.mark.parametrize(
    ("options", "notice"), [(("--no-load", "--no-resume"), "cannot resume"), (("--bad-load",), "Resource not found")]
)
async def test_what_cannot_be_resumed_begins_anew_and_says_so(
    start: Start, sink: Listener, options: tuple[str, ...], notice: str
) -> None:
    """The prompt is answered all the same."""
    driver = await start(*options, resume="fake-of-old")
    assert notice in sink.notices[0]
    assert driver.native not in (None, "fake-of-old")
    await driver.prompt("say hi", [])
    assert "hi" == sink.said


async def test_an_agent_is_told_to_use_its_key(start: Start, sink: Listener) -> None:
    """Some do not take it from the environment by themselves."""
    driver = await start("--sign-in")
    await driver.prompt("say hi", [])
    assert "hi" == sink.said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sign-in", "--no-key"), "Authentication required"),
        (("--die", "3"), "the agent ended with status 3"),
        (("--version", "2"), "the agent speaks version 2 of its protocol, not 1"),
    ],
)
async def test_an_agent_that_cannot_start_says_why(
    tmp_path: Path, sink: Listener, options: tuple[str, ...], message: str
) -> None:
    """And nothing of it is left."""
    before = own_descriptors()
    driver = AcpDriver(launch(tmp_path, ACP, *options), sink)
    failed = await fault(driver.start())
    assert Code.FAILED is failed.code
    assert message in failed.message
    assert not driver.alive
    assert not lives(pid_of(driver))
    assert own_descriptors() <= before
    if "--die" in options:
        assert "the agent cannot start\n" == driver.stderr


async def test_a_program_that_is_not_there_is_a_fault(tmp_path: Path, sink: Listener) -> None:
    """As is one that cannot be executed."""
    driver = AcpDriver(launch(tmp_path, ["/nonexistent/agent"]), sink)
    assert Code.FAILED is (await fault(driver.start())).code
    assert "/nonexistent/agent" in driver.stderr


async def test_an_agent_that_never_gets_ready_is_ended(tmp_path: Path, sink: Listener) -> None:
    """After the start's deadline."""
    driver = AcpDriver(replace(launch(tmp_path, ACP, "--hang"), start_timeout=0.3), sink)
    assert Code.TIMEOUT is (await fault(driver.start())).code
    assert not lives(pid_of(driver))


async def test_attachments_come_with_the_prompt(start: Start, sink: Listener, tmp_path: Path) -> None:
    """An image as such where the agent takes images, anything else by its name."""
    (tmp_path / "a.png").write_bytes(b"png")
    (tmp_path / "large.png").write_bytes(bytes(5 * 1024 * 1024 + 1))
    os.mkfifo(tmp_path / "pipe.png")
    names = ("a.png", "large.png", "pipe.png", "gone.png")
    files = [*((name, "image/png") for name in names), ("b.pdf", "application/pdf")]
    driver = await start()
    await driver.prompt("attached", [Attachment(path=tmp_path / name, name=name, media_type=kind) for name, kind in files])
    links = [f"resource_link:{name}" for name in ("large.png", "pipe.png", "gone.png", "b.pdf")]
    assert ["image:image/png", *links] == sink.said.split(", ")


@pytest.mark.parametrize("method", ["fs/read_text_file", "fs/write_text_file", "no/such/thing", "_own"])
async def test_what_we_do_not_offer_is_refused(start: Start, sink: Listener, method: str) -> None:
    """An agent reads files and runs programs by itself, as the tenant."""
    driver = await start()
    await driver.prompt(f"request {method}", [])
    assert sink.said in {"-32601", "-32602"}


async def test_an_elicitation_is_declined(start: Start, sink: Listener) -> None:
    """Nobody would see the form."""
    driver = await start()
    await driver.prompt("request elicitation/create", [])
    assert '{"action": "decline"}' == sink.said


# Hostile and broken agents


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("die 7", "the agent ended with status 7"),
        ("suicide", "the agent was killed by signal 9"),
        ("half\ndie", "the agent ended with status 1"),
        ("closestdout", "the agent has closed its output, and stays"),
        ("wrongid", "the agent answered a call that was never made"),
        (f"garbage {GARBAGE_MAX + 1}\nhang", f"the agent printed more than {GARBAGE_MAX} lines that are no protocol"),
        (f"ask-many {REQUESTS_MAX + 1}", f"the agent asks for more than {REQUESTS_MAX} things at once"),
    ],
)
async def test_an_agent_that_breaks_off_fails_its_turn(start: Start, sink: Listener, script: str, message: str) -> None:
    """The turn ends with the reason, and nothing of the agent runs after."""
    sink.patient = True
    driver = await start()
    failed = await fault(driver.prompt(f"stderr last words\n{script}", []))
    assert (Code.FAILED, message) == (failed.code, failed.message)
    assert "last words\n" == driver.stderr
    assert not driver.alive
    assert not lives(pid_of(driver))
    assert message == (await fault(driver.prompt("say more", []))).message


async def test_as_many_questions_as_are_allowed_wait(start: Start, sink: Listener) -> None:
    """One fewer than too many."""
    sink.patient = True
    driver = await start()
    turn = asyncio.create_task(driver.prompt(f"ask-many {REQUESTS_MAX}", []))
    await sink.until(lambda s: len(s.asks) == REQUESTS_MAX)
    await driver.cancel()
    assert StopReason.CANCELLED is (await turn).reason


_ODD = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], **json.loads(sys.argv[1])}), flush=True)
"""


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"result": None},
        {"result": [1]},
        {"result": {"protocolVersion": "x"}},
        {"error": "text"},
        {"error": {"code": "x", "message": "m"}},
        {"error": {"code": 1, "message": None}},
        {"error": {"code": 1, "message": "m", "data": [[[]]]}},
        {"id": None},
        {"id": [1]},
        {"id": "0"},
        {"id": True},
        {"id": -1},
        {"id": 0.0},
        {"method": 7},
        {"method": ["a"], "id": {}},
    ],
)
async def test_an_odd_answer_is_a_fault_and_not_a_traceback(tmp_path: Path, sink: Listener, answer: dict[str, object]) -> None:
    """Nor does anybody wait for a better one, unless it was no answer at all."""
    argv = [sys.executable, "-I", "-c", _ODD, msgspec.json.encode(answer).decode()]
    driver = AcpDriver(replace(launch(tmp_path, argv), start_timeout=1), sink)
    failed = await fault(driver.start())
    assert (Code.TIMEOUT if "method" in answer else Code.FAILED) is failed.code
    assert not lives(pid_of(driver))


async def test_an_error_fails_the_turn_and_not_the_agent(start: Start, sink: Listener) -> None:
    """The message is the agent's own."""
    driver = await start()
    failed = await fault(driver.prompt("error no credit left", []))
    assert failed.message.startswith("no credit left")
    assert driver.alive
    await driver.prompt("say hi", [])
    assert "hi" == sink.said


async def test_a_secret_is_in_no_error_nor_in_what_is_shown_of_standard_error(tmp_path: Path, sink: Listener) -> None:
    """Also where the text is cut in the middle of it."""
    secret = "sk-0123456789abcdef"
    driver = AcpDriver(replace(launch(tmp_path, ACP), secrets=[secret]), sink)
    try:
        await driver.start()
        failed = await fault(driver.prompt(f"stderr bad key {secret}\nerror bad key {secret} {'x' * 1950}{secret}", []))
        assert failed.message.startswith("bad key **** xxx")
        assert "sk-" not in failed.message
        await fault(driver.prompt(f"stderr {secret}{'x' * (STDERR_MAX - 10)}\ndie", []))
        assert driver.stderr.startswith("*")
        assert secret[-9:] not in driver.stderr
    finally:
        await driver.close()


@pytest.mark.parametrize("script", [f"garbage {GARBAGE_MAX - 1}", "badupdate", "half\ngarbage", "twice"])
async def test_what_is_no_protocol_does_not_end_a_turn(start: Start, sink: Listener, script: str) -> None:
    """It is skipped, and told of; not each time."""
    driver = await start()
    await driver.prompt(f"say before\n{script}\nsay after", [])
    await driver.prompt("say on", [])
    assert "beforeafteron" == sink.said
    assert 1 <= len(sink.notices) <= 3


async def test_half_a_surrogate_pair_is_a_text_all_the_same(start: Start, sink: Listener) -> None:
    """JavaScript divides texts there; our logs are UTF-8."""
    driver = await start()
    await driver.prompt("surrogate", [])
    assert "half: ?" == sink.said
    assert [] == sink.notices


async def test_a_message_of_ten_megabytes_becomes_pieces_that_fit(start: Start, sink: Listener) -> None:
    """Each event has its limit, and nothing is lost."""
    driver = await start()
    await driver.prompt("huge 10000000", [])
    assert "x" * 10_000_000 == sink.said
    assert TEXT_MAX == max(len(getattr(body, "text", "")) for body in sink.bodies)


async def test_endless_output_leaves_the_loop_to_others(start: Start, sink: Listener) -> None:
    """While an agent prints as fast as it can, others wait for milliseconds; a cancel ends it."""
    driver = await start()
    turn = asyncio.create_task(driver.prompt("endless", []))
    await sink.until(lambda s: len(s.bodies) > 1000)
    clock, longest = asyncio.get_running_loop().time, 0.0
    for _ in range(100):
        began = clock()
        await asyncio.sleep(0)
        longest = max(longest, clock() - began)
    await driver.cancel()
    assert StopReason.CANCELLED is (await turn).reason
    assert longest < 0.25


_BOUNDED = """
import asyncio, resource, sys
from pathlib import Path
from guest.drivers.acp import AcpDriver
from tests.guest.driving import ACP, Listener, launch

async def main():
    sink = Listener()
    driver = AcpDriver(launch(Path(sys.argv[1]), ACP), sink)
    await driver.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await driver.prompt(sys.argv[2].replace("|", chr(10)), [])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, repr(sink.said[:20]), sink.notices)
    await driver.close()

asyncio.run(main())
"""


@pytest.mark.parametrize(("script", "what"), [("huge 100000000", "bytes"), ("values 17000000", "values")])
async def test_a_line_of_a_hundred_megabytes_is_skipped_in_bounded_memory(tmp_path: Path, script: str, what: str) -> None:
    """As is a shorter one of millions of values, each of which takes 20 times its bytes. The turn goes on after it."""
    argv = [sys.executable, "-c", _BOUNDED, str(tmp_path), f"{script}|say after"]
    result = subprocess.run(argv, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True, timeout=60)
    grown, said, notices = result.stdout.split(maxsplit=2)
    assert "'after'" == said
    assert f"{what} was skipped" in notices
    # In KiB: the buffer, which grows by steps, perhaps a copy of it, and nothing like the line.
    assert int(grown) < 4 * LINE_MAX / 1024 if what == "values" else 1.5 * LINE_MAX / 1024


async def test_all_that_an_agent_has_started_ends_with_it(start: Start, tmp_path: Path) -> None:
    """Children in sessions of their own, with another environment, or whose parent is gone."""
    driver = await start()
    await driver.prompt("fork\nstrip\nfork", [])
    pids = children(tmp_path)
    assert [True] * 3 == [lives(pid) for pid in pids]
    await driver.close()
    assert [False] * 3 == [lives(pid) for pid in pids]


async def test_children_that_outlive_their_agent_neither_hide_its_end_nor_stay(start: Start, tmp_path: Path) -> None:
    """They hold its standard output open."""
    driver = await start()
    failed = await fault(driver.prompt("fork\nsuicide", []))
    assert "the agent was killed by signal 9" == failed.message
    assert not lives(children(tmp_path)[0])


async def test_an_agent_that_stays_when_its_input_ends_is_killed(start: Start, tmp_path: Path) -> None:
    """After a moment."""
    driver = await start("--linger")
    await driver.prompt("fork", [])
    async with asyncio.timeout(10):
        await driver.close()
        await driver.close()
    assert not lives(pid_of(driver))
    assert not lives(children(tmp_path)[0])


async def test_an_agent_does_not_outlive_a_guest_that_is_killed(tmp_path: Path) -> None:
    """The kernel ends it."""
    script = _BOUNDED.replace(
        "await driver.prompt", "print(driver._process._transport.get_pid(), flush=True); await driver.prompt"
    )
    argv = [sys.executable, "-c", script, str(tmp_path), "hang"]
    with subprocess.Popen(argv, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True) as guest:
        assert guest.stdout
        pid = int(guest.stdout.readline())
        assert lives(pid)
        guest.send_signal(signal.SIGKILL)
        guest.wait()
    async with asyncio.timeout(5):
        while lives(pid):
            await asyncio.sleep(0.01)


async def test_an_agent_gets_a_clean_environment_and_no_descriptor_of_ours(start: Start, tmp_path: Path) -> None:
    """Only what the launch names, and the mark."""
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        driver = await start()
        pid = pid_of(driver)
        assert {"HOME", "PATH", "HOSTEL_AGENT"} == environment_of(pid).keys()
        assert {"0", "1", "2"} == set(os.listdir(f"/proc/{pid}/fd"))
        assert pid == os.getsid(pid)


async def test_a_prompt_to_an_agent_that_does_not_read_can_be_given_up(start: Start, sink: Listener) -> None:
    """A pipe holds less than a prompt."""
    driver = await start()
    hanging = asyncio.create_task(driver.prompt("say x\nhang", []))
    await sink.until(lambda s: s.said == "x")
    os.kill(pid_of(driver), signal.SIGSTOP)
    hanging.cancel()
    full = asyncio.create_task(driver.prompt("x" * 250_000, []))
    streams = driver._process._streams
    assert streams
    assert streams.stdin
    while not streams.stdin.transport.get_write_buffer_size():
        await asyncio.sleep(0.005)
    await driver.close()
    assert Code.FAILED is (await fault(full)).code
