"""Browser sessions: what a cookie stands for, kept here so that it can be revoked."""

from typing import Final

from api.auth import Principal
from shared.errors import Code, Fault

COOKIE: Final = "__Host-hostel"


class Browsers:
    """All sessions of browsers."""

    async def principal(self, cookie: str) -> Principal:
        """Whom the cookie stands for; Fault UNAUTHORIZED when the session has ended. A person's ranks are not in it yet."""
        raise Fault(Code.UNAUTHORIZED, "the session has ended; sign in again")
