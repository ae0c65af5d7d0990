"""OpenCode: `~/.local/share/opencode/opencode.db`, SQLite, where a message consists of parts and both are JSON.

The database is the tenant's file like any other: it is opened to be read alone, trusted in nothing, and no question to it may
take long.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, field

from guest.transcripts.parsed import MODEL_MAX, RECORD_MAX, Answer, Parsed, Piece, called, dollars, moment, said
from shared.transcripts import EntryRole
from shared.turns import Tokens, Usage

_SECONDS: Final = 2.0
"""For one question, and for each row of its answer."""
_STEPS: Final = 20_000
"""Of SQLite's machine between two looks at the clock."""
_SESSIONS_MAX: Final = 10_000
_NONE: Final = Raw(b"null")
_TABLES: Final = {"session", "message", "part"}


class Conversation(Struct, frozen=True):
    """A conversation in the database."""

    id: str
    directory: str
    parent: str | None
    created: int
    updated: int


class _Cache(Struct):
    read: Tokens = 0
    write: Tokens = 0


class _Tokens(Struct):
    input: Tokens = 0
    output: Tokens = 0
    reasoning: Tokens = 0
    cache: _Cache = field(default_factory=_Cache)


class _Time(Struct):
    created: float | None = None


class _Message(Struct, rename="camel"):
    role: str
    time: _Time | None = None
    model: str | None = field(default=None, name="modelID")
    provider: str | None = field(default=None, name="providerID")


class _State(Struct):
    status: str = ""
    input: Raw = field(default_factory=lambda: _NONE)
    output: str | None = None
    error: str | None = None


class _Part(Struct, rename="camel"):
    type: str = ""
    text: str | None = None
    synthetic: bool | None = None
    tool: str | None = None
    call: str | None = field(default=None, name="callID")
    state: _State | None = None
    cost: float | None = None
    tokens: _Tokens | None = None


_message: Final = msgspec.json.Decoder(_Message)
_part: Final = msgspec.json.Decoder(_Part)


class Database:
    """An open database. Its questions raise ValueError when they cannot be answered, or not within _SECONDS."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Asks by `connection`."""
        self._connection = connection
        self._deadline = 0.0
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, RECORD_MAX)
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.set_progress_handler(lambda: time.monotonic() > self._deadline, _STEPS)

    def _ask(self, question: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        """The rows, for each of which there is as much time as for the first."""
        try:
            self._deadline = time.monotonic() + _SECONDS
            rows = self._connection.execute(question, values)
            while (row := rows.fetchone()) is not None:
                yield row
                self._deadline = time.monotonic() + _SECONDS
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise ValueError(f"the database cannot be read: {error}") from error

    def check(self) -> None:
        """Raise ValueError unless it is OpenCode's: what is in the place of its tables could be a question without end."""
        list(self._ask("PRAGMA trusted_schema = OFF"))
        if not {row[0] for row in self._ask("SELECT name FROM sqlite_schema WHERE type = 'table' LIMIT 1000")} >= _TABLES:
            raise ValueError("it is not OpenCode's")

    def conversations(self) -> list[Conversation]:
        """All conversations, but for those that are none."""
        found = []
        for row in self._ask(
            "SELECT id, directory, parent_id, time_created, time_updated FROM session"
            " WHERE typeof(id) = 'text' AND length(id) BETWEEN 1 AND 200 AND instr(id, '#') = 0"
            " ORDER BY time_updated DESC LIMIT ?",
            _SESSIONS_MAX,
        ):
            with contextlib.suppress(msgspec.ValidationError):
                found.append(msgspec.convert(dict(zip(Conversation.__struct_fields__, row, strict=True)), Conversation))
        return found

    def records(self, conversation: str) -> Iterator[tuple[int, bytes]]:
        """The parts of a conversation in order: each one's row number, and message and part with a newline between."""
        for number, text in self._ask(
            "SELECT p.rowid, m.data || char(10) || p.data FROM message m JOIN part p ON p.message_id = m.id"
            " WHERE m.session_id = ? AND length(m.data) + length(p.data) < ? ORDER BY m.time_created, m.id, p.id",
            conversation,
            RECORD_MAX // 4,
        ):
            if isinstance(text, str):
                yield number, text.encode()

    def record(self, number: int) -> bytes:
        """The record of a row. Raises ValueError also when it is gone."""
        question = "SELECT m.data || char(10) || p.data FROM part p JOIN message m ON m.id = p.message_id WHERE p.rowid = ?"
        for (text,) in self._ask(question, number):
            if isinstance(text, str):
                return text.encode()
        raise ValueError("the part is gone")


@contextmanager
def opened(folder: int, name: str) -> Iterator[Database]:
    """The database `name` in the open directory `folder`. Raises ValueError when it is none, or not OpenCode's."""
    try:
        connection = sqlite3.connect(f"file:/proc/self/fd/{folder}/{quote(name)}?mode=ro", uri=True, timeout=1)
    except sqlite3.Error as error:
        raise ValueError(f"the database cannot be opened: {error}") from error
    with contextlib.closing(connection):
        database = Database(connection)
        database.check()
        yield database


def parse(line: bytes) -> Parsed | None:
    """One record: the message's JSON, a newline, the part's."""
    head, _, tail = line.partition(b"\n")
    message, part = _message.decode(head), _part.decode(tail)
    if message.role not in {"user", "assistant"}:
        return None
    at = moment(message.time.created if message.time else None)
    return Parsed(tuple(_pieces(EntryRole(message.role), part)), at, _answer(message, part))


def _pieces(role: EntryRole, part: _Part) -> Iterator[Piece]:
    if part.type == "text" and not part.synthetic:
        yield from said(role, part.text)
    elif part.type == "reasoning":
        yield from said(EntryRole.THINKING, part.text)
    elif part.type == "tool" and part.state is not None:
        state = part.state
        yield called(
            part.call, part.tool, bytes(state.input).decode(), state.output or state.error, error=state.status == "error"
        )


def _answer(message: _Message, part: _Part) -> Answer | None:
    if part.type != "step-finish" or part.tokens is None:
        return None
    used, cache = part.tokens, part.tokens.cache
    usage = Usage(
        input=used.input + cache.read + cache.write,
        output=used.output + used.reasoning,
        cache_read=cache.read,
        cache_write=cache.write,
        cost=dollars(part.cost) or None,  # it says 0 of a model whose price it does not know
        model=(message.model or "")[:MODEL_MAX] or None,
    )
    return Answer("", usage, None)
