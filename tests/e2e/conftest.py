"""The agents as `hostelctl agents install` installs them, a stand-in for the model APIs, and a hostel with two tenants."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.modelled import settings
from tests.e2e.models.server import Models
from tests.e2e.work import AGENTS, OTHERS, Work
from tests.installed import install
from tests.stack import Stack


@pytest.fixture(scope="session")
def agents_folder() -> Path:
    """The installed agents."""
    return install(*AGENTS, *OTHERS)


@pytest.fixture(scope="session")
def agents_versions(agents_folder: Path) -> dict[str, str]:
    """What each program says of itself."""
    return {name: str((agents_folder / name).readlink()).rpartition("-")[0].rpartition("-")[2] for name in ("claude", "codex")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def models() -> AsyncIterator[Models]:
    """What the agents take for their vendors' models."""
    async with Models() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(agents_folder: Path, models: Models) -> AsyncIterator[Stack]:
    """A whole hostel, whose agents talk to the stand-in."""
    async with Stack(settings(agents_folder, models)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(stack: Stack, models: Models) -> Work:
    """A tenant with keys of her own."""
    return await Work.begin(stack, models, "alice")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bob(stack: Stack, models: Models) -> Work:
    """Another tenant, with other keys."""
    return await Work.begin(stack, models, "bob")
