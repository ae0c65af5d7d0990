"""A hostel of a company: people sign in at its provider, and each workspace gets parts on its Gitea and its Coolify."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlencode

from aiohttp import web
from playwright.async_api import Page, expect

from tests.api.people.login.provider import CLIENT, CLIENT_SECRET, FakeProvider
from tests.api.provisioners.contract import running
from tests.api.provisioners.coolify import Coolify
from tests.api.provisioners.gitea import Gitea
from tests.api.receiver import Receiver, receiving
from tests.stack import Stack

ELSEWHERE: Final = r"a request leaves the server: http://127\.0\.0\.1:\d+/authorize"
"""What the watch of a page says of a sign-in at the provider."""


@dataclass
class Company:
    """The hostel, and the company's other servers."""

    stack: Stack
    provider: FakeProvider
    gitea: Gitea
    hooks: Receiver
    broken: set[str] = field(default_factory=set)
    """Requests that Gitea fails at, as the contract names them, once it may answer."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        """Start everything."""
        gitea, coolify = Gitea(), Coolify()
        async with (
            FakeProvider().running() as provider,
            running(gitea),
            running(coolify),
            receiving() as hooks,
            Stack() as stack,
        ):
            company = cls(stack, provider, gitea, hooks)
            await company._configure(coolify)
            provider.overrides["/authorize"] = company._agree
            gitea.override = company._fail
            yield company

    async def sign_in(self, page: Page, name: str) -> None:
        """Sign in as somebody of that name, at the provider."""
        sub = name.lower().replace(" ", "-")
        self.provider.claims = {"sub": sub, "name": name, "email": f"{sub}@example.org"}
        await page.get_by_role("link", name="Sign in with Company").click()
        await expect(page.get_by_role("button", name="Your account")).to_be_visible()

    async def _configure(self, coolify: Coolify) -> None:
        token = self.stack.folder / "token"
        token.write_text(self.gitea.token)
        token.chmod(0o644)
        metadata = f"{self.provider.url}/.well-known/openid-configuration"
        who = {"title": "Company", "client_id": CLIENT, "client_secret": CLIENT_SECRET, "server_metadata_url": metadata}
        self.stack.configure(
            auth={"create_organisations": "people"},
            auth__provider__company=who,
            provisioner={"attempts": 1},
            provisioner__gitea={"url": self.gitea.url, "token_file": str(token)},
            provisioner__coolify={"url": coolify.url, "token_file": str(token)},
            webhooks={"allow": ["127.0.0.0/8"], "attempts": 1},
        )
        await self.stack.api.restart()

    async def _agree(self, request: web.Request) -> web.StreamResponse:
        query = urlencode(self.provider.allow(str(request.url)))
        raise web.HTTPFound(f"{request.query['redirect_uri']}?{query}")

    async def _fail(self, name: str, _request: web.Request) -> web.StreamResponse | None:
        if name not in self.broken:
            return None
        await self.answers.wait()
        return web.json_response({"message": "the database is locked"}, status=500)
