"""The launcher of `make run`: runs hostd and api in a terminal, and leaves nothing behind when it ends.

Runs with the interpreter of hostd's environment. Daemons that die are started again. The end of the launcher itself, by
whatever signal, is the end of both daemons; the rooms are closed by an orderly stop alone.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO, Final

from ctl.client import HostClient
from shared.config import Config, ConfigError, load
from shared.errors import Fault
from tools.console import die, say
from tools.setup import USER

READY_WITHIN: Final = 30.0
STOP_WITHIN: Final = 15.0
_LOG_MAX: Final = 16 * 1024 * 1024
_TAIL: Final = 15
_BACKOFF: Final = (0.1, 0.5, 2.0, 5.0)
"""Seconds before a daemon that died is started again, by how often in a row it died young."""
_YOUNG: Final = 10.0
_ENVIRON: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_AS_USER: Final = (
    f"--reuid={USER}",
    f"--regid={USER}",
    "--clear-groups",
    "--no-new-privs",
    "--inh-caps=-all",
    "--bounding-set=-all",
)


class StartError(Exception):
    """A daemon did not come up at all."""


class Daemon:
    """A daemon that is kept running, and the socket on which it says that it is ready."""

    def __init__(self, name: str, state: Path, drop: tuple[str, ...] = ()) -> None:
        """`drop` are setpriv's options; whatever they are, the daemon gets SIGTERM when the launcher dies."""
        self.name = name
        self.ready = asyncio.Event()
        self._log = state / "log" / f"{name}.log"
        daemon = (str(state / "lib" / name / "bin/python"), "-I", "-m", name, "--config", str(state / "hostel.toml"))
        self._argv = ("setpriv", *drop, "--pdeathsig=TERM", "--", *daemon)
        self._address = state / "run" / f"{name}.notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._process: asyncio.subprocess.Process | None = None

    def listen(self) -> None:
        """Take `READY=1` from the daemon; who may enter the folder is told by its mode."""
        self._address.unlink(missing_ok=True)
        self._socket.bind(str(self._address))
        self._address.chmod(0o666)
        self._socket.setblocking(False)  # noqa: FBT003  # the signature is socket's
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if b"READY=1" in self._socket.recv(4096).splitlines():
                self.ready.set()

    async def keep(self) -> None:
        """Run the daemon until this task is cancelled; StartError when it never became ready."""
        deaths, was_ready = 0, False
        while True:
            began, offset = time.monotonic(), self._rotate()
            status = await self._run(offset)
            was_ready = was_ready or self.ready.is_set()
            self.ready.clear()
            say(f"{self.name} ended with status {status}; the end of {self._log}:")
            say("".join(f"    {line}\n" for line in self._tail(offset)) or "    (it said nothing)")
            if not was_ready:
                raise StartError(f"{self.name} did not start")
            deaths = deaths + 1 if time.monotonic() - began < _YOUNG else 0
            await asyncio.sleep(_BACKOFF[min(deaths, len(_BACKOFF) - 1)])
            say(f"starting {self.name} again")

    async def _run(self, offset: int) -> int:
        with self._log.open("ab") as log:
            self._process = await self._spawn(log)
        ending = asyncio.ensure_future(self._process.wait())
        started = asyncio.ensure_future(self.ready.wait())
        try:
            await asyncio.wait({ending, started}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done() and not started.done():
                say(f"{self.name} is not ready after {READY_WITHIN:.0f} s; the end of {self._log}:")
                say("".join(f"    {line}\n" for line in self._tail(offset)))
                self._process.kill()
            return await ending
        finally:
            started.cancel()
            ending.cancel()

    async def _spawn(self, log: IO[bytes]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_ENVIRON | {"NOTIFY_SOCKET": str(self._address)},
            # In a session of its own, so that Ctrl-C comes to the launcher alone, which stops things in order.
            start_new_session=True,
        )

    def _rotate(self) -> int:
        """The length of the log; a long one is put aside first."""
        with contextlib.suppress(FileNotFoundError):
            size = self._log.stat().st_size
            if size <= _LOG_MAX:
                return size
            self._log.replace(self._log.with_suffix(".log.1"))
        return 0

    def _tail(self, offset: int) -> list[str]:
        with self._log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace").splitlines()[-_TAIL:]

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not enough."""
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_WITHIN)
            except TimeoutError:
                say(f"{self.name} did not stop within {STOP_WITHIN:.0f} s: killing it")
                process.kill()
                await process.wait()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._address.unlink(missing_ok=True)


class Launcher:
    """Both daemons, from the first start to the last stop."""

    def __init__(self, state: Path, config: Config) -> None:
        """`config` is the one that the daemons read."""
        self._state = state
        self._config = config
        self._hostd = Daemon("hostd", state)
        self._api = Daemon("api", state, _AS_USER)
        self._stopping = asyncio.Event()

    async def serve(self) -> None:
        """Run until a signal comes. Raises StartError."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stopping.set)
        daemons = (self._hostd, self._api)
        for daemon in daemons:
            daemon.listen()
        keepers = [asyncio.create_task(daemon.keep()) for daemon in daemons]
        try:
            await self._until_stopped(keepers)
        finally:
            say("\nstopping")
            keepers[1].cancel()
            await self._api.stop()
            await self._close_rooms(keepers[0])
            keepers[0].cancel()
            await self._hostd.stop()
            await asyncio.gather(*keepers, return_exceptions=True)

    async def _until_stopped(self, keepers: list[asyncio.Task[None]]) -> None:
        stopping = asyncio.create_task(self._stopped())
        greeting = asyncio.create_task(self._greet())
        try:
            waiting = {stopping, greeting, *keepers}
            while not stopping.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            stopping.cancel()
            greeting.cancel()

    async def _stopped(self) -> None:
        await self._stopping.wait()

    async def _greet(self) -> None:
        await self._hostd.ready.wait()
        await self._api.ready.wait()
        invite = await asyncio.to_thread(self._invite)
        url = self._config.api.url
        say(f"\nhostel is up: {url}\n")
        say(f"  sign in as admin, once, within 15 minutes:  {url}/#redeem={invite}")
        say(f"  a new link:  {self._state}/bin/hostelctl invite --admin --url")
        say(f"  the state of all:  {self._state}/bin/hostelctl status    logs: {self._state}/log/    stop: Ctrl-C\n")

    def _invite(self) -> str:
        with HostClient(self._config.socket) as host:
            return host.create_invite().token.reveal()

    async def _close_rooms(self, keeper: asyncio.Task[None]) -> None:
        """Kill what the tenants run, through hostd, which is started again first if it has just died."""
        if keeper.done():
            return
        try:
            await asyncio.wait_for(self._hostd.ready.wait(), READY_WITHIN)
            stopped = await asyncio.to_thread(self._stop_workspaces)
        except (TimeoutError, Fault) as error:
            say(f"hostd does not answer, so workspaces may still run: {error}")
        else:
            if stopped:
                say(f"stopped {stopped} workspaces")

    def _stop_workspaces(self) -> int:
        stopped = 0
        with HostClient(self._config.socket) as host:
            for item in host.every_workspace():
                if item.running or item.processes:
                    host.stop_workspace(workspace=item.workspace)
                    stopped += 1
        return stopped


def main() -> None:
    """Serve `STATE`, the only argument."""
    state = Path(sys.argv[1])
    os.umask(0o022)
    try:
        asyncio.run(_serve(state, load(state / "hostel.toml")))
    except ConfigError as error:
        die(str(error), hint="hostel.example.toml documents every key")
    except StartError as error:
        die(str(error), hint=f"its log: {state}/log/")


async def _serve(state: Path, config: Config) -> None:
    await Launcher(state, config).serve()


if __name__ == "__main__":
    main()
