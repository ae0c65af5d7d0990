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


OPERATOR = """
import json, time, urllib.error, urllib.request

def answered(path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request("http://127.0.0.1:8080" + path, data, {"Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0

while answered("/readyz") != 200:
    time.sleep(0.1)
print([answered("/api/auth/pam", {"user": "opal", "password": text}) for text in ("Operators-word", "another")])
"""


def test_an_operator_signs_in_by_pam_from_inside_of_the_unit(machine: Machine, seen: dict[str, Any]) -> None:
    assert seen
    machine.call("sh", "-c", "useradd -G hostel-admin opal && echo opal:Operators-word | chpasswd")
    configuration = machine.root / "etc/hostel/hostel.toml"
    kept = configuration.read_text(encoding="utf-8")
    configuration.write_text(f"{kept}\n[auth.pam]\n", encoding="utf-8")
    try:
        machine.call("systemctl", "restart", "hostel-hostd.service", "hostel-api.service")
        assert "[200, 401]" == machine.call("timeout", "60", "python3", "-I", "-", stdin=OPERATOR).strip()
    finally:
        configuration.write_text(kept, encoding="utf-8")
        machine.call("systemctl", "restart", "hostel-hostd.service", "hostel-api.service")


def test_hostelctl_has_a_manual_and_completions(machine: Machine) -> None:
    for path in ("man/man1/hostelctl.1", "man/man1/hostelctl-doctor.1", "bash-completion/completions/hostelctl"):
        assert machine.call("cat", f"/usr/share/{path}")
    assert "" == machine.call("bash", "-n", "/usr/share/bash-completion/completions/hostelctl")


def test_stopping_a_workspace_leaves_none_of_its_processes(machine: Machine, seen: dict[str, Any]) -> None:
    machine.call("hostelctl", "stop", seen["workspace"])
    assert (
        "0" == machine.call("sh", "-c", f"cat /proc/[0-9]*/status 2>/dev/null | grep -c '^Uid:.{seen['uid']}' || true").strip()
    )


def test_a_workspace_that_is_removed_leaves_nothing(machine: Machine, seen: dict[str, Any]) -> None:
    """The last here, as the workspace is gone after it. Cron was installed after hostd had started."""
    workspace, uid = seen["workspace"], str(seen["uid"])
    job = f"/var/spool/cron/crontabs/{workspace}"
    machine.call("sh", "-c", f"mkdir -p /var/spool/cron/crontabs && echo '@daily true' > {job} && chown {uid} {job}")
    tenant = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
    machine.call(*tenant, "sh", "-c", "ipcmk -M 4096 && mkdir -p /dev/shm/closed/in && chmod 0 /dev/shm/closed")
    machine.call("hostelctl", "delete", "--keep", workspace)
    assert "Jan 02, 1970" in machine.call("chage", "-l", workspace)
    machine.call("hostelctl", "restore", workspace)
    assert "Jan 02, 1970" not in machine.call("chage", "-l", workspace)
    machine.call("hostelctl", "delete", "--yes", workspace)
    roots = ("/var/lib/hostel", "/run/hostel", "/var/spool", "/var/mail", "/dev/shm")
    assert "" == machine.call("find", *roots, "-uid", uid)
    places = "/proc/sysvipc/* /etc/passwd /etc/group /etc/shadow"
    assert "" == machine.call("sh", "-c", f"grep -w -e {uid} -e {workspace} {places} || true")
