"""The tables of api's own store. Times are seconds since the epoch, as floats.

Truth about rooms is elsewhere: users and secrets at hostd, sessions and terminals in the guest. A change here needs a new file
in `api/migrations/versions`; a test compares the two.
"""

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint, text

SCHEMA: Final = "0005"
"""The newest migration."""

metadata = MetaData()

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("status", String(20), nullable=False),
    Column("error_reason", String(2000)),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("version", Integer, nullable=False),  # of what a reader sees: the ETag
    Column("secret_version", Integer, nullable=False),  # a login that began under another one is refused
    Column("provisioning_since", Float, nullable=False),  # the deadline counts from here, over restarts
    Column("sealed", LargeBinary),  # secret hash and providers, only until hostd has them
    Column("providers", LargeBinary, nullable=False),  # JSON of what may be shown
    Column("providers_stale", Integer, nullable=False),  # 1: a change was under way; ask hostd
    Column("budget_day", Float),  # US dollars; NULL is no limit
    Column("budget_month", Float),
    Column("organisation", String(25)),  # that owns it; NULL: it owns itself
    Column("deleted", Float),  # it is kept, and locked, since then
    Column("purge", Float),  # and is removed for good at this time
    Index("ix_workspaces_created", "created", "id"),
    Index("ix_workspaces_status", "status"),
    Index("ix_workspaces_organisation", "organisation", "created", "id"),
    Index("ix_workspaces_purge", "purge"),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("workspace", String(25), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    Column("due", Float),  # no session is due before; NULL: there is none
    Column("policy", String(100), nullable=False),  # the settings that this follows from
    Index("ix_sweeps_due", "due"),
)

families = Table(
    "families",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("subject", String(25), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("revoked", Float),
    Index("ix_families_subject", "subject"),
    Index("ix_families_expires", "expires"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("family", String(32), ForeignKey("families.id", ondelete="CASCADE"), nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Float),
    Index("ix_refresh_tokens_family", "family"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the resource's id and the seed
    Column("reply", LargeBinary),  # sealed too; NULL until the work is done
    Index("ix_idempotency_created", "created"),
)

people = Table(
    "people",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("claim", String(255), nullable=False),  # what the provider calls them: compared, never used as a name
    Column("name", String(200), nullable=False),
    Column("email", String(320)),
    Column("created", Float, nullable=False),
    Column("seen", Float, nullable=False),  # the last sign-in
    UniqueConstraint("provider", "claim", name="uq_people_claim"),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("family", String(32), ForeignKey("families.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(200), nullable=False),  # of an operator; "" for others
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Float, nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(200), nullable=False),
    Index("ix_browser_sessions_family", "family"),
    Index("ix_browser_sessions_expires", "expires"),
)

login_states = Table(
    "login_states",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires", Float, nullable=False),
    Index("ix_login_states_expires", "expires"),
)

organisations = Table(
    "organisations",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("slug", String(40), nullable=False),
    Column("name", String(100), nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("slug", name="uq_organisations_slug"),
    Index("ix_organisations_created", "created", "id"),
)

members = Table(
    "members",
    metadata,
    Column("organisation", String(25), ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True),
    Column("person", String(25), ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("rank", String(10), nullable=False),
    Column("created", Float, nullable=False),
    Index("ix_members_person", "person"),
)

departures = Table(
    "departures",
    metadata,
    Column("organisation", String(25), ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True),
    Column("person", String(25), ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),  # may be a member again
    Column("at", Float, nullable=False),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("id", String(26), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("owner", String(25)),  # the workspace or the organisation that it is about
    Column("detail", LargeBinary, nullable=False),  # JSON of what may be shown
    Column("sealed", LargeBinary, nullable=False),  # under a key that only the token yields
    Column("created", Float, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Float),
    Column("used_by", String(64)),
    UniqueConstraint("id", name="uq_one_time_tokens_id"),
    Index("ix_one_time_tokens_owner", "owner", "purpose"),
    Index("ix_one_time_tokens_expires", "expires"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("kind", String(12), nullable=False),  # workspace, organisation or admin
    Column("owner", String(25)),  # the workspace or the organisation; NULL for an admin's
    Column("name", String(100), nullable=False),
    Column("rank", String(10)),
    Column("scopes", LargeBinary, nullable=False),  # JSON
    Column("workspaces", LargeBinary),  # JSON; NULL: all of the organisation
    Column("created", Float, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires", Float),
    Column("revoked", Float),
    Column("replaces", String(26)),
    Column("uses", Integer, nullable=False),
    Column("used", Float),
    UniqueConstraint("hash", name="uq_api_keys_hash"),
    Index("ix_api_keys_owner", "owner", "created"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("workspace", String(25), ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("sessions", LargeBinary),  # JSON of their ids; NULL: all
    Column("size", Integer, nullable=False),  # bytes of the name and the value
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("version", Integer, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("workspace", String(25), ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("status", String(12), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # what is to be done
    Column("session", String(25)),
    Column("turn", String(26)),
    Column("attempt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),  # at most
    Column("timeout", Float, nullable=False),
    Column("not_before", Float, nullable=False),
    Column("schedule", String(26)),
    Column("fire", Float),  # the moment of the schedule that it is for
    Column("created", Float, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("started", Float),  # the latest attempt
    Column("ended", Float),
    Column("stop", Float),  # somebody wants it to be cancelled since then
    Column("error", String(2000)),
    Column("result", LargeBinary),  # sealed: the agent's last words, and what they cost
    UniqueConstraint("schedule", "fire", name="uq_tasks_fire"),
    Index("ix_tasks_workspace", "workspace", "created"),
    Index("ix_tasks_status", "status", "not_before"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("workspace", String(25), ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("cron", String(200), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("missed", String(10), nullable=False),
    Column("enabled", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # what its tasks are made of
    Column("next", Float),
    Column("last", Float),
    Column("created", Float, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("updated", Float, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_schedules_workspace", "workspace", "created"),
    Index("ix_schedules_next", "next"),
)

channels = Table(
    "channels",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("workspace", String(25), ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("topic", String(500), nullable=False),
    Column("last", Integer, nullable=False),  # the number of its newest message
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    UniqueConstraint("workspace", "name", name="uq_channels_name"),
)

channel_messages = Table(
    "channel_messages",
    metadata,
    Column("channel", String(26), ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("author", String(64), nullable=False),  # who sent it, by the credential
    Column("name", String(100), nullable=False),  # what the sender calls itself
    Column("body", LargeBinary, nullable=False),
    Column("created", Float, nullable=False),
    Column("once", String(32), nullable=False),  # what a repeated request has in common with the first
    UniqueConstraint("channel", "once", name="uq_channel_messages_once"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(25)),  # a workspace or an organisation; NULL is the host
    Column("url", String(2000), nullable=False),
    Column("events", LargeBinary, nullable=False),  # JSON
    Column("sealed", LargeBinary, nullable=False),  # the secret that signs
    Column("enabled", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("updated", Float, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_webhooks_owner", "owner", "created"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("webhook", String(26), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("status", String(12), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("next", Float),
    Column("response", Integer),
    Column("error", String(300)),
    Column("created", Float, nullable=False),
    Column("ended", Float),
    Index("ix_deliveries_webhook", "webhook", "created"),
    Index("ix_deliveries_next", "webhook", "next", sqlite_where=text("next IS NOT NULL")),
)

provisionings = Table(
    "provisionings",
    metadata,
    Column("workspace", String(25), primary_key=True),  # which may be gone: the row stays until what it tells of is
    Column("kind", String(20), primary_key=True),
    Column("status", String(12), nullable=False),
    Column("error_reason", String(2000)),
    Column("attempt", Integer, nullable=False),
    Column("next", Float),
    Column("detail", LargeBinary, nullable=False),  # JSON of what may be shown
    Column("sealed", LargeBinary),  # tokens that it gave us
    Column("updated", Float, nullable=False),
    Index("ix_provisionings_next", "next"),
)
