"""The workspace as its guest sees it: its folders, its settings, and the environment of what runs in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from shared.agents import Registry
from shared.config import Guests

_KEPT = ("HOME", "USER", "LOGNAME", "PATH", "TMPDIR", "HOSTEL_WORKSPACE")


class Room(Struct, frozen=True):
    """What all of a guest's parts need to know."""

    workspace: str
    home: Path
    settings: Guests
    registry: Registry
    environment: Mapping[str, str]
    """Of every program that is started; built from these names alone, whatever else the guest's own holds."""
    published: Path | None = None
    """Where hostd tells the tenant its credentials."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The room that hostd describes in `environ`. KeyError or msgspec.DecodeError when it does not."""
        settings = msgspec.json.decode(environ["HOSTEL_GUEST"], type=Guests)
        registry = msgspec.json.decode(environ["HOSTEL_AGENTS"], type=Registry)
        environment = {name: environ[name] for name in _KEPT} | {
            "SHELL": settings.shell,
            "LANG": "C.UTF-8",
            # For ~/.profile: /etc/profile of Debian begins the PATH anew.
            "HOSTEL_PROGRAMS": f"{registry.settings.folder}/bin",
        }
        told = environ.get("HOSTEL_CREDENTIALS")
        return cls(
            environ["HOSTEL_WORKSPACE"], Path(environ["HOME"]), settings, registry, environment, Path(told) if told else None
        )

    @property
    def temporary(self) -> Path:
        """The tenant's own folder for what is not to stay."""
        return Path(self.environment["TMPDIR"])

    @property
    def credentials(self) -> Path:
        """The workspace's enabled providers with their credentials: JSON, which hostd writes and the tenant may only read."""
        return self.published or self.home / "vibecoder_workspace" / "providers.json"

    @property
    def sessions(self) -> Path:
        """The folder of all sessions."""
        return self.home / "vibecoder_workspace" / "sessions"
