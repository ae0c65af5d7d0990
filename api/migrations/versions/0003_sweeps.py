"""When a guest is to be started for what is due in it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table that is not there."""
    op.create_table(
        "sweeps",
        sa.Column("workspace", sa.String(25), sa.ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("due", sa.Float),
        sa.Column("policy", sa.String(100), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_sweeps_due", "sweeps", ["due"], if_not_exists=True)
