"""What connects an agent to a workspace: rules for it, configurations of its MCP client, and a script that tries it out.

None of it holds a secret. Each client reads the key from the environment variable HOSTEL_KEY.
"""

import json
from dataclasses import dataclass
from typing import Final

from api.mcp.tools import TOOLS

KEY: Final = "HOSTEL_KEY"
"""The environment variable with the key."""
_PLACEHOLDER: Final = "paste-a-key-here"
_TOOL_SECONDS: Final = 120
"""What a client should allow a tool; the longest wait of one is under a minute."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file."""

    name: str
    title: str
    path: str
    """Where it goes."""
    media_type: str
    content: str


def items_of(base: str, workspace: str) -> tuple[Item, ...]:
    """All files for a workspace of the server at `base`, an address without a slash at its end."""
    url = f"{base}/api/mcp"
    return (
        Item("AGENTS.md", "Rules for agents", "AGENTS.md", "text/markdown", _rules(workspace)),
        Item("claude-mcp.json", "Claude Code", ".mcp.json", "application/json", _claude(url)),
        Item("cursor-mcp.json", "Cursor", ".cursor/mcp.json", "application/json", _cursor(url)),
        Item("codex-config.toml", "Codex", "~/.codex/config.toml", "application/toml", _codex(url)),
        Item("env.local", "Environment", ".env.local", "text/plain", _environment(base, workspace)),
        Item("smoke-test.sh", "Smoke test", "smoke-test.sh", "application/x-sh", _smoke_test(base, workspace)),
    )


def _rules(workspace: str) -> str:
    names = "\n".join(f"- `{tool.name}`: {tool.description.partition('. ')[0].rstrip('.')}." for tool in TOOLS)
    return f"""# Working in hostel

The MCP server `hostel` gives you workspace `{workspace}`: a Linux user of its own on another machine. Files that you see
locally are not there, and what you do there is not here.

- Work happens in sessions; each is a git clone. Begin with `list_sessions`, or make one with `create_session`.
- Paths are relative to the clone. Use `read_file`, `write_file` and `search_files`, rather than shell commands, for files.
- `run_command` waits for the end. What takes longer than a minute goes on in a terminal: look with `read_screen`.
- `prompt` gives another agent work in a session. Follow it with `get_turn` and `read_log`; answer what it asks with
  `list_permissions` and `answer_permission`. Approve only what whoever you work for would approve.
- Commit with `commit`. Nothing leaves the machine unless it is pushed.
- An error begins with a code. `not_found` also means that it is not yours; `forbidden` that the key has too few rights.
- The key is in `{KEY}`. Never print it, write it to a file, or put it on a command line.

## Tools

{names}
"""


def _claude(url: str) -> str:
    server = {"type": "http", "url": url, "headers": {"Authorization": f"Bearer ${{{KEY}}}"}}
    return _json({"mcpServers": {"hostel": server}})


def _cursor(url: str) -> str:
    server = {"url": url, "headers": {"Authorization": f"Bearer ${{env:{KEY}}}"}}
    return _json({"mcpServers": {"hostel": server}})


def _codex(url: str) -> str:
    lines = ("[mcp_servers.hostel]", f'url = "{url}"', f'bearer_token_env_var = "{KEY}"', f"tool_timeout_sec = {_TOOL_SECONDS}")
    return "".join(f"{line}\n" for line in lines)


def _environment(base: str, workspace: str) -> str:
    return f"HOSTEL_URL={base}\nHOSTEL_WORKSPACE={workspace}\n{KEY}={_PLACEHOLDER}\n"


def _smoke_test(base: str, workspace: str) -> str:
    return f"""#!/bin/sh
# Asks hostel for the workspace, then for the tools of its MCP server. The key comes from {KEY}, or from .env.local.
set -eu
if [ -z "${{{KEY}:-}}" ] && [ -f .env.local ]; then . ./.env.local; fi
: "${{{KEY}:?is the key of the workspace; set it, or write it into .env.local}}"
url="${{HOSTEL_URL:-{base}}}"
workspace="${{HOSTEL_WORKSPACE:-{workspace}}}"

# The key goes to curl by a pipe: whatever stands on a command line can be seen by all users of a machine.
ask() {{
  printf 'header = "Authorization: Bearer %s"\\n' "${KEY}" | curl --config - --fail --silent --show-error --max-time 30 "$@"
}}

if ! ask "$url/api/workspaces/$workspace" >/dev/null; then
  echo "workspace $workspace: not reached at $url; 401 is a wrong or revoked {KEY}, 404 the key of another workspace" >&2
  exit 1
fi
echo "workspace $workspace: reached"
ask "$url/api/mcp" -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
  --data '{{"jsonrpc":"2.0","id":1,"method":"tools/list"}}' | grep -q '"inputSchema"'
echo "MCP at $url/api/mcp: answers with tools"
"""


def _json(value: object) -> str:
    return f"{json.dumps(value, indent=2)}\n"
