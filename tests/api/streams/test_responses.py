"""Streams of events: a client that is gone before its stream begins."""

import asyncio

from aiohttp import web

from api.streams.responses import Response


async def test_a_client_that_leaves_before_the_headers_is_no_failure() -> None:
    entered, left = asyncio.Event(), asyncio.Event()
    ended: asyncio.Future[type[BaseException]] = asyncio.get_running_loop().create_future()

    async def serve(request: web.Request) -> web.StreamResponse:
        entered.set()
        await left.wait()
        while request.transport is not None:
            await asyncio.sleep(0.01)
        try:
            await Response().prepare(request)
        except BaseException as error:
            ended.set_result(type(error))
            raise
        ended.set_result(AssertionError)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", serve)
    # As hostel's own server, which does not end a handler for a client that has left.
    runner = web.AppRunner(app, handler_cancellation=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await entered.wait()
        writer.close()
        await writer.wait_closed()
        left.set()
        async with asyncio.timeout(10):
            assert await ended is asyncio.CancelledError
    finally:
        await runner.cleanup()
