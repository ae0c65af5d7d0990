"""hostd as a real process on a state folder of its own, callers under any uid, and a guest that runs what a test sends.

All users, processes, cgroups and folders that came of it are gone when the block ends, also when the test failed.
"""

import array
import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import pytest

from shared.errors import Code, Fault
from shared.frames import HOST_FRAME_MAX, FrameReader
from shared.hostwire import HOST, CreateWorkspace, Entered, EnterWorkspace, WorkspaceInfo
from shared.ids import new_workspace_id
from shared.messages import VERSION, Failure, Hello, Message, Reply, Request, Welcome, decode, encode
from tests.stack import remove_cgroups
from tests.wire import pack

UID_FIRST: Final = 2_000_000_000
UID_LAST: Final = 2_000_999_999
HASH: Final = "0123456789abcdef" * 4
DEADLINE: Final = 30.0
R = TypeVar("R", bound=Reply)

OBEDIENT: Final = """#!{python} -I
import json, socket, sys, threading

def serve(connection):
    with connection, connection.makefile("rwb") as file:
        for line in file:
            scope = {{}}
            try:
                exec(json.loads(line), scope)
                answer = scope.get("result")
            except BaseException as error:
                answer = {{"error": repr(error)}}
            file.write(json.dumps(answer).encode() + b"\\n")
            file.flush()

listener = socket.socket(fileno=3)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
"""A guest that runs each line of Python that it is sent, and answers with `result`."""

DEAF: Final = """#!{python} -I
import time
time.sleep(600)
"""
"""A guest that never accepts."""


class Client:
    """A caller of hostd, blocking."""

    def __init__(self, path: Path, *, greet: bool = True) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(str(path))
        self._frames = FrameReader(HOST_FRAME_MAX)
        self.fds: list[int] = []
        self._last = 0
        if greet:
            self.send(Hello(VERSION))
            assert Welcome(VERSION) == self.receive()

    def send(self, message: Message) -> None:
        self.sock.sendall(pack(encode(message)))

    def receive(self) -> Message | None:
        """The next message; None at the end."""
        while (payload := self._frames.take()) is None:
            data, ancillary, _, _ = self.sock.recvmsg(65_536, socket.CMSG_SPACE(16 * 4))
            for _, _, raw in ancillary:
                self.fds.extend(array.array("i", raw[: len(raw) // 4 * 4]))
            if not data:
                return None
            self._frames.feed(data)
        return decode(HOST.reply_decoder, payload)

    def call(self, request: Request, kind: type[R]) -> R:
        """The answer, a `kind`; a Fault for a failure."""
        self._last += 1
        answer = self._exchange(request)
        if isinstance(answer, Failure):
            raise Fault(answer.code, answer.message)
        assert isinstance(answer, kind), answer
        return answer

    def _exchange(self, request: Request) -> Reply:
        fields = {name: getattr(request, name) for name in request.__struct_fields__}
        self.send(type(request)(**{**fields, "id": self._last}))
        answer = self.receive()
        assert isinstance(answer, Reply)
        assert self._last == answer.id
        return answer

    def create(self, workspace: str | None = None, **fields: Any) -> WorkspaceInfo:  # noqa: ANN401  # fields of the request
        request = CreateWorkspace(workspace=workspace or new_workspace_id(), **{"secret_hash": HASH, **fields})
        return self.call(request, WorkspaceInfo)

    def enter(self, workspace: str, *, start: bool = True) -> "Guest":
        self.call(EnterWorkspace(workspace=workspace, start=start), Entered)
        return Guest(socket.socket(fileno=self.fds.pop()))

    def close(self) -> None:
        self.sock.close()
        for fd in self.fds:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Guest:
    """A connection to an obedient guest."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(DEADLINE)
        self.sock = sock
        self._file = sock.makefile("rwb")

    def run(self, code: str) -> Any:  # noqa: ANN401  # whatever `code` leaves in `result`
        self._file.write(json.dumps(code).encode() + b"\n")
        self._file.flush()
        return json.loads(self._file.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        self.sock.close()


class Hostd:
    """hostd and all that it makes."""

    def __init__(self, program: str = OBEDIENT, **settings: dict[str, Any]) -> None:
        assert os.geteuid() == 0, "these tests make real Linux users: run them as root"
        mark = secrets.token_hex(4)
        self.folder = Path(f"/var/lib/hostel-test-{mark}")
        self.user = f"htest{mark}"
        self.state, self.run = self.folder / "state", self.folder / "run"
        self.log, self.config = self.folder / "hostd.log", self.folder / "hostel.toml"
        self._guest, self._settings = program, settings
        self._process: subprocess.Popen[bytes] | None = None
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    @property
    def socket(self) -> Path:
        return self.run / "hostd.sock"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def home(self, workspace: str) -> Path:
        return self.state / "homes" / workspace

    def account(self) -> pwd.struct_passwd:
        """Of the user that plays the api."""
        return pwd.getpwnam(self.user)

    def write_config(self, **sections: dict[str, Any]) -> None:
        program = self.folder / "guest"
        base: dict[str, dict[str, Any]] = {
            "hostd": {"guest_python": str(program), "uid_first": UID_FIRST, "uid_last": UID_LAST},
            "guest": {},
        }
        for name, values in (*self._settings.items(), *sections.items()):
            base.setdefault(name, {}).update(values)
        lines = [f'state = "{self.state}"', f'run = "{self.run}"', f'user = "{self.user}"', 'log_level = "debug"']
        for name, values in base.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        self.config.write_text("\n".join(lines) + "\n")

    def write_guest(self, source: str) -> None:
        program = self.folder / "guest"
        program.write_text(source.format(python=sys.executable))
        program.chmod(0o755)

    def start(self, argv: Sequence[str] = (), *, pass_fds: Sequence[int] = ()) -> None:
        """Start it, by `argv` if that is given, and wait for READY=1. What it says later is in `notices`."""
        address = self.folder / "notify"
        address.unlink(missing_ok=True)
        environ = {"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": str(address), "HOSTEL_SENTINEL": "in-the-environment-of-hostd"}
        self.notices.close()
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(address))
        self.notices.settimeout(0.1)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv or [sys.executable, "-I", "-m", "hostd", "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, start_new_session=True, pass_fds=pass_fds,
            )  # fmt: skip
            end = time.monotonic() + DEADLINE
            while True:
                with contextlib.suppress(TimeoutError):
                    assert b"READY=1" == self.notices.recv(4096)
                    return
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() < end, self.log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and answer the exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        try:
            return self._process.wait(DEADLINE)
        finally:
            self._process = None

    def restart(self) -> None:
        assert 0 == self.stop()
        self.start()

    def twin(self) -> "Hostd":
        """Another hostd on the same folders, not started."""
        twin = object.__new__(Hostd)
        twin.__dict__.update(self.__dict__)
        twin.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        twin.log = self.folder / "twin.log"
        return twin

    def client(self, *, uid: int = 0, greet: bool = True) -> Client:
        """A connection; the kernel gives `uid` as its peer. The group is the api's, so that the folder lets it through."""
        if uid == 0:
            return Client(self.socket, greet=greet)
        os.setegid(self.account().pw_gid)
        os.seteuid(uid)
        try:
            return Client(self.socket, greet=greet)
        finally:
            os.seteuid(0)
            os.setegid(0)

    def audit(self) -> list[dict[str, Any]]:
        """The records of the audit log, in order."""
        files = sorted((self.state / "hostd/audit").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o711)
        self.folder.chmod(0o711)
        try:
            subprocess.run(["useradd", "--system", "--user-group", "-M", "-s", "/usr/sbin/nologin", self.user], check=True)
            self.write_config()
            self.write_guest(self._guest)
            self.start()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            print(self.log.read_text()[-4000:])
        self._clean()

    def _clean(self) -> None:
        with contextlib.suppress(Exception):
            self.stop(signal.SIGKILL)
        self.notices.close()
        for name, uid in list(self._tenants()):
            end = time.monotonic() + DEADLINE
            # A look alone would miss processes that fork and leave all the time.
            while as_tenant(uid, "kill", "-9", "-1").wait() is None or (processes_of(uid) and time.monotonic() < end):
                time.sleep(0.01)
            subprocess.run(["userdel", name], check=False)
            remove_cgroups(name)
        subprocess.run(["userdel", self.user], check=False)
        shutil.rmtree(self.folder)

    def _tenants(self) -> Iterator[tuple[str, int]]:
        for line in Path("/etc/passwd").read_text().splitlines():
            name, _, uid, _, _, home, _ = line.split(":")
            if home.startswith(f"{self.folder}/"):
                yield name, int(uid)


def processes_of(uid: int) -> list[int]:
    """The pids of a uid, without zombies."""
    pids = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (entry / "status").read_text()
            if f"\nUid:\t{uid}\t" in status and "\nState:\tZ" not in status:
                pids.append(int(entry.name))
    return pids


def as_tenant(uid: int, *argv: str) -> "subprocess.Popen[bytes]":
    """Run a program as the tenant, with hostd knowing nothing of it."""
    drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--"]
    return subprocess.Popen(
        [*drop, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )


def as_tenant_python(uid: int, code: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Run Python as the tenant."""
    return as_tenant(uid, sys.executable, "-I", "-S", "-c", code, *arguments)


def wait_until(condition: Callable[[], object]) -> None:
    """Look again until `condition` is true; fail after a while."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def code_of(client: Client, request: Request) -> Code:
    """The code of the failure that answers `request`."""
    with pytest.raises(Fault) as caught:
        client.call(request, Reply)
    return caught.value.code
