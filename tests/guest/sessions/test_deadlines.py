"""Deadlines: when something ends, who is told before, and what moves it."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from guest import clock
from guest.sessions import uses
from guest.sessions.deadlines import Activity, Deadlines
from guest.sessions.records import Record
from shared import guestwire as wire
from shared.config import Guests
from shared.errors import Code, Fault
from shared.guestwire import GUEST
from shared.guestwire.watch import DeadlineKind, DeadlineNear, SessionChanged, SessionDeleted, TerminalClosed
from shared.ids import new_session_id
from shared.messages import Done
from shared.rooms import SessionStatus
from shared.turns import TurnStatus
from tests.guest.conftest import MakeGuest, MakeWorker
from tests.guest.harness import DEADLINE, Client, Guest


class Stand:
    """A session as the deadlines see it."""

    def __init__(self, deadlines: Deadlines, record: Record | None = None) -> None:
        self.id = new_session_id()
        self.job = None
        self.life = deadlines.known(record) if record else deadlines.fresh()
        self._deadlines = deadlines

    def touch(self) -> None:
        self._deadlines.use(self.life)


def deadlines_of(*, runs: bool = True, busy: Callable[[str], bool] = lambda _: False, **settings: float) -> Deadlines:
    deadlines = Deadlines(Guests(**{"session_idle": 0, **settings}))  # type: ignore[arg-type]  # numbers
    deadlines.activity = Activity(runs=lambda _: runs, busy=busy)
    return deadlines


def due(deadlines: Deadlines, session: Stand) -> tuple[DeadlineKind, float] | None:
    """The kind, and the seconds from now."""
    found = deadlines.of(cast("Any", session))
    return (found.kind, found.at - clock.uptime()) if found else None


def dated(*, created: timedelta, active: timedelta) -> Record:
    """A record whose times are so long ago."""

    def text(ago: timedelta) -> str:
        return (datetime.now(UTC) - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return Record(name="x", status=SessionStatus.READY, created=text(created), active=text(active))


HOUR = timedelta(hours=1)
YEARS = timedelta(days=36_000)


def test_nothing_is_due_by_default_unless_something_runs() -> None:
    for runs, expected in ((False, None), (True, 12 * 3600)):
        deadlines = Deadlines(Guests())
        deadlines.activity = Activity(runs=lambda _, runs=runs: runs, busy=lambda _: False)  # type: ignore[misc]
        found = due(deadlines, Stand(deadlines))
        assert expected == (round(found[1]) if found else None)


def test_the_earliest_deadline_counts() -> None:
    deadlines = deadlines_of(session_idle=30, session_retention=20, session_lifetime=10)
    session = Stand(deadlines)
    found = due(deadlines, session)
    assert found
    assert (DeadlineKind.LIFETIME, 10) == (found[0], round(found[1]))


@pytest.mark.parametrize(
    ("kind", "moves"), [(DeadlineKind.IDLE, True), (DeadlineKind.RETENTION, True), (DeadlineKind.LIFETIME, False)]
)
def test_use_moves_a_deadline_but_not_that_of_a_lifetime(kind: DeadlineKind, moves: bool) -> None:
    deadlines = deadlines_of(**cast("Any", {f"session_{kind}": 100}))
    session = Stand(deadlines)
    session.life.born -= 50
    session.life.used -= 50
    before = due(deadlines, session)
    session.touch()
    after = due(deadlines, session)
    assert before
    assert after
    assert (kind, 50) == (before[0], round(before[1]))
    assert (kind, 100 if moves else 50) == (after[0], round(after[1]))


def test_an_overdue_session_of_an_earlier_guest_has_the_time_of_the_warning() -> None:
    deadlines = deadlines_of(session_retention=60, deadline_warning=300)
    found = due(deadlines, Stand(deadlines, dated(created=5 * HOUR, active=5 * HOUR)))
    assert found
    assert 299 < found[1] <= 300


@pytest.mark.parametrize(
    ("created", "active", "rest"),
    [
        (HOUR, timedelta(), 2 * 3600),
        (-YEARS, -YEARS, 2 * 3600),
        (HOUR, -YEARS, 2 * 3600),
        (HOUR, YEARS, 3600),
        (YEARS, YEARS, 300),
    ],
    ids=["as it should be", "all to come", "use to come", "used before it was made", "ancient"],
)
def test_whatever_the_record_says_the_deadline_is_at_a_sane_time(created: timedelta, active: timedelta, rest: float) -> None:
    deadlines = deadlines_of(session_retention=2 * 3600)
    found = due(deadlines, Stand(deadlines, dated(created=created, active=active)))
    assert found
    assert found[1] == pytest.approx(rest, abs=2)


def test_a_busy_session_is_not_due_and_has_the_warning_after_it() -> None:
    turns = {"running": True}
    deadlines = deadlines_of(busy=lambda _: turns["running"], session_lifetime=100, deadline_warning=40)
    session = Stand(deadlines)
    session.life.born -= 1000
    found = due(deadlines, session)
    assert found
    assert 40 <= found[1] <= 40 + deadlines.tick
    turns["running"] = False
    after = due(deadlines, session)
    assert after
    assert after[1] == pytest.approx(found[1], abs=0.5)


def test_setting_the_wall_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines = deadlines_of(session_retention=100)
    session = Stand(deadlines)
    before = deadlines.told(cast("Any", session))
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + 86_400)
    found = due(deadlines, session)
    assert found
    assert 100 == round(found[1])
    told = deadlines.told(cast("Any", session))
    assert before
    assert told
    assert 86_400 == round((datetime.fromisoformat(told) - datetime.fromisoformat(before)).total_seconds())


def test_a_deadline_is_told_in_the_same_words_while_nothing_changes() -> None:
    deadlines = deadlines_of(session_idle=100)
    session = Stand(deadlines)
    assert 1 == len({deadlines.told(cast("Any", session)) for _ in range(1000)})


def test_the_workspace_ends_with_the_last_of_its_sessions_or_before() -> None:
    for workspace_idle, rest in ((0, 100), (200, 100), (50, 50)):
        deadlines = deadlines_of(session_idle=100, workspace_idle=workspace_idle)
        sessions = [Stand(deadlines), Stand(deadlines)]
        sessions[0].life.used -= 60
        told = deadlines.told_of_workspace(cast("Any", sessions))
        assert told
        assert (datetime.fromisoformat(told) - datetime.now(UTC)).total_seconds() == pytest.approx(rest, abs=1)
    assert None is deadlines_of(runs=False, session_idle=1).told_of_workspace([])


LOOKS = {
    name for name, verb in GUEST.verbs.items() if "session" in verb.request.__struct_fields__ and not uses.is_use(verb.request)
}


def test_what_is_no_use_of_a_session() -> None:
    """A verb that is new here is one that pages repeat by themselves; all others move deadlines."""
    assert {name.partition("_")[0] for name in LOOKS} <= {"get", "list", "follow"}
    assert {"get_session", "list_worktrees", "list_terminals", "list_turns", "follow_events"} <= LOOKS
    assert not LOOKS & {"prompt", "cancel_turn", "answer_permission", "rename_session", "keep_session", "create_terminal"}


SOON: dict[str, Any] = {"deadline_warning": 0.4, "idle_timeout": 30}


@asynccontextmanager
async def watching(guest: Guest) -> Any:  # noqa: ANN401  # an async generator of one client
    client = await guest.client()
    assert isinstance(await client.ask(wire.watch.Watch()), Done)
    yield client


async def follow(client: Client, kind: type[Any], session: str | None) -> Any:  # noqa: ANN401  # the kind's
    """The next message of that kind about that session."""
    async with asyncio.timeout(DEADLINE):
        while True:
            message = await client.expect(kind)
            about = message.session.session if isinstance(message, SessionChanged) else message.session
            if about == session:
                return message


def lives(pid: int) -> bool:
    """Whether the process is there, and not merely waits for its parent to notice its end."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_an_idle_session_is_warned_and_has_its_terminals_ended(make_guest: MakeGuest) -> None:
    guest = make_guest(session_idle=1, **SOON)
    async with watching(guest) as watcher:
        terminal = await guest.terminal("sleep", "1000")
        near = await follow(watcher, DeadlineNear, terminal.session)
        assert DeadlineKind.IDLE is near.kind
        left = (datetime.fromisoformat(near.deadline) - datetime.now(UTC)).total_seconds()
        assert 0 < left <= 0.4
        assert terminal.terminal == (await watcher.expect(TerminalClosed)).terminal
        assert datetime.now(UTC) >= datetime.fromisoformat(near.deadline)
    client = await guest.client()
    info = await client.call(wire.sessions.GetSession(session=terminal.session))
    assert None is info.deadline
    assert (guest.sessions / terminal.session / "repo" / ".git").is_dir()
    assert not lives(terminal.pid)


async def test_input_moves_the_deadline_and_those_who_watch_are_told(make_guest: MakeGuest) -> None:
    guest = make_guest(session_idle=1.5, deadline_warning=1)
    async with watching(guest) as watcher:
        terminal = await guest.terminal("cat")
        attachment = await guest.attach(terminal.terminal)
        near = await follow(watcher, DeadlineNear, terminal.session)
        await attachment.type(b"still here\n")
        await attachment.until(b"still here")
        moved = await follow(watcher, SessionChanged, terminal.session)
        assert moved.session.deadline > near.deadline
        again = await follow(watcher, DeadlineNear, terminal.session)
        assert again.deadline > near.deadline


async def test_looking_is_no_use(make_guest: MakeGuest) -> None:
    guest = make_guest(session_idle=1, **SOON)
    terminal = await guest.terminal("sleep", "1000")
    client = await guest.client()
    began = time.monotonic()
    with pytest.raises(Fault) as raised:
        while True:
            await client.call(wire.sessions.GetSession(session=terminal.session))
            await client.call(wire.terminals.GetTerminal(terminal=terminal.terminal))
            assert time.monotonic() - began < DEADLINE
            await asyncio.sleep(0.02)
    assert Code.NOT_FOUND is raised.value.code


async def test_a_request_about_the_session_is_a_use(make_guest: MakeGuest) -> None:
    guest = make_guest(session_idle=100)
    terminal = await guest.terminal("sleep", "1000")
    client = await guest.client()
    before = await client.call(wire.sessions.GetSession(session=terminal.session))
    await asyncio.sleep(0.01)
    await client.call(wire.sessions.RenameSession(session=terminal.session, name="other"))
    after = await client.call(wire.sessions.GetSession(session=terminal.session))
    assert after.deadline > before.deadline
    assert after.deadline == (await client.call(wire.terminals.GetTerminal(terminal=terminal.terminal))).deadline


async def test_a_session_is_kept_on_request_and_those_who_watch_are_told(make_guest: MakeGuest) -> None:
    guest = make_guest(session_idle=100)
    terminal = await guest.terminal("sleep", "1000")
    client = await guest.client()
    before = await client.call(wire.sessions.GetSession(session=terminal.session))
    async with watching(guest) as watcher:
        await asyncio.sleep(0.01)
        kept = await client.call(wire.sessions.KeepSession(session=terminal.session))
        assert kept.deadline > before.deadline
        assert kept.deadline == (await follow(watcher, SessionChanged, terminal.session)).session.deadline
    with pytest.raises(Fault) as raised:
        await client.call(wire.sessions.KeepSession(session=new_session_id()))
    assert Code.NOT_FOUND is raised.value.code


@pytest.mark.parametrize("kind", [DeadlineKind.RETENTION, DeadlineKind.LIFETIME])
async def test_a_session_past_its_time_is_deleted(make_guest: MakeGuest, kind: DeadlineKind) -> None:
    guest = make_guest(**{f"session_{kind}": 1}, **SOON)
    async with watching(guest) as watcher:
        session = (await guest.session()).session
        near = await follow(watcher, DeadlineNear, session)
        assert kind is near.kind
        assert near.deadline == (await (await guest.client()).call(wire.sessions.GetSession(session=session))).deadline
        await follow(watcher, SessionDeleted, session)
    async with asyncio.timeout(DEADLINE):
        while (guest.sessions / session).exists():
            await asyncio.sleep(0.02)


async def test_the_lifetime_ends_a_session_in_use_but_never_while_it_is_cloned(make_guest: MakeGuest) -> None:
    go = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    guest = make_guest(session_lifetime=0.5, deadline_warning=0.1)
    client = await guest.client()
    async with watching(guest) as watcher:
        cloning = wire.sessions.CreateSession(session=new_session_id(), name="x", repo_url=f"git://127.0.0.1:{port}/x")
        await client.call(cloning)
        terminal = await guest.terminal("sleep", "1000")
        await follow(watcher, SessionDeleted, terminal.session)
        assert "cloning" == (await client.call(wire.sessions.GetSession(session=cloning.session))).status
        go.set()  # the clone fails, and is over
        await follow(watcher, SessionDeleted, cloning.session)
    server.close()


async def test_a_guest_that_comes_later_deletes_what_is_due_and_stays_for_it(make_guest: MakeGuest) -> None:
    guest = make_guest(session_retention=3600, deadline_warning=0.8, idle_timeout=0.2)
    session = (await guest.session()).session
    await guest.exited()
    record = guest.sessions / session / "session.json"
    old = json.loads(record.read_text()) | dict.fromkeys(("created", "active"), "2001-01-01T00:00:00.000Z")
    record.write_text(json.dumps(old))
    guest.start()
    told = await (await guest.client()).call(wire.deadlines.GetDeadlines())
    assert 1 == told.deletion
    assert None is told.running
    await guest.exited()
    assert [] == list(guest.sessions.iterdir())


async def test_what_is_not_due_stays_when_a_guest_comes_later(make_guest: MakeGuest) -> None:
    guest = make_guest(session_retention=3600, deadline_warning=0.1, idle_timeout=0.2)
    session = (await guest.session()).session
    await guest.exited()
    guest.start()
    await guest.exited()
    assert (guest.sessions / session / "session.json").exists()


@pytest.mark.parametrize("term", ["workspace_idle", "workspace_lifetime"])
async def test_the_workspace_s_deadline_ends_background_processes_too(make_guest: MakeGuest, term: str) -> None:
    """A process that has left its terminal keeps the guest there until the deadline, and ends at it."""
    guest = make_guest(**{term: 1.5}, deadline_warning=0.5, idle_timeout=0.3)
    async with watching(guest) as watcher:
        script = "setsid bash -c 'echo pid=$$.; exec sleep 1000' & read"
        terminal = await guest.terminal("/bin/bash", "-c", script)
        attachment = await guest.attach(terminal.terminal)
        await attachment.until(b".")
        await attachment.type(b"\n")
        await attachment.until_exit()
        pid = int(bytes(attachment.seen).partition(b"pid=")[2].partition(b".")[0])
        near = await follow(watcher, DeadlineNear, None)
        assert lives(pid)
        assert near.kind in term
        assert near.deadline == (await (await guest.client()).call(wire.deadlines.GetDeadlines())).running
    await guest.exited()
    assert not lives(pid)


async def test_when_a_session_was_used_survives_a_guest_that_is_stopped(make_guest: MakeGuest) -> None:
    guest = make_guest(session_retention=3600)
    terminal = await guest.terminal("cat")
    attachment = await guest.attach(terminal.terminal)
    await attachment.type(b"x\n")
    await attachment.until(b"x")
    used = (await (await guest.client()).call(wire.sessions.GetSession(session=terminal.session))).deadline
    guest.process.terminate()  # type: ignore[union-attr]  # it runs
    await guest.exited()
    guest.start()
    found = (await (await guest.client()).call(wire.sessions.GetSession(session=terminal.session))).deadline
    assert abs((datetime.fromisoformat(found) - datetime.fromisoformat(used)).total_seconds()) < 0.1


async def test_a_guest_that_is_killed_forgets_little_of_when_a_session_was_used(make_guest: MakeGuest) -> None:
    guest = make_guest(session_retention=3600, deadline_warning=0.1)
    terminal = await guest.terminal("cat")
    record = guest.sessions / terminal.session / "session.json"
    before = json.loads(record.read_text())["active"]
    attachment = await guest.attach(terminal.terminal)
    await attachment.type(b"x\n")
    async with asyncio.timeout(DEADLINE):
        while json.loads(record.read_text())["active"] == before:
            await asyncio.sleep(0.02)
    guest.kill()
    guest.start()
    info = await (await guest.client()).call(wire.sessions.GetSession(session=terminal.session))
    assert info.active > before


async def test_a_turn_is_never_disturbed_and_ends_with_its_session_after_the_warning(make_worker: MakeWorker) -> None:
    guest = make_worker(session_lifetime=1, deadline_warning=0.5)
    async with watching(guest) as watcher:
        session = await guest.made()
        go = guest.home / "go"
        turn = await guest.prompt(session, f"wait {go}", "say done")
        follower = await guest.follow(session)
        # Another session shows that time goes on.
        await follow(watcher, SessionDeleted, await guest.made())
        assert TurnStatus.RUNNING is (await guest.get(turn)).status
        go.touch()
        assert TurnStatus.COMPLETED is (await follower.end(turn)).status
        ended = clock.at(clock.uptime())
        near = await follow(watcher, DeadlineNear, session)
        assert (datetime.fromisoformat(near.deadline) - datetime.fromisoformat(ended)).total_seconds() > 0.3
        await follow(watcher, SessionDeleted, session)
        assert near.deadline <= clock.at(clock.uptime())


async def test_an_agent_that_rests_ends_with_its_idle_session(make_worker: MakeWorker) -> None:
    guest = make_worker(session_idle=1, deadline_warning=0.4)
    async with watching(guest) as watcher:
        session = await guest.made()
        turn = await guest.done(session, "pid")
        assert (await guest.call(wire.sessions.GetSession(session=session))).deadline
        follower = await guest.follow(session)
        await follower.end(turn)
        assert lives(int(follower.said().split()[1]))
        near = await follow(watcher, DeadlineNear, session)
        assert DeadlineKind.IDLE is near.kind
        moved = await follow(watcher, SessionChanged, session)
        assert None is moved.session.deadline
        assert not lives(int(follower.said().split()[1]))
