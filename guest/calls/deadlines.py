"""Deadlines."""

import math

from guest import clock
from guest.supervisor import Supervisor
from shared.guestwire import deadlines as wire


class DeadlineCalls:
    """The verb about deadlines."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def get_deadlines(self, _request: wire.GetDeadlines) -> wire.Deadlines:
        """When something is due."""
        deadlines, sessions = self._parts.deadlines, self._parts.sessions.all()
        rests = [due.at - clock.uptime() for session in sessions if (due := deadlines.deletion_of(session))]
        return wire.Deadlines(
            running=deadlines.told_of_workspace(sessions),
            deletion=math.ceil(max(0.0, min(rests))) if rests else None,
        )
