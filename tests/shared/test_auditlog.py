"""Whatever is changed in an audit log by one who lacks its key is found."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.audit import log as auditlog
from shared.audit.check import FINDINGS_MAX, Verdict, verify
from shared.audit.log import Head
from shared.hostwire import AuditRecord, Origin

KEY = bytes(range(32))


def write(folder: Path, counts: list[int], *, head: int | None = None) -> list[str]:
    """Files of so many records each, and a head at record `head`, by default the last; the `mac` of each record."""
    folder.mkdir(exist_ok=True)
    mac, macs, seq = auditlog.NOTHING, [], 0
    for count in counts:
        lines = []
        for index in range(count):
            seq += 1
            opened = AuditRecord(seq, "2026-01-01T00:00:00.000Z", auditlog.SOURCE, auditlog.OPENED, "ok", target=mac)
            other = AuditRecord(seq, "2026-01-01T00:00:01.000Z", "api", "login", "ok", f"w{seq:024x}", origin=Origin("u1"))
            line, mac = auditlog.line_of(KEY, mac, other if index else opened)
            lines.append(line)
            macs.append(mac)
        (folder / auditlog.file_name(seq - count + 1)).write_bytes(b"".join(lines))
    reached = seq if head is None else head
    last = macs[reached - 1] if reached else auditlog.NOTHING
    (folder / auditlog.HEAD_FILE).write_bytes(auditlog.head_line(KEY, Head(reached, last)))
    return macs


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two files: records 1 to 4, and 5 to 8."""
    write(tmp_path / "audit", [4, 4])
    return tmp_path / "audit"


def whats(verdict: Verdict) -> str:
    return "; ".join(f"{finding.seq} {finding.what}" for finding in verdict.findings)


def test_a_whole_log_is_whole(log: Path) -> None:
    verdict = verify(log, KEY)
    assert ([], [], 1, 8, 8, 2) == (
        verdict.findings, verdict.notes, verdict.first, verdict.last, verdict.records, verdict.files
    )  # fmt: skip


def test_a_log_without_records_is_whole_and_one_whose_files_are_all_gone_is_not(log: Path, tmp_path: Path) -> None:
    write(tmp_path / "new", [])
    assert [] == verify(tmp_path / "new", KEY).findings
    for file in log.glob("*.jsonl"):
        file.unlink()
    assert "1 the log was cut off after record 0; it reached 8" == whats(verify(log, KEY))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two files of two records."""
    write(tmp_path / "audit", [2, 2])
    return tmp_path / "audit"


def test_every_change_of_a_single_byte_is_found(small: Path) -> None:
    log, tried = small, 0
    for path in sorted(log.iterdir()):
        whole = path.read_bytes()
        for index, byte in enumerate(whole):
            # Another letter, another case, another digit, no letter at all.
            for other in {byte ^ 1, byte ^ 0x20, 0x0A}:
                if other != byte:
                    path.write_bytes(whole[:index] + bytes((other,)) + whole[index + 1 :])
                    assert verify(log, KEY).findings, (path.name, index, other)
                    tried += 1
        path.write_bytes(whole)
    assert tried > 3000
    assert [] == verify(log, KEY).findings


def test_every_cut_is_found(small: Path) -> None:
    log = small
    for path in sorted(log.iterdir()):
        whole = path.read_bytes()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            assert verify(log, KEY).findings, (path.name, length)
        path.unlink()
        assert verify(log, KEY).findings, path.name
        path.write_bytes(whole)


def lines_of(log: Path) -> Iterator[tuple[Path, list[bytes], int]]:
    for path in sorted(log.glob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        for index in range(len(lines)):
            yield path, lines, index


CHANGES: dict[str, Callable[[list[bytes], int], list[bytes]]] = {
    "dropped": lambda lines, index: lines[:index] + lines[index + 1 :],
    "doubled": lambda lines, index: [*lines[: index + 1], *lines[index:]],
    "moved to the end": lambda lines, index: [*lines[:index], *lines[index + 1 :], lines[index]],
    "swapped": lambda lines, index: [*lines[: index - 1], lines[index], lines[index - 1], *lines[index + 1 :]],
    "an older one put in": lambda lines, index: [*lines[:index], lines[0], *lines[index + 1 :]],
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_line_that_is(log: Path, change: str) -> None:
    tried = 0
    for path, lines, index in lines_of(log):
        whole, changed = b"".join(lines), b"".join(CHANGES[change](lines, index))
        if changed != whole and not (change == "swapped" and index == 0):
            path.write_bytes(changed)
            verdict = verify(log, KEY)
            assert verdict.findings, (path.name, index)
            tried += 1
        path.write_bytes(whole)
    assert tried >= 6


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_else_is_done_to_the_bytes_is_found(log: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(log.glob("*.jsonl"))))
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start + 1, len(whole)))
    other = data.draw(st.binary(max_size=40) | st.sampled_from([whole[:start], b"\n", b"{}\n", whole[start:end].upper()]))
    try:
        path.write_bytes(whole[:start] + other + whole[end:])
        assert path.read_bytes() == whole or verify(log, KEY).findings
    finally:
        path.write_bytes(whole)


def _in_place_of(path: Path, kind: str) -> None:
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to("/dev/zero")
        case "link to nothing":
            path.symlink_to("nothing")
        case "FIFO":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(str(path))


@pytest.mark.parametrize("name", [auditlog.file_name(1), auditlog.file_name(5), auditlog.HEAD_FILE])
@pytest.mark.parametrize("kind", ["folder", "link", "link to nothing", "FIFO", "socket"])
def test_what_is_no_file_any_more_is_found(log: Path, name: str, kind: str) -> None:
    _in_place_of(log / name, kind)
    assert name in {finding.file for finding in verify(log, KEY).findings}


@pytest.mark.parametrize("name", [auditlog.file_name(1), auditlog.file_name(5), auditlog.HEAD_FILE])
@pytest.mark.parametrize(
    "content", [b'{"seq":' + b"[" * 16_000, b'{"x":' * 3000, b'{"seq":' + b"9" * 5000 + b"}\n", bytes(100_000), b"\xff\n" * 50]
)
def test_rubbish_is_found_and_takes_nobody_down(log: Path, name: str, content: bytes) -> None:
    (log / name).write_bytes(content)
    assert verify(log, KEY).findings


@pytest.mark.parametrize("target", ["5", "abc", "9" * 5000, ""])
def test_what_no_key_proves_tells_nothing_of_the_log(log: Path, target: str) -> None:
    """A record behind a line that is none is bound to nothing: it is not believed that it removed the oldest file."""
    (log / auditlog.file_name(1)).unlink()
    path = log / auditlog.file_name(5)
    forged = AuditRecord(7, "", auditlog.SOURCE, auditlog.PRUNED, "ok", target=target)
    line, _ = auditlog.line_of(bytes(32), auditlog.NOTHING, forged)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"rubbish\n", line, lines[3]]))
    assert "the records before 5 were removed" in whats(verify(log, KEY))


def test_the_verdict_says_which_record(log: Path) -> None:
    path = log / auditlog.file_name(5)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1].replace(b'"login"', b'"logon"'), *lines[2:]]))
    assert "6 it is not what was written after the record before it" == whats(verify(log, KEY))
    path.write_bytes(b"".join([*lines[:1], *lines[3:]]))
    assert "8 the records 6 to 7 are missing before it" == whats(verify(log, KEY))
    path.write_bytes(b"".join(lines[:2]))
    assert "7 the log was cut off after record 6; it reached 8" == whats(verify(log, KEY))


def test_a_foreign_file_a_link_and_a_fifo_are_found(log: Path, tmp_path: Path) -> None:
    (log / "more.jsonl").write_text("{}")
    assert "0 hostd has made no such file" == whats(verify(log, KEY))
    (log / "more.jsonl").unlink()
    shutil.copy(log / auditlog.file_name(1), log / auditlog.file_name(9))
    assert "1 the file does not begin as its name says" in whats(verify(log, KEY))
    (log / auditlog.file_name(9)).unlink()
    os.mkfifo(log / auditlog.file_name(9))
    assert "0 it is no file" == whats(verify(log, KEY))
    (log / auditlog.file_name(9)).unlink()
    (log / auditlog.file_name(5)).rename(tmp_path / "elsewhere")
    (log / auditlog.file_name(5)).symlink_to(tmp_path / "elsewhere")
    assert "0 it is a link" in whats(verify(log, KEY))


def test_a_file_of_another_log_with_the_same_key_is_found(log: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", [3, 1, 4])
    shutil.copy(tmp_path / "other" / auditlog.file_name(5), log / auditlog.file_name(5))
    assert "5 the records before it are not those that were there" in whats(verify(log, KEY))


def test_another_key_finds_everything_wrong(log: Path) -> None:
    verdict = verify(log, bytes(32))
    assert 9 == len(verdict.findings)


def test_findings_are_bounded(tmp_path: Path) -> None:
    write(tmp_path / "audit", [300])
    verdict = verify(tmp_path / "audit", bytes(32))
    assert (FINDINGS_MAX, 301 - FINDINGS_MAX) == (len(verdict.findings), verdict.more)


def test_a_line_without_an_end_is_read_in_parts(log: Path) -> None:
    path = log / auditlog.file_name(5)
    path.write_bytes(path.read_bytes() + b"x" * (3 * auditlog.LINE_MAX))
    assert verify(log, KEY).findings


def test_a_record_that_was_not_finished_is_an_interruption(tmp_path: Path) -> None:
    """The head is behind: what follows it may be torn by a loss of power, and is not held against anyone."""
    folder = tmp_path / "audit"
    write(folder, [4, 4], head=7)
    path = folder / auditlog.file_name(5)
    whole = path.read_bytes()
    begin = whole.rindex(b"\n", 0, -1) + 1
    for length in range(begin + 1, len(whole)):
        path.write_bytes(whole[:length])
        verdict = verify(folder, KEY)
        assert ([], 7, 1) == (verdict.findings, verdict.last, len(verdict.notes))


def test_only_a_noted_record_shows_that_all_was_put_back(log: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(log, old)
    macs = write(log, [4, 8])
    noted = (12, macs[11])
    assert [] == verify(log, KEY, noted).findings
    assert [] == verify(old, KEY).findings
    assert "12 the record that was noted is missing" in whats(verify(old, KEY, noted))
    assert "8 it is not the record that was noted" == whats(verify(log, KEY, (8, "0" * 64)))


def test_removing_the_oldest_files_is_told_from_pruning(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    macs = write(folder, [3, 3])
    pruned = AuditRecord(7, "2026-01-01T00:00:00.000Z", auditlog.SOURCE, auditlog.PRUNED, "ok", target="4")
    line, mac = auditlog.line_of(KEY, macs[-1], pruned)
    with (folder / auditlog.file_name(4)).open("ab") as file:
        file.write(line)
    (folder / auditlog.HEAD_FILE).write_bytes(auditlog.head_line(KEY, Head(7, mac)))
    assert [] == verify(folder, KEY).findings  # said, and not yet done
    (folder / auditlog.file_name(1)).unlink()
    assert ([], 4) == (verify(folder, KEY).findings, verify(folder, KEY).first)
    assert (
        "record 2 was removed since it was noted; it is older than all that is kept" in verify(folder, KEY, (2, macs[1])).notes
    )
    write(folder, [3, 3])
    (folder / auditlog.file_name(1)).unlink()
    assert "1 the records before 4 were removed" == whats(verify(folder, KEY))


def test_a_peers_event_is_not_taken_for_the_logs_own(tmp_path: Path) -> None:
    """A taken-over api may say that files were pruned; it is not believed."""
    folder = tmp_path / "audit"
    macs = write(folder, [3, 3])
    said = AuditRecord(7, "2026-01-01T00:00:00.000Z", "api", auditlog.PRUNED, "ok", target="4")
    line, mac = auditlog.line_of(KEY, macs[-1], said)
    with (folder / auditlog.file_name(4)).open("ab") as file:
        file.write(line)
    (folder / auditlog.HEAD_FILE).write_bytes(auditlog.head_line(KEY, Head(7, mac)))
    (folder / auditlog.file_name(1)).unlink()
    assert "1 the records before 4 were removed" == whats(verify(folder, KEY))


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"00" * 33, b"zz" * 32, b"00" * 32 + b"\n\n", b"00" * 32 + b" "])
def test_what_is_no_key_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a key"):
        auditlog.key_of(content)


def test_a_fresh_key_is_one() -> None:
    assert 32 == len(auditlog.key_of(auditlog.new_key()))
    assert auditlog.new_key() != auditlog.new_key()


@given(text=st.text(max_size=128), short=st.text(max_size=64))
def test_the_longest_record_fits_in_a_line(text: str, short: str) -> None:
    text, short = (text + "\x01" * 128)[:128], (short + "\x01" * 64)[:64]
    origin = Origin(short, short, short, short)
    record = AuditRecord(
        2**53, "2026-01-01T00:00:00.000Z", short, "a" * 64, "o" * 32, "w" * 25, "o" * 25, text, 2**53, 2**53, 1e9, origin
    )
    line, mac = auditlog.line_of(KEY, auditlog.NOTHING, record)
    assert len(line) < auditlog.LINE_MAX
    assert (record, mac) == (auditlog.record_of(auditlog.split(line[:-1])[0]), auditlog.split(line[:-1])[1])
