"""The tables of api's own store. Times are seconds since the epoch, as floats.

Truth about rooms is elsewhere: users and secrets at hostd, sessions and terminals in the guest. A change here needs a new file
in `api/migrations/versions`; a test compares the two.
"""

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table

SCHEMA: Final = "0003"
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
    Index("ix_workspaces_created", "created", "id"),
    Index("ix_workspaces_status", "status"),
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
