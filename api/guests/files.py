"""The verbs about files."""

from api.guests.connections import Connections


class FileVerbs(Connections):
    """The verbs about files."""
