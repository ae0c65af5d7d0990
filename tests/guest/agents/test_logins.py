"""What signs agents in: files and variables in the home, made and removed again."""

import base64
import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from guest.agents.agents import Agents
from tests.guest.agents.test_agents import KEY, Home, credential

LOGIN = {"tokens": {"access": "a"}}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.add("claude", provider="claude", auth={"api_key": {"env": "ANTHROPIC_API_KEY"}}, env={"QUIET": "it's {folder}"})
    codex = {"api_key": {"env": "CODEX_API_KEY"}, "auth_json_b64": {"file": ".codex/auth.json"}}
    home.add("codex", provider="codex", auth=codex)
    home.add(
        "gemini", provider="gemini", auth={"api_key": {"env": "GEMINI_API_KEY"}, "auth_json_b64": {"file": ".gemini/o.json"}}
    )
    return home


def encoded(value: object) -> dict[str, str]:
    return credential(base64.b64encode(json.dumps(value).encode()).decode(), "auth_json_b64")


def load(path: Path) -> Any:  # noqa: ANN401  # JSON
    return json.loads(path.read_text())


def sourced(home: Home, name: str, variable: str) -> str:
    """What a shell makes of an agent's file."""
    command = ["/bin/sh", "-c", f'. "$0"; printf %s "${variable}"', str(home.path / f".hostel/agents/{name}.env")]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={}).stdout


@pytest.mark.parametrize("key", [KEY, "a'b\"c$(id)`id`\\", "two\nlines", "  padded\n"])
def test_a_terminal_finds_the_key_in_a_file_of_its_own(home: Home, key: str) -> None:
    """Whatever the key holds, the shell runs none of it."""
    home.has(claude=credential(key))
    Agents(home.room()).refresh()
    assert key.strip() == sourced(home, "claude", "ANTHROPIC_API_KEY")
    assert f"it's {home.folder}" == sourced(home, "claude", "QUIET")
    path = home.path / ".hostel/agents/claude.env"
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)


def test_a_login_that_is_a_file_is_made_for_the_tenant_alone(home: Home) -> None:
    """Decoded, 0600."""
    home.has(codex=encoded(LOGIN))
    Agents(home.room()).refresh()
    path = home.path / ".codex/auth.json"
    assert LOGIN == load(path)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_codex_in_a_terminal_gets_its_key_as_a_file(home: Home) -> None:
    """It reads no variable."""
    home.has(codex=credential("sk-1"))
    Agents(home.room()).refresh()
    assert {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1"} == load(home.path / ".codex/auth.json")


def test_tokens_that_an_agent_has_renewed_stay(home: Home) -> None:
    """Until the workspace gets another credential."""
    home.has(codex=encoded(LOGIN))
    Agents(home.room()).refresh()
    path = home.path / ".codex/auth.json"
    path.write_text('{"tokens": "renewed"}')
    Agents(home.room()).refresh()
    assert {"tokens": "renewed"} == load(path)
    home.has(codex=encoded({"tokens": "other"}))
    Agents(home.room()).refresh()
    assert {"tokens": "other"} == load(path)


@pytest.mark.parametrize("after", [{}, {"codex": None}])
def test_a_credential_that_is_gone_takes_its_files_with_it(home: Home, after: dict[str, None]) -> None:
    """Removed, or switched off."""
    home.has(codex=encoded(LOGIN), claude=credential(KEY))
    agents = Agents(home.room())
    agents.refresh()
    home.has(**after)
    agents.refresh()
    assert not (home.path / ".codex/auth.json").exists()
    assert "" == sourced(home, "claude", "ANTHROPIC_API_KEY")
    assert KEY not in (home.path / ".hostel/agents/made.json").read_text()


def test_a_file_that_somebody_has_changed_is_not_removed(home: Home) -> None:
    """It may be another login."""
    home.has(codex=encoded(LOGIN))
    agents = Agents(home.room())
    agents.refresh()
    (home.path / ".codex/auth.json").write_text('{"by": "hand"}')
    home.has()
    agents.refresh()
    assert {"by": "hand"} == load(home.path / ".codex/auth.json")


def test_a_login_by_hand_is_kept_aside(home: Home) -> None:
    """The workspace's credential counts, and the tenant's is not lost."""
    (home.path / ".codex").mkdir()
    (home.path / ".codex/auth.json").write_text('{"by": "hand"}')
    home.has(codex=encoded(LOGIN))
    Agents(home.room()).refresh()
    assert LOGIN == load(home.path / ".codex/auth.json")
    assert {"by": "hand"} == load(home.path / ".codex/auth.json.before-hostel")


def test_claude_asks_nothing_at_its_first_start(home: Home) -> None:
    """Onboarded, the folder trusted, the key approved."""
    home.has(claude=credential(KEY))
    agents = Agents(home.room())
    agents.refresh(home.path / "one")
    agents.refresh(home.path / "two")
    settings = load(home.path / ".claude.json")
    assert settings["hasCompletedOnboarding"] is True
    trusted = {"hasTrustDialogAccepted": True}
    assert {str(home.path / "one"): trusted, str(home.path / "two"): trusted} == settings["projects"]
    assert [KEY[-20:]] == settings["customApiKeyResponses"]["approved"]
    assert 0o600 == stat.S_IMODE((home.path / ".claude.json").stat().st_mode)


def test_what_claude_or_its_user_has_set_is_left_alone(home: Home) -> None:
    """Also a no."""
    mine = {
        "hasCompletedOnboarding": False,
        "theme": "dark",
        "projects": {str(home.path): {"hasTrustDialogAccepted": False, "cost": 1}},
        "customApiKeyResponses": {"approved": [], "rejected": [KEY[-20:]]},
    }
    (home.path / ".claude.json").write_text(json.dumps(mine))
    before = (home.path / ".claude.json").stat().st_mtime_ns
    home.has(claude=credential(KEY))
    Agents(home.room()).refresh(home.path)
    assert mine == load(home.path / ".claude.json")
    assert before == (home.path / ".claude.json").stat().st_mtime_ns


@pytest.mark.parametrize(
    "content", ["[]", "not JSON", '{"projects": 7, "customApiKeyResponses": [1]}', '{"projects": {"X": 1}}']
)
def test_a_file_that_is_not_claudes_stays_as_it_is(home: Home, content: str) -> None:
    """What cannot be understood is not rewritten; what can be gets the rest."""
    (home.path / ".claude.json").write_text(content)
    home.has(claude=credential(KEY))
    Agents(home.room()).refresh(home.path)
    if content.startswith("{"):
        assert load(home.path / ".claude.json").items() >= {"hasCompletedOnboarding": True}.items()
    else:
        assert content == (home.path / ".claude.json").read_text()


def test_codex_and_gemini_are_seeded_when_they_have_nothing(home: Home) -> None:
    """And not otherwise."""
    (home.path / ".codex").mkdir()
    (home.path / ".codex/config.toml").write_text("mine = 1\n")
    home.has(gemini=credential("g"))
    Agents(home.room()).refresh()
    assert "mine = 1\n" == (home.path / ".codex/config.toml").read_text()
    assert "gemini-api-key" == load(home.path / ".gemini/settings.json")["security"]["auth"]["selectedType"]
    (home.path / ".codex/config.toml").unlink()
    Agents(home.room()).refresh()
    assert "daemon_auto_start = false" in (home.path / ".codex/config.toml").read_text()


@pytest.mark.parametrize("value", ["%%%", base64.b64encode(b"[1]").decode(), base64.b64encode(b"\xff").decode(), "  "])
def test_a_credential_that_is_none_makes_nothing(home: Home, value: str) -> None:
    """And is told of without its value."""
    home.has(codex=credential(value, "auth_json_b64"))
    agents = Agents(home.room())
    agents.refresh()
    assert not (home.path / ".codex/auth.json").exists()
    reason = next(info.reason for info in agents.info() if info.agent == "codex")
    assert reason is not None
    assert reason.startswith("the credential of `codex` is ")


def test_an_agent_that_is_not_installed_leaves_no_trace(home: Home) -> None:
    """A home is not littered."""
    for agent in home.agents.values():
        agent["command"] = ["/nonexistent"]
    home.has(claude=credential(KEY), codex=encoded(LOGIN))
    Agents(home.room()).refresh(home.path)
    assert {"vibecoder_workspace"} <= set(os.listdir(home.path)) <= {"vibecoder_workspace", ".hostel"}


# Hostile homes: the tenant's own doing, which must neither stop nor mislead the guest.


@pytest.mark.parametrize("path", [".claude.json", ".codex/auth.json", ".hostel/agents/made.json", ".hostel/agents/claude.env"])
@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "dangling"])
def test_something_else_in_a_files_place_does_no_harm(home: Home, path: str, kind: str) -> None:
    """A fifo does not hold the guest up, and nothing is written through a link."""
    target, canary = home.path / path, home.path / "canary"
    target.parent.mkdir(parents=True, exist_ok=True)
    canary.write_text("untouched")
    match kind:
        case "fifo":
            os.mkfifo(target)
        case "folder":
            target.mkdir()
        case _:
            target.symlink_to(canary if kind == "link" else home.path / "nowhere")
    home.has(claude=credential(KEY), codex=encoded(LOGIN))
    agents = Agents(home.room())
    agents.refresh(home.path)
    home.has()
    agents.refresh(home.path)
    assert "untouched" == canary.read_text()
    assert not (home.path / "nowhere").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"claude": 1}', '{"claude": {"type": "x", "value": "y"}}', "x" * 5_000_000]
)
def test_a_file_of_credentials_that_is_damaged_is_none(home: Home, content: str) -> None:
    """The agents start without."""
    (home.path / "vibecoder_workspace/providers.json").write_text(content)
    agents = Agents(home.room())
    agents.refresh()
    assert "" == sourced(home, "claude", "ANTHROPIC_API_KEY")
    assert 3 == len(agents.info())


def test_a_list_of_what_was_made_names_nothing_outside_the_home(home: Home, tmp_path: Path) -> None:
    """It is the tenant's to write."""
    victim = tmp_path / "victim"
    victim.write_text("x")
    status = victim.stat()
    made = {"source": 1, "identity": [status.st_ino, status.st_mtime_ns, status.st_size]}
    listed = home.path / ".hostel/agents/made.json"
    listed.parent.mkdir(parents=True)
    listed.write_text(json.dumps({str(victim): made, "../victim": made}))
    Agents(home.room()).refresh()
    assert victim.exists()


def test_what_must_not_be_shown_are_credentials_and_the_tokens_in_them(home: Home) -> None:
    """And no ordinary words."""
    token, refresh = "t0ken-" + "a" * 40, "r3fresh-" + "b" * 20
    login = {"tokens": {"access_token_of_the_account": token, "refresh": refresh, "name": "Ada", "about": "a text with spaces"}}
    home.has(claude=credential(KEY), codex=encoded(login), gemini=credential("short"), other=None)
    whole = base64.b64encode(json.dumps(login).encode()).decode()
    assert [whole, token, refresh, KEY] == Agents(home.room())._logins.secrets()


@pytest.mark.parametrize("name", [".profile", ".bash_profile", ".bash_login"])
def test_a_profile_of_the_tenants_own_stays(home: Home, name: str) -> None:
    (home.path / name).write_text("mine")
    Agents(home.room()).refresh()
    assert [name] == [found for found in (".profile", ".bash_profile", ".bash_login") if (home.path / found).exists()]
    assert "mine" == (home.path / name).read_text()


def test_login_shells_find_the_agents(home: Home) -> None:
    Agents(home.room()).refresh()
    assert 0o600 == stat.S_IMODE((home.path / ".profile").stat().st_mode)
    environment = {"HOME": str(home.path), "HOSTEL_PROGRAMS": "/the/programs", "PATH": "/usr/bin:/bin"}
    (home.path / ".bashrc").write_text("FROM_BASHRC=yes\n")
    command = ["/bin/bash", "-lc", "echo $PATH:$FROM_BASHRC"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert told.endswith(":/the/programs:yes\n"), told
