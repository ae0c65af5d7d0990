"""A browser, as far as a sign-in needs one: it keeps cookies that are `__Host-`, and does not follow redirects by itself."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests.api.people.login.provider import FakeProvider
from tests.api.serving import Server


class FakeBrowser:
    """Cookies, and calls with them from the server's own pages."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a reply."""
        status, told, _ = await self._send(method, path, body, **{"Origin": self.server.url, **headers})
        return status, told

    async def visit(self, path: str) -> tuple[int, str]:
        """Status and Location of what a link leads to."""
        async with self.server.http.get(self.server.url + path, headers=self._sent(), allow_redirects=False) as reply:
            self._keep(reply.headers.getall("Set-Cookie", []))
            return reply.status, reply.headers.get("Location", "")

    async def begin(self, provider: str = "fake", return_to: str = "/") -> str:
        """Begin to sign in; where the provider is."""
        status, location = await self.visit("/api/auth/login?" + urlencode({"provider": provider, "returnTo": return_to}))
        assert 302 == status
        return location

    async def sign_in(self, fake: FakeProvider, return_to: str = "/", **more: str) -> str:
        """Sign in at `fake`, who agrees; where the browser ends."""
        return await self.finish({**fake.allow(await self.begin(return_to=return_to)), **more})

    async def finish(self, query: dict[str, str]) -> str:
        """Come back from a provider; where the browser ends."""
        status, location = await self.visit("/api/auth/callback?" + urlencode(query))
        assert 302 == status
        return location

    async def me(self) -> Any:  # noqa: ANN401  # JSON
        """What the server says of the session; None without one."""
        status, told = await self.call("GET", "/api/auth/me")
        assert status in {200, 401}
        return told if status == 200 else None

    def _sent(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    async def _send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any, Any]:
        status, told, got = await self.server.call(method, path, body, **self._sent(), **headers)
        self._keep(got.getall("Set-Cookie", []))
        return status, told, got

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                flags = ("/", "", True, True, "Lax")
                assert flags == (morsel["path"], morsel["domain"], morsel["secure"], morsel["httponly"], morsel["samesite"])
                assert name.startswith("__Host-")
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
