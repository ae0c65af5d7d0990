"""The life of the server: build what it works with, listen, stop without cutting anybody off in mid-reply."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from api.app import build, complete
from api.auditing import Auditor
from api.channels import Channels
from api.credentials.apikeys import ApiKeys
from api.credentials.onetime import OneTime
from api.credentials.tokens import Tokens
from api.deadlines import Deadlines
from api.deletion import purge_due, settle
from api.guests import Guests
from api.hosts import Hosts
from api.idempotency import Idempotency
from api.metrics import Metrics
from api.people.browsers import Browsers
from api.people.login.logins import Logins
from api.people.members import Members
from api.people.operators import Operators
from api.people.organisations import Organisations
from api.people.people import People
from api.problems import Problem, respond
from api.provisioners import Provisioners
from api.provisioning import Provisioner
from api.ratelimit import RateLimiter
from api.secrets import Secrets
from api.serverkeys.keys import Keys
from api.services import Services
from api.store import Store
from api.streams.audittail import Tail
from api.streams.live import Live
from api.streams.watches import Watches
from api.sweeper import Sweeper
from api.tasks.runner import TaskRunner
from api.tasks.scheduler import Scheduler
from api.tasks.schedules import Schedules
from api.tasks.tasks import Tasks
from api.webhooks import Webhooks
from api.workspaces import Workspaces
from shared.config import Config
from shared.errors import Code, Fault
from shared.log import logger
from shared.notify import notify, watchdog_interval

GRACE: Final = 5.0
"""Seconds for requests under way when the server stops."""
IDLE_SECONDS: Final = 75.0
"""A connection without a whole request for so long is closed, from its first moment on."""
PURGE_SECONDS: Final = 3600.0
FORGET_SECONDS: Final = 300.0
"""Between two looks at what root did to workspaces on the host."""
DUE_SECONDS: Final = 60.0
"""Between two looks at which deleted workspaces are to be removed for good."""
BACKLOG: Final = 1024


async def serve(config: Config, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises Fault, ConfigError or OSError when that cannot begin."""
    async with services(config) as made:
        runner = runner_of(made)
        await runner.setup()
        try:
            await web.TCPSite(runner, config.api.listen, config.api.port, backlog=BACKLOG).start()
            await made.provisioner.resume()
            notify("READY=1")
            logger().info("listening", address=[f"{host}:{port}" for host, port, *_ in runner.addresses])
            await _until(stop, made)
            notify("STOPPING=1")
            logger().info("stopping")
        finally:
            made.stopping.set()
            made.live.stop()
            await runner.cleanup()


def runner_of(made: Services) -> "Runner":
    """What runs the application over `made`."""
    return Runner(
        build(made),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=GRACE,
        keepalive_timeout=IDLE_SECONDS,
        # A compressed body is refused, and need not be unpacked for that.
        auto_decompress=False,
    )


@asynccontextmanager
async def services(config: Config) -> AsyncIterator[Services]:
    """What handlers work with, over the state folder of `config`; closed at the end."""
    folder = Path(config.state) / "api"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys, live, hosts = Keys(folder / "keys"), Live(), Hosts(config)
    store = Store(folder / "store.sqlite")
    auditor = Auditor(hosts)
    guests = Guests(hosts)
    workspaces, watches = Workspaces(store), Watches(guests)
    tokens, people = Tokens(store, keys, live, config.api, config.auth), People(store)
    sweeper, webhooks = Sweeper(store, guests, config.guest), Webhooks(store, keys, config)
    provisioners = Provisioners(store, keys, config.provisioner)
    hidden = Secrets(store, keys, config.limits.secrets)
    tasks = Tasks(store, keys, config.tasks, watches=watches, webhooks=webhooks, workspaces=workspaces)
    runner = TaskRunner(tasks, guests=guests, sweeper=sweeper, secrets=hidden, workspaces=workspaces)
    schedules = Schedules(store, keys, tasks, config.limits.schedules)
    made = Services(
        config=config,
        store=store,
        keys=keys,
        hosts=hosts,
        guests=guests,
        watches=watches,
        live=live,
        tokens=tokens,
        workspaces=workspaces,
        provisioner=Provisioner(
            workspaces, hosts, keys, watches, config.api.provisioning_timeout, others=provisioners, webhooks=webhooks
        ),
        provisioners=provisioners,
        idempotency=Idempotency(store, keys),
        limits=RateLimiter(config.api.rate_limits),
        metrics=Metrics(),
        deadlines=Deadlines(guests),
        sweeper=sweeper,
        auditor=auditor,
        audit=Tail(hosts, auditor),
        apikeys=ApiKeys(store, live, workspaces, config.limits),
        onetime=OneTime(store),
        browsers=Browsers(store, tokens, workspaces, config.auth),
        operators=Operators(store, tokens, auditor, config.auth),
        people=people,
        logins=Logins(config, store, keys, people),
        organisations=Organisations(store, Members(store, live, watches.rows.outdate)),
        secrets=hidden,
        tasks=tasks,
        runner=runner,
        schedules=schedules,
        scheduler=Scheduler(schedules, tasks, runner),
        webhooks=webhooks,
        channels=Channels(store, watches, webhooks, config),
    )
    try:
        await store.migrate()
        await made.tokens.load()
        made.auditor.start()
        await made.webhooks.load()
        yield made
    finally:
        await made.provisioner.close()
        await made.provisioners.close()
        await made.webhooks.close()
        await made.apikeys.close()
        await made.deadlines.close()
        await made.watches.close()
        await guests.close()
        await made.audit.close()
        await made.auditor.close()
        await hosts.close()
        await store.close()


async def _until(stop: asyncio.Event, made: Services) -> None:
    """Wait for `stop`, and do what is due now and then."""
    parts = (made.sweeper, made.runner, made.scheduler, made.operators)
    loops = (_purge(made), _forget(made), _bury(made), *(part.run() for part in parts))
    jobs = [asyncio.create_task(loop) for loop in loops]
    if interval := watchdog_interval():
        jobs.append(asyncio.create_task(_watchdog(interval)))
    await stop.wait()
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def _purge(made: Services) -> None:
    while True:
        with suppress(Fault):  # the store has logged it; there is a next time
            await made.idempotency.purge()
            await made.tokens.purge()
            made.keys.purge(time.time())
            await made.tasks.purge()
            await made.browsers.purge()
            await made.logins.states.purge()
            await made.apikeys.purge()
            await made.onetime.purge()
            await made.webhooks.purge()
        await asyncio.sleep(PURGE_SECONDS)


async def _forget(made: Services) -> None:
    while True:
        with suppress(Fault):  # hostd is away; a request for a deleted workspace finds out as well
            await settle(made)
        await asyncio.sleep(FORGET_SECONDS)


async def _bury(made: Services) -> None:
    while True:
        made.purging.clear()
        with suppress(Fault):  # the store has logged it
            await purge_due(made)
        with suppress(TimeoutError):
            async with asyncio.timeout(DUE_SECONDS):
                await made.purging.wait()


async def _watchdog(interval: float) -> None:
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval)


class Protocol(RequestHandler):
    """aiohttp's protocol, with problem details for what is not even HTTP.

    Its own page would be plain text, and its log line would quote the bytes that were sent, a token perhaps.
    """

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # aiohttp's signature; it quotes the request
    ) -> web.StreamResponse:
        """The reply to a request that could not be read, or whose handling broke outside of every handler."""
        if request.writer.output_size > 0:
            raise ConnectionError("the reply has begun; it cannot be replaced")
        internal = status >= web.HTTPInternalServerError.status_code
        if internal:
            logger().error("a request failed unexpectedly", exc_info=exc)
        code, detail = (Code.INTERNAL, "an unexpected error") if internal else (Code.BAD_REQUEST, "this is not valid HTTP")
        request_id = secrets.token_hex(16)
        response = respond(Problem(code, detail), request_id)
        complete(response, request_id)
        response.force_close()
        return response


class Server(web.Server):
    """aiohttp's server, speaking Protocol."""

    def __call__(self) -> Protocol:
        """A protocol for a new connection."""
        return Protocol(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """aiohttp's runner, with Server."""

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        return Server(
            made.request_handler,
            request_factory=made.request_factory,
            **self._kwargs,
        )
