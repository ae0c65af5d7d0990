"""Files and attachments."""

import asyncio
import contextlib
import os
from collections.abc import Iterator

from msgspec import structs

from guest.calls.places import place, root
from guest.files import files, listing, transfers
from guest.files.attachments import Shelf, file_name
from guest.files.drafts import Place
from guest.supervisor import Supervisor
from guest.waits import unless_gone
from shared.files import FileInfo
from shared.guestwire import files as wire
from shared.link import Link
from shared.messages import Done


@contextlib.contextmanager
def _shelf(parts: Supervisor, session: str) -> Iterator[Shelf]:
    """The attachments of a session. Raises Fault NOT_FOUND."""
    found = parts.sessions.get(session)
    with contextlib.closing(Shelf(found.folder.parent, session)) as shelf:
        yield shelf


class FileCalls:
    """Verbs about files and attachments."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def list_files(self, request: wire.ListFiles) -> wire.FilePage:
        """A page of a tree."""
        wanted = listing.Page(request.depth, request.limit, request.after, request.git)
        items, more = await asyncio.to_thread(listing.page, root(self._parts, request), request.path, wanted)
        return wire.FilePage(items=items, more=more)

    async def list_file_names(self, request: wire.ListFileNames) -> wire.FileNames:
        """Files by their names."""
        return await self._parts.names.find(place(self._parts, request)[1], request)

    async def get_file(self, request: wire.GetFile) -> FileInfo:
        """One entry."""
        return await asyncio.to_thread(files.look, root(self._parts, request), request.path)

    async def make_folder(self, request: wire.MakeFolder) -> FileInfo:
        """Make a folder."""
        where = root(self._parts, request)
        return await asyncio.to_thread(files.make_folder, where, request.path, parents=request.parents)

    async def move_file(self, request: wire.MoveFile) -> FileInfo:
        """Rename or move an entry."""
        where = root(self._parts, request)
        return await asyncio.to_thread(files.move, where, request.path, request.to, overwrite=request.overwrite)

    async def remove_file(self, request: wire.RemoveFile) -> Done:
        """Remove an entry."""
        await files.remove(root(self._parts, request), request.path, self._parts.trees, recursive=request.recursive)
        return Done()

    async def list_attachments(self, request: wire.ListAttachments) -> wire.Attachments:
        """All attachments of a session."""
        with _shelf(self._parts, request.session) as shelf:
            return wire.Attachments(items=await asyncio.to_thread(shelf.all))

    async def delete_attachment(self, request: wire.DeleteAttachment) -> Done:
        """Delete an attachment."""
        with _shelf(self._parts, request.session) as shelf:
            shelf.remove(request.attachment)
        return Done()


class FileStreams:
    """Files on their way, and searches."""

    def __init__(self, parts: Supervisor) -> None:
        """Stream from `parts`."""
        self._parts = parts

    async def search_files(self, link: Link, request: wire.SearchFiles) -> None:
        """Search until it is done, or the caller has gone."""
        _, folder = place(self._parts, request)
        with self._parts.idle:
            await link.send(Done(id=request.id))
            found = await unless_gone(link, self._parts.search.run(folder, root(self._parts, request), request))
            await link.send(structs.replace(found, id=request.id))

    async def read_file(self, link: Link, request: wire.ReadFile) -> None:
        """A file's bytes."""
        fd = await asyncio.to_thread(files.open_file, root(self._parts, request), request.path)
        await self._send(link, request.id, fd)

    async def read_attachment(self, link: Link, request: wire.ReadAttachment) -> None:
        """An attachment's bytes."""
        with _shelf(self._parts, request.session) as shelf:
            info = shelf.get(request.attachment)
            fd = files.open_at(shelf.fd, os.fsencode(file_name(info.attachment, info.name)))
        await self._send(link, request.id, fd)

    async def _send(self, link: Link, request_id: int, fd: int) -> None:
        try:
            with self._parts.idle:
                await transfers.send(link, request_id, fd)
        finally:
            os.close(fd)

    async def write_file(self, link: Link, request: wire.WriteFile) -> None:
        """A file's new bytes."""
        target = Place(
            root=root(self._parts, request),
            path=request.path,
            match=request.match,
            absent=request.absent,
            executable=request.executable,
            parents=request.parents,
        )
        uploads = self._parts.uploads
        uploads.check(request.size or 0)
        await asyncio.to_thread(target.check)
        await self._parts.quota.check()
        with self._parts.idle, uploads.draft(request.session) as draft:
            await link.send(Done(id=request.id))
            await transfers.receive(link, draft, uploads.check)
            info, created = await asyncio.to_thread(draft.put, target)
            await link.send(wire.FileWritten(id=request.id, file=info, created=created))

    async def create_attachment(self, link: Link, request: wire.CreateAttachment) -> None:
        """An attachment's bytes."""
        uploads = self._parts.uploads
        uploads.check(request.size or 0)
        await self._parts.quota.check()
        with _shelf(self._parts, request.session) as shelf, self._parts.idle:
            await asyncio.to_thread(shelf.allow, request.attachment, request.size or 0, uploads.attachments)
            with uploads.draft(request.session) as draft:
                await link.send(Done(id=request.id))
                await transfers.receive(link, draft, lambda size: uploads.check(size, uploads.attachments))
                info = await asyncio.to_thread(shelf.take, draft, request, uploads.attachments)
            await link.send(wire.AttachmentWritten(id=request.id, attachment=info))
