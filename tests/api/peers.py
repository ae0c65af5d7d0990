"""Peers that speak real frames over real Unix sockets: a hostd that passes connections on, and guests that do as told."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import msgspec

from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX, HOST_FRAME_MAX
from shared.guestwire import GUEST
from shared.hostwire import HOST, AppendAudit, Entered, EnterWorkspace
from shared.link import Link
from shared.messages import VERSION, Done, Failure, Hello, Message, Request, Welcome

Conversation = Callable[[Link], Awaitable[None]]


@asynccontextmanager
async def serving(path: Path, decoder: msgspec.msgpack.Decoder[Message], cap: int, talk: Conversation) -> AsyncIterator[None]:
    """Listen on `path`, and `talk` with whoever connects."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(64)
        listener.setblocking(False)  # the standard library's signature
        tasks: set[asyncio.Task[None]] = set()

        async def accept() -> None:
            while True:
                sock, _ = await asyncio.get_running_loop().sock_accept(listener)
                task = asyncio.create_task(converse(Link(sock, decoder, cap), talk))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        tasks.add(asyncio.create_task(accept()))
        try:
            yield
        finally:
            path.unlink()  # a test's own socket
            for task in tuple(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def converse(link: Link, talk: Conversation) -> None:
    with link, suppress(Fault):
        await talk(link)


async def welcome(link: Link) -> None:
    """Answer the first frame."""
    assert Hello(version=VERSION) == await link.receive()
    await link.send(Welcome(version=VERSION))


async def requests(link: Link) -> AsyncIterator[Request]:
    """What the caller asks, until it goes away."""
    while (message := await link.receive()) is not None:
        assert isinstance(message, Request)
        yield message


class Hostd:
    """A hostd that only knows EnterWorkspace: it connects to the socket of the workspace's guest and passes that on."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "hostd.sock"
        self.guests: dict[str, Path] = {}
        """The sockets of the guests that run."""
        self.entered: list[EnterWorkspace] = []
        self.on_start: Callable[[str], Awaitable[Path]] | None = None
        """Starts a guest."""

    def running(self) -> AbstractAsyncContextManager[None]:
        return serving(self.path, HOST.request_decoder, HOST_FRAME_MAX, self.talk)

    async def talk(self, link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            if isinstance(request, AppendAudit):
                await link.send(Done(id=request.id))
                continue
            assert isinstance(request, EnterWorkspace)
            self.entered.append(request)
            await self.enter(link, request)

    async def enter(self, link: Link, request: EnterWorkspace) -> None:
        started = False
        if request.workspace not in self.guests and request.start and self.on_start is not None:
            self.guests[request.workspace] = await self.on_start(request.workspace)
            started = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            try:
                sock.connect(str(self.guests[request.workspace]))
            except (KeyError, FileNotFoundError, ConnectionRefusedError):
                await link.send(Failure(id=request.id, code=Code.NOT_RUNNING, message="nothing of that workspace runs"))
            else:
                await link.send(Entered(id=request.id, started=started, missing=[]), [sock.fileno()])


def guest(path: Path, talk: Conversation) -> AbstractAsyncContextManager[None]:
    """A guest that listens on `path`; `talk` sees its connections from the first byte."""
    return serving(path, GUEST.request_decoder, GUEST_FRAME_MAX, talk)
