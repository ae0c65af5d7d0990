"""The rows of keys, as their transactions read and write them."""

import time
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, or_, select

from api.auth import Scope
from api.credentials.rights import Key, KeyKind, Owner
from api.tables import api_keys, organisations
from shared.errors import Code, Fault

_columns: Final = api_keys.c


def owned_by(owner: Owner) -> Any:  # noqa: ANN401  # SQLAlchemy's expressions have no useful type
    """That a row is of `owner`."""
    return (_columns.kind == owner.kind) & _columns.owner.is_not_distinct_from(owner.id)


def live_at(now: float) -> Any:  # noqa: ANN401  # SQLAlchemy's expressions have no useful type
    """That a key is good."""
    return _columns.revoked.is_(None) & or_(_columns.expires.is_(None), _columns.expires > now)


def good_key(connection: Connection, hashed: str) -> Key | None:
    """The key of that hash, if it is good and its organisation is there."""
    row = connection.execute(select(api_keys).where(_columns.hash == hashed, live_at(time.time()))).first()
    if row is None:
        return None
    if row.kind == KeyKind.ORGANISATION:
        found = connection.scalar(select(organisations.c.id).where(organisations.c.id == row.owner))
        return key_of(row) if found else None
    return key_of(row)


def find_key(connection: Connection, key: str) -> Key | None:
    """The key of that id."""
    row = connection.execute(select(api_keys).where(_columns.id == key)).first()
    return key_of(row) if row else None


def existing_key(connection: Connection, key: str) -> Key:
    """The key of that id; Fault NOT_FOUND when there is none."""
    row = find_key(connection, key)
    if row is None:
        raise no_such_key()
    return row


def insert_key(connection: Connection, key: Key, limit: int) -> Key:
    """Add a key; Fault LIMIT when its owner has `limit` good ones."""
    mine = owned_by(Owner(key.kind, key.owner)) & live_at(time.time())
    if (connection.scalar(select(func.count()).select_from(api_keys).where(mine)) or 0) >= limit:
        raise Fault(Code.LIMIT, f"at most {limit} keys may be good at a time; revoke one first")
    connection.execute(insert(api_keys), row_of(key))
    return key


def row_of(key: Key) -> dict[str, Any]:
    """The values of its columns."""
    values = msgspec.structs.asdict(key)
    return values | {
        "scopes": encoded(key.scopes),
        "workspaces": None if key.workspaces is None else encoded(key.workspaces),
    }


def key_of(row: Row[Any]) -> Key:
    """The key of a row."""
    # msgspec takes exact strings as names, which SQLAlchemy's are not always.
    values = {str(name): value for name, value in row._mapping.items()}  # noqa: SLF001  # SQLAlchemy's public accessor
    # A scope that this version does not know gives nothing.
    known = msgspec.json.decode(values["scopes"], type=frozenset[str])
    values["scopes"] = frozenset(scope for scope in Scope if scope.value in known)
    bound = values["workspaces"]
    values["workspaces"] = None if bound is None else msgspec.json.decode(bound, type=frozenset[str])
    return msgspec.convert(values, Key)


def encoded(values: frozenset[Any]) -> bytes:
    """A set as it is kept."""
    return msgspec.json.encode(sorted(values))


def no_such_key() -> Fault:
    """What is said of a key that is absent, and of one that is somebody else's."""
    return Fault(Code.NOT_FOUND, "there is no such key")
