"""Work that is of no use to anybody once its caller has gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from shared.errors import Code, Fault
from shared.link import Link

T = TypeVar("T")


async def unless_gone(link: Link, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns; it is cancelled when the peer closes the link, or sends anything. Raises Fault UNAVAILABLE then."""
    task, reader = asyncio.create_task(work), asyncio.create_task(link.receive())
    try:
        await asyncio.wait((task, reader), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Fault(Code.UNAVAILABLE, "the caller has gone")
    finally:
        task.cancel()
        reader.cancel()
        await asyncio.gather(task, reader, return_exceptions=True)
