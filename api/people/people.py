"""People, as their providers name them.

Who somebody is, is the pair of a provider and what that provider calls them. Both are compared and nothing else: everything
else of ours knows a person by an id of our own.
"""

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from api import tables
from api.auth import PERSON_SCOPES, Scope
from api.store import Store
from shared.ids import new_person_id
from shared.settings import Auth


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider says of somebody, checked and cleaned."""

    claim: str
    """What it calls them."""
    name: str
    """For display alone, as the address is."""
    email: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """A person's row."""

    id: str
    provider: str
    name: str
    email: str | None


def scopes_of_people(auth: Auth) -> frozenset[Scope]:
    """What any person may do, whatever they are a member of."""
    return PERSON_SCOPES | ({Scope.ORGANISATIONS_CREATE} if auth.create_organisations == "people" else frozenset())


class People:
    """All people."""

    def __init__(self, store: Store) -> None:
        """Rows are read when they are asked for."""
        self._store = store

    async def signed_in(self, provider: str, identity: Identity) -> Person:
        """The person of that identity, with the name and the address that they have now; made when they are new."""
        shown = {"name": identity.name, "email": identity.email, "seen": time.time()}
        known = (_people.c.provider == provider) & (_people.c.claim == identity.claim)
        row = {"id": new_person_id(), "provider": provider, "claim": identity.claim, "created": shown["seen"], **shown}

        def work(connection: Connection) -> str:
            connection.execute(insert(_people).values(row).on_conflict_do_nothing())
            connection.execute(update(_people).where(known).values(**shown))
            return str(connection.scalar(select(_people.c.id).where(known)))

        return Person(await self._store.write(work), provider, identity.name, identity.email)

    async def find(self, person: str) -> Person | None:
        """The person, or None."""
        query = select(_people.c.id, _people.c.provider, _people.c.name, _people.c.email).where(_people.c.id == person)
        row = await self._store.read(lambda connection: connection.execute(query).first())
        return Person(*row) if row else None


_people: Final = tables.people
