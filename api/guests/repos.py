"""The verbs about repositories."""

from api.guests.connections import Connections


class RepoVerbs(Connections):
    """The verbs about repositories."""
