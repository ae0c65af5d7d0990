"""Verbs about the files and attachments of a session, and the frames of a file on its way.

Each acts on a session's clone, or on one of its worktrees. Paths stay inside: BAD_REQUEST for a path that is none, or that a
symbolic link leads out; NOT_FOUND for what is not there.
"""

from typing import Annotated

from msgspec import Meta

from shared.files import (
    ATTACHMENTS_KEPT,
    CHUNK_MAX,
    DEPTH_MAX,
    FILES_MAX,
    MATCH_TEXT_MAX,
    MATCHES_MAX,
    NAMES_MAX,
    PATTERN_MAX,
    TYPED_MAX,
    AttachmentInfo,
    AttachmentName,
    FileInfo,
    FilePath,
    MediaType,
    Size,
    Version,
)
from shared.guestwire.protocol import GUEST
from shared.ids import AttachmentId, SessionId, WorktreeId
from shared.messages import Done, Message, Reply, Request


class FilePage(Reply, frozen=True):
    """A page of a tree: entries in order of their names' bytes, what is in a folder right after it.

    Fewer than were asked for when they would not fit a frame; `more` says whether any follow.
    """

    items: Annotated[list[FileInfo], Meta(max_length=FILES_MAX)]
    more: bool


class FileNames(Reply, frozen=True):
    """Paths of files, the best match first."""

    items: Annotated[list[FilePath], Meta(max_length=NAMES_MAX)]
    truncated: bool
    """Whether more match."""


class FileOpened(Reply, frozen=True):
    """The stream begins; the caller sends one `Take`, or closes."""

    size: Size
    version: Version
    text: bool
    """Whether its beginning is UTF-8."""


class Match(Message, frozen=True):
    """A line that was found."""

    path: FilePath
    line: Annotated[int, Meta(ge=1)]
    column: Annotated[int, Meta(ge=1)]
    """Of the first byte that matches."""
    text: Annotated[str, Meta(max_length=MATCH_TEXT_MAX)]


class Attachments(Reply, frozen=True):
    """The attachments of a session, oldest first."""

    items: Annotated[list[AttachmentInfo], Meta(max_length=ATTACHMENTS_KEPT)]


@GUEST.to_caller
class Found(Reply, frozen=True):
    """What a search has found, in order of the paths; the connection ends with it."""

    items: Annotated[list[Match], Meta(max_length=MATCHES_MAX)]
    truncated: bool
    """Whether there may be more."""


@GUEST.to_caller
class FileWritten(Reply, frozen=True):
    """The file is in its place."""

    file: FileInfo
    created: bool
    """Whether nothing was there before."""


@GUEST.to_caller
class AttachmentWritten(Reply, frozen=True):
    """The attachment is kept."""

    attachment: AttachmentInfo


@GUEST.to_server
class Take(Message, frozen=True):
    """Send these bytes of the opened file, as `Chunk`s; FAILED when the file has become shorter."""

    offset: Size
    length: Size


@GUEST.to_server
@GUEST.to_caller
class Chunk(Message, frozen=True):
    """The next bytes of a file."""

    data: Annotated[bytes, Meta(min_length=1, max_length=CHUNK_MAX)]


@GUEST.to_server
class Sent(Message, frozen=True):
    """That was all of the file."""


@GUEST.verb(FilePage)
class ListFiles(Request, frozen=True):
    """Entries of the folder `path`, and of the folders in it down to `depth` levels; links are not followed.

    CONFLICT for what is no folder, TOO_LARGE for a folder with more entries than are looked at.
    """

    session: SessionId
    worktree: WorktreeId | None = None
    path: FilePath = ""
    depth: Annotated[int, Meta(ge=1, le=DEPTH_MAX)] = 1
    limit: Annotated[int, Meta(ge=1, le=FILES_MAX)] = 100
    after: FilePath = ""
    """The path of the last entry of the page before."""
    git: bool = False
    """Whether `.git` is shown."""


@GUEST.verb(FileNames)
class ListFileNames(Request, frozen=True):
    """Files by what somebody types of their paths: letters in order, whatever their case. What git ignores is left out."""

    session: SessionId
    text: Annotated[str, Meta(max_length=TYPED_MAX)]
    worktree: WorktreeId | None = None
    limit: Annotated[int, Meta(ge=1, le=NAMES_MAX)] = 50


@GUEST.verb(FileInfo)
class GetFile(Request, frozen=True):
    """One entry. A link at the end of `path` is told as such."""

    session: SessionId
    path: FilePath
    worktree: WorktreeId | None = None


@GUEST.verb(FileInfo)
class MakeFolder(Request, frozen=True):
    """Make a folder; CONFLICT when there is something of that name."""

    session: SessionId
    path: FilePath
    worktree: WorktreeId | None = None
    parents: bool = False
    """Whether to make the folders above it too."""


@GUEST.verb(FileInfo)
class MoveFile(Request, frozen=True):
    """Rename or move an entry; CONFLICT when `to` is there, unless `overwrite`."""

    session: SessionId
    path: FilePath
    to: FilePath
    worktree: WorktreeId | None = None
    overwrite: bool = False


@GUEST.verb(Done)
class RemoveFile(Request, frozen=True):
    """Remove an entry; CONFLICT for a folder that is not empty, unless `recursive`."""

    session: SessionId
    path: FilePath
    worktree: WorktreeId | None = None
    recursive: bool = False


@GUEST.verb(Done)
class SearchFiles(Request, frozen=True):
    """Turn this connection into a search: `Found` follows; to close it ends the search.

    Text files that git does not ignore are searched, those that are not tracked yet too. BAD_REQUEST for a wrong pattern, BUSY
    when too many wait for theirs, TIMEOUT.
    """

    session: SessionId
    text: Annotated[str, Meta(min_length=1, max_length=PATTERN_MAX, pattern=r"^[^\x00\r\n]+$(?!\n)")]
    worktree: WorktreeId | None = None
    path: FilePath = ""
    """The folder to search."""
    glob: Annotated[str, Meta(min_length=1, max_length=PATTERN_MAX, pattern=r"^[^\x00]+$")] | None = None
    """Of the files' names, or of their paths below `path` when it has a `/`."""
    regex: bool = False
    ignore_case: bool = False
    words: bool = False
    ignored: bool = False
    """Whether to search what git ignores too."""
    limit: Annotated[int, Meta(ge=1, le=MATCHES_MAX)] = 200


@GUEST.verb(FileOpened)
class ReadFile(Request, frozen=True):
    """Turn this connection into a file's bytes. CONFLICT for what is no file."""

    session: SessionId
    path: FilePath
    worktree: WorktreeId | None = None


@GUEST.verb(Done)
class WriteFile(Request, frozen=True):
    """Turn this connection into a file's new bytes: `Chunk`s and `Sent`, answered by `FileWritten`.

    What was there stays until all has come. STALE when it is not of the version `match` ("*": any), or `absent` and there;
    CONFLICT for what is no file, TOO_LARGE.
    """

    session: SessionId
    path: FilePath
    worktree: WorktreeId | None = None
    size: Size | None = None
    """If it is known."""
    match: Annotated[str, Meta(max_length=64, pattern=r"^(\*|[0-9a-f]+)$(?!\n)")] | None = None
    absent: bool = False
    executable: bool | None = None
    """None: as it was, else not."""
    parents: bool = False
    """Whether to make the folders above it."""


@GUEST.verb(Done)
class CreateAttachment(Request, frozen=True):
    """Turn this connection into an attachment's bytes: `Chunk`s and `Sent`, answered by `AttachmentWritten`.

    The same `attachment` twice is replaced. LIMIT when the session has its bytes or its number of attachments, TOO_LARGE.
    """

    session: SessionId
    attachment: AttachmentId
    name: AttachmentName
    media_type: MediaType
    size: Size | None = None


@GUEST.verb(Attachments)
class ListAttachments(Request, frozen=True):
    """All attachments of a session."""

    session: SessionId


@GUEST.verb(FileOpened)
class ReadAttachment(Request, frozen=True):
    """Turn this connection into an attachment's bytes."""

    session: SessionId
    attachment: AttachmentId


@GUEST.verb(Done)
class DeleteAttachment(Request, frozen=True):
    """Delete an attachment."""

    session: SessionId
    attachment: AttachmentId
