import asyncio
import base64
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from api.credentials.onetime import KEPT, OneTime
from api.store import Store
from api.tables import one_time_tokens
from shared.errors import Code, Fault
from shared.secret import Secret
from tests.api.serving import migrated

OWNER = "w" + "0" * 24
PAYLOAD = b"a secret of somebody"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "store.sqlite"
    path.write_bytes(migrated())
    made = Store(path)
    yield made
    await made.close()


@pytest.fixture
def onetime(store: Store) -> OneTime:
    return OneTime(store)


async def minted(onetime: OneTime, lifetime: float = 60) -> tuple[str, Secret]:
    return await onetime.mint("handover", OWNER, {"kind": "key"}, PAYLOAD, lifetime, "admin")


async def refused(onetime: OneTime, token: Secret, purpose: str | None = "handover") -> str:
    with pytest.raises(Fault) as caught:
        await onetime.redeem(token, purpose, "1.2.3.4")
    assert Code.UNAUTHORIZED is caught.value.code
    return caught.value.message


async def test_it_hands_over_once_what_was_sealed(onetime: OneTime) -> None:
    made, token = await minted(onetime)
    redeemed = await onetime.redeem(token, "handover", "1.2.3.4")
    assert (PAYLOAD, OWNER, made, {"kind": "key"}) == (redeemed.payload, redeemed.owner, redeemed.id, redeemed.detail)
    await refused(onetime, token)


async def test_of_50_at_once_one_wins(onetime: OneTime) -> None:
    _, token = await minted(onetime)
    results = await asyncio.gather(*(onetime.redeem(token, None, str(n)) for n in range(50)), return_exceptions=True)
    won = [result for result in results if not isinstance(result, BaseException)]
    assert [PAYLOAD] == [result.payload for result in won]
    assert all(isinstance(result, Fault) and result.code is Code.UNAUTHORIZED for result in results if result not in won)


async def test_the_store_alone_opens_nothing_and_forgets_what_was_used(onetime: OneTime, store: Store) -> None:
    _, token = await minted(onetime)
    text = token.reveal()
    row = (await store.read(lambda connection: connection.execute(select(one_time_tokens)).all()))[0]
    kept = repr(tuple(row)).encode() + row.sealed
    for part in (text.encode(), text[4:].encode(), PAYLOAD, base64.b64encode(PAYLOAD), PAYLOAD.hex().encode()):
        assert part not in kept
    await onetime.redeem(token, None, "1.2.3.4")
    row = (await store.read(lambda connection: connection.execute(select(one_time_tokens)).all()))[0]
    assert (b"", "1.2.3.4") == (row.sealed, row.used_by)


@pytest.mark.parametrize("column", ["id", "purpose", "owner", "detail", "created_by", "expires", "sealed"])
async def test_a_row_that_was_changed_opens_nothing(onetime: OneTime, store: Store, column: str) -> None:
    _, token = await minted(onetime)
    values = {
        "id": "iv" + "1" * 24,
        "purpose": "invitation",
        "owner": "w" + "1" * 24,
        "detail": b'{"kind":"signin"}',
        "created_by": "w" + "1" * 24,
        "expires": time.time() + 6000,
        "sealed": bytes(60),
    }
    await store.write(lambda connection: connection.execute(update(one_time_tokens).values({column: values[column]})))
    await refused(onetime, token, None)


async def test_a_row_under_another_tokens_name_opens_nothing(onetime: OneTime, store: Store) -> None:
    """Whoever can write the store puts the seal of a token of their own into the row of another's."""
    await minted(onetime)
    other, theirs = await minted(onetime)
    table = one_time_tokens.c

    def swap(connection: Connection) -> None:
        sealed = connection.scalar(select(table.sealed).where(table.id != other))
        connection.execute(update(one_time_tokens).where(table.id == other).values(sealed=sealed))

    await store.write(swap)
    await refused(onetime, theirs)


async def test_whatever_is_wrong_the_answer_is_the_same(onetime: OneTime) -> None:
    _, used = await minted(onetime)
    await onetime.redeem(used, None, "")
    revoked_id, revoked = await minted(onetime)
    await onetime.revoke(revoked_id, OWNER)
    _, expired = await minted(onetime, lifetime=-1)
    _, elsewhere = await minted(onetime)
    flipped = Secret(elsewhere.reveal()[:-1] + ("0" if elsewhere.reveal()[-1] != "0" else "1"))
    told = {await refused(onetime, token) for token in (used, revoked, expired, flipped, Secret(""), Secret("é" * 10_000))}
    told.add(await refused(onetime, elsewhere, "invitation"))
    assert 1 == len(told)
    assert PAYLOAD == (await onetime.redeem(elsewhere, "handover", "")).payload  # the wrong door did not use it up


async def test_it_ends_at_its_time_by_the_clock(onetime: OneTime, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = await minted(onetime, lifetime=60)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    await refused(onetime, token)
    monkeypatch.setattr(time, "time", lambda: now + 50)  # what the clock takes back does not come back: it was wiped
    await refused(onetime, token)


async def test_what_has_expired_is_wiped_and_then_forgotten(
    onetime: OneTime, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await minted(onetime, lifetime=60)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    await onetime.purge()
    sealed = select(one_time_tokens.c.sealed)
    assert [b""] == await store.read(lambda connection: list(connection.scalars(sealed)))
    monkeypatch.setattr(time, "time", lambda: now + 61 + KEPT)
    await onetime.purge()
    assert [] == await store.read(lambda connection: list(connection.scalars(sealed)))


async def test_a_list_has_what_can_still_be_used_newest_first(onetime: OneTime) -> None:
    made = [(await minted(onetime))[0] for _ in range(5)]
    await onetime.revoke(made[0], OWNER)
    await onetime.mint("invitation", OWNER, {}, b"", 60, "admin")
    first = await onetime.page(OWNER, "handover", limit=3)
    rest = await onetime.page(OWNER, "handover", (first[-1].created, first[-1].id))
    assert made[:0:-1] == [pending.id for pending in (*first, *rest)]
    assert [] == await onetime.page("w" + "1" * 24, "handover")


async def test_nobody_revokes_what_is_not_theirs(onetime: OneTime) -> None:
    made, token = await minted(onetime)
    with pytest.raises(Fault) as caught:
        await onetime.revoke(made, "w" + "1" * 24)
    assert Code.NOT_FOUND is caught.value.code
    await onetime.redeem(token, None, "")
    with pytest.raises(Fault) as caught:
        await onetime.revoke(made, OWNER)
    assert Code.NOT_FOUND is caught.value.code
