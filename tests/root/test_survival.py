"""Terminals, clones and provisioning go on through restarts and `kill -9` of either daemon."""

import asyncio
import os
import random
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.stack import Client, Daemon, Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]


def daemon(stack: Stack, name: str) -> Daemon:
    return {"api": stack.api, "hostd": stack.hostd}[name]


@pytest.mark.parametrize("name", ["api", "hostd"])
@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_a_terminal_in_use_survives(stack: Stack, alice: Tenant, name: str, how: str) -> None:
    """The program prints numbers all the while; the client resumes and has each exactly once, from the same shell."""
    session = await alice.session()
    count = 40_000
    script = (
        f"stty raw -echo; echo pid=$$.; read -r go; i=0; while [ $i -lt {count} ]; do i=$((i+1)); echo $i; done; echo done=$$."
    )
    terminal = await alice.terminal(session, command=["/bin/bash", "-c", script])
    output = b""
    async with alice.attach(terminal) as view:
        await view.see(".")
        await view.type("go\n")
        await view.see("\n100\n")
        await getattr(daemon(stack, name), how)()
        try:
            await view.until(lambda: view.control[-1]["type"] == "exit", 60)
        except ConnectionError:
            assert "api" == name
        output, seq = bytes(view.output), view.seq
    while b"done=" not in output:
        async with alice.attach(terminal, after=seq) as again:
            assert seq == again.seq
            await again.until(lambda: again.control[-1]["type"] == "exit", 60)
            output += again.output
    lines = output.decode().split("\n")
    assert lines[0][4:] == lines[-2][5:]
    assert [str(n) for n in range(1, count + 1)] == lines[1:-2]


@pytest.mark.parametrize("name", ["api", "hostd"])
async def test_typing_goes_on_while_hostd_is_away_and_after_api_is_back(stack: Stack, alice: Tenant, name: str) -> None:
    session = await alice.session()
    terminal = await alice.terminal(session)
    async with alice.attach(terminal) as view:
        await view.type("echo pid=$$.\n")
        await view.until(lambda: b"pid=" in view.output.replace(b"pid=$", b""))
        seq = view.seq
        daemon(stack, name).stop(signal.SIGKILL)
        if name == "hostd":
            await view.type("echo still-$((40+2))\n")
            await view.see("still-42")
            seq = view.seq
    await daemon(stack, name).start()
    async with alice.attach(terminal, after=seq) as view:
        await view.type("echo again-$((40+3))\n")
        await view.see("again-43")


async def test_a_resume_in_the_middle_neither_loses_nor_doubles_a_byte(alice: Tenant) -> None:
    session = await alice.session()
    script = "stty raw -echo; read -r go; for i in $(seq 30000); do echo $i; done; sleep 1000"
    terminal = await alice.terminal(session, command=["/bin/bash", "-c", script])
    wanted = b"".join(b"%d\n" % n for n in range(1, 30_001))
    rng = random.Random(7)
    async with alice.attach(terminal) as view:
        await view.type("go\n")
        got = b""
        while len(got) < len(wanted):
            break_at = len(got) + rng.randrange(1, 20_000)
            view.output.clear()
            await view.until(lambda: len(got) + len(view.output) >= min(break_at, len(wanted)))  # noqa: B023  # awaited at once
            got += view.output
            readies = len(view.control)
            await view.say(type="resume", after=len(got))
            await view.until(lambda: any(c["type"] == "ready" for c in view.control[readies:]))  # noqa: B023  # awaited at once
            view.output.clear()
            assert len(got) == view.seq
    assert wanted == got


async def test_a_clone_goes_on_while_both_daemons_are_killed(stack: Stack, alice: Tenant) -> None:
    """A git server that waits holds the clone until both daemons were killed."""
    go = asyncio.Event()
    asked = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = await alice.call("POST", f"{alice.base}/sessions", {"repoUrl": f"git://127.0.0.1:{port}/x"}, status=201)
    async with asyncio.timeout(20):
        await asked.wait()
    await stack.api.kill()
    await stack.hostd.kill()
    path = f"{alice.base}/sessions/{made['sessionId']}"
    assert "cloning" == (await alice.call("GET", path))["status"]
    go.set()
    async with asyncio.timeout(20):
        while (view := await alice.call("GET", path))["status"] == "cloning":
            await asyncio.sleep(0.05)
    assert "error" == view["status"]
    assert view["errorReason"]
    server.close()


async def test_a_guest_that_is_killed_is_replaced_and_its_clone_is_marked(stack: Stack, bob: Tenant) -> None:
    server = await asyncio.start_server(lambda _r, _w: asyncio.sleep(1000), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = await bob.call("POST", f"{bob.base}/sessions", {"repoUrl": f"git://127.0.0.1:{port}/x"}, status=201)
    with stack.host() as host:
        await asyncio.to_thread(host.stop_workspace, workspace=bob.workspace)
    view = await bob.call("GET", f"{bob.base}/sessions/{made['sessionId']}")
    assert "error" == view["status"]
    assert "interrupted" in view["errorReason"]
    server.close()


@pytest.mark.parametrize("name", ["api", "hostd"])
async def test_provisioning_survives_a_kill_at_any_step(stack: Stack, name: str) -> None:
    """The same Idempotency-Key gives one workspace with one uid, whenever the daemon died."""
    admin = await stack.admin()
    rng = random.Random(name)
    for attempt in range(12):
        headers = {"Idempotency-Key": f"{name}-{attempt}-{os.getpid()}", "Prefer": "wait=30"}
        asking = asyncio.create_task(admin.call("POST", "/api/workspaces", {"name": "crash"}, status=201, headers=headers))
        await asyncio.sleep(rng.uniform(0.0, 0.03))
        await daemon(stack, name).kill()
        try:
            first = await asking
        except aiohttp.ClientError:
            first = None
        made = await admin.call("POST", "/api/workspaces", {"name": "crash"}, status=201, headers=headers)
        if first is not None:
            assert first == made
        path = f"/api/workspaces/{made['workspaceId']}"
        async with asyncio.timeout(30):
            while (view := await admin.call("GET", path))["status"] == "provisioning":
                await asyncio.sleep(0.05)
        assert "ready" == view["status"], view
        assert (await stack.login(made["workspaceId"], made["workspaceSecret"]))["workspaceToken"]
    with stack.host() as host:
        known = stack.workspaces(host)
    uids = [item.uid for item in known]
    assert len(uids) == len(set(uids))
    rows = await admin.items("/api/workspaces")
    assert {item.workspace for item in known} == {row["workspaceId"] for row in rows}
    users = [line.split(":")[0] for line in Path("/etc/passwd").read_text().splitlines() if f":{stack.state}/" in line]
    assert {item.workspace for item in known} == set(users)


async def test_a_workspace_that_root_deletes_is_forgotten_with_its_tokens(stack: Stack) -> None:
    tenant, kept = await stack.tenant("deleted"), await stack.tenant("kept")
    with stack.host() as host:
        host.delete_workspace(workspace=tenant.workspace)
    await stack.api.restart()
    admin = await stack.admin()
    async with asyncio.timeout(10):
        while tenant.workspace in {row["workspaceId"] for row in await admin.items("/api/workspaces")}:
            await asyncio.sleep(0.02)
    await tenant.call("GET", tenant.base, status=401)
    login = {"workspaceId": tenant.workspace, "workspaceSecret": tenant.secret}
    await Client(stack, None).call("POST", "/api/workspaces/login", login, status=401)
    assert not tenant.home.exists()
    assert "ready" == (await kept.call("GET", kept.base))["status"]


async def test_provisioning_that_hangs_becomes_an_error_that_can_be_retried(stack: Stack) -> None:
    """A process that holds the lock of /etc/passwd makes useradd wait, as it would on a sick host."""
    stack.configure(api={"provisioning_timeout": 1})
    await stack.api.restart()
    holder = await asyncio.create_subprocess_exec(
        "/usr/bin/python3",
        "-c",
        "import fcntl,os,sys,struct; f=os.open('/etc/.pwd.lock',os.O_CREAT|os.O_RDWR|os.O_CLOEXEC,0o600);"
        "fcntl.fcntl(f,fcntl.F_SETLKW,struct.pack('hhqqi4x',fcntl.F_WRLCK,0,0,0,0));"
        "print('held',flush=True); sys.stdin.read()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert b"held\n" == await holder.stdout.readline()
    try:
        admin = await stack.admin()
        made = await admin.call("POST", "/api/workspaces", {"name": "hang"}, status=201, headers={"Prefer": "wait=10"})
        assert "error" == made["status"]
        assert "1 s" in made["errorReason"] or "timed out" in made["errorReason"]
    finally:
        assert holder.stdin is not None
        holder.stdin.close()
        await holder.wait()
        stack.configure()
        await stack.api.restart()
    view = await admin.call("POST", f"/api/workspaces/{made['workspaceId']}/provision", headers={"Prefer": "wait=30"})
    assert "ready" == view["status"], view
    assert (await stack.login(made["workspaceId"], made["workspaceSecret"]))["workspaceToken"]
