"""What is in the place of a transcript may be anything: nothing hangs, nothing grows, and the others are still read."""

import asyncio
import json
import os
import socket
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from guest.transcripts.lines import Position, lines
from guest.transcripts.parsed import RECORD_MAX
from shared.errors import Code, Fault
from shared.transcripts import ENTRIES_MAX, PAGE_MAX
from tests.agents.transcripts.collection import DEADLINE, Library
from tests.agents.transcripts.homes import PLACES, leave, text

CALM = 200 * 1024 * 1024
"""Bytes of memory that suffice for anything."""
GOOD = '{"type":"user","message":{"content":"fine"}}\n'


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    made = Library(tmp_path)
    yield made
    assert library_is_sound(made)
    await made.transcripts.close()


def library_is_sound(library: Library) -> bool:
    """The child lives, and never took much."""
    return library.memory() < CALM


def file_of(library: Library, name: str = "x.jsonl") -> Path:
    path = library.home / ".claude/projects/-work" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


async def everything(library: Library) -> None:
    """Return when the home has been looked through."""
    async with asyncio.timeout(120):
        while (await library.page()).indexing:
            pass


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def listener(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        here = Path.cwd()
        os.chdir(path.parent)
        sock.bind(path.name)
        os.chdir(here)


@pytest.mark.parametrize("make", [fifo, link, listener, Path.mkdir], ids=lambda make: make.__name__)
@pytest.mark.parametrize("agent", PLACES)
async def test_what_is_no_plain_file_is_no_transcript(library: Library, agent: str, make: Callable[[Path], None]) -> None:
    path = library.home / PLACES[agent]
    path.parent.mkdir(parents=True)
    make(path)
    file_of(library).write_text(GOOD)
    assert ["x"] == [info.native for info in await asyncio.wait_for(library.all(), DEADLINE)]


async def test_no_link_is_followed_on_the_way(library: Library, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for agent in PLACES:
        leave(elsewhere, agent)
    for name in (".claude", ".codex", ".gemini"):
        (library.home / name).symlink_to(elsewhere / name)
    (library.home / ".local").mkdir()
    (library.home / ".local" / "share").symlink_to(elsewhere / ".local" / "share")
    assert [] == await library.all()


@pytest.mark.parametrize("make", [fifo, link], ids=lambda make: make.__name__)
async def test_a_transcript_that_is_replaced_after_it_was_listed_is_gone(
    library: Library, make: Callable[[Path], None]
) -> None:
    path = file_of(library)
    path.write_text(GOOD)
    info, _ = await library.only()
    path.unlink()
    make(path)
    with pytest.raises(Fault) as caught:
        await asyncio.wait_for(library.get(info.transcript), DEADLINE)
    assert Code.NOT_FOUND == caught.value.code


@pytest.mark.parametrize(
    "line",
    [
        b"\x00\xff\xfe garbage \x80",
        b"[" * 100_000,
        b'{"type":"user","message":' + b'{"content":' * 50_000,
        b'{"type":"user","message":{"content":[{"type":"text","text":{}}]}}',
        b'{"type":"assistant","message":{"content":"x","model":"m","usage":{"input_tokens":-1}}}',
        b'{"type":"assistant","message":{"content":"x","model":"m","usage":{"input_tokens":1e400}}}',
        b'{"type":"cost-state","totalCostUSD":"much"}',
        b'"text"',
        b"{",
    ],
    ids=range(9),
)
async def test_a_damaged_line_is_skipped_and_counted(library: Library, line: bytes) -> None:
    file_of(library).write_bytes(GOOD.encode() + line + b"\n\n" + GOOD.encode())
    info, entries = await library.only()
    assert (2, 1) == (info.user, info.skipped)
    assert ["fine", "fine"] == [entry.text for entry in entries]


async def test_half_a_pair_of_surrogates_does_not_damage_a_line(library: Library) -> None:
    file_of(library).write_text('{"type":"user","message":{"content":"a\\ud83d b \\ud83d\\ude00"}}\n')
    info, entries = await library.only()
    assert (0, ["a\ufffd b \U0001f600"]) == (info.skipped, [entry.text for entry in entries])


async def test_a_line_of_a_hundred_megabytes_is_skipped_in_little_memory(library: Library) -> None:
    with file_of(library).open("wb") as file:
        file.write(GOOD.encode())
        for _ in range(100):
            file.write(b"x" * 1024 * 1024)
        file.write(b"\n" + GOOD.encode())
    info, entries = await library.only()
    assert (2, 1, 2) == (info.user, info.skipped, len(entries))


async def test_a_file_of_a_gigabyte_without_a_line_is_nothing(library: Library) -> None:
    path = file_of(library)
    path.touch()
    os.truncate(path, 1024**3)
    file_of(library, "other.jsonl").write_text(GOOD)
    assert {"x": 1, "other": 0} == {info.native: info.skipped for info in await library.all()}


async def test_the_longest_line_is_read_and_one_byte_more_is_not(library: Library) -> None:
    frame = '{"type":"user","message":{"content":[{"type":"other","text":"%s"}]}}'
    longest = (frame % "").replace("%", "")
    for extra in (0, 1):
        filler = "x" * (RECORD_MAX - len(longest) + extra)
        file_of(library, f"{extra}.jsonl").write_text((frame % filler) + "\n" + GOOD)
    assert {"0": 0, "1": 1} == {info.native: info.skipped for info in await library.all()}


async def test_the_most_entries_are_read_and_that_there_are_more_is_said(library: Library) -> None:
    for extra in (0, 1):
        file_of(library, f"{extra}.jsonl").write_text(GOOD * (ENTRIES_MAX + extra))
    await everything(library)
    ends = {}
    for info in await library.all():
        page = await library.get(info.transcript, ENTRIES_MAX - 1, PAGE_MAX)
        ends[info.native] = (len(page.entries), page.entries[0].seq, page.next, page.complete)
        assert ENTRIES_MAX <= page.transcript.user
    assert {"0": (1, ENTRIES_MAX, None, True), "1": (1, ENTRIES_MAX, None, False)} == ends


async def test_a_page_fits_a_frame_whatever_is_in_it(library: Library) -> None:
    words = json.dumps({"type": "user", "message": {"content": "\U0001f600" * 190 * 1024}}, ensure_ascii=False) + "\n"
    file_of(library).write_text(words * 5)
    info, entries = await library.only()
    assert 1 == len(entries)
    assert 5 == info.user
    assert 2 == (await library.get(info.transcript)).next or 1


async def test_a_transcript_that_is_cut_short_is_read_from_its_beginning(library: Library) -> None:
    path = file_of(library)
    path.write_text(GOOD * 100)
    info, entries = await library.only()
    assert 100 == len(entries)
    path.write_text(GOOD.replace("fine", "new!") * 3)
    page = await library.get(info.transcript)
    assert (3, ["new!"] * 3) == (page.transcript.user, [entry.text for entry in page.entries])
    # Longer than before, and another text: not what it gained is read, but all of it.
    path.write_text(GOOD.replace("fine", "else") * 200)
    page = await library.get(info.transcript)
    assert (200, {"else"}) == (page.transcript.user, {entry.text for entry in page.entries})


async def test_a_transcript_that_grows_while_it_is_read_loses_and_doubles_nothing(library: Library) -> None:
    path = file_of(library)
    path.touch()
    total = 20_000

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            for number in range(total):
                line = GOOD.replace("fine", f"number {number}").encode()
                file.write(line[:30])  # half of a line is there for a moment
                file.write(line[30:])

    writer = threading.Thread(target=grow)
    writer.start()
    texts: list[str] = []
    try:
        async with asyncio.timeout(60):
            while len(texts) < total:
                (info,) = await library.all()
                page = await library.get(info.transcript, len(texts))
                texts += [entry.text for entry in page.entries]
    finally:
        writer.join()
    assert [f"number {number}" for number in range(total)] == texts
    (info,) = [(await library.get(info.transcript)).transcript for info in await library.all()]
    assert (total, 0) == (info.user, info.skipped)


async def test_a_transcript_that_is_rewritten_without_end_hangs_nobody(library: Library) -> None:
    path = file_of(library)
    stop = threading.Event()

    def churn() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            kind = number % 4
            path.unlink(missing_ok=True)
            if kind == 0:
                os.mkfifo(path)
            elif kind == 1:
                path.symlink_to("/dev/zero")
            else:
                path.write_text(GOOD * kind)

    writer = threading.Thread(target=churn)
    file_of(library, "calm.jsonl").write_text(GOOD)
    writer.start()
    try:
        for _ in range(200):
            found = await asyncio.wait_for(library.all(), DEADLINE)
            assert "calm" in {info.native for info in found}
            for info in found:
                try:
                    await asyncio.wait_for(library.get(info.transcript), DEADLINE)
                except Fault as fault:
                    assert fault.code in {Code.NOT_FOUND, Code.FAILED}
    finally:
        stop.set()
        writer.join()


def not_a_database(path: Path) -> None:
    path.write_bytes(b"\x00" * 10_000)


def half_a_database(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def scribbled(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xa5" * (len(raw) - 4096)
    path.write_bytes(raw)


def endless(path: Path) -> None:
    """A table's place is taken by a question that never ends."""
    with sqlite3.connect(path) as database:
        database.executescript(
            "ALTER TABLE part RENAME TO old; CREATE VIEW part AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n)"
            " SELECT i AS id, 'msg_2' AS message_id, 'ses_1' AS session_id, '{}' AS data FROM n;"
        )
    database.close()


def wrong_rows(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE part SET data = x'ff00'")
        database.execute("UPDATE message SET data = '['")
        database.execute("INSERT INTO session VALUES (7, 7, 7, 7, 'soon', x'00')")
    database.close()


@pytest.mark.parametrize(
    "spoil", [not_a_database, half_a_database, scribbled, endless, wrong_rows], ids=lambda spoil: spoil.__name__
)
async def test_a_spoilt_database_is_survived(library: Library, spoil: Callable[[Path], None]) -> None:
    spoil(leave(library.home, "opencode"))
    file_of(library).write_text(GOOD)
    found = await asyncio.wait_for(library.all(), DEADLINE)
    assert "x" in {info.native for info in found}
    for info in found:
        if info.agent == "opencode":
            await asyncio.wait_for(library.get(info.transcript), DEADLINE)


@pytest.mark.parametrize("make", [fifo, link, Path.mkdir], ids=lambda make: make.__name__)
async def test_an_index_that_is_no_plain_file_is_replaced_or_done_without(
    library: Library, make: Callable[[Path], None]
) -> None:
    (library.home / ".hostel").mkdir()
    make(library.home / ".hostel" / "transcripts.idx")
    file_of(library).write_text(GOOD)
    assert 1 == len(await asyncio.wait_for(library.all(), DEADLINE))


async def test_a_name_that_is_no_text_is_left_out(library: Library) -> None:
    file_of(library).write_text(GOOD)
    for raw in (b"\xff.jsonl", b"a\nb.jsonl"):
        file_of(library, os.fsdecode(raw)).write_text(GOOD)
    assert {"x", "a\nb"} == {info.native for info in await library.all()}


async def test_ten_thousand_are_listed_in_a_moment(library: Library) -> None:
    folder = file_of(library).parent
    line = text("claude")
    for number in range(10_000):
        (folder / f"{number}.jsonl").write_text(line.replace("msg_1", f"msg_{number}"))
    await everything(library)
    took = []
    for _ in range(20):
        began = time.perf_counter()
        assert 100 == len(await library.all(limit=100))
        took.append(time.perf_counter() - began)
    assert sorted(took)[10] < 0.1
    assert library_is_sound(library)


def test_lines_are_the_same_however_the_file_grew(tmp_path: Path) -> None:
    path = tmp_path / "x"
    whole = b"".join(b"%d " % number * (number % 50) + b"\n" for number in range(2000))
    position, found = Position(), []
    for end in (*range(0, len(whole), 9973), len(whole)):
        path.write_bytes(whole[:end])
        with path.open("rb") as file:
            assert position.holds(file.fileno(), end)
            for batch in lines(file.fileno(), position, end):
                found += batch
    assert [line for line in whole.splitlines() if line] == [line for _, line in found]
    assert all(whole[offset : offset + len(line or b"")] == line for offset, line in found)
