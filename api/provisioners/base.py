"""What a provisioner is: it makes something for a workspace elsewhere, finds it again, and removes it."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from shared.secret import Secret

MARK: Final = "mark"
"""The name of the secret that what we make elsewhere carries: a thing of the same name without it is somebody else's."""


class Made(msgspec.Struct, frozen=True):
    """What there is so far."""

    detail: dict[str, str] = {}  # msgspec copies an empty default
    """What may be shown."""
    secrets: dict[str, Secret] = {}
    """What is kept sealed."""

    def but(self, *, detail: dict[str, str] | None = None, secrets: dict[str, str] | None = None) -> "Made":
        """The same, with more of each."""
        hidden = {name: Secret(text) for name, text in (secrets or {}).items()}
        return Made({**self.detail, **(detail or {})}, {**self.secrets, **hidden})

    def marked(self) -> "Made":
        """The same, with a mark."""
        return self if MARK in self.secrets else self.but(secrets={MARK: secrets.token_hex(16)})

    @property
    def mark(self) -> str:
        """The text of the mark; "" before there is one."""
        return self.secrets[MARK].reveal() if MARK in self.secrets else ""


Keep = Callable[[Made], Awaitable[None]]
"""Has what was made written, so that the next attempt goes on from there."""


class Provisioner(Protocol):
    """Makes one thing for each workspace. Names are made of the workspace's id alone."""

    name: str
    """As paths name it."""
    revealed: tuple[str, ...]
    """The secrets that the workspace may see."""

    async def make(self, workspace: str, known: Made, keep: Keep) -> Made:
        """Make what is missing. Safe to repeat. `known` is what an earlier attempt kept.

        Raises Fault: UNAVAILABLE, TIMEOUT and BUSY are worth another attempt, any other is not.
        """

    async def remove(self, workspace: str, known: Made) -> None:
        """Remove what was made, and nothing else. Safe to repeat. Raises Fault like `make`."""
