"""A webhook as it is kept, and what it sends."""

from typing import Any

import msgspec
from sqlalchemy import Row

from api.schema import View
from api.webhooks.events import INSIDE, Event
from shared.secret import Secret


class Signers(msgspec.Struct, frozen=True):
    """What deliveries are signed with."""

    secret: Secret
    replaced: Secret | None = None
    until: float = 0.0
    """When the replaced one ends."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook's row but for what it signs with. Times are seconds since the epoch."""

    id: str
    owner: str | None
    """A workspace or an organisation; None is the host."""
    url: str
    events: tuple[Event, ...]
    enabled: bool
    created: float
    created_by: str
    updated: float
    version: int

    @property
    def etag(self) -> str:
        """The entity tag of this version."""
        return f'"{self.version}"'

    def follows(self, event: str) -> bool:
        """Whether it has `event` told."""
        if self.owner is None and event in INSIDE:
            return False
        return self.enabled and (event in self.events or Event.ALL in self.events)


class EventView(View, frozen=True):
    """What is sent."""

    type: str
    timestamp: str
    """When it happened."""
    data: View
    workspace_id: str | None
    organisation_id: str | None


def values_of(webhook: Webhook) -> dict[str, Any]:
    """The columns."""
    return {**msgspec.structs.asdict(webhook), "events": msgspec.json.encode(webhook.events), "enabled": int(webhook.enabled)}


def webhook_of(row: Row[Any]) -> Webhook:
    """The row."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public accessor
    del values["sealed"]
    values["events"] = msgspec.json.decode(values["events"], type=tuple[Event, ...])
    values["enabled"] = bool(values["enabled"])
    return Webhook(**values)
