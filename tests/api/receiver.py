"""A receiver of webhooks on the loopback: a real server, which checks every signature by the specification's own words."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """What has come, and how it is answered."""

    def __init__(self) -> None:
        self.port = 0
        self.got: list[tuple[str, dict[str, Any], list[str]]] = []
        """`webhook-id`, body and signatures of each request."""
        self.news = asyncio.Event()
        self.status = 204
        self.answer: Answer | None = None
        self.under_way = 0
        self.most = 0
        """Requests at the same time."""
        self.raw: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert abs(time.time() - int(headers["webhook-timestamp"])) < 60
        self.raw.append((headers, body))
        self.got.append((headers["webhook-id"], json.loads(body), headers["webhook-signature"].split()))
        self.news.set()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return web.Response(status=self.status) if self.answer is None else await self.answer(request)
        finally:
            self.under_way -= 1

    async def take(self, number: int) -> list[tuple[str, dict[str, Any], list[str]]]:
        """The first so many requests, once they have come."""
        async with asyncio.timeout(20):
            while len(self.got) < number:
                self.news.clear()
                await self.news.wait()
        return self.got[:number]


def signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    """What a receiver that knows `secret` expects."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
