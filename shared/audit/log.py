"""The format of the audit log: numbered records in numbered files, each record bound to all before it under a key.

A line is a record as JSON with `mac` as its last field: HMAC-SHA256 over the `mac` of the line before and over this line up to
its own. So no line can be changed, dropped, doubled or moved by one who lacks the key. A file is named after its first record,
which is the log's own `audit.opened` and repeats the `mac` of the line before. The file `head` says how far the log certainly
reaches, so that a cut tail is seen: it is written when the records are on disk, so it may be behind them and never ahead.
"""

import hmac
import os
import re
from pathlib import Path
from typing import Final

import msgspec

from shared.hostwire import AuditRecord

LINE_MAX: Final = 16 * 1024
"""Bytes of a line, with its end. A record whose texts are as long as they may be, and escaped, is shorter."""
KEY_FILE: Final = "audit.key"
FOLDER: Final = "audit"
HEAD_FILE: Final = "head"
SPARE_FILE: Final = "spare"
SOURCE: Final = "hostd"
"""Of what the log says of itself. No peer can write such a record."""
API: Final = "api"
"""The source of what api tells of."""
STARTED: Final = "audit.started"
"""hostd began to write. Its outcome is `ok`; `interrupted` when a record was torn, as by a loss of power; else `broken`."""
OPENED: Final = "audit.opened"
"""The first record of a file. Its target is the `mac` of the record before."""
PRUNED: Final = "audit.pruned"
"""The oldest files are removed. Its target is the number of the first record that is kept."""
LOST: Final = "audit.lost"
"""So many records, by their count, could not be written, as when the disk was full."""
OK: Final = "ok"
INTERRUPTED: Final = "interrupted"
BROKEN: Final = "broken"
NOTHING: Final = "0" * 64
"""The `mac` before the first record."""

_KEY_BYTES: Final = 32
_HEAD: Final = "head".ljust(64, ".")
"""What stands for the line before in the head: no `mac` looks like it."""
_FIELD: Final = b',"mac":"'
_END: Final = b'"}'
_MAC_BYTES: Final = 64
_TAIL: Final = 4 * LINE_MAX
_AFTER: Final = _MAC_BYTES + len(_END)
_SUFFIX: Final = len(_FIELD) + _AFTER
_IS_MAC: Final = re.compile(rb"[0-9a-f]{64}")
_IS_KEY: Final = re.compile(rb"[0-9a-f]{64}\n?")
_FILE: Final = re.compile(r"[0-9]{12,18}\.jsonl")


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the log certainly reaches: the number of a record, and its `mac`."""

    seq: int
    last: str


class _Numbered(msgspec.Struct, frozen=True):
    seq: int


_encode: Final = msgspec.json.Encoder().encode
_record: Final = msgspec.json.Decoder(AuditRecord)
_head: Final = msgspec.json.Decoder(Head)
_numbered: Final = msgspec.json.Decoder(_Numbered)


def new_key() -> bytes:
    """The content of a fresh key file."""
    return os.urandom(_KEY_BYTES).hex().encode() + b"\n"


def key_of(content: bytes) -> bytes:
    """The key in the content of a key file; ValueError when it is none."""
    if not _IS_KEY.fullmatch(content):
        raise ValueError("not a key of an audit log: 64 hexadecimal digits are expected")
    return bytes.fromhex(content.decode())


def file_name(first: int) -> str:
    """The name of the file whose first record has that number."""
    return f"{first:012d}.jsonl"


def firsts_of(folder: Path) -> list[int]:
    """The numbers of the first records of the files in `folder`, in order."""
    return sorted(int(name.partition(".")[0]) for name in os.listdir(folder) if _FILE.fullmatch(name))  # noqa: PTH208  # names


def _mac(key: bytes, before: str, body: bytes) -> str:
    return hmac.digest(key, before.encode() + body, "sha256").hex()


def fits(key: bytes, before: str, body: bytes, mac: str) -> bool:
    """Whether a line with that body and that `mac` was written after a line with the `mac` `before`."""
    return hmac.compare_digest(_mac(key, before, body).encode(), mac.encode(errors="replace"))


def line_of(key: bytes, before: str, record: AuditRecord) -> tuple[bytes, str]:
    """The line of `record`, with its end, and its `mac`."""
    return _sealed(key, before, _encode(record)[:-1])


def head_line(key: bytes, head: Head) -> bytes:
    """The content of the head's file."""
    return _sealed(key, _HEAD, _encode(head)[:-1])[0]


def _sealed(key: bytes, before: str, body: bytes) -> tuple[bytes, str]:
    mac = _mac(key, before, body)
    return b"".join((body, _FIELD, mac.encode(), _END, b"\n")), mac


def split(line: bytes) -> tuple[bytes, str]:
    """The body of a line that is given without its end, which the `mac` covers, and the `mac`; ValueError when it has none."""
    body, field, mac, end = line[:-_SUFFIX], line[-_SUFFIX:-_AFTER], line[-_AFTER : -len(_END)], line[-len(_END) :]
    if (field, end) != (_FIELD, _END) or not _IS_MAC.fullmatch(mac):
        raise ValueError("not a line of an audit log")
    return body, mac.decode()


def record_of(body: bytes) -> AuditRecord:
    """The record of a line's body; ValueError when it is none."""
    try:
        return _record.decode(body + b"}")
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


def read_head(key: bytes, content: bytes) -> Head:
    """The head in the content of its file; ValueError when it was not written with that key, to the last byte."""
    try:
        head = _head.decode(split(content[:-1])[0] + b"}")
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    if not hmac.compare_digest(head_line(key, head), content):
        raise ValueError("the head was changed, or written with another key")
    return head


def last_of(key: bytes, path: Path) -> tuple[int, str, int, int]:
    """Number and `mac` of a file's last whole record, where that ends, and how many bytes of a torn one follow.

    The number is 0 when there is none. ValueError when it is not what was written after the record before it.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        *lines, rest = file.read().split(b"\n")
    if not lines:
        return 0, NOTHING, 0, size
    body, mac = split(lines[-1])
    record = record_of(body)
    if not fits(key, split(lines[-2])[1] if len(lines) > 1 else record.target, body, mac):
        raise ValueError("the last record was changed")
    return record.seq, mac, size - len(rest), len(rest)


def seq_of(line: bytes) -> int:
    """The number of the record in `line`; 0 when it holds none."""
    try:
        return _numbered.decode(line).seq
    except (msgspec.DecodeError, ValueError):  # a UnicodeDecodeError is a ValueError
        return 0
