"""What ids are called, as far as a reader of one workspace's or one organisation's records may know.

A record keeps ids. The name of a person is told where they are a member of the organisation that the record is of, or were one:
a workspace that was transferred takes its records along, and not the names of people of whom its new owner knows nothing.
"""

from collections.abc import Callable, Collection
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Table, or_, select, true

from api.auth import NOWHERE, Target
from api.tables import api_keys, departures, members, organisations, people, workspaces

NameKind = Literal["person", "key", "workspace", "organisation", "operator"]


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What an id stands for."""

    id: str
    kind: NameKind
    name: str
    """What somebody chose: of a person, what their provider says."""
    former: bool = False
    """Of a person: no member of the organisation any more."""


def find_names(connection: Connection, target: Target, ids: Collection[str]) -> list[Named]:
    """Those of `ids` that whoever may read the records of `target` may know; of the host, with NOWHERE, all that there are."""
    return [named for find in _FINDERS for named in find(connection, target, ids)]


def _people(connection: Connection, target: Target, ids: Collection[str]) -> list[Named]:
    query = select(people.c.id, people.c.name).where(people.c.id.in_(ids))
    if target == NOWHERE:
        return [Named(id=row.id, kind="person", name=row.name) for row in connection.execute(query)]
    joined, left = (
        (table.c.person == people.c.id) & (table.c.organisation == target.organisation) for table in (members, departures)
    )
    query = query.add_columns(members.c.person.label("member")).outerjoin(members, joined).outerjoin(departures, left)
    known = query.where(or_(members.c.person.is_not(None), departures.c.person.is_not(None)))
    return [Named(id=row.id, kind="person", name=row.name, former=row.member is None) for row in connection.execute(known)]


def _keys(connection: Connection, target: Target, ids: Collection[str]) -> list[Named]:
    owners = _owned(target, api_keys.c.owner)
    if target.organisation is not None:  # those of the host have no owner either
        owners |= api_keys.c.owner == target.organisation
    return _simple(connection, "key", api_keys, owners, ids)


def _workspaces(connection: Connection, target: Target, ids: Collection[str]) -> list[Named]:
    return _simple(connection, "workspace", workspaces, _owned(target, workspaces.c.id), ids)


def _organisations(connection: Connection, target: Target, ids: Collection[str]) -> list[Named]:
    reached = true() if target == NOWHERE else organisations.c.id == target.organisation
    return _simple(connection, "organisation", organisations, reached, ids)


def _owned(target: Target, column: Column[Any]) -> ColumnElement[bool]:
    """That `column` is the workspace of `target`, or one of those of its organisation."""
    if target == NOWHERE:
        return true()
    if target.workspace is not None:
        return column == target.workspace
    return column.in_(select(workspaces.c.id).where(workspaces.c.organisation == target.organisation))


def _simple(
    connection: Connection, kind: NameKind, table: Table, reached: ColumnElement[bool], ids: Collection[str]
) -> list[Named]:
    rows = connection.execute(select(table.c.id, table.c.name).where(table.c.id.in_(ids), reached))
    return [Named(id=row.id, kind=kind, name=row.name) for row in rows]


_FINDERS: Final[tuple[Callable[[Connection, Target, Collection[str]], list[Named]], ...]] = (
    _people,
    _keys,
    _workspaces,
    _organisations,
)
