"""Agents at work: an event's way from an agent to a client, a file, a list of many transcripts."""

import asyncio
import json
import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Final

from bench.report import Report
from tests.stack import Stack, Tenant
from tests.turns import Conversation

EVENTS: Final = 400
READS: Final = 60
TRANSCRIPTS: Final = 10_000
LISTS: Final = 30
MEGABYTE: Final = 1024 * 1024


async def latency(tenant: Tenant, session: str) -> float:
    """Median seconds from the write of an agent to the client of an event stream, one event at a time."""
    talk = Conversation(tenant, session)
    turn = (await talk.prompt(f"times {EVENTS}"))["turnId"]
    took: list[float] = []
    path = f"{talk.base}/events"
    async with tenant.stack.http.get(path, headers={**tenant.headers, "Accept": "text/event-stream"}) as reply:
        async for line in reply.content:
            if line.startswith(b"data:"):
                event = json.loads(line[5:])
                if event["turnId"] != turn:
                    continue
                if event["type"] == "message":
                    took.append(time.time() - int(event["text"]) / 1e9)
                if event["type"] == "turnEnded":
                    break
    assert len(took) == EVENTS
    return statistics.median(took)


async def read(tenant: Tenant, path: str) -> float:
    """Median seconds of a GET of one megabyte."""
    took = []
    for _ in range(READS):
        begin = time.perf_counter()
        async with tenant.stack.http.get(path, headers=tenant.headers) as reply:
            assert len(await reply.read()) == MEGABYTE, reply.status
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def leave_transcripts(tenant: Tenant) -> None:
    """Have many conversations of Claude Code in the home, as the tenant's own files."""
    source = Path(__file__).parents[1] / "tests/agents/transcripts/claude.jsonl"
    folder = tenant.home / ".claude/projects/-many"
    for parent in (folder.parents[1], folder.parent, folder):
        parent.mkdir(exist_ok=True)
        os.chown(parent, tenant.uid, tenant.uid)
    for number in range(TRANSCRIPTS):
        path = folder / f"{number:08x}-0000-4000-8000-000000000000.jsonl"
        shutil.copyfile(source, path)
        os.chown(path, tenant.uid, tenant.uid)


async def listed(tenant: Tenant) -> float:
    """Median seconds of a page of transcripts, when all are known."""
    path = f"{tenant.base}/transcripts?limit=100"
    while len(await tenant.items(f"{tenant.base}/transcripts")) < TRANSCRIPTS:  # the first list begins the work
        await asyncio.sleep(1)
    took = []
    for _ in range(LISTS):
        begin = time.perf_counter()
        page = await tenant.call("GET", path)
        took.append(time.perf_counter() - begin)
        assert len(page["items"]) == 100  # as asked for
    return statistics.median(took)


async def measure(stack: Stack, report: Report) -> None:
    """All figures of agents."""
    tenant = await stack.tenant("agents")
    session = await tenant.session()
    await latency(tenant, session)  # the agent starts
    report.limit("agent's write to event stream, p50", await latency(tenant, session) * 1e3, "ms", 5)
    repo = tenant.home / f"vibecoder_workspace/sessions/{session}/repo"
    (repo / "big").write_bytes(os.urandom(MEGABYTE))
    os.chown(repo / "big", tenant.uid, tenant.uid)
    path = f"{tenant.base}/sessions/{session}/files/content?path=big"
    report.limit("read of 1 MB, p50", await read(tenant, path) * 1e3, "ms", 10)
    leave_transcripts(tenant)
    report.limit("page of 10,000 transcripts, p50", await listed(tenant) * 1e3, "ms", 100)
