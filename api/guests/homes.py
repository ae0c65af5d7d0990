"""The verb about the home as a whole."""

from api.guests.connections import Connections, Stream
from shared.guestwire.export import ExportHome
from shared.messages import Done


class HomeVerbs(Connections):
    """The verb about the home as a whole."""

    async def export_home(self, workspace: str) -> tuple[Done, Stream]:
        """Begin the archive of all files; its chunks follow, and `Exported`."""
        return await self.stream(workspace, ExportHome(id=1), Done, start=True)
