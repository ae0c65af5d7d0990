"""Frames survive any cutting, and refuse a length over the cap before they keep anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Code, Fault
from shared.frames import HEADER, FrameReader
from tests.wire import pack


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({min(i, len(data)) for i in at})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.lists(st.binary(max_size=200), max_size=20), st.lists(st.integers(0, 4000), max_size=30))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(payloads: list[bytes], at: list[int]) -> None:
    reader = FrameReader(200)
    got = []
    for piece in cut(b"".join(map(pack, payloads)), at):
        reader.feed(piece)
        while (payload := reader.take()) is not None:
            got.append(bytes(payload))
    assert payloads == got
    assert 0 == reader.pending


@given(st.integers(201, 2**32 - 1), st.binary(max_size=64))
def test_a_header_over_the_cap_is_refused_at_once(length: int, rest: bytes) -> None:
    reader = FrameReader(200)
    reader.feed(HEADER.pack(length) + rest)
    with pytest.raises(Fault) as caught:
        reader.take()
    assert Code.TOO_LARGE == caught.value.code


def test_a_payload_of_exactly_the_cap_is_accepted() -> None:
    reader = FrameReader(200)
    reader.feed(pack(b"x" * 200))
    assert b"x" * 200 == bytes(reader.take() or b"")


def test_half_a_frame_is_kept_until_the_rest_comes() -> None:
    reader = FrameReader(200)
    frame = pack(b"hello")
    for byte in frame[:-1]:
        reader.feed(bytes([byte]))
        assert reader.take() is None
    assert len(frame) - 1 == reader.pending
    reader.feed(frame[-1:])
    assert b"hello" == bytes(reader.take() or b"")
