"""Pages of the audit log. A line is found by its record's number without an index: the files are searched by halves."""

import asyncio
import contextlib
import io
from bisect import bisect_right
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from shared.audit import log as auditlog
from shared.errors import Code, Fault
from shared.hostwire import AuditPage, AuditRecord, ReadAudit

SCAN_MAX: Final = 4 * 1024 * 1024
"""Bytes of the log that one call reads."""
PAGE_BYTES: Final = 192 * 1024
"""Of lines in one page, which is shorter than they are: it must fit in a frame."""
_BLOCK: Final = 64 * 1024
"""Bytes that are read at a time, between which the loop turns."""

Blocks = Generator[list[bytes], None, None]
"""Lines without their ends, some at a time."""


async def read(folder: Path, firsts: Sequence[int], request: ReadAudit) -> AuditPage:
    """The page that `request` asks for, from files with these first numbers. The loop turns meanwhile."""
    if request.before is not None and request.after is not None:
        raise Fault(Code.BAD_REQUEST, "a page is either before a record or after one")
    back = request.after is None
    blocks = backwards(folder, firsts, request.before) if back else forwards(folder, firsts, request.after or 0)
    items: list[AuditRecord] = []
    looked = shown = 0
    with contextlib.closing(blocks):
        for lines in blocks:
            for line in lines:
                looked += len(line)
                record = _chosen(line, request.workspace, request.organisation)
                if record is not None:
                    items.append(record)
                    shown += len(line)
                    if len(items) == request.limit or shown > PAGE_BYTES:
                        return AuditPage(items=items, next=record.seq)
            if looked > SCAN_MAX:
                return AuditPage(items=items, next=auditlog.seq_of(lines[-1]))
            await asyncio.sleep(0)
    return AuditPage(items=items, next=None)


def _chosen(line: bytes, workspace: str | None, organisation: str | None) -> AuditRecord | None:
    """The record in `line`, if it is of that workspace and of that organisation."""
    # A quick look first: most lines are another tenant's.
    if (workspace or "").encode() not in line or (organisation or "").encode() not in line:
        return None
    try:
        record = auditlog.record_of(auditlog.split(line)[0])
    except ValueError:
        return None
    wanted = workspace in {None, record.workspace} and organisation in {None, record.organisation}
    return record if wanted else None


def backwards(folder: Path, firsts: Sequence[int], before: int | None) -> Blocks:
    """The lines of the records before number `before`, else all, newest first, in blocks; what is not there is passed over."""
    for first in reversed(firsts):
        if before is not None and first >= before:
            continue
        try:
            file = (folder / auditlog.file_name(first)).open("rb")
        except FileNotFoundError:
            continue
        with file:
            end = file.seek(0, io.SEEK_END) if before is None else _offset(file, before)
            before = None
            yield from _lines_back(file, end)


def _lines_back(file: BinaryIO, end: int) -> Blocks:
    rest = b""
    while end > 0:
        start = max(0, end - _BLOCK)
        file.seek(start)
        # What follows the last line's end is a line that was torn, or is being written.
        *lines, _ = (file.read(end - start) + rest).split(b"\n")
        end, rest = start, b""
        if start and lines:
            rest = lines.pop(0) + b"\n"
        yield lines[::-1]


def forwards(folder: Path, firsts: Sequence[int], after: int) -> Blocks:
    """The lines of the records after number `after`, oldest first, in blocks; what is not there is passed over."""
    begin = max(0, bisect_right(firsts, after + 1) - 1)
    for first in firsts[begin:]:
        try:
            file = (folder / auditlog.file_name(first)).open("rb")
        except FileNotFoundError:
            continue
        with file:
            file.seek(_offset(file, after + 1))
            rest = b""
            while data := file.read(_BLOCK):
                *lines, rest = (rest + data).split(b"\n")
                yield lines


def _offset(file: BinaryIO, seq: int) -> int:
    """Where in `file` the first line begins whose record has at least number `seq`."""
    low, high = 0, file.seek(0, io.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        _line_at(file, middle)
        line = file.readline(auditlog.LINE_MAX)
        if line and auditlog.seq_of(line) < seq:
            low = middle + 1
        else:
            high = middle
    return _line_at(file, low)


def _line_at(file: BinaryIO, offset: int) -> int:
    """Go to the first beginning of a line at or after `offset`."""
    file.seek(max(0, offset - 1))
    if offset:
        file.readline(auditlog.LINE_MAX)
    return file.tell()
