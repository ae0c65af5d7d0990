"""`hostelctl workspaces --names` against a running api."""

import json
from pathlib import Path

import pytest

from tests.api.serving import Server
from tests.ctl.running import run


async def test_workspaces_have_their_names_when_api_is_asked(tmp_path: Path, server: Server) -> None:
    named, _ = await server.create(name="Blue team")
    nameless, _ = await server.create()
    listed = json.loads((await run(tmp_path, server.port, "workspaces", "--names", "--json")).stdout)
    assert {named: "Blue team", nameless: nameless} == {item["workspace"]: item["name"] for item in listed}
    lines = (await run(tmp_path, server.port, "workspaces", "--names")).stdout.splitlines()
    assert "name" == lines[0].split()[-1]
    assert {f"{named} Blue team", f"{nameless} {nameless}"} == {
        f"{line.split()[0]} {line.split('  ')[-1]}" for line in lines[1:]
    }
    assert "Blue team" not in (await run(tmp_path, server.port, "workspaces")).stdout


@pytest.mark.usefixtures("host")
async def test_without_api_there_are_no_names_and_a_reason(tmp_path: Path) -> None:
    failed = await run(tmp_path, 1, "workspaces", "--names")
    assert 3 == failed.exit_code
    assert "cannot reach api" in failed.stderr
