"""What keeps keys quick and true: what is in memory, and what is written when."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select, update

from api.acting import ORIGIN, origin_of
from api.auth import ANONYMOUS, RANKS, Rank, Role, Scope
from api.credentials import apikeys as module
from api.credentials.apikeys import KEPT, KEY_PREFIX, ApiKeys
from api.credentials.opaque import SEED, opaque
from api.credentials.rights import HOST, Key, KeyKind, Owner
from api.problems import HttpCode, Problem
from api.store import Store
from api.streams.live import Live
from api.tables import api_keys
from api.workspaces import Workspaces
from shared.errors import Code, Fault
from shared.ids import new_key_id, new_organisation_id, new_workspace_id
from shared.settings import Limits
from tests.api.serving import Server, migrated

SCOPES = RANKS[Rank.VIEWER] & {Scope.WORKSPACES_READ, Scope.EVENTS_READ}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "store.sqlite"
    path.write_bytes(migrated())
    made = Store(path)
    yield made
    await made.close()


@pytest.fixture
async def keys(store: Store) -> AsyncIterator[ApiKeys]:
    made = ApiKeys(store, Live(), Workspaces(store), Limits())
    yield made
    await made.close()


def new(owner: Owner = HOST, **fields: Any) -> Key:  # noqa: ANN401  # of several types
    values = {"rank": None, "scopes": SCOPES, "workspaces": None, "expires": None} | fields
    return Key(id=new_key_id(), kind=owner.kind, owner=owner.id, name="test", created=time.time(), created_by="admin", **values)


async def minted(keys: ApiKeys, **fields: Any) -> tuple[Key, str]:  # noqa: ANN401  # of several types
    key, secret = await keys.mint(new(**fields), secrets.token_bytes(SEED))
    return key, secret.reveal()


async def refused(keys: ApiKeys, token: str) -> None:
    with pytest.raises(Fault) as caught:
        await keys.principal(token)
    assert Code.UNAUTHORIZED is caught.value.code


class Reads:
    """Counts what is read of a store."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        read = store.read

        async def counted(work: Any) -> Any:  # noqa: ANN401  # passed on
            self.count += 1
            return await read(work)

        monkeypatch.setattr(store, "read", counted)


async def test_a_key_is_read_once_and_then_known(keys: ApiKeys, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    key, token = await minted(keys)
    reads = Reads(store, monkeypatch)
    first = await keys.principal(token)
    assert all([await keys.principal(token) is first for _ in range(100)])
    assert 1 == reads.count
    assert (Role.ADMIN, key.id, SCOPES | {Scope.SELF}) == (first.role, first.key, first.scopes)


async def test_what_is_misspelt_asks_nobody(keys: ApiKeys, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = await minted(keys)
    reads = Reads(store, monkeypatch)
    for text in ("", "hst_", token[:-1], token[:-1] + "é", token + "0", token[:20] + "!" + token[21:], "hst_" + "a" * 10_000):
        await refused(keys, text)
    assert 0 == reads.count


async def test_a_flood_of_invented_keys_evicts_none_and_is_cut_off(
    keys: ApiKeys, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = await minted(keys)
    _, cold = await minted(keys)
    good = await keys.principal(token)
    reads = Reads(store, monkeypatch)
    ORIGIN.set(origin_of(ANONYMOUS, "203.0.113.9", "r"))
    for _ in range(600):
        await refused(keys, opaque(KEY_PREFIX, secrets.token_bytes(SEED)).reveal())
    assert 600 == reads.count
    for _ in range(10):
        with pytest.raises(Problem) as caught:
            await keys.principal(opaque(KEY_PREFIX, secrets.token_bytes(SEED)).reveal())
        assert HttpCode.RATE_LIMITED is caught.value.code
        assert await keys.principal(token) is good
    assert 600 == reads.count
    ORIGIN.set(origin_of(ANONYMOUS, "203.0.113.10", "r"))
    assert (await keys.principal(cold)).role is Role.ADMIN  # of another address nothing is thought the worse


async def test_memory_is_bounded_and_the_oldest_goes_first(
    keys: ApiKeys, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHED", 2)
    tokens = [(await minted(keys))[1] for _ in range(3)]
    await keys.principal(tokens[0])
    await keys.principal(tokens[1])
    await keys.principal(tokens[0])
    await keys.principal(tokens[2])
    reads = Reads(store, monkeypatch)
    await keys.principal(tokens[0])
    await keys.principal(tokens[2])
    assert 0 == reads.count
    await keys.principal(tokens[1])
    assert 1 == reads.count
    assert 2 == len(keys._known) == len(keys._principals)


async def test_a_revocation_while_the_key_is_read_is_not_missed(
    keys: ApiKeys, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first read sees the key as it was; it must not be kept, nor answered."""
    key, token = await minted(keys)
    read, slow = store.read, True

    async def late(work: Any) -> Any:  # noqa: ANN401  # passed on
        nonlocal slow
        found = await read(work)
        if slow:
            slow = False
            await keys.revoke(key)
        return found

    monkeypatch.setattr(store, "read", late)
    await refused(keys, token)
    await refused(keys, token)


async def test_a_principal_is_checked_against_what_its_key_is_now(keys: ApiKeys) -> None:
    key, token = await minted(keys)
    principal = await keys.principal(token)
    keys.check(principal)
    keys.check(replace(principal, key=""))  # no key's: not ours to judge
    key = await keys.change(key, name="renamed")
    await keys.principal(token)
    keys.check(principal)
    await keys.change(key, scopes=frozenset({Scope.EVENTS_READ}))
    with pytest.raises(Fault):
        keys.check(principal)
    narrowed = await keys.principal(token)
    keys.check(narrowed)
    with pytest.raises(Fault):
        keys.check(principal)
    await keys.revoke(key)
    with pytest.raises(Fault):
        keys.check(narrowed)


async def test_a_change_of_what_has_changed_is_refused(keys: ApiKeys) -> None:
    key, _ = await minted(keys)
    await keys.change(key, scopes=frozenset({Scope.EVENTS_READ}))
    for values in ({"scopes": SCOPES}, {"name": "x"}, {"expires": None}):
        with pytest.raises(Fault) as caught:
            await keys.change(key, **values)
        assert Code.CONFLICT is caught.value.code
    assert {Scope.EVENTS_READ} == (await keys.find(key.id, HOST)).scopes


async def test_uses_are_kept_while_the_store_cannot_be_written(
    keys: ApiKeys, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, token = await minted(keys)
    for _ in range(3):
        await keys.principal(token)

    async def full(_work: Any) -> None:  # noqa: ANN401  # not called
        raise Fault(Code.UNAVAILABLE, "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", full)
        assert 0 == (await keys.find(key.id, HOST)).uses  # and it can still be read
        await keys.principal(token)
    assert 4 == (await keys.find(key.id, HOST)).uses


async def test_uses_are_written_by_themselves(keys: ApiKeys, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.credentials.uses.FLUSH_SECONDS", 0.01)
    _, token = await minted(keys)
    await keys.principal(token)

    async def written() -> None:
        while not await store.read(lambda connection: connection.scalar(select(api_keys.c.uses))):
            await asyncio.sleep(0.01)

    await asyncio.wait_for(written(), 10)


async def test_what_ended_long_ago_or_belongs_to_nobody_is_forgotten(keys: ApiKeys, store: Store) -> None:
    now = time.time()
    kept, _ = await minted(keys)
    expired, _ = await minted(keys, expires=now + 60)
    ancient, _ = await minted(keys, expires=now - KEPT - 1)
    orphans = [Owner(KeyKind.WORKSPACE, new_workspace_id()), Owner(KeyKind.ORGANISATION, new_organisation_id())]
    for owner in orphans:
        await minted(keys, owner=owner)
    revoked, _ = await minted(keys)
    await keys.revoke(revoked)
    await store.write(
        lambda connection: connection.execute(
            update(api_keys).where(api_keys.c.id == revoked.id).values(revoked=now - KEPT - 1)
        )
    )
    await keys.purge()
    assert {kept.id, expired.id} == {key.id for key in await keys.page(HOST, None, 100)}
    for owner in orphans:
        assert [] == await keys.page(owner, None, 100)
    assert ancient.id not in {key.id for key in await keys.page(HOST, None, 100)}


async def test_a_scope_that_this_version_does_not_know_gives_nothing(keys: ApiKeys, store: Store) -> None:
    key, token = await minted(keys)
    scopes = msgspec.json.encode(["workspaces:read", "everything"])
    await store.write(
        lambda connection: connection.execute(update(api_keys).where(api_keys.c.id == key.id).values(scopes=scopes))
    )
    assert {Scope.WORKSPACES_READ, Scope.SELF} == (await keys.principal(token)).scopes


async def test_a_key_never_has_more_than_its_kind(keys: ApiKeys) -> None:
    """Whatever its row says."""
    _, token = await minted(keys, scopes=frozenset(Scope))
    scopes = (await keys.principal(token)).scopes
    assert not scopes & {Scope.PUBLIC, Scope.TERMINALS_WRITE, Scope.SECRET_ROTATE}


async def test_the_key_of_a_workspace_that_is_gone_is_refused(server: Server) -> None:
    workspace, token = await server.tenant()
    _, made, _ = await server.call("POST", f"/api/workspaces/{workspace}/keys", {"name": "x", "rank": "admin"}, token=token)
    assert 200 == (await server.call("GET", "/api/auth/me", token=made["key"]))[0]
    await server.services.workspaces.remove(workspace)
    assert 401 == (await server.call("GET", "/api/auth/me", token=made["key"]))[0]
    await server.services.apikeys.purge()
    assert [] == await server.services.apikeys.page(Owner(KeyKind.WORKSPACE, workspace), None, 10)


async def test_the_key_of_a_workspace_that_is_kept_does_what_can_be_done_to_it(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}"
    _, made, _ = await server.call("POST", f"{base}/keys", {"name": "x", "rank": "admin"}, token=token)
    async with server.services.workspaces.lock(workspace):
        await server.services.workspaces.change(workspace, deleted=time.time())
    key = made["key"]
    assert 200 == (await server.call("GET", base, token=key))[0]
    assert 200 == (await server.call("GET", f"{base}/keys", token=key))[0]
    for method, path, body in (
        ("POST", f"{base}/keys", {"name": "x", "rank": "viewer"}),
        ("POST", f"{base}/handover", {"kind": "signin"}),
        ("GET", f"{base}/sessions", None),
        ("PATCH", base, {"name": "x"}),
    ):
        status, problem, _ = await server.call(method, path, body, token=key)
        assert (409, "not_ready") == (status, problem["code"]), path


async def test_looking_a_key_up_does_not_read_them_all(keys: ApiKeys, store: Store) -> None:
    """The query of a lookup is answered from the index of hashes."""
    _, token = await minted(keys)

    def rows(connection: Connection) -> list[str]:
        query = "EXPLAIN QUERY PLAN SELECT * FROM api_keys WHERE hash = 'x' AND revoked IS NULL"
        return [row[-1] for row in connection.exec_driver_sql(query)]

    assert "USING INDEX" in " ".join(await store.read(rows))
    assert (await keys.principal(token)).role is Role.ADMIN
