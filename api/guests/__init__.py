"""The client of guests: one method for each verb, with the verb's own name, in a class for each noun."""

from api.guests.connections import ATTEMPTS, DEADLINE, PEER, Stream
from api.guests.deadlines import DeadlineVerbs
from api.guests.figures import FigureVerbs
from api.guests.files import FileVerbs
from api.guests.homes import HomeVerbs
from api.guests.repos import RepoVerbs
from api.guests.sessions import SessionVerbs
from api.guests.terminals import TerminalVerbs
from api.guests.transcripts import TranscriptVerbs
from api.guests.turns import TurnVerbs

__all__ = ["ATTEMPTS", "DEADLINE", "PEER", "Guests", "Stream"]


class Guests(
    SessionVerbs, TerminalVerbs, TurnVerbs, FileVerbs, RepoVerbs, TranscriptVerbs, DeadlineVerbs, FigureVerbs, HomeVerbs
):
    """The guests of all workspaces."""
