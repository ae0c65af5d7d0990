import asyncio
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from guest.turns.log import Cursor, Log
from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX
from shared.guestwire.turns import EventPage
from shared.messages import encode
from shared.turns import EVENT_MAX, PROMPT_MAX, TEXT_MAX, Body, Event, Message, Notice, TurnEnded, TurnStarted, TurnStatus

CAP = 256 * 1024 * 1024


def say(log: Log, text: str = "x") -> Event:
    return log.append("fake", None, Message(text))


def rest(cursor: Cursor) -> list[Event]:
    events: list[Event] = []
    for _ in range(10_000):
        if not cursor.behind:
            return events
        events += cursor.take(1000, EVENT_MAX + 1)
    raise AssertionError("it goes on and on")


def numbers(log: Log, after: int = 0) -> list[int]:
    return [event.seq for event in rest(log.cursor(after))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_events_are_numbered_and_read_back_also_by_the_next_guest(path: Path) -> None:
    log = Log(path, CAP)
    events = [say(log, f"{i}\n\u2028é") for i in range(1000)]
    assert list(range(1, 1001)) == [event.seq for event in events]
    assert events == rest(log.cursor(0))
    log.close()
    log = Log(path, CAP)
    assert 1000 == log.last
    assert 1001 == say(log).seq
    assert 0o600 == path.stat().st_mode & 0o777
    assert path.read_bytes().count(b"\n") == 1001


def test_a_cursor_begins_anywhere(path: Path) -> None:
    log = Log(path, CAP)
    chance = random.Random(1)
    for _ in range(3000):
        say(log, "x" * chance.choice((1, 50, 3000, 20_000)))
    for after in (0, 1, 2, 1499, 2998, 2999, 3000, *(chance.randrange(3000) for _ in range(200))):
        cursor = log.cursor(after)
        first = cursor.take(1, EVENT_MAX + 1)
        while not first and cursor.behind:
            first = cursor.take(1, EVENT_MAX + 1)
        assert [after + 1][: 3000 - after] == [event.seq for event in first]
    with pytest.raises(Fault, match="3000 events, not 3001"):
        log.cursor(3001)


def test_a_cursor_goes_on_where_it_was(path: Path) -> None:
    log = Log(path, CAP)
    cursor = log.cursor(0)
    for i in range(500):
        say(log)
        if i % 7 == 0:
            assert list(range(i - 5 if i else 1, i + 2)) == [event.seq for event in rest(cursor)][-7:]


@pytest.mark.parametrize("torn", [b'{"seq":3,"at":"20', b"\x00" * 5000, b"{", b"\xff" * 300_000])
def test_a_line_that_was_not_written_whole_is_cut_off(path: Path, torn: bytes) -> None:
    log = Log(path, CAP)
    say(log)
    say(log)
    log.close()
    with path.open("ab") as file:
        file.write(torn)
    log = Log(path, CAP)
    assert 2 == log.last
    assert 3 == say(log).seq
    assert [1, 2, 3] == numbers(log)
    assert 3 == len(path.read_bytes().splitlines())


def _write(change: Callable[[list[bytes]], None]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        change(lines)
        path.write_bytes(b"".join(lines))

    return apply


def _swap(lines: list[bytes]) -> None:
    lines[10], lines[20] = lines[20], lines[10]


def _drop(lines: list[bytes]) -> None:
    del lines[10:15]


def _repeat(lines: list[bytes]) -> None:
    lines[10:10] = lines[:10]


def _garble(lines: list[bytes]) -> None:
    lines[10] = b"\xff\x00 no json\n"
    lines[11] = b"[" * 100_000 + b"\n"
    lines[12] = b"x" * 3_000_000 + b"\n"
    lines[13] = b"\n"
    lines[14] = lines[14].replace(b'"seq":15', b'"seq":9007199254740000')
    lines[15] = lines[15].replace(b'"seq":16', b'"seq":-1')
    lines[16] = lines[16].replace(b'"type":"message"', b'"type":"nonsense"')


def _trim(lines: list[bytes]) -> None:
    del lines[:50]


@pytest.mark.parametrize("change", [_swap, _drop, _repeat, _garble, _trim])
def test_what_a_tenant_makes_of_its_log_leaves_no_gap_in_the_numbers(path: Path, change: Callable[[list[bytes]], None]) -> None:
    log = Log(path, CAP)
    for i in range(100):
        say(log, str(i + 1))
    log.close()
    _write(change)(path)
    log = Log(path, CAP)
    assert 100 == log.last
    events = rest(log.cursor(0))
    assert list(range(1, 101)) == [event.seq for event in events]
    for event in events:
        assert event.body in (Message(str(event.seq)), Notice("this event can no longer be read"))
    assert sum(isinstance(event.body, Notice) for event in events) in (0, 1, 5, 7, 10, 50)
    assert [event.seq for event in rest(log.cursor(60))] == list(range(61, 101))
    assert 101 == say(log).seq


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"garbage\n" * 10,
        b"x" * 6_000_000,
        b"x" * 6_000_000 + b"\n",
        b'{"seq":9007199254740992,"at":"","agent":"a","turn":null,"body":{"type":"message","text":""}}\n',
        b'{"seq":0,"at":"","agent":"a","turn":null,"body":{"type":"message","text":""}}\n',
        b"[" * 1_000_000 + b"\n",
    ],
    ids=["newline", "lines", "long", "long line", "great number", "zero", "deep"],
)
def test_a_log_without_an_event_is_moved_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    log = Log(path, CAP)
    assert 0 == log.last
    assert 1 == say(log).seq
    assert [1] == numbers(log)
    assert path.with_name("events.jsonl.damaged").exists()


def test_a_huge_hole_costs_no_time(path: Path) -> None:
    log = Log(path, CAP)
    say(log)
    log.close()
    os.truncate(path, 2**40)
    began = time.process_time()
    assert 0 == Log(path, CAP).last
    assert time.process_time() - began < 1


@pytest.mark.parametrize("kind", ["symlink", "dangling", "fifo", "folder", "hardlink", "device"])
def test_only_a_plain_file_of_its_own_is_written(path: Path, tmp_path: Path, kind: str) -> None:
    canary = tmp_path / "canary"
    canary.write_text("untouched")
    match kind:
        case "symlink":
            path.symlink_to(canary)
        case "dangling":
            path.symlink_to(tmp_path / "nothing")
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "hardlink":
            path.hardlink_to(canary)
        case "device":
            path.symlink_to("/dev/full")
    log = Log(path, CAP)
    assert 1 == say(log).seq
    assert [1] == numbers(log)
    assert path.is_file()
    assert not path.is_symlink()
    assert "untouched" == canary.read_text()
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("how", ["truncate", "delete", "replace", "append", "rename"])
def test_a_log_that_somebody_changes_meanwhile_is_read_anew(path: Path, how: str) -> None:
    log = Log(path, CAP)
    for _ in range(10):
        say(log)
    cursor = log.cursor(5)
    lines = path.read_bytes().splitlines(keepends=True)
    match how:
        case "truncate":
            os.truncate(path, len(b"".join(lines[:4])) + 3)
        case "delete":
            path.unlink()
        case "replace":
            other = path.with_name("other")
            other.write_bytes(b"".join(lines[:7]))
            other.replace(path)
        case "append":
            with path.open("ab") as file:
                file.write(b"surprise\n")
        case "rename":
            path.rename(path.with_name("away"))
    expected = {"truncate": 4, "delete": 0, "replace": 7, "append": 10, "rename": 0}[how]
    assert expected + 1 == say(log).seq
    with pytest.raises(Fault, match="somebody has changed") as caught:
        cursor.take(10, EVENT_MAX)
    assert Code.CONFLICT == caught.value.code
    assert list(range(1, expected + 2)) == numbers(log)


@pytest.mark.parametrize("size", [0, 1])
def test_one_who_is_behind_when_a_log_is_cut_off_comes_to_its_end(path: Path, size: int) -> None:
    log = Log(path, CAP)
    for _ in range(10):
        say(log)
    cursor = log.cursor(5)
    os.truncate(path, path.stat().st_size * size // 2)
    assert list(range(6, 11)) == [event.seq for event in rest(cursor)]


def test_the_cap_holds_but_for_the_ends_of_turns(path: Path) -> None:
    log = Log(path, 10_000)
    with pytest.raises(Fault, match="reached its 10000 bytes") as caught:
        while True:
            say(log, "x" * 900)
    assert Code.LIMIT == caught.value.code
    assert 9000 < log.size <= 10_000
    last = log.last
    assert last + 1 == log.append("fake", None, TurnEnded(TurnStatus.FAILED, error="x" * 900), reserved=True).seq
    assert log.full


def test_a_full_disk_leaves_no_half_line(path: Path) -> None:
    log = Log(path, CAP)
    say(log)
    size = log.size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, hard))  # as far as a file goes, a disk with 500 bytes left
    try:
        for _ in range(3):
            with pytest.raises(Fault) as caught:
                say(log, "x" * 1000)
            assert Code.FAILED == caught.value.code
            assert size == path.stat().st_size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert 2 == say(log, "x" * 1000).seq
    assert [1, 2] == numbers(log)


@pytest.mark.parametrize("body", [Message("\ud800"), Message("\x00" * 200_000), Message("x" * (TEXT_MAX + 1))])
def test_what_could_not_be_read_back_becomes_a_notice(path: Path, body: Body) -> None:
    log = Log(path, CAP)
    assert isinstance(log.append("fake", None, body).body, Notice)
    assert 2 == say(log).seq
    assert [1, 2] == numbers(log)


def test_a_prompt_that_does_not_fit_an_event_is_refused(path: Path) -> None:
    log = Log(path, CAP)
    log.append("fake", None, TurnStarted("語" * PROMPT_MAX))
    with pytest.raises(Fault) as caught:
        log.append("fake", None, TurnStarted("\x01" * PROMPT_MAX))
    assert Code.TOO_LARGE == caught.value.code
    assert [1] == numbers(log)


async def test_pages_fit_a_frame_and_miss_nothing(path: Path) -> None:
    log = Log(path, CAP)
    chance = random.Random(2)
    for _ in range(400):
        say(log, chance.choice(("x", "語", "\n")) * chance.choice((1, 1000, TEXT_MAX)))
    log.append("fake", None, TurnStarted("語" * PROMPT_MAX))
    log.append("fake", None, TurnStarted("語" * PROMPT_MAX))
    seen: list[Event] = []
    while len(seen) < 402:
        page = await log.page(len(seen), 500)
        assert page
        assert len(encode(EventPage(items=page, last=log.last))) <= GUEST_FRAME_MAX
        seen += page
    assert list(range(1, 403)) == [event.seq for event in seen]
    assert [event.seq for event in await log.page(7, 3)] == [8, 9, 10]
    assert [] == await log.page(402, 10)


async def test_those_who_follow_are_woken(path: Path) -> None:
    log = Log(path, CAP)
    wakes = [asyncio.Event() for _ in range(3)]
    for wake in wakes:
        log.follow(wake)
    say(log)
    assert all(wake.is_set() for wake in wakes)
    wakes[0].clear()
    log.unfollow(wakes[0])
    cursor = log.cursor(0)
    log.close()
    assert not wakes[0].is_set()
    with pytest.raises(Fault) as caught:
        cursor.take(1, 1000)
    assert Code.GONE == caught.value.code


def test_200_mb_are_opened_in_a_moment(path: Path) -> None:
    event = Event(1, "2026-01-01T00:00:00.000Z", "fake", None, Message("x" * 2000))
    with path.open("wb") as file:
        for i in range(100_000):
            file.write(msgspec.json.encode(msgspec.structs.replace(event, seq=i + 1)) + b"\n")
    assert path.stat().st_size > 200_000_000
    began = time.monotonic()
    log = Log(path, CAP)
    opened = time.monotonic() - began
    cursor = log.cursor(61_803)
    found = cursor.take(1, EVENT_MAX)
    sought = time.monotonic() - began - opened
    assert 100_000 == log.last
    assert [61_804] == [event.seq for event in found or cursor.take(1, EVENT_MAX)]
    assert opened < 0.1
    assert sought < 0.1
