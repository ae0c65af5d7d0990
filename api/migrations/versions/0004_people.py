"""People, organisations, keys and automation."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and make the tables that are not there."""
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("workspaces")}
    for column in (sa.Column("organisation", sa.String(25)), sa.Column("deleted", sa.Float), sa.Column("purge", sa.Float)):
        if column.name not in present:
            op.add_column("workspaces", column)
    op.create_index("ix_workspaces_organisation", "workspaces", ["organisation", "created", "id"], if_not_exists=True)
    op.create_index("ix_workspaces_purge", "workspaces", ["purge"], if_not_exists=True)
    _people()
    _automation()
    _outside()


def _people() -> None:
    """Who signs in, and with what."""
    op.create_table(
        "people",
        sa.Column("id", sa.String(25), primary_key=True),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("claim", sa.String(255), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("email", sa.String(320)),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.UniqueConstraint("provider", "claim", name="uq_people_claim"),
        if_not_exists=True,
    )
    op.create_table(
        "browser_sessions",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("family", sa.String(32), sa.ForeignKey("families.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("used", sa.Float, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_browser_sessions_family", "browser_sessions", ["family"], if_not_exists=True)
    op.create_index("ix_browser_sessions_expires", "browser_sessions", ["expires"], if_not_exists=True)
    op.create_table(
        "login_states",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_login_states_expires", "login_states", ["expires"], if_not_exists=True)
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(25), primary_key=True),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("slug", name="uq_organisations_slug"),
        if_not_exists=True,
    )
    op.create_index("ix_organisations_created", "organisations", ["created", "id"], if_not_exists=True)
    op.create_table(
        "members",
        sa.Column("organisation", sa.String(25), sa.ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person", sa.String(25), sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("rank", sa.String(10), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_members_person", "members", ["person"], if_not_exists=True)
    op.create_table(
        "one_time_tokens",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(25)),
        sa.Column("detail", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("used", sa.Float),
        sa.Column("used_by", sa.String(64)),
        sa.UniqueConstraint("id", name="uq_one_time_tokens_id"),
        if_not_exists=True,
    )
    op.create_index("ix_one_time_tokens_owner", "one_time_tokens", ["owner", "purpose"], if_not_exists=True)
    op.create_index("ix_one_time_tokens_expires", "one_time_tokens", ["expires"], if_not_exists=True)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("owner", sa.String(25)),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("rank", sa.String(10)),
        sa.Column("scopes", sa.LargeBinary, nullable=False),
        sa.Column("workspaces", sa.LargeBinary),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("expires", sa.Float),
        sa.Column("revoked", sa.Float),
        sa.Column("replaces", sa.String(26)),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("used", sa.Float),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
        if_not_exists=True,
    )
    op.create_index("ix_api_keys_owner", "api_keys", ["owner", "created"], if_not_exists=True)


def _automation() -> None:
    """What runs by itself."""
    op.create_table(
        "secrets",
        sa.Column("workspace", sa.String(25), sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("sessions", sa.LargeBinary),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("workspace", sa.String(25), sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("session", sa.String(25)),
        sa.Column("turn", sa.String(26)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("timeout", sa.Float, nullable=False),
        sa.Column("not_before", sa.Float, nullable=False),
        sa.Column("schedule", sa.String(26)),
        sa.Column("fire", sa.Float),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("ended", sa.Float),
        sa.Column("stop", sa.Float),
        sa.Column("error", sa.String(2000)),
        sa.Column("result", sa.LargeBinary),
        sa.UniqueConstraint("schedule", "fire", name="uq_tasks_fire"),
        if_not_exists=True,
    )
    op.create_index("ix_tasks_workspace", "tasks", ["workspace", "created"], if_not_exists=True)
    op.create_index("ix_tasks_status", "tasks", ["status", "not_before"], if_not_exists=True)
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("workspace", sa.String(25), sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("cron", sa.String(200), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("missed", sa.String(10), nullable=False),
        sa.Column("enabled", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("next", sa.Float),
        sa.Column("last", sa.Float),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_schedules_workspace", "schedules", ["workspace", "created"], if_not_exists=True)
    op.create_index("ix_schedules_next", "schedules", ["next"], if_not_exists=True)
    op.create_table(
        "channels",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("workspace", sa.String(25), sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(500), nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.UniqueConstraint("workspace", "name", name="uq_channels_name"),
        if_not_exists=True,
    )
    op.create_table(
        "channel_messages",
        sa.Column("channel", sa.String(26), sa.ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("once", sa.String(32), nullable=False),
        sa.UniqueConstraint("channel", "once", name="uq_channel_messages_once"),
        if_not_exists=True,
    )


def _outside() -> None:
    """What other systems are told and asked for."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("owner", sa.String(25)),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("events", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("enabled", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_webhooks_owner", "webhooks", ["owner", "created"], if_not_exists=True)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("webhook", sa.String(26), sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("next", sa.Float),
        sa.Column("response", sa.Integer),
        sa.Column("error", sa.String(300)),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("ended", sa.Float),
        if_not_exists=True,
    )
    op.create_index("ix_deliveries_webhook", "deliveries", ["webhook", "created"], if_not_exists=True)
    waits = sa.text("next IS NOT NULL")
    op.create_index("ix_deliveries_next", "deliveries", ["webhook", "next"], sqlite_where=waits, if_not_exists=True)
    op.create_table(
        "provisionings",
        sa.Column("workspace", sa.String(25), primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("error_reason", sa.String(2000)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("next", sa.Float),
        sa.Column("detail", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("updated", sa.Float, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_provisionings_next", "provisionings", ["next"], if_not_exists=True)
