"""Alembic runs this. The lock is taken before the present version is read, so that two starts at once do not both migrate."""

from alembic import context

from api.store import connect
from api.tables import metadata

engine = connect(context.config.attributes["path"])
with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    context.run_migrations()
engine.dispose()
