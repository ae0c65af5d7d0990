"""`hostelctl audit`: its words and its exit status."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctl.cli import hostelctl
from shared.audit import log as auditlog
from shared.hostwire import AuditPage, AuditRecord, Origin, ReadAudit
from shared.messages import Reply, Request
from tests.ctl.fakehost import FakeHost
from tests.shared.test_auditlog import write

KEY = bytes(range(32))
WORKSPACE = "w" + "0" * 24


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with a log of eight records."""
    (tmp_path / "hostd").mkdir()
    write(tmp_path / "hostd/audit", [4, 4])
    (tmp_path / "hostd/audit.key").write_text(KEY.hex() + "\n")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(hostelctl, ["audit", *arguments])


def verified(state: Path, *arguments: str) -> Result:
    return run("verify", "--folder", str(state / "hostd/audit"), *arguments)


def test_an_intact_log_is_told_with_its_head(state: Path) -> None:
    result = verified(state)
    assert 0 == result.exit_code
    first, second = result.output.splitlines()
    assert "intact: 8 records in 2 files, from 1 to 8" == first
    head = second.removeprefix("head: ")
    assert 0 == verified(state, "--expect", head).exit_code
    told = json.loads(verified(state, "--json").output)
    assert (True, head, 8, []) == (told["intact"], told["head"], told["records"], told["findings"])


def test_tampering_is_status_1_and_says_where(state: Path) -> None:
    path = state / "hostd/audit" / auditlog.file_name(5)
    path.write_bytes(path.read_bytes().replace(b'"seq":6,', b'"seq":6 ,'))
    result = verified(state)
    assert 1 == result.exit_code
    assert "000000000005.jsonl  6       it is not what was written after the record before it" in result.output
    assert "tampered with: 8 records in 2 files" in result.output
    assert "head:" not in result.output
    told = json.loads(verified(state, "--json").output)
    assert (False, 6) == (told["intact"], told["findings"][0]["seq"])


def test_a_log_that_was_put_back_is_found_by_its_noted_head(state: Path) -> None:
    head = verified(state).output.splitlines()[-1].removeprefix("head: ")
    write(state / "hostd/audit", [4, 2])
    assert 0 == verified(state).exit_code
    result = verified(state, "--expect", head)
    assert 1 == result.exit_code
    assert "put back to an older state" in result.output


def test_what_cannot_be_read_is_status_2(state: Path) -> None:
    for arguments in (
        ("--folder", str(state / "missing")),
        ("--folder", str(state / "hostd/audit"), "--key", str(state / "missing")),
        ("--folder", str(state / "hostd/audit"), "--key", str(state / "hostd/audit/head")),
        ("--config", str(state / "missing.toml")),
        ("--folder", str(state / "hostd/audit"), "--expect", "8:abc"),
        ("--folder", str(state / "hostd/audit"), "--expect", f"0:{'0' * 64}"),
        ("--folder", str(state / "hostd/audit"), "--expect", f"9{'9' * 30}:{'0' * 64}"),
    ):
        result = run("verify", *arguments)
        assert 2 == result.exit_code, arguments
        assert "error" in result.output.lower()


def test_a_key_that_is_missing_is_told_with_the_option_that_names_it(state: Path) -> None:
    (state / "hostd/audit.key").unlink()
    result = verified(state)
    assert 2 == result.exit_code
    assert f"error: {state}/hostd/audit.key: No such file or directory" in result.output
    assert "--key" in result.output


def test_the_key_may_be_elsewhere_and_another_one_finds_everything_wrong(state: Path) -> None:
    key = state / "hostd/audit.key"
    moved = key.rename(state / "key")
    assert 2 == verified(state).exit_code
    assert 0 == verified(state, "--key", str(moved)).exit_code
    moved.write_bytes(auditlog.new_key())
    assert 1 == verified(state, "--key", str(moved)).exit_code


def answer(request: Request) -> Reply:
    """A log of 700 records, at most 300 of which come at a time."""
    assert isinstance(request, ReadAudit)
    last = 700 if request.before is None else request.before - 1
    records = [
        AuditRecord(
            seq, f"t{seq}", "api", "login", "ok", request.workspace, target="\x1b[2J", count=2, origin=Origin("u1", "", "::1")
        )
        for seq in range(last, max(0, last - min(300, request.limit)), -1)
    ]
    return AuditPage(items=records, next=records[-1].seq if records[-1].seq > 1 else None)


def test_the_tail_shows_so_many_records_and_steers_no_terminal(fake: Callable[..., FakeHost], socket_path: Path) -> None:
    fake(answer)
    result = run("tail", "-n", "2", "--workspace", WORKSPACE, "--socket", str(socket_path))
    assert 0 == result.exit_code
    lines = [line.split() for line in result.output.splitlines()]
    assert ["seq", "time", "source", "action", "outcome", "count", "actor", "address", "workspace", "target"] == lines[0]
    assert [["699", "t699", "api", "login", "ok", "2", "u1", "::1", WORKSPACE, "?[2J"], ["700", "t700"]] == [
        lines[1],
        lines[2][:2],
    ]


def test_the_tail_goes_over_pages_to_the_beginning(fake: Callable[..., FakeHost], socket_path: Path) -> None:
    fake(answer)
    result = run("tail", "-n", "1000", "--json", "--socket", str(socket_path))
    assert list(range(1, 701)) == [record["seq"] for record in json.loads(result.output)]
    assert {"actor": "u1", "credential": "", "address": "::1", "request": ""} == json.loads(result.output)[0]["origin"]


def test_pages_without_an_end_are_refused(fake: Callable[..., FakeHost], socket_path: Path) -> None:
    fake(lambda _request: AuditPage(items=[], next=5))
    result = run("tail", "--socket", str(socket_path))
    assert 1 == result.exit_code
    assert "do not come to an end" in result.output
