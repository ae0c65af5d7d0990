"""What is told to the audit log, which hostd writes: who did what with which credential, from where, and how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from api.auth import Principal, Target
from shared.hostwire import AuditEvent, Origin

ORIGIN: Final[ContextVar[Origin | None]] = ContextVar("ORIGIN", default=None)
"""On whose behalf this task works; what api asks hostd for carries it."""


def origin_of(principal: Principal, address: str, request_id: str) -> Origin:
    """How the audit log names the request."""
    return Origin(principal.actor[:64], principal.credential[:64], address[:64], request_id[:64])


@contextmanager
def acting(origin: Origin) -> Iterator[None]:
    """Have what is asked of hostd in the block, and in tasks that begin there, carry `origin`."""
    token = ORIGIN.set(origin)
    try:
        yield
    finally:
        ORIGIN.reset(token)


class Auditor:
    """Collects events, and sends them to hostd."""

    def note(self, action: str, outcome: str, target: Target, about: str = "", origin: Origin | None = None) -> None:
        """Have it written that `action` ended with `outcome`. It never fails and never waits. `about`: an id inside of `target`."""
        self._events.append(
            AuditEvent(
                action=action,
                outcome=outcome,
                origin=origin or ORIGIN.get() or Origin(),
                workspace=target.workspace,
                organisation=target.organisation,
                target=about[:128],
            )
        )

    def __init__(self) -> None:
        """Nothing is noted yet."""
        self._events: list[AuditEvent] = []
