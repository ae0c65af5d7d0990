"""The audit log: one JSON line for each verb that was called, whoever called it and however it ended."""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from shared.log import logger
from shared.messages import Request, Verb


class Audit:
    """Appends to one file, root's 0600. It is opened for each line, so that it can be rotated at any time."""

    def __init__(self, path: Path) -> None:
        """Write to `path`."""
        self._path = path

    def write(self, *, uid: int, verb: Verb, request: Request, outcome: str, ms: float) -> None:
        """One line. Of the request it shows only the fields that the verb's declaration names."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "uid": uid,
            "verb": verb.name,
            **{name: getattr(request, name) for name in verb.audit},
            "outcome": outcome,
            "ms": round(ms, 1),
        }
        try:
            fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.write(fd, msgspec.json.encode(line) + b"\n")
            finally:
                os.close(fd)
        except OSError as error:
            logger().error("audit_line_lost", error=str(error), **line)
