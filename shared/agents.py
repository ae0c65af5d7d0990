"""The registry of agents: the settings of each, and those that are known out of the box.

`{folder}` in a command or an environment stands for the folder into which `hostelctl agents install` puts the programs.
"""

import enum
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from shared.ids import AgentName

DriverName = Literal["acp", "claude"]
AuthName = Literal["api_key", "auth_json_b64", "setup_token"]
"""The kinds of a provider's credential, as in `shared.hostwire.AuthType`."""
Variable = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)", max_length=100)]
HomePath = Annotated[str, Meta(pattern=r"^(?!/)(?!(.*/)?\.\.?(/|$))[^\x00\n]+$(?!\n)", max_length=200)]
"""A path below the home: neither absolute nor with `.` or `..` in it."""


class Delivery(Struct, frozen=True, forbid_unknown_fields=True):
    """How a credential reaches the agent: by one environment variable or as one file, 0600, in the home."""

    env: Variable | None = None
    file: HomePath | None = None


class Agent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[agent.NAME]`: one agent of the registry."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    command: Annotated[list[Annotated[str, Meta(max_length=4096, pattern=r"^[^\x00]*$")]], Meta(min_length=1, max_length=64)]
    driver: DriverName = "acp"
    env: dict[Variable, Annotated[str, Meta(max_length=4096, pattern=r"^[^\x00]*$")]] = field(default_factory=dict)
    provider: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", max_length=32)] | None = None
    """The workspace's provider whose credential it gets; None for an agent that needs none."""
    auth: dict[AuthName, Delivery] = field(default_factory=dict)
    """How each kind of credential reaches it; a kind that is not here cannot be used with it."""
    models: list[Annotated[str, Meta(min_length=1, max_length=200)]] = field(default_factory=list)
    """Models that a prompt may name even when the agent itself does not list them."""
    enabled: bool = True


class PermissionDefault(enum.StrEnum):
    """What is answered when nobody answers in time."""

    DENY = "deny"
    ALLOW = "allow"


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[agents]`: what holds for all agents."""

    folder: Annotated[str, Meta(pattern="^/[^\x00\n]*$(?!\n)")] = "/var/lib/hostel/agents"
    default: AgentName = "claude"
    turns: Annotated[int, Meta(ge=1, le=1000)] = 8
    idle_timeout: Annotated[float, Meta(gt=0)] = 300
    start_timeout: Annotated[float, Meta(gt=0)] = 60
    turn_timeout: Annotated[float, Meta(gt=0)] = 86400
    cancel_timeout: Annotated[float, Meta(gt=0)] = 10
    permission_timeout: Annotated[float, Meta(gt=0)] = 600
    permission_default: PermissionDefault = PermissionDefault.DENY
    log: Annotated[int, Meta(ge=1024 * 1024, le=2**40)] = 256 * 1024 * 1024


class Registry(Struct, frozen=True, forbid_unknown_fields=True):
    """What a guest gets of both."""

    settings: Settings
    agents: dict[AgentName, Agent]


_QUIET_CLAUDE: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
}
_CLAUDE_AUTH: Final[dict[AuthName, Delivery]] = {
    "api_key": Delivery(env="ANTHROPIC_API_KEY"),
    "setup_token": Delivery(env="CLAUDE_CODE_OAUTH_TOKEN"),
    "auth_json_b64": Delivery(file=".claude/.credentials.json"),
}

BUILT_IN: Final[Mapping[str, Agent]] = {
    "claude": Agent(
        title="Claude Code",
        command=["{folder}/claude/bin/claude"],
        driver="claude",
        env=_QUIET_CLAUDE,
        provider="claude",
        auth=_CLAUDE_AUTH,
    ),
    "claude-acp": Agent(
        title="Claude Code (ACP)",
        command=["{folder}/claude-acp/bin/claude-agent-acp"],
        env={**_QUIET_CLAUDE, "CLAUDE_CODE_EXECUTABLE": "{folder}/claude/bin/claude"},
        provider="claude",
        auth=_CLAUDE_AUTH,
    ),
    "codex": Agent(
        title="Codex",
        command=["{folder}/codex-acp/bin/codex-acp"],
        env={"CODEX_PATH": "{folder}/codex/bin/codex", "INITIAL_AGENT_MODE": "workspace-write"},
        provider="codex",
        auth={"api_key": Delivery(env="CODEX_API_KEY"), "auth_json_b64": Delivery(file=".codex/auth.json")},
    ),
    "gemini": Agent(
        title="Gemini CLI",
        command=["{folder}/gemini/bin/gemini", "--acp"],
        provider="gemini",
        auth={"api_key": Delivery(env="GEMINI_API_KEY"), "auth_json_b64": Delivery(file=".gemini/oauth_creds.json")},
    ),
    "opencode": Agent(
        title="OpenCode",
        command=["{folder}/opencode/bin/opencode", "acp"],
        env={"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"},
        provider="opencode",
        auth={
            "api_key": Delivery(env="OPENCODE_API_KEY"),
            "auth_json_b64": Delivery(file=".local/share/opencode/auth.json"),
        },
    ),
}
"""An `[agent.NAME]` of the configuration replaces the fields that it names of one with that name, and adds to its `env`."""
