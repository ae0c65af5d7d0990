"""Identifiers: a prefix that tells the kind, then 24 lowercase hex digits (96 random bits).

A workspace's id is also the name of its Linux user, so the pattern is the whole of what may reach useradd.
"""

import os
import re
from typing import Annotated, Final

from msgspec import Meta

_HEX: Final = "[0-9a-f]{24}"

WORKSPACE_PATTERN: Final = f"^w{_HEX}$"
SESSION_PATTERN: Final = f"^s{_HEX}$"
TERMINAL_PATTERN: Final = f"^t{_HEX}$"
WORKTREE_PATTERN: Final = f"^wt{_HEX}$"
TURN_PATTERN: Final = f"^tn{_HEX}$"
PERMISSION_PATTERN: Final = f"^pm{_HEX}$"
ATTACHMENT_PATTERN: Final = f"^at{_HEX}$"
TRANSCRIPT_PATTERN: Final = f"^tr{_HEX}$"
ORGANISATION_PATTERN: Final = f"^o{_HEX}$"
PERSON_PATTERN: Final = f"^u{_HEX}$"
KEY_PATTERN: Final = f"^ky{_HEX}$"
INVITATION_PATTERN: Final = f"^iv{_HEX}$"
TASK_PATTERN: Final = f"^ta{_HEX}$"
SCHEDULE_PATTERN: Final = f"^sc{_HEX}$"
CHANNEL_PATTERN: Final = f"^ch{_HEX}$"
WEBHOOK_PATTERN: Final = f"^wh{_HEX}$"
DELIVERY_PATTERN: Final = f"^dl{_HEX}$"
AGENT_PATTERN: Final = "^[a-z][a-z0-9-]{0,31}$"
"""An agent's name in the configuration. No id of ours looks like one: they are longer."""

# msgspec searches rather than matches, and `$` would also accept a trailing newline: the length says the rest.
WorkspaceId = Annotated[str, Meta(pattern=WORKSPACE_PATTERN, min_length=25, max_length=25)]
SessionId = Annotated[str, Meta(pattern=SESSION_PATTERN, min_length=25, max_length=25)]
TerminalId = Annotated[str, Meta(pattern=TERMINAL_PATTERN, min_length=25, max_length=25)]
WorktreeId = Annotated[str, Meta(pattern=WORKTREE_PATTERN, min_length=26, max_length=26)]
TurnId = Annotated[str, Meta(pattern=TURN_PATTERN, min_length=26, max_length=26)]
PermissionId = Annotated[str, Meta(pattern=PERMISSION_PATTERN, min_length=26, max_length=26)]
AttachmentId = Annotated[str, Meta(pattern=ATTACHMENT_PATTERN, min_length=26, max_length=26)]
TranscriptId = Annotated[str, Meta(pattern=TRANSCRIPT_PATTERN, min_length=26, max_length=26)]
OrganisationId = Annotated[str, Meta(pattern=ORGANISATION_PATTERN, min_length=25, max_length=25)]
PersonId = Annotated[str, Meta(pattern=PERSON_PATTERN, min_length=25, max_length=25)]
KeyId = Annotated[str, Meta(pattern=KEY_PATTERN, min_length=26, max_length=26)]
InvitationId = Annotated[str, Meta(pattern=INVITATION_PATTERN, min_length=26, max_length=26)]
TaskId = Annotated[str, Meta(pattern=TASK_PATTERN, min_length=26, max_length=26)]
ScheduleId = Annotated[str, Meta(pattern=SCHEDULE_PATTERN, min_length=26, max_length=26)]
ChannelId = Annotated[str, Meta(pattern=CHANNEL_PATTERN, min_length=26, max_length=26)]
WebhookId = Annotated[str, Meta(pattern=WEBHOOK_PATTERN, min_length=26, max_length=26)]
DeliveryId = Annotated[str, Meta(pattern=DELIVERY_PATTERN, min_length=26, max_length=26)]
AgentName = Annotated[str, Meta(pattern=AGENT_PATTERN + r"(?!\n)", min_length=1, max_length=32)]

_IS_WORKSPACE: Final = re.compile(f"w{_HEX}")
_IS_PERSON: Final = re.compile(f"u{_HEX}")


def _new(prefix: str) -> str:
    return prefix + os.urandom(12).hex()


def new_workspace_id() -> str:
    """A fresh id, such as `w0123456789abcdef01234567`."""
    return _new("w")


def new_session_id() -> str:
    """A fresh session id."""
    return _new("s")


def new_terminal_id() -> str:
    """A fresh terminal id."""
    return _new("t")


def new_worktree_id() -> str:
    """A fresh worktree id."""
    return _new("wt")


def new_turn_id() -> str:
    """A fresh turn id."""
    return _new("tn")


def new_permission_id() -> str:
    """A fresh permission id."""
    return _new("pm")


def new_attachment_id() -> str:
    """A fresh attachment id."""
    return _new("at")


def new_organisation_id() -> str:
    """A fresh organisation id."""
    return _new("o")


def new_person_id() -> str:
    """A fresh person id."""
    return _new("u")


def new_key_id() -> str:
    """A fresh key id."""
    return _new("ky")


def new_invitation_id() -> str:
    """A fresh invitation id."""
    return _new("iv")


def new_task_id() -> str:
    """A fresh task id."""
    return _new("ta")


def new_schedule_id() -> str:
    """A fresh schedule id."""
    return _new("sc")


def new_channel_id() -> str:
    """A fresh channel id."""
    return _new("ch")


def new_webhook_id() -> str:
    """A fresh webhook id."""
    return _new("wh")


def new_delivery_id() -> str:
    """A fresh delivery id."""
    return _new("dl")


def is_workspace_id(text: str) -> bool:
    """Whether `text` is a workspace id to the last byte."""
    return _IS_WORKSPACE.fullmatch(text) is not None


def is_person_id(text: str) -> bool:
    """Whether `text` is a person's id to the last byte."""
    return _IS_PERSON.fullmatch(text) is not None
