"""The verbs about transcripts."""

from api.guests.connections import FILES_DEADLINE, PEER, Connections
from shared.guestwire.transcripts import GetTranscript, ListTranscripts, TranscriptPage, Transcripts


class TranscriptVerbs(Connections):
    """The verbs about transcripts."""

    async def list_transcripts(
        self, workspace: str, *, agent: str | None, session: str | None, text: str | None, after: str | None, limit: int
    ) -> Transcripts:
        """A page of transcripts, newest first."""
        request = ListTranscripts(agent=agent, session=session, text=text, after=after, limit=limit)
        found = await self.call(workspace, request, Transcripts, deadline=FILES_DEADLINE if text else None)
        if agent is not None and any(item.agent != agent for item in found.items):
            raise PEER.violation("another agent than the one asked for")
        return found

    async def get_transcript(self, workspace: str, transcript: str, after: int, limit: int) -> TranscriptPage:
        """A transcript, and at most `limit` of its entries after number `after`."""
        request = GetTranscript(transcript=transcript, after=after, limit=limit)
        page = await self.call(workspace, request, TranscriptPage, deadline=FILES_DEADLINE)
        if page.transcript.transcript != transcript:
            raise PEER.violation("another transcript than the one asked for")
        ends = {len(page.entries) + after, None}
        if [entry.seq for entry in page.entries] != list(
            range(after + 1, after + 1 + len(page.entries))
        ) or page.next not in ends:
            raise PEER.violation("other entries than those asked for")
        if len(page.entries) > limit or (page.next is not None and not page.entries):
            raise PEER.violation("a page that does not go on")
        return page
