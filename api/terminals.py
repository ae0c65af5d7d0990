"""The bridge between a terminal's WebSocket and its stream at the guest.

Binary frames are terminal bytes, both ways; text frames are JSON control. Nothing is queued here: the guest is read only when
the WebSocket has taken what came before, and the WebSocket only when the guest has taken the input. A client that does not
read stops the terminal's program, not the server. A browser cannot stop reading its WebSocket: it names a window, and stops the
program by not acknowledging what came.
"""

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import closing, suppress
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import UnsetType

from api.controls import (
    AckControl,
    Control,
    ErrorControl,
    ExitCodeControl,
    ExitSignalControl,
    PingControl,
    PongControl,
    ReadyControl,
    ResizeControl,
    ResumeControl,
    ViewersControl,
    decode,
    encode,
)
from api.guests import PEER, Guests, Stream
from api.streams.live import Connection, Ending
from api.streams.sockets import CLIENT_LEFT, ending_of, hang_up, until_ended
from api.views import told_deadline
from api.windows import Window
from shared.errors import Code, Fault
from shared.guestwire.terminals import Attached, Exited, Input, Output, Resize, Resume, Viewers
from shared.rooms import INPUT_MAX

MISTAKES_MAX: Final = 32
"""Bad control frames that one connection may send."""
DEADLINE_FRESH: Final = 3.0
"""Seconds for which pongs tell the same."""
DEADLINE_PATIENCE: Final = 1.0
"""Seconds that a pong waits for the guest."""
_TURN: Final = 8
"""Messages from a guest after which the event loop may see to others: a busy guest must not hold it."""
EXITED: Final = Ending(WSCloseCode.OK, "the program has ended")
ABUSE: Final = Ending(WSCloseCode.POLICY_VIOLATION, "too many bad control frames")


def absent(error: Fault) -> Fault:
    """Terminals live and die with their guest: where none runs there is none."""
    return Fault(Code.NOT_FOUND, "there is no such terminal") if error.code is Code.NOT_RUNNING else error


def _may_only_look() -> Fault:
    return Fault(Code.FORBIDDEN, "you may look at this terminal, and not type")


class Bridge:
    """One attachment to a terminal."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        guests: Guests,
        workspace: str,
        terminal: str,
        window: int | UnsetType,
        *,
        read_only: bool,
    ) -> None:
        """`ws` is open and its client may see the terminal; `window` is the most bytes that it takes before it acknowledges.

        With `read_only` its client may do no more than see it.
        """
        self._ws = ws
        self._guests = guests
        self._workspace = workspace
        self._terminal = terminal
        self._read_only = read_only
        self._seq = 0
        self._window = Window(window if isinstance(window, int) else sys.maxsize)
        self._resumes = 0
        self._mistakes = 0
        self._asked = float("-inf")
        self._known = PongControl(shutdown_deadline=None, printed=None)

    async def run(self, connection: Connection, request: web.Request, after: int | UnsetType) -> None:
        """Forward both ways, from byte number `after` on, until one side ends or `connection` is ended; then close `ws`."""
        try:
            attached, stream = await self._guests.attach_terminal(
                self._workspace, self._terminal, after, read_only=self._read_only
            )
        except Fault as error:
            await hang_up(self._ws, request, await self._farewell(absent(error)))
            return
        output, input_ = self._until_fault(self._output(stream, attached)), self._until_fault(self._input(stream))
        with closing(stream):
            await until_ended(self._ws, request, connection, output, input_)

    async def _farewell(self, error: Fault) -> Ending:
        control, ending = ending_of(error)
        with suppress(ConnectionError):
            await self._tell(control)
        return ending

    async def _until_fault(self, way: Coroutine[None, None, Ending]) -> Ending:
        try:
            return await way
        except Fault as error:
            return await self._farewell(error)
        except ConnectionError:
            return CLIENT_LEFT

    async def _output(self, stream: Stream, attached: Attached) -> Ending:
        """Guest to client."""
        await self._ready(attached)
        turn = 0
        while True:
            message = await stream.receive()
            match message:
                case Output(seq=seq, data=data):
                    if seq != self._seq:
                        raise PEER.violation("output out of sequence")
                    await self._window.room(seq)
                    self._seq += len(data)
                    await self._ws.send_bytes(data)
                case Viewers(count=count, columns=columns, rows=rows):
                    await self._tell(ViewersControl(count=count, cols=columns, rows=rows))
                case Attached() if self._resumes:
                    self._resumes -= 1
                    self._window.enforce()
                    await self._ready(message)
                case Attached() if self._read_only:  # overtaken by the ring
                    await self._ready(message)
                case Exited(code=int() as code):
                    await self._tell(ExitCodeControl(code=code))
                    return EXITED
                case Exited(signal=str() as signal):
                    await self._tell(ExitSignalControl(signal=signal))
                    return EXITED
                case _:
                    raise PEER.violation(f"{type(message).__name__} in a terminal's stream")
            turn = (turn + 1) % _TURN
            if not turn:
                await asyncio.sleep(0)

    async def _input(self, stream: Stream) -> Ending:
        """Client to guest."""
        while self._mistakes < MISTAKES_MAX:
            message = await self._ws.receive()
            match message.type:
                case WSMsgType.BINARY if self._read_only:
                    await self._refuse(_may_only_look())
                case WSMsgType.BINARY:
                    # While input waits for the program no ack can come, and the program may wait for its output to be read.
                    self._window.waive()
                    await self._type(message.data, stream)
                    self._window.enforce()
                case WSMsgType.TEXT:
                    await self._obey(message.data, stream)
                case _:
                    return CLIENT_LEFT
        return ABUSE

    async def _type(self, data: bytes, stream: Stream) -> None:
        for at in range(0, len(data), INPUT_MAX):
            await stream.send(Input(data=data[at : at + INPUT_MAX]))

    async def _obey(self, text: str, stream: Stream) -> None:
        try:
            match decode(text):
                case ResizeControl() if self._read_only:
                    raise _may_only_look()
                case ResizeControl(cols=columns, rows=rows):
                    await stream.send(Resize(columns=columns, rows=rows))
                case ResumeControl(after=after):
                    await self._check_printed(after)
                    self._resumes += 1
                    self._window.waive()
                    await stream.send(Resume(after=after))
                case AckControl(seq=seq):
                    self._window.ack(min(seq, self._seq))
                case PingControl():
                    await self._tell(await self._pong())
        except Fault as error:
            if error.code not in {Code.BAD_REQUEST, Code.TOO_LARGE, Code.FORBIDDEN}:
                raise
            await self._refuse(error)

    async def _refuse(self, error: Fault) -> None:
        self._mistakes += 1
        await self._tell(ErrorControl(code=error.code, message=error.message, recoverable=True))

    async def _check_printed(self, after: int) -> None:
        """Refuse a resume from beyond the end, for which a guest would end the stream."""
        if after > self._seq:
            printed = (await self._guests.get_terminal(self._workspace, self._terminal)).seq
            if after > printed:
                raise Fault(Code.BAD_REQUEST, f"the terminal has printed {printed} bytes, not {after}")

    async def _pong(self) -> PongControl:
        """What the guest says of the terminal, or the last that is known when it does not."""
        clock = asyncio.get_running_loop().time
        if clock() - self._asked > DEADLINE_FRESH:
            self._asked = clock()
            with suppress(Fault, TimeoutError):
                async with asyncio.timeout(DEADLINE_PATIENCE):
                    info = await self._guests.get_terminal(self._workspace, self._terminal)
                    self._known = PongControl(shutdown_deadline=told_deadline(info.deadline), printed=info.seq)
        return self._known

    async def _ready(self, attached: Attached) -> None:
        self._seq = attached.seq
        self._window.begin(attached.seq)
        ready = ReadyControl(
            terminal_id=self._terminal,
            seq=attached.seq,
            cols=attached.columns,
            rows=attached.rows,
            viewers=attached.viewers,
            read_only=self._read_only,
        )
        await self._tell(ready)

    async def _tell(self, control: Control) -> None:
        await self._ws.send_str(encode(control))
