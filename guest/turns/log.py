"""A session's event log, `events.jsonl`: an event a line, on the disk before anybody is told of it, read by cursors.

The file is the truth. Whatever the tenant does to it, the numbers that a reader sees have no gaps: in place of an event that
cannot be read stands a notice.
"""

import asyncio
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from guest.clock import now
from guest.turns.lines import Lines
from shared.errors import Code, Fault
from shared.turns import EVENT_MAX, Body, Event, Notice, TurnStarted

_LINE_MIN: Final = 64
"""Bytes that the shortest event takes."""
_LOST_MAX: Final = 1_000_000
"""Events that may be missing from a log; a number that says more is none of ours."""
_TAIL_MAX: Final = 4 * 1024 * 1024
"""Bytes at the end of a log in which its last event is looked for."""
_NEAR: Final = 64 * 1024
"""Bytes before an event from which its line is looked for one by one; and what a reader reads at a time."""
_LINE_MAX: Final = EVENT_MAX + 1
_TRIES: Final = 64
"""Pieces of a damaged log in which one event is looked for."""
_UNREADABLE: Final = Notice("this event can no longer be read")


class Log:
    """The log of one session."""

    def __init__(self, path: Path, cap: int) -> None:
        """Find its last event; agents may fill it up to `cap` bytes. Raises Fault FAILED."""
        self._lines = Lines(path)
        self._cap = cap
        self._readers: set[asyncio.Event] = set()
        self.closed = False
        self.epoch = 0
        """Counts how often somebody else has changed the file: what a reader knew of it is then wrong."""
        self.last = 0
        """The number of the newest event."""
        self._load()

    def _load(self) -> None:
        for limit in (_NEAR, _TAIL_MAX):
            for offset, line in self._lines.backwards(limit):
                event = _decode(line)
                if event and 0 < event.seq <= offset // _LINE_MIN + _LOST_MAX:
                    self.last = event.seq
                    return
        self.last = 0
        if self._lines.size:
            self._lines.discard()

    def _look(self) -> None:
        """Begin anew when the file is no longer as we left it. Raises Fault GONE, FAILED."""
        if self.closed:
            raise Fault(Code.GONE, "the session was deleted")
        if self._lines.changed:
            self._lines.open()
            self._load()
            self.epoch += 1
            self._wake()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._lines.size

    @property
    def full(self) -> bool:
        """Whether it has no room for what agents say."""
        return self.size >= self._cap

    def append(self, agent: str, turn: str | None, body: Body, *, reserved: bool = False) -> Event:
        """Add an event, and wake those who follow. Raises Fault TOO_LARGE, LIMIT, FAILED.

        An event that is `reserved`, as the end of a turn is, may exceed the cap.
        """
        self._look()
        event, line = _encode(Event(self.last + 1, now(), agent, turn, body))
        if self.size + len(line) > self._cap and not reserved:
            raise Fault(Code.LIMIT, f"the session's log has reached its {self._cap} bytes")
        self._lines.append(line)
        self.last = event.seq
        self._wake()
        return event

    def _wake(self) -> None:
        for reader in self._readers:
            reader.set()

    def newest(self) -> Event | None:
        """The last event, if it can be read. Raises Fault FAILED."""
        self._look()
        return next((_decode(line) for _, line in self._lines.backwards(_LINE_MAX)), None)

    def event(self, seq: int) -> Event | None:
        """One event; None when too much that is none lies before it. Raises Fault BAD_REQUEST, FAILED."""
        cursor = self.cursor(seq - 1)
        return next((event for _ in range(_TRIES) for event in cursor.take(1, _LINE_MAX)), None)

    async def page(self, after: int, limit: int) -> list[Event]:
        """The events that follow number `after`, as many as fit a frame. Raises Fault BAD_REQUEST, FAILED."""
        cursor = self.cursor(after)
        events: list[Event] = []
        room = _LINE_MAX
        while cursor.behind and len(events) < limit:
            before = cursor.offset
            found = cursor.take(limit - len(events), room)
            if not found and cursor.offset == before:
                break  # the next one does not fit
            if found:
                room -= cursor.offset - before
            events += found
            await asyncio.sleep(0)
        return events

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the file. Raises Fault FAILED."""
        return self._lines.read(offset, size)

    def cursor(self, after: int) -> "Cursor":
        """A reader of the events that follow number `after`. Raises Fault BAD_REQUEST, FAILED."""
        self._look()
        if after > self.last:
            raise Fault(Code.BAD_REQUEST, f"the log has {self.last} events, not {after}")
        return Cursor(self, after, self._offset(after + 1))

    def _offset(self, seq: int) -> int:
        """Where a line begins from which on event `seq` is not far."""
        low, high = 0, self.size
        while high - low > _NEAR:
            middle = (low + high) // 2
            offset, found = self._first(middle)
            if found is None or found >= seq:
                high = middle
            else:
                low = offset
        return low

    def _first(self, offset: int) -> tuple[int, int | None]:
        """Offset and number of the first event whose line begins behind `offset`; no number when none is near."""
        for size in (_NEAR, 2 * _LINE_MAX):
            data = self.read(offset, size)
            begin = data.find(b"\n") + 1
            while begin and (end := data.find(b"\n", begin)) >= 0:
                event = _decode(data[begin:end])
                if event and event.seq <= self.last:
                    return offset + begin, event.seq
                begin = end + 1
        return offset, None

    def follow(self, wake: asyncio.Event) -> None:
        """Set `wake` whenever there is something new."""
        self._readers.add(wake)

    def unfollow(self, wake: asyncio.Event) -> None:
        """No longer."""
        self._readers.discard(wake)

    async def sync(self) -> None:
        """Return when all is on the disk."""
        await asyncio.to_thread(self._lines.sync)

    def close(self) -> None:
        """The session goes."""
        self.closed = True
        self._lines.close()
        self._wake()


class Cursor:
    """A reader's place in a log. It keeps no events."""

    def __init__(self, log: Log, seq: int, offset: int) -> None:
        """Behind event `seq`; the line at `offset` is that of this event or of one before or after it."""
        self._log = log
        self.offset = offset
        """Where it reads next."""
        self._epoch = log.epoch
        self._within = False
        """Whether `offset` lies in a line that is too long for an event."""
        self.seq = seq
        """The number of the event that was read last."""

    @property
    def behind(self) -> bool:
        """Whether there is more to read."""
        return self.seq < self._log.last

    def take(self, count: int, room: int) -> list[Event]:
        """The next events: at most `count`, from at most `room` bytes of the file.

        It reads a bounded piece, so that none may come although the cursor is behind: try again, after others had their turn.
        Raises Fault GONE when the session is deleted, CONFLICT when somebody else has changed the file, FAILED.
        """
        if self._log.closed:
            raise Fault(Code.GONE, "the session was deleted")
        if self._epoch != self._log.epoch:
            raise Fault(Code.CONFLICT, "somebody has changed the session's log")
        events: list[Event] = []
        data = self._read()
        if not data:
            self._fill(events, self._log.last, count)  # the last lines were overwritten, or cut off
            return events
        begin = 0
        while len(events) < count and (end := data.find(b"\n", begin)) >= 0:
            if end >= room:
                break
            event = None if self._within else _decode(data[begin:end])
            if event and self.seq < event.seq <= self._log.last:
                self._fill(events, event.seq - 1, count)
                if len(events) == count:
                    break
                self.seq = event.seq
                events.append(event)
            self._within = False
            begin = end + 1
        self.offset += begin
        return events

    def _read(self) -> bytes:
        data = self._log.read(self.offset, _NEAR)
        if b"\n" not in data:
            data = self._log.read(self.offset, _LINE_MAX)
        if data and b"\n" not in data:
            self._within = True
            self.offset += len(data)
        return data

    def _fill(self, events: list[Event], until: int, count: int) -> None:
        while self.seq < until and len(events) < count:
            self.seq += 1
            events.append(Event(self.seq, now(), "unknown", None, _UNREADABLE))


@cache
def _decoder() -> "msgspec.json.Decoder[Event]":
    return msgspec.json.Decoder(Event)


def _decode(line: bytes) -> Event | None:
    try:
        return _decoder().decode(line) if len(line) < _LINE_MAX else None
    except (ValueError, RecursionError):
        return None


def _encode(event: Event) -> tuple[Event, bytes]:
    """The event and its line. What could not be read back becomes a notice. Raises Fault TOO_LARGE for a prompt."""
    try:
        line = msgspec.json.encode(event) + b"\n"
        if len(line) <= EVENT_MAX:
            _decoder().decode(line)
            return event, line
        reason = "too long"
    except ValueError:  # as with half of a surrogate pair
        reason = "malformed"
    if isinstance(event.body, TurnStarted):
        raise Fault(Code.TOO_LARGE, f"the text is {reason}")
    event = structs.replace(event, body=Notice(f"an update of the agent's was {reason}, and is not kept"))
    return event, msgspec.json.encode(event) + b"\n"
