"""The units as files: what systemd-analyze says of them."""

import subprocess
from pathlib import Path

import pytest

from shared.config import Config, load
from tests.systemd.machine import Machine

pytestmark = [pytest.mark.root, pytest.mark.systemd]
FOLDER = Path(__file__).parents[2] / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("hostel-*"))


def test_systemd_finds_nothing_to_say_about_the_units(machine: Machine) -> None:
    """Verify answers 0 also on unknown keys, so any word of it is a failure."""
    assert "" == machine.call("systemd-analyze", "verify", "--man=no", *UNITS)


# Hostd's guests inherit its namespaces and filters, and have to be whole Linux users; so it can lock itself in only so far.
@pytest.mark.parametrize(("unit", "threshold"), [("hostel-api.service", 15), ("hostel-hostd.service", 70)])
def test_a_unit_is_hardened_as_far_as_it_can_be(unit: str, threshold: int) -> None:
    argv = ["systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={threshold}", str(FOLDER / unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "option",
    [
        "RestrictNamespaces",
        "SystemCallFilter",
        "ProcSubset",
        "ProtectProc",
        "ProtectKernelTunables",
        "ProtectKernelLogs",
        "RestrictSUIDSGID",
        "RestrictAddressFamilies",
        "MemoryDenyWriteExecute",
        "ProtectHostname",
        "PrivateNetwork",
    ],
)
def test_hostd_does_not_take_from_its_guests_what_agents_need(option: str) -> None:
    """Each of these reaches the guests, and breaks unprivileged bubblewrap, the network, or a just-in-time compiler."""
    assert f"\n{option}=" not in (FOLDER / "hostel-hostd.service").read_text(encoding="utf-8")


def test_the_folders_of_tmpfiles_are_those_of_the_configuration() -> None:
    lines = (FOLDER / "tmpfiles.d/hostel.conf").read_text(encoding="utf-8").splitlines()
    folders = {line.split()[1] for line in lines if line.startswith("d ")}
    config = Config()
    assert {
        config.run,
        *(f"{config.run}/{name}" for name in ("guests", "credentials")),
        config.state,
        *(f"{config.state}/{name}" for name in ("hostd", "api", "homes", "tmp")),
    } == folders


def test_the_socket_is_where_the_configuration_says() -> None:
    assert f"ListenStream={Config().socket}\n" in (FOLDER / "hostel-hostd.socket").read_text(encoding="utf-8")


def test_the_installed_configuration_is_the_default_one(machine: Machine) -> None:
    assert Config() == load(machine.root / "etc/hostel/hostel.toml")
    assert "640 root hostel" == machine.call("stat", "-c", "%a %U %G", "/etc/hostel/hostel.toml").strip()
