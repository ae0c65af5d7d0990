"""Keys: credentials of scripts and agents, which their owner makes, names, bounds and revokes."""

from typing import Final

from api.auth import Principal
from shared.errors import Code, Fault

KEY_PREFIX: Final = "hst_"


class ApiKeys:
    """All keys."""

    async def principal(self, token: str) -> Principal:
        """Whom the key stands for; Fault UNAUTHORIZED when it is not good, or not any more."""
        raise Fault(Code.UNAUTHORIZED, "the key is not valid")
