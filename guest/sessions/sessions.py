"""Sessions: folders with a record, a clone and worktrees, and what is known of them."""

import asyncio
import contextlib
import logging
import re
from pathlib import Path
from typing import Final

from guest.clock import now
from guest.events import Events
from guest.git import addresses, credentials
from guest.git.clones import Cloner
from guest.git.git import Git
from guest.idle import Idle
from guest.room import Room
from guest.sessions import records
from guest.sessions.deadlines import Deadlines
from guest.sessions.records import Record
from guest.trees import Trees
from shared.errors import Code, Fault
from shared.guestwire.sessions import CreateSession
from shared.guestwire.watch import SessionChanged, SessionDeleted
from shared.ids import SESSION_PATTERN
from shared.rooms import (
    SESSIONS_MAX,
    Progress,
    SessionInfo,
    SessionStatus,
)
from shared.turns import Usage

_log: Final = logging.getLogger(__name__)
_IS_SESSION: Final = re.compile(SESSION_PATTERN)


class Session:
    """One session."""

    def __init__(self, session: str, folder: Path, record: Record, deadlines: Deadlines, *, known: bool = False) -> None:
        """The session `session` in `folder`; `known` when an earlier guest made it."""
        self.id = session
        self.life = deadlines.known(record) if known else deadlines.fresh()
        self._deadlines = deadlines
        self.folder = folder
        self.record = record
        self.progress: Progress | None = None
        self.job: asyncio.Task[None] | None = None
        """The clone, while it runs."""
        self.git = asyncio.Lock()
        """One command that changes the repository at a time."""
        self.used: Usage | None = None
        """What its turns have used; `Turns.tally` knows."""
        self.interrupted = False
        """Whether an earlier guest ended while it was cloned, so that `repo` is half a clone."""

    @property
    def repo(self) -> Path:
        """The clone."""
        return self.folder / "repo"

    def worktree(self, worktree: str) -> Path:
        """A worktree's folder."""
        return self.folder / "worktrees" / worktree

    def touch(self) -> None:
        """It is in use."""
        self.record.active = now()
        self._deadlines.use(self.life)

    def deadline(self) -> str | None:
        """When something of it ends, unless it is used before."""
        return self._deadlines.told(self)

    def ready(self) -> "Session":
        """Itself. Raises Fault NOT_READY unless its clone is there."""
        if self.record.status is not SessionStatus.READY:
            state = "is still being cloned" if self.record.status is SessionStatus.CLONING else "could not be cloned"
            raise Fault(Code.NOT_READY, f"the session {state}")
        return self

    def info(self) -> SessionInfo:
        """What is told of it."""
        record = self.record
        return SessionInfo(
            session=self.id,
            name=record.name,
            status=record.status,
            created=record.created,
            active=record.active,
            repo_url=record.repo_url,
            ref=record.ref,
            progress=self.progress,
            error=record.error,
            deadline=self.deadline(),
            usage=self.used,
        )

    def save(self) -> None:
        """Write the record. Raises Fault FAILED, as with a full disk."""
        records.write(self.folder, self.record)

    def keep(self) -> None:
        """Write the record where nobody waits for it: a full disk must not stop what else is to be done."""
        try:
            self.save()
        except Fault as fault:
            _log.warning("%s: %s", self.id, fault.message)


class Sessions:
    """All sessions of the workspace."""

    def __init__(self, room: Room, git: Git, trees: Trees, events: Events, idle: Idle, *, deadlines: Deadlines) -> None:
        """Find those that are on the disk. A clone that nobody works on any more was interrupted."""
        self._room = room
        self._trees = trees
        self._events = events
        self._idle = idle
        self._deadlines = deadlines
        self._cloner = Cloner(git, trees, room)
        self._all: dict[str, Session] = {}
        for folder in sorted(room.sessions.iterdir()):
            known = _IS_SESSION.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink()
            if known and len(self._all) < SESSIONS_MAX:
                self._all[folder.name] = _load(folder, deadlines)

    def get(self, session: str) -> Session:
        """One session. Raises Fault NOT_FOUND."""
        try:
            return self._all[session]
        except KeyError:
            raise Fault(Code.NOT_FOUND, "there is no such session") from None

    def touch(self, session: str) -> bool:
        """It is in use; False when there is no such session."""
        if found := self._all.get(session):
            found.touch()
        return found is not None

    def all(self) -> list[Session]:
        """All sessions, newest first."""
        return sorted(self._all.values(), key=lambda s: s.record.created, reverse=True)

    async def create(self, request: CreateSession) -> Session:
        """Make a session; its clone goes on after the answer. Raises Fault BAD_REQUEST, CONFLICT, LIMIT, FAILED."""
        known = self._all.get(request.session)
        session = self._same(known, request) if known else self._new(request)
        if session.job and not request.repo_url:
            # Without a repository it takes milliseconds, and is worth waiting for; a caller that goes does not end it.
            await asyncio.shield(session.job)
        return session

    def _same(self, known: Session, request: CreateSession) -> Session:
        if (known.record.repo_url, known.record.ref) != (request.repo_url, request.ref):
            raise Fault(Code.CONFLICT, "the session exists with another repository")
        return known

    def _new(self, request: CreateSession) -> Session:
        address = self._checked(request)
        limit = self._room.settings.sessions
        if len(self._all) >= limit:
            raise Fault(Code.LIMIT, f"the workspace has {limit} sessions, and may not have more")
        moment = now()
        record = Record(
            name=request.name,
            status=SessionStatus.CLONING,
            created=moment,
            active=moment,
            repo_url=request.repo_url,
            ref=request.ref,
        )
        session = Session(request.session, self._room.sessions / request.session, record, self._deadlines)
        try:
            session.folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Fault(Code.FAILED, f"the session's folder cannot be made: {error.strerror}") from error
        try:
            session.save()
        except Fault:
            with contextlib.suppress(OSError):
                session.folder.rmdir()
            raise
        self._all[session.id] = session
        self.changed(session)
        self._idle.hold()
        session.job = asyncio.create_task(self._prepare(session, request, address))
        return session

    def _checked(self, request: CreateSession) -> addresses.Address | None:
        if request.repo_url is None:
            if request.ref or request.auth:
                raise Fault(Code.BAD_REQUEST, "`ref` and `auth` need a `repoUrl`")
            return None
        address = addresses.check(request.repo_url, self._room.settings.git_protocols)
        if request.auth:
            credentials.check(request.auth, address)
        return address

    async def _prepare(self, session: Session, request: CreateSession, address: addresses.Address | None) -> None:
        record = session.record
        try:
            await self._cloner.prepare(session.repo, request, address, lambda p: self._progress(session, p))
            record.status = SessionStatus.READY
        except Fault as fault:
            record.status, record.error = SessionStatus.ERROR, fault.message
        except Exception:  # noqa: BLE001  # a defect must not leave the session in `cloning`
            record.status, record.error = SessionStatus.ERROR, "internal error"
            _log.exception("%s: preparing it failed", session.id)
        finally:
            session.progress = session.job = None
            self._idle.release()
            # Deleted, or interrupted: there is nobody to tell, and the next guest finds it as it was.
            if session.id in self._all and record.status is not SessionStatus.CLONING:
                session.keep()
                self.changed(session)

    def _progress(self, session: Session, progress: Progress) -> None:
        if progress != session.progress:
            session.progress = progress
            self.changed(session)

    def changed(self, session: Session) -> None:
        """Tell who watches."""
        self._events.publish(session.id, SessionChanged(session.info()))

    def rename(self, session: Session, name: str) -> None:
        """Give it another name. Raises Fault FAILED."""
        session.record.name = name
        session.save()
        self.changed(session)

    def forget(self, session: Session) -> None:
        """Delete it, as far as anybody can tell."""
        del self._all[session.id]
        self._events.publish(session.id, SessionDeleted(session.id))

    async def remove(self, session: Session) -> None:
        """Stop the clone and remove the files of one that is forgotten. Raises Fault FAILED."""
        await _stop(session)
        await self._trees.remove(session.folder)

    async def tidy(self) -> None:
        """Remove what interrupted clones and removals have left."""
        await self._trees.sweep()
        for session in self.all():
            if session.interrupted:
                await self._trees.remove(session.repo)

    async def close(self) -> None:
        """Stop all clones and write down when each session was last used."""
        for session in self._all.values():
            await _stop(session)
            session.keep()


async def _stop(session: Session) -> None:
    if session.job:
        session.job.cancel()
        await asyncio.wait((session.job,))


def _load(folder: Path, deadlines: Deadlines) -> Session:
    session = Session(folder.name, folder, records.read(folder), deadlines, known=True)
    if session.record.status is SessionStatus.CLONING:
        session.record.status, session.record.error = SessionStatus.ERROR, "interrupted"
        session.interrupted = True
        session.keep()
    return session
