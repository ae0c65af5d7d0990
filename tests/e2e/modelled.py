"""The configuration of a hostel whose agents talk to the stand-in for their vendors' models."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.models.server import Models


def settings(agents_folder: Path, models: Models) -> dict[str, dict[str, Any]]:
    """Sections of hostel.toml."""
    claude = {"env": {"ANTHROPIC_BASE_URL": models.url}}
    return {
        "agents": {"folder": str(agents_folder), "default": "claude", "permission_timeout": 120},
        "agent.claude": claude,
        "agent.claude-acp": claude,
        "agent.codex": {"env": {"CODEX_CONFIG": json.dumps({"openai_base_url": f"{models.url}/v1"})}},
        "agent.gemini": {"env": {"GOOGLE_GEMINI_BASE_URL": models.url}},
        "agent.opencode": {"env": {"OPENCODE_CONFIG_CONTENT": _opencode(models.url), "OPENCODE_DISABLE_MODELS_FETCH": "1"}},
    }


def _opencode(url: str) -> str:
    """OpenCode's configuration: the stand-in as a provider, with the key that the workspace has."""
    options = {"baseURL": f"{url}/v1", "apiKey": "{env:OPENCODE_API_KEY}"}
    model = {"name": "stand-in", "tool_call": True, "limit": {"context": 100_000, "output": 8000}}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "stand-in", "options": options, "models": {"stand-in": model}}
    names = {"model": "stand-in/stand-in", "small_model": "stand-in/stand-in", "enabled_providers": ["stand-in"]}
    return json.dumps({**names, "provider": {"stand-in": provider}, "permission": {"bash": "ask"}})
