"""`Prefer: wait=N`: a reply that comes when something has ended, or when the client would wait no longer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from api.routing import Context

T = TypeVar("T")


async def patiently(ctx: Context, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work`, which follows a guest, comes to; None when the client's patience or the server's life ends before.

    Whoever waits holds a connection to the guest, so it counts as one: with none free the answer is None at once.
    """
    if not ctx.wait or ctx.app.live.full(ctx.principal):
        work.close()
        return None
    with ctx.app.live.open(ctx.principal, ctx.workspace):
        working = asyncio.create_task(work)
        stopping = asyncio.create_task(ctx.app.stopping.wait())
        try:
            await asyncio.wait({working, stopping}, timeout=ctx.wait, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            working.cancel()
            stopping.cancel()
