"""Repositories."""

from guest.supervisor import Supervisor


class RepoCalls:
    """Repositories."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts
