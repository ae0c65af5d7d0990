"""Transcripts."""

from guest.supervisor import Supervisor


class TranscriptCalls:
    """Transcripts."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts
