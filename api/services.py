"""What handlers work with: one of each, made at start and given to all by the Context."""

import asyncio
from dataclasses import dataclass, field

from api.bus import Bus
from api.guests import Guests
from api.hosts import Hosts
from api.idempotency import Idempotency
from api.keys import Keys
from api.live import Live
from api.metrics import Metrics
from api.provisioning import Provisioner
from api.ratelimit import RateLimiter
from api.store import Store
from api.tokens import Tokens
from api.workspaces import Workspaces
from shared.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of the server."""

    config: Config
    store: Store
    keys: Keys
    hosts: Hosts
    guests: Guests
    bus: Bus
    live: Live
    tokens: Tokens
    workspaces: Workspaces
    provisioner: Provisioner
    idempotency: Idempotency
    limits: RateLimiter
    metrics: Metrics
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server begins to stop: whoever waits for something slow gives up."""
