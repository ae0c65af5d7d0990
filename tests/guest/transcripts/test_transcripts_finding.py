"""A text is found in transcripts, whichever agent left them; by the real child process over real frames."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from guest.transcripts import finding
from guest.transcripts.finding import Finder
from guest.transcripts.index import Index
from tests.agents.transcripts.collection import Library
from tests.agents.transcripts.homes import PLACES, leave

CLAUDE = ".claude/projects/-work/{:08d}-2222-4333-8444-555555555555.jsonl"


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    made = Library(tmp_path)
    for agent in PLACES:
        leave(tmp_path, agent)
    yield made
    await made.transcripts.close()


async def found(library: Library, text: str, agent: str | None = None) -> set[str]:
    return {info.agent for info in await library.all(text=text, agent=agent)}


@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ("THERE IS A README", {"claude"}),  # what was said
        ("ls will do", {"claude"}),  # what was thought
        ("the files, please", {"claude"}),  # the title
        ("the\nfiles", {"claude"}),  # what JSON writes otherwise
        ("exited with 1", {"codex"}),  # what a tool has answered
        ('{"cmd": "false"}', {"codex"}),  # what it was given
        ("<b>run</b>", {"codex"}),
        ("sessionId", set()),  # what an agent writes for itself
        ("11111111-2222-4333-8444", set()),
        ("nowhere at all", set()),
        ("…", set()),
    ],
)
async def test_what_is_told_is_found_and_what_is_not_told_is_not(library: Library, text: str, agents: set[str]) -> None:
    assert agents == await found(library, text)


@pytest.mark.parametrize("agent", PLACES)
async def test_the_transcripts_of_each_agent_are_looked_into(library: Library, agent: str) -> None:
    listed = next(info for info in await library.all(agent=agent) if not info.subagent)
    words = {entry.text for entry in (await library.get(listed.transcript)).entries if entry.text and entry.role == "assistant"}
    assert words
    for word in words:
        assert agent in await found(library, word[:100].upper())
        assert {agent} == await found(library, word[:100], agent=agent)


async def test_pages_of_a_search_go_on_where_the_last_ended(tmp_path: Path) -> None:
    library = Library(tmp_path)
    leave(tmp_path, "claude")
    line = (tmp_path / PLACES["claude"]).read_text().splitlines()[0]
    for number in range(9):
        path = tmp_path / CLAUDE.format(number)
        said = "odd one" if number % 2 else "even one"
        path.write_text(json.dumps(json.loads(line) | {"type": "user", "message": {"role": "user", "content": said}}) + "\n")
    seen: list[str] = []
    after: str | None = None
    while True:
        page = await library.page(text="odd", limit=3, after=after)
        assert len(page.items) <= 3
        seen += [info.title for info in page.items]
        if (after := page.next) is None:
            break
    assert ["odd one"] * 4 == seen
    await library.transcripts.close()


async def test_what_cannot_be_read_has_no_text(tmp_path: Path) -> None:
    path = leave(tmp_path, "claude")
    index = Index(tmp_path, lambda _: None)
    await index.scan(lambda _: None)
    (row,) = index.ordered()
    finder = Finder(index)
    assert await finder.has(index.known(row), "there is a readme")
    path.write_text("{" * 100_000 + "readme\n")
    assert not await finder.has(index.known(row), "there is a readme")
    path.unlink()
    assert not await finder.has(index.known(row), "there is a readme")
    path.symlink_to("/etc/passwd")
    assert not await finder.has(index.known(row), "root:")
    index.close()


async def test_a_search_that_takes_long_ends_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_BYTES_MAX", 1000)
    path = leave(tmp_path, "claude")
    path.write_text(path.read_text() + json.dumps({"type": "user", "message": {"role": "user", "content": "late"}}) + "\n")
    index = Index(tmp_path, lambda _: None)
    await index.scan(lambda _: None)
    (row,) = index.ordered()
    assert path.stat().st_size > 1000
    assert not await Finder(index).has(index.known(row), "late")
    index.close()
