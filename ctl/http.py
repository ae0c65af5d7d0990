"""The public API as root of this host calls it: with a fresh administrator's token, which ends with the block."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ctl.base import Settings
from shared.errors import Code, Fault

TIMEOUT: Final = 60.0
_INVITE_SECONDS: Final = 60
_PAGE: Final = 100
_GOOD: Final = range(200, 300)


class Http:
    """Calls of the API with one token."""

    def __init__(self, base: str) -> None:
        """`base`: where api listens, `http://host:port`."""
        parts = urlsplit(base)
        self._base = base
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT)
        self._token = ""

    def sign_in(self, token: str) -> None:
        """Use up a one-time token."""
        self._token = self.call("POST", "/api/auth/redeem", {"token": token})["accessToken"]

    def close(self) -> None:
        """Sign out and hang up."""
        try:
            if self._token:
                self.call("POST", "/api/logout")
        except Fault as fault:
            if fault.code is not Code.UNAUTHORIZED:  # what was done has signed us out: the key of our own token is revoked
                raise
        finally:
            self._connection.close()

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON
        """The JSON of the reply, or None. Raises the Fault that its problem details tell, UNAVAILABLE without an answer."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, path, data, headers)
            with self._connection.getresponse() as reply:
                text = reply.read()
                status = reply.status
        except (OSError, http.client.HTTPException) as error:
            raise Fault(Code.UNAVAILABLE, f"cannot reach api at {self._base}: {error}") from error
        told = json.loads(text) if text else None
        if status in _GOOD:
            return told
        raise _fault(told)

    def every(self, path: str) -> Iterator[dict[str, Any]]:
        """All items of a list, page by page. Raises Fault as `call` does."""
        cursor = ""
        while True:
            page = self.call("GET", f"{path}?limit={_PAGE}{cursor}")
            yield from page["items"]
            if page["nextCursor"] is None:
                return
            cursor = f"&cursor={quote(page['nextCursor'], safe='')}"


def _fault(problem: object) -> Fault:
    known = problem if isinstance(problem, dict) else {}
    detail = str(known.get("detail", "an answer that is not understood"))
    try:
        return Fault(Code(known.get("code", "")), detail)
    except ValueError:
        return Fault(Code.BAD_REQUEST, detail)


@contextmanager
def api_of(settings: Settings) -> Iterator[Http]:
    """The API of this host, as an administrator."""
    client = Http(settings.config.api.url)
    try:
        with settings.host() as host:
            client.sign_in(host.create_invite(lifetime=_INVITE_SECONDS).token.reveal())
        yield client
    finally:
        client.close()
