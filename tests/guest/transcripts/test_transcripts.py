"""Transcripts are found, read and priced, whichever agent left them; by the real child process over real frames."""

import asyncio
import json
import os
import select
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from guest.pricing import cost
from shared.errors import Code, Fault
from shared.ids import new_session_id, new_worktree_id
from shared.transcripts import PART_MAX, Entry, EntryRole
from shared.turns import Usage
from tests.agents.transcripts.collection import DEADLINE, Library
from tests.agents.transcripts.homes import PLACES, leave, text


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    made = Library(tmp_path)
    yield made
    await made.transcripts.close()


def shape(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.role, entry.text or f"{entry.name} {entry.input} -> {entry.output}") for entry in entries]


async def test_claude_is_read(library: Library) -> None:
    leave(library.home, "claude")
    info, entries = await library.only()
    assert [
        ("user", "List the\nfiles, please"),
        ("thinking", "ls will do"),
        ("assistant", "I look."),
        ("tool", 'Bash {"command":"ls"} -> README\n[image]'),
        ("assistant", "a subagent's words"),
        ("assistant", "There is a README."),
        ("assistant", "No response requested."),
    ] == shape(entries)
    assert ("claude", "11111111-2222-4333-8444-555555555555", "List the files, please", "/work") == (
        info.agent,
        info.native,
        info.title,
        info.cwd,
    )
    assert ("2026-11-01T10:00:01.000Z", "2026-11-01T10:00:05.000Z") == (info.started, info.updated)
    assert [False, False, False, False, True, False, False] == [entry.sidechain for entry in entries]


async def test_an_answer_in_several_records_is_counted_and_priced_once(library: Library) -> None:
    leave(library.home, "claude")
    info, entries = await library.only()
    assert (3, 0, ["claude-sonnet-4-5"]) == (info.answers, info.unpriced, info.models)
    first = Usage(input=1500, output=50, cache_read=400, cache_write=100)
    assert (2710, 75, 400, 100) == (info.usage.input, info.usage.output, info.usage.cache_read, info.usage.cache_write)
    # Only the last of the answer's three entries has its usage.
    assert [4, 5, 6] == [entry.seq for entry in entries if entry.usage]
    usage = entries[3].usage
    assert usage is not None
    assert (
        cost(first, "claude-sonnet-4-5", provider="anthropic")
        == usage.cost
        == pytest.approx(0.000400 * 0.3 + 0.000375 + 0.003 + 0.00075)
    )
    assert info.usage.cost == pytest.approx(sum(cast("float", entry.usage.cost) for entry in entries if entry.usage))


async def test_codex_is_read(library: Library) -> None:
    leave(library.home, "codex")
    info, entries = await library.only()
    assert [
        ("user", "<b>run</b> it"),
        ("thinking", "I run it"),
        ("tool", 'exec_command {"cmd": "false"} -> exited with 1'),
        ("assistant", "It failed."),
    ] == shape(entries)
    assert entries[2].error
    assert ("01a20295-0000-7000-8000-000000000001", "/work", ["gpt-5.5"]) == (info.native, info.cwd, info.models)
    assert (2, 4100, 2500, 50) == (info.answers, info.usage.input, info.usage.cache_read, info.usage.output)
    assert info.usage.cost is not None
    assert 0 < info.usage.cost


async def test_gemini_is_read(library: Library) -> None:
    leave(library.home, "gemini")
    info, entries = await library.only()
    assert [
        ("user", "write a file"),
        ("thinking", "Plan\na file"),
        ("assistant", "I write"),
        ("tool", 'write_file {"path":"x"} -> written'),
        ("assistant", "Done"),
    ] == shape(entries)
    assert (1, 2, 1, 1) == (info.user, info.assistant, info.thinking, info.tools)
    assert ("c7113350-0000-4000-8000-000000000001", "/work") == (info.native, info.cwd)
    assert (2, 1900, 38, 100) == (info.answers, info.usage.input, info.usage.output, info.usage.cache_read)


async def test_opencode_is_read(library: Library) -> None:
    leave(library.home, "opencode")
    info, entries = await library.only()
    assert [
        ("user", "say hello"),
        ("thinking", "easy"),
        ("tool", 'bash {"command":"hello"} -> not found'),
        ("assistant", "hello"),
    ] == shape(entries)
    assert entries[2].error
    assert ("ses_1", "/work", "say hello") == (info.native, info.cwd, info.title)
    # It says 0 for a model whose price it does not know: that answer has no known cost.
    assert (2, 1, 0.0042, 1800) == (info.answers, info.unpriced, info.usage.cost, info.usage.input)


async def test_a_database_that_gains_a_part_is_read_again(library: Library) -> None:
    path = leave(library.home, "opencode")
    assert 4 == len((await library.only())[1])
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO part VALUES ('prt_9', 'msg_3', 'ses_1', '{\"type\":\"text\",\"text\":\"again\"}')")
        database.execute("UPDATE session SET time_updated = time_updated + 1")
    database.close()
    assert 2 == (await library.events.next()).assistant
    assert "again" == (await library.only())[1][-1].text
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM session")
    database.close()
    async with asyncio.timeout(DEADLINE):
        while await library.all():
            await asyncio.sleep(0.02)


async def test_a_transcript_belongs_to_the_session_in_whose_folder_the_agent_worked(library: Library) -> None:
    session, worktree = new_session_id(), new_worktree_id()
    sessions = library.home / "vibecoder_workspace" / "sessions"
    for agent, cwd in {
        "claude": f"{sessions}/{session}/repo/deep",
        "codex": f"{sessions}/{session}/worktrees/{worktree}",
        "gemini": f"{sessions}/{session}",
        "opencode": f"{sessions}/nothing",
    }.items():
        leave(library.home, agent, cwd)
    found = {info.agent: (info.session, info.worktree) for info in await library.all()}
    assert {
        "claude": (session, None),
        "codex": (session, worktree),
        "gemini": (session, None),
        "opencode": (None, None),
    } == found
    assert ["gemini", "codex", "claude"] == [info.agent for info in await library.all(session=session)]
    assert ["codex"] == [info.agent for info in await library.all(agent="codex")]
    assert [] == await library.all(agent="codex", session=new_session_id())


async def test_a_list_is_paged_without_a_gap_while_transcripts_grow(library: Library) -> None:
    folder = library.home / ".claude/projects/-work"
    folder.mkdir(parents=True)
    for number in range(25):
        record = {"type": "user", "timestamp": f"2026-11-01T10:00:{number:02}.000Z", "message": {"content": f"number {number}"}}
        (folder / f"{number}.jsonl").write_text(json.dumps(record) + "\n")
    titles, after = [], None
    while True:
        page = await library.page(limit=10, after=after)
        titles += [info.title for info in page.items]
        with (folder / "3.jsonl").open("a") as file:
            file.write('{"type":"user","timestamp":"2026-11-02T00:00:00Z","message":{"content":"more"}}\n')
        if (after := page.next) is None:
            break
    assert [f"number {number}" for number in reversed(range(25))] == titles


async def test_pages_of_entries_join_without_a_gap(library: Library) -> None:
    leave(library.home, "claude")
    info, entries = await library.only()
    joined: list[Entry] = []
    after: int | None = 0
    while after is not None:
        page = await library.get(info.transcript, after, 2)
        assert len(page.entries) <= 2
        joined += page.entries
        after = page.next
    assert entries == joined
    assert [] == (await library.get(info.transcript, 100)).entries


async def test_what_a_transcript_gains_is_told_and_read(library: Library) -> None:
    path = leave(library.home, "claude")
    before, _ = await library.only()
    line = {"type": "user", "timestamp": "2026-11-05T00:00:00.000Z", "message": {"content": "later"}}
    with path.open("a") as file:
        file.write(json.dumps(line)[:20])
        file.flush()
        assert (before.user, before.skipped) == ((info := await library.events.next()).user, info.skipped)
        file.write(json.dumps(line)[20:] + "\n")
    after = await library.events.next()
    assert (before.transcript, before.user + 1, "2026-11-05T00:00:00.000Z") == (after.transcript, after.user, after.updated)
    assert "later" == (await library.only())[1][-1].text


async def test_a_transcript_in_a_new_folder_is_told(library: Library) -> None:
    assert [] == await library.all()
    for agent in PLACES:
        leave(library.home, agent)
        async with asyncio.timeout(DEADLINE):
            while (await library.events.next()).agent != agent:
                pass
    assert {*PLACES} == {info.agent for info in await library.all()}


async def test_what_is_removed_is_no_longer_there(library: Library) -> None:
    path = leave(library.home, "claude")
    info, _ = await library.only()
    path.unlink()
    with pytest.raises(Fault) as caught:
        await library.get(info.transcript)
    assert Code.NOT_FOUND == caught.value.code
    assert [] == await library.all()


async def test_a_subagents_file_is_a_transcript_of_its_own(library: Library) -> None:
    path = leave(library.home, "claude")
    inner = path.with_suffix("") / "subagents"
    inner.mkdir(parents=True)
    (inner / "agent-1.jsonl").write_text(text("claude"))
    assert {("agent-1", True), (path.stem, False)} == {(info.native, info.subagent) for info in await library.all()}


async def test_a_cost_that_the_agent_states_is_preferred(library: Library) -> None:
    path = leave(library.home, "claude")
    with path.open("a") as file:
        file.write('{"type":"cost-state","totalCostUSD":0.5,"hasUnknownModelCost":false}\n')
    info, _ = await library.only()
    assert (0.5, True, 0) == (info.usage.cost, info.stated, info.unpriced)
    with path.open("a") as file:
        for line in text("claude").splitlines():
            if '"msg_3"' in line:
                file.write(line.replace("msg_3", "msg_4") + "\n")
    later, _ = await library.only()
    price = cost(Usage(input=1200, output=20), "claude-sonnet-4-5", provider="anthropic")
    assert price is not None
    assert later.usage.cost == pytest.approx(0.5 + price)
    with path.open("a") as file:
        file.write('{"type":"cost-state","totalCostUSD":0.7,"hasUnknownModelCost":true}\n')
    assert later.usage.cost == (await library.only())[0].usage.cost


async def test_a_process_that_states_its_own_answers_alone_does_not_make_the_whole_cheaper(library: Library) -> None:
    path = leave(library.home, "claude")
    before, _ = await library.only()
    assert before.usage.cost
    with path.open("a") as file:
        file.write(
            json.dumps({"type": "cost-state", "totalCostUSD": before.usage.cost / 2, "hasUnknownModelCost": False}) + "\n"
        )
    assert before.usage.cost == pytest.approx((await library.only())[0].usage.cost)


async def test_an_unknown_model_has_no_cost_rather_than_none_to_pay(library: Library) -> None:
    path = leave(library.home, "claude")
    path.write_text(text("claude").replace("claude-sonnet-4-5", "claude-of-tomorrow"))
    info, entries = await library.only()
    assert (None, 3, 3) == (info.usage.cost, info.answers, info.unpriced)
    assert [None, None, None] == [entry.usage.cost for entry in entries if entry.usage]


async def test_a_long_text_becomes_several_entries_and_a_long_input_is_cut(library: Library) -> None:
    path = leave(library.home, "claude")
    said = "ä" * (PART_MAX + 1)
    blocks = [{"type": "text", "text": said}, {"type": "tool_use", "id": "t", "name": "Write", "input": {"x": "y" * 70_000}}]
    path.write_text(json.dumps({"type": "assistant", "message": {"content": blocks}}) + "\n")
    _, entries = await library.only()
    assert [EntryRole.ASSISTANT, EntryRole.ASSISTANT, EntryRole.TOOL] == [entry.role for entry in entries]
    assert said == entries[0].text + entries[1].text
    assert [False, False, True] == [entry.truncated for entry in entries]


async def test_the_index_is_kept_and_a_damaged_one_made_anew(tmp_path: Path) -> None:
    leave(tmp_path, "claude")
    index = tmp_path / ".hostel" / "transcripts.idx"
    first = Library(tmp_path)
    (known,) = await first.all()
    await first.transcripts.close()
    assert 0o600 == index.stat().st_mode & 0o777
    for damage in (lambda raw: raw, lambda raw: raw[: len(raw) // 2], lambda _: b"\xff" * 100, lambda _: b""):
        index.write_bytes(damage(index.read_bytes()))
        again = Library(tmp_path)
        assert [known] == await again.all()
        await again.transcripts.close()


async def test_a_kept_index_is_not_read_anew(tmp_path: Path) -> None:
    path = leave(tmp_path, "claude")
    first = Library(tmp_path)
    (known,) = await first.all()
    await first.transcripts.close()
    status = path.stat()
    changed = path.read_text().replace("List the", "Show the")
    path.write_text(changed)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = Library(tmp_path)
    assert [known.title] == [info.title for info in await again.all()]
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    async with asyncio.timeout(DEADLINE):
        while (await again.all())[0].title == known.title:
            os.utime(path)
            (await again.get(known.transcript)).transcript.title  # noqa: B018  # it looks again
    await again.transcripts.close()


async def test_the_child_ends_when_nobody_asks_and_stays_while_somebody_watches(tmp_path: Path) -> None:
    library = Library(tmp_path, idle=0.2)
    library.events.somebody = True
    await library.all()
    running = library.transcripts._running
    assert running is not None
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(running._process.wait(), 0.6)
    library.events.somebody = False
    assert 0 == await asyncio.wait_for(running._process.wait(), DEADLINE)
    assert [] == await library.all()
    assert running is not library.transcripts._running
    await library.transcripts.close()


def _kill(pid: int) -> None:
    """End it, and wait for that without a turn of the loop."""
    handle = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([handle], [], [], DEADLINE)
    os.close(handle)


async def test_a_child_that_was_killed_is_started_again(library: Library) -> None:
    """Also when its end is seen by who asks first."""
    leave(library.home, "claude")
    await library.all()
    _kill(library.pid)
    with pytest.raises(Fault) as raised:
        await library.all()
    assert Code.UNAVAILABLE == raised.value.code
    assert 1 == len(await library.all())
