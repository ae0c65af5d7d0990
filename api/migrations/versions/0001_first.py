"""Workspaces, token families, idempotency records."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are not there."""
    op.create_table(
        "workspaces",
        sa.Column("id", sa.String(25), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("error_reason", sa.String(2000)),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("secret_version", sa.Integer, nullable=False),
        sa.Column("provisioning_since", sa.Float, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("providers", sa.LargeBinary, nullable=False),
        sa.Column("providers_stale", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "families",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(25), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("revoked", sa.Float),
        if_not_exists=True,
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("family", sa.String(32), sa.ForeignKey("families.id", ondelete="CASCADE"), nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("used", sa.Float),
        if_not_exists=True,
    )
    op.create_table(
        "idempotency",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("reply", sa.LargeBinary),
        if_not_exists=True,
    )
    for table, columns in (
        ("workspaces", ["created", "id"]),
        ("workspaces", ["status"]),
        ("families", ["subject"]),
        ("families", ["expires"]),
        ("refresh_tokens", ["family"]),
        ("idempotency", ["created"]),
    ):
        op.create_index(f"ix_{table}_{columns[0]}", table, columns, if_not_exists=True)
