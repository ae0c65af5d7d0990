"""`make run` as a person types it: from a checkout that nobody but root can enter, on a port and a state of its own."""

import contextlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.stack import free_port
from tools.environments import CHECKOUT, Sources

pytestmark = pytest.mark.root
UP_WITHIN: Final = 240.0
LINK: Final = re.compile(r"http://127\.0\.0\.1:(\d+)/#redeem=(\S+)")


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A copy in a folder that is root's alone."""
    folder = Path(f"/var/lib/hostel-test-{secrets.token_hex(4)}")
    folder.mkdir(mode=0o700)
    copy = folder / "checkout"
    copy.mkdir()
    # With what the client was built into, as of any checkout in which `make` has run before.
    for name in ("pyproject.toml", "README.md", "LICENSE", "Makefile", "tools", "web", *Sources().packages):
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, copy / name)
    yield copy
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def states() -> Iterator[Callable[[], Path]]:
    """Makes names of state folders, and removes the folders and the users in them."""
    made: list[Path] = []

    def new() -> Path:
        made.append(Path(f"/var/lib/hostel-test-{secrets.token_hex(4)}"))
        return made[-1]

    yield new
    for state in made:
        for entry in pwd.getpwall():
            if entry.pw_dir.startswith(f"{state}/"):
                subprocess.run(["userdel", entry.pw_name], check=True, capture_output=True)
        shutil.rmtree(state, ignore_errors=True)


class Running:
    """A `make run`, its output so far, and the link that it printed."""

    def __init__(self, checkout: Path, state: Path, port: int) -> None:
        """Start it as the leader of a process group, as a shell would."""
        self.state, self.port = state, port
        self.began = time.monotonic()
        self.output = ""
        argv = ["make", "--no-print-directory", "-C", str(checkout), "run", f"STATE={state}", f"PORT={port}"]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output += line

    def refused(self) -> str:
        """What it said before it gave up."""
        assert 2 == self.process.wait(30), "make's own status for a recipe that failed"
        self._reader.join(10)
        return self.output

    def until(self, happened: Callable[[], object], within: float = UP_WITHIN) -> None:
        """Wait for a condition, or fail with what was printed."""
        end = time.monotonic() + within
        while not happened():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.02)

    def up(self) -> "Running":
        """Wait for the link."""
        self.until(lambda: LINK.search(self.output) and "stop: Ctrl-C" in self.output)
        return self

    @property
    def token(self) -> str:
        """The one-time token that was printed."""
        found = LINK.findall(self.output)
        assert [str(self.port)] == [port for port, _ in found]
        return str(found[0][1])

    def post(self, path: str, body: object, token: str = "") -> Any:  # noqa: ANN401  # JSON
        """The JSON that a POST answers."""
        headers = {"Content-Type": "application/json", "Prefer": "wait=30"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=40) as reply:  # noqa: S310  # our own http URL
            return json.load(reply)

    def room(self) -> tuple[str, int]:
        """A workspace in which a program runs: its id and its uid."""
        admin = self.post("/api/auth/redeem", {"token": self.token})["accessToken"]
        made = self.post("/api/workspaces", {}, admin)
        workspace = made["workspaceId"]
        token = self.post("/api/workspaces/login", {key: made[key] for key in ("workspaceId", "workspaceSecret")})[
            "workspaceToken"
        ]
        session = self.post(f"/api/workspaces/{workspace}/sessions", {}, token)["sessionId"]
        self.post(f"/api/workspaces/{workspace}/sessions/{session}/terminals", {"command": ["/bin/sleep", "1000"]}, token)
        return workspace, pwd.getpwnam(workspace).pw_uid

    def ctl(self, *argv: str) -> Any:  # noqa: ANN401  # JSON
        """What hostelctl says."""
        done = subprocess.run(
            [self.state / "bin/hostelctl", *argv, "--json"], capture_output=True, text=True, check=True, env={}
        )
        return json.loads(done.stdout)

    def daemon(self, name: str) -> int:
        """The pid of a daemon, or 0."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if f"-m\0{name}\0--config\0{self.state}/hostel.toml" in path.read_text():
                    return int(path.parent.name)
        return 0

    def signal(self, number: int) -> None:
        """Send a signal as a terminal does, to the whole group, and wait for the end."""
        os.killpg(self.process.pid, number)
        self.process.wait(60)
        self._reader.join(10)

    def leavings(self) -> list[str]:
        """Processes that have the state folder in their command line."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if str(self.state) in (text := path.read_text()):
                    found.append(text)
        return found


@pytest.fixture(scope="module")
def running(checkout: Path, states: Callable[[], Path]) -> Iterator[Running]:
    """One that is up, for as long as the tests of this module take."""
    running = Running(checkout, states(), free_port())
    try:
        yield running.up()
    finally:
        if running.process.poll() is None:
            running.signal(signal.SIGINT)
        assert [] == running.leavings()


def processes_of(uid: int) -> list[int]:
    """The pids of a user's processes; not of those that have ended and that process 1 has yet to collect."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (path / "status").read_text()
            if f"\nUid:\t{uid}\t" in status and "\nState:\tZ" not in status:
                found.append(int(path.name))
    return found


def test_it_prints_one_link_that_signs_in_once(running: Running) -> None:
    assert 1 == len(LINK.findall(running.output))
    workspace, uid = running.room()
    assert [workspace] == [item["workspace"] for item in running.ctl("workspaces")]
    assert processes_of(uid)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        running.post("/api/auth/redeem", {"token": running.token})


def test_tenants_can_read_what_guests_run_and_change_none_of_it(running: Running) -> None:
    for folder in (running.state / "lib", running.state / "lib/guest", running.state / "lib/guest/bin"):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o557 == 0o555, folder
    for path in (running.state / "lib").rglob("*"):
        found = path.lstat()
        assert 0 == found.st_uid, path
        assert path.is_symlink() or not found.st_mode & 0o022, path
    assert list((running.state / "lib/guest").rglob("guest/__pycache__/room*.pyc"))


def test_a_daemon_that_is_killed_comes_back_and_the_room_stays_open(running: Running) -> None:
    uid = next(item["uid"] for item in running.ctl("workspaces") if item["running"])
    inside = set(processes_of(uid))
    for name in ("api", "hostd"):
        before = running.daemon(name)
        os.kill(before, signal.SIGKILL)
        running.until(lambda name=name, before=before: running.daemon(name) not in {0, before}, 20)  # type: ignore[misc]  # bound now
        running.until(lambda: healthy(running.port), 20)
        assert f"{name} ended with status -9" in running.output
    running.until(
        lambda: subprocess.run([running.state / "bin/hostelctl", "status"], capture_output=True, check=False).returncode == 0,
        20,
    )
    assert inside <= set(processes_of(uid))


def healthy(port: int) -> bool:
    """Whether api answers that all is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def test_a_second_one_on_the_same_state_is_refused(running: Running, checkout: Path) -> None:
    second = Running(checkout, running.state, free_port())
    assert f"error: STATE={running.state} is in use by another hostel" in second.refused()


def test_a_port_in_use_is_told(checkout: Path, states: Callable[[], Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        second = Running(checkout, states(), taken.getsockname()[1])
        output = second.refused()
    assert f"error: cannot listen on 127.0.0.1 port {second.port}: Address already in use" in output
    assert "hint:  " in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_it_with_all_rooms_and_the_next_start_finds_them(
    running: Running, checkout: Path, states: Callable[[], Path], number: signal.Signals
) -> None:
    """On the same environments and a state of its own: a second one, side by side with the first."""
    state = states()
    state.mkdir(mode=0o711)
    shutil.copytree(running.state / "lib/build", state / "lib/build", symlinks=True)
    for place in ("hostd", "guest", "api"):
        # Only the entry points know the place where an environment was made, and nobody calls those.
        shutil.copytree(running.state / "lib" / place, state / "lib" / place, symlinks=True)
    second = Running(checkout, state, free_port()).up()
    assert "installing" not in second.output
    workspace, uid = second.room()
    assert processes_of(uid)
    second.signal(number)
    assert [] == processes_of(uid)
    assert [] == second.leavings()
    assert healthy(running.port)
    third = Running(checkout, state, second.port).up()
    assert [(workspace, False)] == [(item["workspace"], item["running"]) for item in third.ctl("workspaces")]
    third.signal(signal.SIGINT)
    assert [] == third.leavings()


def test_a_user_who_is_not_root_is_told_why(checkout: Path) -> None:
    script = shutil.copy(checkout / "tools/python", f"/var/lib/hostel-test-{secrets.token_hex(4)}")
    try:
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", script],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        Path(script).unlink()
    assert 1 == done.returncode
    assert "has to run as root: hostel makes a Linux user for each workspace" in done.stderr
    assert "sudo" in done.stderr
