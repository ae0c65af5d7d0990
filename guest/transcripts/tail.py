"""Follows the home by inotify(7). Where that does not work, or not for all, the home is looked through now and then instead."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from asyncinotify import Inotify, Mask

from guest.transcripts.index import Index
from guest.transcripts.places import Folder, node_of

WATCHES_MAX: Final = 4000
"""Folders that are watched; with more, those beyond are looked through now and then."""
_SETTLE: Final = 0.1
"""Seconds in which changes are gathered: an agent writes often."""
_RESCAN: Final = 5.0
"""Seconds between two looks at what cannot be watched."""
_SAVE: Final = 30.0
"""Seconds between two savings of the index."""
_MASK: Final = Mask.CREATE | Mask.MODIFY | Mask.MOVED_TO | Mask.MOVED_FROM | Mask.DELETE | Mask.ONLYDIR | Mask.EXCL_UNLINK
_SHALLOW: Final = Mask.CREATE | Mask.MOVED_TO | Mask.MOVED_FROM | Mask.DELETE | Mask.ONLYDIR
"""For folders in which there are no transcripts, as the home itself is one."""
_log: Final = logging.getLogger(__name__)


class Tail:
    """Keeps an index up to date."""

    def __init__(self, index: Index) -> None:
        """That of `index`."""
        self._index = index
        self._folders: dict[int, str] = {}
        self._files: set[str] = set()
        self._trees: set[str] = set()
        self._blind = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Look through the home, then follow it until cancelled."""
        self._index.load()
        try:
            inotify = Inotify(cache_size=64)
        except OSError as error:
            _log.warning("no inotify: %s", error.strerror)
            self._blind = True
            await self._poll()
            return
        with inotify:
            await self._index.scan(self._watch(inotify))
            self._index.save()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._gather(inotify))
                tasks.create_task(self._work(inotify))
                tasks.create_task(self._poll())

    async def _poll(self) -> None:
        """Look through the home now and then as long as not all of it is watched, and save the index."""
        while True:
            if self._blind:
                await self._index.scan(lambda _: None)
            self._index.save()
            await asyncio.sleep(_RESCAN if self._blind else _SAVE)

    def _watch(self, inotify: Inotify) -> Callable[[Folder], None]:
        def visit(folder: Folder) -> None:
            node = node_of(folder.path)
            if len(self._folders) >= WATCHES_MAX:
                self._blind = True
                return
            try:
                # By its descriptor: what the name leads to may be another folder by now.
                watch = inotify.add_watch(Path(f"/proc/self/fd/{folder.fd}"), _MASK if node and node.pattern else _SHALLOW)
            except OSError:
                self._blind = True
                return
            self._folders[watch.wd] = folder.path

        return visit

    async def _gather(self, inotify: Inotify) -> None:
        """Note what changes."""
        async for event in inotify:
            watch = event.watch
            if event.mask & Mask.Q_OVERFLOW:
                self._trees.add("")
            elif watch is None or (folder := self._folders.get(watch.wd)) is None:
                continue
            elif event.mask & Mask.IGNORED:
                del self._folders[watch.wd]
                continue
            elif event.name is not None:
                self._note(folder, str(event.name), is_folder=bool(event.mask & Mask.ISDIR))
            if self._files or self._trees:
                self._wake.set()

    def _note(self, folder: str, name: str, *, is_folder: bool) -> None:
        node = node_of(folder)
        path = f"{folder}/{name}" if folder else name
        if node is None:
            return
        if is_folder:
            if node.below(name):
                self._trees.add(path)
        elif node.holds(name):
            self._files.add(path)
        elif node.holds(name.removesuffix("-wal")):
            self._files.add(path.removesuffix("-wal"))

    async def _work(self, inotify: Inotify) -> None:
        """Look at what has changed."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_SETTLE)
            self._wake.clear()
            files, trees = self._files, self._trees
            self._files, self._trees = set(), set()
            for tree in sorted(trees):
                await self._index.scan(self._watch(inotify), tree)
            for file in files:
                await self._index.look(file)
