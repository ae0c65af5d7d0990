"""A home with transcripts in it."""

import sqlite3
from pathlib import Path
from typing import Final

FILES: Final = Path(__file__).parent
PLACES: Final = {
    "claude": ".claude/projects/-work/11111111-2222-4333-8444-555555555555.jsonl",
    "codex": ".codex/sessions/2026/11/02/rollout-2026-11-02T10-00-00-01a20295-0000-7000-8000-000000000001.jsonl",
    "gemini": ".gemini/tmp/work/chats/session-2026-11-03T10-00-c7113350.jsonl",
    "opencode": ".local/share/opencode/opencode.db",
}


def text(agent: str, cwd: str = "/work") -> str:
    """The transcript of an agent, which worked in `cwd`."""
    name = "opencode.sql" if agent == "opencode" else f"{agent}.jsonl"
    return (FILES / name).read_text(encoding="utf-8").replace("@CWD@", cwd)


def leave(home: Path, agent: str, cwd: str = "/work") -> Path:
    """Leave the agent's transcript in `home`, as it would; the file."""
    path = home / PLACES[agent]
    path.parent.mkdir(parents=True, exist_ok=True)
    if agent == "opencode":
        with sqlite3.connect(path) as database:
            database.executescript(text(agent, cwd))
        database.close()
        return path
    path.write_text(text(agent, cwd), encoding="utf-8")
    if agent == "gemini":
        (path.parent.parent / ".project_root").write_text(cwd)
    return path
