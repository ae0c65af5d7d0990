"""What hostd knows: workspaces with their uids, and one-time tokens. SQLite; each change is on disk before it returns."""

import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from shared.hostwire import WorkspaceState

_MIGRATIONS: Final = (
    """
    CREATE TABLE IF NOT EXISTS workspaces (
        id TEXT PRIMARY KEY,
        uid INTEGER NOT NULL UNIQUE,
        state TEXT NOT NULL,
        created TEXT NOT NULL,
        deleted TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS invites (
        hash TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        expires INTEGER NOT NULL,
        used INTEGER
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE workspaces ADD COLUMN locked TEXT;
    ALTER TABLE workspaces ADD COLUMN boot TEXT;
    ALTER TABLE workspaces ADD COLUMN clock REAL;
    ALTER TABLE workspaces ADD COLUMN master TEXT;
    """,
)
"""Each is applied once, in order, and only adds. `user_version` counts those that were applied."""
_INVITES_KEPT: Final = 86_400
"""Seconds after its end for which an invite is kept."""
_SETTLED: Final = 3600.0
"""Seconds after a boot until the time of day is believed: a machine may start with a wrong one."""


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def iso(moment: datetime) -> str:
    """ISO 8601, UTC, to the second: `2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Row:
    """A workspace; one that was deleted stays as a tombstone, so that neither its id nor its uid is used again."""

    id: str
    uid: int
    state: WorkspaceState
    created: str
    deleted: str | None
    locked: str | None = None
    """Since when nobody may enter; its state is what it was before, and will be after."""
    boot: str | None = None
    clock: float | None = None
    """The boot in which it was locked, and its CLOCK_BOOTTIME then, which nobody sets."""

    def lock_over(self, grace: float) -> bool:
        """Whether it was locked `grace` seconds ago by the time of day, which may jump, and by the clock that nobody sets."""
        if self.locked is None:
            return False
        up = time.clock_gettime(time.CLOCK_BOOTTIME)
        same = self.clock is not None and self.boot == _boot()
        known, wanted = (up - (self.clock or 0), grace) if same else (up, min(grace, _SETTLED))
        passed = (datetime.now(UTC) - datetime.fromisoformat(self.locked)).total_seconds()
        return passed >= grace and known >= wanted


class Registry:
    """The one connection to the registry's file. It is closed with the process."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; bring its tables up to date."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        for number, script in enumerate(_MIGRATIONS[version:], version + 1):
            self._db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def get(self, workspace: str) -> Row | None:
        """The row of `workspace`, a tombstone too."""
        rows = self._rows("WHERE id = ?", workspace)
        return rows[0] if rows else None

    def add(self, workspace: str, uid: int) -> Row:
        """A new workspace, in state `creating`."""
        row = Row(workspace, uid, WorkspaceState.CREATING, iso(datetime.now(UTC)), None)
        query = "INSERT INTO workspaces (id, uid, state, created) VALUES (?, ?, ?, ?)"
        self._db.execute(query, (row.id, row.uid, row.state, row.created))
        return row

    def set_state(self, workspace: str, state: WorkspaceState) -> Row:
        """Change the state; the row as it is then."""
        self._db.execute("UPDATE workspaces SET state = ? WHERE id = ?", (state, workspace))
        return self._rows("WHERE id = ?", workspace)[0]

    def lock(self, workspace: str) -> Row:
        """Lock it from now on, if it is not locked; the row as it is then."""
        query = "UPDATE workspaces SET locked = ?, boot = ?, clock = ? WHERE id = ? AND locked IS NULL"
        self._db.execute(query, (iso(datetime.now(UTC)), _boot(), time.clock_gettime(time.CLOCK_BOOTTIME), workspace))
        return self._rows("WHERE id = ?", workspace)[0]

    def unlock(self, workspace: str) -> Row:
        """Unlock it; the row as it is then."""
        self._db.execute("UPDATE workspaces SET locked = NULL, boot = NULL, clock = NULL WHERE id = ?", (workspace,))
        return self._rows("WHERE id = ?", workspace)[0]

    def locked(self) -> list[Row]:
        """All that are locked."""
        return self._rows("WHERE locked IS NOT NULL AND deleted IS NULL")

    def set_master(self, workspace: str, key_id: str) -> None:
        """Note which master key the credentials are sealed under."""
        self._db.execute("UPDATE workspaces SET master = ? WHERE id = ?", (key_id, workspace))

    def sealed_otherwise(self, key_id: str) -> list[Row]:
        """Those whose credentials are not sealed under that master key."""
        made = "(state = 'ready' OR state = 'creating' AND master IS NOT NULL)"
        return self._rows(f"WHERE deleted IS NULL AND {made} AND master IS NOT ?", key_id)

    def bury(self, workspace: str) -> None:
        """Make the row a tombstone."""
        self._db.execute("UPDATE workspaces SET deleted = ? WHERE id = ?", (iso(datetime.now(UTC)), workspace))

    def page(self, after: str, limit: int) -> list[Row]:
        """At most `limit` workspaces with ids greater than `after`, by id; no tombstones."""
        return self._rows("WHERE id > ? AND deleted IS NULL ORDER BY id LIMIT ?", after, limit)

    def count(self) -> int:
        """How many workspaces there are, without tombstones."""
        (count,) = self._db.execute("SELECT count(*) FROM workspaces WHERE deleted IS NULL").fetchone()
        return int(count)

    def uids(self) -> set[int]:
        """Every uid that was given out here."""
        return {uid for (uid,) in self._db.execute("SELECT uid FROM workspaces")}

    def _rows(self, where: str, *values: str | int) -> list[Row]:
        # `where` is one of the literals above.
        query = f"SELECT id, uid, state, created, deleted, locked, boot, clock FROM workspaces {where}"  # noqa: S608  # bound
        return [Row(name, uid, WorkspaceState(state), *rest) for name, uid, state, *rest in self._db.execute(query, values)]

    def add_invite(self, digest: str, role: str, expires: datetime) -> None:
        """Keep the hash of a one-time token that is good until `expires`; forget old ones."""
        self._db.execute("DELETE FROM invites WHERE expires < ?", (int(time.time()) - _INVITES_KEPT,))
        self._db.execute("INSERT INTO invites VALUES (?, ?, ?, NULL)", (digest, role, int(expires.timestamp())))

    def redeem_invite(self, digest: str) -> str | None:
        """Use the token up and answer its role; None when it is unknown, used or expired. Of two calls one wins."""
        now = int(time.time())
        query = "UPDATE invites SET used = ? WHERE hash = ? AND used IS NULL AND expires > ? RETURNING role"
        rows = self._db.execute(query, (now, digest, now)).fetchall()
        return str(rows[0][0]) if rows else None
