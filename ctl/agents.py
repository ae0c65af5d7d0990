"""`hostelctl agents`: the agents' programs, installed once for all tenants, who can read and run them but not change them."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, Literal, NoReturn

import click
from msgspec import Struct

from ctl.base import FAILED, Command, Group, settings
from ctl.catalog import Package, ours, packages
from ctl.launchers import launcher, wrapper
from ctl.npm import NODE, install_node, install_package, megabytes, wanted_node
from ctl.output import print_json, print_table
from ctl.programs import Problem, examine
from ctl.store import Store
from shared.agents import Registry
from shared.errors import Code, Fault

_SCARCE: Final = 512 * 1024 * 1024
"""Free bytes of a disk below which what was downloaded in vain is not kept for the next time."""
State = Literal["installed", "outdated", "incomplete", "missing", "external", "absent"]
"""`external` and `absent`: an agent that the configuration brings along, whose program is there or not."""


class Row(Struct, frozen=True):
    """One agent of the registry."""

    agent: str
    title: str
    driver: str
    state: State
    installed: str | None
    wanted: str | None
    detail: str


class Installed(Struct, frozen=True):
    """What became of one package."""

    package: str
    version: str
    changed: bool


@click.group(cls=Group)
def agents() -> None:
    """Install the agents' programs for all tenants, and look after them."""


@agents.command(cls=Command)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--force", is_flag=True, help="Install again what is up to date.")
@click.pass_context
def install(context: click.Context, names: tuple[str, ...], *, force: bool) -> None:
    """Install the agents called NAME, or all that are known out of the box, in their pinned versions.

    What is up to date stays as it is. An installation that fails, or is interrupted, leaves the former one in place.
    """
    config = settings(context).config
    wanted = _chosen(config.registry, names)
    store = Store(Path(config.agents.folder))
    done: list[Installed] = []
    with _ended_by_signals(), store.locked():
        os.umask(0o022)
        if force or store.label(NODE) != wanted_node():
            with _step(f"installing Node {wanted_node().partition('-')[0]}", store, NODE):
                install_node(store)
        for package in packages(wanted):
            changed = force or store.label(package.name) != package.label
            if changed:
                with _step(f"installing {package.name} {package.version}", store, package.name):
                    _install(store, package)
            _offer(store, package)
            done.append(Installed(package.name, package.version, changed))
        shutil.rmtree(store.cache, ignore_errors=True)
    if settings(context).json:
        print_json(done)
    else:
        click.echo(f"{', '.join(wanted)}: installed in {store.folder}" if wanted else "there is nothing to install")


def _chosen(registry: Registry, names: tuple[str, ...]) -> list[str]:
    for name in names:
        if name not in registry.agents:
            known = ", ".join(sorted(registry.agents))
            raise click.BadParameter(f"there is no agent {name}, or it is not enabled; there are: {known}")
        if not ours(registry, name):
            command = registry.agents[name].command[0]
            raise click.BadParameter(f"{name} is not for hostelctl to install: the configuration starts {command}")
    return list(dict.fromkeys(names)) or [name for name in registry.agents if ours(registry, name)]


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does, so that what is half made is removed."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    former = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def _step(what: str, store: Store, name: str) -> Iterator[None]:
    click.echo(f"==> {what}", err=True)
    began = time.monotonic()
    try:
        yield
    except Fault as error:
        if shutil.disk_usage(store.folder).free < _SCARCE:
            shutil.rmtree(store.cache, ignore_errors=True)
        raise Fault(error.code, f"{what} failed: {error.message}") from None
    current = store.current(name)
    size = megabytes(current) if current else 0
    click.echo(f"    done in {time.monotonic() - began:.1f} s, {size} MB", err=True)


def _install(store: Store, package: Package) -> None:
    with store.staged(package.name, package.label) as staging:
        install_package(store, package, staging)
        script = staging / "node_modules" / package.program_path
        if not script.is_file():
            raise Fault(Code.FAILED, f"{package.name} {package.version} has no program for this machine ({os.uname().machine})")
        program = staging / "bin" / package.program
        program.parent.mkdir()
        if package.node:
            place = store.place(package.name, package.label) / "node_modules" / package.program_path
            program.write_text(wrapper(f"{store.folder}/{NODE}/bin/node", str(place)), encoding="utf-8")
            program.chmod(0o755)
        else:
            program.symlink_to(Path("..") / script.relative_to(staging))
            script.chmod(0o755)


def _offer(store: Store, package: Package) -> None:
    """Put the program on every tenant's PATH, signed in."""
    if package.on_path:
        program = f"{store.folder}/{package.name}/bin/{package.program}"
        store.write_program(package.program, launcher(package, program))


@agents.command("list", cls=Command)
@click.pass_context
def list_(context: click.Context) -> None:
    """Tell which agents there are, and which of them are installed."""
    config = settings(context).config
    rows = _rows(config.registry, Store(Path(config.agents.folder)))
    if settings(context).json:
        print_json(rows)
        return
    heads = ("agent", "title", "driver", "state", "installed", "wanted", "detail")
    print_table(heads, [(r.agent, r.title, r.driver, r.state, r.installed or "-", r.wanted or "-", r.detail) for r in rows])


def _rows(registry: Registry, store: Store) -> list[Row]:
    rows = []
    for name, agent in registry.agents.items():
        state, installed, detail = _state(registry, store, name)
        wanted = list(packages([name]))[-1].version if ours(registry, name) else None
        rows.append(Row(name, agent.title, agent.driver, state, installed, wanted, detail))
    return rows


def _state(registry: Registry, store: Store, name: str) -> tuple[State, str | None, str]:
    """State, installed version and detail of one agent."""
    if not ours(registry, name):
        program = registry.agents[name].command[0].replace("{folder}", str(store.folder))
        there = shutil.which(program) is not None
        return ("external" if there else "absent"), None, program
    needed = list(packages([name]))
    labels = {package.name: store.label(package.name) for package in needed}
    own = labels[needed[-1].name]
    if own is None:
        return "missing", None, f"hostelctl agents install {name}"
    version = own.rpartition("-")[0]
    lacking = [package for package, label in labels.items() if label is None]
    if any(package.node for package in needed) and store.current(NODE) is None:
        lacking.append(NODE)
    if lacking:
        return "incomplete", version, f"it lacks {', '.join(lacking)}: hostelctl agents install {name}"
    stale = [package.name for package in needed if labels[package.name] != package.label]
    if stale:
        return "outdated", version, f"{', '.join(stale)}: hostelctl agents install {name}"
    return "installed", version, ""


@agents.command(cls=Command)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.pass_context
def check(context: click.Context, names: tuple[str, ...]) -> None:
    """Start the programs of the agents called NAME, or of all that are installed, as a user without any rights.

    Also looks at the owner and the mode of every file. Exit status 1 when something is wrong, or when an agent that was
    named is not installed.
    """
    config = settings(context).config
    store = Store(Path(config.agents.folder))
    chosen = _chosen(config.registry, names)
    problems: list[Problem] = []
    checked: list[Package] = []
    for name in chosen:
        state, _, detail = _state(config.registry, store, name)
        if state in {"incomplete", "outdated"} or (names and state == "missing"):
            problems.append(Problem(name, f"{state}: {detail}"))
    checked = [package for package in packages(chosen) if store.current(package.name)]
    problems += examine(store, checked)
    if settings(context).json:
        print_json(problems)
    else:
        for problem in problems:
            click.echo(f"{problem.where}: {problem.what}")
        click.echo(f"{len(checked)} programs were started, {len(problems)} problems")
    if problems:
        context.exit(FAILED)
