import getpass
import grp
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from ctl.cli import hostelctl
from shared.hostwire import HostStatus, Layer, LayerState
from tests.ctl.fakehost import FakeHost
from tests.ctl.test_cli import STATUS

Fake = Callable[..., FakeHost]


@pytest.fixture
def examine(fake: Fake, tmp_path: Path, socket_path: Path) -> Callable[[HostStatus], dict[str, dict[str, str]]]:
    """Runs doctor against a hostd of that status; answers the findings by check, with the exit status as `exit`."""
    config = tmp_path / "hostel.toml"
    config.write_text(f'user = "{getpass.getuser()}"\n[hostd]\nguest_python = "{sys.executable}"\n[api]\nport = 1\n')

    def run(status: HostStatus) -> dict[str, Any]:
        fake(lambda _: status)
        socket_path.chmod(0o660)
        tmp_path.chmod(0o751)
        result = CliRunner().invoke(hostelctl, ["doctor", "--json", "--config", str(config), "--socket", str(socket_path)])
        return {finding["check"]: finding for finding in json.loads(result.stdout)} | {"exit": result.exit_code}

    return run


def test_what_is_well_is_told(examine: Callable[[HostStatus], dict[str, Any]]) -> None:
    found = examine(STATUS)
    assert ["ok", "ok"] == [found[check]["state"] for check in ("configuration", "hostd")]
    assert "ok" == found["layer mounts"]["state"]
    if os.geteuid() == 0 and grp.getgrgid(0).gr_name == "root":
        assert ["ok", "ok"] == [found[check]["state"] for check in ("socket", "socket's folder")]


def test_a_missing_layer_is_a_warning(examine: Callable[[HostStatus], dict[str, Any]]) -> None:
    assert {"check": "layer ipc", "state": "warning", "detail": "missing: the kernel has no IPC namespaces"} == examine(STATUS)[
        "layer ipc"
    ]


def test_a_required_layer_that_is_missing_is_a_failure(examine: Callable[[HostStatus], dict[str, Any]]) -> None:
    required = Layer(name="cgroup", state=LayerState.REQUIRED, detail="no tree")
    found = examine(msgspec.structs.replace(STATUS, layers=[required]))
    assert "failed" == found["layer cgroup"]["state"]
    assert 1 == found["exit"]


def test_an_api_that_does_not_listen_is_a_failure(examine: Callable[[HostStatus], dict[str, Any]]) -> None:
    found = examine(STATUS)
    assert "failed" == found["api"]["state"]
    assert 1 == found["exit"]


def test_a_socket_that_others_may_open_is_a_failure(fake: Fake, socket_path: Path) -> None:
    fake(lambda _: STATUS)
    socket_path.chmod(0o666)
    result = CliRunner().invoke(
        hostelctl, ["doctor", "--json", "--socket", str(socket_path), "--config", str(socket_path.parent / "none")]
    )
    found = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert "failed" == found["socket"]["state"]
    assert "0666" in found["socket"]["detail"]


def test_another_version_than_the_installed_one_asks_for_a_restart(examine: Callable[[HostStatus], dict[str, Any]]) -> None:
    found = examine(msgspec.structs.replace(STATUS, version="0.0.9"))
    assert "restart" in found["hostd"]["detail"]
    assert "warning" == found["hostd"]["state"]
