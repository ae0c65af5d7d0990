"""`make bench`: all figures in one run, or those of the parts that are named, which are the modules of this package.

The exit status is 1 when a budget was missed.
"""

import sys

import uvloop

from bench import agents, audit, keys, server, terminals, web
from bench.report import Report
from shared.rooms import SESSIONS_MAX
from tests.stack import Stack


async def main() -> int:
    """Measure on a stack of its own."""
    report = Report()
    modules = {"server": server, "audit": audit, "terminals": terminals, "keys": keys, "agents": agents, "web": web}
    async with Stack({"guest": {"sessions": SESSIONS_MAX}}, log_level="info") as stack:
        for name in sys.argv[1:] or modules:
            await modules[name].measure(stack, report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
