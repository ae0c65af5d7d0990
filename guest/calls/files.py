"""Files."""

from guest.supervisor import Supervisor


class FileCalls:
    """Files."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts


class FileStreams:
    """Files."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts
