"""The official client, and what it gets."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from tests.api.rooms import Rooms


class Agent:
    """A client with one credential."""

    def __init__(self, rooms: Rooms, token: str, mode: str = "auto") -> None:
        """`mode`: `auto` finds the newest revision by itself, `legacy` begins with a handshake."""
        self.rooms = rooms
        self._token = token
        self._mode = mode
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        # The client must be left by the task that entered it, which a fixture is not.
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live(ready))

        def tell(task: "asyncio.Task[None]") -> None:
            if not ready.done():
                ready.set_exception(task.exception() or EOFError())

        self._task.add_done_callback(tell)
        self.client = await ready
        return self

    async def _live(self, ready: "asyncio.Future[Client]") -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        url = str(self.rooms.http._build_url("/api/mcp"))
        async with (
            httpx2.AsyncClient(headers=headers, timeout=70) as http,
            Client(streamable_http_client(url, http_client=http), mode=self._mode) as client,
        ):
            ready.set_result(client)
            await self._over.wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        await self._task

    async def tools(self) -> set[str]:
        """The names of the tools that it is offered."""
        return {tool.name for tool in (await self.client.list_tools()).tools}

    async def texts(self, tool: str, /, **arguments: object) -> list[str]:
        """What a call answers."""
        result = await self._call(tool, arguments)
        assert not result.is_error, result
        return _texts(result)

    async def ask(self, tool: str, /, **arguments: object) -> Any:  # noqa: ANN401  # JSON
        """What a call answers, which is JSON."""
        (text,) = await self.texts(tool, **arguments)
        return json.loads(text)

    async def fail(self, tool: str, /, **arguments: object) -> str:
        """How a call fails."""
        result = await self._call(tool, arguments)
        assert result.is_error, result
        return "\n".join(_texts(result))

    async def _call(self, tool: str, arguments: dict[str, object]) -> CallToolResult:
        result = await self.client.call_tool(tool, arguments)
        assert isinstance(result, CallToolResult)
        return result


def _texts(result: CallToolResult) -> list[str]:
    return [part.text for part in result.content if isinstance(part, TextContent)]
