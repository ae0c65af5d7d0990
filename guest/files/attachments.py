"""Attachments: files that come with prompts, kept beside the clone as `attachments/ID.EXT` and `attachments/ID.info`.

The tenant can change both. A record that does not fit its file is as if there were none.
"""

import os
import re
import stat
import threading
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from guest.clock import check, now
from guest.drivers.base import Attachment
from guest.files.drafts import Draft
from guest.files.paths import faults, own_folder
from guest.sessions.records import Time
from shared.errors import Code, Fault
from shared.files import ATTACHMENTS_KEPT, AttachmentInfo, AttachmentName, MediaType
from shared.guestwire.files import CreateAttachment
from shared.ids import ATTACHMENT_PATTERN

_FOLDER: Final = "attachments"
_RECORD: Final = ".info"
_RECORD_MAX: Final = 4096
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,10}")
_IS_RECORD: Final = re.compile(f"{ATTACHMENT_PATTERN.strip('^$')}{re.escape(_RECORD)}")


_taking: Final = threading.Lock()
"""Held from the look at what there is to the addition."""


class _Record(Struct, frozen=True):
    """An attachment's `ID.info`."""

    name: AttachmentName
    media_type: MediaType
    created: Time


def file_name(attachment: str, name: str) -> str:
    """What the file of an attachment is called: agents tell an image by its extension, and nothing else is kept of `name`."""
    extension = os.path.splitext(name)[1].lower()  # noqa: PTH122  # `name` is no path
    return attachment + (extension if _EXTENSION.fullmatch(extension) and extension != _RECORD else "")


class Shelf:
    """The attachments of one session, by an open descriptor of their folder."""

    def __init__(self, sessions: Path, session: str) -> None:
        """Open the folder, and make it if there is none. Raises Fault FAILED."""
        self.fd = own_folder(sessions, session, _FOLDER)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)

    def all(self) -> list[AttachmentInfo]:
        """Those that are whole, oldest first, at most as many as a session may have."""
        with faults():
            names = sorted(name for name in os.listdir(self.fd) if _IS_RECORD.fullmatch(name))  # noqa: PTH208  # a descriptor
        found = [self._info(name.removesuffix(_RECORD)) for name in names[:ATTACHMENTS_KEPT]]
        return sorted((info for info in found if info), key=lambda info: (info.created, info.attachment))

    def get(self, attachment: str) -> AttachmentInfo:
        """One of them. Raises Fault NOT_FOUND."""
        info = self._info(attachment)
        if info is None:
            raise Fault(Code.NOT_FOUND, f"there is no attachment `{attachment}`")
        return info

    def _info(self, attachment: str) -> AttachmentInfo | None:
        try:
            record = self._record(attachment)
            found = os.stat(file_name(attachment, record.name), dir_fd=self.fd, follow_symlinks=False)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return AttachmentInfo(
            attachment=attachment, name=record.name, media_type=record.media_type, size=found.st_size, created=record.created
        )

    def _record(self, attachment: str) -> _Record:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(attachment + _RECORD, flags, dir_fd=self.fd), "rb") as file:  # noqa: PTH123  # a descriptor
            record = msgspec.json.decode(file.read(_RECORD_MAX), type=_Record)
        check(record.created)
        return record

    def allow(self, attachment: str, size: int, most: int) -> None:
        """Raise Fault LIMIT when `attachment`, new or anew, with `size` bytes would be one too many, or too much."""
        others = [info for info in self.all() if info.attachment != attachment]
        if len(others) >= ATTACHMENTS_KEPT:
            raise Fault(Code.LIMIT, f"the session has {ATTACHMENTS_KEPT} attachments, and may not have more")
        if sum(info.size for info in others) + size > most:
            raise Fault(Code.LIMIT, f"the attachments of a session may have {most} bytes together")

    def take(self, draft: Draft, request: CreateAttachment, most: int) -> AttachmentInfo:
        """Keep what has come. Raises Fault LIMIT, FAILED."""
        with _taking:
            self.allow(request.attachment, draft.size, most)
            draft.keep(self.fd, file_name(request.attachment, request.name))
            self._write_record(request.attachment, request.name, request.media_type)
        return self.get(request.attachment)

    def _write_record(self, attachment: str, name: str, media_type: str) -> None:
        """Write down what the file is; from now on it counts. Raises Fault FAILED, as with a full disk."""
        record = msgspec.json.encode(_Record(name, media_type, now()))
        draft = f".{attachment}.new"
        with faults():
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with open(os.open(draft, flags, 0o600, dir_fd=self.fd), "wb") as file:  # noqa: PTH123  # a descriptor
                file.write(record)
            os.rename(draft, attachment + _RECORD, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def remove(self, attachment: str) -> None:
        """Remove one. Raises Fault NOT_FOUND, FAILED."""
        info = self.get(attachment)
        with faults():
            os.unlink(attachment + _RECORD, dir_fd=self.fd)
            os.unlink(file_name(attachment, info.name), dir_fd=self.fd)


def resolve(session_folder: Path, ids: list[str]) -> list[Attachment]:
    """The attachments `ids` of the session in `session_folder`, as drivers take them. Raises Fault NOT_FOUND."""
    if not ids:
        return []
    shelf = Shelf(session_folder.parent, session_folder.name)
    try:
        infos = [shelf.get(attachment) for attachment in ids]
    finally:
        shelf.close()
    folder = session_folder / _FOLDER
    return [Attachment(path=folder / file_name(i.attachment, i.name), name=i.name, media_type=i.media_type) for i in infos]
