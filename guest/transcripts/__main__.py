"""`python -I -m guest.transcripts`: read the transcripts of a home, for the guest that started it.

Its argument is the descriptor of a socket to the guest, over which verbs about transcripts come and their answers and
`TranscriptChanged` go. It ends with the guest, or when the guest closes the socket.
"""

from guest.loop import run  # isort: skip  # before anything that imports asyncio

import asyncio
import contextlib
import gc
import logging
import os
import resource
import socket
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from guest.transcripts.finding import SECONDS, Finder
from guest.transcripts.index import Index
from guest.transcripts.reading import Reader
from guest.transcripts.tail import Tail
from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX
from shared.guestwire import GUEST
from shared.guestwire.transcripts import GetTranscript, ListTranscripts, Transcripts
from shared.guestwire.watch import TranscriptChanged
from shared.link import Link
from shared.messages import Message, Reply, Request, rejection
from shared.transcripts import TranscriptInfo

_MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of address space: whatever is in a transcript, it takes no more."""
_NICE: Final = 10
"""Terminals and agents come first."""
_PATIENCE: Final = 3.0
"""Seconds that a list waits for the home to be looked through."""
_LIST_BYTES: Final = 900 * 1024
_UNTOLD_MAX: Final = 1000
"""Changes that wait to be told; further ones are seen in the next list."""
_log: Final = logging.getLogger("guest.transcripts")


class Desk:
    """Answers the guest."""

    def __init__(self, home: Path, link: Link) -> None:
        """About the transcripts in `home`."""
        self._link = link
        self._untold: dict[str, TranscriptInfo] = {}
        self._wake = asyncio.Event()
        self._index = Index(home, self._tell)
        self._reader = Reader(self._index)
        self._finder = Finder(self._index)
        self._answering: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Serve until the guest ends it."""
        others = [asyncio.create_task(self._follow()), asyncio.create_task(self._send_changes())]
        try:
            while isinstance(request := await self._link.receive(), Request):
                task = asyncio.create_task(self._answer(request))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)
        finally:
            for other in (*others, *self._answering):
                other.cancel()
            await asyncio.gather(*others, *self._answering, return_exceptions=True)
            self._index.close()

    async def _follow(self) -> None:
        try:
            await Tail(self._index).run()
        except Exception:  # noqa: BLE001  # a defect here must not leave a process that knows nothing
            _log.exception("the home is no longer followed")
            self._link.close()  # the guest starts another process when it asks again

    async def _answer(self, request: Request) -> None:
        try:
            reply: Reply = rejection(Fault(Code.BAD_REQUEST, "not about transcripts"))
            if isinstance(request, ListTranscripts):
                reply = await self._list(request)
            elif isinstance(request, GetTranscript):
                reply = await self._get(request)
        except Fault as fault:
            reply = rejection(fault)
        except Exception:  # noqa: BLE001  # a defect in one answer must not end the others
            _log.exception("%s failed", type(request).__name__)
            reply = rejection(Fault(Code.INTERNAL, "internal error"))
        with contextlib.suppress(Fault):  # the guest has gone
            await self._link.send(structs.replace(reply, id=request.id))

    async def _look_through(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._index.scanned.wait(), _PATIENCE)

    async def _get(self, request: GetTranscript) -> Reply:
        if self._index.get(request.transcript) is None:
            await self._look_through()
        return await self._reader.page(request.transcript, request.after, request.limit)

    async def _list(self, request: ListTranscripts) -> Transcripts:
        await self._look_through()
        after = tuple((request.after or "").split(" "))
        items: list[TranscriptInfo] = []
        size, last, late = 0, "", time.monotonic() + SECONDS
        for row in self._index.ordered():
            if request.after and row[:2] >= after:
                continue
            if request.agent not in {None, row.agent} or request.session not in {None, row.session}:
                continue
            if last and time.monotonic() > late:
                break
            known = self._index.known(row)
            if request.text is None or await self._finder.has(known, request.text):
                info = self._index.rooms.info(known)
                size += len(msgspec.msgpack.encode(info))
                if len(items) == request.limit or (items and size > _LIST_BYTES):
                    break
                items.append(info)
            last = f"{row.started} {row.id}"
        else:
            last = ""
        return Transcripts(items=items, next=last or None, indexing=not self._index.scanned.is_set())

    def _tell(self, info: TranscriptInfo) -> None:
        if info.transcript in self._untold or len(self._untold) < _UNTOLD_MAX:
            self._untold[info.transcript] = info
            self._wake.set()

    async def _send_changes(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._untold:
                message: Message = TranscriptChanged(self._untold.pop(next(iter(self._untold))))
                await self._link.send(message)


async def serve(home: Path, sock: socket.socket) -> None:
    """Serve the guest at the other end of `sock`."""
    with Link(sock, GUEST.request_decoder, GUEST_FRAME_MAX) as link, contextlib.suppress(Fault):  # the guest was killed
        await Desk(home, link).serve()


def main() -> int:
    """Run; the exit status."""
    gc.enable()  # guest.loop had it wait
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(0o077)
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    run(serve(Path(os.environ["HOME"]), socket.socket(fileno=int(sys.argv[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
