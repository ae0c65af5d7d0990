"""One transcript of the index, and what is told of it."""

import hashlib
import re
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from guest.transcripts.lines import Position
from guest.transcripts.parsed import moment
from guest.transcripts.places import OPENCODE
from guest.transcripts.tally import Tally
from shared.ids import SESSION_PATTERN, WORKTREE_PATTERN
from shared.transcripts import TranscriptInfo

_MOST: Final = 2**53
_SESSION: Final = re.compile(SESSION_PATTERN.strip("^$"))
_WORKTREE: Final = re.compile(WORKTREE_PATTERN.strip("^$"))
_EPOCH: Final = "1970-01-01T00:00:00.000Z"


class Known(Struct):
    """A transcript of the index."""

    agent: str
    path: str
    """Below the home; of a conversation in a database, that of the database, `#` and the conversation's id."""
    inode: int
    size: int
    changed: int
    """Nanoseconds since the epoch; of a conversation in a database, as that says it."""
    position: Position = field(default_factory=Position)
    tally: Tally = field(default_factory=Tally)
    id: str = ""

    def __post_init__(self) -> None:
        """Make the id, which stays while the file does."""
        self.id = "tr" + hashlib.sha256(f"{self.agent}\0{self.path}".encode()).hexdigest()[:24]

    @property
    def file(self) -> str:
        """The file that it is in."""
        return self.path.rpartition("#")[0] if self.agent == OPENCODE else self.path

    @property
    def started(self) -> str:
        """When it began, as far as is known."""
        return self.tally.started or moment(self.changed / 1_000_000) or _EPOCH


class Rooms:
    """The folders of all sessions: where an agent worked tells in which it did."""

    def __init__(self, home: Path) -> None:
        """Those in `home`, by all of its names."""
        self._prefixes = tuple({f"{folder}/vibecoder_workspace/sessions/" for folder in (home, home.resolve())})

    def place(self, known: Known) -> tuple[str | None, str | None]:
        """The session, and the worktree, in whose folder the agent worked."""
        cwd = known.tally.cwd or ""
        prefix = next((prefix for prefix in self._prefixes if cwd.startswith(prefix)), None)
        if prefix is None:
            return None, None
        session, _, rest = cwd.removeprefix(prefix).partition("/")
        if not _SESSION.fullmatch(session):
            return None, None
        folder, _, rest = rest.partition("/")
        worktree = rest.partition("/")[0] if folder == "worktrees" else ""
        return session, worktree if _WORKTREE.fullmatch(worktree) else None

    def info(self, known: Known) -> TranscriptInfo:
        """What is told of one."""
        tally, total = known.tally, known.tally.total
        session, worktree = self.place(known)
        stem = known.path.rpartition("/")[2].removesuffix(".jsonl")
        return TranscriptInfo(
            transcript=known.id,
            agent=known.agent,
            native=tally.native or stem[:200],
            title=tally.title,
            started=known.started,
            updated=max(tally.updated or known.started, known.started),
            size=known.size,
            usage=tally.usage,
            cwd=tally.cwd,
            session=session,
            worktree=worktree,
            user=min(total.user, _MOST),
            assistant=min(total.assistant, _MOST),
            thinking=min(total.thinking, _MOST),
            tools=min(total.tools, _MOST),
            answers=min(total.answers, _MOST),
            unpriced=min(tally.unpriced, _MOST),
            models=tally.models,
            stated=tally.stated is not None,
            subagent=tally.subagent or known.path.endswith(f"/subagents/{stem}.jsonl"),
            skipped=min(tally.skipped, _MOST),
        )
