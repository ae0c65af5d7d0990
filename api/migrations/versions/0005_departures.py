"""Who was a member of an organisation."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table, unless it is there."""
    op.create_table(
        "departures",
        sa.Column("organisation", sa.String(25), sa.ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person", sa.String(25), sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        if_not_exists=True,
    )
