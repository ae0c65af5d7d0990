"""A stack for the tests of a module, and two tenants on it."""

from collections.abc import AsyncIterator

import pytest_asyncio

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
