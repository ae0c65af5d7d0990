"""A Debian with systemd as its process 1, in a container, with hostel installed in it.

The base is made once by mmdebstrap, and the installation once for each state of the sources; both stay in CACHE. A machine
is an overlay above the two, and gone without a trace when its block ends.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tools.environments import CHECKOUT, Sources, digest

CACHE: Final = Path("/var/cache/hostel-test")
SUITE: Final = "bookworm"
PACKAGES: Final = "systemd,systemd-sysv,dbus,python3,procps,git"
BOOT_WITHIN: Final = 60.0
STOP_WITHIN: Final = 20.0


def _made_once(place: Path, make: Callable[[Path], None]) -> Path:
    """`place`, made by `make` under another name first; who comes at the same time waits."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{place}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            new = Path(f"{place}.new")
            shutil.rmtree(new, ignore_errors=True)
            make(new)
            new.rename(place)
    return place


def _run(*argv: str | Path) -> None:
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False
    )
    assert 0 == done.returncode, f"{argv[0]}: {done.stdout[-4000:]}"


def base() -> Path:
    """The root of a small Debian."""
    return _made_once(CACHE / SUITE, lambda new: _run("mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, new))


def installation() -> Path:
    """What `make install` puts under DESTDIR, from these sources."""
    name = f"install-{digest(Sources().digest, 'systemd', 'tools', 'hostel.example.toml')[:16]}"
    for old in CACHE.glob("install-*"):
        if not old.name.startswith(name):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    return _made_once(CACHE / name, lambda new: _run("make", "-C", CHECKOUT, "install", f"DESTDIR={new}"))


class Machine:
    """A booted container; `with Machine() as machine`."""

    def __init__(self) -> None:
        """Nothing is made yet."""
        assert os.geteuid() == 0, "these tests boot a container: run them as root"
        self.name = f"hostel-test-{secrets.token_hex(4)}"
        self._folder = Path("/var/lib") / self.name
        self.root = self._folder / "root"
        self._cgroups = [tree / self.name for tree in _cgroup_trees()]
        self._undo = contextlib.ExitStack()
        self._nspawn: subprocess.Popen[bytes] | None = None
        self.leader = 0

    def __enter__(self) -> Self:
        """Boot."""
        try:
            self._mount()
            self._boot()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Power off, and remove all that was made."""
        if error is not None:
            print(self._log.read_text(errors="replace")[-4000:])  # pytest shows it with the failure
        self._undo.close()

    def _mount(self) -> None:
        lower = f"{installation()}:{base()}"
        for name in ("upper", "work", "root"):
            (self._folder / name).mkdir(parents=True)
        self._undo.callback(shutil.rmtree, self._folder)
        options = f"lowerdir={lower},upperdir={self._folder}/upper,workdir={self._folder}/work"
        _run("mount", "-t", "overlay", "-o", options, self.name, self.root)
        self._undo.callback(_run, "umount", self.root)

    def _boot(self) -> None:
        self._undo.callback(self._remove_cgroups)
        for cgroup in self._cgroups:
            cgroup.mkdir()
        argv = [
            "systemd-nspawn",
            "--register=no",
            "--keep-unit",
            "--private-network",
            "--console=pipe",
            "--kill-signal=SIGRTMIN+3",
        ]
        # A shell puts itself into the cgroups before it becomes nspawn.
        join = "".join(f"echo $$ > {cgroup}/cgroup.procs && " for cgroup in self._cgroups)
        command = ["sh", "-c", join + 'exec "$@"', "sh", *argv, "-D", str(self.root), "-M", self.name, "-b"]
        with self._log.open("wb") as log:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._undo.callback(self._power_off)
        self._wait(self._find_leader, "a first process")
        self._wait(self._is_up, "the end of its start")
        self._take_controllers()

    @property
    def _log(self) -> Path:
        return self._folder / "console.log"

    def _wait(self, happened: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + BOOT_WITHIN
        while not happened():
            assert self._nspawn is not None
            assert self._nspawn.poll() is None, f"the container died:\n{self._log.read_text(errors='replace')}"
            assert time.monotonic() < end, f"the container did not reach {what}:\n{self._log.read_text(errors='replace')}"
            time.sleep(0.05)

    def _find_leader(self) -> bool:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        self.leader = int(children[0]) if children else 0
        return bool(self.leader) and Path(f"/proc/{self.leader}/comm").read_text().strip() == "systemd"

    def _is_up(self) -> bool:
        return self.call("systemctl", "is-system-running", check=False).strip() in {"running", "degraded"}

    def _take_controllers(self) -> None:
        """Give the container's systemd the v1 controllers, which nspawn hands over read-only."""
        trees = [tree for tree in _cgroup_trees() if tree.name not in {"systemd", "unified", "cgroup"}]
        for tree in trees:
            _run("nsenter", "-t", str(self.leader), "-m", "mount", "-o", "remount,bind,rw", tree)
        if trees:
            self.call("systemctl", "daemon-reexec")
            self._wait(self._is_up, "its second start")

    def _power_off(self) -> None:
        assert self._nspawn is not None
        # To the container's first process: nspawn itself would leave it behind.
        for number, within in ((signal.SIGRTMIN + 4, STOP_WITHIN), (signal.SIGKILL, STOP_WITHIN)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.leader or self._nspawn.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nspawn.wait(within)
                return
        self._nspawn.kill()
        self._nspawn.wait()

    def _remove_cgroups(self) -> None:
        for cgroup in self._cgroups:
            for folder, _, _ in os.walk(cgroup, topdown=False):
                os.rmdir(folder)  # a name of os.walk

    def call(self, *argv: str, check: bool = True, stdin: str = "", timeout: float = 120) -> str:
        """The output of a program in the container, run as its root; an assertion unless it succeeds."""
        enter = [
            "nsenter",
            "-t",
            str(self.leader),
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "-C",
            "--",
            "env",
            "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        done = subprocess.run(
            [*enter, *argv],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert not check or 0 == done.returncode, f"{' '.join(argv)}: {done.returncode}\n{done.stdout}"
        return done.stdout


def _cgroup_trees() -> Iterator[Path]:
    """Mounts of cgroup trees, without cpuset: a new folder of its v1 tree takes no process."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "cpuset" not in options.split(",")):
            yield Path(place)
