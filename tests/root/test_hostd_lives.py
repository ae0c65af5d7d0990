"""Workspaces over time: uids, tombstones, `kill -9` of hostd at any moment, and deletion against a tenant's will."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from hostd.processes import become_killer, fork
from shared.errors import Code, Fault
from shared.hostwire import (
    CreateWorkspace,
    DeleteWorkspace,
    EnterWorkspace,
    ListWorkspaces,
    ShowWorkspace,
    StopWorkspace,
    WorkspaceInfo,
    Workspaces,
    WorkspaceState,
)
from shared.ids import new_workspace_id
from shared.messages import Done
from tests.root.hostd_harness import (
    DEADLINE,
    HASH,
    UID_FIRST,
    Client,
    Hostd,
    as_tenant_python,
    code_of,
    processes_of,
    wait_until,
)

pytestmark = pytest.mark.root


def accounts() -> dict[str, int]:
    lines = [line.split(":") for line in Path("/etc/passwd").read_text().splitlines()]
    return {fields[0]: int(fields[2]) for fields in lines}


def groups() -> dict[str, int]:
    lines = [line.split(":") for line in Path("/etc/group").read_text().splitlines()]
    return {fields[0]: int(fields[2]) for fields in lines}


def test_the_same_call_gives_the_same_workspace(client: Client) -> None:
    info = client.create()
    assert info.uid == client.create(info.workspace).uid
    assert Code.CONFLICT == code_of(client, CreateWorkspace(workspace=info.workspace, secret_hash="f" * 64))


def test_two_ids_with_a_long_common_prefix_are_two_users(client: Client) -> None:
    prefix = new_workspace_id()[:-1]
    one, two = client.create(prefix + "0"), client.create(prefix + "1")
    assert one.uid != two.uid
    assert one.uid == accounts()[one.workspace]
    assert two.uid == accounts()[two.workspace]


def test_a_deleted_workspace_is_gone_for_good(hostd: Hostd, client: Client) -> None:
    info = client.create()
    with client.enter(info.workspace) as guest:
        guest.run(
            "import os; os.makedirs('a/b/c'); open('a/b/c/d', 'w').close(); os.chmod('a/b', 0); open('/tmp/x', 'w').close()"
        )
    client.call(DeleteWorkspace(workspace=info.workspace), Done)
    assert info.workspace not in accounts()
    assert info.workspace not in groups()
    assert [] == processes_of(info.uid)
    assert not hostd.home(info.workspace).exists()
    assert not (hostd.state / "tmp" / info.workspace).exists()
    assert not (hostd.run / "guests" / f"{info.workspace}.sock").exists()
    assert not Path(f"/sys/fs/cgroup/pids/hostel/{info.workspace}").exists()
    assert Code.GONE == code_of(client, CreateWorkspace(workspace=info.workspace, secret_hash=HASH))
    assert Code.GONE == code_of(client, ShowWorkspace(workspace=info.workspace))
    assert Code.GONE == code_of(client, DeleteWorkspace(workspace=info.workspace))
    assert info.workspace not in [item.workspace for item in client.call(ListWorkspaces(), Workspaces).items]


def test_no_uid_comes_twice_over_deletion_restart_and_loss_of_the_state(hostd: Hostd) -> None:
    seen: list[int] = []
    for round_ in range(3):
        with hostd.client() as client:
            for _ in range(4):
                info = client.create()
                seen.append(info.uid)
                client.call(DeleteWorkspace(workspace=info.workspace), Done)
        hostd.stop(signal.SIGKILL if round_ else signal.SIGTERM)
        if round_ == 1:
            shutil.rmtree(hostd.state)
        hostd.start()
    assert len(seen) == len(set(seen))
    assert sorted(seen) == seen


def test_two_installations_side_by_side_share_no_uid(hostd: Hostd) -> None:
    with Hostd() as second, hostd.client() as here, second.client() as there:
        uids = [caller.create().uid for _ in range(5) for caller in (here, there)]
    assert len(uids) == len(set(uids))


def test_a_second_hostd_on_one_state_folder_is_refused(hostd: Hostd) -> None:
    second = hostd.twin()
    with pytest.raises(AssertionError, match="another hostd serves"):
        second.start()
    second.notices.close()
    with hostd.client() as client:
        client.create()


def test_an_account_that_is_not_ours_is_refused_whoever_made_it(hostd: Hostd, client: Client) -> None:
    workspace = new_workspace_id()
    subprocess.run(["useradd", "--system", "-M", workspace], check=True)
    try:
        before = accounts()[workspace]
        assert Code.CONFLICT == code_of(client, CreateWorkspace(workspace=workspace, secret_hash=HASH))
        assert Code.NOT_FOUND == code_of(client, DeleteWorkspace(workspace=workspace))
        assert before == accounts()[workspace]
        assert not hostd.home(workspace).exists()
    finally:
        subprocess.run(["userdel", workspace], check=True)
    client.create(workspace)


def test_no_room_opens_for_an_account_that_is_missing_or_anothers(client: Client) -> None:
    info = client.create()
    subprocess.run(["usermod", "-u", str(info.uid + 500_000), info.workspace], check=True)
    assert Code.FAILED == code_of(client, EnterWorkspace(workspace=info.workspace))
    subprocess.run(["userdel", info.workspace], check=True)
    assert Code.FAILED == code_of(client, EnterWorkspace(workspace=info.workspace))
    client.call(DeleteWorkspace(workspace=info.workspace), Done)


def test_an_account_that_changed_hands_is_neither_used_nor_removed(client: Client) -> None:
    info = client.create()
    subprocess.run(["usermod", "-u", str(info.uid + 500_000), info.workspace], check=True)
    try:
        assert Code.CONFLICT == code_of(client, DeleteWorkspace(workspace=info.workspace))
        assert info.workspace in accounts()
    finally:
        subprocess.run(["usermod", "-u", str(info.uid), info.workspace], check=True)
    client.call(DeleteWorkspace(workspace=info.workspace), Done)


def test_a_uid_that_is_taken_on_this_machine_is_passed_over(hostd: Hostd) -> None:
    with hostd.client() as client:
        last = client.create().uid
        stranger = "htest-stranger"
        taken = last + 3
        subprocess.run(["useradd", "-M", "-N", "-u", str(taken), "-K", f"UID_MAX={taken}", stranger], check=True)
        try:
            uids = [client.create().uid for _ in range(6)]
        finally:
            subprocess.run(["userdel", stranger], check=True)
    assert taken not in uids


@pytest.mark.parametrize("step", ["nothing", "account", "no group", "half a home"])
def test_creation_is_finished_from_wherever_it_stopped(hostd: Hostd, client: Client, step: str) -> None:
    info = client.create()
    home = hostd.home(info.workspace)
    with sqlite3.connect(hostd.state / "hostd/registry.sqlite") as registry:
        registry.execute("UPDATE workspaces SET state = 'creating' WHERE id = ?", (info.workspace,))
    registry.close()
    assert WorkspaceState.CREATING == client.call(ShowWorkspace(workspace=info.workspace), WorkspaceInfo).state
    if step == "nothing":
        subprocess.run(["userdel", info.workspace], check=True)
        shutil.rmtree(home)
    elif step == "account":
        shutil.rmtree(home)
    elif step == "no group":
        lines = Path("/etc/group").read_text().splitlines(keepends=True)
        Path("/etc/group").write_text("".join(line for line in lines if not line.startswith(f"{info.workspace}:")))
    else:
        (home / "vibecoder_workspace/metadata/secret").unlink()
        (home / "vibecoder_workspace/sessions").rmdir()
        (home / "vibecoder_workspace/metadata/.providers.json.new").write_text("half")
        home.chmod(0o700)
    again = client.create(info.workspace)
    assert (info.uid, WorkspaceState.READY) == (again.uid, again.state)
    assert info.uid == accounts()[info.workspace] == groups()[info.workspace]
    assert HASH == (home / "vibecoder_workspace/metadata/secret").read_text()
    with client.enter(info.workspace) as guest:
        assert info.uid == guest.run("import os; result = os.getuid()")


def test_a_kill_of_hostd_at_any_moment_of_creation_leaves_one_workspace_with_one_uid(hostd: Hostd) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    delays = random.Random(seed)
    uids: dict[str, int] = {}
    for _ in range(25):
        workspace = new_workspace_id()
        for _ in range(2):
            with hostd.client() as client:
                client.send(CreateWorkspace(id=1, workspace=workspace, secret_hash=HASH))
                time.sleep(delays.uniform(0, 0.025))
                hostd.stop(signal.SIGKILL)
            hostd.start()
        with hostd.client() as client:
            info = client.create(workspace)
            assert WorkspaceState.READY == info.state
            assert info.uid == accounts()[workspace] == groups()[workspace] == hostd.home(workspace).stat().st_gid
            assert info.uid not in uids.values()
            uids[workspace] = info.uid
            items = client.call(ListWorkspaces(limit=500), Workspaces).items
            assert 1 == [item.workspace for item in items].count(workspace)
    for file in ("/etc/passwd", "/etc/group", "/etc/shadow"):
        names = [line.split(":")[0] for line in Path(file).read_text().splitlines()]
        assert len(names) == len(set(names)), file


def test_a_kill_of_hostd_at_any_moment_of_deletion_is_finished_by_the_next_call(hostd: Hostd) -> None:
    delays = random.Random(7)
    for _ in range(12):
        with hostd.client() as client:
            info = client.create()
            client.enter(info.workspace).sock.close()
            client.send(DeleteWorkspace(id=99, workspace=info.workspace))
            time.sleep(delays.uniform(0, 0.05))
            hostd.stop(signal.SIGKILL)
        hostd.start()
        with hostd.client() as client:
            with contextlib.suppress(Fault):
                client.call(DeleteWorkspace(workspace=info.workspace), Done)
            assert Code.GONE == code_of(client, ShowWorkspace(workspace=info.workspace))
        assert info.workspace not in accounts()
        assert not hostd.home(info.workspace).exists()
        assert [] == processes_of(info.uid)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_tenant_runs_outlives_hostd(hostd: Hostd, how: int) -> None:
    with hostd.client() as client:
        info = client.create()
        guest = client.enter(info.workspace)
    with guest:
        pid = guest.run("import os; result = os.getpid()")
        hostd.stop(how)
        assert pid == guest.run("import os; result = os.getpid()")
        hostd.start()
        with hostd.client() as client:
            with client.enter(info.workspace, start=False) as again:
                assert pid == again.run("import os; result = os.getpid()")
            client.call(StopWorkspace(workspace=info.workspace), Done)
    assert [] == processes_of(info.uid)


DAEMONS = """
import os, signal
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        if os.fork(): os._exit(0)
        while True: signal.pause()
"""


def test_stop_kills_what_has_left_its_session_and_ignores_signals(hostd: Hostd, client: Client) -> None:
    info = client.create()
    other = client.create()
    with client.enter(info.workspace) as guest, client.enter(other.workspace) as untouched:
        guest.run(DAEMONS)
        wait_until(lambda: len(processes_of(info.uid)) >= 20)
        client.call(StopWorkspace(workspace=info.workspace), Done)
        assert [] == processes_of(info.uid)
        assert 1 == untouched.run("result = 1")
    with client.enter(info.workspace) as guest:
        assert 1 == guest.run("result = 1")
    assert hostd.pid


BOMB = """
import os, sys
os.chdir(sys.argv[1])
def churn(n):
    a, b = "d%d" % n, "e%d" % n
    while True:
        for _ in range(200):
            for step in (lambda: os.mkdir(a), lambda: os.symlink("/etc", a + "/l"),
                         lambda: os.rename(a, b), lambda: os.rename(b, a)):
                try: step()
                except OSError: pass
        if os.fork(): os._exit(0)
for n in range(8):
    if os.fork() == 0:
        os.setsid()
        churn(n)
"""
"""Processes that go on in a child again and again, so that a list of them is always out of date."""


def any_exists(*paths: Path) -> bool:
    return any(path.is_dir() for path in paths)


def test_a_tenant_that_forks_renames_and_links_cannot_keep_its_workspace(hostd: Hostd, client: Client) -> None:
    passwd = Path("/etc/passwd").stat()
    for _ in range(4):
        info = client.create()
        assert 0 == as_tenant_python(info.uid, BOMB, str(hostd.home(info.workspace))).wait(DEADLINE)
        home = hostd.home(info.workspace)
        wait_until(partial(any_exists, home / "d7", home / "e7"))
        client.call(DeleteWorkspace(workspace=info.workspace), Done)
        assert [] == processes_of(info.uid)
        assert not hostd.home(info.workspace).exists()
        assert info.workspace not in accounts()
    assert passwd.st_uid == Path("/etc/passwd").stat().st_uid
    assert os.path.isdir("/etc")


async def test_a_tenant_can_neither_kill_nor_stop_nor_trace_what_comes_to_kill_it(hostd: Hostd, client: Client) -> None:
    info = client.create()

    def wait_as_killer() -> None:
        become_killer(info.uid, UID_FIRST)
        time.sleep(DEADLINE)

    killer = fork(wait_as_killer)
    try:
        wait_until(lambda: processes_of(UID_FIRST))
        attack = "import ctypes, os, sys; pid = int(sys.argv[1]); code = 0\n"
        attack += "for number in (9, 19, 15):\n  try: os.kill(pid, number); code |= 1\n  except PermissionError: pass\n"
        attack += "ctypes.CDLL(None).ptrace(16, pid, 0, 0) == 0 and sys.exit(2)\nsys.exit(code)"
        assert 0 == as_tenant_python(info.uid, attack, str(killer.pid)).wait(DEADLINE)
        assert hostd.pid
    finally:
        killer.kill()
        assert -signal.SIGKILL == await killer.wait()
