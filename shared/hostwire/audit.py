"""The audit log, which hostd alone writes."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from shared.hostwire.protocol import HOST, HostRequest, Origin, PageSize, Short
from shared.ids import OrganisationId, WorkspaceId
from shared.messages import Done, Reply

EVENTS_MAX: Final = 64
"""Events in one message."""
COUNT_MAX: Final = 2**53
"""The most that a record counts: what is larger does not fit in every message."""

Action = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]*$(?!\n)", min_length=1, max_length=64)]
Outcome = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", min_length=1, max_length=32)]


class AuditEvent(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that api did or refused."""

    action: Action
    """The name of the route, or of what was done."""
    outcome: Outcome
    """`ok`, or the code of the error."""
    origin: Origin
    workspace: WorkspaceId | None = None
    organisation: OrganisationId | None = None
    target: Annotated[str, Meta(max_length=128)] = ""
    """The id of what it was about inside of it."""
    count: Annotated[int, Meta(ge=1, le=COUNT_MAX)] = 1
    """How many of the same kind this stands for: in a flood not each gets a record."""
    waited: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """Seconds for which api could not tell hostd of it."""


class AuditRecord(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record of the log, as it may be shown, and as it is written, there with a `mac`."""

    seq: int
    """Goes up by one from record to record, over all files."""
    time: str
    """When hostd wrote it. ISO 8601, UTC, with milliseconds."""
    source: Short
    """`api` for what api tells of, the uid that called for a verb of hostd, `hostd` for what it tells of the log itself."""
    action: str
    outcome: str
    workspace: str | None = None
    organisation: str | None = None
    target: str = ""
    count: int = 1
    waited: int = 0
    ms: float | None = None
    """How long a verb of hostd took."""
    origin: Origin = Origin()


class AuditPage(Reply, frozen=True):
    """Records, newest first when read backwards, else oldest first."""

    items: list[AuditRecord]
    next: int | None
    """What to pass on for the following page; None when there is no more."""


@HOST.verb(Done, audit=None)
class AppendAudit(HostRequest, frozen=True):
    """Write events into the audit log, each with the time at which it is written."""

    events: Annotated[list[AuditEvent], Meta(min_length=1, max_length=EVENTS_MAX)]


@HOST.verb(AuditPage, audit=None)
class ReadAudit(HostRequest, frozen=True):
    """Records of a workspace or an organisation, or of all: those before `before`, newest first, or after `after`.

    With neither, the newest; BAD_REQUEST with both. A call looks at a bounded part of the log: a page may have fewer records
    than `limit`, or none, and yet a next.
    """

    workspace: WorkspaceId | None = None
    organisation: OrganisationId | None = None
    before: int | None = None
    after: int | None = None
    limit: PageSize = 100
