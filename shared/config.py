"""The one configuration file, `hostel.toml`: its keys, their defaults, and clear errors for wrong ones.

hostd reads it as root, api as `hostel`; a guest gets its few values from hostd. `hostel.example.toml` documents every key,
and a test holds the two together.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, field

from shared.agents import BUILT_IN, Agent, Registry, Settings
from shared.ids import AgentName
from shared.rooms import SESSIONS_MAX
from shared.settings import (
    Api,
    Auth,
    Bytes,
    Channels,
    Limits,
    Provisioners,
    Seconds,
    Section,
    Tasks,
    Term,
    Webhooks,
)

DEFAULT_PATH: Final = Path("/etc/hostel/hostel.toml")
_SOCKET_PATH_MAX: Final = 107
"""Bytes in `sockaddr_un.sun_path`, less the final NUL: unix(7)."""

LayerName = Literal["cgroup", "mounts", "private-tmp", "hidden-processes", "ipc"]


class ConfigError(Exception):
    """The configuration cannot be used; the message says which key and why."""


class Host(Section, frozen=True):
    """`[hostd]`: the root daemon."""

    uid_first: Annotated[int, Meta(ge=10_000, le=2**31)] = 200_000
    uid_last: Annotated[int, Meta(ge=10_000, le=2**31)] = 299_999
    useradd_timeout: Seconds = 60
    guest_start_timeout: Seconds = 20
    guest_python: Annotated[str, Meta(pattern="^/[^\x00]*$")] = "/usr/lib/hostel/guest/bin/python"
    require: tuple[LayerName, ...] = ()
    deletion_grace: Term = 7 * 86_400
    audit_file: Annotated[int, Meta(ge=64 * 1024)] = 64 * 1024 * 1024
    audit_files: Annotated[int, Meta(ge=2, le=10_000)] = 16


class Guests(Section, frozen=True):
    """`[guest]`: what each workspace's supervisor gets."""

    idle_timeout: Seconds = 60
    session_idle: Term = 12 * 3600
    session_retention: Term = 0
    session_lifetime: Term = 0
    workspace_idle: Term = 0
    workspace_lifetime: Term = 0
    deadline_warning: Term = 300
    sessions: Annotated[int, Meta(ge=1, le=SESSIONS_MAX)] = 100
    worktrees: Annotated[int, Meta(ge=1, le=1000)] = 50
    terminals: Annotated[int, Meta(ge=1, le=1000)] = 32
    ring: Annotated[int, Meta(ge=4096, le=64 * 1024 * 1024)] = 256 * 1024
    clone_timeout: Seconds = 3600
    git_protocols: tuple[Literal["https", "ssh", "git", "http", "file"], ...] = ("https", "ssh", "git")
    git_timeout: Seconds = 600
    file_max: Bytes = 1024 * 1024 * 1024
    attachments: Bytes = 100 * 1024 * 1024
    processes: Annotated[int, Meta(ge=16)] = 4096
    open_files: Annotated[int, Meta(ge=64)] = 4096
    workspace_bytes: Annotated[int, Meta(ge=0)] = 0
    shell: Annotated[str, Meta(pattern="^/[^\x00]*$")] = "/bin/bash"


class Config(Section, frozen=True):
    """The whole file."""

    state: Annotated[str, Meta(pattern="^/[^\x00\n]*$(?!\n)")] = "/var/lib/hostel"
    run: Annotated[str, Meta(pattern="^/[^\x00\n]*$(?!\n)")] = "/run/hostel"
    user: Annotated[str, Meta(pattern="^[a-z_][a-z0-9_-]{0,31}$(?!\n)")] = "hostel"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    hostd: Host = field(default_factory=Host)
    guest: Guests = field(default_factory=Guests)
    api: Api = field(default_factory=Api)
    auth: Auth | None = None
    limits: Limits = field(default_factory=Limits)
    tasks: Tasks = field(default_factory=Tasks)
    channels: Channels = field(default_factory=Channels)
    webhooks: Webhooks = field(default_factory=Webhooks)
    provisioner: Provisioners = field(default_factory=Provisioners)
    agents: Settings = field(default_factory=Settings)
    agent: dict[AgentName, dict[str, Any]] = field(default_factory=dict)
    """`[agent.NAME]`: fields over those of the built-in agent with that name, or a new agent."""

    @property
    def registry(self) -> Registry:
        """All agents that are enabled. Raises msgspec.ValidationError for one that is wrong."""
        known = {name: msgspec.to_builtins(agent) for name, agent in BUILT_IN.items()}
        agents = {name: _agent(known.get(name, {}), self.agent.get(name, {})) for name in (*known, *self.agent)}
        return Registry(self.agents, {name: agent for name, agent in agents.items() if agent.enabled})

    @property
    def socket(self) -> Path:
        """Where hostd listens."""
        return Path(self.run) / "hostd.sock"


def _agent(known: dict[str, Any], said: dict[str, Any]) -> Agent:
    env = said.get("env", {})
    merged = known | said | {"env": {**known.get("env", {}), **env} if isinstance(env, dict) else env}
    return msgspec.convert(merged, Agent)


def load(path: Path = DEFAULT_PATH) -> Config:
    """The configuration in `path`. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8") from error
    from shared import toml  # noqa: PLC0415  # a guest takes its settings' type from here, and reads no file

    try:
        config = toml.convert(text, toml.parse(text), Config)
        for keys, reason in _problems(config):
            raise toml.located(text, toml.KeyProblem(keys, reason))
    except toml.TomlError as error:
        raise ConfigError(f"{path}: {error}") from error
    return config


def _problems(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong beyond types and ranges: the keys that lead to a value, and why it cannot be used."""
    if config.hostd.uid_first > config.hostd.uid_last:
        yield ("hostd", "uid_first"), "is greater than hostd.uid_last"
    for name in ("state", "run"):
        yield from _folder_problems((name,), getattr(config, name))
    # The longest socket that hostd binds: run/guests/<workspace id>.sock
    if len(config.run.encode()) + len("/guests/.sock") + 25 > _SOCKET_PATH_MAX:
        yield ("run",), "is too long for the path of a Unix socket"
    for name, provider in (config.auth.provider if config.auth else {}).items():
        if provider.problem:
            yield ("auth", "provider", name), provider.problem
    yield from _allowance_problems(config)
    for name, said in config.agent.items():
        known = BUILT_IN.get(name)
        try:
            _agent(msgspec.to_builtins(known) if known else {}, said)
        except msgspec.ValidationError as error:
            from shared import toml  # noqa: PLC0415  # the same

            found = toml.problem(error, said, Agent)
            yield ("agent", name, *found.path), str(found)
            return
    if config.agents.default not in config.registry.agents:
        yield ("agents", "default"), f"names {config.agents.default}, which is no agent that is enabled"
    yield from _folder_problems(("agents", "folder"), config.agents.folder)


def _allowance_problems(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    if not config.webhooks.allow:
        return
    from shared.allowances import allowance  # noqa: PLC0415  # for the few who need it: ipaddress is not small

    for entry in config.webhooks.allow:
        try:
            allowance(entry)
        except ValueError as error:
            yield ("webhooks", "allow"), str(error)


def _folder_problems(keys: tuple[str, ...], value: str) -> Iterator[tuple[tuple[str, ...], str]]:
    folder = Path(value)
    if ".." in folder.parts:
        yield keys, "must not contain `..`"
    # Each room gets its own /tmp, which would hide the folder from its guest.
    if folder.is_relative_to("/tmp") or folder.is_relative_to("/var/tmp"):  # noqa: S108  # refused, not used
        yield keys, "must not be under /tmp or /var/tmp, which every workspace sees as its own"
