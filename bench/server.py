"""The api and hostd against bare peers: request rate, round trips, workspace creation, memory."""

import asyncio
import contextlib
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiohttp

from bench.report import Report, rss
from shared.frames import GUEST_FRAME_MAX
from shared.guestwire import GUEST
from shared.guestwire.sessions import Ping
from shared.hostwire import HOST, EnterWorkspace
from shared.link import Link
from shared.messages import VERSION, Hello
from tests.stack import Client, Stack, free_port

REQUESTS: Final = 3000
AT_ONCE: Final = 16
CALLS: Final = 3000
MADE: Final = 15
ROUNDS: Final = 5
BARE: Final = """
import sys, uvloop
from aiohttp import web
async def handle(request):
    return web.json_response({"hello": "world"})
app = web.Application()
app.router.add_get("/{name}", handle)
uvloop.install()
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


async def request_rate(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> float:
    """Requests per second, a few at a time on kept connections."""

    async def worker(count: int) -> None:
        for _ in range(count):
            async with session.get(url, headers=headers) as reply:
                assert reply.status == 200
                await reply.read()

    await worker(100)
    begin = time.perf_counter()
    await asyncio.gather(*(worker(REQUESTS // AT_ONCE) for _ in range(AT_ONCE)))
    return REQUESTS / (time.perf_counter() - begin)


@contextlib.asynccontextmanager
async def bare_server() -> AsyncIterator[str]:
    """A bare aiohttp handler in a process of its own; its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-I", "-W", "ignore", "-c", BARE, str(port)])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/x"
    finally:
        process.terminate()
        process.wait()


async def calls(link: Link) -> float:
    """Median seconds of a Ping."""
    times = []
    for number in range(1, CALLS):
        begin = time.perf_counter()
        await link.send(Ping(id=number))
        await link.receive()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


async def connect(sock: socket.socket, protocol: object, *, accept_fds: bool = False) -> Link:
    """A link after its handshake."""
    link = Link(sock, protocol.reply_decoder, GUEST_FRAME_MAX, accept_fds=accept_fds)  # type: ignore[attr-defined]  # a Protocol
    await link.send(Hello(version=VERSION))
    await link.receive()
    return link


async def hostd_link(stack: Stack) -> Link:
    """A link to hostd, as root."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(stack.config.socket))
    return await connect(sock, HOST, accept_fds=True)


async def guest_link(stack: Stack, workspace: str) -> Link:
    """A link to a workspace's guest, entered as root."""
    with await hostd_link(stack) as host:
        await host.send(EnterWorkspace(id=1, workspace=workspace))
        await host.receive()
        fd = host.take_fd()
    assert fd is not None
    return await connect(socket.socket(fileno=fd), GUEST)


async def bare_calls() -> float:
    """Median seconds of an echo over a bare Unix socket, both ends on asyncio streams in processes of their own."""
    path = tempfile.mktemp(prefix="hostel-bench-")  # noqa: S306  # a name for a socket
    code = (
        "import asyncio,sys,uvloop\n"
        "async def serve(r,w):\n"
        "    while data:=await r.read(65536): w.write(data)\n"
        "async def main():\n"
        "    async with await asyncio.start_unix_server(serve,sys.argv[1]) as s: await s.serve_forever()\n"
        "uvloop.run(main())"
    )
    process = subprocess.Popen([sys.executable, "-I", "-c", code, path])
    try:
        while not Path(path).exists():
            await asyncio.sleep(0.02)
        reader, writer = await asyncio.open_unix_connection(path)
        times = []
        for _ in range(CALLS):
            begin = time.perf_counter()
            writer.write(b"x" * 24)
            await reader.read(65536)
            times.append(time.perf_counter() - begin)
        writer.close()
        return statistics.median(times)
    finally:
        process.kill()
        process.wait()
        os.unlink(path)


def bare_useradd() -> float:
    """Seconds of one useradd that makes the same account: a user with a group of its own, and no home."""
    name = f"wbench{secrets.token_hex(4)}"
    uid = str(2_100_000_000 + secrets.randbelow(9_000))
    numbers = ("UID_MAX", "GID_MAX")
    ids = [option for key in numbers for option in ("-K", f"{key}={uid}")]
    begin = time.perf_counter()
    subprocess.run(
        [
            "useradd",
            "-M",
            "-U",
            "-u",
            uid,
            "-K",
            f"GID_MIN={uid}",
            *ids,
            "-K",
            "SUB_UID_COUNT=0",
            "-K",
            "SUB_GID_COUNT=0",
            name,
        ],
        check=True,
    )
    took = time.perf_counter() - begin
    subprocess.run(["userdel", name], check=True)
    return took


async def creation(admin: Client) -> float:
    """Seconds of one POST /api/workspaces until the workspace is ready."""
    begin = time.perf_counter()
    made = await admin.call("POST", "/api/workspaces", {"name": "bench"}, status=201, headers={"Prefer": "wait=30"})
    took = time.perf_counter() - begin
    assert made["status"] == "ready"
    return took


async def measure(stack: Stack, report: Report) -> None:
    """All figures of the server."""
    report.limit("api, idle", rss(stack.api.pid) / 2**20, "MiB", 90)
    report.limit("hostd, idle", rss(stack.hostd.pid) / 2**20, "MiB", 30)
    tenant = await stack.tenant("bench")
    async with bare_server() as bare:
        pairs = [
            (
                await request_rate(stack.http, f"{stack.url}{tenant.base}", tenant.headers),
                await request_rate(stack.http, bare, {}),
            )
            for _ in range(ROUNDS)
        ]
    report.ratio("authenticated GET", pairs, "/s", at_least=0.5, peer="bare aiohttp")
    link = await guest_link(stack, tenant.workspace)
    with link:
        pairs = [(await calls(link), await bare_calls()) for _ in range(ROUNDS)]
    # The best of the rounds: the budget is for a machine that does nothing else.
    ours, floor = min(pairs)
    report.limit("RPC round trip, p50", ours * 1e6, "µs", 60, note=f"bare Unix socket {floor * 1e6:.1f} µs")
    admin = await stack.admin()
    pairs = [(await creation(admin) * 1e3, await asyncio.to_thread(bare_useradd) * 1e3) for _ in range(MADE)]
    report.ratio("workspace creation", pairs, "ms", at_most=1.5, peer="bare useradd")
