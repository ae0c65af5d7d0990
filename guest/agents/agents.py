"""The agents of the registry as this workspace can use them, and how each is started."""

import asyncio
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from guest.agents.logins import Logins, masks
from guest.drivers.base import AgentDriver, Launch, Sink
from guest.drivers.offspring import VARIABLE, end_offspring
from guest.room import Room
from shared.agents import Agent, DriverName
from shared.errors import Code, Fault
from shared.secret import Secret
from shared.turns import AgentInfo, Auth, Choosable

_DRIVERS: Final[Mapping[DriverName, tuple[str, str]]] = {
    "acp": ("guest.drivers.acp", "AcpDriver"),
    "claude": ("guest.drivers.claude", "ClaudeDriver"),
}
"""Loaded with the first agent that needs it: what is behind them would be most of an idle guest's memory."""
_NONE: Final[Mapping[str, Secret]] = {}


class Agents:
    """All agents of the registry."""

    def __init__(self, room: Room) -> None:
        """Take the registry and the credentials from `room`."""
        self._room = room
        self._logins = Logins(room)
        # Told apart: what an earlier guest of this workspace has started, and what this one does.
        self._mark = f"{room.workspace}.{os.urandom(6).hex()}."

    def info(self) -> list[AgentInfo]:
        """All of them, in the registry's order."""
        return [self._info(name, agent) for name, agent in self._room.registry.agents.items()]

    def _info(self, name: str, agent: Agent) -> AgentInfo:
        auth, reason = self._logins.auth(agent)
        installed = self._installed(agent)
        return AgentInfo(
            agent=name,
            title=agent.title,
            installed=installed,
            auth=auth,
            reason=reason if installed else f"{agent.title} is not installed on this host",
            models=[Choosable(model, model) for model in agent.models],
        )

    def _installed(self, agent: Agent) -> bool:
        program = self._filled(agent.command[0])
        folders = [""] if "/" in program else self._room.environment["PATH"].split(":")
        paths = (os.path.join(folder, program) for folder in folders)  # noqa: PTH118  # before each terminal: must be quick
        return any(os.path.isfile(path) and os.access(path, os.X_OK) for path in paths)  # noqa: PTH113  # the same

    def _filled(self, text: str) -> str:
        return text.replace("{folder}", self._room.registry.settings.folder)

    async def launch(
        self, agent: str, cwd: Path, resume: str | None, sink: Sink, secrets: Mapping[str, Secret] = _NONE
    ) -> AgentDriver:
        """A driver that is not started yet, and tells `sink` of its conversation.

        `secrets` are in its environment, where nothing of hostel's own has the name. `resume` is the agent's own id of the
        conversation to go on with. Raises Fault NOT_FOUND (no such agent), NOT_READY (not installed), FORBIDDEN (the provider
        is switched off), BAD_REQUEST (its credential cannot be used).
        """
        known = self.usable(agent)
        module, name = _DRIVERS[known.driver]
        # In a thread: it takes up to a second, in which the terminals go on.
        driver: Any = getattr(await asyncio.to_thread(importlib.import_module, module), name)
        self.refresh(cwd)
        launch = Launch(
            argv=[self._filled(part) for part in known.command],
            environment={
                **{name: secret.reveal() for name, secret in secrets.items()},
                **self._room.environment,
                **self._environment(known),
                VARIABLE: self._mark + os.urandom(6).hex(),
            },
            cwd=cwd,
            resume=resume,
            start_timeout=self._room.registry.settings.start_timeout,
            models=known.models,
            secrets=masks({*self._logins.secrets(), *(secret.reveal().strip() for secret in secrets.values())}),
        )
        started: AgentDriver = driver(launch, sink)
        return started

    def usable(self, name: str) -> Agent:
        """The agent, if a turn may use it. Raises Fault as `launch` does."""
        agent = self._room.registry.agents.get(name)
        if agent is None:
            raise Fault(Code.NOT_FOUND, f"there is no agent `{name}`")
        if not self._installed(agent):
            raise Fault(Code.NOT_READY, f"{agent.title} is not installed on this host")
        auth, reason = self._logins.auth(agent)
        if auth is Auth.DISABLED:
            raise Fault(Code.FORBIDDEN, reason or "switched off")
        # Without a credential it may still be signed in by hand, in a terminal; with a broken one it shall not start.
        self._logins.environment(agent)
        return agent

    def credential(self, name: str) -> object:
        """What signs the agent in just now, to be compared with what signed it in when it was launched."""
        return self._logins.credential(self._room.registry.agents[name])

    def _environment(self, agent: Agent) -> dict[str, str]:
        return {name: self._filled(value) for name, value in agent.env.items()} | self._logins.environment(agent)

    def refresh(self, cwd: Path | None = None) -> None:
        """Bring what signs agents in up to date in the home, for one that starts in `cwd`; quick when nothing has changed.

        Never raises.
        """
        agents = {name: agent for name, agent in self._room.registry.agents.items() if self._installed(agent)}
        self._logins.refresh(agents, self._filled, cwd)

    async def end_leftovers(self) -> None:
        """End what the agents of an earlier guest of this workspace have left behind."""
        await end_offspring(f"{self._room.workspace}.".encode(), but=self._mark.encode())
