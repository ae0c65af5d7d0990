"""Verbs about the transcripts that agents leave in the home."""

from typing import Annotated

from msgspec import Meta

from shared.guestwire.protocol import GUEST
from shared.ids import AgentName, SessionId, TranscriptId
from shared.messages import Reply, Request
from shared.transcripts import ENTRIES_MAX, LIST_MAX, PAGE_MAX, WANTED_MAX, Cursor, Entry, TranscriptInfo

Position = Annotated[int, Meta(ge=0, le=ENTRIES_MAX)]
"""The number of an entry; 0 is before the first."""


class Transcripts(Reply, frozen=True):
    """A page of transcripts, newest first; `next` is the `after` of the following page."""

    items: Annotated[list[TranscriptInfo], Meta(max_length=LIST_MAX)]
    next: Cursor | None = None
    indexing: bool = False
    """Whether the home is still being looked through: there may be more."""


class TranscriptPage(Reply, frozen=True):
    """A transcript and some of its entries; fewer than were asked for when they would not fit a frame."""

    transcript: TranscriptInfo
    entries: Annotated[list[Entry], Meta(max_length=PAGE_MAX)]
    next: Position | None = None
    """The `after` of the following page; None at the end, where later a longer transcript goes on."""
    complete: bool = True
    """False when it has more entries than can be read; those beyond are missing."""


@GUEST.verb(Transcripts)
class ListTranscripts(Request, frozen=True):
    """Transcripts, newest first, in the order of their beginning.

    With `text`, those that have it, whatever the case. A page of these may be short and yet have a `next`: a search takes time.
    """

    agent: AgentName | None = None
    session: SessionId | None = None
    after: Cursor | None = None
    text: Annotated[str, Meta(min_length=1, max_length=WANTED_MAX)] | None = None
    limit: Annotated[int, Meta(ge=1, le=LIST_MAX)] = 50


@GUEST.verb(TranscriptPage)
class GetTranscript(Request, frozen=True):
    """A transcript with the entries that follow number `after`. NOT_FOUND when there is none, FAILED when it cannot be read."""

    transcript: TranscriptId
    after: Position = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100
