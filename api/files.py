"""What is shown of files."""

from datetime import datetime

from api.schema import View
from api.views import told_moment
from shared.files import FileInfo, FileKind


class FileView(View, frozen=True):
    """An entry of a folder."""

    path: str
    name: str
    kind: FileKind
    size: int
    mode: str
    """Its permissions, in octal."""
    modified_at: datetime
    target: str | None
    """Where a link leads, in its own words."""
    etag: str | None
    """Of a file; for `If-Match`."""


class FilePage(View, frozen=True):
    """Entries in order of their names' bytes, what is in a folder right after it."""

    items: list[FileView]
    next_cursor: str | None


class FileNamesView(View, frozen=True):
    """Paths of files, the best match first."""

    items: list[str]
    truncated: bool
    """Whether more match."""


class MatchView(View, frozen=True):
    """A line that was found."""

    path: str
    line: int
    column: int
    text: str


class Matches(View, frozen=True):
    """What was found, in order of the paths."""

    items: list[MatchView]
    truncated: bool
    """Whether there may be more."""


def file_view(info: FileInfo) -> FileView:
    """What is shown of a file; GUEST_MISBEHAVED when a time is none."""
    return FileView(
        path=info.path,
        name=info.path.rpartition("/")[2],
        kind=info.kind,
        size=info.size,
        mode=f"{info.mode:04o}",
        modified_at=told_moment(info.modified),
        target=info.target,
        etag=f'"{info.version}"' if info.version else None,
    )
