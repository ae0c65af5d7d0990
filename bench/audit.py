"""The audit log: what one record costs whoever waits for it, and what verifying many does."""

import os
import statistics
import time
from pathlib import Path
from typing import Final

from bench.report import Report
from bench.server import hostd_link
from shared.audit import log as auditlog
from shared.audit.check import verify
from shared.hostwire import AppendAudit, AuditEvent, Origin, ReadAudit
from shared.link import Link
from shared.messages import Done
from tests.stack import Stack

APPENDS: Final = 10_000
WORKSPACES: Final = 1000
"""So many that none is taken for a flood."""
READS: Final = 200


async def appends(link: Link) -> list[float]:
    """Seconds of each AppendAudit of one event, from the call to its answer."""
    origin = Origin("u0123456789abcdef01234567", "ky0123456789abcdef01234567", "203.0.113.7", os.urandom(16).hex())
    took = []
    for number in range(1, APPENDS + 1):
        event = AuditEvent("create_session", "ok", origin, f"w{number % WORKSPACES:024x}", target=f"s{number:024x}")
        begin = time.perf_counter()
        await link.send(AppendAudit(id=number, events=[event]))
        assert isinstance(await link.receive(), Done)
        took.append(time.perf_counter() - begin)
    return took


async def reads(link: Link) -> float:
    """Median seconds of a page of one workspace's records among all."""
    took = []
    for number in range(1, READS + 1):
        begin = time.perf_counter()
        await link.send(ReadAudit(id=number, workspace=f"w{number:024x}", limit=100))
        await link.receive()
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def records_per_second(folder: Path) -> float:
    """How fast a log is verified."""
    key = auditlog.key_of((folder.parent / auditlog.KEY_FILE).read_bytes())
    begin = time.perf_counter()
    verdict = verify(folder, key)
    assert not verdict.findings
    return verdict.records / (time.perf_counter() - begin)


async def measure(stack: Stack, report: Report) -> None:
    """All figures of the audit log."""
    with await hostd_link(stack) as link:
        took = sorted(await appends(link))
        report.limit(
            "audit append, p50", took[APPENDS // 2] * 1e3, "ms", 0.5, note=f"p99 {took[APPENDS * 99 // 100] * 1e3:.2f} ms"
        )
        report.limit("page of 10,000 records, p50", await reads(link) * 1e3, "ms", 50)
    report.limit("audit verify, 10,000 records", 10_000 / records_per_second(stack.state / "hostd/audit") * 1e3, "ms", 1000)
