"""Virtual environments with hostel in them, installed from this checkout as a wheel.

They hold copies: nobody needs to reach the checkout afterwards. A stamp in each tells what it was made from, so that a
second call is quick, and a change of the sources alone reinstalls hostel alone.
"""

import hashlib
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from tools.console import step
from tools.programs import run

CHECKOUT: Final = Path(__file__).resolve().parent.parent
STAMP: Final = "hostel-stamp.json"


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the extras of hostel that are in it."""

    folder: Path
    extras: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin/python"


_MADE: Final = frozenset(
    {"__pycache__", "node_modules", "api/static", "web/openapi.json", "web/build.lock", "web/src/api/schema.d.ts"}
)
"""Names and paths of what is made in a checkout, and is no source."""


def digest(begin: str, *names: str) -> str:
    """A digest of `begin` and of these files and folders of the checkout."""
    total = hashlib.sha256(begin.encode())
    for name in names:
        for path in _files(CHECKOUT / name):
            data = path.read_bytes()
            total.update(f"{path.relative_to(CHECKOUT)} {len(data)}\n".encode() + data)
    return total.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.name in _MADE or str(path.relative_to(CHECKOUT)) in _MADE:
        return
    if path.is_dir():
        for inner in sorted(path.iterdir()):
            yield from _files(inner)
    elif path.is_file():
        yield path


class Sources:
    """This checkout, as far as an environment depends on it."""

    @cached_property
    def project(self) -> dict[str, object]:
        """pyproject.toml."""
        return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))

    @property
    def packages(self) -> list[str]:
        """The import packages of the wheel."""
        packages = self._at("tool", "hatch", "build", "targets", "wheel", "packages")
        return [str(name) for name in packages]

    @property
    def build_requirements(self) -> list[str]:
        """What building the wheel takes."""
        return [str(name) for name in self._at("build-system", "requires")]

    def pinned(self, name: str) -> str:
        """The requirement called `name` among the extra `dev`."""
        return next(str(item) for item in self._at("project", "optional-dependencies", "dev") if str(item).startswith(name))

    def _at(self, *keys: str) -> list[object]:
        value: object = self.project
        for key in keys:
            assert isinstance(value, dict)  # noqa: S101  # our own file
            value = value[key]
        assert isinstance(value, list)  # noqa: S101  # the same
        return value

    @cached_property
    def dependencies_digest(self) -> str:
        """Changes when an environment has to be made anew."""
        text = (CHECKOUT / "pyproject.toml").read_bytes() + f"{sys.executable} {sys.version}".encode()
        return hashlib.sha256(text).hexdigest()

    @cached_property
    def digest(self) -> str:
        """Changes when hostel itself has to be installed again."""
        return digest(self.dependencies_digest, "web", *self.packages)


class Builder:
    """Makes environments. Its own one, in `folder`, holds pip, what builds the wheel, and the wheel."""

    def __init__(self, folder: Path) -> None:
        """Work in `folder`."""
        self._own = Environment(folder, "")
        self._sources = Sources()

    def provide(self, environments: Sequence[Environment]) -> None:
        """Bring each environment to what this checkout is; those that are up to date are left alone."""
        os.umask(0o022)
        stale = [environment for environment in environments if _stamp(environment) != self._wanted]
        if not stale:
            return
        with step("building hostel"):
            wheel = self._wheel()
        for environment in stale:
            with step(f"installing hostel[{environment.extras}] in {environment.folder}"):
                self._install(environment, wheel)

    @property
    def _wanted(self) -> dict[str, str]:
        return {"dependencies": self._sources.dependencies_digest, "sources": self._sources.digest}

    def _wheel(self) -> Path:
        if _stamp(self._own).get("dependencies") != self._wanted["dependencies"]:
            _create(self._own, pip=True)
            self._pip(self._own, "install", *self._sources.build_requirements)
            _write_stamp(self._own, {"dependencies": self._wanted["dependencies"]})
        target = self._own.folder / "wheel"
        shutil.rmtree(target, ignore_errors=True)
        self._pip(self._own, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", target, CHECKOUT)
        return next(target.glob("*.whl"))

    def _install(self, environment: Environment, wheel: Path) -> None:
        if _stamp(environment).get("dependencies") == self._wanted["dependencies"]:
            (environment.folder / STAMP).unlink()
            self._pip(environment, "install", "--no-compile", "--no-deps", "--force-reinstall", wheel)
        else:
            _create(environment, pip=False)
            self._pip(environment, "install", "--no-compile", f"{wheel}[{environment.extras}]")
        run(environment.python, "-I", "-m", "compileall", "-q", "-j", "0", environment.folder / "lib")
        _write_stamp(environment, self._wanted)

    def require(self, environment: Environment, name: str) -> None:
        """Install one of the development tools, in its pinned version, in `environment`."""
        self._pip(environment, "install", "--no-compile", self._sources.pinned(name))

    def _pip(self, environment: Environment, *argv: str | Path) -> None:
        run(self._own.python, "-I", "-m", "pip", "--quiet", "--no-input", "--python", environment.python, *argv)


def _create(environment: Environment, *, pip: bool) -> None:
    shutil.rmtree(environment.folder, ignore_errors=True)
    environment.folder.parent.mkdir(parents=True, exist_ok=True)
    # The interpreter by the path that it was started by: the symbolic link /usr/bin/python3 outlives an upgrade.
    run(sys.executable, "-I", "-m", "venv", *([] if pip else ["--without-pip"]), environment.folder)


def _stamp(environment: Environment) -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads((environment.folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp


def _write_stamp(environment: Environment, stamp: dict[str, str]) -> None:
    (environment.folder / STAMP).write_text(json.dumps(stamp), encoding="utf-8")
