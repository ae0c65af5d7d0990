"""The verbs of a guest, and the frames of its streams, in a module for each noun.

A connection is used in one of these ways: for calls (many at a time), or, after a verb that is a stream, for that alone: an
attached terminal, a followed log, a file on its way, a watch. Whatever a guest sends is hostile input to api.
"""

from shared.guestwire import deadlines, export, figures, files, repos, sessions, terminals, transcripts, turns, watch
from shared.guestwire.protocol import GUEST

__all__ = [
    "GUEST",
    "deadlines",
    "export",
    "figures",
    "files",
    "repos",
    "sessions",
    "terminals",
    "transcripts",
    "turns",
    "watch",
]
