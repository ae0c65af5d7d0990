"""api as a process of an unprivileged user, over a FakeHost in this one."""

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.api.fakehost import FakeHost
from tests.stack import Daemon, free_port

NOBODY: Final = 65_534
_DROP: Final = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", "--"]


class ApiProcess:
    """The process, its configuration and its hostd."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "hostel.toml"
        self.host = FakeHost(folder / "hostd.sock")
        drop = ["setpriv", *_DROP] if os.geteuid() == 0 else []
        self.daemon = Daemon("api", [*drop, sys.executable, "-I", "-m", "api", "--config", str(self.config)], folder, {})

    def configure(self, **api: object) -> None:
        """Write hostel.toml with these keys of `[api]`."""
        limits = dict.fromkeys(("login", "redeem", "create_workspace", "mint", "request"), "1000000/minute")
        lines = [f'state = "{self.folder}/state"', f'run = "{self.folder}"', "[api]", f"port = {self.port}"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in api.items()]
        lines += ["[api.rate_limits]", *(f'{key} = "{value}"' for key, value in limits.items())]
        self.config.write_text("\n".join(lines))
        self.config.chmod(0o644)

    async def call(
        self, method: str, path: str, body: object = None, token: str | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON of a reply."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        async with aiohttp.request(method, self.url + path, json=body, headers=sent) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text else None

    async def admin(self) -> str:
        """An admin's access token."""
        self.host.invites.add("invite")
        _, body = await self.call("POST", "/api/auth/redeem", {"token": "invite"})
        return str(body["accessToken"])


@contextlib.asynccontextmanager
async def api_process(**api: object) -> AsyncIterator[ApiProcess]:
    """A started api; all of it is gone at the end."""
    base = Path("/var/lib") if os.geteuid() == 0 else Path.home()
    folder = Path(tempfile.mkdtemp(prefix="hostel-test-", dir=base))
    made = ApiProcess(folder)
    try:
        folder.chmod(0o711)
        (folder / "state").mkdir()
        if os.geteuid() == 0:
            os.chown(folder / "state", NOBODY, NOBODY)
        made.configure(**api)
        async with made.host.running():
            made.host.path.chmod(0o666)
            await made.daemon.start()
            yield made
    finally:
        made.daemon.stop()
        shutil.rmtree(folder)
