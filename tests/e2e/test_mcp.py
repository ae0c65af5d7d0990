"""Claude Code and Codex on a machine of their own, as clients of MCP: set up by the very files that hostel hands out."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.models.server import Asked
from tests.e2e.work import Work

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

WITHIN = 90.0
"""Seconds for a program to begin, ask its model, call a tool and end."""


class Machine:
    """A folder with a project in it, and a home: what an agent outside of hostel has."""

    def __init__(self, folder: Path, work: Work, key: str, agents: Path) -> None:
        self.home = folder / "home"
        self.project = folder / "project"
        self.agents = agents
        self._models = work.models
        self._environ = {
            "HOME": str(self.home),
            "PATH": f"{agents / 'node/bin'}:{os.environ['PATH']}",
            "HOSTEL_KEY": key,
            "NO_PROXY": "127.0.0.1",
        }
        self.home.mkdir()
        self.project.mkdir()

    async def run(self, *argv: str, **environ: str) -> str:
        """What a program prints; an assertion unless it ends well."""
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self.project,
            env=self._environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(WITHIN):
                output, errors = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(
                f"{argv[0]} did not end; it asked: {[asked.body for asked in self._models.asked[-3:]]}"
            ) from None
        assert 0 == process.returncode, (output + errors).decode()[-4000:]
        return output.decode()


async def machine(folder: Path, work: Work, agents: Path) -> Machine:
    """A machine with a key of the workspace."""
    made = await work.tenant.call("POST", f"{work.tenant.base}/keys", {"name": "outside", "rank": "member"}, status=201)
    return Machine(folder, work, made["key"], agents)


async def item(work: Work, name: str) -> str:
    """A file that connects."""
    body = await work.tenant.call("GET", f"{work.tenant.base}/connect")
    return str(next(item["content"] for item in body["items"] if item["name"] == name))


def told(asked: list[Asked]) -> str:
    """All that the model was told, without the backslashes of JSON in JSON."""
    return json.dumps([one.body for one in asked]).replace("\\", "")


def _prompt(mark: str, tool: str, **arguments: Any) -> str:  # noqa: ANN401  # JSON
    return f"{mark}\ncall: {tool} {json.dumps(arguments)}\nsay: I have seen it"


def _program(tool: str, **arguments: Any) -> str:  # noqa: ANN401  # JSON
    """How a model calls a tool of MCP in Codex: by a program."""
    return f"text(JSON.stringify(await tools.mcp__hostel__{tool}({json.dumps(arguments)})))"


async def test_claude_code_works_in_a_workspace_through_its_tools(alice: Work, tmp_path: Path, agents_folder: Path) -> None:
    outside = await machine(tmp_path, alice, agents_folder)
    (outside.project / ".mcp.json").write_text(await item(alice, "claude-mcp.json"))
    (outside.project / "CLAUDE.md").write_text(await item(alice, "AGENTS.md"))
    room = await alice.room()
    environ = {
        "ANTHROPIC_BASE_URL": alice.models.url,
        "ANTHROPIC_API_KEY": "sk-outside",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
    }
    claude = str(agents_folder / "claude/bin/claude")
    options = ["--mcp-config", ".mcp.json", "--strict-mcp-config", "--allowedTools", "mcp__hostel", "--output-format", "json"]
    listed = await outside.run(claude, "mcp", "list", **environ)
    assert "hostel" in listed
    write = {"sessionId": room.session, "path": "from-outside.txt", "text": "by claude, through MCP"}
    prompt = _prompt("Claude from outside:", "mcp__hostel__write_file", **write)
    done = json.loads(await outside.run(claude, "-p", prompt, *options, **environ))
    assert (False, "I have seen it") == (done["is_error"], done["result"])
    assert "by claude, through MCP" == (room.repo / "from-outside.txt").read_text()
    assert alice.tenant.uid == (room.repo / "from-outside.txt").stat().st_uid
    read = _prompt("Claude reads:", "mcp__hostel__run_command", sessionId=room.session, command="id -u; cat from-outside.txt")
    done = json.loads(await outside.run(claude, "-p", read, *options, **environ))
    assert not done["is_error"]
    assert f"{alice.tenant.uid}nby claude, through MCP" in told(alice.models.prompts("Claude reads:"))


async def test_codex_works_in_a_workspace_through_its_tools(alice: Work, tmp_path: Path, agents_folder: Path) -> None:
    outside = await machine(tmp_path, alice, agents_folder)
    config = outside.home / ".codex/config.toml"
    config.parent.mkdir()
    own = f'openai_base_url = "{alice.models.url}/v1"\n[features]\ndaemon_auto_start = false\n'
    config.write_text(own + await item(alice, "codex-config.toml"))
    (outside.project / "AGENTS.md").write_text(await item(alice, "AGENTS.md"))
    room = await alice.room()
    codex = str(agents_folder / "codex/bin/codex")
    assert "hostel" in await outside.run(codex, "mcp", "list")
    write = {"sessionId": room.session, "path": "from-codex.txt", "text": "by codex, through MCP"}
    prompt = _prompt("Codex from outside:", "exec", input=_program("write_file", **write))
    options = ["--json", "--skip-git-repo-check", "-s", "read-only"]
    printed = await outside.run(codex, "exec", *options, prompt, CODEX_API_KEY="sk-outside")
    assert "I have seen it" in printed
    assert "by codex, through MCP" == (room.repo / "from-codex.txt").read_text()
    look = _program("run_command", sessionId=room.session, command="id -u; cat from-codex.txt")
    read = _prompt("Codex reads:", "exec", input=look)
    await outside.run(codex, "exec", *options, read, CODEX_API_KEY="sk-outside")
    assert f"{alice.tenant.uid}nby codex, through MCP" in told(alice.models.prompts("Codex reads:"))
