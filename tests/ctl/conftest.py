from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ctl.fakehost import Answer, FakeHost


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "hostd.sock"


@pytest.fixture
def fake(socket_path: Path) -> Iterator[Callable[..., FakeHost]]:
    """Makes a hostd that answers as the test says."""
    hosts: list[FakeHost] = []

    def start(answer: Answer, **more: Any) -> FakeHost:  # noqa: ANN401  # passed on
        hosts.append(FakeHost(socket_path, answer, **more))
        return hosts[-1]

    yield start
    for host in hosts:
        host.close()
