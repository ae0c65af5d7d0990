from collections.abc import Iterator

import pytest

from tests.systemd.machine import Machine


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A booted Debian with hostel installed, its users and folders made, and both daemons started."""
    with Machine() as machine:
        machine.call("systemd-sysusers")
        machine.call("systemd-tmpfiles", "--create")
        machine.call("systemctl", "daemon-reload")
        machine.call("systemctl", "enable", "--now", "hostel-hostd.socket", "hostel-hostd.service", "hostel-api.service")
        yield machine
