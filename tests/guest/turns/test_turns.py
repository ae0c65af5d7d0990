import itertools
from pathlib import Path

import msgspec

from shared import guestwire as wire
from shared import turns
from shared.errors import Code
from shared.ids import new_attachment_id, new_session_id, new_turn_id, new_worktree_id
from shared.turns import StopReason, TurnEnded, TurnStarted, TurnStatus
from tests.guest.conftest import MakeWorker
from tests.guest.work import Worker, refused


async def worktree(worker: Worker, session: str) -> str:
    made = new_worktree_id()
    await worker.call(wire.sessions.CreateWorktree(session=session, worktree=made, name="w"))
    return made


async def test_a_prompt_becomes_a_turn_whose_events_are_in_the_log_and_told(worker: Worker) -> None:
    session = await worker.made()
    watcher = await worker.client()
    await watcher.call(wire.watch.Watch())
    info = await worker.prompt(session, "think hm", "say one", "tool read File", "say two")
    assert (TurnStatus.RUNNING, 1, "fake", None) == (info.status, info.first, info.agent, info.ended)
    follower = await worker.follow(session)
    ended = await follower.end(info)
    assert TurnEnded(TurnStatus.COMPLETED, StopReason.END_TURN) == ended
    assert "onetwo" == follower.said()
    kinds = [kind.__name__ for kind, _ in itertools.groupby(type(event.body) for event in follower.seen)]
    assert ["TurnStarted", "AgentState", "Thought", "Message", "ToolCall", "Message", "TurnEnded"] == kinds
    assert follower.seen == await worker.events(session)
    over = await worker.get(info)
    assert (TurnStatus.COMPLETED, StopReason.END_TURN, "think hm\nsay one") == (
        over.status,
        over.stop_reason,
        over.excerpt[:16],
    )
    told = [(await watcher.expect(wire.watch.TurnChanged)).turn.status for _ in range(2)]
    assert [TurnStatus.RUNNING, TurnStatus.COMPLETED] == told
    for name in ("events.jsonl", "turns.jsonl"):
        assert 0o600 == (worker.sessions / session / name).stat().st_mode & 0o777


async def test_the_same_turn_twice_is_the_same_turn(worker: Worker) -> None:
    session = await worker.made()
    turn = new_turn_id()
    first, second = await worker.prompt(session, "delay 100", turn=turn), await worker.prompt(session, "delay 100", turn=turn)
    assert first.first == second.first
    await worker.call(wire.turns.CancelTurn(session=session, turn=turn))
    await (await worker.follow(session)).end(first)
    assert TurnStatus.CANCELLED == (await worker.prompt(session, "delay 100", turn=turn)).status
    assert 1 == sum(isinstance(event.body, TurnStarted) for event in await worker.events(session))
    running = await worker.prompt(session, "delay 100")
    await refused(worker.prompt(await worker.made(), "x", turn=running.turn), Code.CONFLICT, "another session")


async def test_agents_and_worktrees_of_a_session_run_side_by_side(worker: Worker, bare: Path) -> None:
    session = (await worker.session(repo_url=f"file://{bare}")).session
    await worker.settled(session)
    tree = await worktree(worker, session)
    infos = [
        await worker.prompt(session, "cwd", "delay 100", agent=agent, worktree=place)
        for agent in ("fake", "other")
        for place in (None, tree)
    ]
    for info in infos:
        again = worker.prompt(session, "x", agent=info.agent, worktree=info.worktree)
        await refused(again, Code.CONFLICT, info.turn)
    follower = await worker.follow(session)
    for _ in infos:
        await follower.until(turns.Message)
    clone, place = worker.sessions / session / "repo", worker.sessions / session / "worktrees" / tree
    assert [str(clone), str(place)] * 2 == [follower.said(info.turn) for info in infos]
    listed = (await worker.call(wire.turns.ListConversations(session=session))).items
    assert sorted((i.agent, i.worktree or "", i.turn) for i in infos) == sorted(
        (c.agent, c.worktree or "", c.turn) for c in listed
    )
    assert all(conversation.running and conversation.native for conversation in listed)
    # Its turns are like changes of the worktree.
    await refused(worker.call(wire.sessions.RemoveWorktree(session=session, worktree=tree)), Code.CONFLICT, "a turn is running")
    await worker.call(wire.sessions.RemoveWorktree(session=session, worktree=tree, force=True))
    statuses = {info.worktree: (await worker.get(info)).status for info in infos}
    assert {None: TurnStatus.RUNNING, tree: TurnStatus.FAILED} == statuses


async def test_turns_at_once_are_limited(make_worker: MakeWorker) -> None:
    worker = make_worker(registry={"turns": 2})
    sessions = [await worker.made() for _ in range(3)]
    infos = [await worker.prompt(session, "delay 100") for session in sessions[:2]]
    await refused(worker.prompt(sessions[2], "x"), Code.LIMIT, "2 turns run")
    await worker.call(wire.turns.CancelTurn(session=sessions[0], turn=infos[0].turn))
    await (await worker.follow(sessions[0])).end(infos[0])
    assert TurnStatus.COMPLETED == (await worker.done(sessions[2], "say x")).status


async def test_what_is_not_there_cannot_be_used(make_worker: MakeWorker) -> None:
    missing = {"title": "Missing", "command": ["/nonexistent/agent"]}
    worker = make_worker(agents={"missing": missing})
    session = await worker.made()
    await refused(worker.prompt(session, "x", agent="nobody"), Code.NOT_FOUND, "no agent `nobody`")
    await refused(worker.prompt(session, "x", agent="missing"), Code.NOT_READY, "not installed")
    await refused(worker.prompt(session, "x", worktree=new_worktree_id()), Code.NOT_FOUND, "worktree")
    await refused(worker.prompt(session, "x", attachments=[new_attachment_id()]), Code.NOT_FOUND)
    await refused(worker.prompt(new_session_id(), "x"), Code.NOT_FOUND, "session")
    for request in (
        wire.turns.GetTurn(session=session, turn=new_turn_id()),
        wire.turns.CancelTurn(session=session, turn=new_turn_id()),
        wire.turns.ListTurns(session=session, before=new_turn_id()),
        wire.turns.ListEvents(session=new_session_id()),
        wire.turns.FollowEvents(session=new_session_id()),
        wire.turns.ConfigureConversation(session=session, agent="nobody", mode="x"),
    ):
        await refused(worker.call(request), Code.NOT_FOUND)
    await refused(worker.call(wire.turns.ConfigureConversation(session=session, agent="fake")), Code.BAD_REQUEST)
    assert [] == await worker.events(session)
    agents = {info.agent: info.installed for info in (await worker.call(wire.turns.ListAgents())).items}
    assert {"fake": True, "other": True, "missing": False} == agents


async def test_modes_and_models_are_chosen_and_outlive_the_process(worker: Worker) -> None:
    session = await worker.made()
    configure = wire.turns.ConfigureConversation
    state = (await worker.call(configure(session=session, agent="fake", mode="code"))).state
    assert ("code", "small") == (state.mode, state.model)
    await worker.done(session, "say x", model="large")
    await refused(worker.call(configure(session=session, agent="fake", mode="nonsense")), Code.BAD_REQUEST)
    failed = await worker.done(session, "say x", model="nonsense")
    assert TurnStatus.FAILED == failed.status
    await worker.done(session, "suicide")
    await worker.done(session, "say x")
    [conversation] = (await worker.call(wire.turns.ListConversations(session=session))).items
    assert ("code", "large") == (conversation.state.mode, conversation.state.model)
    worker.kill()
    worker.again()
    await worker.done(session, "say x")
    [conversation] = (await worker.call(wire.turns.ListConversations(session=session))).items
    assert ("code", "large") == (conversation.state.mode, conversation.state.model)


async def test_turns_are_listed_by_pages(worker: Worker) -> None:
    session = await worker.made()
    made = [(await worker.done(session, f"say {i}")).turn for i in range(7)][::-1]
    seen, before = [], None
    while True:
        page = await worker.call(wire.turns.ListTurns(session=session, before=before, limit=3))
        seen += [info.turn for info in page.items]
        if not (before := page.next):
            break
    assert made == seen


async def test_a_list_of_long_turns_fits_a_frame(worker: Worker) -> None:
    session = await worker.made()
    worker.kill()
    info = turns.TurnInfo(
        turn=new_turn_id(), session=session, agent="fake", worktree=None, status=TurnStatus.FAILED, excerpt="𝄞" * 500,
        started="2026-01-01T00:00:00.000Z", first=1, ended="2026-01-01T00:00:00.000Z", error="𝄞" * 2000, stderr="𝄞" * 4000,
    )  # fmt: skip
    with (worker.sessions / session / "turns.jsonl").open("wb") as file:
        for _ in range(1200):
            file.write(msgspec.json.encode(msgspec.structs.replace(info, turn=new_turn_id())) + b"\n")
    worker.again()
    seen, before = 0, None
    while True:
        page = await worker.call(wire.turns.ListTurns(session=session, before=before, limit=500))
        seen += len(page.items)
        if not (before := page.next):
            break
    assert 0 < seen <= 1000


async def test_prompts_at_their_longest(worker: Worker) -> None:
    session = await worker.made()
    info = await worker.done(session, "語" * turns.PROMPT_MAX)
    assert TurnStatus.COMPLETED == info.status
    await refused(worker.prompt(session, "\x01" * turns.PROMPT_MAX), Code.TOO_LARGE)
    client = await worker.client()
    await client.link.send(wire.turns.Prompt(id=1, turn=new_turn_id(), session=session, text="x" * (turns.PROMPT_MAX + 1)))
    assert Code.BAD_REQUEST == (await client.expect_failure()).code
    assert 1 == len((await worker.call(wire.turns.ListTurns(session=session))).items)
