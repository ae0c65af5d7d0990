"""Terminals: a program, a ring of what it printed, and who looks at it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from guest.clock import now
from guest.events import Events
from guest.idle import Idle
from guest.room import Room
from guest.terminals.ptys import READ_MAX, Exit, Pty
from guest.terminals.ring import Ring
from shared.errors import Code, Fault
from shared.guestwire.terminals import CreateTerminal
from shared.guestwire.watch import TerminalChanged, TerminalClosed
from shared.rooms import TerminalInfo, TerminalStatus

_LAG_MAX: Final = 64 * 1024
"""Bytes that the fastest viewer may be behind before the program has to wait."""
VIEWERS_MAX: Final = 64
"""Viewers who may type, and as many who only read: neither keeps the other out."""
_COMMAND_SHOWN: Final = 400
"""Characters of a command that lists show."""


class Place(Struct, frozen=True):
    """Where a terminal belongs: its session, its worktree if any, and the folder of one of them."""

    session: str
    worktree: str | None
    folder: Path
    touch: Callable[[], None]
    """Says that the session is in use."""
    deadline: Callable[[], str | None]
    """When it ends with its session, unless that is used before."""


class Onlooker(Protocol):
    """One who looks at a terminal, as far as that is concerned."""

    size: tuple[int, int] | None
    """Columns and rows, once it has said."""
    cursor: int
    """The number of the next byte that it gets."""
    read_only: bool
    """Then it changes nothing, nor does the program wait for it."""

    def wake(self) -> None:
        """There is something to send."""

    def tell_viewers(self) -> None:
        """The number of viewers or the size has changed."""

    def close(self) -> None:
        """The terminal is gone."""


class Terminal:
    """One program on a pty. Viewers are cursors into its ring."""

    def __init__(
        self,
        request: CreateTerminal,
        place: Place,
        *,
        argv: list[str],
        env: Mapping[str, str],
        ring: int,
        on_change: Callable[["Terminal"], None],
        on_exit: Callable[["Terminal"], None],
    ) -> None:
        """Start `argv`; `ring` is the bytes that are kept. Raises Fault BAD_REQUEST when it cannot be started."""
        self.id = request.terminal
        self.place = place
        self.ring = Ring(ring)
        self.exit: Exit | None = None
        self.drained = False
        self.size = (request.columns, request.rows)
        self.viewers: set[Onlooker] = set()
        self._command = _shown(request.command or [argv[0], "-l"])
        self._created = now()
        self._on_change = on_change
        self._on_exit = on_exit
        self._lag_max = min(_LAG_MAX, ring // 2)
        self._pty = Pty(
            argv,
            cwd=place.folder,
            env=env,
            size=self.size,
            # The fastest viewer is never overrun: its lag and one more read fit the ring.
            read_max=min(READ_MAX, ring - self._lag_max),
            on_output=self._printed,
            on_drained=self._no_more,
            on_exit=self._exited,
        )

    @property
    def ended(self) -> bool:
        """Whether the program has exited and all of its output is in the ring."""
        return self.drained and self.exit is not None

    def info(self) -> TerminalInfo:
        """What is told of it."""
        return TerminalInfo(
            terminal=self.id,
            session=self.place.session,
            worktree=self.place.worktree,
            status=TerminalStatus.EXITED if self.exit else TerminalStatus.RUNNING,
            pid=self._pty.pid,
            columns=self.size[0],
            rows=self.size[1],
            viewers=len(self.viewers),
            created=self._created,
            command=self._command,
            seq=self.ring.end,
            exit_code=self.exit.code if self.exit else None,
            exit_signal=self.exit.signal if self.exit else None,
            deadline=None if self.exit else self.place.deadline(),
        )

    def attach(self, viewer: Onlooker) -> None:
        """One more looks at it. Raises Fault LIMIT."""
        if sum(known.read_only is viewer.read_only for known in self.viewers) >= VIEWERS_MAX:
            raise Fault(Code.LIMIT, f"a terminal has at most {VIEWERS_MAX} viewers")
        self.viewers.add(viewer)
        self._tell(but=viewer)
        self._on_change(self)
        self.balance()

    def detach(self, viewer: Onlooker) -> None:
        """One less."""
        self.viewers.discard(viewer)
        if not self._fit():
            self._tell()
        self._on_change(self)
        self.balance()

    def resized(self) -> None:
        """A viewer has another size: the smallest in each direction becomes the terminal's."""
        if self._fit():
            self._on_change(self)

    def _fit(self) -> bool:
        sizes = [v.size for v in self.viewers if v.size]
        # Without a viewer's word the last size stays.
        size = (min(s[0] for s in sizes), min(s[1] for s in sizes)) if sizes else self.size
        if size == self.size:
            return False
        self.size = size
        self._pty.resize(size)
        self._tell()
        return True

    def _tell(self, but: Onlooker | None = None) -> None:
        for viewer in self.viewers:
            if viewer is not but:
                viewer.tell_viewers()

    def balance(self) -> None:
        """Read on, or stop reading: the program waits while even the fastest of those who may type lags."""
        cursors = [v.cursor for v in self.viewers if not v.read_only]
        if cursors and self.ring.end - max(cursors) > self._lag_max:
            self._pty.pause()
        else:
            self._pty.resume()

    async def write(self, data: bytes) -> None:
        """Input, as typed; waits while the program does not read what is pending."""
        self.place.touch()
        await self._pty.write(data)

    def _printed(self, data: memoryview) -> None:
        self.ring.append(data)
        self._wake()
        self.balance()

    def _no_more(self) -> None:
        self.drained = True
        self._wake()

    def _exited(self, result: Exit) -> None:
        self.exit = result
        self._wake()
        self._on_exit(self)
        self._on_change(self)

    def _wake(self) -> None:
        for viewer in self.viewers:
            viewer.wake()

    async def close(self) -> None:
        """End its programs and its streams. What was printed until now still reaches who reads."""
        await self._pty.close()
        for viewer in tuple(self.viewers):
            viewer.close()


def _shown(argv: list[str]) -> list[str]:
    """The command for lists, which must fit a frame however long the commands are."""
    shown: list[str] = []
    rest = _COMMAND_SHOWN
    for argument in argv:
        if rest <= 0:
            break
        shown.append(argument[:rest])
        rest -= len(argument)
    return shown


class Terminals:
    """All terminals of the workspace."""

    def __init__(self, room: Room, events: Events, idle: Idle) -> None:
        """Tell `events` of changes; running programs hold `idle`."""
        self._room = room
        self._events = events
        self._idle = idle
        self._all: dict[str, Terminal] = {}

    async def create(self, request: CreateTerminal, place: Place) -> Terminal:
        """Start a program; the same id twice is the same terminal. Raises Fault CONFLICT, LIMIT, BAD_REQUEST."""
        if known := self._all.get(request.terminal):
            if (known.place.session, known.place.worktree) != (place.session, place.worktree):
                raise Fault(Code.CONFLICT, "the terminal exists elsewhere")
            return known
        self._limit()
        terminal = Terminal(
            request,
            place,
            argv=request.command or [self._room.settings.shell, "-l"],
            env=self._environment(request, place),
            ring=self._room.settings.ring,
            on_change=lambda t: self._events.publish(t.id, TerminalChanged(t.info())),
            on_exit=lambda _: self._idle.release(),
        )
        self._idle.hold()
        self._all[terminal.id] = terminal
        self._events.publish(terminal.id, TerminalChanged(terminal.info()))
        while len(self._all) > self._room.settings.terminals:
            await self.close(next(t.id for t in self._all.values() if t.exit))
        return terminal

    def _limit(self) -> None:
        """Programs that run count; the oldest of those that have exited make room."""
        limit = self._room.settings.terminals
        if sum(not t.exit for t in self._all.values()) >= limit:
            raise Fault(Code.LIMIT, f"the workspace has {limit} terminals running, and may not have more")

    def _environment(self, request: CreateTerminal, place: Place) -> dict[str, str]:
        return {
            **{name: secret.reveal() for name, secret in request.secrets.items()},
            **self._room.environment,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            # The path of a clone is longer than a phone is wide: bash's prompt shows the last folder of it.
            "PROMPT_DIRTRIM": "1",
            "HOSTEL_SESSION": place.session,
            "HOSTEL_TERMINAL": request.terminal,
        }

    def get(self, terminal: str) -> Terminal:
        """One terminal. Raises Fault NOT_FOUND."""
        try:
            return self._all[terminal]
        except KeyError:
            raise Fault(Code.NOT_FOUND, "there is no such terminal") from None

    def of(self, session: str | None = None, worktree: str | None = None) -> list[Terminal]:
        """All terminals, or those of a session, or of one of its worktrees; oldest first."""
        return [t for t in self._all.values() if session in (None, t.place.session) and worktree in (None, t.place.worktree)]

    async def close(self, terminal: str) -> None:
        """End a terminal and forget it. Raises Fault NOT_FOUND."""
        closing = self.get(terminal)
        del self._all[terminal]
        await closing.close()
        # Its end was told of while it was closed; who watches keeps the latest that was said of each.
        self._events.publish(terminal, TerminalClosed(terminal))
