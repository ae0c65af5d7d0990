"""What agents would ask at their first start, answered beforehand, so that they begin to work at once also in a terminal.

What the tenant or the agent has set is never changed: a file is seeded when it is not there, and Claude's, which holds much
else, gets the answers that it lacks.
"""

import os
from pathlib import Path
from typing import Any, Final

import msgspec

from guest.agents import privatefiles
from shared.agents import AuthName

_SIZE_MAX: Final = 16 * 1024 * 1024
"""Bytes of Claude's file; a larger one is left alone."""
_KEY_SHOWN: Final = 20
"""Of an approved key, Claude's file has the last characters."""
_CODEX: Final = b"""\
check_for_update_on_startup = false

[analytics]
enabled = false

[features]
# Or each home would get a copy of the whole program.
daemon_auto_start = false
"""
_GEMINI: Final = {
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
}
_GEMINI_KINDS: Final[dict[AuthName | None, str]] = {"api_key": "gemini-api-key", "auth_json_b64": "oauth-personal"}


_PROFILES: Final = (".bash_profile", ".bash_login", ".profile")
_PROFILE: Final = b"""\
# Read by login shells. It is yours: hostel makes it once, in a home that has none.
if [ -n "$HOSTEL_PROGRAMS" ]; then
    PATH="$PATH:$HOSTEL_PROGRAMS"
fi
if [ -n "$BASH_VERSION" ] && [ -f "$HOME/.bashrc" ]; then
    . "$HOME/.bashrc"
fi
"""


def profile(home: Path) -> None:
    """Have login shells find the agents' programs, unless the tenant has a profile of its own. Raises OSError."""
    if not any(os.path.lexists(home / name) for name in _PROFILES):
        privatefiles.write(home / ".profile", _PROFILE)


def onboard(home: Path, provider: str, cwd: Path | None, kind: AuthName | None, secret: str | None) -> None:
    """Answer for the agents of `provider`, which are about to start in `cwd`, signed in by `secret`. Raises OSError."""
    if provider == "claude":
        _claude(home / ".claude.json", cwd, secret if kind == "api_key" else None)
    elif provider == "codex":
        _seed(home / ".codex" / "config.toml", _CODEX)
    elif provider == "gemini" and kind in _GEMINI_KINDS:
        security = {"auth": {"selectedType": _GEMINI_KINDS[kind]}, "folderTrust": {"enabled": False}}
        _seed(home / ".gemini" / "settings.json", msgspec.json.encode({"security": security, **_GEMINI}))


def _seed(path: Path, content: bytes) -> None:
    # Also a link that leads nowhere is the tenant's.
    if not path.is_symlink() and not path.exists():
        privatefiles.write(path, content)


def _claude(path: Path, cwd: Path | None, key: str | None) -> None:
    before = privatefiles.identity(path)
    try:
        settings = msgspec.json.decode(privatefiles.read(path, _SIZE_MAX) or b"{}")
    except ValueError:
        return
    if not isinstance(settings, dict) or not _answered(settings, cwd, key):
        return
    # A Claude that runs writes this file too; what it has written meanwhile is worth more than our answers.
    if privatefiles.identity(path) == before:
        privatefiles.write(path, msgspec.json.format(msgspec.json.encode(settings), indent=2))


def _answered(settings: dict[str, Any], cwd: Path | None, key: str | None) -> bool:
    """Add the answers that are missing; whether there were any."""
    changed = "hasCompletedOnboarding" not in settings
    settings.setdefault("hasCompletedOnboarding", True)
    if cwd is not None and isinstance(projects := settings.setdefault("projects", {}), dict):
        project = projects.setdefault(str(cwd), {})
        if isinstance(project, dict) and "hasTrustDialogAccepted" not in project:
            project["hasTrustDialogAccepted"] = changed = True
    if key is not None and isinstance(answers := settings.setdefault("customApiKeyResponses", {}), dict):
        approved, rejected = answers.setdefault("approved", []), answers.setdefault("rejected", [])
        shown = key[-_KEY_SHOWN:]
        if isinstance(approved, list) and isinstance(rejected, list) and shown not in approved + rejected:
            approved.append(shown)
            changed = True
    return changed
