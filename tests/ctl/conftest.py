from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.fakehost import FakeHost as ApiHost
from tests.api.serving import Server, serving
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


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ApiHost]:
    """A hostd that keeps workspaces, for an api."""
    made = ApiHost(tmp_path / "hostd.sock")
    async with made.running():
        yield made


@pytest.fixture
async def server(tmp_path: Path, host: ApiHost) -> AsyncIterator[Server]:
    """An api on that hostd."""
    async with serving(tmp_path, host) as made:
        yield made
