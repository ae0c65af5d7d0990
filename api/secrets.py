"""Secrets of a workspace: values that nobody reads again, which the programs of chosen sessions find in their environment."""

from shared.secret import Secret


class Secrets:
    """All secrets."""

    async def of(self, workspace: str, session: str) -> dict[str, Secret]:
        """The secrets of a session, by name."""
        return {}
