"""What a driver is: the thin layer between a turn and an agent's own protocol.

A driver owns one agent process with one conversation. It tells what the agent does by `Sink.tell`, synchronously and in the
agent's order, but for a tool's output that grows, which may wait for a second or so; and it asks by `Sink.ask`. It never writes
to the log and knows nothing of sessions.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from shared.turns import AgentState, Body, Option, StopReason, ToolKind, Usage


class Launch(Struct, frozen=True, kw_only=True):
    """How an agent is started."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    """All of it; the credential of its own provider included."""
    cwd: Path
    resume: str | None
    """The agent's own id of a conversation to go on with; a driver that cannot goes on with a fresh one, and says so."""
    start_timeout: float
    """Seconds until it must be ready for a prompt."""
    models: Sequence[str] = ()
    """Models that may be chosen though the agent does not list them."""
    secrets: Sequence[str] = ()
    """What must not be in errors, nor in what is shown of its standard error."""

    def masked(self, text: str) -> str:
        """`text` without the secrets; before it is cut, or a part of one would stay."""
        for secret in self.secrets:
            text = text.replace(secret, "****")
        return text


class Ask(Struct, frozen=True, kw_only=True):
    """A permission that the agent wants."""

    title: str
    kind: ToolKind
    options: Sequence[Option]
    call: str | None = None
    """The tool call that it is about."""
    input: str | None = None
    truncated: bool = False
    """Whether `input` was cut."""


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that comes with a prompt."""

    path: Path
    name: str
    media_type: str


class Outcome(Struct, frozen=True, kw_only=True):
    """How a turn ended that did not fail."""

    reason: StopReason
    usage: Usage | None = None
    """Of this turn alone; with a cost only when the agent states it."""


class Sink(Protocol):
    """Where a driver tells what happens."""

    def tell(self, body: Body) -> None:
        """Something happened. Texts that are too long are cut or divided by the driver, so that the body is valid."""

    async def ask(self, ask: Ask) -> str | None:
        """The id of the chosen option; None to deny. Cancelled when the turn ends first."""


class AgentDriver(Protocol):
    """One agent process."""

    @property
    def native(self) -> str | None:
        """The agent's own id of the conversation, once it is known."""

    @property
    def state(self) -> AgentState:
        """What it offers, and what is chosen."""

    @property
    def alive(self) -> bool:
        """Whether it can take a prompt."""

    @property
    def stderr(self) -> str:
        """The end of what it printed on standard error, at most `shared.turns.STDERR_MAX` characters."""

    async def start(self) -> None:
        """Start the process and open the conversation. Raises Fault FAILED or TIMEOUT; nothing of it runs then."""

    async def prompt(self, text: str, attachments: Sequence[Attachment]) -> Outcome:
        """Run one turn. Raises Fault FAILED when the agent dies, breaks its protocol or says that it failed."""

    async def cancel(self) -> None:
        """Ask it to end the turn; `prompt` then returns with CANCELLED."""

    async def configure(self, mode: str | None, model: str | None) -> None:
        """Choose; None leaves. Raises Fault BAD_REQUEST for what it does not offer."""

    async def close(self) -> None:
        """End the process and all that it has started. Safe to call twice."""
