import asyncio
import json
import os
from pathlib import Path

import pytest

from shared import guestwire as wire
from shared import rooms
from shared.errors import Code, Fault
from shared.ids import new_session_id
from shared.rooms import SessionStatus
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Guest


async def _empty(folder: Path) -> None:
    """Return once nothing is in `folder`; what a new guest finds to tidy up, it removes in the background."""
    async with asyncio.timeout(10):
        while list(folder.iterdir()):
            await asyncio.sleep(0.02)


async def test_sessions_are_listed_newest_first_and_can_be_renamed(guest: Guest) -> None:
    made = []
    for _ in range(3):
        made.append((await guest.session()).session)
        await asyncio.sleep(0.002)  # creation times have milliseconds
    client = await guest.client()
    assert made[::-1] == [item.session for item in (await client.call(wire.sessions.ListSessions())).items]
    await client.call(wire.sessions.RenameSession(session=made[0], name="zwei ✓"))
    assert "zwei ✓" == (await client.call(wire.sessions.GetSession(session=made[0]))).name
    assert "zwei ✓" == json.loads((guest.sessions / made[0] / "session.json").read_text())["name"]


async def test_the_same_id_twice_is_the_same_session(guest: Guest) -> None:
    client = await guest.client()
    request = wire.sessions.CreateSession(session=new_session_id(), name="x")
    first, second = await client.call(request), await client.call(request)
    assert (first.created, SessionStatus.READY) == (second.created, second.status)
    with pytest.raises(Fault, match="conflict"):
        await client.call(wire.sessions.CreateSession(session=request.session, name="x", repo_url="https://example.org/a"))


async def test_sessions_are_limited(make_guest: MakeGuest) -> None:
    guest = make_guest(sessions=2)
    for _ in range(2):
        await guest.session()
    with pytest.raises(Fault, match="2 sessions") as raised:
        await guest.session()
    assert Code.LIMIT == raised.value.code


async def test_sessions_survive_a_guest_that_is_killed(guest: Guest) -> None:
    info = await guest.session()
    guest.kill()
    guest.start()
    assert [info] == [
        rooms.SessionInfo(session=i.session, name=i.name, status=i.status, created=i.created, active=i.active, id=1)
        for i in (await (await guest.client()).call(wire.sessions.ListSessions())).items
    ]


DATED = '{"name":"x","status":"ready","created":"%s","active":"2026-01-01T00:00:00.000Z"}'
DAMAGED = [
    "",
    "{",
    "[]",
    '{"name": 1}',
    '{"name":"x","status":"what"}',
    "\x00" * 100,
    DATED % "yesterday",
    DATED % "2026-02-30T00:00:00.000Z",
]


@pytest.mark.parametrize("content", DAMAGED)
async def test_a_session_whose_record_is_damaged_keeps_its_files(guest: Guest, content: str) -> None:
    session = (await guest.session()).session
    guest.kill()
    work = guest.sessions / session / "repo" / "work"
    work.write_text("a day's work")
    (guest.sessions / session / "session.json").write_text(content)
    guest.start()
    client = await guest.client()
    info = await client.call(wire.sessions.GetSession(session=session))
    assert (SessionStatus.READY, "recovered") == (info.status, info.name)
    assert "a day's work" == work.read_text()


async def test_a_name_that_could_no_longer_be_given_is_kept(guest: Guest) -> None:
    session = (await guest.session()).session
    guest.kill()
    record = guest.sessions / session / "session.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"name": "\u202e \u200f"}))
    guest.start()
    assert "\u202e \u200f" == (await (await guest.client()).call(wire.sessions.GetSession(session=session))).name


async def test_a_record_without_a_clone_is_an_error_that_can_be_deleted(guest: Guest) -> None:
    guest.kill()
    session = "s" + "0" * 24
    (guest.sessions / session).mkdir()
    guest.start()
    client = await guest.client()
    assert SessionStatus.ERROR == (await client.call(wire.sessions.GetSession(session=session))).status
    await client.call(wire.sessions.DeleteSession(session=session))
    await _empty(guest.sessions)


async def test_a_pipe_in_the_place_of_a_record_does_not_stop_the_guest(guest: Guest) -> None:
    session = (await guest.session()).session
    guest.kill()
    record = guest.sessions / session / "session.json"
    record.unlink()
    os.mkfifo(record)
    guest.start()
    assert "recovered" == (await (await guest.client()).call(wire.sessions.GetSession(session=session))).name


async def test_files_that_are_no_sessions_are_left_alone(guest: Guest) -> None:
    guest.kill()
    (guest.sessions / "notes").write_text("x")
    (guest.sessions / ("s" + "0" * 24 + "x")).mkdir()
    guest.start()
    assert [] == (await (await guest.client()).call(wire.sessions.ListSessions())).items
    assert (guest.sessions / "notes").exists()


async def test_deleting_closes_terminals_and_removes_a_hostile_tree(guest: Guest, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.mkdir(mode=0o755)
    (canary / "file").write_text("alive")
    session = (await guest.session()).session
    repo = guest.sessions / session / "repo"
    (repo / "out").symlink_to(canary)
    (repo / "locked" / "in").mkdir(parents=True)
    (repo / "locked" / "in" / "file").write_text("x")
    (repo / "locked" / "in").chmod(0)
    (repo / "locked").chmod(0)
    (repo / "-rf\n*").mkdir()
    fd = os.open(repo, os.O_RDONLY)
    for _ in range(3000):  # deeper than PATH_MAX and than Python's recursion
        os.mkdir("deep", dir_fd=fd)
        inner = os.open("deep", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    terminal = await guest.terminal("/bin/cat", session=session)
    client = await guest.client()
    await client.call(wire.sessions.DeleteSession(session=session))
    assert [] == list(guest.sessions.iterdir())
    assert not Path(f"/proc/{terminal.pid}").exists()
    assert "alive" == (canary / "file").read_text()
    assert 0o755 == canary.stat().st_mode & 0o777
    with pytest.raises(Fault, match="not_found"):
        await client.call(wire.sessions.GetSession(session=session))


async def test_the_guest_answers_while_a_large_tree_is_removed(guest: Guest) -> None:
    session = (await guest.session()).session
    repo = guest.sessions / session / "repo"
    for number in range(20_000):
        (repo / str(number)).touch()
    deleting, client = await guest.client(), await guest.client()
    task = asyncio.create_task(deleting.call(wire.sessions.DeleteSession(session=session)))
    answered = 0
    while not task.done():
        await client.call(wire.sessions.Ping())
        answered += 1
    await task
    assert answered > 5


async def test_an_interrupted_removal_is_finished_by_the_next_guest(guest: Guest) -> None:
    guest.kill()
    (guest.sessions / ".removed-0123" / "x").mkdir(parents=True)
    guest.start()
    await guest.client()
    await _empty(guest.sessions)


async def test_use_is_noted_and_outlives_the_guest(guest: Guest) -> None:
    info = await guest.session()
    await asyncio.sleep(0.01)
    terminal = await guest.terminal("/bin/cat", session=info.session)
    attachment = await guest.attach(terminal.terminal)
    await attachment.type(b"x\n")
    await attachment.until(b"x\r\nx\r\n")
    client = await guest.client()
    used = (await client.call(wire.sessions.GetSession(session=info.session))).active
    assert used > info.active
    assert guest.process
    guest.process.terminate()
    await guest.exited()
    guest.start()
    assert used <= (await (await guest.client()).call(wire.sessions.GetSession(session=info.session))).active
