"""Secrets of a workspace: values that nobody reads again, which the programs of chosen sessions find in their environment.

They are sealed in the store, bound to their workspace and name. What runs in a room gets them by the frame that starts it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, Row, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from api.problems import invalid
from api.serverkeys.keys import Keys
from api.store import Store
from api.tables import secrets as table
from shared.errors import Code, Fault
from shared.rooms import SECRETS_BYTES_MAX, SECRETS_MAX
from shared.secret import Secret

VALUE_MAX: Final = 64 * 1024
"""Bytes of a value in UTF-8."""
SESSIONS_MAX: Final = 100
"""Sessions that one secret can name."""
CACHED: Final = 1000
"""Workspaces whose secrets are in memory."""
PURPOSE: Final = "secret"
_NAMES: Final = """
    ANTHROPIC_BASE_URL BASHOPTS BROWSER BUN_INSPECT_PRELOAD BUN_OPTIONS CDPATH CLASSPATH CLAUDE_CONFIG_DIR CODEX_HOME
    COLORTERM DOTNET_ADDITIONAL_DEPS DOTNET_STARTUP_HOOKS EDITOR ENV FPATH GCONV_PATH GEM_HOME GEM_PATH
    GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_ASKPASS GIT_COMMON_DIR GIT_DIR GIT_EDITOR GIT_EXEC_PATH GIT_EXTERNAL_DIFF
    GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_PAGER GIT_PROXY_COMMAND GIT_SEQUENCE_EDITOR GIT_SSH GIT_SSH_COMMAND
    GIT_SSH_VARIANT GIT_TEMPLATE_DIR GIT_WORK_TREE GLOBIGNORE GNUMAKEFLAGS GOFLAGS HOME HOSTALIASES IFS INPUTRC
    JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS LANG LESSCLOSE LESSOPEN LOCALDOMAIN LOCPATH LOGNAME LUA_CPATH LUA_INIT LUA_PATH
    MAKEFILES MAKEFLAGS MANPAGER NLSPATH NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE OLDPWD OPENAI_BASE_URL
    OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES PAGER PATH PERL5DB PERL5LIB PERL5OPT PERLLIB PHPRC PHP_INI_SCAN_DIR
    PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 PWD PYTHONBREAKPOINT PYTHONEXECUTABLE PYTHONHOME PYTHONINSPECT PYTHONPATH
    PYTHONPLATLIBDIR PYTHONPYCACHEPREFIX PYTHONSTARTUP PYTHONUSERBASE PYTHONWARNINGS RES_OPTIONS RUBYLIB RUBYOPT RUSTC
    RUSTC_WRAPPER RUSTFLAGS SHELL SHELLOPTS SHLVL SSH_ASKPASS SSH_AUTH_SOCK SSLKEYLOGFILE TERM TERMCAP TERMINFO
    TERMINFO_DIRS TMPDIR TZDIR USER VISUAL ZDOTDIR _JAVA_OPTIONS
"""
_TAKEN: Final = frozenset(_NAMES.split())
_PREFIXES: Final = (
    *("BASH_", "CORECLR_", "COR_", "DYLD_", "GIT_CONFIG", "GIT_TRACE"),
    *("GLIBC_", "HOSTEL_", "LD_", "MALLOC_", "NPM_CONFIG_", "XDG_"),
)
"""What hostel, the loader, shells, git and interpreters use, by which programs are run or found, and what says where an agent
sends its credential. A secret is a value: who may set one and nothing else must not come to run, or to read, anything by it."""

T = TypeVar("T")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A secret's row, without its value. Times are seconds since the epoch."""

    name: str
    sessions: list[str] | None
    """Whose programs get it; None: all."""
    created: float
    updated: float
    version: int
    """Goes up whenever it is set."""


class _Known(msgspec.Struct, frozen=True):
    value: Secret
    sessions: frozenset[str] | None


class Secrets:
    """All secrets."""

    def __init__(self, store: Store, keys: Keys, limit: int) -> None:
        """A workspace may have `limit` of them."""
        self._store = store
        self._keys = keys
        self._limit = min(limit, SECRETS_MAX)
        self._known: OrderedDict[str, dict[str, _Known]] = OrderedDict()
        self._changes = 0

    async def of(self, workspace: str, session: str) -> dict[str, Secret]:
        """The secrets of a session, by name."""
        known = self._known.get(workspace)
        if known is None:
            known = await self._load(workspace)
        return {name: one.value for name, one in known.items() if one.sessions is None or session in one.sessions}

    async def _load(self, workspace: str) -> dict[str, _Known]:
        changes = self._changes
        query = select(table).where(table.c.workspace == workspace).order_by(table.c.name)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        known = {row.name: _Known(self._unseal(row), _sessions(row.sessions)) for row in rows}
        # What was read before a change must not be kept after it.
        if changes == self._changes:
            self._known[workspace] = known
            if len(self._known) > CACHED:
                self._known.popitem(last=False)
        return known

    def _unseal(self, row: Row[Any]) -> Secret:
        return Secret(self._keys.unseal(PURPOSE, f"{row.workspace} {row.name}", row.sealed).decode())

    async def all(self, workspace: str) -> list[Stored]:
        """All of a workspace, by name; none with its value."""
        query = select(table).where(table.c.workspace == workspace).order_by(table.c.name)
        return await self._store.read(lambda connection: [_stored(row) for row in connection.execute(query)])

    async def find(self, workspace: str, name: str) -> Stored:
        """One of them. Fault NOT_FOUND."""
        query = select(table).where(table.c.workspace == workspace, table.c.name == name)
        row = await self._store.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise _no_such_secret()
        return _stored(row)

    async def put(self, workspace: str, name: str, value: Secret, sessions: list[str] | None) -> Stored:
        """Set a secret. Raises Problem INVALID for a name or a value that cannot be, Fault LIMIT."""
        plain = _checked(name, value)
        now = time.time()
        given = None if sessions is None else list(dict.fromkeys(sessions))
        values = {
            "workspace": workspace,
            "name": name,
            "sealed": self._keys.seal(PURPOSE, f"{workspace} {name}", plain),
            "sessions": None if given is None else msgspec.json.encode(given),
            "size": len(name) + len(plain),
            "created": now,
            "updated": now,
            "version": 1,
        }
        fresh = insert(table).values(values)
        changed = {name: fresh.excluded[name] for name in ("sealed", "sessions", "size", "updated")}
        statement = fresh.on_conflict_do_update(
            index_elements=[table.c.workspace, table.c.name], set_={**changed, "version": table.c.version + 1}
        ).returning(table)

        def work(connection: Connection) -> Stored:
            row = connection.execute(statement).one()
            self._check_room(connection, workspace)
            return _stored(row)

        return await self._change(workspace, work)

    async def remove(self, workspace: str, name: str) -> None:
        """Forget a secret. Fault NOT_FOUND. What runs keeps it, until it is started again."""
        statement = delete(table).where(table.c.workspace == workspace, table.c.name == name)
        if not await self._change(workspace, lambda connection: connection.execute(statement).rowcount):
            raise _no_such_secret()

    def _check_room(self, connection: Connection, workspace: str) -> None:
        """Raise Fault LIMIT, which undoes the change, when the workspace has too much of them."""
        query = select(func.count(), func.sum(table.c.size)).where(table.c.workspace == workspace)
        number, size = connection.execute(query).one()
        if number > self._limit:
            raise Fault(Code.LIMIT, f"a workspace has at most {self._limit} secrets")
        if size > SECRETS_BYTES_MAX:
            raise Fault(Code.LIMIT, f"all secrets of a workspace together have at most {SECRETS_BYTES_MAX} bytes")

    async def _change(self, workspace: str, work: Callable[[Connection], T]) -> T:
        try:
            return await self._store.write(work)
        finally:
            self._changes += 1
            self._known.pop(workspace, None)


def _checked(name: str, value: Secret) -> bytes:
    if name.upper() in _TAKEN or name.upper().startswith(_PREFIXES):
        raise invalid(f"`{name}` means something to hostel, a shell, git or an interpreter", parameter="secretName")
    try:
        plain = value.reveal().encode()
    except UnicodeEncodeError:
        raise invalid("lone surrogates are not accepted", pointer="/value") from None
    if not 0 < len(plain) <= VALUE_MAX:
        raise invalid(f"has 1 to {VALUE_MAX} bytes", pointer="/value")
    if b"\0" in plain:
        raise invalid("a NUL cannot be in an environment variable", pointer="/value")
    return plain


def _no_such_secret() -> Fault:
    return Fault(Code.NOT_FOUND, "there is no such secret")


def _sessions(column: bytes | None) -> frozenset[str] | None:
    return None if column is None else frozenset(msgspec.json.decode(column, type=list[str]))


def _stored(row: Row[Any]) -> Stored:
    sessions = None if row.sessions is None else msgspec.json.decode(row.sessions, type=list[str])
    return Stored(name=row.name, sessions=sessions, created=row.created, updated=row.updated, version=row.version)
