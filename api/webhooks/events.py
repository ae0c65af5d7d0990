"""What webhooks tell of: a closed list, and which of it is from inside a workspace."""

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from api.auth import Scope

TEST: Final = "webhook.test"
"""What `POST …/test` sends; nobody can follow it."""


class Event(enum.StrEnum):
    """What can be followed."""

    KEY_MINTED = "key.minted"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    WORKSPACE_CREATED = "workspace.created"
    WORKSPACE_READY = "workspace.ready"
    WORKSPACE_FAILED = "workspace.failed"
    WORKSPACE_DELETED = "workspace.deleted"
    WORKSPACE_RESTORED = "workspace.restored"
    WORKSPACE_PURGED = "workspace.purged"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    TASK_SUCCEEDED = "task.succeeded"
    TASK_FAILED = "task.failed"
    TASK_CANCELLED = "task.cancelled"
    CHANNEL_MESSAGE = "channel.message"
    ALL = "*"
    """Every event that the webhook can have, also such as later versions add."""


INSIDE: Final[Mapping[Event, Scope]] = MappingProxyType(
    {
        Event.TASK_SUCCEEDED: Scope.TASKS_READ,
        Event.TASK_FAILED: Scope.TASKS_READ,
        Event.TASK_CANCELLED: Scope.TASKS_READ,
        Event.CHANNEL_MESSAGE: Scope.CHANNELS_READ,
    }
)
"""What happens inside a workspace, by the scope without which nobody has it told. The host's webhooks have none of it."""


def scopes_of(events: Iterable[Event]) -> frozenset[Scope]:
    """The scopes without which nobody may have these events told."""
    return frozenset(scope for event in events for known, scope in INSIDE.items() if event in {known, Event.ALL})
