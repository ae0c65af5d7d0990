"""api's own store: SQLite, one thread that writes and one that reads, one hop for each transaction."""

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from api.tables import SCHEMA
from shared.errors import Code, Fault
from shared.log import logger

T = TypeVar("T")

_BUSY_SECONDS: Final = 10
"""How long to wait for another process that writes."""


def connect(path: Path) -> Engine:
    """An engine whose transactions lock the file for writing from their first statement, or never write (`read_only`)."""
    # hide_parameters: an error must not print the values of a statement.
    engine = create_engine(
        URL.create("sqlite", database=str(path)), hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        # The driver's own BEGIN would come late and be deferred; ours is below.
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


class Store:
    """Transactions on the store. An error of the database is logged and raised as Fault UNAVAILABLE."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`; `migrate` makes it usable."""
        self._path = path
        self._engine = connect(path)
        self._reader = self._engine.execution_options(read_only=True)
        self._writing = ThreadPoolExecutor(1, "store-writer")
        self._reading = ThreadPoolExecutor(1, "store-reader")

    async def migrate(self) -> None:
        """Bring the schema up to date if it is not. Raises Fault FAILED when that does not work."""
        if await self.read(_schema) == SCHEMA:
            return
        command = (sys.executable, "-I", "-m", "api.migrations", str(self._path))
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, errors = await process.communicate()
        if process.returncode:
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            raise Fault(Code.FAILED, f"the store {self._path} cannot be migrated: {''.join(last)}")

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns; its changes are on disk then. Nothing is changed when it raises."""
        return await self._run(self._writing, self._engine, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, from one consistent view."""
        return await self._run(self._reading, self._reader, work)

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        await asyncio.to_thread(self._writing.shutdown)
        await asyncio.to_thread(self._reading.shutdown)
        self._engine.dispose()

    async def _run(self, thread: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, _transaction, engine, work)
        except DBAPIError as error:
            logger().error("the store failed", error=str(error.orig))
            raise Fault(Code.UNAVAILABLE, "the store cannot be used at the moment") from error


def _transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


def _schema(connection: Connection) -> str | None:
    found = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")).first()
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first() if found else None
    return row[0] if row else None
