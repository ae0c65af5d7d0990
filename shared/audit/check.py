"""Whether an audit log is as hostd wrote it. It reads files alone, a line at a time, and changes nothing."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from shared.audit import log as auditlog
from shared.audit.log import Head
from shared.hostwire import AuditRecord

FINDINGS_MAX: Final = 100
"""More are counted and not told one by one."""
_TRIES: Final = 3
"""hostd may remove the oldest file while it is to be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that hostd did not leave so."""

    file: str
    seq: int
    """The number of the record that it is about; 0 when it is about none."""
    what: str


@dataclass(slots=True)
class Verdict:
    """What was found out about a log."""

    first: int = 0
    """The number of the oldest record; 0 when there is none."""
    last: int = 0
    mac: str = auditlog.NOTHING
    """Of the last record. Kept elsewhere, number and `mac` show later whether the whole log was put back to an older state."""
    records: int = 0
    files: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    """Findings beyond FINDINGS_MAX."""
    notes: list[str] = field(default_factory=list)
    """What is no tampering and yet worth knowing."""

    def find(self, file: str, seq: int, what: str) -> None:
        """Tell of something wrong."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(file, seq, what))
        else:
            self.more += 1


def verify(folder: Path, key: bytes, expect: tuple[int, str] | None = None) -> Verdict:
    """Check all that is in `folder`. `expect`: the number and the `mac` of a record as they were noted before.

    Raises OSError for what cannot be read.
    """
    for _ in range(_TRIES - 1):
        try:
            return _Check(folder, key, expect).run()
        except FileNotFoundError:
            folder.stat()
    return _Check(folder, key, expect).run()


class _Check:
    def __init__(self, folder: Path, key: bytes, expect: tuple[int, str] | None) -> None:
        self._folder, self._key, self._expect = folder, key, expect
        self._verdict = Verdict()
        self._kept = 1
        """The number of the oldest record that should be there, as the log itself says."""
        self._mac: str | None = None
        """Of the record before; None when it is not known."""
        self._at_head: str | None = None
        self._torn = ""

    def run(self) -> Verdict:
        verdict = self._verdict
        names = sorted(os.listdir(self._folder))  # noqa: PTH208  # names
        head = self._head(names)  # before the records: what hostd writes meanwhile is no cut
        firsts = auditlog.firsts_of(self._folder)
        known = {auditlog.HEAD_FILE, auditlog.SPARE_FILE, *map(auditlog.file_name, firsts)}
        for name in names:
            if name not in known:
                verdict.find(name, 0, "hostd has made no such file")
        for first in firsts:
            self._file(first, head, last=first == firsts[-1])
        self._end(head)
        self._compare()
        return verdict

    def _head(self, names: list[str]) -> Head | None:
        if auditlog.HEAD_FILE not in names:
            self._verdict.find(auditlog.HEAD_FILE, 0, "it is missing, so nothing shows whether the end was cut off")
            return None
        try:
            with _opened(self._folder / auditlog.HEAD_FILE) as file:
                return auditlog.read_head(self._key, file.read(auditlog.LINE_MAX))
        except ValueError:
            self._verdict.find(auditlog.HEAD_FILE, 0, "it was changed, or this is not the key of this log")
            return None

    def _file(self, first: int, head: Head | None, *, last: bool) -> None:
        name, verdict = auditlog.file_name(first), self._verdict
        try:
            file = _opened(self._folder / name)
        except ValueError as error:
            verdict.find(name, 0, str(error))
            return
        verdict.files += 1
        with file:
            for index, line in enumerate(_lines(file)):
                if not line.endswith(b"\n"):
                    if last:
                        self._torn = f"{name}: {len(line)} bytes after record {verdict.last} are of one that was not finished"
                    else:
                        verdict.find(name, verdict.last + 1, "its end was cut off")
                    return
                self._line(name, line[:-1], first=first if index == 0 else 0)
                if head is not None and verdict.last == head.seq:
                    self._at_head = verdict.mac

    def _line(self, name: str, line: bytes, *, first: int) -> None:
        verdict = self._verdict
        try:
            body, mac = auditlog.split(line)
            record = auditlog.record_of(body)
        except ValueError:
            verdict.find(name, verdict.last + 1, "this is no record")
            self._mac = None
            verdict.last += 1
            return
        before, known = (record.target if first else self._mac), verdict.last > 0
        if first and (record.source, record.action, record.seq) != (auditlog.SOURCE, auditlog.OPENED, first):
            problem = "the file does not begin as its name says"
        elif known and record.seq != verdict.last + 1:
            problem = _gap(record.seq, verdict.last)
        elif before is not None and not auditlog.fits(self._key, before, body, mac):
            problem = "it is not what was written after the record before it"
        elif first and known and self._mac not in {None, before}:
            problem = "the records before it are not those that were there"
        else:
            problem = ""
        if problem:
            verdict.find(name, record.seq, problem)
        verdict.first = verdict.first or record.seq
        verdict.records += 1
        verdict.last, verdict.mac, self._mac = record.seq, mac, mac
        if record.source == auditlog.SOURCE and before is not None and not problem:
            self._own(name, record)
        if self._expect and self._expect[0] == record.seq and self._expect[1] != mac:
            verdict.find(name, record.seq, "it is not the record that was noted")

    def _own(self, name: str, record: AuditRecord) -> None:
        """What the log says of itself."""
        if record.action == auditlog.PRUNED:
            self._kept = max(self._kept, int(record.target))
        elif record.action == auditlog.LOST:
            self._verdict.notes.append(f"record {record.seq}: {record.count} records could not be written")
        elif record.action == auditlog.STARTED and record.outcome == auditlog.INTERRUPTED:
            self._verdict.notes.append(f"record {record.seq}: hostd had been interrupted while it wrote; {record.target}")
        elif record.action == auditlog.STARTED and record.outcome != auditlog.OK:
            self._verdict.find(name, record.seq, f"hostd found the log broken when it started: {record.target}")

    def _end(self, head: Head | None) -> None:
        verdict = self._verdict
        if verdict.first > self._kept:
            verdict.find(auditlog.file_name(self._kept), self._kept, f"the records before {verdict.first} were removed")
        if head is None:
            return
        if verdict.last < head.seq:
            what = f"the log was cut off after record {verdict.last}; it reached {head.seq}"
            verdict.find(auditlog.HEAD_FILE, verdict.last + 1, what)
        elif head.seq and self._at_head != head.last:
            verdict.find(auditlog.HEAD_FILE, head.seq, "it is not the record that the head names")
        elif self._torn:
            verdict.notes.append(self._torn)

    def _compare(self) -> None:
        verdict = self._verdict
        if self._expect and self._expect[0] > verdict.last:
            verdict.find("", self._expect[0], "the record that was noted is missing: the log was put back to an older state")
        elif self._expect and self._expect[0] < verdict.first:
            verdict.notes.append(f"record {self._expect[0]} was removed since it was noted; it is older than all that is kept")


def _gap(seq: int, last: int) -> str:
    if seq > last + 1:
        return f"the records {last + 1} to {seq - 1} are missing before it"
    return f"it follows record {last}: it was moved or doubled"


def _opened(path: Path) -> BinaryIO:
    """A regular file; ValueError for anything else, a link among it."""
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise ValueError("it is a link" if stat.S_ISLNK(mode) else "it is no file")
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines with their ends; one that is too long comes in parts."""
    while line := file.readline(auditlog.LINE_MAX):
        yield line if line.endswith(b"\n") or len(line) < auditlog.LINE_MAX else line + b"\n"
