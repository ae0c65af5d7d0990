"""The log as hostd writes it: on real files, read again by whoever verifies it."""

import asyncio
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hostd import audit as module
from hostd.audit import SPARE_BYTES, Audit, load_key
from shared.audit import log as auditlog
from shared.audit import pages as auditpages
from shared.audit.check import verify
from shared.errors import Code, Fault
from shared.hostwire import AuditEvent, AuditRecord, Origin, ReadAudit

KEY = bytes(range(32))
A, B = "w" + "a" * 24, "w" + "b" * 24
ORG = "o" + "c" * 24
FILE_MAX = 64 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "audit"
    made.mkdir()
    return made


@contextmanager
def writing(folder: Path, *, file_max: int = FILE_MAX, files_max: int = 100) -> Iterator[Audit]:
    audit = Audit(folder, KEY, file_max=file_max, files_max=files_max)
    try:
        yield audit
    finally:
        audit.close()


def event(number: int = 0, workspace: str | None = None, outcome: str = "ok", organisation: str | None = None) -> AuditEvent:
    return AuditEvent("create_session", outcome, Origin("u1", "ky1", "127.0.0.1", f"r{number}"), workspace, organisation)


def fill(audit: Audit, events: int) -> None:
    """So many records, about so many workspaces that none is in flood."""
    for number in range(events):
        audit.append("api", [event(number, f"w{number % 1000:024x}")])


async def everything(audit: Audit, **request: object) -> list[AuditRecord]:
    """Every page, backwards."""
    items: list[AuditRecord] = []
    before: int | None = None
    while True:
        page = await audit.read(ReadAudit(before=before, **request))  # type: ignore[arg-type]  # fields of the request
        items += page.items
        before = page.next
        if before is None:
            return items


async def test_a_log_verifies_and_goes_on_after_a_stop(folder: Path) -> None:
    for _ in range(3):
        with writing(folder) as audit:
            fill(audit, 5)
    verdict = verify(folder, KEY)
    assert ([], [], 1 + 3 * 6) == (verdict.findings, verdict.notes, verdict.last)
    with writing(folder) as audit:
        actions = [record.action for record in await everything(audit)][::-1]
    assert actions == ["audit.opened", *(["audit.started", *["create_session"] * 5] * 3), "audit.started"]
    for path in folder.iterdir():
        assert 0o600 == stat.S_IMODE(path.stat().st_mode), path


async def test_every_field_is_written(folder: Path) -> None:
    told = AuditEvent("grant_role", "conflict", Origin("u1", "ky1", "::1", "r1"), A, ORG, "u2", 3, 9)
    with writing(folder) as audit:
        audit.append("4711", [told], ms=1.5)
        (record,) = (await audit.read(ReadAudit(limit=1))).items
    assert record == AuditRecord(
        3, record.time, "4711", "grant_role", "conflict", A, ORG, "u2", 3, 9, 1.5, Origin("u1", "ky1", "::1", "r1")
    )


async def test_what_is_written_is_on_disk_soon_and_at_once_where_it_matters(folder: Path) -> None:
    def reached() -> int:
        return auditlog.read_head(KEY, (folder / auditlog.HEAD_FILE).read_bytes()).seq

    with writing(folder) as audit:
        begun = reached()
        audit.append("api", [event()])
        assert begun == reached()
        audit.append("0", [event()], durable=True)
        assert begun + 2 == reached()
        audit.append("api", [event()])
        async with asyncio.timeout(module.SYNC_SECONDS + 5):
            while reached() != begun + 3:
                await asyncio.sleep(0.01)


def crashed(folder: Path, copy: Path) -> Path:
    """The log as `kill -9` would leave it now."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    return copy


async def test_a_crash_at_any_moment_is_no_tampering_and_is_repaired(folder: Path, tmp_path: Path) -> None:
    """The last record is cut at every byte, with the head behind it."""
    with writing(folder) as audit:
        audit.append("0", [event(1)], durable=True)
        audit.append("api", [event(2)])
        copy = crashed(folder, tmp_path / "copy")
        path = copy / auditlog.file_name(1)
        whole = path.read_bytes()
        begin = whole.rindex(b"\n", 0, -1) + 1
        for length in (*range(begin, len(whole), 7), len(whole) - 1, len(whole)):
            crashed(folder, copy)
            path.write_bytes(whole[:length])
            assert [] == verify(copy, KEY).findings, length
            with writing(copy):
                pass
            verdict = verify(copy, KEY)
            assert [] == verdict.findings, length
            torn = length not in {begin, len(whole)}
            assert torn == any("had been interrupted" in note for note in verdict.notes), length


async def test_a_crash_just_after_a_file_was_made_is_repaired(folder: Path, tmp_path: Path) -> None:
    with writing(folder) as audit:
        fill(audit, 3)
        copy = crashed(folder, tmp_path / "copy")
    for left in (b"", b'{"seq":'):
        (copy / auditlog.file_name(6)).write_bytes(left)
        with writing(copy) as audit:
            fill(audit, 1)
        assert [] == verify(copy, KEY).findings
        assert not (copy / auditlog.file_name(6)).exists()


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        ("cut", "it ended with record 5 and had reached 7"),
        ("emptied", "it ended with record 0 and had reached 7"),
        ("head removed", "the head was missing or changed"),
        ("head changed", "the head was missing or changed"),
        ("end changed", "the end was changed"),
    ],
)
async def test_a_log_that_was_changed_while_hostd_was_away_stays_found(folder: Path, attack: str, told: str) -> None:
    """Hostd writes on, in a new file, and neither hides nor repeats what it found."""
    with writing(folder) as audit:
        fill(audit, 5)
    path, head = folder / auditlog.file_name(1), folder / auditlog.HEAD_FILE
    lines = path.read_bytes().splitlines(keepends=True)
    match attack:
        case "cut":
            path.write_bytes(b"".join(lines[:5]))
        case "emptied":
            path.unlink()
        case "head removed":
            head.unlink()
        case "head changed":
            head.write_bytes(b"x" * 500)
        case "end changed":
            path.write_bytes(b"".join(lines[:-1]) + lines[-1].replace(b"ok", b"no"))
    before = path.read_bytes() if path.exists() else b""
    for _ in range(2):
        with writing(folder) as audit:
            fill(audit, 3)
            (started,) = [r for r in await everything(audit) if r.action == "audit.started" and r.outcome == "broken"]
            assert told == started.target
        findings = verify(folder, KEY).findings
        assert any(told in finding.what for finding in findings)
    assert not before or before == path.read_bytes()


async def test_the_log_is_rotated_and_its_oldest_files_go_with_a_record_of_it(folder: Path) -> None:
    with writing(folder, files_max=3) as audit:
        fill(audit, 2000)
        assert 3 == len(auditlog.firsts_of(folder))
        copy = crashed(folder, folder.parent / "copy")
    verdict = verify(folder, KEY)
    assert ([], 3) == (verdict.findings, verdict.files)
    assert verdict.first > 1000
    assert all(path.stat().st_size <= FILE_MAX for path in folder.glob("*.jsonl"))
    (folder / auditlog.file_name(verdict.first)).unlink()
    assert any("were removed" in finding.what for finding in verify(folder, KEY).findings)
    # Between the record and the removal.
    with writing(copy, files_max=2):
        pass
    with writing(copy, file_max=FILE_MAX, files_max=2) as audit:
        fill(audit, 200)
    assert [] == verify(copy, KEY).findings
    assert 2 == len(auditlog.firsts_of(copy))


async def test_a_page_holds_what_was_asked_for_and_nothing_of_anybody_else(folder: Path) -> None:
    with writing(folder) as audit:
        for number in range(400):
            audit.append("api", [event(number, A if number % 3 else B, organisation=ORG if number % 2 else None)])
        # The other's id in a field that a client chooses.
        audit.append("api", [AuditEvent("login", "ok", Origin(A, A, A, A), B, target=A)])
        records = await everything(audit, workspace=A)
        assert {A} == {record.workspace for record in records}
        assert [f"r{number}" for number in range(399, -1, -1) if number % 3] == [record.origin.request for record in records]
        assert {ORG} == {record.organisation for record in await everything(audit, organisation=ORG)}
        both = await everything(audit, workspace=B, organisation=ORG)
        assert {(B, ORG)} == {(record.workspace, record.organisation) for record in both}
        assert [] == await everything(audit, workspace="w" + "d" * 24)


async def test_pages_go_both_ways_over_all_files(folder: Path) -> None:
    with writing(folder) as audit:
        fill(audit, 1000)
        last = (await audit.read(ReadAudit(limit=1))).items[0].seq
        assert len(auditlog.firsts_of(folder)) > 3
        assert list(range(last, 0, -1)) == [record.seq for record in await everything(audit, limit=77)]
        forth: list[int] = []
        after: int | None = 0
        while after is not None:
            page = await audit.read(ReadAudit(after=after, limit=77))
            forth += [record.seq for record in page.items]
            after = page.next
        assert list(range(1, last + 1)) == forth
        for seq in (1, 2, *auditlog.firsts_of(folder)[1:], last - 1, last):
            assert [seq] == [r.seq for r in (await audit.read(ReadAudit(before=seq + 1, limit=1))).items]
            assert [seq] == [r.seq for r in (await audit.read(ReadAudit(after=seq - 1, limit=1))).items]
        for beyond in (ReadAudit(before=1), ReadAudit(before=0), ReadAudit(before=-5), ReadAudit(after=last)):
            page = await audit.read(beyond)
            assert ([], None) == (page.items, page.next)
        assert last == len((await audit.read(ReadAudit(after=-7, limit=500))).items) + last - 500
        with pytest.raises(Fault) as caught:
            await audit.read(ReadAudit(before=2, after=1))
        assert Code.BAD_REQUEST == caught.value.code


async def test_a_call_reads_a_bounded_part_and_lets_the_loop_turn(folder: Path) -> None:
    """Three times what one call reads: it takes a few calls to find the one record, and no turn of the loop takes long."""
    with writing(folder, file_max=64 * 1024 * 1024) as audit:
        audit.append("api", [event(0, A)])
        long = Origin("u" * 64, "k" * 64, "1" * 64, "r" * 64)
        for number in range(25_000):
            audit.append("api", [AuditEvent("x" * 64, "o" * 32, long, f"w{number % 1000:024x}", ORG, "t" * 128)])
        size = sum(path.stat().st_size for path in folder.glob("*.jsonl"))
        assert size > 3 * auditpages.SCAN_MAX
        turns, pages, items, before = 0, 0, [], None
        reading = True

        async def count() -> None:
            nonlocal turns
            while reading:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        while True:
            page = await audit.read(ReadAudit(workspace=A, before=before))
            pages += 1
            items += page.items
            before = page.next
            if before is None:
                break
        reading = False
        await counting
        assert 1 == len(items)
        assert size // auditpages.SCAN_MAX <= pages <= size // auditpages.SCAN_MAX + 1
        assert turns >= size // 65_536 - pages
        # The longest records: a page that fits in a frame.
        assert len((await audit.read(ReadAudit(limit=500))).items) < 500


async def test_a_flood_of_failed_logins_is_bounded_and_counted(folder: Path) -> None:
    with writing(folder) as audit:
        for number in range(20_000):
            audit.append("api", [AuditEvent("login", "unauthorized", Origin("anonymous", address=f"10.0.0.{number % 200}"))])
            audit.append("4711", [AuditEvent("verify_secret", "unauthorized", Origin(), f"w{number:024x}")])
        audit.append("api", [event(1, A)])
        assert 1 == len(await everything(audit, workspace=A))
    with writing(folder) as audit:
        records = await everything(audit)
        for action in ("login", "verify_secret"):
            of = [record for record in records if record.action == action]
            assert 60 < len(of) < 100
            assert 20_000 == sum(record.count for record in of)
    assert sum(path.stat().st_size for path in folder.glob("*.jsonl")) < 100_000
    assert [] == verify(folder, KEY).findings


async def test_a_busy_tenant_fills_no_log_and_hides_nobody_else(folder: Path) -> None:
    with writing(folder) as audit:
        for number in range(5000):
            audit.append("api", [AuditEvent(f"action_{number % 50}", "ok", Origin("u1"), A, ORG)])
        audit.append("api", [event(1, B)])
        assert 1 == len(await everything(audit, workspace=B))
    with writing(folder) as audit:
        records = await everything(audit, workspace=A)
    assert 600 < len(records) < 700
    assert 5000 == sum(record.count for record in records)
    assert {ORG} == {record.organisation for record in records}


async def test_a_key_is_made_once_and_a_log_without_its_key_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    key = load_key(tmp_path)
    path = tmp_path / auditlog.KEY_FILE
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert key == load_key(tmp_path)
    (tmp_path / "audit").mkdir()
    with writing(tmp_path / "audit"):
        pass
    given = tmp_path / "credentials"
    given.mkdir()
    (given / auditlog.KEY_FILE).write_bytes(auditlog.new_key())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert auditlog.key_of((given / auditlog.KEY_FILE).read_bytes()) == load_key(tmp_path) != key
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/nonexistent")
    path.unlink()
    with pytest.raises(Fault, match="is missing"):
        load_key(tmp_path)
    path.write_text("rubbish")
    with pytest.raises(Fault, match="not a key"):
        load_key(tmp_path)


@pytest.mark.root
async def test_a_full_disk_loses_no_count_and_no_chain(tmp_path: Path) -> None:
    """A real one: records go on into what was kept back, then are counted, and the count is written when there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M,mode=700", "tmpfs", str(disk)], check=True)
    try:
        folder = disk / "audit"
        folder.mkdir()
        with writing(folder, file_max=64 * 1024 * 1024) as audit:
            assert SPARE_BYTES == (folder / auditlog.SPARE_FILE).stat().st_size
            with (disk / "filler").open("wb") as filler, pytest.raises(OSError, match="No space"):
                while True:
                    os.write(filler.fileno(), bytes(4096))
            fill(audit, 1000)
            assert not (folder / auditlog.SPARE_FILE).exists()
            whole = await everything(audit)
            assert {"create_session": 1000} == {"create_session": sum(record.action == "create_session" for record in whole)}
            fill(audit, 10_000)
            written = len(await everything(audit)) - len(whole)
            assert 0 < written < 10_000
            (disk / "filler").unlink()
            audit.append("api", [event(7, A)])
            lost, last = (await everything(audit))[1::-1]
            assert ("audit.lost", 10_000 - written) == (lost.action, lost.count)
            assert "r7" == last.origin.request
        verdict = verify(folder, KEY)
        assert [] == verdict.findings
        assert [f"record {lost.seq}: {lost.count} records could not be written"] == verdict.notes
    finally:
        subprocess.run(["umount", str(disk)], check=True)
