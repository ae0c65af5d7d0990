"""The verbs about files and attachments."""

from api.guests.connections import FILES_DEADLINE, Connections, Stream
from shared.files import FileInfo
from shared.guestwire.files import (
    Attachments,
    CreateAttachment,
    DeleteAttachment,
    FileNames,
    FileOpened,
    FilePage,
    GetFile,
    ListAttachments,
    ListFileNames,
    ListFiles,
    MakeFolder,
    MoveFile,
    ReadAttachment,
    ReadFile,
    RemoveFile,
    SearchFiles,
    WriteFile,
)
from shared.messages import Done


class FileVerbs(Connections):
    """The verbs about files and attachments. A request says of which session, worktree and path."""

    async def list_files(self, workspace: str, request: ListFiles) -> FilePage:
        """A page of a tree."""
        return await self.call(workspace, request, FilePage, deadline=FILES_DEADLINE)

    async def list_file_names(self, workspace: str, request: ListFileNames) -> FileNames:
        """Files by their names."""
        return await self.call(workspace, request, FileNames, deadline=FILES_DEADLINE)

    async def get_file(self, workspace: str, request: GetFile) -> FileInfo:
        """One entry."""
        return await self.call(workspace, request, FileInfo)

    async def make_folder(self, workspace: str, request: MakeFolder) -> FileInfo:
        """Make a folder."""
        return await self.call(workspace, request, FileInfo)

    async def move_file(self, workspace: str, request: MoveFile) -> FileInfo:
        """Rename or move an entry."""
        return await self.call(workspace, request, FileInfo)

    async def remove_file(self, workspace: str, request: RemoveFile) -> Done:
        """Remove an entry."""
        return await self.call(workspace, request, Done, deadline=FILES_DEADLINE)

    async def search_files(self, workspace: str, request: SearchFiles) -> tuple[Done, Stream]:
        """Begin a search; `Found` follows."""
        return await self.stream(workspace, request, Done, start=True)

    async def read_file(self, workspace: str, request: ReadFile) -> tuple[FileOpened, Stream]:
        """Open a file to read from."""
        return await self.stream(workspace, request, FileOpened, start=True)

    async def write_file(self, workspace: str, request: WriteFile) -> tuple[Done, Stream]:
        """Begin to write a file; `FileWritten` follows what is sent."""
        return await self.stream(workspace, request, Done, start=True)

    async def create_attachment(self, workspace: str, request: CreateAttachment) -> tuple[Done, Stream]:
        """Begin to write an attachment; `AttachmentWritten` follows what is sent."""
        return await self.stream(workspace, request, Done, start=True)

    async def list_attachments(self, workspace: str, session: str) -> Attachments:
        """The attachments of a session, oldest first."""
        return await self.call(workspace, ListAttachments(session=session), Attachments)

    async def read_attachment(self, workspace: str, session: str, attachment: str) -> tuple[FileOpened, Stream]:
        """Open an attachment to read from."""
        request = ReadAttachment(id=1, session=session, attachment=attachment)
        return await self.stream(workspace, request, FileOpened, start=True)

    async def delete_attachment(self, workspace: str, session: str, attachment: str) -> Done:
        """Delete an attachment."""
        return await self.call(workspace, DeleteAttachment(session=session, attachment=attachment), Done)
