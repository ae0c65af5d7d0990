"""Operators who are signed in: whether the host still has them as such.

PAM was asked once, with the password. Whoever has lost the account or the group since is signed out at the next look, with all
that they hold open. One whom the host does not confirm in time is signed out too: they can come back, if they may.
"""

import asyncio
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, select

from api.auditing import Auditor
from api.auth import NOWHERE, Role
from api.credentials.tokens import Tokens
from api.store import Store
from api.tables import browser_sessions, families
from shared.errors import Fault
from shared.hostwire import Origin
from shared.operators import is_operator
from shared.settings import Auth

LOOK_SECONDS: Final = 60.0
"""Between two looks."""


class Operators:
    """The operators who are signed in."""

    def __init__(self, store: Store, tokens: Tokens, auditor: Auditor, auth: Auth | None) -> None:
        """Without `[auth.pam]` no session of an operator is good, and there is nothing to look at."""
        self._store = store
        self._tokens = tokens
        self._auditor = auditor
        self._pam = auth.pam if auth else None
        # A look that hangs in the host's name service keeps no other thread, and no second one.
        self._thread = ThreadPoolExecutor(1, "operators")

    async def run(self) -> None:
        """Look now and then, for ever."""
        while True:
            with suppress(Fault):  # the store has logged it; there is a next time
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Sign out who is an operator no more."""
        if self._pam is None:
            return
        rows = await self._store.read(_sessions)
        gone = await self.gone({name for name, _ in rows})
        for name, family in rows:
            if name in gone:
                await self._tokens.revoke(family)
                self._auditor.note("sign_out_operator", "ok", NOWHERE, f"{Role.ADMIN}:{name}", Origin("hostel", family))

    async def gone(self, names: Collection[str]) -> set[str]:
        """Those of `names` whom the host does not confirm as operators."""
        pam = self._pam
        if pam is None or not names:
            return set(names)
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout(pam.timeout):
                return await loop.run_in_executor(
                    self._thread, lambda: {name for name in names if not is_operator(name, pam.group)}
                )
        return set(names)


def _sessions(connection: Connection) -> list[tuple[str, str]]:
    """The name and the sign-in of each session of an operator."""
    query = (
        select(browser_sessions.c.name, browser_sessions.c.family)
        .join(families)
        .where(browser_sessions.c.name != "", families.c.revoked.is_(None), browser_sessions.c.expires > time.time())
    )
    return [(row.name, row.family) for row in connection.execute(query)]
