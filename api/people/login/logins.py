"""Sign-in by a provider, from the browser's first request to a person."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.people.login.claims import identity
from api.people.login.states import STATE_MAX, Started, States
from api.people.people import People, Person
from api.serverkeys.keys import Keys
from api.store import Store
from shared.config import Config, ConfigError
from shared.errors import Code, Fault
from shared.log import logger
from shared.secret import Secret
from shared.settings import Provider

if TYPE_CHECKING:
    from api.people.login.protocol import RelyingParty

CALLBACK: Final = "/api/auth/callback"
CODE_MAX: Final = 4096
"""Characters of a provider's code."""
SECRET_MAX: Final = 2000
RETURN_MAX: Final = 1000
"""Characters of the path to return to."""
_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of this origin: printable ASCII without spaces and backslashes, which browsers take for slashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a provider sends a browser back with."""

    state: str
    code: str | None
    error: str | None
    issuer: str | None


class Logins:
    """The configured providers."""

    def __init__(self, config: Config, store: Store, keys: Keys, people: People) -> None:
        """Raises ConfigError for a provider's secret that cannot be read."""
        self._providers = dict(config.auth.provider) if config.auth else {}
        self._secrets = {name: _secret(name, provider) for name, provider in self._providers.items()}
        self._base = config.api.base
        self._parties: dict[str, RelyingParty] = {}
        self._people = people
        self.states = States(store, keys)

    def titles(self) -> dict[str, str]:
        """What people call each provider, by its name."""
        return {name: provider.title for name, provider in self._providers.items()}

    async def begin(self, name: str, return_to: str, browser: str) -> str:
        """Where the browser goes to sign in. NOT_FOUND when there is no such provider."""
        provider = self._providers.get(name)
        if provider is None:
            raise Fault(Code.NOT_FOUND, "there is no such provider")
        async with self._speaking(name, provider) as party:
            state, started = await self.states.begin(name, return_to, browser)
            return await party.authorization_url(state, started.nonce, started.verifier)

    async def finish(self, returned: Returned, browser: str) -> tuple[Person, Started]:
        """Who has signed in. Fault UNAUTHORIZED, FORBIDDEN, UNAVAILABLE or TIMEOUT when nobody has."""
        if not 0 < len(returned.state) <= STATE_MAX:
            raise Fault(Code.UNAUTHORIZED, "the sign-in took too long, or was finished before; begin again")
        started = await self.states.take(returned.state, browser)
        provider = self._providers.get(started.provider)
        if returned.error is not None or returned.code is None or not 0 < len(returned.code) <= CODE_MAX or provider is None:
            logger().info("sign_in_refused", provider=started.provider, reason=(returned.error or "no code")[:100])
            raise Fault(Code.UNAUTHORIZED, "the provider did not let you in")
        async with self._speaking(started.provider, provider) as party:
            claims = await party.claims(returned.code, started.verifier, started.nonce, returned.issuer)
        return await self._people.signed_in(started.provider, identity(provider, claims)), started

    async def end_session_url(self, person: str) -> str | None:
        """Where a person's browser goes to sign out at their provider too; None when it has no such place, or is away."""
        found = await self._people.find(person)
        provider = self._providers.get(found.provider) if found else None
        if found is None or provider is None or provider.server_metadata_url is None:
            return None
        try:
            async with self._speaking(found.provider, provider) as party:
                return await party.end_session_url(f"{self._base}/")
        except Fault:
            return None  # it is logged, and they are signed out here

    @asynccontextmanager
    async def _speaking(self, name: str, provider: Provider) -> "AsyncIterator[RelyingParty]":
        """Speak to a provider, in the time that it has. What it does wrong is logged, and told without its words."""
        await asyncio.to_thread(_load)
        import httpx2  # noqa: PLC0415  # loaded when somebody first signs in
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415  # the same

        from api.people.login.protocol import ERRORS, RelyingParty  # noqa: PLC0415  # the same

        party = self._parties.get(name)
        if party is None:
            secret = self._secrets[name].reveal()
            party = self._parties[name] = RelyingParty(provider, secret, self._base + CALLBACK)
        try:
            async with asyncio.timeout(provider.timeout):
                yield party
        except (TimeoutError, httpx2.TimeoutException):
            logger().warning("provider_slow", provider=name, seconds=provider.timeout)
            raise Fault(Code.TIMEOUT, "the provider did not answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            logger().warning("provider_unreachable", provider=name, error=type(error).__name__)
            raise Fault(Code.UNAVAILABLE, "the provider cannot be reached") from None
        except AuthlibBaseError as error:
            logger().warning("provider_refused", provider=name, error=str(error.error)[:100])
            raise Fault(Code.UNAUTHORIZED, "the provider did not let you in") from None
        except ERRORS as error:
            logger().warning("provider_untrusted", provider=name, error=type(error).__name__, reason=_reason(error))
            raise Fault(Code.UNAUTHORIZED, "what the provider said cannot be trusted; the server's log says more") from None


def is_path(return_to: str) -> bool:
    """Whether a browser that is sent to `return_to` stays on this origin."""
    return len(return_to) <= RETURN_MAX and _PATH.fullmatch(return_to) is not None


def _load() -> None:
    import api.people.login.protocol  # noqa: F401, PLC0415  # a quarter of a second, in a thread: then the module is there


def _reason(error: Exception) -> str:
    """What is wrong, in words that are ours or the library's: never a value that came from the provider."""
    from api.people.login.protocol import Untrusted  # noqa: PLC0415  # loaded when somebody first signs in

    return str(error) if isinstance(error, Untrusted) else str(getattr(error, "error", ""))


def _secret(name: str, provider: Provider) -> Secret:
    if provider.client_secret is not None:
        return Secret(provider.client_secret)
    path = Path(provider.client_secret_file or "")
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(SECRET_MAX + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"auth.provider.{name}.client_secret_file: {path} cannot be read: {error}") from None
    if not 0 < len(text) <= SECRET_MAX:
        raise ConfigError(f"auth.provider.{name}.client_secret_file: {path} holds no secret")
    return Secret(text)
