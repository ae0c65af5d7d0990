"""Transcripts."""

from guest.supervisor import Supervisor
from shared.guestwire import transcripts as wire


class TranscriptCalls:
    """Verbs about transcripts."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def list_transcripts(self, request: wire.ListTranscripts) -> wire.Transcripts:
        """A page of transcripts."""
        return await self._parts.transcripts.ask(request, wire.Transcripts)

    async def get_transcript(self, request: wire.GetTranscript) -> wire.TranscriptPage:
        """A transcript, and some of its entries."""
        return await self._parts.transcripts.ask(request, wire.TranscriptPage)
