"""What hostd makes of a workspace, read back from the kernel: the home's modes, the drop, and the walls of a room."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Code, Fault
from shared.hostwire import Entered, EnterWorkspace, HostStatus, LayerState, ShowWorkspace, Status, StopWorkspace, WorkspaceInfo
from shared.messages import Done
from tests.root.hostd_harness import DEAF, UID_FIRST, Client, Hostd, processes_of, wait_until

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def hostd() -> Iterator[Hostd]:
    with Hostd(guest={"open_files": 1000, "processes": 200}) as running:
        yield running


def seen(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


def test_the_home_has_the_owners_and_modes_of_the_design(hostd: Hostd, client: Client) -> None:
    info = client.create()
    uid, home = info.uid, hostd.home(info.workspace)
    root = home / "vibecoder_workspace"
    assert (0, uid, 0o1770) == seen(home)
    assert (0, uid, 0o750) == seen(root)
    assert (0, 0, 0o700) == seen(root / "metadata")
    assert (0, 0, 0o600) == seen(root / "metadata/secret")
    assert (0, 0, 0o600) == seen(root / "metadata/providers.json")
    assert (uid, uid, 0o700) == seen(root / "sessions")
    assert (0, 0, 0o711) == seen(home.parent)
    assert (0, 0, 0o711) == seen(hostd.state)
    assert (0, 0, 0o700) == seen(hostd.state / "hostd")
    assert (0, hostd.account().pw_gid, 0o751) == seen(hostd.run)
    assert (0, 0, 0o711) == seen(hostd.run / "credentials")
    assert (0, 0, 0o600) == seen(hostd.state / "hostd/master.key")
    assert (0, hostd.account().pw_gid, 0o660) == seen(hostd.socket)
    assert (0, 0, 0o700) == seen(hostd.run / "guests")


def test_the_account_is_the_workspaces_own(hostd: Hostd, client: Client) -> None:
    info = client.create()
    line = subprocess.run(["getent", "passwd", info.workspace], capture_output=True, text=True, check=True).stdout.strip()
    assert f"{info.workspace}:x:{info.uid}:{info.uid}::{hostd.home(info.workspace)}:/bin/bash" == line
    groups = subprocess.run(["id", "-G", info.workspace], capture_output=True, text=True, check=True).stdout.strip()
    assert str(info.uid) == groups
    assert info.uid > UID_FIRST
    for name in ("/etc/subuid", "/etc/subgid"):
        assert info.workspace not in Path(name).read_text()


def test_the_drop_is_what_the_kernel_says(client: Client) -> None:
    info = client.create()
    with client.enter(info.workspace) as guest:
        status = guest.run("result = open('/proc/self/status').read()")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        assert [str(info.uid)] * 4 == fields["Uid"].split()
        assert [str(info.uid)] * 4 == fields["Gid"].split()
        assert [] == fields["Groups"].split()
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "SigBlk"):
            assert 0 == int(fields[name], 16), name
        assert 1 == int(fields["NoNewPrivs"])
        assert 0o77 == int(fields["Umask"], 8)
        assert [0, 0, 0] == guest.run("import os; result = [os.getsid(0) - os.getpid(), os.getpgid(0) - os.getpid(), 0]")
        for attempt in (
            "os.setuid(0)",
            "os.setgid(0)",
            "os.setgroups([0])",
            "os.chown('/proc/self/fd/3', 0, 0)",
            "os.chroot('/')",
        ):
            assert "PermissionError" in guest.run(f"import os; {attempt}")["error"]


def test_a_guest_has_the_descriptors_that_were_passed_and_no_other(client: Client) -> None:
    info = client.create()
    with client.enter(info.workspace) as guest:
        links = guest.run(
            "import os\nresult = {}\nfor fd in os.listdir('/proc/self/fd'):\n"
            "    try: result[fd] = os.readlink(f'/proc/self/fd/{fd}')\n    except OSError: pass"
        )
        log = f"/state/homes/{info.workspace}/.hostel/guest.log"
        assert "/dev/null" == links.pop("0")
        assert links.pop("1").endswith(log)
        assert links.pop("2").endswith(log)
        assert links.pop("3").startswith("socket:")
        assert 1 == len(links), links
        assert next(iter(links.values())).startswith("socket:"), "the connection of this test"


def test_the_environment_is_exactly_what_was_built(hostd: Hostd, client: Client) -> None:
    info = client.create()
    with client.enter(info.workspace) as guest:
        raw = guest.run("result = open('/proc/self/environ').read()")
    env = dict(entry.split("=", 1) for entry in raw.split("\0") if entry)
    assert '"open_files":1000' in env.pop("HOSTEL_GUEST")
    assert '"claude"' in env.pop("HOSTEL_AGENTS")
    expected = {
        "HOME": str(hostd.home(info.workspace)),
        "USER": info.workspace,
        "LOGNAME": info.workspace,
        "SHELL": "/bin/bash",
        "PATH": "/var/lib/hostel/agents/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "HOSTEL_WORKSPACE": info.workspace,
        "HOSTEL_CREDENTIALS": f"{hostd.run}/credentials/{info.workspace}/providers.json",
    }
    assert expected == env


def test_limits_are_set(client: Client) -> None:
    info = client.create()
    with client.enter(info.workspace) as guest:
        limits = guest.run(
            "import resource as r; result = [r.getrlimit(k) for k in (r.RLIMIT_NOFILE, r.RLIMIT_NPROC, r.RLIMIT_CORE)]"
        )
        assert [[1000, 1000], [200, 200], [0, 0]] == limits
        assert "500" == guest.run("result = open('/proc/self/oom_score_adj').read().strip()")
        groups = guest.run("result = open('/proc/self/cgroup').read()")
    if status(client).cgroups == "v1":
        assert f"pids:/hostel/{info.workspace}" in groups
        assert "200" == Path(f"/sys/fs/cgroup/pids/hostel/{info.workspace}/pids.max").read_text().strip()


def status(client: Client) -> HostStatus:
    return client.call(Status(), HostStatus)


def test_temporary_folders_and_shared_memory_are_the_rooms_own(hostd: Hostd, client: Client) -> None:
    one, two = client.create(), client.create()
    with client.enter(one.workspace) as first, client.enter(two.workspace) as second:
        for place in ("/tmp", "/var/tmp", "/dev/shm"):
            assert None is first.run(f"import os; os.umask(0); open('{place}/hostel-mark', 'w').close()")
            assert True is first.run(f"import os; result = os.path.exists('{place}/hostel-mark')")
            assert False is second.run(f"import os; result = os.path.exists('{place}/hostel-mark')")
            assert not Path(place, "hostel-mark").exists()
        assert first.run("import os; result = os.readlink('/proc/self/ns/ipc')") != os.readlink("/proc/self/ns/ipc")
        assert "PermissionError" in second.run(f"import os; os.listdir('{hostd.state}/tmp/{one.workspace}')")["error"]
        assert "PermissionError" in second.run(f"import os; os.listdir('{hostd.home(one.workspace)}')")["error"]
        assert "PermissionError" in second.run(f"import os; os.listdir('{hostd.state}/homes')")["error"]


def test_mounts_of_a_room_stay_in_it(client: Client) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    info = client.create()
    with client.enter(info.workspace) as guest:
        assert guest.run("import os; result = os.readlink('/proc/self/ns/mnt')") != os.readlink("/proc/self/ns/mnt")
    assert before == Path("/proc/self/mountinfo").read_text()
    assert "hidepid" not in Path("/proc/self/mountinfo").read_text()


def test_no_other_process_is_seen_and_no_environment_of_a_daemon(hostd: Hostd, client: Client) -> None:
    one, two = client.create(), client.create()
    with client.enter(one.workspace) as first, client.enter(two.workspace) as second:
        own = first.run("import os; result = [int(n) for n in os.listdir('/proc') if n.isdigit()]")
        assert processes_of(one.uid) == own
        theirs = second.run("import os; result = os.getpid()")
        for pid in (1, hostd.pid, os.getpid(), theirs):
            assert "FileNotFoundError" in first.run(f"open('/proc/{pid}/environ')")["error"]
            assert "FileNotFoundError" in first.run(f"open('/proc/{pid}/cmdline')")["error"]
        scan = (
            "import glob\nresult = 0\nfor path in glob.glob('/proc/[0-9]*/environ'):\n"
            "    try: result += b'HOSTEL_SENTINEL' in open(path, 'rb').read()\n    except OSError: pass"
        )
        assert 0 == first.run(scan)


def test_the_rooms_socket_cannot_be_reached_from_a_room(hostd: Hostd, client: Client) -> None:
    one, two = client.create(), client.create()
    with client.enter(one.workspace) as first, client.enter(two.workspace):
        for path in (hostd.socket, hostd.run / "guests" / f"{two.workspace}.sock"):
            answer = first.run(f"import socket; socket.socket(socket.AF_UNIX).connect('{path}')")
            assert "PermissionError" in answer["error"]


def test_a_tenant_cannot_rename_remove_or_change_what_is_roots_in_its_home(hostd: Hostd, client: Client) -> None:
    info = client.create()
    home = hostd.home(info.workspace)
    before = {path: seen(home / path) for path in ("", "vibecoder_workspace", "vibecoder_workspace/sessions")}
    with client.enter(info.workspace) as guest:
        for attempt in (
            "os.rename('vibecoder_workspace', 'x')",
            "os.rmdir('vibecoder_workspace')",
            "os.chmod('vibecoder_workspace', 0o777)",
            "os.chmod('.', 0o777)",
            "os.chown('.', os.getuid(), -1)",
            "os.rename('vibecoder_workspace/sessions', 'x')",
            "os.rmdir('vibecoder_workspace/sessions')",
            "os.rename('vibecoder_workspace/metadata', 'x')",
            "os.mkdir('vibecoder_workspace/x')",
            "os.listdir('vibecoder_workspace/metadata')",
            "open('vibecoder_workspace/metadata/secret')",
            "os.symlink('/etc', 'vibecoder_workspace/metadata/x')",
            "os.mkdir('y'); os.rename('y', 'vibecoder_workspace')",
        ):
            assert "PermissionError" in guest.run(f"import os; {attempt}")["error"], attempt
        assert None is guest.run("import os; os.mkdir('mine'); os.rename('mine', 'still-mine'); os.rmdir('still-mine')")
        assert None is guest.run("import os; os.mkdir('vibecoder_workspace/sessions/s')")
    assert before == {path: seen(home / path) for path in before}


def test_a_guests_log_is_opened_with_the_tenants_rights(client: Client, tmp_path: Path) -> None:
    """A log that is a link to another's file, a pipe or a folder is not written to; the guest starts all the same."""
    canary = tmp_path / "canary"
    canary.write_text("untouched")
    info = client.create()
    for trap in (
        f"os.symlink('{canary}', '.hostel/guest.log')",
        "os.mkfifo('.hostel/guest.log')",
        "os.mkdir('.hostel/guest.log')",
    ):
        with client.enter(info.workspace) as guest:
            clean = "import os, shutil; shutil.rmtree('.hostel', ignore_errors=True); os.makedirs('.hostel', exist_ok=True); "
            assert None is guest.run(clean + trap)
        client.call(StopWorkspace(workspace=info.workspace), Done)
        with client.enter(info.workspace) as guest:
            assert "/dev/null" == guest.run("import os; result = os.readlink('/proc/self/fd/2')")
            guest.run("import os; os.path.isdir('.hostel/guest.log') and os.rmdir('.hostel/guest.log')")
        client.call(StopWorkspace(workspace=info.workspace), Done)
        with client.enter(info.workspace) as guest:
            guest.run("import os; os.path.lexists('.hostel/guest.log') and os.unlink('.hostel/guest.log')")
    assert "untouched" == canary.read_text()


def test_a_running_guest_is_entered_and_not_started_again(client: Client) -> None:
    info = client.create()
    with pytest.raises(Fault) as caught:
        client.call(EnterWorkspace(workspace=info.workspace, start=False), Entered)
    assert Code.NOT_RUNNING == caught.value.code
    assert client.call(EnterWorkspace(workspace=info.workspace), Entered).started
    again = client.call(EnterWorkspace(workspace=info.workspace, start=False), Entered)
    assert not again.started
    assert [] == again.missing
    shown = client.call(ShowWorkspace(workspace=info.workspace), WorkspaceInfo)
    assert (True, 1) == (shown.running, shown.processes)


def test_a_guest_that_has_left_is_replaced(client: Client) -> None:
    info = client.create()
    with client.enter(info.workspace) as guest:
        first = guest.run("import os; result = os.getpid()")
    os.kill(first, 9)
    # Not until it is reaped: before that it may still accept, and never answer.
    wait_until(lambda: not Path(f"/proc/{first}").exists())
    with client.enter(info.workspace) as guest:
        assert first != guest.run("import os; result = os.getpid()")


def test_status_tells_every_layer(client: Client) -> None:
    layers = {layer.name: layer for layer in status(client).layers}
    assert {"account", "cgroup", "mounts", "private-tmp", "hidden-processes", "ipc"} <= layers.keys()
    assert all(layer.state in LayerState and layer.detail for layer in layers.values())


def test_an_interpreter_that_is_not_there_is_a_clear_failure() -> None:
    with Hostd(hostd={"guest_python": "/nonexistent/python"}) as hostd, hostd.client() as client:
        info = client.create()
        with pytest.raises(Fault, match=r"could not be started.*No such file") as caught:
            client.enter(info.workspace)
        assert Code.FAILED == caught.value.code
        assert [] == processes_of(info.uid)
        assert not client.call(ShowWorkspace(workspace=info.workspace), WorkspaceInfo).running


def test_a_guest_that_accepts_nothing_is_busy_and_hangs_nobody() -> None:
    with Hostd(DEAF) as hostd, hostd.client() as client:
        info, other = client.create(), client.create()
        with pytest.raises(Fault) as caught:
            for _ in range(300):
                client.call(EnterWorkspace(workspace=info.workspace), Entered)
        assert Code.BUSY == caught.value.code
        assert client.call(EnterWorkspace(workspace=other.workspace), Entered).started
        client.call(StopWorkspace(workspace=info.workspace), Done)
        assert client.call(EnterWorkspace(workspace=info.workspace), Entered).started


def test_a_layer_that_is_required_and_missing_fails_closed() -> None:
    """Where a machine gives every layer, one is taken away: the cgroup trees are hidden from hostd."""
    with Hostd(hostd={"require": ["cgroup"]}) as hostd:
        hostd.stop()
        hide = "import ctypes, os, sys; libc = ctypes.CDLL(None); assert libc.unshare(0x20000) == 0; "
        hide += "assert libc.mount(b'none', b'/', None, 0x44000, None) == 0; "
        hide += "assert libc.mount(b'none', b'/sys/fs/cgroup', b'tmpfs', 0, None) == 0; "
        hide += "[libc.umount2(line.split()[1].encode(), 2) for line in open('/proc/mounts') if ' cgroup' in line]; "
        hide += "os.execv(sys.argv[1], sys.argv[1:])"
        arguments: list[Any] = [sys.executable, "-I", "-m", "hostd", "--config", str(hostd.config)]
        hostd.start([sys.executable, "-c", hide, *arguments])
        with hostd.client() as client:
            layers = {layer.name: layer.state for layer in status(client).layers}
            assert LayerState.REQUIRED == layers["cgroup"]
            info = client.create()
            with pytest.raises(Fault, match="a required layer is missing: cgroup"):
                client.enter(info.workspace)
            assert [] == processes_of(info.uid)
