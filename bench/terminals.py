"""Terminals against a bare pty: output rate, echo, start, memory."""

import asyncio
import fcntl
import os
import pty
import statistics
import struct
import termios
import time
from typing import Final

from bench.report import Report, rss
from tests.stack import Stack, Tenant

VOLUME: Final = 32 * 1024 * 1024
KEYS: Final = 300
ROUNDS: Final = 7
STARTS: Final = 9
IDLE: Final = 20
FLOOD: Final = f"stty raw -echo; printf GO; read -r line; head -c {VOLUME} /dev/zero"


async def bare_rate() -> float:
    """Bytes per second of the same program on a bare pty, which this event loop reads."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", FLOOD])
    while b"GO" not in os.read(fd, 65536):
        pass
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    got = 0

    def take() -> None:
        nonlocal got
        got += len(os.read(fd, 65536))
        if got >= VOLUME:
            loop.remove_reader(fd)
            done.set_result(None)

    begin = time.perf_counter()
    loop.add_reader(fd, take)
    os.write(fd, b"\n")
    await done
    took = time.perf_counter() - begin
    os.close(fd)
    os.waitpid(pid, 0)  # noqa: ASYNC222  # it ends with its terminal
    return got / took


async def rate(tenant: Tenant, session: str) -> float:
    """Bytes per second from the program to a WebSocket client."""
    terminal = await tenant.terminal(session, command=["/bin/sh", "-c", FLOOD])
    async with tenant.attach(terminal) as view:
        await view.see("GO")
        await view.type("\n")
        begin, first = time.perf_counter(), view.seq
        while view.seq - first < VOLUME:
            await view.step()
            view.output.clear()
        return VOLUME / (time.perf_counter() - begin)


async def bare_echo() -> float:
    """Median seconds from a key to its echo by `cat` on a bare pty, which this event loop reads."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", "stty raw -echo; printf GO; exec cat"])
    while b"GO" not in os.read(fd, 65536):
        pass
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(KEYS):
        begin = time.perf_counter()
        echoed = loop.create_future()
        loop.add_reader(fd, echoed.set_result, None)
        os.write(fd, b"x")
        await echoed
        os.read(fd, 65536)
        times.append(time.perf_counter() - begin)
        loop.remove_reader(fd)
    os.close(fd)
    os.waitpid(pid, 0)  # noqa: ASYNC222  # it ends with its terminal
    return statistics.median(times)


async def echo(tenant: Tenant, session: str) -> float:
    """The same through a WebSocket."""
    terminal = await tenant.terminal(session, command=["/bin/sh", "-c", "stty raw -echo; printf GO; exec cat"])
    times = []
    async with tenant.attach(terminal) as view:
        await view.see("GO")
        for _ in range(KEYS):
            begin, seq = time.perf_counter(), view.seq
            await view.type("x")
            while view.seq == seq:
                await view.step()
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


async def prompt(tenant: Tenant, session: str) -> float:
    """Seconds from the request for a terminal to the first byte of its prompt in the client."""
    begin = time.perf_counter()
    terminal = await tenant.terminal(session)
    async with tenant.attach(terminal) as view:
        await view.until(lambda: bool(view.output))
        took = time.perf_counter() - begin
    await tenant.call("DELETE", f"/api/terminals/{terminal}", status=204)
    return took


def bare_prompt() -> float:
    """Seconds from a fork to the first byte of a login shell's prompt on a bare pty."""
    begin = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.execve("/bin/bash", ["-bash", "-l"], {"HOME": "/nonexistent", "TERM": "xterm-256color", "PATH": "/usr/bin:/bin"})
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.read(fd, 65536)
    took = time.perf_counter() - begin
    os.close(fd)
    os.waitpid(pid, 0)
    return took


async def measure(stack: Stack, report: Report) -> None:
    """All figures of terminals."""
    tenant = await stack.tenant()
    session = await tenant.session()
    pairs = [(await rate(tenant, session) / 1e6, await bare_rate() / 1e6) for _ in range(ROUNDS)]
    report.ratio("terminal output", pairs, "MB/s", at_least=0.8, peer="bare pty")
    pairs = [(await echo(tenant, session) * 1e6, await bare_echo() * 1e6) for _ in range(ROUNDS)]
    report.ratio("keystroke echo, p50", pairs, "µs", at_most=4, peer="bare pty")
    warm = [await prompt(tenant, session) for _ in range(STARTS)]
    bare = statistics.median([await asyncio.to_thread(bare_prompt) for _ in range(STARTS)])
    report.limit("shell prompt, guest runs", statistics.median(warm) * 1e3, "ms", 15, note=f"bare pty {bare * 1e3:.1f} ms")
    cold = []
    for _ in range(STARTS):
        with stack.host() as host:
            host.stop_workspace(workspace=tenant.workspace)
        cold.append(await prompt(tenant, session))
    report.limit("shell prompt, cold workspace", statistics.median(cold) * 1e3, "ms", 150)
    await memory(stack, tenant, session, report)


async def memory(stack: Stack, tenant: Tenant, session: str, report: Report) -> None:
    """What a guest, and one more terminal in it, cost."""
    pid = tenant.guest_pid
    await tenant.call("GET", f"{tenant.base}/sessions")
    before = rss(pid)
    report.limit("guest, idle", before / 2**20, "MiB", 25)
    api_before = rss(stack.api.pid)
    command = ["/bin/sleep", "1000"]
    for _ in range(IDLE):
        await tenant.terminal(session, command=command)
    report.limit("idle terminal in guest", (rss(pid) - before) / IDLE / 1024, "kiB", 32)
    report.limit("idle terminal in api", (rss(stack.api.pid) - api_before) / IDLE / 1024, "kiB", 32)
