"""The end of a workspace on a real host: locked, restored, removed with all that it left anywhere; and credentials at rest."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Code, Fault
from shared.hostwire import (
    AuthType,
    CreateWorkspace,
    DeleteWorkspace,
    GetProviders,
    LockWorkspace,
    MasterRotated,
    ProviderAuth,
    ProviderChange,
    Providers,
    PurgeWorkspace,
    RestoreWorkspace,
    RotateMaster,
    SetProviders,
    ShowWorkspace,
    StopWorkspace,
    VerifySecret,
    WorkspaceInfo,
    WorkspaceState,
)
from shared.messages import Done
from shared.secret import Secret
from tests.root.hostd_harness import HASH, Client, Hostd, as_tenant_python, code_of, processes_of, wait_until

pytestmark = pytest.mark.root

SENTINEL = "sk-lifecycle-sentinel"
KEY = ProviderAuth(AuthType.API_KEY, Secret(SENTINEL))
SECRET = Secret("hws_lifecycle")
DAEMON = "import subprocess; subprocess.Popen(['setsid', '--fork', 'sleep', '600']).wait()"
SHM = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
made = (libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600), libc.semget(0, 1, 0o1600))
assert min(made) >= 0, ctypes.get_errno()
import os
open('/dev/shm/hostel-lifecycle-%d' % os.getuid(), 'w').close()
os.makedirs('/dev/shm/hostel-closed-%d/in' % os.getuid())
os.chmod('/dev/shm/hostel-closed-%d' % os.getuid(), 0)
"""


@pytest.fixture(scope="module")
def hostd() -> Iterator[Hostd]:
    with Hostd(hostd={"deletion_grace": 1}) as running:
        yield running


def ipc_of(uid: int) -> list[str]:
    found = []
    for kind in ("shm", "msg", "sem"):
        heads, *lines = (line.split() for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines())
        found += [kind for line in lines if str(uid) in (line[heads.index("uid")], line[heads.index("cuid")])]
    return found


def files_of(uid: int, *roots: Path) -> list[str]:
    present = [str(root) for root in roots if root.exists()]
    argv = ["find", *present, "(", "-uid", str(uid), "-o", "-gid", str(uid), ")"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.split()


@contextlib.contextmanager
def crontab(name: str, uid: int) -> Iterator[Path]:
    """A job of cron's, as an operator may have allowed it."""
    spool = Path("/var/spool/cron/crontabs")
    made = [folder for folder in (spool, *spool.parents) if not folder.exists()]
    spool.mkdir(parents=True, exist_ok=True)
    path = spool / name
    path.write_text("* * * * * true\n")
    os.chown(path, uid, 0)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        for folder in made:
            folder.rmdir()


def test_a_locked_workspace_runs_nothing_and_a_restored_one_is_what_it_was(hostd: Hostd, client: Client) -> None:
    info = client.create(secret_hash=hashlib.sha256(SECRET.reveal().encode()).hexdigest())
    with client.enter(info.workspace) as guest:
        guest.run("open('kept', 'w').write('as it was')")
        guest.run(DAEMON)
    wait_until(lambda: len(processes_of(info.uid)) >= 2)
    locked = client.call(LockWorkspace(workspace=info.workspace), WorkspaceInfo)
    assert (WorkspaceState.LOCKED, False) == (locked.state, locked.running)
    assert locked.locked is not None
    assert [] == processes_of(info.uid)
    assert not (hostd.run / "credentials" / info.workspace).exists()
    with pytest.raises(Fault) as caught:
        client.enter(info.workspace)
    assert Code.NOT_READY == caught.value.code
    assert Code.NOT_READY == code_of(client, StopWorkspace(workspace=info.workspace))
    assert Code.NOT_READY == code_of(client, SetProviders(workspace=info.workspace, changes={}))
    # Its secret is still good: whoever has it may restore it.
    client.call(VerifySecret(workspace=info.workspace, secret=SECRET), Done)
    assert Code.UNAUTHORIZED == code_of(client, VerifySecret(workspace=info.workspace, secret=Secret("wrong")))
    assert locked.locked == client.call(LockWorkspace(workspace=info.workspace), WorkspaceInfo).locked
    expired = subprocess.run(["chage", "-l", info.workspace], capture_output=True, text=True, check=True).stdout
    assert "1970" in expired
    hostd.restart()
    with hostd.client() as again:
        assert WorkspaceState.LOCKED == again.call(ShowWorkspace(workspace=info.workspace), WorkspaceInfo).state
        restored = again.call(RestoreWorkspace(workspace=info.workspace), WorkspaceInfo)
        assert (WorkspaceState.READY, None) == (restored.state, restored.locked)
        with again.enter(info.workspace) as guest:
            assert "as it was" == guest.run("result = open('kept').read()")
    expired = subprocess.run(["chage", "-l", info.workspace], capture_output=True, text=True, check=True).stdout
    assert "1970" not in expired


def test_a_lock_that_was_cut_short_is_finished_at_the_start(hostd: Hostd) -> None:
    with hostd.client() as client:
        info = client.create()
        client.enter(info.workspace).sock.close()
        hostd.stop(signal.SIGKILL)
        registry = hostd.state / "hostd/registry.sqlite"
        with contextlib.closing(sqlite3.connect(registry)) as db, db:
            db.execute("UPDATE workspaces SET locked = '2026-01-01T00:00:00Z' WHERE id = ?", (info.workspace,))
        assert processes_of(info.uid)
        hostd.start()
    assert [] == processes_of(info.uid)


def test_what_is_purged_leaves_nothing_anywhere(hostd: Hostd) -> None:
    with hostd.client() as client:
        info = client.create(providers={"claude": ProviderChange(auth=KEY)})
        other = client.create()
        with client.enter(info.workspace) as guest:
            guest.run("import os; os.makedirs('a/b'); open('a/b/c', 'w').close(); os.chmod('a', 0)")
            guest.run("open('/tmp/left', 'w').close()")
            guest.run(DAEMON)
        with crontab(info.workspace, info.uid) as job, crontab(other.workspace, other.uid) as others_job:
            for one in (info, other):
                assert 0 == as_tenant_python(one.uid, SHM).wait()
            try:
                assert ["msg", "sem", "shm"] == sorted(ipc_of(info.uid))
                assert Code.CONFLICT == code_of(client, PurgeWorkspace(workspace=info.workspace))
                client.call(LockWorkspace(workspace=info.workspace), WorkspaceInfo)
                wait_until(lambda: _purged(client, info.workspace))
                assert not job.exists()
                assert others_job.exists()
                assert ["msg", "sem", "shm"] == sorted(ipc_of(other.uid))
            finally:
                subprocess.run(
                    ["setpriv", f"--reuid={other.uid}", f"--regid={other.uid}", "--clear-groups", "ipcrm", "--all"],
                    check=False, capture_output=True,
                )  # fmt: skip
                left = Path(f"/dev/shm/hostel-lifecycle-{other.uid}")
                assert left.exists()
                left.unlink()
                shutil.rmtree(f"/dev/shm/hostel-closed-{other.uid}")
        assert [] == ipc_of(info.uid)
        assert [] == processes_of(info.uid)
        assert [] == files_of(
            info.uid, hostd.folder, Path("/dev/shm"), Path("/dev/mqueue"), Path("/var/spool"), Path("/var/mail")
        )
        assert info.workspace not in Path("/etc/passwd").read_text() + Path("/etc/group").read_text()
        for request in (PurgeWorkspace, LockWorkspace, RestoreWorkspace, ShowWorkspace):
            assert Code.GONE == code_of(client, request(workspace=info.workspace))
        hostd.restart()
    with hostd.client() as client:
        assert info.uid < min(client.create().uid for _ in range(3))


def _purged(client: Client, workspace: str) -> bool:
    try:
        client.call(PurgeWorkspace(workspace=workspace), Done)
    except Fault as fault:
        assert Code.CONFLICT == fault.code
        return False
    return True


def test_what_was_not_made_to_its_end_can_be_locked_and_purged(hostd: Hostd) -> None:
    with hostd.client() as client:
        info = client.create()
        hostd.stop()
        registry = hostd.state / "hostd/registry.sqlite"
        with contextlib.closing(sqlite3.connect(registry)) as db, db:
            db.execute("UPDATE workspaces SET state = 'creating' WHERE id = ?", (info.workspace,))
        shutil.rmtree(hostd.home(info.workspace))
        hostd.start()
    with hostd.client() as client:
        assert WorkspaceState.LOCKED == client.call(LockWorkspace(workspace=info.workspace), WorkspaceInfo).state
        assert Code.CONFLICT == code_of(client, CreateWorkspace(workspace=info.workspace, secret_hash=HASH))
        assert WorkspaceState.CREATING == client.call(RestoreWorkspace(workspace=info.workspace), WorkspaceInfo).state
        assert WorkspaceState.READY == client.create(info.workspace).state
        client.call(LockWorkspace(workspace=info.workspace), WorkspaceInfo)
        client.call(DeleteWorkspace(workspace=info.workspace), Done)
        assert Code.GONE == code_of(client, ShowWorkspace(workspace=info.workspace))


def stored(hostd: Hostd, workspace: str) -> Path:
    return hostd.home(workspace) / "vibecoder_workspace/metadata/providers.json"


def told(client: Client, workspace: str) -> dict[str, Any]:
    with client.enter(workspace) as guest:
        found: dict[str, Any] = json.loads(guest.run("import os; result = open(os.environ['HOSTEL_CREDENTIALS']).read()"))
        return found


def test_no_credential_is_in_plain_text_on_disk(hostd: Hostd, client: Client) -> None:
    info = client.create(providers={"claude": ProviderChange(auth=KEY)})
    assert SENTINEL == told(client, info.workspace)["claude"]["value"]
    client.call(StopWorkspace(workspace=info.workspace), Done)
    found = subprocess.run(["grep", "-r", "-l", SENTINEL, str(hostd.state)], capture_output=True, text=True, check=False)
    assert "" == found.stdout
    assert not (hostd.run / "credentials" / info.workspace).exists()


def test_the_plain_text_of_an_earlier_version_is_sealed_at_the_start(hostd: Hostd) -> None:
    with hostd.client() as client:
        info = client.create()
        hostd.stop()
        old = {"claude": {"enabled": True, "auth": {"type": "api_key", "value": SENTINEL}}}
        stored(hostd, info.workspace).write_text(json.dumps(old))
        published = hostd.home(info.workspace) / "vibecoder_workspace/providers.json"
        published.write_text(SENTINEL)
        registry = hostd.state / "hostd/registry.sqlite"
        with contextlib.closing(sqlite3.connect(registry)) as db, db:
            db.execute("UPDATE workspaces SET master = NULL")
        hostd.start()
    assert SENTINEL not in stored(hostd, info.workspace).read_text()
    assert not published.exists()
    with hostd.client() as client:
        assert SENTINEL == told(client, info.workspace)["claude"]["value"]


def test_a_new_master_key_opens_all_and_the_old_one_is_forgotten(hostd: Hostd, client: Client) -> None:
    made = [client.create(providers={"claude": ProviderChange(auth=KEY)}) for _ in range(3)]
    client.call(LockWorkspace(workspace=made[2].workspace), WorkspaceInfo)
    key = hostd.state / "hostd/master.key"
    before, sealed = key.read_text(), [stored(hostd, one.workspace).read_text() for one in made]
    assert client.call(RotateMaster(), MasterRotated).resealed >= 3
    assert 1 == len(key.read_text().split())
    assert before != key.read_text()
    for one, old in zip(made, sealed, strict=True):
        assert old != stored(hostd, one.workspace).read_text()
    assert SENTINEL == told(client, made[0].workspace)["claude"]["value"]
    client.call(RestoreWorkspace(workspace=made[2].workspace), WorkspaceInfo)
    assert SENTINEL == told(client, made[2].workspace)["claude"]["value"]
    assert Code.FORBIDDEN == _as_api(hostd)


def _as_api(hostd: Hostd) -> Code:
    with hostd.client(uid=hostd.account().pw_uid) as api:
        return code_of(api, RotateMaster())


def test_a_rotation_that_was_cut_short_is_finished(hostd: Hostd) -> None:
    with hostd.client() as client:
        info = client.create(providers={"claude": ProviderChange(auth=KEY)})
        hostd.stop(signal.SIGKILL)
        key = hostd.state / "hostd/master.key"
        # The new key was kept, and nothing was sealed under it yet.
        key.write_text("ab" * 32 + "\n" + key.read_text())
        hostd.start()
    with hostd.client() as client:
        assert SENTINEL == told(client, info.workspace)["claude"]["value"]
        client.call(RotateMaster(), MasterRotated)
        assert ["ab" * 32] == key.read_text().split()
        client.call(StopWorkspace(workspace=info.workspace), Done)
        assert SENTINEL == told(client, info.workspace)["claude"]["value"]


def test_a_lost_master_key_fails_one_workspace_clearly_and_hostd_goes_on(hostd: Hostd) -> None:
    with hostd.client() as client:
        info = client.create(providers={"claude": ProviderChange(auth=KEY), "codex": ProviderChange(enabled=False)})
        hostd.stop()
        (hostd.state / "hostd/master.key").write_text("cd" * 32 + "\n")
        hostd.start()
    with hostd.client() as client:
        with pytest.raises(Fault, match="does not open the credentials of claude: set or remove") as caught:
            client.enter(info.workspace)
        assert Code.FAILED == caught.value.code
        assert {"claude", "codex"} == client.call(GetProviders(workspace=info.workspace), Providers).providers.keys()
        changes: dict[str, ProviderChange | None] = {"codex": ProviderChange(enabled=True)}
        assert Code.FAILED == code_of(client, SetProviders(workspace=info.workspace, changes=changes))
        changes = {"claude": ProviderChange(auth=KEY)}
        client.call(SetProviders(workspace=info.workspace, changes=changes), Providers)
        assert SENTINEL == told(client, info.workspace)["claude"]["value"]
        client.call(RotateMaster(), MasterRotated)


@pytest.mark.parametrize("content", ["", "xyz", "ab" * 31, "ab" * 32 + "\nshort"])
def test_a_damaged_master_key_is_said_and_not_replaced(hostd: Hostd, content: str) -> None:
    hostd.stop()
    key = hostd.state / "hostd/master.key"
    before = key.read_text()
    key.write_text(content)
    try:
        argv = [sys.executable, "-I", "-m", "hostd", "--config", str(hostd.config)]
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        assert 1 == ended.returncode
        assert "master.key is damaged" in ended.stderr
        assert content == key.read_text()
    finally:
        key.write_text(before)
        hostd.start()
