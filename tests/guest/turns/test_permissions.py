import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from guest.clock import now
from guest.drivers.base import Ask
from guest.events import Events
from guest.turns.journal import Journal
from guest.turns.log import Log
from guest.turns.permissions import WAITING_MAX, Permissions
from shared import guestwire as wire
from shared import turns
from shared.agents import Settings
from shared.errors import Code, Fault
from shared.ids import new_permission_id, new_turn_id
from shared.turns import AnsweredBy, PermissionAnswered, PermissionAsked, TurnStatus
from tests.guest.conftest import MakeWorker
from tests.guest.work import Follower, Worker


async def asking(worker: Worker, *lines: str) -> tuple[Follower, turns.TurnInfo, PermissionAsked]:
    session = await worker.made()
    info = await worker.prompt(session, *(lines or ("ask echo done",)))
    follower = await worker.follow(session)
    return follower, info, await follower.until(PermissionAsked)


def answer(info: turns.TurnInfo, permission: str, option: str | None) -> wire.turns.AnswerPermission:
    return wire.turns.AnswerPermission(session=info.session, permission=permission, option=option)


async def waiting(worker: Worker, info: turns.TurnInfo, *, waiting: bool = True) -> list[turns.PermissionInfo]:
    items: list[turns.PermissionInfo]
    items = (await worker.call(wire.turns.ListPermissions(session=info.session, waiting=waiting))).items
    return items


@pytest.mark.parametrize(
    ("option", "outcome"), [("yes", "allowed"), ("always", "allowed"), ("no", "denied"), ("never", "denied")]
)
async def test_the_agent_goes_on_as_it_was_answered(worker: Worker, option: str, outcome: str) -> None:
    follower, info, asked = await asking(worker)
    assert ("echo done", turns.ToolKind.EXECUTE) == (asked.title, asked.kind)
    assert ["yes", "always", "no", "never"] == [o.id for o in asked.options]
    [listed] = await waiting(worker, info)
    assert (asked.permission, info.turn, asked.deadline, None) == (listed.permission, listed.turn, listed.deadline, listed.by)
    replied = await worker.call(answer(info, asked.permission, option))
    assert (AnsweredBy.USER, option) == (replied.by, replied.option)
    assert PermissionAnswered(asked.permission, AnsweredBy.USER, option) == await follower.until(PermissionAnswered)
    assert TurnStatus.COMPLETED == (await follower.end(info)).status
    assert f"{outcome} by {option}" == follower.said()
    assert [] == await waiting(worker, info)
    assert [(AnsweredBy.USER, option)] == [(p.by, p.option) for p in await waiting(worker, info, waiting=False)]


async def test_a_denial_needs_no_option(worker: Worker) -> None:
    follower, info, asked = await asking(worker)
    await worker.call(answer(info, asked.permission, None))
    await follower.end(info)
    assert follower.said().startswith("denied by")


async def test_of_many_answers_at_once_the_first_counts(worker: Worker) -> None:
    follower, info, asked = await asking(worker)
    clients = [await worker.client() for _ in range(10)]
    requests = [answer(info, asked.permission, option) for option in ("yes", "no") * 5]
    replies: list[Any] = await asyncio.gather(
        *(c.call(r) for c, r in zip(clients, requests, strict=True)), return_exceptions=True
    )
    faults = [reply for reply in replies if isinstance(reply, Fault)]
    assert [Code.CONFLICT] * 9 == [fault.code for fault in faults]
    [won] = [reply for reply in replies if not isinstance(reply, Fault)]
    await follower.end(info)
    assert follower.said().endswith(f" by {won.option}")
    assert 1 == sum(isinstance(event.body, PermissionAnswered) for event in follower.seen)


async def test_wrong_answers_leave_it_waiting(worker: Worker) -> None:
    follower, info, asked = await asking(worker)
    other = await worker.made()
    for request, code in (
        (answer(info, asked.permission, "maybe"), Code.BAD_REQUEST),
        (answer(info, new_permission_id(), "yes"), Code.NOT_FOUND),
        (wire.turns.AnswerPermission(session=other, permission=asked.permission, option="yes"), Code.NOT_FOUND),
    ):
        with pytest.raises(Fault) as caught:
            await worker.call(request)
        assert code == caught.value.code
    assert 1 == len(await waiting(worker, info))
    await worker.call(answer(info, asked.permission, "yes"))
    await follower.end(info)


@pytest.mark.parametrize(("default", "said"), [("deny", "denied by"), ("allow", "allowed by yes")])
async def test_at_its_deadline_the_default_is_taken(make_worker: MakeWorker, default: str, said: str) -> None:
    worker = make_worker(registry={"permission_timeout": 0.3, "permission_default": default})
    follower, info, asked = await asking(worker)
    answered = await follower.until(PermissionAnswered)
    late = datetime.fromisoformat(follower.seen[-1].at) - datetime.fromisoformat(asked.deadline)
    assert -0.1 < late.total_seconds() < 1
    assert AnsweredBy.DEADLINE == answered.by
    await follower.end(info)
    assert follower.said().startswith(said)
    with pytest.raises(Fault) as caught:
        await worker.call(answer(info, asked.permission, "yes"))
    assert Code.CONFLICT == caught.value.code


async def test_a_cancelled_turn_answers_what_still_waits(worker: Worker) -> None:
    follower, info, asked = await asking(worker)
    await worker.call(wire.turns.CancelTurn(session=info.session, turn=info.turn))
    assert PermissionAnswered(asked.permission, AnsweredBy.CANCEL, None) == await follower.until(PermissionAnswered)
    assert TurnStatus.CANCELLED == (await follower.end(info)).status
    with pytest.raises(Fault) as caught:
        await worker.call(answer(info, asked.permission, "yes"))
    assert Code.CONFLICT == caught.value.code


async def test_whoever_watches_is_told(worker: Worker) -> None:
    watcher = await worker.client()
    await watcher.call(wire.watch.Watch())
    _follower, info, asked = await asking(worker)
    told = (await watcher.expect(wire.watch.PermissionChanged)).permission
    assert (asked.permission, None, asked.input) == (told.permission, told.by, told.input)
    await worker.call(answer(info, asked.permission, "no"))
    told = (await watcher.expect(wire.watch.PermissionChanged)).permission
    assert (AnsweredBy.USER, "no") == (told.by, told.option)


async def test_how_they_ended_is_known_to_the_next_guest(worker: Worker) -> None:
    follower, info, asked = await asking(worker)
    await worker.call(answer(info, asked.permission, "yes"))
    await follower.end(info)
    worker.kill()
    worker.again()
    [known] = await waiting(worker, info, waiting=False)
    assert (AnsweredBy.USER, "yes", "echo done") == (known.by, known.option, known.title)


async def test_a_turn_has_so_many_that_wait(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "turns.jsonl", "s" + "0" * 24)
    permissions = Permissions(Log(tmp_path / "events.jsonl", 10**6), journal, Events(), Settings())
    info = turns.TurnInfo(
        turn=new_turn_id(),
        session="s" + "0" * 24,
        agent="fake",
        worktree=None,
        status=TurnStatus.RUNNING,
        excerpt="",
        started=now(),
        first=1,
    )
    ask = Ask(title="rm", kind=turns.ToolKind.EXECUTE, options=[turns.Option("yes", "Yes", turns.OptionKind.ALLOW_ONCE)])
    asks = [asyncio.create_task(permissions.ask(info, ask)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    assert WAITING_MAX == len(permissions.all(waiting=True))
    assert await permissions.ask(info, ask) is None
    permissions.answer(permissions.all(waiting=True)[0].permission, "yes")
    asks[1].cancel()
    await asyncio.wait(asks[:2])
    assert "yes" == asks[0].result()
    permissions.end(info.turn)
    assert [None] * (WAITING_MAX - 2) == await asyncio.gather(*asks[2:])
    assert [AnsweredBy.USER] + [AnsweredBy.CANCEL] * (WAITING_MAX - 1) == [one.by for one in permissions.all(waiting=False)]
    journal.close()
