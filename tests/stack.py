"""A whole hostel on this machine, for the tests and the benchmarks: real daemons, real users, a state folder of its own.

Everything that it made is gone when the block ends, also when a test failed or a daemon died.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from ctl.client import HostClient
from shared.config import Config, load

READY_WITHIN: Final = 20.0
"""Seconds."""
API_USER: Final = "hostel"
FAKE_AGENT: Final = Path(__file__).parent / "agents/acp_agent.py"


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def remove_cgroups(workspace: str) -> None:
    """Remove the cgroups of a workspace whose processes were all killed, when the last of them has left."""
    for tree in ("pids", "unified", "."):
        folder = Path("/sys/fs/cgroup") / tree / "hostel" / workspace
        end = time.monotonic() + READY_WITHIN
        while folder.is_dir() and time.monotonic() < end:
            with contextlib.suppress(OSError):
                folder.rmdir()
            time.sleep(0.005)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


class Daemon:
    """One daemon as a process, and the socket on which it says that it is ready."""

    def __init__(self, name: str, argv: list[str], folder: Path, environ: dict[str, str]) -> None:
        """`folder` is where its log and its notify socket go."""
        self.name = name
        self.log = folder / f"{name}.log"
        self._argv = argv
        self._environ = environ
        self._notify = folder / f"{name}.notify"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait for READY=1."""
        self._notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(self._notify))
            self._notify.chmod(0o666)
            ready.setblocking(False)
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": str(self._notify), **self._environ},
                    start_new_session=True,
                )
            await asyncio.wait_for(self._ready(ready), READY_WITHIN)

    async def _ready(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            receiving = asyncio.ensure_future(loop.sock_recv(sock, 4096))
            while not receiving.done():
                await asyncio.wait([receiving], timeout=0.05)
                assert self._process is not None
                if self._process.poll() is not None:
                    receiving.cancel()
                    raise AssertionError(f"{self.name} ended with {self._process.returncode}:\n{self.tail()}")
            if b"READY=1" in receiving.result().splitlines():
                return

    def stop(self, sig: int = signal.SIGTERM) -> int:
        """Send `sig`, wait for the end, answer the exit status."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(sig)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    async def kill(self) -> None:
        """`kill -9`, then start it again."""
        self.stop(signal.SIGKILL)
        await self.start()

    async def restart(self) -> None:
        """Stop it in order, then start it again."""
        assert self.stop() == 0
        await self.start()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]


class Stack:
    """hostd and api, and a client for each."""

    def __init__(self, settings: dict[str, dict[str, Any]] | None = None, *, log_level: str = "debug") -> None:
        """`settings` are sections of hostel.toml over the defaults of the tests."""
        self._log_level = log_level
        if os.geteuid() != 0:
            raise AssertionError("these tests make real Linux users: run them as root")
        self.folder = Path(f"/var/lib/hostel-test-{secrets.token_hex(4)}")
        self.state = self.folder / "state"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.path = self.folder / "hostel.toml"
        self._settings = settings or {}
        self._sections: dict[str, dict[str, Any]] = {}
        self._http: aiohttp.ClientSession | None = None
        argv = [sys.executable, "-I", "-m"]
        config = ["--config", str(self.path)]
        drop = [
            "setpriv",
            f"--reuid={API_USER}",
            f"--regid={API_USER}",
            "--clear-groups",
            "--no-new-privs",
            "--inh-caps=-all",
            "--",
        ]
        self.hostd = Daemon("hostd", [*argv, "hostd", *config], self.folder, {})
        self.api = Daemon("api", [*drop, *argv, "api", *config], self.folder, {})

    @property
    def fake_agent(self) -> Path:
        """The agent `fake`, where tenants can run it."""
        return self.folder / "acp_agent.py"

    @property
    def config(self) -> Config:
        """As the daemons read it."""
        return load(self.path)

    @property
    def http(self) -> aiohttp.ClientSession:
        """A client without credentials."""
        assert self._http is not None
        return self._http

    def configure(self, **sections: dict[str, Any]) -> None:
        """Write hostel.toml; the daemons read it when they start."""
        base: dict[str, dict[str, Any]] = {
            # A range far from the default one, so that tests do not use up what the machine's own hostel gives out.
            "hostd": {"guest_python": sys.executable, "uid_first": 2_000_000_000, "uid_last": 2_000_099_999},
            "guest": {"idle_timeout": 600, "git_protocols": ["https", "ssh", "git", "file"]},
            "api": {"port": self.port},
            "agents": {"folder": f"{self.folder}/agents", "default": "fake", "turns": 64},
            "agent.fake": {"title": "Fake", "provider": "fake", "command": [sys.executable, "-I", "-S", str(self.fake_agent)]},
            "agent.fake.auth": {"api_key": {"env": "FAKE_API_KEY"}},
            "api.rate_limits": dict.fromkeys(("login", "redeem", "create_workspace", "mint", "request"), "100000/minute"),
        }
        for name, values in (*self._settings.items(), *sections.items()):
            base.setdefault(name.replace("__", "."), {}).update(values)
        lines = [f'state = "{self.state}"', f'run = "{self.folder}/run"', f'log_level = "{self._log_level}"']
        for name, values in base.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
        self.path.write_text("\n".join(lines) + "\n")
        shutil.chown(self.path, "root", API_USER)
        self.path.chmod(0o640)

    async def __aenter__(self) -> Self:
        """Start everything."""
        if subprocess.run(["id", API_USER], capture_output=True, check=False).returncode:
            subprocess.run(
                ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", API_USER],
                check=True,
            )
        self.folder.mkdir(mode=0o711)
        self.state.mkdir(mode=0o711)
        (self.state / "api").mkdir(mode=0o700)
        shutil.chown(self.state / "api", API_USER, API_USER)
        for folder in (self.folder, self.state):
            folder.chmod(0o711)
        shutil.copy(FAKE_AGENT, self.fake_agent)
        self.fake_agent.chmod(0o755)
        self.configure()
        try:
            await self.hostd.start()
            await self.api.start()
        except BaseException:
            self._remove()
            raise
        self._http = aiohttp.ClientSession(self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and remove everything."""
        if error is not None:
            print(f"--- hostd\n{self.hostd.tail()}\n--- api\n{self.api.tail()}")
        if self._http is not None:
            await self._http.close()
        self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(Exception):
            self.api.stop()
        with contextlib.suppress(Exception), self.host() as host:
            for workspace in [item.workspace for item in self.workspaces(host)]:
                host.delete_workspace(workspace=workspace)
        with contextlib.suppress(Exception):
            self.hostd.stop()
        self._sweep()
        shutil.rmtree(self.folder)

    def _sweep(self) -> None:
        """What a hostd that is broken has left: users whose home is in our folder, and their processes."""
        for line in Path("/etc/passwd").read_text().splitlines():
            name, _, uid, *_, home, _shell = line.split(":")
            if home.startswith(f"{self.folder}/"):
                for entry in Path("/proc").glob("[0-9]*"):
                    with contextlib.suppress(OSError):
                        if entry.stat().st_uid == int(uid):
                            os.kill(int(entry.name), signal.SIGKILL)
                subprocess.run(["userdel", "-f", name], check=False, capture_output=True)
                remove_cgroups(name)

    @contextlib.contextmanager
    def host(self) -> Iterator[HostClient]:
        """A client of hostd, as root."""
        with HostClient(self.config.socket) as client:
            yield client

    def workspaces(self, host: HostClient) -> list[Any]:
        """All workspaces that hostd knows."""
        items, after = [], None
        while True:
            page = host.list_workspaces(after=after)
            items += page.items
            if (after := page.next) is None:
                return items

    async def admin(self) -> "Client":
        """A fresh admin."""
        with self.host() as host:
            token = host.create_invite().token.reveal()
        reply = await Client(self, None).call("POST", "/api/auth/redeem", {"token": token})
        return Client(self, reply["accessToken"])

    async def tenant(self, name: str = "tenant") -> "Tenant":
        """A fresh workspace, and a client that is signed in to it."""
        admin = await self.admin()
        made = await admin.call("POST", "/api/workspaces", {"name": name}, status=201, headers={"Prefer": "wait=30"})
        assert made["status"] == "ready", made
        login = await self.login(made["workspaceId"], made["workspaceSecret"])
        return Tenant(self, login["workspaceToken"], made["workspaceId"], made["workspaceSecret"], login["refreshToken"])

    async def login(self, workspace: str, secret: str) -> dict[str, Any]:
        """The reply to a login."""
        body = {"workspaceId": workspace, "workspaceSecret": secret}
        reply: dict[str, Any] = await Client(self, None).call("POST", "/api/workspaces/login", body)
        return reply


class Client:
    """HTTP with one credential."""

    def __init__(self, stack: Stack, token: str | None) -> None:
        """`token` goes into the Authorization header."""
        self.stack = stack
        self.token = token

    @property
    def headers(self) -> dict[str, str]:
        """The credential, as headers."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def call(
        self, method: str, path: str, body: object = None, *, status: int | None = None, headers: dict[str, str] | None = None
    ) -> Any:  # noqa: ANN401  # JSON
        """The JSON of a reply; an assertion unless its status is `status`, or any 2xx."""
        async with self.stack.http.request(method, path, json=body, headers={**self.headers, **(headers or {})}) as reply:
            text = await reply.text()
            wanted = reply.status == status if status is not None else reply.ok
            assert wanted, f"{method} {path}: {reply.status} {text}"
            return json.loads(text) if text else None

    async def items(self, path: str) -> list[Any]:
        """All items of a list, page by page."""
        items, cursor = [], ""
        while True:
            page = await self.call("GET", f"{path}?limit=50{cursor}")
            items += page["items"]
            if page.get("nextCursor") is None:
                return items
            cursor = f"&cursor={page['nextCursor']}"


class Tenant(Client):
    """A workspace's own client."""

    def __init__(self, stack: Stack, token: str, workspace: str, secret: str, refresh: str) -> None:
        """What creating the workspace and signing in to it gave."""
        super().__init__(stack, token)
        self.workspace = workspace
        self.secret = secret
        self.refresh = refresh
        self.home = stack.state / "homes" / workspace
        self.base = f"/api/workspaces/{workspace}"

    @property
    def uid(self) -> int:
        """Of the workspace's Linux user."""
        return self.home.joinpath("vibecoder_workspace/sessions").stat().st_uid

    @property
    def guest_pid(self) -> int:
        """Of the supervisor, which runs."""
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == self.uid and b"\0-m\0guest\0" in (entry / "cmdline").read_bytes():
                    return int(entry.name)
        raise AssertionError("no guest runs")

    async def session(self, **body: object) -> str:
        """A fresh session's id, once it is ready."""
        made = await self.call("POST", f"{self.base}/sessions", body, status=201, headers={"Prefer": "wait=30"})
        assert made["status"] == "ready", made
        return str(made["sessionId"])

    async def terminal(self, session: str, **body: object) -> str:
        """A fresh terminal's id."""
        made = await self.call("POST", f"{self.base}/sessions/{session}/terminals", body, status=201)
        return str(made["terminalId"])

    @contextlib.asynccontextmanager
    async def attach(self, terminal: str, **query: int) -> AsyncIterator["Attachment"]:
        """The terminal's WebSocket."""
        path = f"/api/terminals/{terminal}"
        async with self.stack.http.ws_connect(path, headers=self.headers, params=query, max_msg_size=0) as ws:
            yield await Attachment(ws).ready()


class Attachment:
    """A terminal as a client sees it: `seq` is the number of the next byte, `output` what came since `ready`."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Wrap an open WebSocket."""
        self.ws = ws
        self.seq = 0
        self.output = bytearray()
        self.control: list[dict[str, Any]] = []

    async def ready(self) -> Self:
        """Wait for `ready`."""
        await self.until(lambda: bool(self.control) and self.control[-1]["type"] == "ready")
        return self

    async def until(self, happened: Any, within: float = 20) -> None:  # noqa: ANN401  # a predicate
        """Receive until `happened()`."""
        async with asyncio.timeout(within):
            while not happened():
                await self.step()

    async def step(self) -> None:
        """Receive one message."""
        message = await self.ws.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            self.output += message.data
            self.seq += len(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            control = json.loads(message.data)
            self.control.append(control)
            if control["type"] == "ready":
                self.seq = control["seq"]
        else:
            raise ConnectionError(f"{message.type.name} {self.ws.close_code} {message.extra}")

    async def type(self, text: str | bytes) -> None:
        """Send bytes, as typed."""
        await self.ws.send_bytes(text.encode() if isinstance(text, str) else text)

    async def say(self, **control: object) -> None:
        """Send a control frame."""
        await self.ws.send_json(control)

    async def see(self, text: str | bytes, within: float = 20) -> None:
        """Receive until `text` was printed."""
        wanted = text.encode() if isinstance(text, str) else text
        await self.until(lambda: wanted in self.output, within)
