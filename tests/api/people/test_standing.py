"""What was taken away between a request's admission and the connection that it opens."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from api.admission import REQUEST_ID, principal_of
from api.app import routes
from api.auth import Rank
from api.dispatch import Endpoint
from api.people.standing import held
from api.routing import Context
from shared.errors import Code, Fault
from tests.api.fakehost import FakeHost
from tests.api.organised import Organised, Person, organised


@pytest.fixture
async def world(tmp_path: Path, host: FakeHost) -> AsyncIterator[Organised]:
    async with organised(tmp_path, host) as made:
        yield made


async def admitted(world: Organised, who: Person, workspace: str, name: str = "list_sessions") -> Context:
    """What a request of `who` into `workspace` begins with."""
    services = world.server.services
    endpoint = Endpoint(next(found for found in routes() if found.name == name), services)
    request = make_mocked_request("GET", "/")
    request[REQUEST_ID] = "test"
    return await endpoint.admit(request, await principal_of(services, who.token), {"workspaceId": workspace})


async def refusal(ctx: Context) -> Code:
    with pytest.raises(Fault) as caught:
        async with held(ctx):
            pass
    assert not len(ctx.app.live)
    return caught.value.code


async def test_a_connection_is_not_opened_by_what_was_taken_away_meanwhile(world: Organised) -> None:
    owner, admin = await world.person(), await world.admin()
    organisation = await world.organisation(owner)
    workspace = await world.workspace(organisation, owner)
    member = await world.member(organisation, owner, Rank.MEMBER)
    key = await world.key(f"/api/orgs/{organisation}/keys", owner, rank="member")
    one = f"/api/orgs/{organisation}/members/{member.id}"

    ctx = await admitted(world, member, workspace)
    async with held(ctx) as connection:
        assert connection.workspace == workspace
    await owner.call("PATCH", one, {"rank": "viewer"}, status=200)
    assert await refusal(ctx) is Code.FORBIDDEN
    ctx = await admitted(world, member, workspace)
    await owner.call("DELETE", one, status=204)
    assert await refusal(ctx) is Code.NOT_FOUND

    ctx = await admitted(world, key, workspace)
    own = await admitted(world, await world.tenant(workspace), workspace)
    await admin.call("POST", f"/api/workspaces/{workspace}/transfer", {"organisationId": None}, status=200)
    assert await refusal(ctx) is Code.NOT_FOUND
    async with held(own) as connection:
        assert not connection.ended.done()


async def test_a_transfer_closes_what_leads_into_the_workspace_and_nothing_else(world: Organised) -> None:
    owner, admin = await world.person(), await world.admin()
    organisation = await world.organisation(owner)
    workspace, other = await world.workspace(organisation, owner), await world.workspace(organisation, owner)
    key = await world.key(f"/api/orgs/{organisation}/keys", owner, rank="member")
    async with (
        held(await admitted(world, owner, workspace)) as by_owner,
        held(await admitted(world, key, workspace)) as by_key,
        held(await admitted(world, await world.tenant(workspace), workspace)) as by_tenant,
        held(await admitted(world, owner, other)) as elsewhere,
    ):
        await admin.call("POST", f"/api/workspaces/{workspace}/transfer", {"organisationId": None}, status=200)
        assert [True, True, False, False] == [c.ended.done() for c in (by_owner, by_key, by_tenant, elsewhere)]
