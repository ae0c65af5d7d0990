"""Brings a store up to date, in a process of its own: alembic's memory is not api's."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config


def upgrade(path: Path) -> None:
    """Migrate the SQLite file at `path` to the newest schema."""
    config = Config(attributes={"path": path})
    config.set_main_option("script_location", str(Path(__file__).parent))
    command.upgrade(config, "head")


if __name__ == "__main__":
    upgrade(Path(sys.argv[1]))
