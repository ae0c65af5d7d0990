"""`make bench`: all figures in one run. The exit status is 1 when a budget was missed."""

import sys

import uvloop

from bench import server, terminals
from bench.report import Report
from tests.stack import Stack


async def main() -> int:
    """Measure on a stack of its own."""
    report = Report()
    async with Stack() as stack:
        await server.measure(stack, report)
        await terminals.measure(stack, report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
