"""Organisations over HTTP, the workspaces that they own, and what is told of those."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from api.auth import Rank
from shared.ids import new_organisation_id, new_workspace_id
from shared.settings import Api, Auth, Limits
from tests.api.fakehost import FakeHost
from tests.api.organised import Organised, Person, organised
from tests.api.serving import UNLIMITED
from tests.api.ssestream import Stream


@pytest.fixture
async def world(tmp_path: Path, host: FakeHost) -> AsyncIterator[Organised]:
    async with organised(tmp_path, host) as made:
        yield made


@asynccontextmanager
async def following(who: Person, path: str = "/api/events", **headers: str) -> AsyncIterator[Stream]:
    sent = {"Authorization": f"Bearer {who.token}", **{name.replace("_", "-"): v for name, v in headers.items()}}
    async with who.server.http.get(who.server.url + path, headers=sent) as reply:
        assert (reply.status, reply.content_type) == (200, "text/event-stream"), await reply.text()
        yield Stream(reply)


def told(stream: Stream, name: str = "workspace") -> set[str]:
    return {data["workspaceId"] for event, data in stream.seen if event == name}


async def test_whoever_makes_an_organisation_owns_it(world: Organised) -> None:
    alice = await world.person()
    status, made, headers = await world.server.call("POST", "/api/orgs", {"slug": "acme", "name": "Acme"}, token=alice.token)
    path = f"/api/orgs/{made['organisationId']}"
    assert (201, "acme", "Acme", "owner", path) == (status, made["slug"], made["name"], made["rank"], headers["Location"])
    assert made == await alice.call("GET", path, status=200)
    (member,) = (await alice.call("GET", f"{path}/members", status=200))["items"]
    assert (alice.id, "owner", "1@example.org") == (member["personId"], member["rank"], member["email"])


async def test_a_repeated_creation_makes_one(world: Organised) -> None:
    alice = await world.person()
    replies = [await alice.call("POST", "/api/orgs", {"slug": "acme"}, status=201, Idempotency_Key="once") for _ in range(2)]
    assert replies[0] == replies[1]
    assert {replies[0]["organisationId"]} == await alice.sees("/api/orgs")


async def test_by_default_only_an_admin_makes_organisations_and_invites_the_first_owner(tmp_path: Path, host: FakeHost) -> None:
    async with organised(tmp_path, host, auth=Auth()) as world:
        alice, admin = await world.person(), await world.admin()
        await alice.call("POST", "/api/orgs", {"slug": "acme"}, status=403)
        organisation = await world.organisation(admin)
        assert (await admin.call("GET", f"/api/orgs/{organisation}", status=200))["rank"] is None
        assert [] == (await admin.call("GET", f"/api/orgs/{organisation}/members", status=200))["items"]
        await world.invite(organisation, admin, Rank.OWNER, alice)
        assert (await alice.call("GET", f"/api/orgs/{organisation}", status=200))["rank"] == "owner"


GOOD_SLUGS = ["a", "a" * 40, "a-b-1", "0"]
BAD_SLUGS: list[Any] = ["", "a" * 41, "A", "a_b", "-a", "a-", "ä", "a\n", "a b", "../x", "a\0", "admin", "new", 5, None]


async def test_a_good_slug_is_accepted_and_a_bad_or_reserved_one_is_not(world: Organised) -> None:
    alice = await world.person()
    organisation = await world.organisation(alice)
    for slug in GOOD_SLUGS:
        await alice.call("POST", "/api/orgs", {"slug": slug}, status=201)
    for slug in BAD_SLUGS:
        problem = await alice.call("POST", "/api/orgs", {"slug": slug}, status=422)
        assert ("/slug", slug) == (problem["errors"][0]["pointer"], slug)
        await alice.call("PATCH", f"/api/orgs/{organisation}", {"slug": slug}, status=422)


async def test_a_slug_is_one_organisations_alone(world: Organised) -> None:
    alice, bob = await world.person(), await world.person()
    await alice.call("POST", "/api/orgs", {"slug": "acme"}, status=201)
    other = (await bob.call("POST", "/api/orgs", {"slug": "other"}, status=201))["organisationId"]
    assert "conflict" == (await bob.call("POST", "/api/orgs", {"slug": "acme"}, status=409))["code"]
    assert "conflict" == (await bob.call("PATCH", f"/api/orgs/{other}", {"slug": "acme"}, status=409))["code"]
    await bob.call("PATCH", f"/api/orgs/{other}", {"slug": "other"}, status=200)


async def test_fifty_who_want_one_slug_at_once_give_one_winner(world: Organised) -> None:
    alice, admin = await world.person(), await world.admin()
    calls = [world.server.call("POST", "/api/orgs", {"slug": "acme"}, token=(alice, admin)[n % 2].token) for n in range(50)]
    statuses = [status for status, *_ in await asyncio.gather(*calls)]
    assert (1, 49) == (statuses.count(201), statuses.count(409))


async def test_a_person_owns_so_many_and_no_more(tmp_path: Path, host: FakeHost) -> None:
    async with organised(tmp_path, host, limits=Limits(organisations=2)) as world:
        alice, bob, admin = await world.person(), await world.person(), await world.admin()
        for _ in range(2):
            await world.organisation(alice)
        assert "limit" == (await alice.call("POST", "/api/orgs", {"slug": "more"}, status=409))["code"]
        await world.member(await world.organisation(bob), bob, Rank.ADMIN)
        for _ in range(3):
            await world.organisation(admin)


async def test_if_match_guards_a_change(world: Organised) -> None:
    alice = await world.person()
    path = f"/api/orgs/{await world.organisation(alice)}"
    _, _, headers = await world.server.call("GET", path, token=alice.token)
    await alice.call("PATCH", path, {"name": "One"}, status=200, If_Match=headers["ETag"])
    assert (
        "precondition_failed"
        == (await alice.call("PATCH", path, {"name": "Two"}, status=412, If_Match=headers["ETag"]))["code"]
    )
    shown = await alice.call("GET", path, status=200)
    assert "One" == shown["name"]
    assert (await alice.call("PATCH", path, {}, status=200)) == shown


async def test_a_list_is_paged_newest_first_and_is_ones_own(world: Organised) -> None:
    alice, bob, admin = await world.person(), await world.person(), await world.admin()
    mine = [await world.organisation(alice) for _ in range(5)]
    other = await world.organisation(bob)
    seen: list[str] = []
    path = "/api/orgs?limit=2"
    while path:
        page = await alice.call("GET", path, status=200)
        seen += [item["organisationId"] for item in page["items"]]
        path = f"/api/orgs?limit=2&cursor={page['nextCursor']}" if page["nextCursor"] else ""
    assert mine[::-1] == seen
    assert {other} == await bob.sees("/api/orgs")
    assert {*mine, other} == await admin.sees("/api/orgs")
    assert set() == await (await world.person()).sees("/api/orgs")


async def test_foreign_and_absent_are_the_same(world: Organised) -> None:
    alice, bob, admin = await world.person(), await world.person(), await world.admin()
    foreign, absent = await world.organisation(alice), new_organisation_id()
    key = await world.key(f"/api/orgs/{await world.organisation(bob)}/keys", bob, rank="admin")
    for who in (bob, key):
        details = [
            await who.call("GET", f"/api/orgs/{name}{sub}", status=404)
            for name in (foreign, absent)
            for sub in ("", "/members")
        ]
        assert 1 == len({(problem["code"], problem["detail"]) for problem in details})
        await who.call("GET", f"/api/workspaces?organisationId={foreign}", status=404)
    await admin.call("GET", f"/api/orgs/{absent}", status=404)
    await admin.call("GET", f"/api/workspaces?organisationId={absent}", status=404)


async def test_only_an_owner_deletes_and_only_what_owns_nothing(world: Organised) -> None:
    alice, admin = await world.person(), await world.admin()
    organisation = await world.organisation(alice)
    path = f"/api/orgs/{organisation}"
    second = await world.member(organisation, alice, Rank.ADMIN)
    key = await world.key(f"{path}/keys", alice, rank="admin")
    workspace = await world.workspace(organisation, alice)
    await second.call("DELETE", path, status=403)
    await key.call("DELETE", path, status=403)
    assert "conflict" == (await alice.call("DELETE", path, status=409))["code"]
    await admin.call("POST", f"/api/workspaces/{workspace}/transfer", {"organisationId": None}, status=200)
    invitation = (await alice.call("POST", f"{path}/invitations", {"rank": "member"}, status=201))["token"]
    await alice.call("DELETE", path, status=204)
    for who in (alice, second, admin):
        await who.call("GET", path, status=404)
    await key.call("GET", "/api/workspaces", status=401)
    await second.call("POST", "/api/orgs/invitations/accept", {"token": invitation}, status=401)
    assert set() == await alice.sees("/api/orgs")


async def test_everyone_lists_exactly_what_they_reach(world: Organised) -> None:
    alice, bob, admin = await world.person(), await world.person(), await world.admin()
    first, second, third = [await world.organisation(who) for who in (alice, alice, bob)]
    mine = {organisation: await world.workspace(organisation, alice) for organisation in (first, second)}
    theirs, alone = await world.workspace(third, bob), (await world.server.create())[0]
    viewer = await world.member(second, alice, Rank.VIEWER)
    key = await world.key(f"/api/orgs/{first}/keys", alice, rank="viewer")
    another = await world.workspace(first, alice)
    bound = await world.key(f"/api/orgs/{first}/keys", alice, rank="member", workspaces=[another])
    assert {*mine.values(), another} == await alice.sees()
    assert {mine[second]} == await viewer.sees()
    assert {theirs} == await bob.sees()
    assert {mine[first], another} == await key.sees()
    assert {another} == await bound.sees()
    assert {alone} == await (await world.tenant(alone)).sees()
    assert {*mine.values(), another, theirs, alone} == await admin.sees()
    assert set() == await (await world.person()).sees()
    for who in (alice, admin):
        assert {mine[second]} == await who.sees(f"/api/workspaces?organisationId={second}")
    await viewer.call("GET", f"/api/workspaces?organisationId={first}", status=404)
    shown = await alice.call("GET", f"/api/workspaces/{another}", status=200)
    assert first == shown["organisationId"]


async def test_a_persons_list_is_paged_without_gap_or_double(world: Organised) -> None:
    alice, bob = await world.person(), await world.person()
    organisations = [await world.organisation(alice) for _ in range(2)]
    foreign = await world.organisation(bob)
    made = []
    for number in range(5):
        made.append(await world.workspace(organisations[number % 2], alice))
        await world.workspace(foreign, bob)
    seen: list[str] = []
    path = "/api/workspaces?limit=2"
    while path:
        page = await alice.call("GET", path, status=200)
        seen += [item["workspaceId"] for item in page["items"]]
        path = f"/api/workspaces?limit=2&cursor={page['nextCursor']}" if page["nextCursor"] else ""
    assert made[::-1] == seen


async def test_an_organisations_key_makes_workspaces_of_it_unless_it_is_bound(world: Organised) -> None:
    alice = await world.person()
    organisation = await world.organisation(alice)
    first = await world.workspace(organisation, alice)
    keys = f"/api/orgs/{organisation}/keys"
    key = await world.key(keys, alice, rank="admin")
    made = await key.call("POST", "/api/workspaces", {}, status=201)
    assert organisation == made["organisationId"]
    bound = await world.key(keys, alice, rank="admin", workspaces=[first])
    member = await world.key(keys, alice, rank="member")
    for who in (bound, member):
        await who.call("POST", "/api/workspaces", {}, status=403)
        await who.call("POST", f"/api/orgs/{organisation}/workspaces", {}, status=403)
    await alice.call("POST", "/api/workspaces", {}, status=403)
    assert {first, made["workspaceId"]} == await alice.sees()


async def test_an_organisation_owns_so_many_workspaces_and_no_more(tmp_path: Path, host: FakeHost) -> None:
    async with organised(tmp_path, host, limits=Limits(workspaces=2)) as world:
        alice, admin = await world.person(), await world.admin()
        organisation = await world.organisation(alice)
        path = f"/api/orgs/{organisation}/workspaces"
        calls = [world.server.call("POST", path, {}, token=alice.token) for _ in range(6)]
        statuses = [status for status, *_ in await asyncio.gather(*calls)]
        assert (2, 4) == (statuses.count(201), statuses.count(409))
        alone, _ = await world.server.create()
        problem = await admin.call("POST", f"/api/workspaces/{alone}/transfer", {"organisationId": organisation}, status=409)
        assert "limit" == problem["code"]


async def test_where_anyone_may_create_an_organisations_are_its_own(tmp_path: Path, host: FakeHost) -> None:
    async with organised(tmp_path, host, api=Api(rate_limits=UNLIMITED, create_workspaces="open")) as world:
        alice, bob = await world.person(), await world.person()
        organisation = await world.organisation(alice)
        path = f"/api/orgs/{organisation}/workspaces"
        assert 201 == (await world.server.call("POST", "/api/workspaces", {}))[0]
        assert 401 == (await world.server.call("POST", path, {}))[0]
        await bob.call("POST", path, {}, status=404)
        assert None is (await bob.call("POST", "/api/workspaces", {}, status=201))["organisationId"]
        key = await world.key(f"/api/orgs/{organisation}/keys", alice, rank="admin")
        assert organisation == (await key.call("POST", "/api/workspaces", {}, status=201))["organisationId"]
        viewer = await world.key(f"/api/orgs/{organisation}/keys", alice, rank="viewer")
        await viewer.call("POST", "/api/workspaces", {}, status=403)


async def test_a_transfer_takes_from_one_and_gives_to_the_other_at_once(world: Organised) -> None:
    alice, bob = await world.person(), await world.person()
    source, destination = await world.organisation(alice), await world.organisation(alice)
    await world.invite(source, alice, Rank.ADMIN, bob)
    workspace = await world.workspace(source, alice)
    path, tenant = f"/api/workspaces/{workspace}", await world.tenant(workspace)
    key = await world.key(f"/api/orgs/{source}/keys", alice, rank="admin")
    own = await world.key(f"{path}/keys", alice, rank="viewer")
    carol = await world.member(destination, alice, Rank.VIEWER)
    for who in (bob, key):
        await who.call("GET", path, status=200)
        await who.call("POST", f"{path}/transfer", {"organisationId": destination}, status=403)
    await carol.call("GET", path, status=404)
    moved = await alice.call("POST", f"{path}/transfer", {"organisationId": destination}, status=200)
    assert destination == moved["organisationId"]
    for who in (bob, key):
        await who.call("GET", path, status=404)
        assert set() == await who.sees()
    for who in (carol, tenant, own, alice):
        await who.call("GET", path, status=200)
    assert (
        moved["updatedAt"]
        == (await alice.call("POST", f"{path}/transfer", {"organisationId": destination}, status=200))["updatedAt"]
    )


async def test_a_transfer_needs_both_sides(world: Organised) -> None:
    alice, bob, admin = await world.person(), await world.person(), await world.admin()
    source, foreign, shared = await world.organisation(alice), await world.organisation(bob), await world.organisation(bob)
    await world.invite(shared, bob, Rank.MEMBER, alice)
    path = f"/api/workspaces/{await world.workspace(source, alice)}/transfer"
    absent = [await alice.call("POST", path, {"organisationId": name}, status=404) for name in (foreign, new_organisation_id())]
    assert absent[0]["detail"] == absent[1]["detail"]
    await alice.call("POST", path, {"organisationId": shared}, status=403)
    await alice.call("POST", path, {"organisationId": None}, status=403)
    await bob.call("POST", path, {"organisationId": foreign}, status=404)
    await admin.call("POST", path, {"organisationId": new_organisation_id()}, status=404)
    await admin.call("POST", f"/api/workspaces/{new_workspace_id()}/transfer", {"organisationId": foreign}, status=404)
    for body in ({}, {"organisationId": "x"}, {"organisationId": 1}, {"organisationId": foreign, "x": 1}):
        await alice.call("POST", path, body, status=422)
    assert foreign == (await admin.call("POST", path, {"organisationId": foreign}, status=200))["organisationId"]


async def test_a_key_loses_a_workspace_that_leaves_also_when_it_comes_back(world: Organised) -> None:
    alice, admin = await world.person(), await world.admin()
    organisation = await world.organisation(alice)
    workspace, other = await world.workspace(organisation, alice), await world.workspace(organisation, alice)
    keys, path = f"/api/orgs/{organisation}/keys", f"/api/workspaces/{workspace}"
    both = await world.key(keys, alice, rank="admin", workspaces=[workspace, other])
    one = await world.key(keys, alice, rank="admin", workspaces=[workspace])
    assert {workspace, other} == await both.sees()
    for destination in (None, organisation):
        await admin.call("POST", f"{path}/transfer", {"organisationId": destination}, status=200)
    for key in (both, one):
        await key.call("GET", path, status=404)
    assert ({other}, set()) == (await both.sees(), await one.sees())


async def test_a_person_follows_what_they_reach_and_nothing_else(world: Organised) -> None:
    alice, bob = await world.person(), await world.person()
    mine, theirs = await world.organisation(alice), await world.organisation(bob)
    first, foreign = await world.workspace(mine, alice), await world.workspace(theirs, bob)
    key = await world.key(f"/api/orgs/{mine}/keys", alice, rank="viewer")
    bound = await world.key(f"/api/orgs/{mine}/keys", alice, rank="viewer", workspaces=[first])
    async with following(alice) as stream, following(key) as by_key, following(bound) as by_bound:
        for reader in (stream, by_key, by_bound):
            await reader.until("ready")
            assert {first} == told(reader)
        await bob.call("PATCH", f"/api/workspaces/{foreign}", {"name": "SENTINEL"}, status=200)
        second = await world.workspace(mine, alice)
        await alice.call("PATCH", f"/api/workspaces/{first}", {"name": "last"}, status=200)
        for reader in (stream, by_key, by_bound):
            await reader.until("workspace", workspaceId=first, name="last")
            assert "SENTINEL" not in str(reader.seen)
        assert {first, second} == told(stream) == told(by_key)
        assert {first} == told(by_bound)
        last = stream.id
    await bob.call("PATCH", f"/api/workspaces/{foreign}", {"name": "SENTINEL"}, status=200)
    await alice.call("PATCH", f"/api/workspaces/{first}", {"name": "missed"}, status=200)
    async with following(alice, Last_Event_ID=last) as stream:
        event, data = await stream.next()
        assert ("workspace", first, "missed") == (event, data["workspaceId"], data["name"])


async def test_a_transfer_is_told_to_both_sides(world: Organised) -> None:
    alice, bob, carol, admin = [await world.person() for _ in range(3)] + [await world.admin()]
    source, destination = await world.organisation(alice), await world.organisation(bob)
    for organisation, by in ((source, alice), (destination, bob)):
        await world.invite(organisation, by, Rank.VIEWER, carol)
    workspace = await world.workspace(source, alice)
    async with following(alice) as old, following(bob) as new, following(carol) as both, following(admin) as everything:
        for reader in (old, new, both, everything):
            await reader.until("ready")
        assert set() == told(new)
        await admin.call("POST", f"/api/workspaces/{workspace}/transfer", {"organisationId": destination}, status=200)
        await old.until("workspaceDeleted", workspaceId=workspace)
        for reader in (new, both, everything):
            assert (await reader.until("workspace"))["organisationId"] == destination
            assert set() == told(reader, "workspaceDeleted")
        await bob.call("PATCH", f"/api/workspaces/{workspace}", {"name": "SENTINEL"}, status=200)
        await new.until("workspace", name="SENTINEL")
        fresh = await world.workspace(source, alice)
        await old.until("workspace", workspaceId=fresh)
        assert "SENTINEL" not in str(old.seen)


async def test_who_joins_or_leaves_is_told_anew_what_they_reach(world: Organised) -> None:
    alice, bob = await world.person(), await world.person()
    organisation = await world.organisation(alice)
    workspace = await world.workspace(organisation, alice)
    async with following(bob) as stream:
        await stream.until("ready")
        before = stream.id
        await world.invite(organisation, alice, Rank.VIEWER, bob)
        await stream.until("reset")
        await stream.until("workspace", workspaceId=workspace)
        await stream.until("ready")
        after = stream.id
    async with following(bob, Last_Event_ID=before) as stream:
        await stream.until("ready")
        assert ["reset", "workspace", "ready"] == [name for name, _ in stream.seen]
    async with following(bob, Last_Event_ID=after) as stream:
        await alice.call("DELETE", f"/api/orgs/{organisation}/members/{bob.id}", status=204)
        with pytest.raises(ConnectionError):
            while True:
                await stream.next()
    await alice.call("PATCH", f"/api/workspaces/{workspace}", {"name": "SENTINEL"}, status=200)
    async with following(bob, Last_Event_ID=after) as stream:
        await stream.until("ready")
        assert [("reset", {}), ("ready", {})] == stream.seen


async def test_the_inside_of_a_workspace_is_for_those_who_may_see_it(world: Organised) -> None:
    alice, bob, admin = await world.person(), await world.person(), await world.admin()
    organisation = await world.organisation(alice)
    workspace = await world.workspace(organisation, alice)
    path = f"/api/events?workspaceId={workspace}"
    viewer = await world.member(organisation, alice, Rank.VIEWER)
    async with following(viewer, path) as stream:
        await stream.until("ready")
        assert {workspace} == told(stream)
        await admin.call("POST", f"/api/workspaces/{workspace}/transfer", {"organisationId": None}, status=200)
        assert "unavailable" == (await stream.until("end"))["code"]
        with pytest.raises(ConnectionError):
            await stream.next()
    await viewer.call("GET", path, status=404)
    await bob.call("GET", path, status=404)
    await admin.call("GET", path, status=403)
    await bob.call("GET", f"/api/events?workspaceId={new_workspace_id()}", status=404)
