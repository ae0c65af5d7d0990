"""Two real tenants on one host: what one runs is its own, and cannot see, reach or name what is the other's."""

import asyncio
import contextlib
import json
import os
from pathlib import Path

import pytest

from tests.stack import Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]


async def run(tenant: Tenant, script: str, session: str | None = None) -> str:
    """What a shell script prints in a terminal of the tenant's."""
    session = session or await tenant.session()
    command = ["/bin/bash", "-c", f"stty -onlcr; {script}"]
    terminal = await tenant.terminal(session, command=command, cols=1000, rows=100)
    async with tenant.attach(terminal) as view:
        await view.until(lambda: view.control[-1]["type"] == "exit", 60)
        return view.output.decode(errors="replace")


async def test_a_shell_runs_as_the_tenant_with_nothing_else(alice: Tenant) -> None:
    status = await run(alice, "cat /proc/self/status; id -G; tty; pwd; umask")
    uid = str(alice.uid)
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert [uid] * 4 == fields["Uid"].split()
    assert [uid] * 4 == fields["Gid"].split()
    assert "" == fields["Groups"].strip()
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"):
        assert 0 == int(fields[name], 16), name
    assert "1" == fields["NoNewPrivs"]
    assert "0" == fields["SigBlk"].strip("0") + "0"
    # Signals 32 and 33 are the C library's own: whoever was started by posix_spawn ignores them, and they cannot be set.
    assert 0 == int(fields["SigIgn"], 16) & ~(0b11 << 31)
    rest = status.splitlines()[-4:]
    assert uid == rest[0]
    assert rest[1].startswith("/dev/pts/")
    assert rest[2].startswith(f"{alice.home}/vibecoder_workspace/sessions/s")
    assert "0077" == rest[3]


async def test_a_programs_descriptors_are_its_terminal_and_nothing_else(alice: Tenant) -> None:
    listing = await run(alice, "readlink /proc/$$/fd/*")
    assert {"/dev/pts"} == {os.path.dirname(line) for line in listing.split()}


async def test_a_programs_environment_is_built_from_nothing(alice: Tenant) -> None:
    environ = await run(alice, "tr '\\0' '\\n' < /proc/$$/environ")
    names = {line.split("=")[0] for line in environ.splitlines()}
    assert names <= {
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "PATH",
        "LANG",
        "TERM",
        "COLORTERM",
        "PROMPT_DIRTRIM",
        "TMPDIR",
        "HOSTEL_WORKSPACE",
        "HOSTEL_SESSION",
        "HOSTEL_TERMINAL",
        "HOSTEL_PROGRAMS",
    }


async def test_no_process_of_anybody_else_is_visible(stack: Stack, alice: Tenant, bob: Tenant) -> None:
    await run(bob, "true")
    owners = await run(alice, "stat -c %u /proc/[0-9]* 2>/dev/null | sort -u")
    assert {str(alice.uid)} == set(owners.split())
    for pid in (1, stack.hostd.pid, stack.api.pid):
        seen = await run(alice, f"cat /proc/{pid}/cmdline /proc/{pid}/environ; ls /proc/{pid}/; echo; echo end")
        assert "hostel" not in seen
        assert "No such file" in seen


async def test_the_daemons_environment_and_secrets_cannot_be_found(stack: Stack, alice: Tenant, bob: Tenant) -> None:
    """A tenant greps all that it can read of /proc, the state folder and the sockets for what it must not have."""
    script = (
        f"stty -echo; echo GO; read -r a; read -r b; grep -rlsaF -e $a -e $b {stack.folder} /proc/[0-9]*/environ; echo end; "
    )
    script += "printf '%s\\n' $a $b > ~/.patterns; grep -lsaF -f ~/.patterns /proc/[0-9]*/cmdline; rm ~/.patterns; echo end"
    terminal = await alice.terminal(await alice.session(), command=["/bin/bash", "-c", script])
    async with alice.attach(terminal) as view:
        await view.see("GO")
        await view.type(f"{bob.secret}\n{bob.token}\n")
        await view.until(lambda: view.control[-1]["type"] == "exit", 60)
        assert ["GO", "end", "end"] == view.output.decode().split()


async def test_the_temporary_folders_are_private(alice: Tenant, bob: Tenant) -> None:
    for place in ("/tmp", "/var/tmp", "/dev/shm"):
        await run(alice, f"echo secret > {place}/hostel-test-mark; chmod 666 {place}/hostel-test-mark")
        assert "No such file" in await run(bob, f"cat {place}/hostel-test-mark")
        assert not Path(place, "hostel-test-mark").exists()


async def test_a_home_is_closed_to_others(stack: Stack, alice: Tenant, bob: Tenant) -> None:
    await run(alice, "echo mine > ~/file; chmod 777 ~/file; chmod 777 ~ 2>&1; mkdir -p ~/.config; chmod 777 ~/.config; true")
    home = alice.home
    for attempt in (
        f"cat {home}/file",
        f"ls {home}",
        f"ls {stack.state}/homes",
        f"echo x > {home}/planted",
        f"ls {home}/.config",
        f"cd {home}",
        f"ln -s {home}/file ~/link-to-alice && cat ~/link-to-alice",
        f"cat {home}/vibecoder_workspace/metadata/secret",
        f"ls {home}/vibecoder_workspace/sessions",
        f"ls {stack.folder}/run",
        f"cat {stack.path}",
        f"ls {stack.state}/hostd",
        f"ls {stack.state}/api",
    ):
        out = await run(bob, f"{attempt}; echo status=$?")
        assert "Permission denied" in out, attempt
        assert "status=0" not in out, attempt
    assert not (home / "planted").exists()


async def test_a_tenant_cannot_read_its_own_metadata_nor_replace_what_is_roots(alice: Tenant) -> None:
    for attempt in (
        "cat ~/vibecoder_workspace/metadata/secret",
        "ls ~/vibecoder_workspace/metadata",
        "mv ~/vibecoder_workspace ~/other",
        "rmdir ~/vibecoder_workspace/sessions",
        "mv ~/vibecoder_workspace/sessions ~/vibecoder_workspace/x",
        "chmod 777 ~/vibecoder_workspace",
        "touch ~/vibecoder_workspace/x",
        "chmod 777 ~",
        "rm -rf ~/vibecoder_workspace/metadata",
    ):
        out = await run(alice, f"{attempt}; echo status=$?")
        assert "status=0" not in out, attempt
    status = await run(alice, "echo fine > ~/ordinary && cat ~/ordinary && rm ~/ordinary && echo $?")
    assert ["fine", "0"] == status.split()


async def test_signals_and_tracing_do_not_cross(alice: Tenant, bob: Tenant) -> None:
    session = await alice.session()
    await alice.terminal(session, command=["/bin/sleep", "1000"])
    pids = [p for p in os.listdir("/proc") if p.isdigit() and os.stat(f"/proc/{p}").st_uid == alice.uid]
    for pid in pids:
        assert "not permitted" in await run(bob, f"kill -9 {pid} 2>&1")
        assert Path(f"/proc/{pid}").exists()


async def test_a_tenant_cannot_talk_to_the_daemons_sockets(stack: Stack, alice: Tenant) -> None:
    for path in (stack.config.socket, *Path(stack.config.run, "guests").glob("*.sock")):
        code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{path}')"
        assert "PermissionError" in await run(alice, f'/usr/bin/python3 -c "{code}"')


async def test_a_terminal_of_another_tenant_cannot_be_written(alice: Tenant, bob: Tenant) -> None:
    session = await alice.session()
    terminal = await alice.terminal(session, command=["/bin/bash", "-c", "tty; exec sleep 1000"])
    async with alice.attach(terminal) as view:
        await view.see("/dev/pts/")
        tty = view.output.decode().split()[0]
        assert "Permission denied" in await run(bob, f"echo intruder > {tty}")
        await view.say(type="ping")
        await view.until(lambda: view.control[-1]["type"] == "pong")
        assert b"intruder" not in view.output


async def test_the_guest_has_no_controlling_terminal_to_inject_into(alice: Tenant) -> None:
    """TIOCSTI needs the launcher's tty: the guest has none, and a program has only its own pty."""
    await alice.session()
    tty_nr = Path(f"/proc/{alice.guest_pid}/stat").read_text().rsplit(")", 1)[1].split()[4]
    assert "0" == tty_nr
    code = (
        "import fcntl,os,termios; t=os.open('/dev/tty',os.O_RDWR); print(os.ttyname(t)); fcntl.ioctl(t, termios.TIOCSTI, b'x')"
    )
    out = await run(alice, f'tty; /usr/bin/python3 -c "{code}"')
    assert out.split()[0].startswith("/dev/pts/")


async def test_everything_of_another_tenants_is_not_found(alice: Tenant, bob: Tenant) -> None:
    session = await alice.session()
    worktrees = f"{alice.base}/sessions/{session}/worktrees"
    terminal = await alice.terminal(session, command=["/bin/sleep", "1000"])
    for method, path, body in (
        ("GET", alice.base, None),
        ("PATCH", alice.base, {"name": "x"}),
        ("POST", f"{alice.base}/provision", None),
        ("POST", f"{alice.base}/secret/rotate", None),
        ("GET", f"{alice.base}/sessions", None),
        ("POST", f"{alice.base}/sessions", {}),
        ("GET", f"{alice.base}/sessions/{session}", None),
        ("PATCH", f"{alice.base}/sessions/{session}", {"name": "x"}),
        ("DELETE", f"{alice.base}/sessions/{session}", None),
        ("GET", worktrees, None),
        ("POST", worktrees, {}),
        ("GET", f"{alice.base}/sessions/{session}/terminals", None),
        ("POST", f"{alice.base}/sessions/{session}/terminals", {}),
        ("GET", f"/api/terminals/{terminal}", None),
        ("DELETE", f"/api/terminals/{terminal}", None),
        ("GET", f"{bob.base}/sessions/{session}", None),
        ("POST", f"{bob.base}/sessions/{session}/terminals", {}),
    ):
        problem = await bob.call(method, path, body, status=404)
        assert "not_found" == problem["code"], path
    with pytest.raises(Exception, match="404"):
        async with bob.attach(terminal):
            pass
    assert [alice.workspace] == [item["workspaceId"] for item in (await alice.call("GET", "/api/workspaces"))["items"]]


async def test_a_clone_of_another_tenants_repository_fails_with_gits_reason(alice: Tenant, bob: Tenant) -> None:
    session = await alice.session()
    await run(alice, "git config user.email a@example.org; git config user.name a; git commit -q --allow-empty -m one", session)
    url = f"file://{alice.home}/vibecoder_workspace/sessions/{session}/repo"
    mine = await alice.call("POST", f"{alice.base}/sessions", {"repoUrl": url}, headers={"Prefer": "wait=30"})
    assert "ready" == mine["status"]
    theirs = await bob.call("POST", f"{bob.base}/sessions", {"repoUrl": url}, headers={"Prefer": "wait=30"})
    assert "error" == theirs["status"]
    assert "not appear to be a git repository" in theirs["errorReason"] or "does not exist" in theirs["errorReason"]


async def test_what_a_hostile_repository_runs_runs_as_its_tenant_alone(alice: Tenant) -> None:
    """Hooks, filters and fsmonitor of a session's own repository: none runs as anybody but the tenant."""
    session = await alice.session()
    mark = "~/who"
    hook = f"'#!/bin/sh\\nid -u >> {mark}\\n'"
    script = [
        f"cd ~/vibecoder_workspace/sessions/{session}/repo",
        "git config user.email a@example.org; git config user.name a",
        "echo '* filter=evil' > .gitattributes; echo x > f; git add .; git commit -qm one",
        *(
            f"printf {hook} > .git/hooks/{name}; chmod +x .git/hooks/{name}"
            for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change")
        ),
        f"git config core.fsmonitor 'id -u >> {mark}; false'",
        *(f"git config filter.evil.{way} 'id -u >> {mark}; cat'" for way in ("smudge", "clean")),
    ]
    await run(alice, "; ".join(script), session)
    made = await alice.call(
        "POST", f"{alice.base}/sessions/{session}/worktrees", {"branch": "topic", "start": "main"}, status=201
    )
    await alice.call("DELETE", f"{alice.base}/sessions/{session}/worktrees/{made['worktreeId']}?force=true", status=204)
    ids = (await run(alice, f"cat {mark} 2>/dev/null; true")).split()
    assert set(ids) <= {str(alice.uid)}


async def test_a_home_full_of_symlinks_harms_nobody(stack: Stack, alice: Tenant) -> None:
    canary = stack.folder / "canary"
    canary.write_text("untouched")
    links = f"cd ~; for n in .hostel .config .ssh .gitconfig .cache; do rm -rf $n; ln -s {canary} $n; done"
    await run(alice, f"{links}; cd vibecoder_workspace/sessions; ln -s {stack.folder} s{'0' * 24}; true")
    with stack.host() as host:
        host.stop_workspace(workspace=alice.workspace)
    await alice.call(
        "PATCH", alice.base, {"providers": {"claude": {"enabled": True, "auth": {"type": "api_key", "value": "k"}}}}
    )
    await alice.call("GET", f"{alice.base}/sessions/s{'0' * 24}", status=404)
    await alice.call("DELETE", f"{alice.base}/sessions/s{'0' * 24}", status=404)
    await alice.session()
    await run(
        alice, "cd ~; rm -f .hostel .config .ssh .gitconfig .cache vibecoder_workspace/sessions/s000000000000000000000000"
    )
    assert "untouched" == canary.read_text()
    assert 0 == canary.stat().st_uid


async def test_a_stop_kills_every_process_of_a_workspace(stack: Stack, alice: Tenant, bob: Tenant) -> None:
    """Also those in sessions of their own, and those that fork as fast as they can."""
    session = await alice.session()
    await alice.terminal(
        session,
        command=[
            "/bin/bash",
            "-c",
            "setsid sleep 1000 & setsid bash -c 'while :; do (sleep 0.01; :) & done' & exec sleep 1000",
        ],
    )
    kept = await bob.terminal(await bob.session(), command=["/bin/sleep", "1000"])
    with stack.host() as host:
        while host.show_workspace(workspace=alice.workspace).processes < 20:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(host.stop_workspace, workspace=alice.workspace)
        assert not host.show_workspace(workspace=alice.workspace).running
    # What is left has ended, and waits for the machine's init to take note of it.
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if entry.stat().st_uid == alice.uid:
                assert "\nState:\tZ" in (entry / "status").read_text(), entry
    assert "running" == (await bob.call("GET", f"/api/terminals/{kept}"))["status"]
    await alice.session()


async def test_no_secret_is_in_any_log_argv_or_environment(stack: Stack, alice: Tenant) -> None:
    """After each kind of secret was used: grep every log, and the arguments and environment of every process."""
    value = "sentinel-provider-credential"
    await alice.call(
        "PATCH", alice.base, {"providers": {"claude": {"enabled": True, "auth": {"type": "api_key", "value": value}}}}
    )
    clone = {"repoUrl": "https://127.0.0.1:9/x.git", "auth": {"type": "token", "value": "sentinel-git-token"}}
    await alice.call("POST", f"{alice.base}/sessions", clone, headers={"Prefer": "wait=10"})
    await alice.call(
        "POST",
        "/api/workspaces/login",
        {"workspaceId": alice.workspace, "workspaceSecret": "sentinel-wrong-secret"},
        status=401,
    )
    secrets_: list[str] = [alice.secret, str(alice.token), alice.refresh, value, "sentinel-git-token", "sentinel-wrong-secret"]
    audit = stack.state / "hostd/audit/000000000001.jsonl"
    texts = {
        str(path): path.read_text(errors="replace")
        for path in (stack.hostd.log, stack.api.log, audit, *alice.home.glob(".hostel/*"))
    }
    for entry in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                texts[f"{entry}/{name}"] = (entry / name).read_text(errors="replace")
            except OSError:
                continue
    for place, text in texts.items():
        for secret in secrets_:
            assert secret not in text, place
    assert json.loads(texts[str(audit)].splitlines()[-1])
