import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest.terminals.ring import Ring

chunks = st.lists(st.binary(max_size=40), max_size=30)


@given(st.integers(1, 50), chunks)
def test_a_ring_holds_the_last_bytes_of_the_stream(cap: int, parts: list[bytes]) -> None:
    ring, stream = Ring(cap), b""
    for part in parts:
        ring.append(part)
        stream += part
        assert len(stream) == ring.end
        assert max(0, len(stream) - cap) == ring.start
        assert stream[ring.start :] == _all(ring, ring.start)


@given(st.integers(1, 50), chunks, st.data())
def test_a_read_gives_the_bytes_of_its_number(cap: int, parts: list[bytes], data: st.DataObject) -> None:
    ring, stream = Ring(cap), b"".join(parts)
    for part in parts:
        ring.append(part)
    seq = data.draw(st.integers(ring.start, ring.end))
    limit = data.draw(st.integers(1, 60))
    got = ring.read(seq, limit)
    assert stream[seq : seq + len(got)] == got
    assert len(got) <= limit
    assert bool(got) == (seq < ring.end)


@given(st.integers(1, 50), chunks)
def test_what_is_not_kept_is_an_error(cap: int, parts: list[bytes]) -> None:
    ring = Ring(cap)
    for part in parts:
        ring.append(part)
    for seq in (ring.start - 1, ring.end + 1):
        with pytest.raises(IndexError):
            ring.read(seq, 1)


def test_memory_is_taken_only_as_it_fills() -> None:
    ring = Ring(64 * 1024 * 1024)
    ring.append(b"x")
    assert len(ring._data) == 1


def _all(ring: Ring, seq: int) -> bytes:
    found = b""
    while seq + len(found) < ring.end:
        found += ring.read(seq + len(found), 7)
    return found
