import asyncio
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

from api.auth import WORKSPACE_SCOPES, Principal, Role
from api.streams.live import CONNECTIONS_MAX, EXPIRED, REVOKED, STOPPING, Live
from shared.errors import Code, Fault

ALICE = Principal(role=Role.WORKSPACE, scopes=WORKSPACE_SCOPES, workspace="alice", family="one")
BOB = Principal(role=Role.WORKSPACE, scopes=WORKSPACE_SCOPES, workspace="bob", family="three")


async def test_a_connection_ends_when_its_token_expires() -> None:
    live = Live()
    with live.open(replace(ALICE, expires=time.time() + 0.02)) as brief, live.open(ALICE) as lasting:
        assert await brief.ended == EXPIRED
        assert not lasting.ended.done()
    with live.open(replace(ALICE, expires=time.time() - 1)) as late:
        assert await late.ended == EXPIRED


async def test_a_revocation_ends_what_it_concerns_and_nothing_else() -> None:
    live = Live()
    with live.open(ALICE) as one, live.open(replace(ALICE, family="two")) as two, live.open(BOB) as three:
        live.revoke_family("one")
        assert await one.ended == REVOKED
        assert not two.ended.done()
        live.revoke_workspace("alice")
        assert await two.ended == REVOKED
        assert not three.ended.done()
        live.stop()
        assert await three.ended == STOPPING
        assert await one.ended == REVOKED


async def test_connections_are_counted_and_capped_for_each_principal() -> None:
    live = Live()
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_MAX):
            stack.enter_context(live.open(ALICE))
        with pytest.raises(Fault) as caught, live.open(replace(ALICE, family="two")):
            pass
        assert caught.value.code == Code.LIMIT
        with live.open(BOB):
            assert len(live) == CONNECTIONS_MAX + 1
    assert len(live) == 0
    with live.open(ALICE):
        assert len(live) == 1
    await asyncio.sleep(0)
