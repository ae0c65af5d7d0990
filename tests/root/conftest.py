"""A stack for the tests of a module, and two tenants on it; or hostd alone, and a caller."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.root.hostd_harness import Client, Hostd
from tests.stack import Stack, Tenant


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """A whole hostel, for the tests of one module."""
    async with Stack() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(stack: Stack) -> Tenant:
    """A tenant."""
    return await stack.tenant("alice")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bob(stack: Stack) -> Tenant:
    """Another tenant."""
    return await stack.tenant("bob")


@pytest.fixture(scope="module")
def hostd() -> Iterator[Hostd]:
    """The root daemon, for the tests of one module."""
    with Hostd() as running:
        yield running


@pytest.fixture
def client(hostd: Hostd) -> Iterator[Client]:
    """A connection to it, as root."""
    with hostd.client() as caller:
        yield caller
