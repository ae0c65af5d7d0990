"""The audit log over real daemons: what a tenant did is in it, it survives `kill -9`, and a flood does not fill it."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostd.server import CONNECTIONS_PER_UID
from shared.audit import log as auditlog
from shared.audit.check import Verdict, verify
from shared.errors import Code
from shared.hostwire import EVENTS_MAX, AppendAudit, AuditEvent, AuditPage, Origin, ReadAudit, VerifySecret
from shared.ids import new_workspace_id
from shared.messages import Done, Failure
from shared.secret import Secret
from tests.root.hostd_harness import Client, Hostd
from tests.stack import Stack, Tenant

pytestmark = pytest.mark.root

FLOOD = 20_000


@pytest.fixture
def hostd() -> Iterator[Hostd]:
    with Hostd() as running:
        yield running


def verified(state: Path) -> Verdict:
    return verify(state / "hostd/audit", auditlog.key_of((state / "hostd/audit.key").read_bytes()))


def resident(hostd: Hostd) -> int:
    """Kilobytes."""
    status = Path(f"/proc/{hostd.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def append(client: Client, events: list[AuditEvent]) -> None:
    for start in range(0, len(events), EVENTS_MAX):
        client.call(AppendAudit(events=events[start : start + EVENTS_MAX]), Done)


def test_a_flood_of_failed_logins_is_bounded_on_disk_and_in_memory(hostd: Hostd) -> None:
    """Twenty thousand, told by api and by hostd's own verb; the counts are exact once hostd has stopped."""
    with hostd.client(uid=hostd.account().pw_uid) as client:
        told = [
            AuditEvent("login", "unauthorized", Origin("anonymous", "", f"10.0.{n % 256}.1", f"r{n}")) for n in range(FLOOD)
        ]
        append(client, told[:2000])
        memory = resident(hostd)
        append(client, told[2000:])
        for _ in range(2000):
            client.send(VerifySecret(id=1, workspace=new_workspace_id(), secret=Secret("wrong")))
            assert isinstance(client.receive(), Failure)
        assert resident(hostd) < memory + 1024
    assert 0 == hostd.stop()
    records = hostd.audit()
    for action, number in (("login", FLOOD), ("verify_secret", 2000)):
        of = [record for record in records if record["action"] == action]
        assert len(of) < 200
        assert number == sum(record.get("count", 1) for record in of)
    assert sum(path.stat().st_size for path in (hostd.state / "hostd/audit").glob("*.jsonl")) < 200_000
    assert [] == verified(hostd.state).findings


def test_a_flood_of_questions_takes_little_memory_and_keeps_root_waiting_for_nothing(hostd: Hostd) -> None:
    """From all connections that api may have, at once, and none of the answers is read."""
    uid = hostd.account().pw_uid
    with hostd.client(uid=uid) as client:
        append(client, [AuditEvent("push", "ok", Origin("u" * 60, "k" * 60), f"w{n % 500:024x}") for n in range(2000)])
    memory = resident(hostd)
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS_PER_UID):
            client = stack.enter_context(hostd.client(uid=uid))
            for number in range(1, 65):
                client.send(ReadAudit(id=number, limit=500))
        root = stack.enter_context(hostd.client())
        for number in range(20):
            append(root, [AuditEvent("look", "ok", Origin(), target=str(number))])
        assert resident(hostd) < memory + 128 * 1024


def test_no_number_of_events_spoils_a_page(hostd: Hostd) -> None:
    """An api that was taken over says the greatest counts, again and again, until they are merged."""
    with hostd.client(uid=hostd.account().pw_uid) as client:
        append(client, [AuditEvent("login", "unauthorized", Origin(), count=2**53)] * 3000)
    hostd.restart()
    with hostd.client() as client:
        assert max(record.count for record in client.call(ReadAudit(limit=500), AuditPage).items) == 2**53


def test_kill_9_at_any_moment_is_no_tampering(hostd: Hostd) -> None:
    """Again and again, in the middle of a stream of records; what was answered is in the log."""
    answered = 0
    for round_ in range(5):
        with hostd.client(uid=hostd.account().pw_uid) as client:
            for number in range(20 + 7 * round_):
                append(client, [AuditEvent("push", "ok", Origin(request=f"{round_}.{number}"), new_workspace_id())] * 3)
                answered += 3
            client.send(AppendAudit(id=999, events=[AuditEvent("push", "ok", Origin(), new_workspace_id())] * EVENTS_MAX))
            hostd.stop(signal.SIGKILL)
        assert [] == verified(hostd.state).findings
        hostd.start()
    verdict = verified(hostd.state)
    assert [] == verdict.findings
    assert answered <= sum(record["action"] == "push" for record in hostd.audit())


def test_a_log_whose_key_is_gone_is_not_begun_anew_behind_anybodys_back(hostd: Hostd) -> None:
    """Hostd does not start."""
    hostd.stop()
    (hostd.state / "hostd/audit.key").unlink()
    process = subprocess.run(
        [sys.executable, "-I", "-m", "hostd", "--config", str(hostd.config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert 1 == process.returncode
    assert "audit.key is missing" in process.stderr
    assert not (hostd.state / "hostd/audit.key").exists()


def test_api_reads_and_appends_and_cannot_touch_the_files(hostd: Hostd) -> None:
    account = hostd.account()
    with hostd.client(uid=account.pw_uid) as client:
        append(client, [AuditEvent("push", "ok", Origin("u1"), new_workspace_id())])
        (record,) = client.call(ReadAudit(limit=1), AuditPage).items
        assert ("api", "push", "u1") == (record.source, record.action, record.origin.actor)
        client.send(AppendAudit(id=9, events=[AuditEvent("Bad Name", "ok", Origin())]))
        refused = client.receive()
        assert isinstance(refused, Failure)
        assert Code.BAD_REQUEST == refused.code
    drop = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    for path in (hostd.state / "hostd/audit" / auditlog.file_name(1), hostd.state / "hostd/audit.key"):
        assert 0 != subprocess.run([*drop, "cat", str(path)], capture_output=True, check=False).returncode


def hostelctl(stack: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-m", "ctl", "--config", str(stack.path), "audit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_tenant_did_is_told_to_it_and_found_by_the_sysadmin(stack: Stack, alice: Tenant, bob: Tenant) -> None:
    session = await alice.session()
    await bob.session()
    async with asyncio.timeout(20):
        while True:
            items = await alice.items(f"{alice.base}/audit")
            if {"create_session", "enter_workspace"} <= {item["action"] for item in items}:
                break
            await asyncio.sleep(0.05)
    assert {alice.workspace} == {item["workspaceId"] for item in items}
    made = next(item for item in items if item["action"] == "create_session")
    assert ("api", "ok", session, "127.0.0.1", alice.workspace) == (
        made["source"], made["outcome"], made["target"], made["address"], made["actor"]
    )  # fmt: skip
    entered = next(item for item in items if item["action"] == "enter_workspace")
    assert ("0" < entered["source"] != "api", alice.workspace, "127.0.0.1") == (True, entered["actor"], entered["address"])
    await bob.call("GET", f"{alice.base}/audit", status=404)
    shown = hostelctl(stack, "tail", "-n", "500", "--workspace", alice.workspace, "--json")
    assert {"create_session", "enter_workspace", "create_workspace"} <= {r["action"] for r in json.loads(shown.stdout)}
    # The audit outlives both daemons, whatever order they die in.
    stack.hostd.stop(signal.SIGKILL)
    await alice.call("PATCH", alice.base, {"name": "while hostd was away"})
    await stack.hostd.start()
    async with asyncio.timeout(20):
        while "change_workspace" not in {item["action"] for item in await alice.items(f"{alice.base}/audit")}:
            await asyncio.sleep(0.05)
    result = await asyncio.to_thread(hostelctl, stack, "verify")
    assert 0 == result.returncode, result.stdout + result.stderr
    head = result.stdout.splitlines()[-1].removeprefix("head: ")
    assert 0 == hostelctl(stack, "verify", "--expect", head).returncode


@pytest.mark.asyncio(loop_scope="module")
async def test_a_change_of_the_files_is_found_with_the_daemons_running(stack: Stack, alice: Tenant) -> None:
    path = stack.state / "hostd/audit" / auditlog.file_name(1)
    at = path.read_bytes().index(alice.workspace.encode())

    def write(workspace: str) -> None:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(workspace.encode())

    write(new_workspace_id())
    result = hostelctl(stack, "verify")
    write(alice.workspace)
    assert 1 == result.returncode
    assert "it is not what was written after the record before it" in result.stdout
    assert 0 == hostelctl(stack, "verify").returncode
