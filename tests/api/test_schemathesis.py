"""schemathesis against a running server: no 5xx, and no answer that openapi.json does not tell of."""

import asyncio
import os
import sys

import pytest

from tests.api.process import ApiProcess, api_process

EXAMPLES = os.environ.get("HOSTEL_SCHEMATHESIS_EXAMPLES", "8")
CHECKS = ",".join(
    (
        "not_a_server_error",
        *(f"{part}_conformance" for part in ("status_code", "content_type", "response_schema", "response_headers")),
    )
)
ENDS_THE_TOKEN = ["--exclude-path", "/api/logout", "--exclude-path-regex", "secret/rotate$"]


async def run(api: ApiProcess, token: str | None, *options: str) -> None:
    headers = ["--header", f"Authorization: Bearer {token}"] if token else []
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "schemathesis.cli", "run", f"{api.url}/api/openapi.json", "--checks", CHECKS),
        *("--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing", "--mode", "all", "--no-color", "--seed", "1"),
        *("--suppress-health-check", "all", *headers, *options),
        cwd=api.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert 0 == process.returncode, output.decode()[-8000:]


@pytest.mark.parametrize("role", ["anonymous", "admin", "workspace"])
async def test_every_answer_is_documented(role: str) -> None:
    async with api_process() as api:
        token = None if role == "anonymous" else await api.admin()
        if role == "workspace":
            _, made = await api.call("POST", "/api/workspaces", {}, token)
            body = {"workspaceId": made["workspaceId"], "workspaceSecret": made["workspaceSecret"]}
            token = (await api.call("POST", "/api/workspaces/login", body))[1]["workspaceToken"]
            # Else nearly every request would end at a workspace that does not exist.
            (api.folder / "schemathesis.toml").write_text(f'[parameters]\n"path.workspaceId" = "{made["workspaceId"]}"\n')
        await run(api, token, *ENDS_THE_TOKEN)
        await run(api, token, "--include-path-regex", "logout$|rotate$")
