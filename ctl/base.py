"""What every command has: the options that may stand anywhere, the connection to hostd, errors in one line."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from ctl.client import HostClient
from shared.config import DEFAULT_PATH, Config, ConfigError, load
from shared.errors import Code, Fault

FAILED: Final = 1
UNREACHABLE: Final = 3
NOT_FOUND: Final = 4
_STATUS: Final = {Code.UNAVAILABLE: UNREACHABLE, Code.NOT_FOUND: NOT_FOUND, Code.GONE: NOT_FOUND}


@dataclass
class Settings:
    """What the options that may stand anywhere say."""

    json: bool = False
    socket_path: Path | None = None
    config_path: Path = DEFAULT_PATH

    @property
    def config(self) -> Config:
        """The configuration of this host. Raises ConfigError."""
        return load(self.config_path)

    @property
    def socket(self) -> Path:
        """Hostd's socket. Raises ConfigError when only the configuration can say where it is."""
        return self.socket_path or self.config.socket

    @contextmanager
    def host(self) -> Iterator[HostClient]:
        """A connection to hostd."""
        with HostClient(self.socket) as client:
            yield client


def settings(context: click.Context) -> Settings:
    """The settings of this invocation, shared by the group and its command."""
    return context.find_root().ensure_object(Settings)


def _set(context: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401  # click's callbacks take any
    if value:
        setattr(settings(context), str(parameter.name), value)


def _shared_options() -> list[click.Parameter]:
    file = click.Path(dir_okay=False, path_type=Path)
    return [
        click.Option(["--json", "json"], is_flag=True, callback=_set, expose_value=False, help="Print JSON."),
        click.Option(
            ["--socket", "socket_path"],
            type=file,
            callback=_set,
            expose_value=False,
            help="Hostd's socket, if not where the configuration says.",
        ),
        click.Option(
            ["--config", "config_path"],
            type=file,
            callback=_set,
            expose_value=False,
            help=f"The configuration; by default {DEFAULT_PATH}.",
        ),
    ]


class Command(click.Command):
    """A command that takes the shared options, and tells an error in one line with a status of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # click's own parameters, passed on
        """As click's, with the shared options last."""
        super().__init__(*args, **kwargs)
        self.params += _shared_options()

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Fault as error:
            _fail(error.message, _hint(error), _STATUS.get(error.code, FAILED))
        except ConfigError as error:
            _fail(str(error), "name the file with --config, or hostd's socket with --socket", FAILED)
        except BrokenPipeError:
            # Whoever read our output has had enough; nothing is left to flush at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(FAILED)
        except OSError as error:
            _fail(": ".join(str(part) for part in (error.filename, error.strerror or error) if part), "", FAILED)


class Group(click.Group):
    """The group: it takes the shared options before a command's name."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # click's own parameters, passed on
        """As click's, with the shared options last."""
        super().__init__(*args, **kwargs)
        self.params += _shared_options()


def _hint(error: Fault) -> str:
    code = error.code
    if code is Code.UNAVAILABLE:
        return "hostelctl has to run as root" if os.geteuid() else "does hostd run? try: hostelctl doctor"
    if code is Code.FORBIDDEN:
        return "hostelctl has to run as root"
    return "`hostelctl workspaces` lists them all" if code is Code.NOT_FOUND and "workspace" in error.message else ""


def _fail(message: str, hint: str, status: int) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint:  {hint}", err=True)
    sys.exit(status)
