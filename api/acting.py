"""On whose behalf a task works, as the audit log names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from api.auth import Principal
from shared.hostwire import Origin

ORIGIN: Final[ContextVar[Origin | None]] = ContextVar("ORIGIN", default=None)
"""Of this task; what api asks hostd for carries it."""


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
