"""When sessions and what runs in the workspace are due to end.

Times are of `guest.clock.uptime`, so that nothing ends early or late because the wall clock is set. The times in a session's
record, which the tenant can write, only say how long ago something was when the guest started: at worst a session is due at
once, and nothing ends before this guest has been there for the time of the warning.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from msgspec import Struct

from guest import clock
from guest.sessions.records import Record
from shared.config import Guests
from shared.guestwire.watch import DeadlineKind

_TICK_MAX: Final = 30.0
_TICK_MIN: Final = 0.02


class Deadline(Struct, frozen=True):
    """What happens, and when."""

    kind: DeadlineKind
    at: float


class Life(Struct):
    """The times of a session, or of the workspace."""

    born: float
    used: float
    safe: float
    """Nothing ends before."""


class Subject(Protocol):
    """A session, as far as its end is concerned."""

    @property
    def id(self) -> str:
        """What it is called."""

    @property
    def life(self) -> Life:
        """Its times."""

    @property
    def job(self) -> object | None:
        """What prepares it, while it is not ready."""

    def touch(self) -> None:
        """It is in use."""


class Activity(Struct, frozen=True):
    """What the deadlines have to know of the other parts."""

    runs: Callable[[str | None], bool]
    """Whether a terminal or an agent of that session runs; None: of any."""
    busy: Callable[[str], bool]
    """Whether a turn runs in that session, so that it must not be disturbed."""


class Deadlines:
    """Knows when each session is due, and the workspace."""

    activity: Activity
    """To be set before anything is asked: the parts that it is about need the sessions, which need this."""

    def __init__(self, settings: Guests) -> None:
        """The guest begins now."""
        self._settings = settings
        self._started = clock.uptime()
        self.workspace = Life(self._started, self._started, 0.0)
        self.background = False
        """Whether something runs that belongs to no terminal and no agent."""
        self.tick = self._tick()
        """Seconds between two looks at what is due."""

    def _tick(self) -> float:
        """Short enough for the shortest of the settings."""
        settings = self._settings
        terms = (
            settings.session_idle,
            settings.session_retention,
            settings.session_lifetime,
            settings.workspace_idle,
            settings.workspace_lifetime,
            settings.deadline_warning,
            settings.idle_timeout,
        )
        return max(_TICK_MIN, min(_TICK_MAX, *(term / 4 for term in terms if term)))

    def fresh(self) -> Life:
        """The life of a session that is made now."""
        moment = clock.uptime()
        return Life(moment, moment, 0.0)

    def known(self, record: Record) -> Life:
        """The life of a session that an earlier guest made."""
        moment = clock.uptime()
        born = moment - clock.since(record.created)
        used = moment - clock.since(record.active)
        # It was used when it was made, whatever the record says.
        return Life(born, max(born, used), self._started + self._settings.deadline_warning)

    def use(self, life: Life) -> None:
        """It is in use."""
        life.used = self.workspace.used = clock.uptime()

    def of(self, session: Subject) -> Deadline | None:
        """The next deadline of a session."""
        settings, life = self._settings, session.life
        if session.job or self.activity.busy(session.id):
            self._postpone(session)
        terms = [
            Deadline(DeadlineKind.IDLE, life.used + settings.session_idle)
            if settings.session_idle and self.activity.runs(session.id)
            else None,
            *self._deletions(life),
        ]
        return _first(terms, life.safe)

    def deletion_of(self, session: Subject) -> Deadline | None:
        """When a session is deleted, as far as is known."""
        return _first(self._deletions(session.life), session.life.safe)

    def _deletions(self, life: Life) -> list[Deadline | None]:
        settings = self._settings
        return [
            Deadline(DeadlineKind.RETENTION, life.used + settings.session_retention) if settings.session_retention else None,
            Deadline(DeadlineKind.LIFETIME, life.born + settings.session_lifetime) if settings.session_lifetime else None,
        ]

    def _postpone(self, session: Subject) -> None:
        """It is busy: that is a use, and the warning comes after it."""
        session.touch()
        safe = session.life.used + self._settings.deadline_warning + self.tick
        session.life.safe = self.workspace.safe = max(session.life.safe, safe)

    def of_workspace(self) -> Deadline | None:
        """When everything that runs in the workspace is ended, if something does."""
        settings, life = self._settings, self.workspace
        if not self.running:
            return None
        terms = [
            Deadline(DeadlineKind.IDLE, life.used + settings.workspace_idle) if settings.workspace_idle else None,
            Deadline(DeadlineKind.LIFETIME, life.born + settings.workspace_lifetime) if settings.workspace_lifetime else None,
        ]
        return _first(terms, life.safe)

    @property
    def running(self) -> bool:
        """Whether anything runs in the workspace."""
        return self.background or self.activity.runs(None)

    def told(self, session: Subject) -> str | None:
        """When something of the session ends, as it is told."""
        due = self.of(session)
        whole = self.of_workspace() if self.activity.runs(session.id) else None
        first = _first([due, whole], 0.0)
        return clock.at(first.at) if first else None

    def told_of_workspace(self, sessions: Iterable[Subject]) -> str | None:
        """When nothing of what runs now will run any more: with the workspace, or with the last of its sessions."""
        if not self.running:
            return None
        ends = [self.of(session) for session in sessions if self.activity.runs(session.id)]
        last = None if self.background or not all(ends) else max((end for end in ends if end), key=lambda end: end.at)
        first = _first([self.of_workspace(), last], 0.0)
        return clock.at(first.at) if first else None


def _first(terms: Iterable[Deadline | None], safe: float) -> Deadline | None:
    """The earliest of those that there are, but none before `safe`."""
    first = min((term for term in terms if term), key=lambda term: term.at, default=None)
    return Deadline(first.kind, max(first.at, safe)) if first else None
