"""The verb about what a workspace uses."""

from typing import Final

from api.guests.connections import Connections
from shared.guestwire.figures import Figures, GetFigures

_PATIENCE: Final = 2.0
"""Seconds: who asks does so again and again, and a tenant can stop its guest."""


class FigureVerbs(Connections):
    """The verb about what a workspace uses."""

    async def get_figures(self, workspace: str) -> Figures:
        """What runs, and what it uses. No guest is started."""
        return await self.call(workspace, GetFigures(), Figures, start=False, deadline=_PATIENCE)
