"""The verb about deadlines."""

from api.guests.connections import Connections
from shared.guestwire.deadlines import Deadlines, GetDeadlines


class DeadlineVerbs(Connections):
    """The verb about deadlines."""

    async def get_deadlines(self, workspace: str, *, start: bool = False, deadline: float | None = None) -> Deadlines:
        """What is due; starts the guest only on request."""
        return await self.call(workspace, GetDeadlines(), Deadlines, start=start, deadline=deadline)
