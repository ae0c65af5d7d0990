"""The home is followed: by inotify, and where that does not suffice by looking again."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from guest.transcripts import tail
from guest.transcripts.index import Index
from guest.transcripts.tail import Tail
from shared.guestwire.sessions import Ping
from shared.guestwire.transcripts import ListTranscripts, Transcripts
from shared.guestwire.watch import TranscriptChanged, Watch
from tests.agents.transcripts.collection import DEADLINE, Library
from tests.agents.transcripts.homes import leave, text
from tests.guest.harness import Guest

GOOD = '{"type":"user","message":{"content":"fine"}}\n'


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    made = Library(tmp_path)
    yield made
    await made.transcripts.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_folder_that_is_moved_removed_and_made_again_is_followed(library: Library) -> None:
    projects = library.home / ".claude" / "projects"
    one = projects / "-one"
    one.mkdir(parents=True)
    (one / "x.jsonl").write_text(GOOD)
    (first,) = await library.all()
    one.rename(projects / "-two")

    async def moved() -> bool:
        return [first.transcript] != [info.transcript for info in await library.all()] and len(await library.all()) == 1

    await until(moved)
    with (projects / "-two" / "x.jsonl").open("a") as file:
        file.write(GOOD)

    async def grown() -> bool:
        return [2] == [info.user for info in await library.all()]

    await until(grown)
    shutil.rmtree(library.home / ".claude")

    async def gone() -> bool:
        return [] == await library.all()

    await until(gone)
    leave(library.home, "claude")

    async def back() -> bool:
        return 1 == len(await library.all())

    await until(back)


@asynccontextmanager
async def following(home: Path) -> AsyncIterator[Index]:
    """A tail in this process, so that a test can set its limits."""
    index = Index(home, lambda _: None)
    running = asyncio.create_task(Tail(index).run())
    await asyncio.wait_for(index.scanned.wait(), DEADLINE)
    try:
        yield index
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        index.close()


@pytest.mark.parametrize("watches", [0, 1, 3, 4])
async def test_more_folders_than_can_be_watched_are_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watches: int
) -> None:
    monkeypatch.setattr(tail, "WATCHES_MAX", watches)
    monkeypatch.setattr(tail, "_RESCAN", 0.05)
    monkeypatch.setattr(tail, "_SAVE", 0.05)
    path = leave(tmp_path, "claude")
    async with following(tmp_path) as index:
        with path.open("a") as file:
            file.write(GOOD)

        async def grown() -> bool:
            return [2] == [index.known(row).tally.total.user for row in index.ordered()]

        await until(grown)
        (path.parent / "new.jsonl").write_text(GOOD)

        async def found() -> bool:
            return 2 == len(index.ordered())

        await until(found)


async def test_without_inotify_the_home_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise OSError(24, "too many")

    monkeypatch.setattr(tail, "Inotify", refused)
    monkeypatch.setattr(tail, "_RESCAN", 0.05)
    async with following(tmp_path) as index:
        leave(tmp_path, "codex")

        async def found() -> bool:
            return 1 == len(index.ordered())

        await until(found)


async def test_a_guest_lists_and_tells_its_watchers(guest: Guest) -> None:
    client, watcher = await guest.client(), await guest.client()
    await watcher.call(Watch())
    assert [] == (await client.call(ListTranscripts())).items
    leave(guest.home, "codex")
    told = await watcher.expect(TranscriptChanged)
    assert "codex" == told.transcript.agent
    found: Transcripts = await client.call(ListTranscripts())
    assert [told.transcript.transcript] == [info.transcript for info in found.items]


async def test_a_guest_that_is_killed_leaves_no_reader_behind(guest: Guest) -> None:
    client = await guest.client()
    await client.call(ListTranscripts())
    children = Path(f"/proc/{guest.pid}/task/{guest.pid}/children").read_text().split()
    readers = [pid for pid in children if b"guest.transcripts" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert 1 == len(readers)
    guest.kill()

    async def ended() -> bool:
        return not Path(f"/proc/{readers[0]}/fd").exists()

    await until(ended)


async def test_a_guest_answers_others_while_its_home_is_looked_through(guest: Guest) -> None:
    folder = guest.home / ".claude/projects/-work"
    folder.mkdir(parents=True)
    for number in range(3000):
        (folder / f"{number}.jsonl").write_text(text("claude"))
    client, other = await guest.client(), await guest.client()
    listing = asyncio.create_task(client.call(ListTranscripts()))
    waits = []
    while not listing.done():
        began = time.perf_counter()
        await other.call(Ping())
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(0.005)
    await listing
    assert len(waits) > 20
    assert sorted(waits)[int(len(waits) * 0.95)] < 0.02
