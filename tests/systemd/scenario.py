"""Runs inside the machine, with api's own interpreter: a counting shell, watched while both daemons go down under it.

Prints what it saw as JSON; `test_boot` judges it.
"""

import asyncio
import json
import re
import subprocess
import time
from typing import Any, Final

import aiohttp

URL: Final = "http://127.0.0.1:8080"
COUNTING: Final = "i=0; while [ ! -e stop ]; do i=$((i+1)); echo line-$i; sleep 0.005; done; echo the-end"
BLOWS: Final = (
    ("systemctl", "restart", "hostel-api"),
    ("systemctl", "restart", "hostel-hostd"),
    ("systemctl", "kill", "-s", "KILL", "hostel-api"),
    ("systemctl", "kill", "-s", "KILL", "--kill-who=main", "hostel-hostd"),
    ("systemctl", "restart", "hostel-hostd", "hostel-api"),
)


class Watcher:
    """A terminal's client that comes back after any break, and asks for what follows its last byte."""

    def __init__(self, http: aiohttp.ClientSession, terminal: str, headers: dict[str, str]) -> None:
        """Watch `terminal`."""
        self._http, self._path, self._headers = http, f"/api/terminals/{terminal}", headers
        self.output = bytearray()
        self.seq = 0
        self.connections = 0
        self.gaps = 0
        self._ws: aiohttp.ClientWebSocketResponse | None = None

    async def watch(self) -> None:
        """Receive for ever."""
        while True:
            try:
                async with self._http.ws_connect(self._path, headers=self._headers, params={"after": self.seq}) as ws:
                    await self._receive(ws)
            except (aiohttp.ClientError, OSError):
                pass
            self._ws = None
            await asyncio.sleep(0.02)

    async def _receive(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.output += message.data
                self.seq += len(message.data)
                continue
            control = json.loads(message.data)
            if control["type"] == "ready":
                self.gaps += control["seq"] != self.seq
                self.seq = control["seq"]
                self.connections += 1
                self._ws = ws

    async def type(self, text: str) -> None:
        """Type a line, when connected."""
        await until(lambda: self._ws is not None, "a connection")
        assert self._ws is not None
        await self._ws.send_bytes(text.encode() + b"\n")

    async def see(self, pattern: bytes) -> "re.Match[bytes]":
        """Wait for output like that."""
        await until(lambda: re.search(pattern, self.output) is not None, repr(pattern))
        found = re.search(pattern, self.output)
        assert found is not None
        return found


async def until(happened: Any, what: str, within: float = 30) -> None:  # noqa: ANN401  # a predicate
    """Wait for a condition."""
    end = time.monotonic() + within
    while not happened():
        assert time.monotonic() < end, f"{what} did not come"
        await asyncio.sleep(0.02)


def run(*argv: str) -> str:
    """The output of a program."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def main_pid(unit: str) -> int:
    """Of a service."""
    return int(run("systemctl", "show", "-P", "MainPID", unit))


async def call(http: aiohttp.ClientSession, path: str, body: object, token: str = "") -> dict[str, Any]:
    """The reply to a POST."""
    headers = {"Prefer": "wait=30"} | ({"Authorization": f"Bearer {token}"} if token else {})
    async with http.post(path, json=body, headers=headers) as reply:
        text = await reply.text()
        assert reply.ok, f"{path}: {reply.status} {text}"
        return dict(json.loads(text))


async def main() -> dict[str, Any]:
    """Go through it all."""
    async with aiohttp.ClientSession(URL) as http:
        invite = json.loads(run("hostelctl", "invite", "--admin", "--json"))["token"]
        admin = (await call(http, "/api/auth/redeem", {"token": invite}))["accessToken"]
        made = await call(http, "/api/workspaces", {"name": "boot"}, admin)
        workspace = made["workspaceId"]
        login = await call(
            http, "/api/workspaces/login", {"workspaceId": workspace, "workspaceSecret": made["workspaceSecret"]}
        )
        token = login["workspaceToken"]
        session = await call(http, f"/api/workspaces/{workspace}/sessions", {}, token)
        path = f"/api/workspaces/{workspace}/sessions/{session['sessionId']}/terminals"
        terminal = await call(
            http, path, {"command": ["/bin/sh", "-c", f"echo pid=$$ uid=$(id -u); {COUNTING}; sleep 600"]}, token
        )
        watcher = Watcher(http, terminal["terminalId"], {"Authorization": f"Bearer {token}"})
        watching = asyncio.create_task(watcher.watch())
        first = await watcher.see(rb"pid=(\d+) uid=(\d+)")
        shell = json.loads(run("hostelctl", "show", workspace, "--json"))
        blows = [await strike(watcher, *blow) for blow in BLOWS]
        alive = run("sh", "-c", f"cat /proc/*/status | grep -c '^Uid:.{shell['uid']}'").strip()
        cgroups = run("systemd-cgls", "--no-pager", "--unit", "hostel-guests.slice")
        run("touch", f"/var/lib/hostel/homes/{workspace}/vibecoder_workspace/sessions/{session['sessionId']}/repo/stop")
        await watcher.see(rb"the-end")
        watching.cancel()
        doctor = json.loads(run("hostelctl", "doctor", "--json"))
    return {
        "workspace": workspace,
        "uid": int(first.group(2)),
        "shown": shell,
        "output": watcher.output.decode(),
        "gaps": watcher.gaps,
        "connections": watcher.connections,
        "blows": blows,
        "alive": int(alive),
        "cgroups": cgroups,
        "doctor": doctor,
    }


async def strike(watcher: Watcher, *argv: str) -> dict[str, Any]:
    """Bring daemons down, and wait until output flows again."""
    units = [unit for unit in ("hostel-api", "hostel-hostd") if unit in argv]
    before = {unit: main_pid(unit) for unit in units}
    run(*argv)
    await until(lambda: all(main_pid(unit) not in {0, before[unit]} for unit in units), f"a new process of {units}")
    await until(
        lambda: all(run("systemctl", "show", "-P", "ActiveState", unit).strip() == "active" for unit in units),
        f"the start of {units}",
    )
    seen = watcher.seq
    await until(lambda: watcher.seq > seen + 100, f"output after {' '.join(argv)}")
    return {"blow": " ".join(argv), "seq": watcher.seq, "connections": watcher.connections}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))  # its result
