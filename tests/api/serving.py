"""api in this process, over a FakeHost: real sockets on both sides."""

import json
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from api.migrations.__main__ import upgrade
from api.server import runner_of, services
from api.services import Services
from shared.config import Config
from shared.settings import Api, RateLimits
from tests.api.fakehost import FakeHost

UNLIMITED = RateLimits(
    login="100000/minute",
    redeem="100000/minute",
    create_workspace="100000/minute",
    mint="100000/minute",
    request="1000000/minute",
)


class Server:
    """A running api, and a client without credentials."""

    def __init__(self, made: Services, host: FakeHost, url: str, http: aiohttp.ClientSession) -> None:
        self.services = made
        self.host = host
        self.url = url
        self.http = http

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def call(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **headers: str
    ) -> tuple[int, Any, CIMultiDict[str]]:
        """Status, JSON and headers of a reply; `If_Match="…"` becomes the header `If-Match`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with self.http.request(method, self.url + path, json=body, headers=sent) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text else None, reply.headers.copy()

    async def admin(self) -> str:
        """An admin's access token."""
        invite = secrets.token_hex(16)
        self.host.invites.add(invite)
        status, body, _ = await self.call("POST", "/api/auth/redeem", {"token": invite})
        assert status == 200, body
        return str(body["accessToken"])

    async def create(self, **body: object) -> tuple[str, str]:
        """A ready workspace's id and secret."""
        status, made, _ = await self.call("POST", "/api/workspaces", body, token=await self.admin())
        assert (status, made["status"]) == (201, "ready"), made
        return made["workspaceId"], made["workspaceSecret"]

    async def login(self, workspace: str, secret: str) -> dict[str, Any]:
        """The reply to a login."""
        body = {"workspaceId": workspace, "workspaceSecret": secret}
        status, reply, _ = await self.call("POST", "/api/workspaces/login", body)
        assert status == 200, reply
        return dict(reply)

    async def tenant(self, **body: object) -> tuple[str, str]:
        """A ready workspace's id and access token."""
        workspace, secret = await self.create(**body)
        return workspace, (await self.login(workspace, secret))["workspaceToken"]


@cache
def migrated() -> bytes:
    """A fresh store, as a file's bytes: to migrate takes a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        upgrade(path)
        return path.read_bytes()


@asynccontextmanager
async def serving(folder: Path, host: FakeHost, api: Api | None = None, **sections: Any) -> AsyncIterator[Server]:  # noqa: ANN401
    """Api over `host`, with its state in `folder` and these sections of the configuration, on a free port."""
    if not (folder / "state").exists():
        (folder / "state/api").mkdir(parents=True)
        (folder / "state/api/store.sqlite").write_bytes(migrated())
    config = Config(state=str(folder / "state"), run=str(folder), api=api or Api(rate_limits=UNLIMITED), **sections)
    async with services(config) as made:
        runner = runner_of(made)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await made.provisioner.resume()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with aiohttp.ClientSession() as http:
                yield Server(made, host, url, http)
        finally:
            made.stopping.set()
            made.live.stop()
            await runner.cleanup()
