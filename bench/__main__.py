"""`make bench`: all figures in one run, or those of the parts that are named (`server`, `terminals`, `agents`).

The exit status is 1 when a budget was missed.
"""

import sys

import uvloop

from bench import agents, server, terminals
from bench.report import Report
from tests.stack import Stack


async def main() -> int:
    """Measure on a stack of its own."""
    report = Report()
    parts = {"server": server.measure, "terminals": terminals.measure, "agents": agents.measure}
    async with Stack(log_level="info") as stack:
        for name in sys.argv[1:] or parts:
            await parts[name](stack, report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
