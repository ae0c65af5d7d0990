"""What api's tests start."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.fakehost import FakeHost
from tests.api.serving import Server, serving


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[FakeHost]:
    """A hostd in memory."""
    made = FakeHost(tmp_path / "hostd.sock")
    async with made.running():
        yield made


@pytest.fixture
async def server(tmp_path: Path, host: FakeHost) -> AsyncIterator[Server]:
    """api over `host`."""
    async with serving(tmp_path, host) as made:
        yield made
