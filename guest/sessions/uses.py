"""What counts as a use of a session, and moves its deadlines.

What lists and shows states, which pages do by themselves as long as they are open, is no use.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from guest.sessions.sessions import Sessions
from shared.link import Link
from shared.messages import Reply, Request

Call: TypeAlias = Callable[[Any], Awaitable[Reply]]
Stream: TypeAlias = Callable[[Link, Any], Awaitable[None]]

_LOOKS: Final = ("Follow", "Get", "List")
"""How the names of verbs begin that are no use."""


def is_use(request: type[Request]) -> bool:
    """Whether this verb is a use of the session that it names."""
    return "session" in request.__struct_fields__ and not request.__name__.startswith(_LOOKS)


class Uses:
    """Has the handlers of verbs say that the session is in use: when they begin, and when a stream ends."""

    def __init__(self, sessions: Sessions) -> None:
        """Of these sessions."""
        self._sessions = sessions

    def of_call(self, kind: type[Request], handler: Call) -> Call:
        """The handler of a call."""
        if not is_use(kind):
            return handler

        async def using(request: Any) -> Reply:  # noqa: ANN401  # of the kind
            self._sessions.touch(request.session)
            return await handler(request)

        return using

    def of_stream(self, kind: type[Request], handler: Stream) -> Stream:
        """The handler of a stream."""
        if not is_use(kind):
            return handler

        async def using(link: Link, request: Any) -> None:  # noqa: ANN401  # of the kind
            self._sessions.touch(request.session)
            try:
                await handler(link, request)
            finally:
                self._sessions.touch(request.session)

        return using
