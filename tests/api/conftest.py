"""What api's tests start."""

import io
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from shared.log import configure
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
    """Api over `host`."""
    async with serving(tmp_path, host) as made:
        yield made


@pytest.fixture
def json_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the daemon would log, as it would log it, at every level."""
    stream = io.StringIO()
    handlers, level = logging.root.handlers[:], logging.root.level
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        configure("api", "debug")
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
