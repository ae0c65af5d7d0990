"""What `hostelctl agents install` can install: the pinned packages, and which of them each agent needs.

A pin is a folder of `ctl/pins`: an exact version in package.json and, in package-lock.json, the digest of every file that
npm may take for it. No lock names a registry: where packages come from is npm's configuration on this machine.
"""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.agents import BUILT_IN, Registry

PINS: Final = Path(__file__).parent / "pins"
_LAYOUT: Final = b"1"
"""Changes when an installation is laid out in another way, so that all are made again."""
_MACHINES: Final[Mapping[str, Mapping[str, str]]] = {
    "x86_64": {"cpu": "x64", "triple": "x86_64-unknown-linux-musl"},
    "aarch64": {"cpu": "arm64", "triple": "aarch64-unknown-linux-musl"},
}
"""What the vendors call this machine, by what the kernel calls it."""


@dataclass(frozen=True)
class Package:
    """One pinned package of npm, and the programs in it that agents start."""

    name: str
    program: str
    """The name of its program."""
    path: str
    """Where that is below node_modules; `{cpu}` and `{triple}` stand for this machine."""
    node: bool = False
    """Whether Node runs the program."""
    optional: bool = field(default=True, kw_only=True)
    """Whether npm's optional dependencies are installed as well: for some they are the program, for others a second copy."""
    on_path: bool = field(default=False, kw_only=True)
    """Whether people start it by hand, in a terminal."""

    @property
    def pin(self) -> Path:
        """The folder with package.json and its lock."""
        return PINS / self.name

    @property
    def version(self) -> str:
        """The one that is pinned."""
        manifest = json.loads((self.pin / "package.json").read_text(encoding="utf-8"))
        versions = manifest.get("dependencies", manifest.get("optionalDependencies"))
        return str(next(iter(versions.values())))

    @property
    def label(self) -> str:
        """Version and digest of the pin: what an installation of it is called."""
        return labelled(self.version, *(self.pin / name for name in ("package.json", "package-lock.json")))

    @property
    def program_path(self) -> str:
        """`path` on this machine; on one that the vendor does not know, a path that does not exist."""
        machine = platform.machine()
        return self.path.format_map(_MACHINES.get(machine, {"cpu": machine, "triple": machine}))


def labelled(version: str, *files: Path) -> str:
    """`version` and a digest of `files`."""
    total = hashlib.sha256(_LAYOUT)
    for file in files:
        total.update(file.read_bytes())
    return f"{version}-{total.hexdigest()[:12]}"


PACKAGES: Final[Mapping[str, Package]] = {
    package.name: package
    for package in (
        Package("claude", "claude", "@anthropic-ai/claude-code-linux-{cpu}/claude", on_path=True),
        Package(
            "claude-acp",
            "claude-agent-acp",
            "@agentclientprotocol/claude-agent-acp/dist/index.js",
            node=True,
            optional=False,
        ),
        Package("codex", "codex", "@openai/codex-linux-{cpu}/vendor/{triple}/bin/codex", on_path=True),
        Package("codex-acp", "codex-acp", "@agentclientprotocol/codex-acp/dist/index.js", node=True, optional=False),
        Package("gemini", "gemini", "@google/gemini-cli/bundle/gemini.js", node=True, on_path=True),
        # The build without AVX2: it runs on every machine of its kind, and is half of what both would take.
        Package("opencode", "opencode", "opencode-linux-{cpu}-baseline/bin/opencode", on_path=True),
    )
}
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "claude": ("claude",),
    "claude-acp": ("claude", "claude-acp"),
    "codex": ("codex", "codex-acp"),
    "gemini": ("gemini",),
    "opencode": ("opencode",),
}
"""The packages of each agent that is known out of the box."""


def ours(registry: Registry, agent: str) -> bool:
    """Whether this agent's programs are for us to install: the configuration starts it as we would."""
    return agent in NEEDS and registry.agents[agent].command == BUILT_IN[agent].command


def packages(agents: list[str]) -> Iterator[Package]:
    """The packages that these agents need, each once."""
    for name in dict.fromkeys(name for agent in agents for name in NEEDS[agent]):
        yield PACKAGES[name]
