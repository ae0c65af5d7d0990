"""Where agents keep their transcripts, walked by directory descriptors: no link is followed, and only plain files count."""

import contextlib
import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from guest.transcripts import claude, codex, gemini
from guest.transcripts.parsed import Parse

NAMES_MAX: Final = 250_000
"""Names that one walk looks at: a folder may have more than are of use."""

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


class Node(Struct):
    """A folder in which, or below which, there are transcripts."""

    children: "dict[str, Node]"
    """By name; `*` stands for all others."""
    agent: str = ""
    pattern: str = ""
    """Of the names of the transcripts themselves."""

    def below(self, name: str) -> "Node | None":
        """The folder `name` in this one, if it matters."""
        return self.children.get(name) or self.children.get("*")

    def holds(self, name: str) -> bool:
        """Whether a file of that name is a transcript, by its name."""
        return bool(self.pattern) and fnmatchcase(name, self.pattern)


GEMINI: Final = "gemini"
OPENCODE: Final = "opencode"
PARSERS: Final[dict[str, Parse]] = {"claude": claude.parse, "codex": codex.parse, GEMINI: gemini.parse}
"""Of the agents whose transcripts are files of lines."""
AGENTS: Final = frozenset({*PARSERS, OPENCODE})

_PLACES: Final = (
    (".claude/projects/*", "claude", "*.jsonl"),
    (".claude/projects/*/*/subagents", "claude", "*.jsonl"),
    (".codex/sessions/*/*/*", "codex", "rollout-*.jsonl"),
    (".codex/archived_sessions", "codex", "rollout-*.jsonl"),
    (".gemini/tmp/*/chats", GEMINI, "session-*.jsonl"),
    (".local/share/opencode", OPENCODE, "opencode*.db"),
)


def _tree() -> Node:
    root = Node({})
    for folder, agent, pattern in _PLACES:
        node = root
        for name in folder.split("/"):
            node = node.children.setdefault(name, Node({}))
        node.agent, node.pattern = agent, pattern
    return root


TREE: Final = _tree()
"""What of the home matters."""


class Found(Struct, frozen=True):
    """A file that by its name and place is a transcript."""

    path: str
    """Below the home."""
    agent: str
    inode: int
    size: int
    changed: int
    """Nanoseconds since the epoch."""


class Folder(Struct, frozen=True):
    """A folder that a walk has come to; `fd` is open until the walk goes on."""

    path: str
    fd: int


def descend(home: int, path: str) -> int:
    """A descriptor of the folder `path` below `home`; the caller closes it. Raises OSError, also for a link on the way."""
    fd = os.dup(home)
    for name in filter(None, path.split("/")):
        try:
            inner = os.open(name, _DIRECTORY, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd


def open_file(home: int, path: str) -> int:
    """A descriptor of the plain file `path` below `home`; the caller closes it. Raises OSError for anything else, at once."""
    folder, _, name = path.rpartition("/")
    parent = descend(home, folder)
    try:
        fd = os.open(name, _FILE, dir_fd=parent)
    finally:
        os.close(parent)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is no plain file")
    return fd


def node_of(path: str) -> Node | None:
    """What the folder `path` is for; None when it does not matter."""
    node: Node | None = TREE
    for name in filter(None, path.split("/")):
        node = node and node.below(name)
    return node


def look(folder: int, path: str, name: str, agent: str) -> Found | None:
    """The file `name` of the open folder, which is at `path`; None when it is gone or is no plain file."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        name.encode()
    except (OSError, UnicodeEncodeError):  # a name that is no text cannot be told of
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(f"{path}/{name}", agent, status.st_ino, status.st_size, status.st_mtime_ns)


def walk(home: int, path: str = "") -> Iterator[Folder | Found]:
    """The folders from `path` on that matter, and the files in them that look like transcripts."""
    node = node_of(path)
    if node is None:
        return
    left = [NAMES_MAX]
    try:
        fd = descend(home, path)
    except OSError:
        return
    try:
        yield from _walk(fd, path, node, left)
    finally:
        os.close(fd)


def _walk(fd: int, path: str, node: Node, left: list[int]) -> Iterator[Folder | Found]:
    yield Folder(path, fd)
    for name in _names(fd, node, left):
        if node.holds(name) and (found := look(fd, path, name, node.agent)):
            yield found
        elif below := node.below(name):
            try:
                inner = os.open(name, _DIRECTORY, dir_fd=fd)
            except OSError:  # a link, a file, or gone
                continue
            try:
                yield from _walk(inner, f"{path}/{name}" if path else name, below, left)
            finally:
                os.close(inner)


def _names(fd: int, node: Node, left: list[int]) -> Iterator[str]:
    """The names in the folder that may matter: the home itself is not read for the few that it can have."""
    if "*" not in node.children and not node.pattern:
        yield from node.children
        return
    with contextlib.suppress(OSError), os.scandir(fd) as entries:
        for entry in entries:
            if not left[0]:
                return
            left[0] -= 1
            yield entry.name
