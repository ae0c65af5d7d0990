"""Waiting until a session's clone has ended."""

import asyncio
from contextlib import closing

from api.guests import Guests
from shared.guestwire.watch import SessionChanged
from shared.rooms import SessionInfo, SessionStatus


async def cloned(guests: Guests, workspace: str, info: SessionInfo) -> SessionInfo:
    """The session once it is ready, or its clone has failed. Raises Fault when the guest goes away meanwhile."""
    _, stream = await guests.watch(workspace)
    with closing(stream):
        # It may have ended before the watch began.
        info = await guests.get_session(workspace, info.session)
        while info.status is SessionStatus.CLONING:
            message = await stream.receive()
            if isinstance(message, SessionChanged) and message.session.session == info.session:
                info = message.session
            await asyncio.sleep(0)  # a guest that pours events must not hold the loop
    return info
