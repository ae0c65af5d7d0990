"""`python -I -m api --config FILE`: the HTTP server."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from api import server
from shared.config import DEFAULT_PATH, Config, ConfigError, load
from shared.errors import Fault
from shared.log import configure, logger

REFUSED = 2
"""The exit status of a start that cannot work before somebody changes something."""


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    parser = argparse.ArgumentParser(prog="api", description="hostel's HTTP server")
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, metavar="FILE", help="hostel.toml")
    path: Path = parser.parse_args().config
    configure("api")
    if os.geteuid() == 0:
        logger().error("refusing to run as root: start it as the user that the configuration names")
        return REFUSED
    # What is written here is nobody else's: the store and the keys.
    os.umask(0o077)
    try:
        config = load(path)
    except ConfigError as error:
        logger().error("the configuration cannot be used", error=str(error))
        return REFUSED
    configure("api", config.log_level)
    return uvloop.run(_run(config))


async def _run(config: Config) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await server.serve(config, stop)
    except (Fault, ConfigError, OSError) as error:
        logger().error("cannot start", error=str(error))
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
