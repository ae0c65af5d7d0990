"""`hostelctl backup` and the other way of `hostelctl restore`: keys, store, registry, audit log and configuration in one file.

Homes are not in it: they may be large, and each tenant can export its own.
"""

import fcntl
import grp
import importlib.metadata
import os
import pwd
import re
import shutil
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from ctl.archives import CONFIG, FORMAT, MARK, Manifest, entry_of, pack, unpack
from ctl.base import Command, settings
from ctl.output import print_json
from shared.config import Config, load
from shared.errors import Code, Fault
from shared.ids import is_workspace_id

UID_MARK: Final = Path("/var/lib/hostel/uid-mark")
"""Where hostd keeps which uids are used up, for all of its installations on a host."""
_DATABASES: Final = {"hostd": "registry.sqlite", "api": "store.sqlite"}
_UIDS: Final = range(10_000, 2**31)
"""What `hostd.uid_first` and `hostd.uid_last` can be."""
_MARK_LINES: Final = re.compile(r"(?:\d{1,10} \d{1,10}\n)*", re.ASCII)
_LEFT_OUT: Final = ("-wal", "-shm", "-journal")
_SPARE: Final = "spare"
"""What hostd keeps on the disk for the moment when it is full."""
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def backup(context: click.Context, file: Path) -> None:
    """Write keys, store, registry, audit log and configuration into FILE, which only root may read. The daemons may run.

    Homes are not in it: copy them by other means, or have tenants export theirs. Whoever reads FILE can sign in as anybody.
    """
    manifest = save(settings(context).config_path, settings(context).config, file)
    if settings(context).json:
        print_json({"file": str(file), "files": len(manifest.files), "created": manifest.created})
    else:
        click.echo(f"{file}: {len(manifest.files)} files, {file.stat().st_size} bytes; homes are not in it")


def save(config_path: Path, config: Config, file: Path, mark: Path = UID_MARK) -> Manifest:
    """Make the backup; it is whole, or not there."""
    _be_root()
    if file.exists() or file.is_symlink():
        raise Fault(Code.CONFLICT, f"{file} is there already")
    if not file.parent.is_dir():
        raise Fault(Code.BAD_REQUEST, f"there is no folder {file.parent}")
    state, user = Path(config.state), _account(config.user)
    with _staged(state) as stage, _staged(file.parent) as place:
        stage.chmod(0o711)  # the copier of what is api's has to come through
        (stage / "config").mkdir()
        shutil.copyfile(config_path, stage / CONFIG)
        with suppress(FileNotFoundError):
            shutil.copyfile(mark, stage / MARK)
        for name, uid, gid in (("hostd", 0, 0), ("api", user.pw_uid, user.pw_gid)):
            _copy_as(uid, gid, state / name, stage / name)
        paths = sorted(str(path.relative_to(stage)) for path in stage.rglob("*") if path.is_file() and not path.is_symlink())
        created = datetime.now(UTC).isoformat(timespec="seconds")
        files = [entry_of(stage, path) for path in paths]
        manifest = Manifest(FORMAT, importlib.metadata.version("hostel"), created, config.state, files)
        draft = place / "backup"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
            pack(out, stage, manifest)
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, file)
    return manifest


def _copy_as(uid: int, gid: int, source: Path, target: Path) -> None:
    """Copy what belongs to `uid` with its rights, in a child: a link that api has put there leads to nothing of root's."""
    target.mkdir(mode=0o700)
    os.chown(target, uid, gid)
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.chdir(target)
            if uid:
                os.setgroups([])
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
            _copy(source, uid)
            status = 0
        except (OSError, sqlite3.Error) as error:
            print(f"error: {source}: {error}", file=sys.stderr)
        finally:
            os._exit(status)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise Fault(Code.FAILED, f"{source} cannot be copied")
    # From here on nobody but root changes what is there.
    for _, _, _, fd in os.fwalk(target):
        os.fchown(fd, 0, 0)


def _copy(source: Path, uid: int) -> None:
    """Into the current folder: the database as of one moment, and all other files."""
    database = _DATABASES[source.name]
    if (source / database).exists():
        live = sqlite3.connect(f"file:{source / database}?mode=rw", uri=True)
        with closing(live), closing(sqlite3.connect(database)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    # The audit log's head is the first to be copied: so the copy reaches as far as its head says, or farther.
    for folder, folders, files, fd in os.fwalk(source):
        folders.sort()
        for name in sorted(files, key=lambda name: (name != "head", name)):
            path = Path(folder, name).relative_to(source)
            if not name.startswith(database) and not name.startswith(".") and name != _SPARE and not name.endswith(_LEFT_OUT):
                with suppress(FileNotFoundError):  # it was removed meanwhile, as the oldest of the audit log are
                    _copy_file(name, fd, path, uid)


def _copy_file(name: str, folder: int, target: Path, uid: int) -> None:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != uid:
        return
    with os.fdopen(os.open(name, _OPEN, dir_fd=folder), "rb") as file:
        data = file.read()
    if name.endswith(".jsonl"):
        data = data[: data.rfind(b"\n") + 1]  # hostd may be in the middle of a line
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.write_bytes(data)


def bring_back(config_path: Path, file: Path, *, force: bool, mark: Path = UID_MARK) -> Manifest:
    """Put a backup in its place. Raises Fault, and nothing has changed: when it is damaged, daemons run, or there is a state.

    With `force` a state that is there is moved aside.
    """
    _be_root()
    parent = load(config_path).state if config_path.exists() else "/var/lib"
    Path(parent).mkdir(mode=0o711, parents=True, exist_ok=True)
    with _staged(Path(parent)) as stage:
        manifest = unpack(file, stage)
        if not (stage / CONFIG).exists():
            raise Fault(Code.BAD_REQUEST, "the backup holds no configuration")
        _check_registry(stage / "hostd" / _DATABASES["hostd"])
        if (stage / MARK).exists() and not _MARK_LINES.fullmatch((stage / MARK).read_text(encoding="ascii", errors="replace")):
            raise Fault(Code.BAD_REQUEST, f"the backup's {MARK} is damaged")
        config = load(config_path if config_path.exists() else stage / CONFIG)
        user, state = _account(config.user), Path(config.state)
        state.mkdir(mode=0o711, parents=True, exist_ok=True)
        state.chmod(0o711)
        with _stopped(state, user.pw_uid):
            _replace(stage, state, user, force=force)
            if not config_path.exists():
                config_path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(stage / CONFIG, config_path)
                os.chown(config_path, 0, user.pw_gid)
                config_path.chmod(0o640)
            _merge_mark(stage / MARK, mark)
        os.sync()
    return manifest


def _check_registry(path: Path) -> None:
    """Raise Fault unless all that it names can be hostel's: root removes what is called so, and kills what has that uid."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as db:
            rows = db.execute("SELECT id, uid, deleted FROM workspaces").fetchall()
            ((programs,),) = db.execute("SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchall()
    except sqlite3.Error as error:
        raise Fault(Code.BAD_REQUEST, f"the backup's registry cannot be used: {error}") from None
    holders = {entry.gr_gid: entry.gr_name for entry in grp.getgrall()} | {
        entry.pw_uid: entry.pw_name for entry in pwd.getpwall()
    }
    for name, uid, deleted in rows:
        known = isinstance(name, str) and is_workspace_id(name) and isinstance(uid, int) and uid in _UIDS
        if not known or not (deleted or holders.get(uid, name) == name):
            raise Fault(
                Code.BAD_REQUEST, f"the backup's registry names {str(name)[:100]!r}, uid {str(uid)[:20]}: none of hostel's"
            )
    if programs:
        raise Fault(Code.BAD_REQUEST, "the backup's registry holds what hostd has not made")


def _replace(stage: Path, state: Path, user: pwd.struct_passwd, *, force: bool) -> None:
    present = [state / name for name, database in _DATABASES.items() if (state / name / database).exists()]
    if present and not force:
        raise Fault(Code.CONFLICT, f"there is a state in {', '.join(map(str, present))}; --force moves it aside")
    moment = int(time.time())
    for name, uid, gid in (("hostd", 0, 0), ("api", user.pw_uid, user.pw_gid)):
        (stage / name).mkdir(mode=0o700, exist_ok=True)
        for folder, _, files in os.walk(stage / name):
            os.chown(folder, uid, gid)
            Path(folder).chmod(0o700)
            for file in files:
                os.chown(Path(folder, file), uid, gid)
        if (state / name).exists():
            (state / name).rename(state / f"{name}.before-{moment}")
        (stage / name).rename(state / name)


def _merge_mark(restored: Path, mark: Path) -> None:
    """Whatever was used up here or there is used up."""
    lines = [path.read_text(encoding="ascii") for path in (mark, restored) if path.exists()]
    if lines:
        mark.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        draft = mark.with_name(f".{mark.name}.restored")
        draft.write_text("".join(lines), encoding="ascii")
        draft.chmod(0o600)
        draft.replace(mark)


@contextmanager
def _stopped(state: Path, uid: int) -> Iterator[None]:
    """Raise Fault BUSY while a daemon uses the state."""
    lock = os.open(state / "hostd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) if (state / "hostd").exists() else None
    try:
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if any(target.startswith(f"{state}/api/") for target in _opened_by(uid)):
            raise Fault(Code.BUSY, "api runs; stop both daemons first")
        yield
    except BlockingIOError:
        raise Fault(Code.BUSY, "hostd runs; stop both daemons first") from None
    finally:
        if lock is not None:
            os.close(lock)


def _opened_by(uid: int) -> Iterator[str]:
    """What processes of `uid` hold open."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.stat().st_uid == uid:
                for descriptor in (process / "fd").iterdir():
                    yield str(descriptor.readlink())


@contextmanager
def _staged(parent: Path) -> Iterator[Path]:
    stage = Path(tempfile.mkdtemp(prefix=".hostel-", dir=parent))
    try:
        yield stage
    finally:
        shutil.rmtree(stage)


def _be_root() -> None:
    if os.geteuid() != 0:
        raise Fault(Code.FORBIDDEN, "this is root's: the backup holds every key of the host")


def _account(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise Fault(Code.NOT_FOUND, f"there is no user {name} for the api") from None
