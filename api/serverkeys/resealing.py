"""What is kept for long, sealed anew under the newest key, a batch at a time while the server works on.

What is kept briefly (idempotency records, sign-ins under way) is left to its end: the key before opens it until then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Table, func, select, tuple_, update

from api import provisioning, tables
from api import secrets as workspace_secrets
from api.provisioners import provisioners
from api.serverkeys.files import write_key
from api.serverkeys.keys import Keys
from api.store import Store
from api.tasks import schedules, tasks
from api.webhooks import webhooks
from shared.errors import Code, Fault
from shared.log import logger

BATCH: Final = 200
"""Rows in one transaction."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed values: for what purpose, and to whom each is bound."""

    table: Table
    column: str
    purpose: str
    owner: Callable[[Row[Any]], str]


ALL: Final = (
    Sealed(tables.workspaces, "sealed", provisioning.PURPOSE, lambda row: row.id),
    Sealed(tables.secrets, "sealed", workspace_secrets.PURPOSE, lambda row: f"{row.workspace} {row.name}"),
    Sealed(tables.tasks, "sealed", tasks.PURPOSE, lambda row: f"{row.workspace} {row.id}"),
    Sealed(tables.tasks, "result", tasks.RESULT_PURPOSE, lambda row: f"{row.workspace} {row.id}"),
    Sealed(tables.schedules, "sealed", schedules.PURPOSE, lambda row: f"{row.workspace} {row.id}"),
    Sealed(tables.webhooks, "sealed", webhooks.PURPOSE, lambda row: row.id),
    Sealed(tables.provisionings, "sealed", provisioners.PURPOSE, lambda row: f"{row.workspace} {row.kind}"),
)


async def reseal(store: Store, keys: Keys) -> int:
    """Seal all that is kept for long under the newest key; how many values that were.

    Raises Fault FAILED when some cannot be opened: they stay, and so does the key before.
    """
    count = lost = 0
    for sealed in ALL:
        last: tuple[Any, ...] = ()
        while True:
            found = await store.write(partial(_batch, keys, sealed, last))
            last = found.last
            count, lost = count + found.count, lost + found.lost
            if not found.more:
                break
    if lost:
        raise Fault(Code.FAILED, f"{lost} sealed values do not open, so the key before them stays; the log says which")
    write_key(keys.resealed, b"")
    return count


@dataclass(frozen=True, slots=True)
class _Batch:
    count: int
    lost: int
    last: tuple[Any, ...]
    more: bool


def _batch(keys: Keys, sealed: Sealed, after: tuple[Any, ...], connection: Connection) -> _Batch:
    table = sealed.table
    column, key = table.c[sealed.column], tuple(table.primary_key.columns)
    head = keys.seal_head
    query = select(table).where(column.is_not(None), func.length(column) > 0, func.substr(column, 1, len(head)) != head)
    if after:
        query = query.where(tuple_(*key) > after)
    rows = connection.execute(query.order_by(*key).limit(BATCH)).all()
    lost = 0
    for row in rows:
        try:
            plain = keys.unseal(sealed.purpose, sealed.owner(row), getattr(row, sealed.column))
        except Fault:
            lost += 1
            logger().error("a sealed value does not open", table=table.name, column=sealed.column, id=_key_of(row, key))
            continue
        mine = tuple_(*key) == _key_of(row, key)
        connection.execute(
            update(table).where(mine).values({sealed.column: keys.seal(sealed.purpose, sealed.owner(row), plain)})
        )
    return _Batch(len(rows) - lost, lost, _key_of(rows[-1], key) if rows else (), len(rows) == BATCH)


def _key_of(row: Row[Any], key: tuple[Column[Any], ...]) -> tuple[Any, ...]:
    return tuple(getattr(row, column.name) for column in key)
