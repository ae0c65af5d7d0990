"""Operators who sign in with their account on the host: PAM decides, in a forked child that ends with its answer.

PAM's modules block, read the network and may crash, so none runs in the daemon. The child has the password by the fork alone:
it is in no argument, no environment and no file. A failure is answered after the same time whatever the reason, so that the
time tells neither who exists nor whose password was right.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from hostd.processes import fork
from shared.errors import Code, Fault
from shared.operators import is_operator
from shared.secret import Secret
from shared.settings import Pam as Settings

AT_ONCE: Final = 4
"""Passwords that are checked at a time, those counted whose failure is yet to be told."""
FAILURE_SECONDS: Final = 4.0
"""From the request to the answer that it failed: longer than `pam_faildelay` of Debian's `login` takes, 3 s and a quarter."""
PASSWORD_MAX: Final = 512
"""Bytes: PAM_MAX_RESP_SIZE of security/_pam_types.h."""


class Pam:
    """Checks passwords."""

    def __init__(self, settings: Settings | None) -> None:
        """None: nobody may sign in this way."""
        self._settings = settings
        self._checking = 0

    async def authenticate(self, user: str, password: Secret) -> None:
        """Return when PAM accepts the password of `user`, who is an operator.

        UNAUTHORIZED otherwise, BUSY while AT_ONCE others are checked, TIMEOUT after the configured deadline.
        """
        settings = self._settings
        if settings is None:
            raise Fault(Code.FORBIDDEN, "the configuration does not let operators sign in")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with self._slot():
            if await _accepted(settings, user, password):
                return
            # The place stays taken meanwhile: else guesses that wait would fill the caller's connection.
            await asyncio.sleep(begun + FAILURE_SECONDS - loop.time())
        raise Fault(Code.UNAUTHORIZED, "the user name or the password is wrong")

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if self._checking >= AT_ONCE:
            raise Fault(Code.BUSY, "others are signing in right now; try again")
        self._checking += 1
        try:
            yield
        finally:
            self._checking -= 1


async def _accepted(settings: Settings, user: str, password: Secret) -> bool:
    child = fork(partial(_check, settings, user, password))
    try:
        async with asyncio.timeout(settings.timeout):
            return await child.wait() == 0
    except TimeoutError:
        raise Fault(Code.TIMEOUT, f"the host did not answer within {settings.timeout:g} s") from None
    finally:
        child.kill()


def _check(settings: Settings, user: str, password: Secret) -> None:
    """Return if it is an operator's password, else raise. For a forked child alone: it blocks, and loads PAM."""
    import pam  # noqa: PLC0415  # the daemon has no use for it

    text = password.reveal()
    # Before PAM is asked: the password of nobody else can be guessed here, nor anybody else's account be locked by guessing.
    if not is_operator(user, settings.group):
        raise PermissionError
    if not text or len(text.encode()) > PASSWORD_MAX or "\0" in text:
        raise ValueError
    # It also asks PAM whether the account is locked or expired.
    if not pam.PamAuthenticator().authenticate(user, text, settings.service):
        raise PermissionError
