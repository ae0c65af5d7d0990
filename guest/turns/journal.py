"""What is known of a session's turns, permissions and conversations: `turns.jsonl`, whose last line about a thing counts."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import msgspec
from msgspec import structs

from guest.turns.lines import Lines
from shared.turns import ConversationInfo, PermissionInfo, TurnInfo

TURNS_KEPT: Final = 1000
"""Turns of a session that are listed; the log has all."""
PERMISSIONS_KEPT: Final = 200
"""Permissions of a session that are listed once they are answered."""
CONVERSATIONS_KEPT: Final = 1000
_FILE_MAX: Final = 16 * 1024 * 1024
"""Bytes of the file that are read, those at its end; a longer one is written anew."""

Thing: TypeAlias = TurnInfo | PermissionInfo | ConversationInfo
Key: TypeAlias = tuple[str, str | None]
K = TypeVar("K")
T = TypeVar("T")


class Journal:
    """The journal of one session."""

    def __init__(self, path: Path, session: str) -> None:
        """Read what an earlier guest has left; what is damaged, or of another session, is skipped. Raises Fault FAILED."""
        self._lines = Lines(path)
        self._session = session
        self.turns: dict[str, TurnInfo] = {}
        """By id, oldest first."""
        self.permissions: dict[str, PermissionInfo] = {}
        self.conversations: dict[Key, ConversationInfo] = {}
        """By agent and worktree."""
        for _, line in reversed(list(self._lines.backwards(_FILE_MAX))):
            thing = _decode(line)
            if thing and thing.session == session:
                self._keep(thing)
        if self._lines.size > _FILE_MAX:
            self._compact()

    def put(self, thing: Thing) -> None:
        """Remember it, instead of what was known of it. Raises Fault FAILED; it is remembered by this guest even so."""
        self._keep(thing)
        if self._lines.changed or self._lines.size > 2 * _FILE_MAX:
            self._compact()  # what we know is what happened, whatever somebody has made of the file
        else:
            self._lines.append(_encode(thing))

    def _keep(self, thing: Thing) -> None:
        match thing:
            case TurnInfo():
                _upsert(self.turns, thing.turn, thing, TURNS_KEPT, busy=lambda turn: turn.ended is None)
            case PermissionInfo():
                _upsert(self.permissions, thing.permission, thing, PERMISSIONS_KEPT, busy=lambda asked: asked.by is None)
            case ConversationInfo():
                key = (thing.agent, thing.worktree)
                _upsert(self.conversations, key, thing, CONVERSATIONS_KEPT, busy=lambda conversation: conversation.running)

    def forget(self, turn: str) -> None:
        """A turn that never began. It is no longer known once the file is written anew, or another thing was put."""
        self.turns.pop(turn, None)

    def _compact(self) -> None:
        things: list[Thing] = [*self.turns.values(), *self.permissions.values(), *self.conversations.values()]
        self._lines.rewrite([_encode(thing) for thing in things])

    def sync(self) -> None:
        """Wait until all is on the disk; for a thread."""
        self._lines.sync()

    def close(self) -> None:
        """The session goes."""
        self._lines.close()


def _upsert(kept: dict[K, T], key: K, thing: T, limit: int, *, busy: Callable[[T], bool]) -> None:
    kept[key] = thing
    if len(kept) > limit:
        oldest = next((known for known, other in kept.items() if not busy(other)), None)
        if oldest is not None:
            del kept[oldest]


def _encode(thing: Thing) -> bytes:
    if isinstance(thing, PermissionInfo):
        # It can be long, and is in the log; whoever reads the file finds no permission that still waits.
        thing = structs.replace(thing, input=None)
    return msgspec.json.encode(thing) + b"\n"


@cache
def _decoder() -> "msgspec.json.Decoder[Thing]":
    return msgspec.json.Decoder(Thing)


def _decode(line: bytes) -> Thing | None:
    try:
        return _decoder().decode(line)
    except (ValueError, RecursionError):
        return None
