"""A real guest: its own process, its own home, real sockets."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
from msgspec import UNSET, UnsetType, structs

from shared import guestwire as wire
from shared import rooms
from shared.errors import Fault
from shared.frames import GUEST_FRAME_MAX
from shared.ids import new_session_id, new_terminal_id, new_workspace_id
from shared.link import Link
from shared.messages import VERSION, Failure, Hello, Message, Reply, Request, Welcome

DEADLINE = 20.0
M = TypeVar("M", bound=Message)
_AS_FD_3 = 'fd=$0; [ $fd = 3 ] || exec 3<&$fd {fd}<&-; exec "$@"'
PATH = "/usr/local/bin:/usr/bin:/bin"


class Client:
    """A caller, as api is one."""

    def __init__(self, sock: socket.socket) -> None:
        self.link = Link(sock, wire.GUEST.reply_decoder, GUEST_FRAME_MAX)
        self._id = 0

    async def hello(self) -> Self:
        await self.link.send(Hello(VERSION))
        assert Welcome(VERSION) == await self.receive()
        return self

    async def receive(self) -> Message | None:
        async with asyncio.timeout(DEADLINE):
            return await self.link.receive()

    async def expect(self, kind: type[M]) -> M:
        """The next message of `kind`; what comes before it is dropped."""
        while not isinstance(message := await self.receive(), kind):
            assert message is not None, f"the end, not {kind.__name__}"
            assert not isinstance(message, Failure), message
        return message

    async def expect_failure(self) -> Failure:
        message = await self.receive()
        assert isinstance(message, Failure), message
        return message

    async def ask(self, request: Request) -> Reply:
        """The answer to one call."""
        self._id += 1
        await self.link.send(structs.replace(request, id=self._id))
        message = await self.receive()
        assert isinstance(message, Reply), message
        assert self._id == message.id
        return message

    async def call(self, request: Request) -> Any:  # noqa: ANN401  # the verb says which
        """The answer, which is not a failure."""
        reply = await self.ask(request)
        if isinstance(reply, Failure):
            raise Fault(reply.code, reply.message)
        return reply

    def close(self) -> None:
        self.link.close()


class Attachment(Client):
    """An attached terminal, and what was seen of it."""

    def begin(self, seq: int) -> None:
        self.seq = seq
        self.seen = bytearray()
        self.viewers: wire.terminals.Viewers | None = None
        self.exited: wire.terminals.Exited | None = None

    async def step(self) -> Message | None:
        """Take one message."""
        message = await self.receive()
        match message:
            case wire.terminals.Output(seq, data):
                assert self.seq == seq
                self.seen += data
                self.seq += len(data)
            case wire.terminals.Viewers():
                self.viewers = message
            case wire.terminals.Exited():
                self.exited = message
            case wire.terminals.Attached():
                self.seq = message.seq
        return message

    async def until(self, text: bytes) -> bytes:
        """All that was printed, once `text` is in it."""
        while text not in self.seen:
            message = await self.step()
            assert message is not None, bytes(self.seen[-500:])
            assert not isinstance(message, wire.terminals.Exited | Failure), (message, bytes(self.seen[-500:]))
        return bytes(self.seen)

    async def until_exit(self) -> wire.terminals.Exited:
        while self.exited is None:
            message = await self.step()
            assert message is not None
            assert not isinstance(message, Failure), message
        return self.exited

    async def until_viewers(self, expected: wire.terminals.Viewers) -> None:
        while self.viewers != expected:
            assert await self.step() is not None

    async def type(self, data: bytes) -> None:
        await self.link.send(wire.terminals.Input(data))


class Guest:
    """A guest process in a home of its own."""

    def __init__(self, home: Path, **settings: Any) -> None:  # noqa: ANN401  # as in the file
        self.home = home
        self.settings = {"idle_timeout": 3600, "git_protocols": ["https", "ssh", "git", "file"]} | settings
        self.registry: dict[str, Any] = {"settings": {}, "agents": {}}
        self.sessions = home / "vibecoder_workspace" / "sessions"
        self.sessions.mkdir(parents=True, exist_ok=True)
        (home / "tmp").mkdir(exist_ok=True)
        self.workspace = new_workspace_id()
        self.socket = home / "guest.sock"
        self.path = PATH
        self.process: subprocess.Popen[bytes] | None = None
        self.clients: list[Client] = []

    def start(self) -> Self:
        self.socket.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, (self.home / "guest.log").open("ab") as log:
            listener.bind(str(self.socket))
            listener.listen(64)
            self.process = subprocess.Popen(
                ["/bin/bash", "-c", _AS_FD_3, str(listener.fileno()), sys.executable, "-I", "-m", "guest"],
                env=self.environment(),
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        return self

    def environment(self) -> dict[str, str]:
        return {
            "HOSTEL_GUEST": json.dumps(self.settings),
            "HOSTEL_AGENTS": json.dumps(self.registry),
            "HOSTEL_WORKSPACE": self.workspace,
            "HOME": str(self.home),
            "USER": "tenant",
            "LOGNAME": "tenant",
            "PATH": self.path,
            "TMPDIR": str(self.home / "tmp"),
        }

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def log(self) -> str:
        return (self.home / "guest.log").read_text()

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def raw(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(str(self.socket))
        except OSError:
            sock.close()
            raise
        return sock

    async def client(self) -> Client:
        client = await Client(self.raw()).hello()
        self.clients.append(client)
        return client

    async def session(self, **fields: Any) -> rooms.SessionInfo:  # noqa: ANN401  # the request's
        client = await self.client()
        request = wire.sessions.CreateSession(session=new_session_id(), name="one", **fields)
        info: rooms.SessionInfo = await client.call(request)
        return info

    async def settled(self, session: str) -> rooms.SessionInfo:
        """The session once it is no longer being cloned."""
        client = await self.client()
        async with asyncio.timeout(DEADLINE):
            while True:
                info: rooms.SessionInfo = await client.call(wire.sessions.GetSession(session=session))
                if info.status is not rooms.SessionStatus.CLONING:
                    return info
                await asyncio.sleep(0.02)

    async def terminal(self, *command: str, **fields: Any) -> rooms.TerminalInfo:  # noqa: ANN401  # the request's
        """A terminal in a new session, unless `session` says where."""
        if "session" not in fields:
            fields["session"] = (await self.session()).session
        client = await self.client()
        request = wire.terminals.CreateTerminal(terminal=new_terminal_id(), command=list(command), **fields)
        info: rooms.TerminalInfo = await client.call(request)
        return info

    async def attach(self, terminal: str, after: int | UnsetType = UNSET, *, read_only: bool = False) -> Attachment:
        attachment = await Attachment(self.raw()).hello()
        self.clients.append(attachment)
        reply = await attachment.call(wire.terminals.AttachTerminal(terminal=terminal, after=after, read_only=read_only))
        assert isinstance(reply, wire.terminals.Attached)
        attachment.begin(reply.seq)
        return attachment

    async def exited(self) -> int:
        assert self.process
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), DEADLINE)

    def kill(self) -> None:
        """As a crash does it."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(DEADLINE)
            self.kill()
        subprocess.run(["chmod", "-R", "u+rwX", str(self.home)], check=False)
        shutil.rmtree(self.home, ignore_errors=True)


def git(*args: str, cwd: Path) -> str:
    """Git as somebody who makes a repository for a test."""
    environment = {
        "PATH": PATH,
        "HOME": "/nonexistent",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    result = subprocess.run(["git", *args], cwd=cwd, env=environment, check=True, capture_output=True, text=True)
    return result.stdout.strip()


def repository(folder: Path) -> Path:
    """A bare repository: `main` with two commits, a branch `topic`, a tag `v1` on the first commit."""
    work = folder / "work"
    work.mkdir(parents=True)
    git("init", "--quiet", "-b", "main", cwd=work)
    (work / "README").write_text("one\n")
    git("add", ".", cwd=work)
    git("commit", "--quiet", "-m", "one", cwd=work)
    git("tag", "v1", cwd=work)
    git("checkout", "--quiet", "-b", "topic", cwd=work)
    (work / "topic").write_text("topic\n")
    git("add", ".", cwd=work)
    git("commit", "--quiet", "-m", "topic", cwd=work)
    git("checkout", "--quiet", "main", cwd=work)
    (work / "README").write_text("two\n")
    git("commit", "--quiet", "-am", "two", cwd=work)
    bare = folder / "project.git"
    git("clone", "--quiet", "--bare", str(work), str(bare), cwd=folder)
    return bare


def encoded(value: object) -> bytes:
    return msgspec.msgpack.encode(value)
