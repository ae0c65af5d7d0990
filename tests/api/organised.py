"""People, organisations and keys, for the tests of who reaches what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from api.auth import Rank
from api.people.people import Identity, People
from shared.settings import Auth, Provider
from tests.api.fakehost import FakeHost
from tests.api.serving import Server, serving

AUTH = Auth(
    create_organisations="people",
    provider={"test": Provider(title="Test", client_id="x", client_secret="x", server_metadata_url="https://id.example/x")},
)


class Person:
    """Somebody who has signed in."""

    def __init__(self, server: Server, person: str, token: str) -> None:
        self.server = server
        self.id = person
        self.token = token

    async def call(self, method: str, path: str, body: object = None, *, status: int, **headers: str) -> Any:  # noqa: ANN401  # JSON
        """The body of a reply, which has that status."""
        got, reply, _ = await self.server.call(method, path, body, token=self.token, **headers)
        assert got == status, (got, reply)
        return reply

    async def sees(self, path: str = "/api/workspaces") -> set[str]:
        """The ids in a list."""
        page = await self.call("GET", path, status=200)
        return {item.get("workspaceId") or item["organisationId"] for item in page["items"]}


class Organised:
    """The server, and ways to make what it keeps."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._people = People(server.services.store)
        self._made = 0

    async def person(self) -> Person:
        """A new person."""
        self._made += 1
        identity = Identity(f"claim-{self._made}", f"Person {self._made}", f"{self._made}@example.org")
        person = (await self._people.signed_in("test", identity)).id
        grant = await self.server.services.tokens.grant_person(person)
        return Person(self.server, person, grant.access.reveal())

    async def admin(self) -> Person:
        """An administrator of the host."""
        return Person(self.server, "", await self.server.admin())

    async def tenant(self, workspace: str) -> Person:
        """The workspace itself, by a token of its own."""
        row = await self.server.services.workspaces.get(workspace)
        grant = await self.server.services.tokens.grant_workspace(workspace, row.secret_version)
        return Person(self.server, "", grant.access.reveal())

    async def organisation(self, owner: Person) -> str:
        """An organisation that `owner` has made."""
        self._made += 1
        made = await owner.call("POST", "/api/orgs", {"slug": f"org-{self._made}"}, status=201)
        return str(made["organisationId"])

    async def member(self, organisation: str, by: Person, rank: Rank | str) -> Person:
        """A new person whom `by` has invited to `organisation`."""
        person = await self.person()
        await self.invite(organisation, by, rank, person)
        return person

    async def invite(self, organisation: str, by: Person, rank: Rank | str, person: Person) -> None:
        """Make `person` a member."""
        token = (await by.call("POST", f"/api/orgs/{organisation}/invitations", {"rank": rank}, status=201))["token"]
        await person.call("POST", "/api/orgs/invitations/accept", {"token": token}, status=200)

    async def workspace(self, organisation: str, by: Person, **body: object) -> str:
        """A workspace of `organisation`."""
        made = await by.call("POST", f"/api/orgs/{organisation}/workspaces", body, status=201)
        assert made["status"] == "ready", made
        return str(made["workspaceId"])

    async def key(self, path: str, by: Person, **body: object) -> Person:
        """Whoever has a key that `by` has made at `path`."""
        made = await by.call("POST", path, {"name": "key", **body}, status=201)
        return Person(self.server, made["keyId"], made["key"])


@asynccontextmanager
async def organised(folder: Path, host: FakeHost, **sections: Any) -> AsyncIterator[Organised]:  # noqa: ANN401  # of the configuration
    """Api where people may make organisations."""
    async with serving(folder, host, **{"auth": AUTH, **sections}) as server:
        yield Organised(server)
