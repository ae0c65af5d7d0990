import errno
import fcntl
import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ctl.base import Command
from ctl.cli import hostelctl
from shared.errors import Code
from shared.hostwire import (
    AuthType,
    CreateInvite,
    DeleteWorkspace,
    HostStatus,
    Invite,
    Layer,
    LayerState,
    Providers,
    ProviderView,
    ShowWorkspace,
    Status,
    StopWorkspace,
    Workspaces,
)
from shared.messages import Done, Failure, Reply, Request
from shared.secret import Secret
from tests.ctl.fakehost import FakeHost
from tests.ctl.test_client import WORKSPACE, info

Fake = Callable[..., FakeHost]
STATUS = HostStatus(
    version="0.1.0",
    started="2026-01-02T03:04:05Z",
    pid=4711,
    workspaces=3,
    running=1,
    uids_left=99_997,
    cgroups="v2",
    layers=[
        Layer(name="mounts", state=LayerState.ACTIVE, detail=""),
        Layer(name="ipc", state=LayerState.MISSING, detail="the kernel has no IPC namespaces"),
    ],
)


def test_the_help_says_what_each_exit_status_means() -> None:
    shown = CliRunner().invoke(hostelctl, ["--help"]).output
    assert "\n  Exit status:\n    0  it is done\n    1  it failed" in shown


def test_an_error_of_the_system_is_told_in_one_line() -> None:
    @click.command(cls=Command)
    def broken() -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/nowhere/x")

    result = CliRunner().invoke(broken)
    assert (1, "error: /nowhere/x: No such file or directory\n") == (result.exit_code, result.output)


def answer(request: Request) -> Reply:
    match request:
        case Status():
            return STATUS
        case CreateInvite():
            return Invite(token=Secret("hinv_once"), expires="2026-01-02T03:19:05Z")
        case ShowWorkspace():
            return info(1)
        case StopWorkspace() | DeleteWorkspace():
            return Done()
        case _ if "list" in type(request).__name__.lower():
            return Workspaces(items=[info(1), info(2)])
        case _:
            return Providers(providers={"claude": ProviderView(enabled=True, auth_type=AuthType.API_KEY)})


@pytest.fixture
def ctl(fake: Fake, socket_path: Path) -> Callable[..., Result]:
    """Runs hostelctl against a hostd that answers everything."""
    fake(answer)
    return lambda *argv: CliRunner().invoke(hostelctl, [*argv, "--socket", str(socket_path)])


def test_status_tells_of_the_daemon_and_the_layers(ctl: Callable[..., Result]) -> None:
    result = ctl("status")
    assert (0, "") == (result.exit_code, result.stderr)
    assert "4711" in result.output
    assert ["ipc", "missing", "the", "kernel", "has", "no", "IPC", "namespaces"] == result.output.splitlines()[-1].split()


@pytest.mark.parametrize("argv", [["--json", "status"], ["status", "--json"]])
def test_json_may_be_asked_for_anywhere(ctl: Callable[..., Result], argv: list[str]) -> None:
    reply = json.loads(ctl(*argv).output)
    assert {"name": "ipc", "state": "missing", "detail": "the kernel has no IPC namespaces"} == reply["layers"][1]
    assert {"version", "started", "pid", "workspaces", "running", "uids_left", "cgroups", "layers"} == set(reply)


def test_workspaces_are_plain_columns_in_a_pipe(ctl: Callable[..., Result]) -> None:
    lines = ctl("workspaces").output.splitlines()
    assert ["workspace", "uid", "state", "running", "processes", "created"] == lines[0].split()
    assert [f"w{1:024x}", "200001", "ready", "no", "0", "2026-01-02T03:04:05Z"] == lines[1].split()
    assert [f"w{1:024x}", f"w{2:024x}"] == [item["workspace"] for item in json.loads(ctl("workspaces", "--json").output)]


def test_workspaces_are_a_table_on_a_terminal(fake: Fake, socket_path: Path) -> None:
    """A pty of 120 columns shows rules, and each id whole."""
    fake(answer)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    fcntl.fcntl(ours, fcntl.F_SETFL, os.O_NONBLOCK)
    argv = [sys.executable, "-I", "-m", "ctl", "workspaces", "--socket", str(socket_path)]
    subprocess.run(argv, stdout=theirs, check=True, timeout=20, env={"TERM": "xterm", "PATH": os.environ["PATH"]})
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(theirs)
    assert "──" in shown
    assert f"w{2:024x}" in shown


def test_show_tells_of_one_workspace_and_its_providers(ctl: Callable[..., Result]) -> None:
    assert "claude (on, api_key)" in ctl("show", WORKSPACE).output
    shown = json.loads(ctl("show", WORKSPACE, "--json").output)
    assert {"claude": {"enabled": True, "auth_type": "api_key"}} == shown["providers"]
    assert 200_001 == shown["uid"]


def test_show_tells_of_a_workspace_that_is_locked(fake: Fake, socket_path: Path) -> None:
    def locked(request: Request) -> Reply:
        return info(1) if isinstance(request, ShowWorkspace) else Failure(code=Code.NOT_READY, message="it was deleted")

    fake(locked)
    result = CliRunner().invoke(hostelctl, ["show", WORKSPACE, "--socket", str(socket_path)])
    assert (0, True) == (result.exit_code, "200001" in result.output)
    shown = CliRunner().invoke(hostelctl, ["show", WORKSPACE, "--json", "--socket", str(socket_path)])
    assert json.loads(shown.output)["providers"] is None


def test_stop_says_what_it_did(ctl: Callable[..., Result]) -> None:
    assert f"{WORKSPACE} stopped\n" == ctl("stop", WORKSPACE).output
    assert {"workspace": WORKSPACE, "stopped": True} == json.loads(ctl("stop", WORKSPACE, "--json").output)


def test_nothing_is_deleted_when_nobody_can_be_asked(fake: Fake, socket_path: Path) -> None:
    host = fake(answer)
    result = CliRunner().invoke(hostelctl, ["delete", WORKSPACE, "--socket", str(socket_path)])
    assert 2 == result.exit_code
    assert "--yes" in result.stderr
    assert [] == host.requests


def test_delete_deletes_when_told_so(ctl: Callable[..., Result]) -> None:
    assert f"{WORKSPACE} deleted\n" == ctl("delete", WORKSPACE, "--yes").output


def test_an_invitation_is_the_token_alone_or_a_link(ctl: Callable[..., Result]) -> None:
    assert "hinv_once\n" == ctl("invite", "--admin").output
    assert "https://hostel.example/#redeem=hinv_once\n" == ctl("invite", "--admin", "--url", "https://hostel.example/").output
    assert {"token": "hinv_once", "expires": "2026-01-02T03:19:05Z"} == json.loads(ctl("invite", "--admin", "--json").output)


def test_a_link_leads_where_the_configuration_says(ctl: Callable[..., Result], tmp_path: Path) -> None:
    config = tmp_path / "hostel.toml"
    config.write_text('[api]\nlisten = "0.0.0.0"\nport = 8123\n')
    result = ctl("invite", "--admin", "--config", str(config), "--url")
    assert "http://127.0.0.1:8123/#redeem=hinv_once\n" == result.output
    config.write_text('[api]\npublic_url = "https://hostel.example/"\n')
    result = ctl("invite", "--admin", "--config", str(config), "--url")
    assert "https://hostel.example/#redeem=hinv_once\n" == result.output


@pytest.mark.parametrize(
    "argv",
    [
        ["invite"],
        ["invite", "--admin", "--lifetime", "9"],
        ["invite", "--admin", "--lifetime", "86401"],
        ["show"],
        ["show", "w0123456789abcdef0123456"],
        ["show", WORKSPACE + "\n"],
        ["stop", "../" + WORKSPACE],
        ["stop", "--force", WORKSPACE],
        ["delete", "w*", "--yes"],
        ["explode"],
    ],
)
def test_a_wrong_command_line_is_status_2_and_nothing_is_asked(fake: Fake, socket_path: Path, argv: list[str]) -> None:
    host = fake(answer)
    assert 2 == CliRunner().invoke(hostelctl, ["--socket", str(socket_path), *argv]).exit_code
    assert [] == host.requests


@pytest.mark.parametrize(
    ("code", "status"),
    [(Code.NOT_FOUND, 4), (Code.GONE, 4), (Code.UNAVAILABLE, 3), (Code.BUSY, 1), (Code.INTERNAL, 1), (Code.FORBIDDEN, 1)],
)
def test_a_failure_is_one_line_and_a_status(fake: Fake, socket_path: Path, code: Code, status: int) -> None:
    fake(lambda _: Failure(code=code, message="so it is"))
    result = CliRunner().invoke(hostelctl, ["stop", WORKSPACE, "--socket", str(socket_path)])
    assert (status, "error: so it is") == (result.exit_code, result.stderr.splitlines()[0])
    assert "" == result.stdout


def test_a_host_that_is_away_is_status_3_with_a_hint(tmp_path: Path) -> None:
    result = CliRunner().invoke(hostelctl, ["status", "--socket", str(tmp_path / "none")])
    assert 3 == result.exit_code
    assert result.stderr.startswith("error: cannot reach hostd at ")
    assert "hint:  " in result.stderr


def test_a_missing_configuration_is_told_with_its_path(tmp_path: Path) -> None:
    result = CliRunner().invoke(hostelctl, ["status", "--config", str(tmp_path / "none.toml")])
    assert (1, f"error: {tmp_path}/none.toml: No such file or directory") == (result.exit_code, result.stderr.splitlines()[0])


def test_rich_is_not_imported_unless_a_table_is_drawn() -> None:
    code = "import sys, ctl.cli; sys.exit('rich' in sys.modules or 'asyncio' in sys.modules or 'structlog' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_made_for_each_shell(shell: str) -> None:
    run = subprocess.run(
        [sys.executable, "-I", "-m", "ctl"],
        env={"_HOSTELCTL_COMPLETE": f"{shell}_source", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "hostelctl" in run.stdout
