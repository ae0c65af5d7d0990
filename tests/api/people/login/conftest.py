"""A provider, and an api that knows it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.settings import Auth
from tests.api.fakehost import FakeHost
from tests.api.people.login.browser import FakeBrowser
from tests.api.people.login.provider import FakeProvider
from tests.api.serving import Server, serving


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    """A provider on the loopback."""
    async with FakeProvider().running() as made:
        yield made


@pytest.fixture
async def server(tmp_path: Path, host: FakeHost, fake: FakeProvider) -> AsyncIterator[Server]:
    """Api that lets people in who come from `fake`, by OpenID Connect as `fake` and by plain OAuth 2 as `plain`."""
    auth = Auth(provider={"fake": fake.configured(), "plain": fake.plain()})
    async with serving(tmp_path, host, auth=auth) as made:
        yield made


@pytest.fixture
def browser(server: Server) -> FakeBrowser:
    """A browser without cookies."""
    return FakeBrowser(server)
