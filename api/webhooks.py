"""Webhooks: other systems that are told what happens, signed and tried again."""

from api.auth import Target
from api.schema import View


class Webhooks:
    """All webhooks."""

    async def emit(self, event: str, view: View, target: Target) -> None:
        """Tell the webhooks of the workspace, of its organisation and of the host that follow `event`. It waits for the store alone."""
