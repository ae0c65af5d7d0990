"""The verbs about transcripts."""

from api.guests.connections import Connections


class TranscriptVerbs(Connections):
    """The verbs about transcripts."""
