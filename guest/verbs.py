"""The table of what a guest does for its callers, made from the classes of `guest.calls`.

Calls are answered with one message. Streams take the connection over: they return when it is over, and a Fault before it began
is an answer.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from guest.bulkhead import Bulkhead
from guest.calls.deadlines import DeadlineCalls
from guest.calls.export import ExportStreams
from guest.calls.figures import FigureCalls
from guest.calls.files import FileCalls, FileStreams
from guest.calls.repos import RepoCalls, RepoStreams
from guest.calls.sessions import SessionCalls
from guest.calls.terminals import TerminalCalls, TerminalStreams
from guest.calls.transcripts import TranscriptCalls
from guest.calls.turns import TurnCalls, TurnStreams
from guest.sessions.uses import Call, Stream, Uses
from guest.supervisor import Supervisor
from shared.guestwire import GUEST
from shared.guestwire.files import ListFileNames
from shared.guestwire.repos import GetDiff, GetStatus, GetTurnDiff, ListCommits
from shared.messages import Request

Nouns: TypeAlias = tuple[Callable[[Supervisor], object], ...]

CALLS: Final[Nouns] = (
    SessionCalls,
    TerminalCalls,
    TurnCalls,
    FileCalls,
    RepoCalls,
    TranscriptCalls,
    DeadlineCalls,
    FigureCalls,
)
STREAMS: Final[Nouns] = (TerminalStreams, TurnStreams, FileStreams, RepoStreams, ExportStreams)
COSTLY: Final = (GetStatus, GetDiff, GetTurnDiff, ListCommits, ListFileNames)
"""Verbs for which git looks at a whole repository."""
COSTLY_AT_ONCE: Final = 4
COSTLY_WAITING: Final = 20
"""With those at once fewer than `guest.connections.CALLS_MAX`, so that other calls of the same connection get through."""


def handlers(supervisor: Supervisor) -> tuple[dict[type[Request], Call], dict[type[Request], Stream]]:
    """The handlers by request. Raises TypeError when a verb has none or two, or a handler no verb."""
    calls, streams = _named(CALLS, supervisor), _named(STREAMS, supervisor)
    verbs = {name: verb.request for name, verb in GUEST.verbs.items()}
    if wrong := (calls.keys() | streams.keys()) ^ verbs.keys() | calls.keys() & streams.keys():
        raise TypeError(f"verbs and handlers differ: {sorted(wrong)}")
    uses, bulkhead = Uses(supervisor.sessions), Bulkhead(COSTLY_AT_ONCE, COSTLY_WAITING)
    calls |= {name: bulkhead.of_call(calls[name]) for name, kind in verbs.items() if kind in COSTLY}
    return (
        {verbs[name]: uses.of_call(verbs[name], handler) for name, handler in calls.items()},
        {verbs[name]: uses.of_stream(verbs[name], handler) for name, handler in streams.items()},
    )


def _named(nouns: Nouns, supervisor: Supervisor) -> dict[str, Callable[..., Any]]:
    table: dict[str, Callable[..., Any]] = {}
    for noun in nouns:
        handler = noun(supervisor)
        names = [name for name in vars(type(handler)) if not name.startswith("_")]
        if twice := table.keys() & names:
            raise TypeError(f"verbs and handlers differ: {sorted(twice)} twice")
        table.update({name: getattr(handler, name) for name in names})
    return table
