"""api as it is, on a port of its own, before a hostd that only passes connections on and guests that are real or hostile."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from api.app import build
from api.server import Runner, services
from api.services import Services
from api.workspaces import WorkspaceStatus
from shared.agents import Settings
from shared.config import Config, Guests
from shared.ids import new_workspace_id
from shared.settings import Api, RateLimits
from tests.api.peers import Conversation, Hostd, guest
from tests.api.serving import migrated

UNLIMITED = RateLimits(**dict.fromkeys(RateLimits.__struct_fields__, "1000000/second"))
_STUB = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.executable, [sys.executable, '-I', '-m', 'guest'])"


_FAKE = Path(__file__).parent.parent / "agents" / "acp_agent.py"
AGENTS = Config(
    agents=Settings(default="fake", turns=100),
    agent={"fake": {"title": "Fake", "command": [sys.executable, "-I", str(_FAKE)]}},
)
"""The agent that answers is a program in tests/agents, by default."""


class GuestProcess:
    """`python -I -m guest`, as hostd would start it but for the walls."""

    def __init__(self, folder: Path, workspace: str, settings: Guests) -> None:
        self.path = folder / f"{workspace[:8]}.sock"
        self.home = folder / workspace
        self._workspace = workspace
        self._settings = settings
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> Path:
        (self.home / "vibecoder_workspace" / "sessions").mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(64)
        environ = {
            "HOSTEL_GUEST": msgspec.json.encode(self._settings).decode(),
            "HOSTEL_AGENTS": msgspec.json.encode(AGENTS.registry).decode(),
            "HOSTEL_WORKSPACE": self._workspace,
            "HOME": str(self.home),
            "USER": "tenant",
            "LOGNAME": "tenant",
            "PATH": "/usr/bin:/bin",
            "TMPDIR": str(self.home),
        }
        fd = listener.fileno()
        with listener, (self.path.parent / "guest.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _STUB, str(fd), env=environ, pass_fds=(fd,), stderr=log
            )
        return self.path

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            if self.process.returncode is None:
                self.process.send_signal(how)
            await self.process.wait()


class Room:
    """A workspace, and a client with its token."""

    def __init__(self, rooms: "Rooms", workspace: str, token: str) -> None:
        self.rooms = rooms
        self.workspace = workspace
        self.token = token
        self.base = f"/api/workspaces/{workspace}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def call(self, method: str, path: str, body: object = None, *, status: int, **headers: str) -> Any:  # noqa: ANN401  # JSON
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.rooms.http.request(method, path, json=body, headers=given) as reply:
            text = await reply.text()
            assert status == reply.status, text
            return json.loads(text) if text else None

    async def session(self, **body: object) -> str:
        return str((await self.call("POST", f"{self.base}/sessions", body, status=201))["sessionId"])

    async def terminal(self, session: str, *command: str, **body: object) -> str:
        if command:
            body["command"] = list(command)
        made = await self.call("POST", f"{self.base}/sessions/{session}/terminals", body, status=201)
        return str(made["terminalId"])

    def connect(self, terminal: str, **query: int) -> Any:  # noqa: ANN401  # aiohttp's context manager
        return self.rooms.http.ws_connect(f"/api/terminals/{terminal}", headers=self.headers, params=query, max_msg_size=0)


class Rooms:
    """The server, its hostd and what guests run."""

    def __init__(self, folder: Path, services: Services, hostd: Hostd, http: aiohttp.ClientSession, settings: Guests) -> None:
        self.folder = folder
        self.services = services
        self.hostd = hostd
        self.http = http
        self.guests: dict[str, GuestProcess] = {}
        self._settings = settings
        self._stack = AsyncExitStack()
        hostd.on_start = self.start_guest

    async def start_guest(self, workspace: str) -> Path:
        process = self.guests.setdefault(workspace, GuestProcess(self.folder, workspace, self._settings))
        return await process.start()

    async def room(self) -> Room:
        """A fresh workspace."""
        workspace = new_workspace_id()
        rows = self.services.workspaces
        await rows.create(workspace, "room", b"")
        async with rows.lock(workspace):
            await rows.change(workspace, status=WorkspaceStatus.READY, sealed=None)
        grant = await self.services.tokens.grant_workspace(workspace, 1)
        return Room(self, workspace, grant.access.reveal())

    async def hostile(self, talk: Conversation) -> Room:
        """A fresh workspace whose guest does as `talk` says."""
        room = await self.room()
        path = self.folder / f"{room.workspace[:8]}.sock"
        await self._stack.enter_async_context(guest(path, talk))
        self.hostd.guests[room.workspace] = path
        return room

    async def close(self) -> None:
        await self._stack.aclose()
        for process in self.guests.values():
            await process.stop()


@asynccontextmanager
async def serving_rooms(
    folder: Path,
    settings: Guests | None = None,
    api: Api | None = None,
    **sections: Any,  # noqa: ANN401  # of the configuration
) -> AsyncIterator[Rooms]:
    """Api and its hostd, with all their state in `folder`."""
    api = msgspec.structs.replace(api or Api(), port=0, rate_limits=UNLIMITED)
    settings = settings or Guests()
    config = Config(state=str(folder), run=str(folder), guest=settings, api=api, **sections)
    hostd = Hostd(folder)
    store = folder / "api" / "store.sqlite"
    if not store.exists():
        store.parent.mkdir(exist_ok=True)
        store.write_bytes(migrated())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(hostd.running())
        made = await stack.enter_async_context(services(config))
        runner = Runner(build(made), access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stack.callback(made.live.stop)
        http = aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}")
        await stack.enter_async_context(http)
        rooms = Rooms(folder, made, hostd, http, settings)
        stack.push_async_callback(rooms.close)
        yield rooms
