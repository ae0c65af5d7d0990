"""A Debian with systemd: both daemons as units, and a terminal that lives through the end of each."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.systemd.machine import Machine

pytestmark = [pytest.mark.root, pytest.mark.systemd]
SCENARIO = Path(__file__).with_name("scenario.py")


@pytest.fixture(scope="module")
def seen(machine: Machine) -> dict[str, Any]:
    """What the scenario saw."""
    output = machine.call(
        "env",
        "HOME=/root",
        "/usr/lib/hostel/api/bin/python",
        "-I",
        "-",
        stdin=SCENARIO.read_text(encoding="utf-8"),
        timeout=240,
    )
    seen: dict[str, Any] = json.loads(output.splitlines()[-1])
    return seen


def test_a_terminal_lives_through_restarts_and_kills_of_both_daemons(seen: dict[str, Any]) -> None:
    """The shell says its pid once and counts on: no number is lost, none comes twice, and it was one shell throughout."""
    numbers = [int(number) for number in re.findall(r"line-(\d+)\r?\n", seen["output"])]
    assert list(range(1, len(numbers) + 1)) == numbers
    assert 1 == seen["output"].count("pid=")
    assert 0 == seen["gaps"]
    assert 5 == len(seen["blows"])
    # Three of the five blows hit api, and each made a connection anew; those against hostd alone did not.
    assert 4 == seen["connections"], seen["blows"]


def test_the_program_runs_as_the_workspace_s_user(seen: dict[str, Any]) -> None:
    assert 200_000 <= seen["uid"] == seen["shown"]["uid"]
    assert seen["alive"] >= 2


def test_a_room_is_a_scope_in_the_guests_slice(seen: dict[str, Any]) -> None:
    assert f"hostel-{seen['workspace']}.scope" in seen["cgroups"]


def test_the_doctor_finds_nothing_to_repair(seen: dict[str, Any]) -> None:
    assert [] == [finding for finding in seen["doctor"] if finding["state"] == "failed"]


def test_the_units_are_up_and_the_watchdog_is_fed(machine: Machine, seen: dict[str, Any]) -> None:
    assert seen
    for unit in ("hostel-hostd.service", "hostel-api.service"):
        shown = dict(line.split("=", 1) for line in machine.call("systemctl", "show", unit).splitlines() if "=" in line)
        assert ("active", "notify", "30s") == (shown["ActiveState"], shown["Type"], shown["WatchdogUSec"])
        assert "0" != shown["WatchdogTimestampMonotonic"]


def test_hostelctl_has_a_manual_and_completions(machine: Machine) -> None:
    for path in ("man/man1/hostelctl.1", "man/man1/hostelctl-doctor.1", "bash-completion/completions/hostelctl"):
        assert machine.call("cat", f"/usr/share/{path}")
    assert "" == machine.call("bash", "-n", "/usr/share/bash-completion/completions/hostelctl")


def test_stopping_a_workspace_leaves_none_of_its_processes(machine: Machine, seen: dict[str, Any]) -> None:
    machine.call("hostelctl", "stop", seen["workspace"])
    assert (
        "0" == machine.call("sh", "-c", f"cat /proc/[0-9]*/status 2>/dev/null | grep -c '^Uid:.{seen['uid']}' || true").strip()
    )
