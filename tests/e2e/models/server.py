"""The server: it takes requests of every model API, remembers them, and answers as their prompts say."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from tests.e2e.models import anthropic, chat, gemini, responses
from tests.e2e.models.script import Answer, Hold, Say, answer
from tests.e2e.models.talk import Talk

_PIECE: Final = 12
"""Characters of text in one event."""


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    path: str
    key: str
    """The credential in it, whatever header it came in."""
    body: Any
    talk: Talk | None


class Models:
    """A server on a port of loopback; its requests are kept in `asked`."""

    def __init__(self) -> None:
        """Start it by `async with`."""
        self.asked: list[Asked] = []
        self.url = ""
        self._changed = asyncio.Condition()
        self._holding: dict[str, int] = {}
        self._released: set[str] = set()
        self._rehearsed: dict[str, str] = {}
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/messages", self._route(anthropic))
        app.router.add_post("/v1/responses", self._route(responses))
        app.router.add_post("/v1/chat/completions", self._route(chat))
        app.router.add_post("/v1beta/models/{rest:.*}", self._route(gemini))
        app.router.add_post("/v1/messages/count_tokens", self._count)
        app.router.add_get("/v1/models", self._models)
        app.router.add_route("*", "/{rest:.*}", self._other)
        self._runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what is held is dropped."""
        await self._runner.cleanup()

    def rehearse(self, prompt: str, *lines: str) -> None:
        """When somebody asks for `prompt`, in words of people, do what `lines` say."""
        self._rehearsed[prompt] = "\n".join(lines)

    async def held(self, name: str, within: float = 60) -> None:
        """Wait until an answer has come to `hold: NAME`."""
        await self.until(lambda: self._holding.get(name, 0) > 0, within)

    async def let_go(self, name: str, within: float = 60) -> None:
        """Wait until nobody waits at `hold: NAME` any more, as when the agent has hung up."""
        await self.until(lambda: self._holding.get(name) == 0, within)

    async def release(self, name: str) -> None:
        """Let the answers go on from `hold: NAME`, now and later."""
        async with self._changed:
            self._released.add(name)
            self._changed.notify_all()

    async def until(self, happened: Callable[[], bool], within: float = 60) -> None:
        """Wait until `happened()`, which is looked at after each request."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(happened)

    def prompts(self, containing: str) -> list[Asked]:
        """The requests whose last prompt holds this text."""
        return [asked for asked in self.asked if asked.talk and containing in asked.talk.prompt]

    def keys(self, containing: str) -> set[str]:
        """The credentials that came with them."""
        return {asked.key for asked in self.prompts(containing)}

    async def _remember(self, request: web.Request, talk: Talk | None, body: object) -> None:
        headers = request.headers
        bearer = headers.get("Authorization", "").removeprefix("Bearer ")
        key = headers.get("x-api-key") or headers.get("x-goog-api-key") or bearer or request.query.get("key", "")
        async with self._changed:
            self.asked.append(Asked(request.path, key, body, talk))
            self._changed.notify_all()

    def _route(self, api: Any) -> Callable[[web.Request], Any]:  # noqa: ANN401  # a module
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.json()
            talk: Talk = api.heard(body, request.path)
            await self._remember(request, talk, body)
            # Without tools it is one of the agent's own errands, such as a title for the conversation.
            script = self._rehearsed.get(talk.prompt.strip(), talk.prompt)
            made = answer(script, talk.results, talk.tools) if talk.tools else Answer([Say("A title")])
            if talk.wanted is not None:
                made = Answer([Say(json.dumps(talk.wanted))])
            if made.fail is not None:
                return web.json_response({"error": {"type": "api_error", "message": "as the prompt says"}}, status=made.fail)
            if not talk.streams:
                return web.json_response(api.whole(talk, made))
            return await self._stream(request, api, talk, made)

        return handle

    async def _stream(self, request: web.Request, api: Any, talk: Talk, made: Answer) -> web.StreamResponse:  # noqa: ANN401
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await reply.prepare(request)
        for event in api.events(talk, made, _pieces):
            if isinstance(event, Hold):
                await self._hold(event.name)
            else:
                name, data = event
                text = data if isinstance(data, str) else json.dumps(data)
                head = f"event: {name}\n" if name else ""
                await reply.write(f"{head}data: {text}\n\n".encode())
        await reply.write_eof()
        return reply

    async def _hold(self, name: str) -> None:
        async with self._changed:
            self._holding[name] = self._holding.get(name, 0) + 1
            self._changed.notify_all()
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: name in self._released)
        finally:
            async with self._changed:
                self._holding[name] -= 1
                self._changed.notify_all()

    async def _count(self, request: web.Request) -> web.Response:
        body = await request.json()
        await self._remember(request, None, body)
        return web.json_response({"input_tokens": len(json.dumps(body)) // 4 + 1})

    async def _models(self, request: web.Request) -> web.Response:
        await self._remember(request, None, None)
        items = [
            {"id": name, "type": "model", "object": "model", "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
            for name in ("claude-sonnet-4-5", "gpt-5.5", "stand-in")
        ]
        return web.json_response({"object": "list", "has_more": False, "data": items})

    async def _other(self, request: web.Request) -> web.Response:
        await self._remember(request, None, (await request.text())[:1000])
        if request.headers.get("Upgrade"):
            # A WebSocket is offered to agents that can do without: this status lets them.
            return web.json_response({"error": {"type": "upgrade_required", "message": "over HTTP only"}}, status=426)
        return web.json_response(
            {"error": {"type": "not_found_error", "message": "the stand-in has no such route"}}, status=404
        )


def _pieces(text: str) -> list[str]:
    """`text` in the pieces in which it is streamed."""
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)] or [""]
