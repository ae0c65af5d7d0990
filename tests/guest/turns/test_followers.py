import json
import os

from shared import guestwire as wire
from shared import turns
from shared.errors import Code
from shared.turns import TurnEnded, TurnStatus
from tests.guest.conftest import MakeWorker
from tests.guest.work import Worker, refused


async def test_a_follower_carries_nothing_else_and_begins_within_the_log(worker: Worker) -> None:
    session = await worker.made()
    await worker.done(session, "say x")
    client = await worker.client()
    await refused(client.call(wire.turns.FollowEvents(session=session, after=1000)), Code.BAD_REQUEST, "events, not 1000")
    follower = await worker.follow(session, 2)
    await follower.until(TurnEnded)
    await follower.link.send(wire.sessions.Ping(id=9))
    assert Code.BAD_REQUEST == (await follower.failure()).code
    assert await follower.receive() is None


async def test_one_who_does_not_read_holds_nobody_up(worker: Worker) -> None:
    session = await worker.made()
    slow, quick = await worker.follow(session), await worker.follow(session)
    await worker.done(session, "say warm")
    before = worker.memory()
    info = await worker.prompt(session, "count 20000")
    await quick.end(info)
    assert worker.memory() - before < 10_000_000
    await slow.end(info)
    assert quick.seen == slow.seen
    assert "".join(f"{i} " for i in range(1, 20_001)) == slow.said(info.turn)


async def test_what_a_tenant_does_to_the_log_ends_followers_and_not_the_turn(worker: Worker) -> None:
    session = await worker.made()
    go = worker.home / "go"
    info = await worker.prompt(session, "say x", f"wait {go}", "say y")
    follower = await worker.follow(session)
    await follower.until(turns.Message)
    os.truncate(worker.sessions / session / "events.jsonl", 0)
    go.touch()
    assert Code.CONFLICT == (await follower.failure()).code
    again = await worker.follow(session)
    assert TurnStatus.COMPLETED == (await again.end(info)).status
    assert "y" == again.said()


async def test_50_turns_at_once_lose_double_and_mix_nothing(make_worker: MakeWorker) -> None:
    worker = make_worker(registry={"turns": 50})
    sessions = [await worker.made() for _ in range(25)]
    followers = [await worker.follow(session) for session in sessions]
    infos = [await worker.prompt(session, "count 300", agent=agent) for session in sessions for agent in ("fake", "other")]
    await refused(worker.prompt(await worker.made(), "x"), Code.LIMIT)
    expected = "".join(f"{i} " for i in range(1, 301))
    for follower, session in zip(followers, sessions, strict=True):
        mine = [info for info in infos if info.session == session]
        ended: set[str | None] = set()
        while len(ended) < 2:
            event = await follower.step()
            assert event.turn not in ended
            if isinstance(event.body, TurnEnded):
                assert TurnStatus.COMPLETED == event.body.status
                ended.add(event.turn)
        assert [expected, expected] == [follower.said(info.turn) for info in mine]
        assert follower.seen == await worker.events(session)
        lines = (worker.sessions / session / "events.jsonl").read_text().splitlines()
        assert list(range(1, follower.seq + 1)) == [json.loads(line)["seq"] for line in lines]
