"""schemathesis against a running server: no 5xx, and no answer that openapi.json does not tell of.

Every operation has all of its parameters tried, at the edges of what they may be and beyond, by the credential that may do the
most with it; by the others it is tried a few times.
"""

import asyncio
import os
import sys

from tests.api.process import ApiProcess, api_process

EXAMPLES = os.environ.get("HOSTEL_SCHEMATHESIS_EXAMPLES", "5")
CHECKS = ",".join(
    (
        "not_a_server_error",
        *(f"{part}_conformance" for part in ("status_code", "content_type", "response_schema", "response_headers")),
    )
)
EDGES = ("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES)
FEW = ("--phases", "fuzzing", "--max-examples", "2")

INSIDE = r"^/api/(workspaces/\{workspaceId\}|terminals|mcp|events)"
"""What a workspace's token does most with; of the rest that is an administrator's."""
SESSIONS = r"/sessions"
"""About half of that."""
ENDS = r"logout|/rotate$|/transfer$|/restore$"
"""What may end the credential that is used, or what it is for."""


async def run(api: ApiProcess, token: str | None, *options: str) -> None:
    headers = ["--header", f"Authorization: Bearer {token}"] if token else []
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "schemathesis.cli", "run", f"{api.url}/api/openapi.json", "--checks", CHECKS),
        *("--mode", "all", "--no-color", "--seed", "1", "--warnings", "off", "--generation-database", "none"),
        # Streams go on for ever.
        *("--suppress-health-check", "all", "--request-timeout", "2", *headers, *options),
        cwd=api.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert 0 == process.returncode, output.decode()[-8000:]


async def workspace(api: ApiProcess) -> str:
    """A workspace's token; requests name the workspace, or nearly all would end at one that does not exist."""
    _, made = await api.call("POST", "/api/workspaces", {}, await api.admin())
    body = {"workspaceId": made["workspaceId"], "workspaceSecret": made["workspaceSecret"]}
    (api.folder / "schemathesis.toml").write_text(f'[parameters]\n"path.workspaceId" = "{made["workspaceId"]}"\n')
    return str((await api.call("POST", "/api/workspaces/login", body))[1]["workspaceToken"])


async def test_what_anybody_is_answered_is_documented() -> None:
    async with api_process() as api:
        await asyncio.gather(
            run(api, None, *FEW, "--include-path-regex", INSIDE), run(api, None, *FEW, "--exclude-path-regex", INSIDE)
        )


async def test_what_an_administrator_is_answered_is_documented() -> None:
    async with api_process() as api:
        token = await api.admin()
        rest = f"{INSIDE}|{ENDS}"
        await asyncio.gather(
            run(api, token, *EDGES, "--exclude-path-regex", rest), run(api, token, *FEW, "--include-path-regex", rest)
        )


async def test_what_a_workspace_is_answered_is_documented() -> None:
    async with api_process() as api:
        token = await workspace(api)
        away = f"{ENDS}|^/api/workspaces/[^/]*$"
        await asyncio.gather(
            run(api, token, *EDGES, "--include-path-regex", SESSIONS, "--exclude-path-regex", away),
            run(api, token, *EDGES, "--include-path-regex", INSIDE, "--exclude-path-regex", f"{SESSIONS}|{away}"),
            run(api, token, *FEW, "--exclude-path-regex", f"{INSIDE}|{ENDS}"),
        )
        await run(api, token, *EDGES, "--include-path-regex", away)
