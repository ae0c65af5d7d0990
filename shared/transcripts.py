"""Transcripts: what agents leave in the home of their work, told in one shape whichever agent wrote it.

All of it is untrusted text: cut to the lengths here, never interpreted.
"""

import enum
from typing import Annotated, Final

from msgspec import Meta, Struct

from shared.ids import AgentName, SessionId, TranscriptId, WorktreeId
from shared.turns import Detail, Label, Time, Tokens, Usage

PART_MAX: Final = 192 * 1024
"""Characters of text in one entry; a longer text becomes several entries."""
TITLE_MAX: Final = 200
MODELS_MAX: Final = 20
"""Models of one transcript that are named."""
ENTRIES_MAX: Final = 200_000
"""Entries of one transcript that can be read; what follows is not shown, and that is said."""
PAGE_MAX: Final = 500
"""Entries in one answer."""
LIST_MAX: Final = 100
"""Transcripts in one answer."""
WANTED_MAX: Final = 200
"""Characters of a text that is looked for."""

Number = Annotated[int, Meta(ge=0, le=2**53)]
Native = Annotated[str, Meta(max_length=200)]
ModelName = Annotated[str, Meta(max_length=200)]
Cursor = Annotated[str, Meta(min_length=1, max_length=100)]


class EntryRole(enum.StrEnum):
    """Whose an entry is."""

    USER = "user"
    ASSISTANT = "assistant"
    THINKING = "thinking"
    TOOL = "tool"


class _Value(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Entry(_Value, frozen=True):
    """One step of a conversation."""

    seq: Annotated[int, Meta(ge=1, le=ENTRIES_MAX)]
    role: EntryRole
    at: Time | None = None
    text: Annotated[str, Meta(max_length=PART_MAX)] = ""
    """What was said or thought; "" for a tool call."""
    name: Label | None = None
    """The tool's."""
    input: Detail | None = None
    """What the tool was given: JSON text, when it was not cut."""
    output: Detail | None = None
    """What it answered, as plain text; None when it has not."""
    error: bool = False
    """Whether the tool failed."""
    truncated: bool = False
    """Whether `input` or `output` was cut, or the entry could not be read again."""
    sidechain: bool = False
    """Whether a subagent did it."""
    usage: Usage | None = None
    """Of the model's answer that this entry ends, with its cost."""


class TranscriptInfo(_Value, frozen=True):
    """A transcript, without its entries."""

    transcript: TranscriptId
    agent: AgentName
    native: Native
    """The agent's own id of the conversation."""
    title: Annotated[str, Meta(max_length=TITLE_MAX)]
    """The beginning of what the user said first."""
    started: Time
    updated: Time
    size: Number
    """Bytes on the disk; 0 where many transcripts share a file."""
    usage: Usage
    """Of all answers. Its cost is the agent's own when it states one, else the sum of the answers that have a price."""
    cwd: Annotated[str, Meta(max_length=4096)] | None = None
    session: SessionId | None = None
    """The session in whose folder the agent worked."""
    worktree: WorktreeId | None = None
    user: Number = 0
    assistant: Number = 0
    thinking: Number = 0
    tools: Number = 0
    """How many entries of each role there are."""
    answers: Tokens = 0
    """Answers of a model, each of which has its usage."""
    unpriced: Number = 0
    """Answers whose cost is not known."""
    models: Annotated[list[ModelName], Meta(max_length=MODELS_MAX)] = []  # msgspec copies it
    stated: bool = False
    """Whether the cost is the agent's own figure."""
    subagent: bool = False
    """Whether another agent, not a person, gave the prompt."""
    skipped: Number = 0
    """Lines that are damaged or too long to be read."""
