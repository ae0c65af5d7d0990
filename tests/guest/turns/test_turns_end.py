import asyncio
import contextlib
import json
import os
import resource
import signal
from pathlib import Path

import msgspec
import pytest

from shared import guestwire as wire
from shared import turns
from shared.errors import Code, Fault
from shared.ids import new_turn_id
from shared.turns import StopReason, TurnEnded, TurnStatus
from tests.guest.conftest import MakeWorker
from tests.guest.work import COMMAND, Worker, alive, gone, refused


async def test_a_cancelled_turn_ends_and_its_agent_stays(worker: Worker) -> None:
    session = await worker.made()
    info = await worker.prompt(session, "pid", "delay 100")
    follower = await worker.follow(session)
    await follower.until(turns.Message)
    await worker.call(wire.turns.CancelTurn(session=session, turn=info.turn))
    assert TurnEnded(TurnStatus.CANCELLED, StopReason.CANCELLED) == await follower.end(info)
    assert TurnStatus.CANCELLED == (await worker.call(wire.turns.CancelTurn(session=session, turn=info.turn))).status
    after = await worker.prompt(session, "pid")
    await follower.end(after)
    assert follower.said(info.turn) == follower.said(after.turn) != ""


@pytest.mark.parametrize("script", ["hang", "stubborn\ndelay 100", "babble"])
async def test_an_agent_that_does_not_stop_is_killed(make_worker: MakeWorker, script: str) -> None:
    worker = make_worker(registry={"cancel_timeout": 0.3})
    session = await worker.made()
    info = await worker.prompt(session, "pid", script)
    follower = await worker.follow(session)
    pid = int((await follower.until(turns.Message)).text.removeprefix("pid "))
    await worker.call(wire.turns.CancelTurn(session=session, turn=info.turn))
    assert TurnStatus.CANCELLED == (await follower.end(info)).status
    await gone(pid)
    assert TurnStatus.COMPLETED == (await worker.done(session, "history")).status
    assert "pid" in "".join(e.body.text for e in await worker.events(session) if isinstance(e.body, turns.Message))


async def test_a_credential_is_in_no_error_of_a_turn(make_worker: MakeWorker) -> None:
    keyed = {"title": "Keyed", "command": COMMAND, "provider": "claude", "auth": {"api_key": {"env": "KEY"}}}
    worker = make_worker(agents={"keyed": keyed})
    folder = worker.home / "vibecoder_workspace"
    (folder / "providers.json").write_text('{"claude": {"type": "api_key", "value": "sk-very-secret"}}')
    session = await worker.made()
    info = await worker.done(session, "env KEY", "stderr using sk-very-secret", "error no sk-very-secret", agent="keyed")
    assert info.error is not None
    assert info.error.startswith("no ****")
    assert "using ****\n" == info.stderr
    assert "KEY=sk-very-secret" in "".join(
        e.body.text for e in await worker.events(session) if isinstance(e.body, turns.Message)
    )


async def test_a_turn_whose_agent_says_nothing_any_more_fails_in_the_end(make_worker: MakeWorker) -> None:
    """No deadline of a session ends what is in mid-turn."""
    worker = make_worker(registry={"turn_timeout": 3})
    session = await worker.made()
    info = await worker.prompt(session, "pid", "hang")
    follower = await worker.follow(session)
    pid = int((await follower.until(turns.Message)).text.removeprefix("pid "))
    ended = await follower.end(info)
    assert (TurnStatus.FAILED, "the turn took more than 3 seconds") == (ended.status, ended.error)
    await gone(pid)


async def test_a_turn_is_cancelled_while_its_agent_starts(make_worker: MakeWorker) -> None:
    worker = make_worker(agents={"stuck": {"title": "Stuck", "command": [*COMMAND, "--hang"]}})
    session = await worker.made()
    info = await worker.prompt(session, "x", agent="stuck")
    follower = await worker.follow(session)
    await worker.call(wire.turns.CancelTurn(session=session, turn=info.turn))
    assert TurnStatus.CANCELLED == (await follower.end(info)).status


async def test_a_guest_does_not_wait_for_an_agent_that_starts(make_worker: MakeWorker) -> None:
    worker = make_worker(agents={"stuck": {"title": "Stuck", "command": [*COMMAND, "--hang"]}})
    sessions = [await worker.made() for _ in range(2)]
    info = await worker.prompt(sessions[0], "x", agent="stuck")
    client = await worker.client()
    await client.link.send(wire.turns.ConfigureConversation(id=1, session=sessions[1], agent="stuck", mode="x"))
    async with asyncio.timeout(10):
        while _agents(worker) < 2:
            await asyncio.sleep(0.01)
    assert worker.process
    worker.process.send_signal(signal.SIGTERM)
    assert 0 == await worker.exited()
    assert not _agents(worker)
    worker.again()
    assert TurnStatus.FAILED == (await worker.get(info)).status


def _agents(worker: Worker) -> int:
    """How many agents of the guest run."""
    mark = f"HOSTEL_WORKSPACE={worker.workspace}".encode()
    count = 0
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            count += name.isdigit() and mark in Path(f"/proc/{name}/environ").read_bytes() and int(name) != worker.pid
    return count


async def test_an_agent_that_dies_fails_its_turn_and_the_next_prompt_resumes(worker: Worker) -> None:
    session = await worker.made()
    assert TurnStatus.COMPLETED == (await worker.done(session, "say first")).status
    info = await worker.done(session, "say before", "stderr it hurts", "die 3")
    assert TurnStatus.FAILED == info.status
    assert info.stderr is not None
    assert "it hurts" in info.stderr
    assert info.error
    after = await worker.prompt(session, "history")
    follower = await worker.follow(session, after.first - 1)
    await follower.end(after)
    assert "say first; say before\nstderr it hurts\ndie 3" == follower.said()


async def test_a_guest_that_is_killed_leaves_its_turn_failed_and_nothing_lost(worker: Worker) -> None:
    session = await worker.made()
    done = await worker.done(session, "say first")
    info = await worker.prompt(session, "pid", "say half", "ask rm", agent="fake")
    follower = await worker.follow(session)
    asked = await follower.until(turns.PermissionAsked)
    pid = int(follower.said(info.turn).removeprefix("pid ").removesuffix("half"))
    worker.kill()
    await gone(pid)
    worker.again()
    resumed = await worker.follow(session, follower.seq)
    answered = await resumed.until(turns.PermissionAnswered)
    assert (asked.permission, turns.AnsweredBy.CANCEL, None) == (answered.permission, answered.by, answered.option)
    ended = await resumed.end(info)
    assert (TurnStatus.FAILED, "the workspace's supervisor ended while the turn ran") == (ended.status, ended.error)
    assert follower.seen + resumed.seen == await worker.events(session)
    assert [info.turn, done.turn] == [i.turn for i in (await worker.call(wire.turns.ListTurns(session=session))).items]
    assert TurnStatus.FAILED == (await worker.get(info)).status
    permissions = (await worker.call(wire.turns.ListPermissions(session=session, waiting=False))).items
    assert [turns.AnsweredBy.CANCEL] == [permission.by for permission in permissions]
    after = await worker.prompt(session, "history")
    await resumed.end(after)
    assert "say first; pid\nsay half\nask rm" == resumed.said(after.turn)


def _journal(worker: Worker, session: str) -> Path:
    return worker.sessions / session / "turns.jsonl"


async def test_a_guest_that_is_killed_between_the_end_in_the_log_and_in_the_journal_ends_a_turn_once(worker: Worker) -> None:
    session = await worker.made()
    info = await worker.done(session, "say x")
    worker.kill()
    journal = _journal(worker, session)
    lines = journal.read_bytes().splitlines(keepends=True)
    assert b'"completed"' in lines[-1]
    journal.write_bytes(b"".join(lines[:-1]))
    worker.again()
    assert info.ended == (await worker.get(info)).ended
    assert TurnStatus.COMPLETED == (await worker.get(info)).status
    assert 1 == sum(isinstance(event.body, TurnEnded) for event in await worker.events(session))


async def test_a_guest_that_is_killed_before_the_beginning_is_in_the_log_has_not_begun_the_turn(worker: Worker) -> None:
    session = await worker.made()
    info = await worker.done(session, "say x")
    worker.kill()
    last = info.first + 10
    never = msgspec.structs.replace(
        info, turn=new_turn_id(), status=TurnStatus.RUNNING, first=last, ended=None, stop_reason=None
    )
    with _journal(worker, session).open("ab") as file:
        file.write(msgspec.json.encode(never) + b"\n")
    worker.again()
    await refused(worker.get(never), Code.NOT_FOUND)
    await worker.done(session, "count 20")
    worker.kill()
    worker.again()
    await refused(worker.get(never), Code.NOT_FOUND)
    assert TurnStatus.COMPLETED == (await worker.done(session, "say again", turn=never.turn)).status


async def test_a_guest_that_is_killed_after_an_answer_is_in_the_log_has_answered(worker: Worker) -> None:
    session = await worker.made()
    info = await worker.prompt(session, "ask true", "delay 100")
    follower = await worker.follow(session)
    asked = await follower.until(turns.PermissionAsked)
    await worker.call(wire.turns.AnswerPermission(session=session, permission=asked.permission, option="no"))
    worker.kill()
    log = worker.sessions / session / "events.jsonl"
    whole = log.read_bytes().splitlines(keepends=True)
    answered = next(i for i, line in enumerate(whole) if b'"permissionAnswered"' in line)
    log.write_bytes(b"".join(whole[: answered + 1]))
    journal = _journal(worker, session)
    kept = [line for line in journal.read_bytes().splitlines(keepends=True) if b'"by"' not in line]
    journal.write_bytes(b"".join(kept))
    worker.again()
    [known] = (await worker.call(wire.turns.ListPermissions(session=session, waiting=False))).items
    assert (turns.AnsweredBy.USER, "no") == (known.by, known.option)
    bodies = [event.body for event in await worker.events(session)]
    assert 1 == sum(isinstance(body, turns.PermissionAnswered) for body in bodies)
    assert TurnStatus.FAILED == (await worker.get(info)).status


async def test_a_killed_guests_turns_end_before_anybody_asks(worker: Worker) -> None:
    session = await worker.made()
    info = await worker.prompt(session, "delay 100")
    worker.kill()
    worker.caller = None
    worker.start()
    watcher = await worker.client()
    await watcher.call(wire.watch.Watch())
    log = worker.sessions / session / "events.jsonl"
    async with asyncio.timeout(10):
        while b"turnEnded" not in log.read_bytes():
            await asyncio.sleep(0.01)
    assert TurnStatus.FAILED == (await worker.get(info)).status


async def test_a_guest_that_is_told_to_stop_ends_its_agents(worker: Worker) -> None:
    session = await worker.made()
    info = await worker.prompt(session, "pid", "fork", "delay 100")
    follower = await worker.follow(session)
    await follower.until(turns.Message)
    await follower.until(turns.Message)
    pids = [int(event.body.text.split()[1]) for event in follower.seen if isinstance(event.body, turns.Message)]
    assert worker.process
    worker.process.send_signal(signal.SIGTERM)
    assert 0 == await worker.exited()
    for pid in pids:
        await gone(pid)
    worker.again()
    over = await worker.get(info)
    assert (TurnStatus.FAILED, "the workspace's supervisor was stopped") == (over.status, over.error)


async def test_deleting_a_session_ends_its_turns_agents_and_followers(worker: Worker) -> None:
    session = await worker.made()
    await worker.prompt(session, "pid", "delay 100")
    follower = await worker.follow(session)
    pid = int((await follower.until(turns.Message)).text.removeprefix("pid "))
    await worker.call(wire.sessions.DeleteSession(session=session))
    assert Code.GONE == (await follower.failure()).code
    await gone(pid)
    assert not (worker.sessions / session).exists()
    await refused(worker.events(session), Code.NOT_FOUND)


async def test_an_idle_agent_is_ended_and_goes_on_later(make_worker: MakeWorker) -> None:
    worker = make_worker(registry={"idle_timeout": 0.2})
    session = await worker.made()
    info = await worker.prompt(session, "pid", "fork")
    follower = await worker.follow(session)
    await follower.end(info)
    pids = [int(event.body.text.split()[1]) for event in follower.seen if isinstance(event.body, turns.Message)]
    for pid in pids:
        await gone(pid)
    [conversation] = (await worker.call(wire.turns.ListConversations(session=session))).items
    assert not conversation.running
    after = await worker.prompt(session, "history")
    await follower.end(after)
    assert "pid\nfork" == follower.said(after.turn)


async def test_an_agent_is_ended_when_it_is_asked_for_and_goes_on_later(worker: Worker) -> None:
    session = await worker.made()
    follower = await worker.follow(session)
    close = wire.turns.CloseConversation(session=session, agent="fake")
    with pytest.raises(Fault) as caught:
        await worker.call(close)
    assert Code.NOT_FOUND == caught.value.code
    info = await worker.prompt(session, "pid", f"wait {worker.home}/go")
    pid = int((await follower.until(turns.Message)).text.split()[1])
    with pytest.raises(Fault) as caught:
        await worker.call(close)
    assert Code.CONFLICT == caught.value.code
    (worker.home / "go").touch()
    await follower.end(info)
    await worker.call(close)
    await gone(pid)
    await worker.call(close)
    after = await worker.prompt(session, "history")
    await follower.end(after)
    assert f"pid\nwait {worker.home}/go" == follower.said(after.turn)


async def test_another_credential_reaches_an_agent_that_runs_with_its_next_turn(make_worker: MakeWorker) -> None:
    fake = {"title": "Fake", "command": COMMAND, "provider": "p", "auth": {"api_key": {"env": "THE_KEY"}}}
    worker = make_worker(agents={"fake": fake})
    session = await worker.made()
    follower = await worker.follow(session)
    credentials = worker.home / "vibecoder_workspace/providers.json"
    said = []
    for key in ("sk-first-key-1", "sk-first-key-1", "sk-second-key"):
        draft = credentials.with_suffix(".new")
        draft.write_text(json.dumps({"p": {"type": "api_key", "value": key}}))
        draft.replace(credentials)
        info = await worker.prompt(session, "pid", "env THE_KEY")
        await follower.end(info)
        said.append(follower.said(info.turn))
    assert said[0] == said[1] != said[2]
    assert "sk-second-key" in said[2]


async def test_of_idle_agents_there_are_no_more_than_turns_may_run(make_worker: MakeWorker) -> None:
    worker = make_worker(registry={"turns": 2})
    pids = []
    for _ in range(3):
        session = await worker.made()
        info = await worker.prompt(session, "pid")
        follower = await worker.follow(session)
        await follower.end(info)
        pids.append(int(follower.said().removeprefix("pid ")))
    await gone(pids[0])
    assert [False, True, True] == [alive(pid) for pid in pids]


async def test_a_log_that_is_full_fails_its_turn_and_refuses_the_next(make_worker: MakeWorker) -> None:
    worker = make_worker(registry={"log": 1024 * 1024})
    session, other = await worker.made(), await worker.made()
    info = await worker.prompt(session, "pid", "endless")
    follower = await worker.follow(session)
    pid = int((await follower.until(turns.Message)).text.removeprefix("pid "))
    ended = await follower.end(info)
    assert TurnStatus.FAILED == ended.status
    assert ended.error is not None
    assert "reached its 1048576 bytes" in ended.error
    await gone(pid)
    size = (worker.sessions / session / "events.jsonl").stat().st_size
    assert 1024 * 1024 - 1000 < size < 1024 * 1024 + 1000
    await refused(worker.prompt(session, "x" * 1000), Code.LIMIT, "reached its 1048576 bytes")
    assert TurnStatus.COMPLETED == (await worker.done(other, "say x")).status


async def test_a_full_disk_fails_the_turn_and_its_end_is_written_later(worker: Worker) -> None:
    session = await worker.made()
    await worker.done(session, "say x")
    log = worker.sessions / session / "events.jsonl"
    soft, hard = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    info = await worker.prompt(session, "delay 0.3", "count 1000")
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 100, hard))
    async with asyncio.timeout(10):
        while (over := await worker.get(info)).status is TurnStatus.RUNNING:
            await asyncio.sleep(0.01)
    assert TurnStatus.FAILED == over.status
    assert over.error is not None
    assert "events.jsonl cannot be" in over.error
    await refused(worker.prompt(session, "y" * 1000), Code.FAILED)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert TurnStatus.COMPLETED == (await worker.done(session, "say y")).status
    events = await worker.events(session)
    assert list(range(1, len(events) + 1)) == [event.seq for event in events]
    assert 3 == sum(isinstance(event.body, TurnEnded) for event in events)


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"[" * 100_000 + b"\n", b'{"t":"turn_info"}\n', b"\x00" * 1_000_000])
async def test_a_damaged_journal_is_survived(worker: Worker, content: bytes) -> None:
    session = await worker.made()
    await worker.done(session, "say x")
    worker.kill()
    with (worker.sessions / session / "turns.jsonl").open("ab") as file:
        file.write(content)
    worker.again()
    assert TurnStatus.COMPLETED == (await worker.done(session, "history")).status
    worker.kill()
    worker.again()
    assert 2 == len((await worker.call(wire.turns.ListTurns(session=session))).items)
