"""The quota of bytes: what needs more disk is refused when the home has its share, and all else goes on."""

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from guest import quota
from guest.quota import Quota
from guest.room import Room
from shared import guestwire as wire
from shared.agents import Registry, Settings
from shared.config import Guests
from shared.errors import Code, Fault
from shared.ids import new_session_id, new_turn_id, new_worktree_id
from tests.guest.conftest import MakeWorker

MEBIBYTE = 1024 * 1024


def room(home: Path, limit: int, path: str = "/usr/bin:/bin") -> Room:
    settings = Guests(workspace_bytes=limit)
    return Room("w" + "0" * 24, home, settings, Registry(Settings(), {}), {"PATH": path, "HOME": str(home)})


def used(home: Path) -> int:
    return int(subprocess.run(["du", "-s", "-B1", str(home)], capture_output=True, check=True).stdout.split()[0])


@pytest.mark.parametrize(("spare", "refused"), [(1, False), (0, True)])
async def test_the_edge(tmp_path: Path, spare: int, refused: bool) -> None:
    (tmp_path / "file").write_bytes(os.urandom(MEBIBYTE))
    kept = Quota(room(tmp_path, used(tmp_path) + spare))
    if not refused:
        await kept.check()
        return
    with pytest.raises(Fault, match=f"{used(tmp_path)} bytes") as raised:
        await kept.check()
    assert Code.LIMIT is raised.value.code


async def test_without_a_limit_nothing_is_measured(tmp_path: Path) -> None:
    await Quota(room(tmp_path, 0, path="/nonexistent")).check()


async def test_a_measurement_is_shared_and_good_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    start = asyncio.create_subprocess_exec

    async def counted(*argv: str, **options: Any) -> Any:  # noqa: ANN401  # asyncio's
        started.append(argv)
        return await start(*argv, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", counted)
    kept = Quota(room(tmp_path, 100 * MEBIBYTE))
    await asyncio.gather(*(kept.check() for _ in range(50)))
    await kept.check()
    assert 1 == len(started)


async def test_a_home_that_was_tidied_is_measured_again_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "_AGAIN", 0.0)
    (tmp_path / "file").write_bytes(os.urandom(MEBIBYTE))
    kept = Quota(room(tmp_path, used(tmp_path) - 1))
    with pytest.raises(Fault):
        await kept.check()
    (tmp_path / "file").unlink()
    monkeypatch.setattr(quota, "_SHARE", 0)
    await kept.check()


async def test_a_home_that_takes_long_to_measure_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "_PATIENCE", 0.1)
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "nice").write_text("#!/bin/sh\nexec /bin/sleep 1000\n")
    (slow / "nice").chmod(0o755)
    kept = Quota(room(tmp_path, 1, path=f"{slow}:/usr/bin:/bin"))
    async with asyncio.timeout(5):
        await kept.check()
        await kept.close()


@pytest.mark.parametrize("said", ["", "nonsense", "-"])
async def test_a_measurement_that_fails_refuses_nothing(tmp_path: Path, said: str) -> None:
    (tmp_path / "nice").write_text(f"#!/bin/sh\necho '{said}'\n")
    (tmp_path / "nice").chmod(0o755)
    await Quota(room(tmp_path, 1, path=f"{tmp_path}:/usr/bin:/bin")).check()


async def test_a_full_home_refuses_what_needs_more_and_nothing_else(make_worker: MakeWorker) -> None:
    guest = make_worker()
    terminal = await guest.terminal("cat")
    guest.kill()
    guest.settings["workspace_bytes"] = used(guest.home)
    guest.start()
    client = await guest.client()
    for request in (
        wire.sessions.CreateSession(session=new_session_id(), name="x"),
        wire.sessions.CreateWorktree(session=terminal.session, worktree=new_worktree_id(), name="x"),
        wire.turns.Prompt(turn=new_turn_id(), session=terminal.session, text="x"),
    ):
        with pytest.raises(Fault, match="bytes of disk") as raised:
            await client.call(request)
        assert Code.LIMIT is raised.value.code
    await client.call(wire.sessions.RenameSession(session=terminal.session, name="full"))
    again = wire.terminals.CreateTerminal(terminal=terminal.terminal, session=terminal.session, command=["cat"])
    assert terminal.session == structs.asdict(await client.call(again))["session"]
    await client.call(wire.sessions.DeleteSession(session=terminal.session))
