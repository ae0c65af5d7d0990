"""Frames by hand, for what no message of ours would hold."""

from shared.frames import HEADER


def pack(payload: bytes) -> bytes:
    """The frame that carries `payload`."""
    return HEADER.pack(len(payload)) + payload
