"""Organisations, which own workspaces, and their members."""

from api.auth import Principal


class Organisations:
    """All organisations."""

    async def exists(self, organisation: str) -> bool:
        """Whether there is one of that id."""
        return False

    async def ranked(self, principal: Principal) -> Principal:
        """The principal with the ranks of its person, if it is one's."""
        return principal
