import asyncio

from api.streams.feeds import BYTES_MAX, EVENTS_MAX, SENT_MAX, STATE_BYTES_MAX, Feed


def names(feed: Feed, after: int) -> list[bytes]:
    return [event.block.split(b"data: ")[1].strip() for event in feed.since(after)]


async def test_a_reader_gets_each_event_once_and_in_order() -> None:
    feed = Feed()
    feed.tell("x", b"0")
    with feed.reader() as reader:
        waiting = asyncio.ensure_future(reader.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        feed.tell("x", b"1")
        feed.tell("x", b"2")
        blocks = await waiting
        assert blocks.count(b"\n\n") == 2
        assert f"id: {feed.id}\nevent: x\ndata: 2\n\n".encode() in blocks
        feed.tell("x", b"3")
        assert b"data: 3" in await reader.next()


async def test_a_place_is_known_as_long_as_the_next_event_is_there() -> None:
    feed = Feed()
    start = feed.id
    for number in range(EVENTS_MAX):
        feed.tell("x", str(number).encode())
    assert feed.place_of(start) == 0
    assert len(feed.since(0)) == EVENTS_MAX
    first = feed.id
    feed.tell("x", b"more")
    assert feed.place_of(start) is None
    assert feed.place_of(first) == EVENTS_MAX
    assert names(feed, EVENTS_MAX) == [b"more"]
    epoch = feed.id.partition("-")[0]
    for wrong in ("", "x", epoch, f"{epoch}-", f"{epoch}-x", f"{epoch}-{EVENTS_MAX + 2}", f"{epoch}--1", f"{epoch}-{'1' * 30}"):
        assert feed.place_of(wrong) is None
    assert Feed().place_of(feed.id) is None


async def test_what_is_kept_is_bounded_in_bytes_too() -> None:
    feed = Feed()
    for _ in range(100):
        feed.tell("x", b"1" * (BYTES_MAX // 10))
    assert 9 <= len(feed.since(feed.number - 10)) <= 10
    assert feed.place_of(f"{feed.id.partition('-')[0]}-80") is None
    feed.tell("x", b"1" * 2 * BYTES_MAX)
    assert len(feed.since(0)) == 1


async def test_one_who_reads_gets_a_bounded_piece_at_a_time() -> None:
    """What a client does not take is kept for it alone."""
    feed = Feed()
    with feed.reader() as reader:
        for _ in range(10):
            feed.tell("x", b"1" * (SENT_MAX // 3))
        pieces = [await reader.next() for _ in range(4)]
        assert max(map(len, pieces)) < 2 * SENT_MAX
        assert sum(piece.count(b"\n\n") for piece in pieces) == 10


async def test_one_who_is_too_slow_is_lost_and_the_others_are_not() -> None:
    feed = Feed()
    with feed.reader() as slow, feed.reader() as quick:
        for _ in range(EVENTS_MAX):
            feed.tell("x", b"1")
            await quick.next()
        assert not slow.lost.done()
        feed.tell("x", b"1")
        assert slow.lost.done()
        assert not quick.lost.done()
        await quick.next()
    feed.tell("x", b"1")


async def test_how_things_are_is_told_when_it_changes_and_known_until_it_is_dropped() -> None:
    feed = Feed()
    feed.keep("session a", "session", b"1")
    feed.keep("session a", "session", b"1")
    feed.keep("session b", "session", b"2")
    feed.keep("session a", "session", b"3")
    assert names(feed, 0) == [b"1", b"2", b"3"]
    assert [state.split(b"data: ")[1].strip() for state in feed.state()] == [b"2", b"3"]
    assert feed.kept("session") == {"a", "b"}
    assert feed.drop("session a")
    assert not feed.drop("session a")
    assert feed.kept("session") == {"b"}
    feed.drop("session b")
    assert feed._state_bytes == 0


async def test_how_things_are_is_bounded() -> None:
    feed = Feed()
    for number in range(20):
        feed.keep(f"session {number}", "session", b"x" * (STATE_BYTES_MAX // 10))
    assert feed.kept("session") == {str(number) for number in range(10, 20)}
