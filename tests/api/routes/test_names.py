"""What the ids in records are called, and to whom that is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.people.people import Identity, People
from shared.ids import new_key_id, new_person_id
from tests.api.fakehost import FakeHost
from tests.api.organised import Organised, Person, organised


@pytest.fixture
async def world(tmp_path: Path, host: FakeHost) -> AsyncIterator[Organised]:
    async with organised(tmp_path, host) as made:
        yield made


async def told(reader: Person, path: str, *ids: str) -> dict[str, Any]:
    page = await reader.call("GET", f"{path}/names?ids={','.join(ids)}", status=200)
    return {item["id"]: (item["kind"], item["name"], item["former"]) for item in page["items"]}


async def test_every_member_is_told_the_names_of_the_organisations_people_keys_and_workspaces(world: Organised) -> None:
    owner = await world.person()
    mine = await world.organisation(owner)
    viewer = await world.member(mine, owner, "viewer")
    workspace = await world.workspace(mine, owner, name="Payments")
    base, org = f"/api/workspaces/{workspace}", f"/api/orgs/{mine}"
    keys = [(await world.key(f"{path}/keys", owner, rank="viewer")).id for path in (base, org)]
    ids = [owner.id, viewer.id, workspace, mine, *keys]
    expected = {
        owner.id: ("person", "Person 1", False),
        viewer.id: ("person", "Person 3", False),
        workspace: ("workspace", "Payments", False),
        mine: ("organisation", "org-2", False),
        **dict.fromkeys(keys, ("key", "key", False)),
    }
    absent = [new_person_id(), new_key_id(), "0"]
    for path in (base, org):
        assert expected == await told(viewer, path, *ids, *absent)
    assert expected == await told(await world.tenant(workspace), base, *ids)
    assert expected == await told(await world.admin(), "/api", *ids)


async def test_nobody_learns_names_of_a_foreign_organisation(world: Organised) -> None:
    """Not of what the other has now, nor of what a workspace brings along that was the other's."""
    owner, stranger = await world.person(), await world.person()
    mine, theirs = await world.organisation(owner), await world.organisation(stranger)
    moved = await world.workspace(theirs, stranger)
    left = await world.member(theirs, stranger, "admin")
    brought = (await world.key(f"/api/workspaces/{moved}/keys", left, rank="viewer")).id
    ids = [stranger.id, left.id, theirs, (await world.key(f"/api/orgs/{theirs}/keys", stranger, rank="viewer")).id]
    admin = await world.admin()
    ids.append((await world.key("/api/keys", admin, rank="viewer")).id)
    await stranger.call("DELETE", f"/api/orgs/{theirs}/members/{left.id}", status=204)
    await admin.call("POST", f"/api/workspaces/{moved}/transfer", {"organisationId": mine}, status=200)
    own = await world.workspace(mine, owner)
    for path in (f"/api/workspaces/{moved}", f"/api/workspaces/{own}", f"/api/orgs/{mine}"):
        assert {} == await told(owner, path, *ids)
    assert {brought} == set(await told(owner, f"/api/workspaces/{moved}", *ids, brought))
    await owner.call("GET", f"/api/orgs/{theirs}/names?ids={stranger.id}", status=404)
    await owner.call("GET", f"/api/names?ids={stranger.id}", status=403)
    assert set(ids) == set(await told(admin, "/api", *ids))


async def test_a_workspace_without_an_organisation_is_told_of_itself_alone(world: Organised) -> None:
    admin, owner = await world.admin(), await world.person()
    await world.organisation(owner)
    made = await admin.call("POST", "/api/workspaces", {"name": "alone"}, status=201)
    host_key = await world.key("/api/keys", admin, rank="viewer")
    tenant = await world.tenant(made["workspaceId"])
    seen = await told(tenant, f"/api/workspaces/{made['workspaceId']}", owner.id, host_key.id, made["workspaceId"])
    assert {made["workspaceId"]: ("workspace", "alone", False)} == seen


async def test_who_has_left_is_told_as_that_until_they_are_back(world: Organised) -> None:
    owner = await world.person()
    mine = await world.organisation(owner)
    admin = await world.member(mine, owner, "admin")
    path = f"/api/orgs/{mine}"
    for _ in range(2):
        await owner.call("DELETE", f"{path}/members/{admin.id}", status=204)
        assert {admin.id: ("person", "Person 3", True)} == await told(owner, path, admin.id)
        await world.invite(mine, owner, "admin", admin)
        assert {admin.id: ("person", "Person 3", False)} == await told(owner, path, admin.id)


async def test_a_key_that_is_bound_to_workspaces_is_told_no_names_beyond_them(world: Organised) -> None:
    owner = await world.person()
    mine = await world.organisation(owner)
    own, other = await world.workspace(mine, owner), await world.workspace(mine, owner)
    bound = await world.key(f"/api/orgs/{mine}/keys", owner, rank="admin", workspaces=[own])
    await bound.call("GET", f"/api/orgs/{mine}/names?ids={other}", status=403)
    assert {} == await told(bound, f"/api/workspaces/{own}", other)


async def test_what_a_provider_calls_somebody_is_told_as_text_and_nothing_else(world: Organised) -> None:
    owner = await world.person()
    mine = await world.organisation(owner)
    hostile = "<script>alert(1)</script>\u202egnp.exe ' OR 1=1 --"
    identity = Identity("claim-1", hostile, None)
    assert owner.id == (await People(world.server.services.store).signed_in("test", identity)).id
    assert {owner.id: ("person", hostile, False)} == await told(owner, f"/api/orgs/{mine}", owner.id)


@pytest.mark.parametrize("ids", ["", ",", "a,", "x" * 27, "a b", "%00", "a'", ",".join(["a"] * 101)])
async def test_what_is_no_list_of_ids_is_refused(world: Organised, ids: str) -> None:
    await (await world.admin()).call("GET", f"/api/names?ids={ids}", status=422)


async def test_a_hundred_ids_among_many_rows_are_found_at_once(world: Organised) -> None:
    owner = await world.person()
    mine = await world.organisation(owner)
    ids = [new_person_id() for _ in range(99)]
    assert {owner.id} == set(await told(owner, f"/api/orgs/{mine}", owner.id, *ids))
