"""The agents as `hostelctl agents install` installs them, a stand-in for the model APIs, and a hostel with two tenants."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.models.server import Models
from tests.e2e.work import AGENTS, OTHERS, Work
from tests.installed import install
from tests.stack import Stack


@pytest.fixture(scope="session")
def agents_folder() -> Path:
    """The installed agents."""
    return install(*AGENTS, *OTHERS)


@pytest.fixture(scope="session")
def agents_versions(agents_folder: Path) -> dict[str, str]:
    """What each program says of itself."""
    return {name: str((agents_folder / name).readlink()).rpartition("-")[0].rpartition("-")[2] for name in ("claude", "codex")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def models() -> AsyncIterator[Models]:
    """What the agents take for their vendors' models."""
    async with Models() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(agents_folder: Path, models: Models) -> AsyncIterator[Stack]:
    """A whole hostel, whose agents talk to the stand-in."""
    claude = {"env": {"ANTHROPIC_BASE_URL": models.url}}
    settings: dict[str, dict[str, Any]] = {
        "agents": {"folder": str(agents_folder), "default": "claude", "permission_timeout": 120},
        "agent.claude": claude,
        "agent.claude-acp": claude,
        "agent.codex": {"env": {"CODEX_CONFIG": json.dumps({"openai_base_url": f"{models.url}/v1"})}},
        "agent.gemini": {"env": {"GOOGLE_GEMINI_BASE_URL": models.url}},
        "agent.opencode": {"env": {"OPENCODE_CONFIG_CONTENT": _opencode(models.url), "OPENCODE_DISABLE_MODELS_FETCH": "1"}},
    }
    async with Stack(settings) as running:
        yield running


def _opencode(url: str) -> str:
    """OpenCode's configuration: the stand-in as a provider, with the key that the workspace has."""
    options = {"baseURL": f"{url}/v1", "apiKey": "{env:OPENCODE_API_KEY}"}
    model = {"name": "stand-in", "tool_call": True, "limit": {"context": 100_000, "output": 8000}}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "stand-in", "options": options, "models": {"stand-in": model}}
    names = {"model": "stand-in/stand-in", "small_model": "stand-in/stand-in", "enabled_providers": ["stand-in"]}
    return json.dumps({**names, "provider": {"stand-in": provider}, "permission": {"bash": "ask"}})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(stack: Stack, models: Models) -> Work:
    """A tenant with keys of her own."""
    return await Work.begin(stack, models, "alice")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bob(stack: Stack, models: Models) -> Work:
    """Another tenant, with other keys."""
    return await Work.begin(stack, models, "bob")
