"""Members and invitations over HTTP."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from api.auth import RANKS, Rank, Scope
from api.streams.live import CHANGED
from shared.ids import new_invitation_id, new_organisation_id, new_person_id
from shared.settings import Limits
from tests.api.fakehost import FakeHost
from tests.api.organised import Organised, Person, organised


@pytest.fixture
async def world(tmp_path: Path, host: FakeHost) -> AsyncIterator[Organised]:
    async with organised(tmp_path, host) as made:
        yield made


class Club:
    """An organisation with somebody of each rank."""

    def __init__(self, path: str, owner: Person, admin: Person, member: Person, viewer: Person) -> None:
        self.path = path
        self.owner, self.admin, self.member, self.viewer = owner, admin, member, viewer

    async def ranks(self) -> dict[str, str]:
        items = (await self.owner.call("GET", f"{self.path}/members", status=200))["items"]
        return {item["personId"]: item["rank"] for item in items}

    def of(self, person: Person) -> str:
        return f"{self.path}/members/{person.id}"


@pytest.fixture
async def club(world: Organised) -> Club:
    owner = await world.person()
    organisation = await world.organisation(owner)
    others = [await world.member(organisation, owner, rank) for rank in (Rank.ADMIN, Rank.MEMBER, Rank.VIEWER)]
    return Club(f"/api/orgs/{organisation}", owner, *others)


async def test_an_invitation_is_told_once_and_makes_a_member(world: Organised, club: Club) -> None:
    status, made, headers = await world.server.call(
        "POST", f"{club.path}/invitations", {"rank": "member", "lifetime": 60}, token=club.admin.token
    )
    assert (201, "member", club.admin.id) == (status, made["rank"], made["createdBy"])
    assert headers["Location"] == f"{club.path}/invitations/{made['invitationId']}"
    listed = await club.admin.call("GET", f"{club.path}/invitations", status=200)
    assert [made["invitationId"]] == [item["invitationId"] for item in listed["items"]]
    assert made["token"] not in json.dumps(listed)
    bob = await world.person()
    joined = await bob.call("POST", "/api/orgs/invitations/accept", {"token": made["token"]}, status=200)
    assert {"organisationId": made["organisationId"], "personId": bob.id, "rank": "member"} == joined
    assert [] == (await club.admin.call("GET", f"{club.path}/invitations", status=200))["items"]
    assert {made["organisationId"]} == await bob.sees("/api/orgs")


async def test_of_fifty_who_accept_one_invitation_at_once_one_wins(world: Organised, club: Club) -> None:
    people = [await world.person() for _ in range(5)]
    token = (await club.owner.call("POST", f"{club.path}/invitations", {"rank": "viewer"}, status=201))["token"]
    before = await club.ranks()
    path = "/api/orgs/invitations/accept"
    calls = [world.server.call("POST", path, {"token": token}, token=people[n % 5].token) for n in range(50)]
    statuses = [status for status, *_ in await asyncio.gather(*calls)]
    assert (1, 49) == (statuses.count(200), statuses.count(401))
    assert len(before) + 1 == len(await club.ranks())


async def test_an_invitation_that_is_taken_back_opens_nothing(world: Organised, club: Club) -> None:
    made = await club.admin.call("POST", f"{club.path}/invitations", {"rank": "viewer"}, status=201)
    one = f"{club.path}/invitations/{made['invitationId']}"
    await (await world.person()).call("DELETE", one, status=404)
    await club.member.call("DELETE", one, status=403)
    await club.admin.call("DELETE", one, status=204)
    await club.admin.call("DELETE", one, status=404)
    await club.admin.call("DELETE", f"{club.path}/invitations/{new_invitation_id()}", status=404)
    await (await world.person()).call("POST", "/api/orgs/invitations/accept", {"token": made["token"]}, status=401)


async def test_an_invitation_is_not_taken_back_by_another_organisation(world: Organised, club: Club) -> None:
    stranger = await world.person()
    other = await world.organisation(stranger)
    made = await club.admin.call("POST", f"{club.path}/invitations", {"rank": "viewer"}, status=201)
    await stranger.call("DELETE", f"/api/orgs/{other}/invitations/{made['invitationId']}", status=404)
    await (await world.person()).call("POST", "/api/orgs/invitations/accept", {"token": made["token"]}, status=200)


async def test_accepting_again_never_lowers_a_rank(world: Organised, club: Club) -> None:
    organisation = club.path.rpartition("/")[2]
    for rank, kept in ((Rank.VIEWER, "member"), (Rank.MEMBER, "member"), (Rank.ADMIN, "admin"), (Rank.VIEWER, "admin")):
        await world.invite(organisation, club.owner, rank, club.member)
        assert kept == (await club.ranks())[club.member.id]


async def test_only_a_person_can_be_a_member(world: Organised, club: Club) -> None:
    token = (await club.owner.call("POST", f"{club.path}/invitations", {"rank": "admin"}, status=201))["token"]
    key = await world.key(f"{club.path}/keys", club.owner, rank="admin")
    workspace, _ = await world.server.create()
    for who in (await world.admin(), key, await world.tenant(workspace)):
        await who.call("POST", "/api/orgs/invitations/accept", {"token": token}, status=403)
    assert 401 == (await world.server.call("POST", "/api/orgs/invitations/accept", {"token": token}))[0]
    await (await world.person()).call("POST", "/api/orgs/invitations/accept", {"token": token}, status=200)


async def test_a_token_that_is_none_is_refused(world: Organised) -> None:
    person = await world.person()
    for token in ("", "x", "é", "hot_" + "x" * 50, "x" * 10_000, "a\0b"):
        await person.call("POST", "/api/orgs/invitations/accept", {"token": token}, status=401)


BAD_INVITATIONS: list[dict[str, Any]] = [
    {},
    {"rank": "boss"},
    {"rank": None},
    {"rank": "member", "lifetime": 59},
    {"rank": "member", "lifetime": 14 * 86_400 + 1},
    {"rank": "member", "x": 1},
]


async def test_a_bad_invitation_is_refused_and_the_longest_is_not(club: Club) -> None:
    for body in BAD_INVITATIONS:
        await club.owner.call("POST", f"{club.path}/invitations", body, status=422)
    for lifetime in (60, 14 * 86_400):
        await club.owner.call("POST", f"{club.path}/invitations", {"rank": "member", "lifetime": lifetime}, status=201)


async def test_an_organisation_has_so_many_members_and_no_more(tmp_path: Path, host: FakeHost) -> None:
    async with organised(tmp_path, host, limits=Limits(members=2)) as world:
        owner = await world.person()
        organisation = await world.organisation(owner)
        member = await world.member(organisation, owner, Rank.VIEWER)
        token = (await owner.call("POST", f"/api/orgs/{organisation}/invitations", {"rank": "viewer"}, status=201))["token"]
        problem = await (await world.person()).call("POST", "/api/orgs/invitations/accept", {"token": token}, status=409)
        assert "limit" == problem["code"]
        await world.invite(organisation, owner, Rank.ADMIN, member)


async def test_an_invitation_that_cannot_be_accepted_is_not_used_up(
    tmp_path: Path, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with organised(tmp_path, host, limits=Limits(members=2)) as world:
        owner, late = await world.person(), await world.person()
        organisation = await world.organisation(owner)
        tokens = [
            (await owner.call("POST", f"/api/orgs/{organisation}/invitations", {"rank": "member"}, status=201))["token"]
            for _ in range(2)
        ]
        first = await world.person()
        await first.call("POST", "/api/orgs/invitations/accept", {"token": tokens[0]}, status=200)
        refused = await late.call("POST", "/api/orgs/invitations/accept", {"token": tokens[1]}, status=409)
        assert "limit" == refused["code"]
        await first.call("DELETE", f"/api/orgs/{organisation}/members/{first.id}", status=204)
        write, failing = world.server.services.store.write, True

        async def full(work: Any) -> Any:  # noqa: ANN401  # those of `write`
            def broken(connection: Connection) -> None:
                work(connection)
                raise OperationalError("", {}, Exception("database or disk is full"))

            return await write(broken if failing else work)

        monkeypatch.setattr(world.server.services.store, "write", full)
        await late.call("POST", "/api/orgs/invitations/accept", {"token": tokens[1]}, status=503)
        failing = False
        await late.call("POST", "/api/orgs/invitations/accept", {"token": tokens[1]}, status=200)


async def test_members_are_listed_in_pages(club: Club) -> None:
    seen: list[str] = []
    path = f"{club.path}/members?limit=3"
    while path:
        page = await club.viewer.call("GET", path, status=200)
        seen += [item["rank"] for item in page["items"]]
        path = f"{club.path}/members?limit=3&cursor={page['nextCursor']}" if page["nextCursor"] else ""
    assert ["owner", "admin", "member", "viewer"] == seen
    for query in ("cursor=!", "cursor=eA", "limit=0", "limit=101", "x=1"):
        await club.viewer.call("GET", f"{club.path}/members?{query}", status=422)


async def test_who_may_change_whom(world: Organised, club: Club) -> None:
    key = await world.key(f"{club.path}/keys", club.owner, rank="admin")
    host_admin = await world.admin()
    refused = [
        (club.viewer, club.member, "viewer"),
        (club.member, club.viewer, "member"),
        (club.member, club.member, "admin"),
        (club.admin, club.owner, "viewer"),
        (club.admin, club.admin, "owner"),
        (club.admin, club.member, "owner"),
        (key, club.owner, "viewer"),
        (key, club.member, "owner"),
    ]
    for who, whom, rank in refused:
        assert "forbidden" == (await who.call("PATCH", club.of(whom), {"rank": rank}, status=403))["code"]
        if whom is club.owner or who in {club.viewer, club.member} - {whom}:
            await who.call("DELETE", club.of(whom), status=403)
    assert ["owner", "admin", "member", "viewer"] == list((await club.ranks()).values())
    allowed = [
        (club.admin, club.viewer, "member"),
        (key, club.viewer, "viewer"),
        (club.admin, club.admin, "admin"),
        (club.owner, club.member, "owner"),
        (host_admin, club.member, "member"),
        (club.admin, club.admin, "viewer"),
    ]
    for who, whom, rank in allowed:
        assert rank == (await who.call("PATCH", club.of(whom), {"rank": rank}, status=200))["rank"]


async def test_only_an_owner_invites_owners(world: Organised, club: Club) -> None:
    key = await world.key(f"{club.path}/keys", club.owner, rank="admin")
    for who in (club.admin, key):
        await who.call("POST", f"{club.path}/invitations", {"rank": "owner"}, status=403)
        await who.call("POST", f"{club.path}/invitations", {"rank": "admin"}, status=201)
    for who in (club.viewer, club.member):
        await who.call("POST", f"{club.path}/invitations", {"rank": "viewer"}, status=403)
    for who in (club.owner, await world.admin()):
        await who.call("POST", f"{club.path}/invitations", {"rank": "owner"}, status=201)


async def test_nobody_makes_somebody_what_they_are_not_themselves(world: Organised, club: Club) -> None:
    """A key that may manage members would else be worth as much as the highest rank that it gives away."""
    keys, invitations = f"{club.path}/keys", f"{club.path}/invitations"
    scopes = [*RANKS[Rank.VIEWER], Scope.MEMBERS_WRITE]
    weak = await world.key(keys, club.owner, scopes=scopes)
    host = await world.key("/api/keys", await world.admin(), scopes=["members:read", "members:write"])
    for rank, status in (("viewer", 201), ("member", 403), ("admin", 403), ("owner", 403)):
        await weak.call("POST", invitations, {"rank": rank}, status=status)
    for key in (weak, host):
        for rank in ("member", "admin"):
            await key.call("PATCH", club.of(club.viewer), {"rank": rank}, status=403)
    await host.call("POST", invitations, {"rank": "owner"}, status=403)
    await weak.call("PATCH", club.of(club.member), {"rank": "viewer"}, status=200)
    strong = await world.key(keys, club.owner, rank="admin")
    await strong.call("PATCH", club.of(club.member), {"rank": "admin"}, status=200)
    await strong.call("POST", invitations, {"rank": "admin"}, status=201)


@pytest.mark.parametrize("how", ["revoked", "narrowed", "replaced"])
async def test_an_invitation_of_a_key_ends_with_what_the_key_may(world: Organised, club: Club, how: str) -> None:
    keys, invitations = f"{club.path}/keys", f"{club.path}/invitations"
    key = await world.key(keys, club.owner, rank="admin")
    other = await world.key(keys, club.owner, rank="admin")
    gone, kept = [(await who.call("POST", invitations, {"rank": "admin"}, status=201))["token"] for who in (key, other)]
    match how:
        case "revoked":
            await club.owner.call("DELETE", f"{keys}/{key.id}", status=204)
        case "narrowed":
            await club.owner.call("PATCH", f"{keys}/{key.id}", {"scopes": ["members:read"]}, status=200)
        case _:
            await club.owner.call("POST", f"{keys}/{key.id}/rotate", {}, status=201)
    person = await world.person()
    for token, status in ((gone, 401), (kept, 200)):
        await person.call("POST", "/api/orgs/invitations/accept", {"token": token}, status=status)


async def test_an_invitation_does_not_outlive_the_key_that_made_it(world: Organised, club: Club) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=300)).isoformat()
    brief = await world.key(f"{club.path}/keys", club.owner, rank="admin", expiresAt=end)
    made = await brief.call("POST", f"{club.path}/invitations", {"rank": "viewer"}, status=201)
    assert datetime.fromisoformat(end) + timedelta(seconds=1) >= datetime.fromisoformat(made["expiresAt"])
    assert f"/{brief.id}" in made["createdBy"]


async def test_an_organisation_keeps_an_owner(world: Organised, club: Club) -> None:
    for who in (club.owner, await world.admin()):
        assert "conflict" == (await who.call("PATCH", club.of(club.owner), {"rank": "admin"}, status=409))["code"]
        assert "conflict" == (await who.call("DELETE", club.of(club.owner), status=409))["code"]
    await club.owner.call("PATCH", club.of(club.admin), {"rank": "owner"}, status=200)
    await club.owner.call("DELETE", club.of(club.owner), status=204)
    await club.owner.call("GET", club.path, status=404)


async def test_two_owners_who_demote_each_other_at_once_leave_one(world: Organised, club: Club) -> None:
    for _ in range(5):
        await club.owner.call("PATCH", club.of(club.admin), {"rank": "owner"}, status=200)
        replies = await asyncio.gather(
            world.server.call("PATCH", club.of(club.admin), {"rank": "admin"}, token=club.owner.token),
            world.server.call("PATCH", club.of(club.owner), {"rank": "admin"}, token=club.admin.token),
            world.server.call("DELETE", club.of(club.admin), token=club.admin.token),
        )
        ranks = await (await world.admin()).call("GET", f"{club.path}/members", status=200)
        owners = [item["personId"] for item in ranks["items"] if item["rank"] == "owner"]
        assert 1 == len(owners), [status for status, *_ in replies]
        if club.owner.id not in owners:
            club.owner, club.admin = club.admin, club.owner
        if club.admin.id not in {item["personId"] for item in ranks["items"]}:
            await world.invite(club.path.rpartition("/")[2], club.owner, Rank.ADMIN, club.admin)


async def test_an_authority_that_was_lost_meanwhile_is_none(
    monkeypatch: pytest.MonkeyPatch, world: Organised, club: Club
) -> None:
    """The request was let in with the old rank; what counts is the rank at the change itself."""
    members, organisation = world.server.services.organisations.members, club.path.rpartition("/")[2]
    reached = asyncio.Event()
    change = members.change

    async def late(*args: Any) -> Any:  # noqa: ANN401  # those of `change`
        if args[3].person == club.admin.id:
            reached.set()
            await demoted.wait()
        return await change(*args)

    demoted = asyncio.Event()
    monkeypatch.setattr(members, "change", late)
    raising = asyncio.create_task(
        world.server.call(
            "PATCH", f"/api/orgs/{organisation}/members/{club.viewer.id}", {"rank": "admin"}, token=club.admin.token
        )
    )
    await reached.wait()
    await club.owner.call("PATCH", club.of(club.admin), {"rank": "viewer"}, status=200)
    demoted.set()
    assert 403 == (await raising)[0]
    assert "viewer" == (await club.ranks())[club.viewer.id]


async def test_everybody_may_leave(club: Club) -> None:
    for who in (club.viewer, club.member, club.admin):
        await who.call("DELETE", club.of(who), status=204)
        await who.call("GET", club.path, status=404)
        assert set() == await who.sees("/api/orgs")
    assert [club.owner.id] == list(await club.ranks())


async def test_a_change_counts_at_once_and_closes_what_is_open(world: Organised, club: Club) -> None:
    live = world.server.services.live
    principal = await world.server.services.organisations.ranked(world.server.services.tokens.verify(club.member.token))
    other = await world.server.services.organisations.ranked(world.server.services.tokens.verify(club.viewer.token))
    workspace = await world.workspace(club.path.rpartition("/")[2], club.owner)
    path = f"/api/workspaces/{workspace}/secrets"
    await club.member.call("GET", path, status=200)
    with live.open(principal, workspace) as open_connection, live.open(other, workspace) as others:
        await club.owner.call("PATCH", club.of(club.member), {"rank": "member"}, status=200)
        assert not open_connection.ended.done()
        await club.owner.call("PATCH", club.of(club.member), {"rank": "viewer"}, status=200)
        assert CHANGED == open_connection.ended.result()
        assert not others.ended.done()
    await club.member.call("GET", path, status=200)
    await club.member.call("DELETE", f"{path}/NAME", status=403)
    with live.open(principal, workspace) as open_connection:
        await club.owner.call("DELETE", club.of(club.member), status=204)
        assert open_connection.ended.done()
    await club.member.call("GET", path, status=404)


async def test_who_is_removed_or_lowered_leaves_no_way_back(club: Club) -> None:
    await club.owner.call("PATCH", club.of(club.member), {"rank": "owner"}, status=200)
    invitations = f"{club.path}/invitations"
    mine = (await club.member.call("POST", invitations, {"rank": "owner"}, status=201))["token"]
    theirs = (await club.admin.call("POST", invitations, {"rank": "admin"}, status=201))["token"]
    kept = (await club.owner.call("POST", invitations, {"rank": "viewer"}, status=201))["token"]
    await club.owner.call("DELETE", club.of(club.member), status=204)
    await club.owner.call("PATCH", club.of(club.admin), {"rank": "member"}, status=200)
    for token, status in ((mine, 401), (theirs, 401), (kept, 200)):
        await club.member.call("POST", "/api/orgs/invitations/accept", {"token": token}, status=status)


async def test_of_fifty_who_make_a_way_back_at_once_none_has_one(world: Organised, club: Club) -> None:
    """Each is let in before the removal, and comes to the store after it."""
    workspace = await world.workspace(club.path.rpartition("/")[2], club.owner)
    old = await world.key(f"{club.path}/keys", club.owner, rank="viewer")
    key = {"name": "back", "rank": "admin"}
    ways: tuple[tuple[str, dict[str, str]], ...] = (
        (f"{club.path}/invitations", {"rank": "admin"}),
        (f"{club.path}/keys", key),
        (f"{club.path}/keys/{old.id}/rotate", {}),
        (f"/api/workspaces/{workspace}/keys", key),
        (f"/api/workspaces/{workspace}/handover", {"kind": "signin"}),
        (f"/api/workspaces/{workspace}/handover", {"kind": "key", "rank": "admin"}),
    )
    store = world.server.services.store
    waiting, go_on = store._writing._work_queue, threading.Event()

    async def reached(count: int) -> None:
        async with asyncio.timeout(30):
            while waiting.qsize() < count:
                await asyncio.sleep(0.001)

    busy = asyncio.create_task(store.write(lambda _connection: go_on.wait()))
    try:
        removal = asyncio.create_task(world.server.call("DELETE", club.of(club.admin), token=club.owner.token))
        await reached(1)
        calls = [world.server.call("POST", path, body, token=club.admin.token) for _ in range(9) for path, body in ways]
        tries = asyncio.gather(*calls)
        await reached(1 + len(calls))
    finally:
        go_on.set()
        await busy
    assert 204 == (await removal)[0]
    assert {404} == {status for status, *_ in await tries}
    for path, left in ((f"{club.path}/invitations", []), (f"{club.path}/keys", [old.id])):
        items = (await club.owner.call("GET", path, status=200))["items"]
        assert left == [item.get("keyId") or item["invitationId"] for item in items]
    assert [] == (await club.owner.call("GET", f"/api/workspaces/{workspace}/keys", status=200))["items"]
    assert [] == (await club.owner.call("GET", f"/api/workspaces/{workspace}/handover", status=200))["items"]


async def test_who_is_removed_hands_nothing_over_any_more(world: Organised, club: Club) -> None:
    workspace = await world.workspace(club.path.rpartition("/")[2], club.owner)
    elsewhere = await world.organisation(club.admin)
    other = await world.workspace(elsewhere, club.admin)
    tokens = [
        (await who.call("POST", f"/api/workspaces/{where}/handover", body, status=201))["token"]
        for who, where in ((club.admin, workspace), (club.owner, workspace), (club.admin, other))
        for body in ({"kind": "signin"}, {"kind": "key", "rank": "viewer"})
    ]
    await club.owner.call("DELETE", club.of(club.admin), status=204)
    for token, status in zip(tokens, (401, 401, 200, 200, 200, 200), strict=True):
        await club.admin.call("POST", "/api/auth/redeem", {"token": token}, status=status)


async def test_webhooks_are_told_who_comes_and_goes(world: Organised, club: Club) -> None:
    hook = {"url": "https://hooks.example.org/x", "events": ["member.added", "member.removed"]}
    made = await club.owner.call("POST", f"{club.path}/webhooks", hook, status=201)
    organisation = club.path.rpartition("/")[2]
    person = await world.member(organisation, club.owner, Rank.VIEWER)
    await person.call("DELETE", club.of(person), status=204)
    page = await club.owner.call("GET", f"{club.path}/webhooks/{made['webhookId']}/deliveries", status=200)
    assert ["member.removed", "member.added"] == [item["event"] for item in page["items"]]


async def test_who_is_no_member_cannot_be_changed(world: Organised, club: Club) -> None:
    stranger = await world.person()
    for person in (stranger.id, new_person_id()):
        await club.owner.call("PATCH", f"{club.path}/members/{person}", {"rank": "viewer"}, status=404)
        await club.owner.call("DELETE", f"{club.path}/members/{person}", status=404)
    for method, path in (("PATCH", club.of(club.viewer)), ("DELETE", club.of(club.viewer)), ("DELETE", club.of(stranger))):
        await stranger.call(method, path, {"rank": "viewer"}, status=404)
    absent = f"/api/orgs/{new_organisation_id()}/members/{stranger.id}"
    await stranger.call("DELETE", absent, status=404)
    for body in ({}, {"rank": "boss"}, {"rank": None}, {"rank": "viewer", "x": 1}):
        await club.owner.call("PATCH", club.of(club.viewer), body, status=422)


async def test_keys_outlive_the_membership_of_who_made_them_and_can_be_found(world: Organised, club: Club) -> None:
    """A key is the organisation's: its list says who made it, and that they have left."""
    key = await world.key(f"{club.path}/keys", club.admin, rank="viewer")
    await club.owner.call("DELETE", club.of(club.admin), status=204)
    await key.call("GET", club.path, status=200)
    [listed] = (await club.owner.call("GET", f"{club.path}/keys", status=200))["items"]
    assert ("live", club.admin.id) == (listed["status"], listed["createdBy"])
    [named] = (await club.owner.call("GET", f"{club.path}/names?ids={listed['createdBy']}", status=200))["items"]
    assert named["former"]
