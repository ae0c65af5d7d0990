"""How agents sign in: the workspace's credentials, as one environment variable or as one file in the home.

`hostelctl agents install` makes launchers for the terminals, which read `~/.hostel/agents/NAME.env`.
"""

import binascii
import contextlib
import logging
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from guest.agents import privatefiles
from guest.agents.onboarding import onboard, profile
from guest.room import Room
from shared.agents import Agent, AuthName
from shared.errors import Code, Fault
from shared.secret import Secret, decode_hook
from shared.turns import Auth

_SIZE_MAX: Final = 4 * 1024 * 1024
"""Bytes of the file of all credentials, and of the list of what was made."""
_SECRET_MIN: Final = 8
"""Characters of the shortest credential that is masked; shorter ones are in ordinary words."""
_TOKEN: Final = re.compile(rb'"([^"\\\s]{20,})"(?!\s*:)')
"""A text in a credential that is a file, long and without spaces, as tokens are; names of members are none."""
_LISTED: Final = ".hostel/agents/made.json"
_log: Final = logging.getLogger(__name__)


class Credential(Struct, frozen=True, forbid_unknown_fields=True):
    """One provider's."""

    type: AuthName
    value: Secret


class Made(Struct, frozen=True):
    """A file that was made here, so that it is known again."""

    source: int
    """A checksum of what it was made from: it is written again when that changes, not when an agent renews its tokens."""
    identity: privatefiles.Identity
    """As it was left: whoever has changed it since keeps it."""


_CREDENTIALS: Final = msgspec.json.Decoder(dict[str, Credential | None], dec_hook=decode_hook)
_MADE: Final = msgspec.json.Decoder(dict[str, Made])


class Logins:
    """The credentials of one workspace, and what is made of them in its home."""

    def __init__(self, room: Room) -> None:
        """Read nothing yet."""
        self._room = room
        self._seen: privatefiles.Identity | None = None
        self._credentials: Mapping[str, Credential | None] = {}
        self._done: set[tuple[privatefiles.Identity | None, Path | None, frozenset[str]]] = set()

    def _current(self) -> Mapping[str, Credential | None]:
        """By provider; None for one that is switched off. Read again when the file has changed."""
        path = self._room.credentials
        if (seen := privatefiles.identity(path)) != self._seen:
            try:
                self._credentials = _CREDENTIALS.decode(privatefiles.read(path, _SIZE_MAX) or b"{}")
            except (OSError, ValueError) as error:
                # msgspec's messages name no values.
                _log.warning("the workspace's credentials cannot be read: %s", error)
                self._credentials = {}
            self._seen = seen
        return self._credentials

    def auth(self, agent: Agent) -> tuple[Auth, str | None]:
        """Whether `agent` can sign in, and what is in its way."""
        if agent.provider is None:
            return Auth.READY, None
        credentials = self._current()
        if agent.provider in credentials and credentials[agent.provider] is None:
            return Auth.DISABLED, f"the workspace's provider `{agent.provider}` is switched off"
        if credentials.get(agent.provider) is None:
            return Auth.MISSING, f"the workspace has no credential for `{agent.provider}`"
        try:
            self._content(agent)
        except Fault as fault:
            return Auth.MISSING, fault.message
        return Auth.READY, None

    def secrets(self) -> list[str]:
        """What must not be shown: all credentials, and the tokens in those that are files. The longest are the first."""
        found: set[str] = set()
        for credential in filter(None, self._current().values()):
            value = credential.value.reveal().strip()
            found.add(value)
            if credential.type == "auth_json_b64":
                found.update(_tokens(value))
        return masks(found)

    def environment(self, agent: Agent) -> dict[str, str]:
        """The variable that signs `agent` in, if it is one. Raises Fault BAD_REQUEST for a credential that cannot be used."""
        variable, content = self._variable(agent), self._content(agent)
        return {variable: content.decode()} if variable and content is not None else {}

    def credential(self, agent: Agent) -> Credential | None:
        """What signs `agent` in, if there is anything."""
        return self._current().get(agent.provider) if agent.provider else None

    def _variable(self, agent: Agent) -> str | None:
        credential = self.credential(agent)
        delivery = agent.auth.get(credential.type) if credential else None
        return delivery.env if delivery else None

    def _content(self, agent: Agent) -> bytes | None:
        """What the agent gets, by whichever way. Raises Fault BAD_REQUEST."""
        credential = self.credential(agent)
        if credential is None:
            return None
        value = credential.value.reveal().strip()
        if credential.type not in agent.auth:
            raise Fault(Code.BAD_REQUEST, f"{agent.title} cannot use a credential of the type {credential.type}")
        if not value or "\0" in value:
            raise Fault(Code.BAD_REQUEST, f"the credential of `{agent.provider}` is empty or holds a NUL")
        if credential.type != "auth_json_b64":
            return value.encode()
        try:
            content = binascii.a2b_base64("".join(value.split()), strict_mode=True)
            msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        except (binascii.Error, ValueError):
            raise Fault(Code.BAD_REQUEST, f"the credential of `{agent.provider}` is no JSON object in base64") from None
        return content

    def refresh(self, agents: Mapping[str, Agent], filled: Callable[[str], str], cwd: Path | None) -> None:
        """Make in the home what signs `agents` in, and remove what no longer does; quick when nothing has changed.

        `cwd` is where one is about to start. Never raises: an agent that cannot sign in says so itself.
        """
        if agents:
            with _told("login shells do not find the agents"):
                profile(self._room.home)
        credentials = self._current()
        done = (self._seen, cwd, frozenset(agents))
        if done in self._done:
            return
        with _told("agents cannot be signed in"):
            self._make(self._wanted(agents, filled))
        for provider in {agent.provider for agent in agents.values() if agent.provider}:
            credential = credentials.get(provider)
            secret = credential.value.reveal().strip() if credential else None
            with _told(f"{provider} will ask its questions"):
                onboard(self._room.home, provider, cwd, credential.type if credential else None, secret)
        self._done = {one for one in self._done if one[0] == self._seen} | {done}

    def _wanted(self, agents: Mapping[str, Agent], filled: Callable[[str], str]) -> dict[str, bytes]:
        """The files that shall be there, by their path in the home."""
        wanted: dict[str, bytes] = {}
        for name, agent in agents.items():
            try:
                content, variable = self._content(agent), self._variable(agent)
            except Fault:
                content = variable = None
            credential = self.credential(agent)
            if content is not None and credential:
                if file := agent.auth[credential.type].file:
                    wanted[file] = content
                wanted |= _extra(agent, credential, content)
            exports = {
                **{key: filled(value) for key, value in agent.env.items()},
                **({variable: content.decode()} if variable and content is not None else {}),
            }
            if exports:
                wanted[f".hostel/agents/{name}.env"] = _sourced(exports)
        return wanted

    def _make(self, wanted: Mapping[str, bytes]) -> None:
        home, listed = self._room.home, self._room.home / _LISTED
        made = _read_made(listed)
        kept: dict[str, Made] = {}
        for file, content in wanted.items():
            with _told(f"{file} cannot be made"):
                kept[file] = _one(home / file, content, made.get(file))
        for file, before in made.items():
            if file not in wanted and privatefiles.identity(home / file) == before.identity:
                with _told(f"{file} cannot be removed"):
                    (home / file).unlink()
        if kept != made:
            privatefiles.write(listed, msgspec.json.encode(kept))


def masks(secrets: Iterable[str]) -> list[str]:
    """What of `secrets` is masked wherever it is shown. The longest are the first: one may be a part of another."""
    return sorted({text for text in secrets if len(text) >= _SECRET_MIN}, key=lambda text: (-len(text), text))


def made_files(home: Path) -> frozenset[str]:
    """The files in the home that hold a credential because it was made one here, by their paths in it."""
    return frozenset({*_read_made(home / _LISTED), _LISTED})


def _tokens(value: str) -> Iterator[str]:
    with contextlib.suppress(ValueError):  # no base64: the agent does not get it either
        for token in _TOKEN.findall(binascii.a2b_base64(value)):
            yield token.decode(errors="replace")


def _one(path: Path, content: bytes, before: Made | None) -> Made:
    source, found = binascii.crc32(content), privatefiles.identity(path)
    if before and before.source == source and found is not None:
        return before
    if before is None and (found is not None or path.is_symlink()):
        # The tenant's own, from signing in by hand.
        path.replace(path.with_name(f"{path.name}.before-hostel"))
    privatefiles.write(path, content)
    return Made(source, privatefiles.identity(path) or (0, 0, 0))


@contextlib.contextmanager
def _told(trouble: str) -> Iterator[None]:
    """Nothing here is worth an agent or a terminal that does not start; the log says what went wrong."""
    try:
        yield
    except OSError as error:
        _log.warning("%s: %s", trouble, error)


def _read_made(path: Path) -> dict[str, Made]:
    try:
        made = _MADE.decode(privatefiles.read(path, _SIZE_MAX) or b"{}")
    except (OSError, ValueError):
        return {}
    # The tenant can write it; what it names must be inside the home all the same.
    return {file: one for file, one in made.items() if not file.startswith("/") and ".." not in file.split("/")}


def _extra(agent: Agent, credential: Credential, content: bytes) -> dict[str, bytes]:
    """Codex in a terminal takes a key from its file alone."""
    if agent.provider != "codex" or credential.type != "api_key":
        return {}
    return {".codex/auth.json": msgspec.json.encode({"auth_mode": "apikey", "OPENAI_API_KEY": content.decode()})}


def _sourced(exports: Mapping[str, str]) -> bytes:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items()).encode()
