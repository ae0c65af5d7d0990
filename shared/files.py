"""The files of a session as they are told over the wire, and the limits of their fields.

Paths are relative to the clone or the worktree, with `/` between the names; "" is the folder itself. Linux's names are bytes: a
byte that is not UTF-8 is shown as one character of U+EF80 to U+EFFF (0x80 is U+EF80), and understood so.
"""

import enum
from typing import Annotated, Final

from msgspec import Meta

from shared.ids import AttachmentId
from shared.messages import Reply

PATH_MAX: Final = 4096
"""Characters of a path. What is so deep that its path is longer cannot be reached here, and is not listed."""
CHUNK_MAX: Final = 256 * 1024
"""Bytes in one Chunk."""
FILES_MAX: Final = 500
"""Entries in one page of a tree."""
DEPTH_MAX: Final = 16
"""Levels of folders in one page."""
MATCHES_MAX: Final = 1000
"""Lines that a search finds."""
MATCH_TEXT_MAX: Final = 400
"""Characters that are shown of a line that was found."""
PATTERN_MAX: Final = 1000
"""Characters of what is searched for."""
NAMES_MAX: Final = 200
"""Files that are found by their names."""
TYPED_MAX: Final = 200
"""Characters of a name that somebody types."""
ATTACHMENTS_KEPT: Final = 500
"""Attachments of a session."""
ATTACHMENT_NAME_MAX: Final = 255

FilePath = Annotated[str, Meta(max_length=PATH_MAX, pattern=r"^[^\x00]*$")]
Size = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Version = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$(?!\n)")]
"""What tells one state of a file from another: HTTP's entity tag without its quotes."""
AttachmentName = Annotated[
    str, Meta(min_length=1, max_length=ATTACHMENT_NAME_MAX, pattern=r"^[^\x00-\x1f\x7f-\x9f/\u2028\u2029]+$(?!\n)")
]
MediaType = Annotated[str, Meta(max_length=127, pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$(?!\n)")]


class FileKind(enum.StrEnum):
    """What an entry of a folder is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    """A symbolic link, told as such; it is followed only where it stays inside."""
    OTHER = "other"
    """A socket, a FIFO or a device: it can be moved and deleted, and nothing else."""


class FileInfo(Reply, frozen=True):
    """An entry of a folder."""

    path: FilePath
    kind: FileKind
    size: Size
    modified: Annotated[str, Meta(max_length=40)]
    mode: Annotated[int, Meta(ge=0, le=0o7777)]
    target: FilePath | None = None
    """Where a link leads, in its own words."""
    version: Version | None = None
    """Of files only."""


class AttachmentInfo(Reply, frozen=True):
    """A file that can come with a prompt."""

    attachment: AttachmentId
    name: AttachmentName
    media_type: MediaType
    size: Size
    created: Annotated[str, Meta(max_length=40)]
