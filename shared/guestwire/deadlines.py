"""The verb about deadlines; `shared.guestwire.watch` tells of those that are near."""

from typing import Annotated

from msgspec import Meta

from shared.guestwire.protocol import GUEST
from shared.messages import Reply, Request
from shared.turns import Time


class Deadlines(Reply, frozen=True):
    """What is due in the workspace, unless it is used before."""

    running: Time | None
    """When what runs now will have been ended; None when nothing runs, or it may go on."""
    deletion: Annotated[int, Meta(ge=0, le=2**40)] | None
    """Seconds until the next session is deleted; None when none is."""


@GUEST.verb(Deadlines)
class GetDeadlines(Request, frozen=True):
    """When something is due."""
