"""What handlers work with: one of each, made at start and given to all by the Context."""

import asyncio
import time
from dataclasses import dataclass, field

from api.auditing import Auditor
from api.channels import Channels
from api.credentials.apikeys import ApiKeys
from api.credentials.onetime import OneTime
from api.credentials.tokens import Tokens
from api.deadlines import Deadlines
from api.guests import Guests
from api.hosts import Hosts
from api.idempotency import Idempotency
from api.mcp.screens import Screens
from api.metrics import Metrics
from api.people.browsers import Browsers
from api.people.login.logins import Logins
from api.people.operators import Operators
from api.people.organisations import Organisations
from api.people.people import People
from api.provisioners import Provisioners
from api.provisioning import Provisioner
from api.ratelimit import RateLimiter
from api.secrets import Secrets
from api.serverkeys.keys import Keys
from api.store import Store
from api.streams.audittail import Tail
from api.streams.live import Live
from api.streams.watches import Watches
from api.sweeper import Sweeper
from api.tasks.runner import TaskRunner
from api.tasks.scheduler import Scheduler
from api.tasks.schedules import Schedules
from api.tasks.tasks import Tasks
from api.webhooks import Webhooks
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
    watches: Watches
    live: Live
    tokens: Tokens
    workspaces: Workspaces
    provisioner: Provisioner
    provisioners: Provisioners
    idempotency: Idempotency
    limits: RateLimiter
    metrics: Metrics
    deadlines: Deadlines
    sweeper: Sweeper
    auditor: Auditor
    audit: Tail
    apikeys: ApiKeys
    onetime: OneTime
    browsers: Browsers
    operators: Operators
    people: People
    logins: Logins
    organisations: Organisations
    secrets: Secrets
    tasks: Tasks
    runner: TaskRunner
    schedules: Schedules
    scheduler: Scheduler
    webhooks: Webhooks
    channels: Channels
    started: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    screens: Screens = field(default_factory=Screens)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server begins to stop: whoever waits for something slow gives up."""
    purging: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a workspace is to be removed for good at once."""
