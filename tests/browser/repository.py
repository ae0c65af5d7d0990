"""A repository on this host that tenants can clone, from git's own server."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.stack import free_port

LINES = 200_000


def make(folder: Path) -> None:
    """A repository with a text, a program and a long file."""
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# Greeter\n\nSays hello.\n")
    (folder / "greet.py").write_text('def greet(name: str) -> str:\n    return f"hello {name}"\n')
    (folder / "numbers.txt").write_text("".join(f"{number}\n" for number in range(LINES)))
    git = ["git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-C", str(folder)]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "Greet by name"]):
        subprocess.run([*git, *command], check=True)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """The address of `folder`, which git serves until the block ends."""
    port = free_port()
    argv = ["daemon", "--listen=127.0.0.1", f"--port={port}", "--export-all", f"--base-path={folder.parent}", "--verbose"]
    server = await asyncio.create_subprocess_exec("git", *argv, stderr=asyncio.subprocess.PIPE)
    assert server.stderr is not None
    try:
        while b"Ready to rumble" not in await server.stderr.readline():
            assert server.returncode is None
        yield f"git://127.0.0.1:{port}/{folder.name}"
    finally:
        server.terminate()
        await server.wait()
