"""A backup of a host that works, brought back where nothing is: what was good is good, what is gone stays gone."""

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.archives import FORMAT, Manifest, entry_of, pack
from ctl.backup import bring_back
from hostd.registry import Registry
from shared.errors import Code, Fault
from tests.root.hostd_harness import wait_until
from tests.stack import Stack, Tenant

pytestmark = pytest.mark.root


def hostelctl(stack: Stack, *arguments: str, good: bool = True) -> str:
    argv = [sys.executable, "-I", "-m", "ctl", "--config", str(stack.path), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert good == (done.returncode == 0), (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


async def check(stack: Stack, tenant: Tenant, key: str, gone: str) -> None:
    await tenant.call("GET", tenant.base)
    await tenant.call("GET", f"{tenant.base}/sessions")
    await stack.login(tenant.workspace, tenant.secret)
    async with stack.http.get(tenant.base, headers={"Authorization": f"Bearer {key}"}) as reply:
        assert 200 == reply.status, await reply.text()
    with stack.host() as host, pytest.raises(Fault) as caught:
        host.show_workspace(workspace=gone)
    assert Code.GONE == caught.value.code
    assert "SENTINEL" in (stack.folder / "run/credentials" / tenant.workspace / "providers.json").read_text()


def rotate(stack: Stack) -> None:
    """All keys of the server: what is good stays good."""
    assert "signs from now on" in hostelctl(stack, "signing", "rotate")
    assert ["signs", "verifies"] == [line.split()[1] for line in hostelctl(stack, "signing", "list").splitlines()[1:]]
    assert "sealed anew" in hostelctl(stack, "signing", "rotate", "--seal")
    assert "there is no such signing key" in hostelctl(stack, "signing", "revoke", "none", good=False)
    assert "under a new key" in hostelctl(stack, "master", "rotate")


async def test_a_backup_is_brought_back_on_an_empty_state() -> None:
    async with Stack() as stack:
        tenant, other = await stack.tenant(), await stack.tenant()
        await tenant.call("PATCH", tenant.base, {"providers": {"claude": {"auth": {"type": "api_key", "value": "SENTINEL"}}}})
        made = await tenant.call("POST", f"{tenant.base}/keys", {"name": "k", "rank": "member"})
        key = max((value for value in made.values() if isinstance(value, str) and value.startswith("hst_")), key=len)
        hostelctl(stack, "delete", "--yes", other.workspace)
        await check(stack, tenant, key, other.workspace)
        rotate(stack)
        await check(stack, tenant, key, other.workspace)
        file = stack.folder / "backup.tar.gz"
        # A link that a taken-over api leaves in its folder leads to nothing of root's.
        (stack.state / "api/link").symlink_to(stack.state / "hostd/master.key")
        (stack.state / "api/keys/link").symlink_to("/etc/shadow")
        assert "homes are not in it" in hostelctl(stack, "backup", str(file))
        assert (0, 0o600) == (file.stat().st_uid, stat.S_IMODE(file.stat().st_mode))
        assert "is there already" in hostelctl(stack, "backup", str(file), good=False)
        names = subprocess.run(["tar", "-tzf", file], capture_output=True, text=True, check=True).stdout.split()
        assert "manifest.json" == names[0]
        assert {"config/hostel.toml", "uid-mark", "hostd/master.key", "hostd/registry.sqlite", "api/store.sqlite"} < set(names)
        assert {"hostd/audit.key", "api/keys/seal", "api/keys/signing-1.pem"} < set(names)
        assert not [name for name in names if name.endswith("link")]

        assert "stop both daemons" in hostelctl(stack, "restore", str(file), good=False)
        stack.hostd.stop()
        assert "stop both daemons" in hostelctl(stack, "restore", str(file), good=False)
        stack.api.stop()
        assert "there is a state" in hostelctl(stack, "restore", str(file), good=False)
        for name in ("hostd", "api"):
            shutil.rmtree(stack.state / name)
        assert "files of" in hostelctl(stack, "restore", str(file))
        api = stack.state / "api/store.sqlite"
        assert (api.parent.owner(), 0o600) == (api.owner(), stat.S_IMODE(api.stat().st_mode))
        assert (0, 0o600) == ((stack.state / "hostd/master.key").stat().st_uid, 0o600)
        assert "root" != api.owner()
        await stack.hostd.start()
        await stack.api.start()
        await check(stack, tenant, key, other.workspace)
        with stack.host() as host:
            (info,) = stack.workspaces(host)
            assert tenant.workspace == info.workspace
        fresh = await stack.tenant()
        with stack.host() as host:
            assert host.show_workspace(workspace=fresh.workspace).uid > info.uid
        wait_until(lambda: hostelctl(stack, "audit", "verify"))

        # Over a state that is there, only when it is said, and then that one is moved aside.
        stack.api.stop()
        stack.hostd.stop()
        hostelctl(stack, "restore", "--force", str(file))
        assert 2 == len([name for name in os.listdir(stack.state) if ".before-" in name])
        await stack.hostd.start()
        await stack.api.start()
        await check(stack, tenant, key, other.workspace)
        subprocess.run(["userdel", "-f", fresh.workspace], check=False, capture_output=True)
        Path(stack.folder, "backup.tar.gz").unlink()


WORKSPACE, GONE = "w" + "a" * 24, "w" + "b" * 24


@pytest.fixture
def folder() -> Iterator[Path]:
    """One in which the configuration lets a state be."""
    made = Path(tempfile.mkdtemp(prefix="hostel-test-", dir="/var/lib"))
    yield made
    shutil.rmtree(made)


def made(folder: Path, statement: str, mark: str) -> tuple[Path, Path]:
    """A configuration, and a backup of one workspace on whose registry `statement` was run."""
    stage = folder / "stage"
    (stage / "hostd").mkdir(parents=True)
    registry = Registry(stage / "hostd/registry.sqlite")
    registry.add(WORKSPACE, 1_999_999_999)
    registry.close()
    with contextlib.closing(sqlite3.connect(stage / "hostd/registry.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.executescript(statement)
    (stage / "config").mkdir()
    config = folder / "hostel.toml"
    config.write_text(f'state = "{folder}/state"\nrun = "{folder}/run"\nuser = "nobody"\n')
    shutil.copyfile(config, stage / "config/hostel.toml")
    (stage / "uid-mark").write_text(mark)
    files = [entry_of(stage, path) for path in ("config/hostel.toml", "hostd/registry.sqlite", "uid-mark")]
    with (folder / "backup").open("wb") as out:
        pack(out, stage, Manifest(FORMAT, "1", "now", f"{folder}/state", files))
    return config, folder / "backup"


@pytest.mark.parametrize(
    ("statement", "mark", "why"),
    [
        ("UPDATE workspaces SET uid = 0", "", "uid 0"),
        ("UPDATE workspaces SET uid = 1000", "", "uid 1000"),
        ("UPDATE workspaces SET uid = 65534", "", "uid 65534"),
        ("UPDATE workspaces SET uid = 5000000000", "", "uid 5000000000"),
        ("UPDATE workspaces SET id = '../../../etc', locked = '2026-01-01T00:00:00Z'", "", "etc"),
        ("UPDATE workspaces SET id = 'root'", "", "root"),
        ("CREATE TRIGGER t AFTER UPDATE ON workspaces BEGIN UPDATE workspaces SET uid = 0; END", "", "has not made"),
        ("DROP TABLE workspaces", "", "cannot be used"),
        ("", "0 x\n", "uid-mark is damaged"),
        ("", "1 2", "uid-mark is damaged"),
    ],
)
def test_a_backup_that_would_turn_root_against_the_host_is_refused(folder: Path, statement: str, mark: str, why: str) -> None:
    """Hostd kills what has a uid of its registry, and removes folders that are called as its ids are."""
    config, file = made(folder, statement, mark)
    with pytest.raises(Fault, match=why) as caught:
        bring_back(config, file, force=False, mark=folder / "mark")
    assert Code.BAD_REQUEST == caught.value.code
    assert [] == os.listdir(folder / "state")
    assert not (folder / "mark").exists()


def test_one_that_is_as_hostd_made_it_is_brought_back(folder: Path) -> None:
    """A uid of a workspace that is gone may be anybody's since."""
    gone = f"INSERT INTO workspaces (id, uid, state, created, deleted) VALUES ('{GONE}', 65534, 'deleting', '', 'then')"  # noqa: S608
    config, file = made(folder, gone, "1 2\n")
    bring_back(config, file, force=False, mark=folder / "mark")
    assert "1 2\n" == (folder / "mark").read_text()
    assert ["api", "hostd"] == sorted(os.listdir(folder / "state"))
