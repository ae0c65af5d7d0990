import asyncio
import os
import signal
from pathlib import Path

import pytest

from shared import guestwire as wire
from shared import rooms
from shared.errors import Code, Fault
from shared.ids import new_terminal_id
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Guest

RAW = "stty raw -echo; printf ready; "
TIMES = 10
"""What leaks a descriptor each time leaks so many; the guest may have opened fewer of its own meanwhile."""


async def _gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
            await asyncio.sleep(0.01)


async def test_a_login_shell_runs_in_the_clone_with_a_clean_environment(guest: Guest) -> None:
    session = (await guest.session()).session
    terminal = await guest.terminal(session=session)
    assert ["/bin/bash", "-l"] == terminal.command
    attachment = await guest.attach(terminal.terminal)
    await attachment.type(b"pwd; tr '\\0' '\\n' < /proc/$$/environ; echo en''d\n")
    text = (await attachment.until(b"\r\nend\r\n")).decode().replace("\r", "")
    assert f"{guest.sessions}/{session}/repo\n" in text
    names = {line.split("=")[0] for line in text.split("\n") if "=" in line and line.split("=")[0].isupper()}
    assert {
        *("HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TERM", "COLORTERM", "PROMPT_DIRTRIM", "TMPDIR"),
        *("HOSTEL_WORKSPACE", "HOSTEL_SESSION", "HOSTEL_TERMINAL", "HOSTEL_PROGRAMS"),
    } == names
    assert f"\nHOSTEL_SESSION={session}\n" in text
    assert f"\nHOSTEL_TERMINAL={terminal.terminal}\n" in text
    assert f"\nHOSTEL_WORKSPACE={guest.workspace}\n" in text
    assert "\nTERM=xterm-256color\n" in text
    await attachment.until(b":~/.../repo")


async def test_a_program_gets_default_signals_no_descriptors_and_a_session_of_its_own(guest: Guest) -> None:
    script = "import os,signal;print(sorted(os.listdir('/proc/self/fd')), os.getsid(0)==os.getpid(), os.ttyname(0)[:9])"
    status = "grep -E 'Sig(Blk|Ign)' /proc/self/status"
    terminal = await guest.terminal("/bin/sh", "-c", f'{status}; exec /usr/bin/python3 -I -c "{script}"')
    attachment = await guest.attach(terminal.terminal)
    await attachment.until_exit()
    text = attachment.seen.decode()
    assert "SigBlk:\t0000000000000000" in text
    # Signals 32 and 33 are the C library's own: whoever was started by posix_spawn ignores them, and they cannot be set.
    assert 0 == int(text.split("SigIgn:\t")[1].split()[0], 16) & ~(0b11 << 31)
    assert "['0', '1', '2', '3'] True /dev/pts/" in text  # 3 is listdir's own


async def test_all_byte_values_pass_both_ways(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", RAW + "cat")
    attachment = await guest.attach(terminal.terminal)
    await attachment.until(b"ready")
    everything = bytes(range(256)) * 20
    await attachment.type(everything)
    await attachment.until(everything)


async def test_utf_8_passes_split_anywhere(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", RAW + "cat")
    attachment = await guest.attach(terminal.terminal)
    await attachment.until(b"ready")
    for byte in "héé€𝄞".encode():
        await attachment.type(bytes([byte]))
    await attachment.until("héé€𝄞".encode())


@pytest.mark.parametrize(
    ("script", "code", "name"),
    [("exit 0", 0, None), ("exit 7", 7, None), ("kill -KILL $$", None, "SIGKILL"), ("kill -TERM $$", None, "SIGTERM")],
)
async def test_an_exit_tells_the_code_or_the_signal(guest: Guest, script: str, code: int | None, name: str | None) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", script)
    attachment = await guest.attach(terminal.terminal)
    assert wire.terminals.Exited(code, name) == await attachment.until_exit()
    info = await (await guest.client()).call(wire.terminals.GetTerminal(terminal=terminal.terminal))
    assert (rooms.TerminalStatus.EXITED, code, name) == (info.status, info.exit_code, info.exit_signal)


async def test_all_output_comes_before_the_exit(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", "seq 1 30000; exit 4")
    attachment = await guest.attach(terminal.terminal, 0)
    assert wire.terminals.Exited(4, None) == await attachment.until_exit()
    assert b"".join(b"%d\r\n" % n for n in range(1, 30001)) == attachment.seen


async def test_an_exited_terminal_can_be_attached_and_replayed_until_it_is_closed(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/echo", "hello")
    client = await guest.client()
    for _ in range(2):
        attachment = await guest.attach(terminal.terminal)
        await attachment.until_exit()
        assert b"hello\r\n" == attachment.seen
    await client.call(wire.terminals.CloseTerminal(terminal=terminal.terminal))
    with pytest.raises(Fault, match="not_found"):
        await client.call(wire.terminals.GetTerminal(terminal=terminal.terminal))


async def test_an_exit_is_told_though_a_background_process_holds_the_terminal(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/bash", "-c", "trap '' HUP; sleep 1000 & echo bye; exit 2")
    attachment = await guest.attach(terminal.terminal)
    assert wire.terminals.Exited(2, None) == await attachment.until_exit()
    assert b"bye\r\n" == attachment.seen


async def test_close_ends_everything_in_the_terminal_s_session(guest: Guest) -> None:
    jobs = "(trap '' HUP; sleep 1000) & (setsid -w sleep 0; sleep 1000) & sleep 1000 &"
    script = f"trap '' HUP TERM INT; {jobs} echo up; wait; wait"
    terminal = await guest.terminal("/bin/bash", "-c", script)
    attachment = await guest.attach(terminal.terminal)
    await attachment.until(b"up")
    members = [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if stat.read_text().rpartition(")")[2].split()[3] == str(terminal.pid)
    ]
    assert len(members) >= 4
    await (await guest.client()).call(wire.terminals.CloseTerminal(terminal=terminal.terminal))
    for pid in members:
        await _gone(pid)
    last = None
    while (message := await attachment.receive()) is not None:
        last = message
    assert "the terminal was closed" in repr(last)


async def test_close_kills_background_jobs_after_their_shell_has_exited(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/bash", "-c", "trap '' HUP; sleep 1000 & echo pid=$!; exit 0")
    attachment = await guest.attach(terminal.terminal)
    await attachment.until_exit()
    pid = int(attachment.seen.split(b"pid=")[1])
    assert Path(f"/proc/{pid}").exists()
    await (await guest.client()).call(wire.terminals.CloseTerminal(terminal=terminal.terminal))
    await _gone(pid)


async def test_close_gives_everything_back(guest: Guest) -> None:
    session = (await guest.session()).session
    client = await guest.client()
    before = guest.descriptors()
    for _ in range(TIMES):
        request = wire.terminals.CreateTerminal(terminal=new_terminal_id(), session=session, command=["/bin/cat"])
        info = await client.call(request)
        await client.call(wire.terminals.CloseTerminal(terminal=info.terminal))
        assert not Path(f"/proc/{info.pid}").exists()
    assert guest.descriptors() < before + TIMES


async def test_the_same_id_twice_is_the_same_terminal(guest: Guest) -> None:
    session = (await guest.session()).session
    client = await guest.client()
    request = wire.terminals.CreateTerminal(terminal=new_terminal_id(), session=session, command=["/bin/cat"])
    first, second = await client.call(request), await client.call(request)
    assert first.pid == second.pid
    other = (await guest.session()).session
    with pytest.raises(Fault, match="conflict"):
        await client.call(wire.terminals.CreateTerminal(terminal=request.terminal, session=other))


async def test_running_terminals_are_limited_and_exited_ones_make_room(make_guest: MakeGuest) -> None:
    guest = make_guest(terminals=3)
    session = (await guest.session()).session
    client = await guest.client()
    exited = await guest.terminal("/bin/true", session=session)
    await (await guest.attach(exited.terminal)).until_exit()
    for _ in range(3):
        await guest.terminal("/bin/cat", session=session)
    listed = (await client.call(wire.terminals.ListTerminals())).items
    assert exited.terminal not in {item.terminal for item in listed}
    assert len(listed) == 3
    with pytest.raises(Fault, match="3 terminals") as raised:
        await guest.terminal("/bin/cat", session=session)
    assert Code.LIMIT == raised.value.code


@pytest.mark.parametrize("command", ["/nonexistent", "no-such-program", "/etc/passwd", "/"])
async def test_a_program_that_cannot_be_started_is_an_error_and_leaves_nothing(guest: Guest, command: str) -> None:
    session = (await guest.session()).session
    client = await guest.client()
    before = guest.descriptors()
    for _ in range(TIMES):
        with pytest.raises(Fault, match="cannot start") as raised:
            await client.call(wire.terminals.CreateTerminal(terminal=new_terminal_id(), session=session, command=[command]))
        assert Code.BAD_REQUEST == raised.value.code
    assert [] == (await client.call(wire.terminals.ListTerminals())).items
    assert guest.descriptors() < before + TIMES


async def test_a_clone_that_its_tenant_removed_is_an_error_not_a_second_guest(guest: Guest) -> None:
    session = (await guest.session()).session
    (guest.sessions / session / "repo").rename(guest.home / "moved")
    with pytest.raises(Fault, match="cannot start"):
        await guest.terminal("/bin/cat", session=session)
    assert guest.pid == (await (await guest.client()).call(wire.sessions.Ping())).pid


async def test_long_commands_do_not_overflow_a_list(guest: Guest) -> None:
    session = (await guest.session()).session
    for _ in range(20):
        await guest.terminal("/bin/sh", "-c", "cat", *["x" * 4096] * 60, session=session)
    items = (await (await guest.client()).call(wire.terminals.ListTerminals(session=session))).items
    assert len(items) == 20


async def test_input_to_a_program_that_does_not_read_is_bounded(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", RAW + "exec sleep 1000")
    attachment = await guest.attach(terminal.terminal)
    await attachment.until(b"ready")
    before = guest.memory()
    attachment.link.socket.setblocking(False)
    frame = wire.terminals.Input(b"x" * rooms.INPUT_MAX)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            for _ in range(1000):
                await attachment.link.send(frame)
    assert guest.memory() - before < 4_000_000
    assert isinstance(await (await guest.client()).ask(wire.sessions.Ping()), wire.sessions.Pong)


async def test_a_program_that_closes_its_terminal_early_still_exits_in_order(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", "echo out; exec <&- >&- 2>&-; sleep 0.2; exit 5")
    attachment = await guest.attach(terminal.terminal)
    assert wire.terminals.Exited(5, None) == await attachment.until_exit()
    assert b"out\r\n" == attachment.seen


async def test_a_stopped_guest_ends_its_terminals(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/bash", "-c", "trap '' HUP; sleep 1000")
    os.kill(guest.pid, signal.SIGTERM)
    assert await guest.exited() == 0
    await _gone(terminal.pid)
