"""`hostelctl` in a process of its own, with a configuration that leads to a test's api."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


async def run(folder: Path, port: int, *argv: str) -> Result:
    """Run `hostelctl` in a process of its own; in ours it would print what api logs."""
    config = folder / "hostel.toml"
    config.write_text(f"[api]\nport = {port}\n")
    words = (*argv, "--config", str(config), "--socket", str(folder / "hostd.sock"))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-m", "ctl", *words, stdout=pipe, stderr=pipe)
    stdout, stderr = await process.communicate()
    return Result(process.returncode or 0, stdout.decode(), stderr.decode())
