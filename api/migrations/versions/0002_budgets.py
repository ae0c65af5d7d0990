"""What a workspace may spend."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns that are not there."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("workspaces")}
    for name in ("budget_day", "budget_month"):
        if name not in there:
            op.add_column("workspaces", sa.Column(name, sa.Float))
